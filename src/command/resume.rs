//! `-C`: the rest of a body of which the beginning is there.
//!
//! That both belong together the server checks, by If-Range (RFC 9110, 13.1.5) with the validator of
//! the answer that the beginning is from: a strong ETag, or a strong Last-Modified (8.8). Where none was
//! kept it is the time of the file, as curl's `-R` leaves it: any other time is no match, and the body
//! comes whole. What says that it is another body is never put behind the one at hand.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::partial_file::{PartialFile, beside};
use crate::client::{Error, Request};
use crate::proto::http::chars::decimal;
use crate::proto::http::date::{imf_fixdate, parse_http_date};
use crate::proto::http::etag::EntityTag;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;

/// What is asked for: all from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The first byte of it, counted from 0.
    pub from: u64,
    /// What it has to be part of: the value of If-Range.
    pub validator: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeOutcome {
    /// The rest.
    Rest,
    /// All of it, as it is another by now.
    Whole,
    /// Nothing is missing.
    Nothing,
}

impl Rest {
    /// Asks for the rest.
    ///
    /// # Errors
    /// [`Error::Field`] when the validator that was kept can be none.
    pub fn prepare(&self, request: Request) -> Result<Request, Error> {
        let request = request.with_default("Range", format!("bytes={}-", self.from))?;
        match &self.validator {
            Some(validator) => request.with_default("If-Range", validator),
            None => Ok(request),
        }
    }

    /// Returns what this response contains; `None` if it is an error response.
    ///
    /// # Errors
    /// What does not fit.
    pub fn judge(&self, head: &ResponseHead) -> Result<Option<ResumeOutcome>, String> {
        let from = self.from;
        let range = head.headers.first("content-range").and_then(content_range);
        match (head.status.code(), range) {
            (206, Some((Some(start), _))) if start == from => {
                // A server that knows no If-Range sends the rest of whatever it has.
                let kept = self.validator.as_deref().unwrap_or_default();
                let name = if kept.starts_with('"') { "etag" } else { "last-modified" };
                match head.headers.text(name) {
                    Some(its) if !kept.is_empty() && its != kept => Err(format!(
                        "the file on the server has changed: it is {its}, but the local part is \
                         from {kept} (RFC 9110, 13.1.5); right: the whole file, without -C"
                    )),
                    _ => Ok(Some(ResumeOutcome::Rest)),
                }
            }
            (206, _) => Err(format!(
                "the server did not send the requested range, bytes {from}- (RFC 9110, 14.4)"
            )),
            (416, Some((None, Some(length)))) if length != from && self.validator.is_some() => Err(
                format!("the local file has {from} bytes, but the file on the server has {length}"),
            ),
            (416, _) => Ok(Some(ResumeOutcome::Nothing)),
            (200..=299, _) if self.validator.is_some() => Ok(Some(ResumeOutcome::Whole)),
            (200..=299, _) => {
                Err("the server does not support ranges, so the download cannot be continued"
                    .to_owned())
            }
            _ => Ok(None),
        }
    }
}

/// Parses `bytes 5-9/10` or `bytes */10` (RFC 9110, 14.4): where the part begins, and how long the whole is.
fn content_range(value: &[u8]) -> Option<(Option<u64>, Option<u64>)> {
    let (range, whole) = str::from_utf8(value).ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let start = match range {
        "*" => None,
        range => Some(decimal(range.split_once('-')?.0.as_bytes())?),
    };
    Some((start, decimal(whole.as_bytes())))
}

/// What is there already of a file, when it is to be continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtHand {
    /// What is missing.
    pub rest: Rest,
    path: PathBuf,
}

