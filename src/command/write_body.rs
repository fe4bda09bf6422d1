//! Writes a body to a file or to stdout, and counts its bytes for the progress line.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::partial_file::PartialFile;
use super::pretty::{LIMIT, is_json, pretty};
use super::rate_limit::BodyMeter;
use super::standard_stream::{StandardStream, stdout};
use super::tty_guard::TtyGuard;
use crate::cli::client::{ClientOptions, Pretty};
use crate::client::{Error, Response};
use crate::proto::http::date::parse_http_date;
use crate::proto::http::headers::Headers;
use crate::text::wants_colour;

use super::error::CommandError;

/// Writes the body of one response.
pub struct BodyWriter<'o> {
    options: &'o ClientOptions,
    meter: BodyMeter,
    /// The bytes that were written.
    passed: u64,
    /// The bytes that were received for them: fewer, if they were coded.
    received: u64,
    /// The number of bytes of heads that were written.
    heads: u64,
    /// The most bytes that are received.
    most: u64,
    /// The heads of the redirects that led here, still to be written.
    hops: Vec<u8>,
}

impl BodyWriter<'_> {
    /// Returns a writer of at most `most` bytes for a response after redirects; `hops` are their heads.
    pub(super) fn new(
        options: &ClientOptions,
        hops: Vec<u8>,
        meter: BodyMeter,
        most: u64,
    ) -> BodyWriter<'_> {
        BodyWriter { options, meter, passed: 0, received: 0, heads: 0, most, hops }
    }

    /// Returns the options that it writes by.
    pub(super) fn options(&self) -> &ClientOptions {
        self.options
    }

    /// Returns the number of bytes that were written, heads included.
    pub(super) fn delivered(&self) -> u64 {
        self.heads + self.passed
    }

    /// Writes to a file, which appears under its name once it is complete; returns that name.
    pub fn keep(
        &mut self,
        response: &mut Response,
        parts: Parts,
        path: &Path,
        file: io::Result<PartialFile>,
    ) -> Result<PathBuf, CommandError> {
        let name = || path.display().to_string();
        let mut file = file.map_err(|error| CommandError::Write(name(), error))?;
        match self.deliver(response, parts, &mut file) {
            Ok(()) => {
                let modified = modified(self.options, &response.head().headers);
                file.finish(modified).map_err(|error| CommandError::Write(name(), error))
            }
            Err(why) => {
                let stop = CommandError::not_written(name(), why);
                let kept = match self.options.files.removes_part {
                    true => file.remove(),
                    false => file.give_up(),
                };
                Err(match kept {
                    Some(part) => CommandError::Kept(Box::new(stop), part),
                    None => stop,
                })
            }
        }
    }

    /// Writes to stdout, with `to_see` for a person, if that is a terminal.
    pub fn show(
        &mut self,
        response: &mut Response,
        parts: Parts,
        to_see: bool,
    ) -> Result<(), CommandError> {
        let failed = |why| CommandError::not_written("stdout".to_owned(), why);
        let mut stdout = stdout().map_err(|error| failed(WriteBodyError::Write(error)))?;
        let seen = to_see && stdout.as_file().is_terminal();
        let is_pretty = match self.options.pretty {
            Pretty::Always => true,
            Pretty::Auto => seen,
            Pretty::Never => false,
        };
        let done = if is_pretty && parts != Parts::Heads && is_json(&response.head().headers) {
            self.json(response, parts, &mut stdout)
        } else if seen {
            self.deliver(response, parts, &mut TtyGuard::new(&mut stdout))
        } else {
            self.deliver(response, parts, &mut stdout)
        };
        done.map_err(failed)
    }

    /// Formats JSON once it is complete; a body that is too long, cut short or not JSON stays as
    /// received.
    fn json(
        &mut self,
        response: &mut Response,
        parts: Parts,
        stdout: &mut StandardStream,
    ) -> Result<(), WriteBodyError> {
        self.heads(response, parts, stdout).map_err(WriteBodyError::Write)?;
        let mut text = Vec::new();
        let mut came = Ok(());
        while text.len() <= LIMIT {
            match response.piece() {
                Ok(Some(piece)) if (text.len() + piece.len()) as u64 > self.most => {
                    came = Err(WriteBodyError::TooLarge);
                    break;
                }
                Ok(Some(piece)) => text.extend_from_slice(piece),
                Ok(None) => break,
                Err(error) => {
                    came = Err(WriteBodyError::Answer(error));
                    break;
                }
            }
        }
        (self.passed, self.received) = (text.len() as u64, response.received());
        let shown = Some(&text).filter(|text| came.is_ok() && text.len() <= LIMIT);
        let shown = shown.and_then(|text| pretty(text, wants_colour())).map(String::into_bytes);
        let written = stdout.write_all(shown.as_deref().unwrap_or(&text));
        written.and_then(|()| stdout.flush()).map_err(WriteBodyError::Write)?;
        came?;
        self.deliver(response, Parts::Body, stdout) // of a text that is too long, the rest
    }

    /// Writes the body as it arrives, heads and trailer fields as received, byte for byte.
    fn deliver(
        &mut self,
        response: &mut Response,
        parts: Parts,
        out: &mut impl Write,
    ) -> Result<(), WriteBodyError> {
        self.heads(response, parts, out).map_err(WriteBodyError::Write)?;
        if parts == Parts::Heads {
            return out.flush().map_err(WriteBodyError::Write);
        }
        while let Some(piece) = response.piece().map_err(WriteBodyError::Answer)? {
            let passed = self.passed + piece.len() as u64;
            if passed > self.most {
                return Err(WriteBodyError::TooLarge);
            }
            // A slow response is shown as it arrives.
            out.write_all(piece).and_then(|()| out.flush()).map_err(WriteBodyError::Write)?;
            self.meter.passed(response.received() - self.received);
            (self.passed, self.received) = (passed, response.received());
        }
        if parts == Parts::All
            && let Some(trailers) = response.trailers()
        {
            let mut text = Vec::new();
            trailers.encode(&mut text);
            out.write_all(&text).map_err(WriteBodyError::Write)?;
        }
        out.flush().map_err(WriteBodyError::Write)
    }

    /// Writes the heads of the redirects, once, and those of this response.
    fn heads(&mut self, response: &Response, parts: Parts, out: &mut impl Write) -> io::Result<()> {
        let mut heads = std::mem::take(&mut self.hops);
        if parts != Parts::Body {
            let all = response.interim().iter().chain([response.head()]);
            all.for_each(|head| heads.extend_from_slice(head.headers.source()));
        }
        self.heads += heads.len() as u64;
        out.write_all(&heads)
    }
}

/// Returns the time that a file gets: with `-R` that of Last-Modified.
pub(super) fn modified(options: &ClientOptions, headers: &Headers) -> Option<SystemTime> {
    let field = headers.first("last-modified").filter(|_| options.files.keeps_time);
    field.and_then(parse_http_date)
}

/// Why a response was not written completely.
#[derive(Debug)]
pub enum WriteBodyError {
    /// It could not be received.
    Answer(Error),
    /// It could not be written.
    Write(io::Error),
    /// It is longer than `--max-filesize` says.
    TooLarge,
}

/// The parts of a response that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// The body.
    Body,
    /// The heads only, even if a body follows.
    Heads,
    /// The heads, the body, and the trailer fields.
    All,
}
