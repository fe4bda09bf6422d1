//! `-C`: the rest of a body of which the beginning is there.
//!
//! The server checks that both belong together, by If-Range (RFC 9110, 13.1.5) with the validator of
//! the response that the beginning is from: a strong ETag, or a strong Last-Modified (8.8). If none was
//! kept, no If-Range is sent, because the time of a local file is no validator; instead, the rest is
//! refused if its Last-Modified is later than that time. A rest that the response shows to be of
//! another version is never appended.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::part_name::{Found, PartName};
use super::partial_file::{PartialFile, resolved};
use crate::client::{Error, Request};
use crate::proto::http::chars::decimal;
use crate::proto::http::date::{imf_fixdate, parse_http_date};
use crate::proto::http::etag::EntityTag;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;

/// The rest that is requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// Its first byte, counted from 0.
    pub from: u64,
    /// The version that the beginning is from.
    pub version: Version,
}

/// What is known of the version that the beginning is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// Nothing: the beginning is elsewhere.
    Unknown,
    /// The validator that the server gave for it, for If-Range.
    Validator(String),
    /// The time at which the local file was written; the server gave no validator, or another program
    /// has not kept it.
    WrittenAt(SystemTime),
}

/// What the response to the request for the rest is.
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
    /// Returns the request for the rest.
    ///
    /// # Errors
    /// [`ErrorKind::Field`](crate::client::ErrorKind::Field) when the validator that was kept cannot be one.
    pub fn prepare(&self, request: Request) -> Result<Request, Error> {
        let request = request.with_default("Range", format!("bytes={}-", self.from))?;
        match &self.version {
            Version::Validator(validator) => request.with_default("If-Range", validator),
            Version::Unknown | Version::WrittenAt(_) => Ok(request),
        }
    }

    /// Returns what this response contains; `None` if it is neither the rest nor the whole.
    ///
    /// # Errors
    /// Says why the response does not fit.
    pub fn judge(&self, head: &ResponseHead) -> Result<Option<ResumeOutcome>, String> {
        let from = self.from;
        let range = head.headers.first("content-range").and_then(content_range);
        match (head.status.code(), range) {
            (206, Some((Some(start), _))) if start == from => {
                self.check_version(&head.headers)?;
                Ok(Some(ResumeOutcome::Rest))
            }
            (206, _) => Err(format!(
                "the server did not send the requested range, bytes {from}- (RFC 9110, 14.4)"
            )),
            (416, Some((None, Some(length))))
                if length != from && self.version != Version::Unknown =>
            {
                Err(format!(
                    "the local file has {from} bytes, but the file on the server has {length}"
                ))
            }
            // Apache sends no Content-Range with it.
            (416, _) => Ok(Some(ResumeOutcome::Nothing)),
            (200..=299, _) if self.version != Version::Unknown => Ok(Some(ResumeOutcome::Whole)),
            (200..=299, _) => {
                Err("the server does not support ranges, so the download cannot be continued"
                    .to_owned())
            }
            _ => Ok(None),
        }
    }

    /// Checks what the response says of its version: a server without If-Range sends the rest of
    /// whatever it has.
    fn check_version(&self, headers: &Headers) -> Result<(), String> {
        let (its, ours) = match &self.version {
            Version::Unknown => return Ok(()),
            Version::Validator(kept) => {
                let name = if kept.starts_with('"') { "etag" } else { "last-modified" };
                match headers.text(name) {
                    Some(its) if its != kept => (its, kept.clone()),
                    _ => return Ok(()),
                }
            }
            Version::WrittenAt(time) => {
                let modified = headers.first("last-modified").and_then(parse_http_date);
                match headers.text("last-modified") {
                    Some(its) if modified.is_some_and(|modified| modified > *time) => {
                        (its, imf_fixdate(*time))
                    }
                    _ => return Ok(()),
                }
            }
        };
        Err(format!(
            "the file on the server has changed: it is {its}, but the local part is from {ours} \
             (RFC 9110, 13.1.5); right: the whole file, without -C"
        ))
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

/// The beginning of a file that is to be continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtHand {
    /// What is missing.
    pub rest: Rest,
    path: PathBuf,
}

