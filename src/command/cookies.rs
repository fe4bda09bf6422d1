//! `-b FILE`, `-c FILE`: the cookies that are read at the beginning, and those that are written at the end.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process;

use super::error::{CommandError, print_stderr, print_stdout};
use super::standard_stream::stdin;
use crate::cli::client::ClientOptions;
use crate::client::Cookies;

/// Reads the cookies of the files. A file that cannot be read is a line on stderr, as with curl: the first run with
/// `-b FILE -c FILE` has none.
pub(super) fn read(options: &ClientOptions, cookies: &Cookies) {
    let wanted = &options.cookies;
    if !wanted.are_kept() {
        return;
    }
    for path in wanted.files.iter().filter(|path| !path.as_os_str().is_empty()) {
        match content(path) {
            Ok(content) => cookies.read(content),
            Err(error) if !options.global.silent => {
                print_stderr(format!("client: no cookies from {}: {error}\n", path.display()));
            }
            Err(_) => {}
        }
    }
    if wanted.new_session {
        cookies.end_session();
    }
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    if path.as_os_str() != "-" {
        return fs::read(path);
    }
    let mut content = Vec::new();
    stdin()?.read_to_end(&mut content)?;
    Ok(content)
}

/// Writes all cookies to the file of `-c`.
///
/// # Errors
/// When it cannot be written; then an earlier one is as it was.
pub(super) fn save(options: &ClientOptions, cookies: &Cookies) -> Result<(), CommandError> {
    let Some(path) = options.cookies.jar.as_deref() else { return Ok(()) };
    let text = cookies.to_file();
    if path.as_os_str() == "-" {
        return print_stdout(&text);
    }
    write(path, &text)
        .map_err(|error| CommandError::output_failed(path.display().to_string(), error))
}

/// Replaces a file in one step by one that only its owner may read. A device or a pipe is written to.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return File::options().write(true).open(path)?.write_all(text);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", process::id()));
    let written = File::options().write(true).create_new(true).mode(0o600).open(&beside);
    let written =
        written.and_then(|mut file| file.write_all(text)).and_then(|()| fs::rename(&beside, path));
    written.inspect_err(|_| drop(fs::remove_file(&beside)))
}