impl AtHand {
    /// Looks what is there of this file: `FILE.part`, or `FILE` itself, as curl leaves it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(target: &Path) -> io::Result<Option<AtHand>> {
        for path in [beside(target, ".part"), target.to_owned()] {
            let about = match fs::metadata(&path) {
                Ok(about) if about.is_file() && about.len() > 0 => about,
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let kept = fs::read_to_string(beside(&path, ".validator"));
            let validator = match kept.as_deref().map(str::trim_end) {
                Ok(kept) if !kept.is_empty() => kept.to_owned(),
                _ => imf_fixdate(about.modified()?),
            };
            let rest = Rest { from: about.len(), validator: Some(validator) };
            return Ok(Some(AtHand { rest, path }));
        }
        Ok(None)
    }

    /// Renames the partial file, which is complete.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(&self, target: &Path) -> io::Result<()> {
        match self.path == target {
            true => Ok(()),
            false => PartialFile::go_on(target, self)?.finish(),
        }
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns the validator of this response for If-Range: its strong ETag, or else a Last-Modified that is a
/// second older than its Date, and so a strong validator (RFC 9110, 8.8.2.2; 13.1.5).
pub fn validator(head: &Headers) -> Option<String> {
    if let Some(tag) = head.first("etag") {
        let is_strong = EntityTag::parse(tag).is_some_and(|tag| !tag.is_weak());
        return head.text("etag").filter(|_| is_strong).map(str::to_owned);
    }
    let date = |name| -> Option<SystemTime> { head.first(name).and_then(parse_http_date) };
    let is_strong = date("last-modified")? + Duration::from_secs(1) <= date("date")?;
    head.text("last-modified").filter(|_| is_strong).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::status::Status;

    #[test]
    fn only_a_strong_validator_will_do() {
        const OLD: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
        const NEW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (fields, want) in [
            (&[][..], None),
            (&[("ETag", "\"a\""), ("Last-Modified", OLD), ("Date", NEW)], Some("\"a\"")),
            (&[("ETag", "W/\"a\""), ("Last-Modified", OLD), ("Date", NEW)], None),
            (&[("ETag", "nonsense")], None),
            (&[("Last-Modified", OLD), ("Date", NEW)], Some(OLD)),
            (&[("Last-Modified", NEW), ("Date", NEW)], None),
            (&[("Last-Modified", OLD)], None),
        ] {
            let mut head = Headers::new();
            fields.iter().for_each(|(name, value)| head.append(name, value).unwrap());
            assert_eq!(validator(&head).as_deref(), want, "{fields:?}");
        }
    }

    #[test]
    fn what_an_answer_is() {
        let (kept, date) = (Some("\"a\"".to_owned()), Some("x".to_owned()));
        let came = |came| Ok(Some(came));
        for (validator, code, fields, want) in [
            (None, 206, &[("Content-Range", "bytes 5-9/10")][..], came(ResumeOutcome::Rest)),
            (None, 206, &[("Content-Range", "bytes 4-9/10")], Err(())),
            (None, 206, &[], Err(())),
            (None, 206, &[("Content-Range", "bytes */10")], Err(())),
            (None, 200, &[], Err(())),
            (None, 416, &[("Content-Range", "bytes */5")], came(ResumeOutcome::Nothing)),
            (None, 404, &[], Ok(None)),
            (kept.clone(), 206, &[("Content-Range", "bytes 5-9/10")], came(ResumeOutcome::Rest)),
            (kept.clone(), 206, &[("Content-Range", "bytes 5-9/*"), ("ETag", "\"b\"")], Err(())),
            (date, 206, &[("Content-Range", "bytes 5-9/*"), ("Last-Modified", "y")], Err(())),
            (kept.clone(), 200, &[], came(ResumeOutcome::Whole)),
            (kept.clone(), 416, &[("Content-Range", "bytes */5")], came(ResumeOutcome::Nothing)),
            (kept, 416, &[("Content-Range", "bytes */4")], Err(())),
        ] {
            let mut head = ResponseHead::new(Status::new(code).unwrap());
            fields.iter().for_each(|(name, value)| head.headers.append(name, value).unwrap());
            let judged = Rest { from: 5, validator }.judge(&head).map_err(|_| ());
            assert_eq!(judged, want, "{code} {fields:?}");
        }
    }
}
