//! Where a body goes (stdout, `-o`, `-O`), what is there of it already (`-C`), and what of the answer
//! goes there (`-i`, `-I`, `-f`).

use std::path::PathBuf;

use super::error::CommandError;
use super::partial_file::{PartialFile, remote_name};
use super::rate_limit::{BodyMeter, OfAll};
use super::resume::{AtHand, Rest, ResumeOutcome, Version};
use super::transfer::Transfer;
use super::write_body::BodyWriter;
use super::write_body::Parts;
use crate::cli::client::{ClientOptions, Fail, Output, Resume};
use crate::client::{Request, Response};
use crate::proto::http::chars::decimal;

/// The place for one body.
pub(super) struct Destination {
    /// `None`: stdout.
    pub(super) file: Option<PathBuf>,
    at_hand: Option<AtHand>,
    rest: Option<Rest>,
}

impl Destination {
    /// Returns where the body of URL `number` goes, counted from 0.
    ///
    /// # Errors
    /// A URL without a name for `-O`; a file that cannot be looked at.
    pub(super) fn of(
        options: &ClientOptions,
        number: usize,
        request: &Request,
    ) -> Result<Destination, CommandError> {
        let file = match options.outputs.get(number) {
            Some(Output::File(path)) => Some(path.clone()),
            Some(Output::RemoteName) => Some(own_name(request)?.into()),
            Some(Output::Stdout) | None => None,
        };
        let at_hand = match (options.resume, &file) {
            (Some(Resume::AtHand), Some(path)) => AtHand::of(path)
                .map_err(|error| CommandError::Write(path.display().to_string(), error))?,
            _ => None,
        };
        let rest = match (&at_hand, options.resume) {
            (Some(at_hand), _) => Some(at_hand.rest.clone()),
            (None, Some(Resume::From(from))) if from > 0 => {
                Some(Rest { from, version: Version::Unknown })
            }
            _ => None,
        };
        Ok(Destination { file, at_hand, rest })
    }

    /// Returns the request for what is missing.
    ///
    /// # Errors
    /// As [`Rest::prepare`].
    pub(super) fn prepare(&self, request: Request) -> Result<Request, CommandError> {
        Ok(match &self.rest {
            Some(rest) => rest.prepare(request)?,
            None => request,
        })
    }

    /// Writes the response; `hops` are the heads that are shown before its own.
    ///
    /// # Errors
    /// Says why it could not be written, or is not wanted.
    pub(super) fn take(
        &self,
        options: &ClientOptions,
        response: &mut Response,
        transfer: &mut Transfer,
        hops: Vec<u8>,
        all: &OfAll,
    ) -> Result<(), CommandError> {
        transfer.output = self.file.as_deref().map(|path| path.display().to_string());
        let status = response.head().status;
        let refused = || CommandError::Refused(status.code());
        let came = match &self.rest {
            None => ResumeOutcome::Whole,
            Some(rest) => {
                let not_the_rest = |what| CommandError::Failed(33, what);
                match rest.judge(response.head()).map_err(not_the_rest)? {
                    Some(came) => came,
                    None if options.head => ResumeOutcome::Whole,
                    None if self.file.is_some() || options.fail.is_some() => return Err(refused()),
                    None => {
                        return Err(not_the_rest(format!(
                            "the status is {status}, so its body is not the requested rest; \
                             nothing is written (RFC 9110, 14.2)"
                        )));
                    }
                }
            }
        };
        let fails = options.fail.filter(|_| status.is_error() && came != ResumeOutcome::Nothing);
        let parts = match (options.head, options.include, fails) {
            (false, false, Some(Fail::Bare)) => return Err(refused()),
            (_, true, Some(Fail::Bare)) | (true, ..) => Parts::Heads,
            (false, true, _) if came == ResumeOutcome::Nothing => Parts::Heads,
            (false, true, _) => Parts::All,
            (false, false, _) if came == ResumeOutcome::Nothing && self.file.is_none() => {
                return Ok(());
            }
            (false, false, _) => Parts::Body,
        };
        let had = match (came, &self.rest) {
            (ResumeOutcome::Rest, Some(rest)) => rest.from,
            _ => 0,
        };
        let length = response.head().headers.first("content-length").and_then(decimal);
        let total = length.and_then(|length| length.checked_add(had));
        let most = options.max_filesize.unwrap_or(u64::MAX);
        let is_too_large = total.is_some_and(|total| total > most);
        let parts = match (is_too_large, options.head || options.include) {
            (true, true) if self.file.is_none() => Parts::Heads,
            (true, _) => return Err(CommandError::TooLarge),
            (false, _) => parts,
        };
        let meter = BodyMeter::new(options, all, self.file.is_some(), had, total);
        let mut delivery = BodyWriter::new(options, hops, meter, most.saturating_sub(had));
        let sent = match (&self.file, &self.at_hand) {
            (None, _) => {
                let to_see = options.outputs.get(transfer.number).is_none();
                delivery.show(response, parts, to_see)
            }
            (Some(path), Some(at_hand)) if came == ResumeOutcome::Nothing => at_hand
                .finish(path, &response.head().headers)
                .map_err(|error| CommandError::Write(path.display().to_string(), error)),
            (Some(path), Some(at_hand)) if came == ResumeOutcome::Rest => {
                let file = PartialFile::go_on(path, at_hand, &response.head().headers);
                delivery.keep(response, parts, path, file)
            }
            (Some(path), _) => {
                let file = PartialFile::create(path, &response.head().headers);
                delivery.keep(response, parts, path, file)
            }
        };
        transfer.downloaded = delivery.passed();
        sent?;
        if is_too_large {
            return Err(CommandError::TooLarge);
        }
        fails.map_or(Ok(()), |_| Err(refused()))
    }
}

/// Returns the file name for `-O`.
fn own_name(request: &Request) -> Result<String, CommandError> {
    let path = request.url().path.to_string();
    let name = remote_name(&path).map(str::to_owned);
    name.ok_or_else(|| {
        let what = format!("the path {path} does not end with a file name; right: -o FILE");
        CommandError::Failed(23, what)
    })
}
