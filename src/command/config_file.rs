//! Files of flags: `-K FILE`, and the usual flags of a user.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read as _};
use std::path::PathBuf;

use super::standard_stream::stdin;

/// The name of the file with the usual flags. `.curlrc` is not read: it may have flags that there are not.
const NAME: &str = ".threadbarerc";

/// Returns the file with the usual flags, if there is one: in `$XDG_CONFIG_HOME`, else in `$HOME`.
pub fn usual() -> Option<OsString> {
    let folders = ["XDG_CONFIG_HOME", "HOME"].into_iter().filter_map(env::var_os);
    let mut paths =
        folders.filter(|path| !path.is_empty()).map(|path| PathBuf::from(path).join(NAME));
    paths.find(|path| path.exists()).map(PathBuf::into_os_string)
}

/// Returns the content of a file of flags; `-` is stdin.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &OsStr) -> io::Result<Vec<u8>> {
    if path != "-" {
        return fs::read(path);
    }
    let mut content = Vec::new();
    stdin()?.read_to_end(&mut content)?;
    Ok(content)
}
