//! `-z`, `--etag-compare`, `--etag-save`: an answer that depends on what the client has (RFC 9110, 13).

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;
use std::time::SystemTime;

use super::error::{CommandError, print_stderr, print_stdout};
use super::typed_date::parse_typed_date;
use crate::cli::client::ClientOptions;
use crate::cli::client::conditional::TimeCondition;
use crate::proto::http::date::{imf_fixdate, parse_http_date};
use crate::proto::http::head::ResponseHead;

/// What the requests of an operation depend on.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    time: Option<Time>,
    etag: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Time {
    Since(SystemTime),
    NotSince(SystemTime),
}

impl Condition {
    /// Reads the files that the options name. As with curl, a time that is neither a date nor a file is a line on stderr,
    /// and no condition: the first run with `-z FILE -o FILE` has none.
    ///
    /// # Errors
    /// When the file of the ETag cannot be read; if `--etag-save` is to make it, it need not be there.
    pub(super) fn read(options: &ClientOptions) -> Result<Condition, CommandError> {
        let wanted = &options.condition;
        let time = wanted.time.as_ref().and_then(|typed| {
            let (typed, time): (_, fn(SystemTime) -> Time) = match typed {
                TimeCondition::Since(typed) => (typed, Time::Since),
                TimeCondition::NotSince(typed) => (typed, Time::NotSince),
            };
            let of_file = || fs::metadata(typed).and_then(|about| about.modified()).ok();
            let found = typed.to_str().and_then(parse_typed_date).or_else(of_file);
            if found.is_none() && !options.global.silent {
                let typed = typed.display();
                print_stderr(format!(
                    "client: -z: {typed:?} is not a date, and there is no such file, so the request has no condition\n"
                ));
            }
            found.map(time)
        });
        let etag = wanted.etag_compare.as_deref().map(|path| match fs::read_to_string(path) {
            Ok(text) => Ok(text.lines().collect()),
            Err(error) if error.kind() == ErrorKind::NotFound && wanted.etag_save.is_some() => {
                Ok(String::new())
            }
            Err(error) => Err(CommandError::ReadData(path.display().to_string(), error)),
        });
        // As with curl: an ETag that no response has.
        let etag = etag.transpose()?.map(|etag: String| match etag.is_empty() {
            true => "\"\"".to_owned(),
            false => etag,
        });
        Ok(Condition { time, etag })
    }

    /// Returns the fields that say so.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let time = self.time.map(|time| match time {
            Time::Since(time) => ("If-Modified-Since", imf_fixdate(time)),
            Time::NotSince(time) => ("If-Unmodified-Since", imf_fixdate(time)),
        });
        time.into_iter().chain(self.etag.clone().map(|etag| ("If-None-Match", etag)))
    }

    /// Returns true if the client has what the server has: the status is 304, or a server that ignores the condition shows
    /// its time. Then nothing is written.
    pub(super) fn is_unmet(&self, head: &ResponseHead) -> bool {
        if head.status.code() == 304 {
            return true;
        }
        let modified = head.headers.first("last-modified").and_then(parse_http_date);
        let Some((time, modified)) = self.time.zip(modified).filter(|_| head.status.code() == 200)
        else {
            return false;
        };
        match time {
            Time::Since(time) => modified <= time,
            Time::NotSince(time) => modified > time,
        }
    }
}

/// Writes the ETag of a response to the file of `--etag-save`; a response with a body and without an ETag empties it.
///
/// # Errors
/// When it cannot be written.
pub(super) fn save_etag(
    options: &ClientOptions,
    head: Option<&ResponseHead>,
) -> Result<(), CommandError> {
    let Some((path, head)) = options.condition.etag_save.as_deref().zip(head) else {
        return Ok(());
    };
    let etag = head.headers.text("etag").map(|etag| format!("{etag}\n"));
    let text = match (head.status.code(), etag) {
        (200..=299 | 304, Some(etag)) => etag,
        (200..=299, None) => String::new(),
        _ => return Ok(()),
    };
    if path == Path::new("-") {
        return print_stdout(text.as_bytes());
    }
    let written =
        |path: &Path| -> io::Result<()> { File::create(path)?.write_all(text.as_bytes()) };
    written(path).map_err(|error| CommandError::output_failed(path.display().to_string(), error))
}