impl AtHand {
    /// Returns what is there of this file: the part that this client left, or the file itself, as curl
    /// leaves it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn of(target: &Path) -> io::Result<Option<AtHand>> {
        let target = resolved(target);
        let (name, found) = PartName::of(&target)?;
        let part = match found {
            Found::Ours(validator) => Some((name.part, validator)),
            Found::Free | Found::Others => None,
        };
        for (path, validator) in part.into_iter().chain([(target, None)]) {
            let about = match fs::metadata(&path) {
                Ok(about) if about.is_file() && about.len() > 0 => about,
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let version = match validator {
                Some(validator) => Version::Validator(validator),
                None => Version::WrittenAt(about.modified()?),
            };
            return Ok(Some(AtHand { rest: Rest { from: about.len(), version }, path }));
        }
        Ok(None)
    }

    /// Returns the beginning of this file for `-C OFFSET`: the file itself, if it ends there; `None` if it is empty or not
    /// there, so that it gets the rest only, as with curl.
    ///
    /// # Errors
    /// When it ends somewhere else; those of the file system.
    pub fn at(target: &Path, from: u64) -> io::Result<Option<AtHand>> {
        let path = resolved(target);
        let length = match fs::metadata(&path) {
            Ok(about) if about.is_file() => about.len(),
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match length {
            0 => Ok(None),
            length if length == from => {
                Ok(Some(AtHand { rest: Rest { from, version: Version::Unknown }, path }))
            }
            length => Err(io::Error::other(format!(
                "it has {length} bytes, so the bytes from {from} on do not belong behind it; right: -C {length}, or -C -"
            ))),
        }
    }

    /// Renames the partial file, which is complete.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(
        &self,
        target: &Path,
        head: &Headers,
        modified: Option<SystemTime>,
    ) -> io::Result<()> {
        match self.path == resolved(target) {
            true => Ok(()),
            false => PartialFile::go_on(target, self, head)?.finish(modified).map(drop),
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
        use Version::{Unknown, Validator, WrittenAt};
        let (kept, date) = (Validator("\"a\"".to_owned()), Validator("x".to_owned()));
        let written = WrittenAt(parse_http_date(b"Sun, 06 Nov 1994 08:49:37 GMT").unwrap());
        let came = |came| Ok(Some(came));
        let range = ("Content-Range", "bytes 5-9/10");
        for (version, code, fields, want) in [
            (Unknown, 206, &[range][..], came(ResumeOutcome::Rest)),
            (Unknown, 206, &[("Content-Range", "bytes 4-9/10")], Err(())),
            (Unknown, 206, &[], Err(())),
            (Unknown, 206, &[("Content-Range", "bytes */10")], Err(())),
            (Unknown, 200, &[], Err(())),
            (Unknown, 416, &[("Content-Range", "bytes */5")], came(ResumeOutcome::Nothing)),
            (Unknown, 404, &[], Ok(None)),
            (kept.clone(), 206, &[range], came(ResumeOutcome::Rest)),
            (kept.clone(), 206, &[("Content-Range", "bytes 5-9/*"), ("ETag", "\"b\"")], Err(())),
            (date, 206, &[("Content-Range", "bytes 5-9/*"), ("Last-Modified", "y")], Err(())),
            (kept.clone(), 200, &[], came(ResumeOutcome::Whole)),
            (kept.clone(), 416, &[("Content-Range", "bytes */5")], came(ResumeOutcome::Nothing)),
            (kept.clone(), 416, &[], came(ResumeOutcome::Nothing)),
            (kept, 416, &[("Content-Range", "bytes */4")], Err(())),
            (written.clone(), 206, &[range], came(ResumeOutcome::Rest)),
            (
                written.clone(),
                206,
                &[range, ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")],
                came(ResumeOutcome::Rest),
            ),
            (
                written.clone(),
                206,
                &[range, ("Last-Modified", "Sun, 06 Nov 1994 08:49:38 GMT")],
                Err(()),
            ),
            (written.clone(), 200, &[], came(ResumeOutcome::Whole)),
            (written, 416, &[("Content-Range", "bytes */4")], Err(())),
        ] {
            let mut head = ResponseHead::new(Status::new(code).unwrap());
            fields.iter().for_each(|(name, value)| head.headers.append(name, value).unwrap());
            let judged = Rest { from: 5, version }.judge(&head).map_err(|_| ());
            assert_eq!(judged, want, "{code} {fields:?}");
        }
    }
}
