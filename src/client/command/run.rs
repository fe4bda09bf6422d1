//! All transfers of a command line, and what there is to say of each.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::ask::read_data;
use super::fetch::{Fetcher, print};
use super::stop::{Stop, complain};
use super::transfer::Transfer;
use super::write_out::{Format, Stream, line};
use crate::cli::client::ClientOptions;

/// Fetches one URL after the other. One that fails does not keep the others from their turn; the
/// exit code is the last one's, as with curl.
///
/// # Errors
/// What keeps all of them from being made.
pub fn run(options: &ClientOptions) -> Result<u8, Stop> {
    let format = format(options)?;
    let mut lines = options.json_out.as_deref().map(lines).transpose()?;
    let fetcher = Fetcher::new(options)?;
    let at_once = options.pipeline && options.dry.is_none();
    let requests = if at_once { fetcher.requests()? } else { Vec::new() };
    let mut pipeline = at_once.then(|| fetcher.pipeline(&requests)).transpose()?;
    let mut code = 0;
    for (number, url) in options.urls.iter().enumerate() {
        let mut transfer = Transfer::new(url, number);
        code = match fetcher.fetch(&mut transfer, pipeline.as_mut()) {
            Ok(()) => 0,
            Err(Stop::BrokenPipe) => return Ok(0),
            Err(stop) => {
                if !options.silent || options.show_error {
                    stop.say();
                }
                stop.exit_code()
            }
        };
        if options.dry.is_some() {
            continue;
        }
        if let Some(format) = &format {
            for (stream, text) in format.of(&transfer) {
                match stream {
                    Stream::Stdout => print(text.as_bytes())?,
                    Stream::Stderr => complain(&text),
                }
            }
        }
        if let (Some(lines), Some(path)) = (&mut lines, &options.json_out) {
            let written = lines.write_all((line(&transfer) + "\n").as_bytes());
            written.map_err(|error| Stop::Write(path.display().to_string(), error))?;
        }
    }
    Ok(code)
}

/// Reads what `-w` says.
fn format(options: &ClientOptions) -> Result<Option<Format>, Stop> {
    let Some(format) = options.write_out.as_deref() else { return Ok(None) };
    let text = match format.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&read_data(Path::new(path))?).into_owned(),
        None => format.to_owned(),
    };
    Format::parse(&text).map(Some).map_err(Stop::Usage)
}

/// Where the lines of `--json-out` go.
fn lines(path: &Path) -> Result<Box<dyn Write>, Stop> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file = File::create(path);
    Ok(Box::new(file.map_err(|error| Stop::Write(path.display().to_string(), error))?))
}
