//! Where a body goes (stdout, `-o`, `-O`, `-J`), what is there of it already (`-C`), and what of the answer
//! goes there (`-i`, `-I`, `-f`).

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::decoding;
use super::error::{CommandError, print_stderr};
use super::fetch_list::FetchItem;
use super::partial_file::PartialFile;
use super::rate_limit::{BodyMeter, OfAll};
use super::remote_name;
use super::resume::{AtHand, Rest, ResumeOutcome, Version};
use super::transfer::Transfer;
use super::write_body::{BodyWriter, Parts, modified};
use crate::cli::client::{ClientOptions, Existing, Fail, Output, Resume};
use crate::client::{Request, Response};
use crate::proto::http::chars::decimal;
use crate::proto::http::content_disposition::filename;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
use crate::text::escape_for_terminal;

/// The place for one body.
pub(super) struct Destination {
    target: Target,
    at_hand: Option<AtHand>,
    rest: Option<Rest>,
}

enum Target {
    Stdout,
    File(NamedFile),
    /// `-OJ`: a file with the name that the server suggests, or else the one in the URL.
    ByServer(Option<String>),
}

/// A file to write, and what is done if it is there.
#[derive(Clone)]
struct NamedFile {
    path: PathBuf,
    existing: Existing,
}

impl Destination {
    /// Returns where the body of a transfer goes.
    ///
    /// # Errors
    /// A URL without a name for `-O`; a file that cannot be looked at.
    pub(super) fn of(
        options: &ClientOptions,
        item: &FetchItem,
    ) -> Result<Destination, CommandError> {
        let files = &options.files;
        let named = |path: &Path| NamedFile {
            path: files.path(path),
            existing: files.existing.unwrap_or(Existing::Replace),
        };
        let target = match item.output.clone() {
            Some(Output::File(path)) => Target::File(named(&path)),
            Some(Output::RemoteName) => match remote_name::of_url(&item.url) {
                in_url if files.by_server => Target::ByServer(in_url.map(str::to_owned)),
                Some(name) => Target::File(named(Path::new(name))),
                None => return Err(without_name("the URL does not end with a file name")),
            },
            Some(Output::Stdout) | None => Target::Stdout,
        };
        let at_hand = match (options.resume, &target) {
            (Some(Resume::AtHand), Target::File(file)) => {
                AtHand::of(&file.path).map_err(|error| not_written(&file.path, error))?
            }
            _ => None,
        };
        let at_hand = match (options.resume, &target) {
            (Some(Resume::From(from)), Target::File(file)) if from > 0 && item.upload.is_none() => {
                AtHand::at(&file.path, from).map_err(|error| {
                    CommandError::Failed(33, format!("{}: {error}", file.path.display()))
                })?
            }
            _ => at_hand,
        };
        let rest = match (&at_hand, options.resume) {
            (Some(at_hand), _) => Some(at_hand.rest.clone()),
            (None, Some(Resume::From(from))) if from > 0 && item.upload.is_none() => {
                Some(Rest { from, version: Version::Unknown })
            }
            _ => None,
        };
        Ok(Destination { target, at_hand, rest })
    }

    /// Returns true if the body goes to stdout.
    pub(super) fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }

    /// Returns true, and says so, if no request is made, because the file is there (`--skip-existing`).
    pub(super) fn is_skipped(&self, options: &ClientOptions, transfer: &mut Transfer) -> bool {
        match &self.target {
            Target::File(file) => is_skipped(options, &file.path, transfer),
            Target::Stdout | Target::ByServer(_) => false,
        }
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
        let file = self.file(options, &response.head().headers)?;
        if let (Some(file), Target::ByServer(_)) = (&file, &self.target)
            && is_skipped(options, &file.path, transfer)
        {
            return Ok(());
        }
        transfer.output = file.as_ref().map(|file| file.path.display().to_string());
        let came = self.came(options, response.head())?;
        decoding::check(options, response.head(), came)?;
        let Some((parts, failure)) = self.wanted(options, response.head(), came)? else {
            return Ok(());
        };
        let total = self.total(&response.head().headers, came);
        let had = self.had(came);
        let meter = BodyMeter::new(options, all, file.is_some(), had, total);
        let most = options.max_filesize.unwrap_or(u64::MAX).saturating_sub(had);
        let mut writer = BodyWriter::new(options, hops, meter, most);
        let written = match &file {
            None => {
                let to_see = options.files.output(&options.outputs, transfer.number).is_none();
                writer.show(response, parts, to_see)
            }
            Some(file) => {
                let path = self.keep(&mut writer, response, parts, came, file);
                path.map(|path| transfer.output = Some(path.display().to_string()))
            }
        };
        (transfer.downloaded, transfer.delivered) = (response.received(), writer.delivered());
        written?;
        failure.map_or(Ok(()), Err)
    }

    /// Returns the file of a response; `None` for stdout.
    fn file(
        &self,
        options: &ClientOptions,
        headers: &Headers,
    ) -> Result<Option<NamedFile>, CommandError> {
        let in_url = match &self.target {
            Target::Stdout => return Ok(None),
            Target::File(file) => return Ok(Some(file.clone())),
            Target::ByServer(in_url) => in_url,
        };
        let suggested = headers.first("content-disposition").and_then(filename);
        let by_server = suggested.as_deref().and_then(remote_name::of_server);
        // A server replaces a file only if the user has said so, and what is no file never.
        let may = match by_server {
            Some(_) => Existing::Refuse,
            None => Existing::Replace,
        };
        let name = by_server.as_ref().or(in_url.as_ref()).ok_or_else(|| {
            without_name("the server suggests no name, and the URL does not end with one")
        })?;
        let path = options.files.path(Path::new(name));
        let about = fs::symlink_metadata(&path);
        let is_other = by_server.is_some() && about.is_ok_and(|about| !about.is_file());
        let existing = options.files.existing.unwrap_or(may);
        let existing = match existing {
            Existing::Replace if is_other => Existing::Refuse,
            existing => existing,
        };
        Ok(Some(NamedFile { path, existing }))
    }

    /// Returns what the response contains: with `-C`, it may be the rest.
    fn came(
        &self,
        options: &ClientOptions,
        head: &ResponseHead,
    ) -> Result<ResumeOutcome, CommandError> {
        let Some(rest) = &self.rest else { return Ok(ResumeOutcome::Whole) };
        let not_the_rest = |what| CommandError::Failed(33, what);
        match rest.judge(head).map_err(not_the_rest)? {
            Some(came) => Ok(came),
            None if options.head => Ok(ResumeOutcome::Whole),
            None if !self.is_stdout() || options.fail.is_some() => Err(refused(head)),
            None => {
                let status = head.status;
                Err(not_the_rest(format!(
                    "the status is {status}, so its body is not the requested rest; \
                     nothing is written (RFC 9110, 14.2)"
                )))
            }
        }
    }

    /// Returns the parts of a response that are written, and the failure that is reported all the same; `None` if
    /// nothing is missing.
    ///
    /// # Errors
    /// The failure, if nothing of the response is written.
    fn wanted(
        &self,
        options: &ClientOptions,
        head: &ResponseHead,
        came: ResumeOutcome,
    ) -> Result<Option<(Parts, Option<CommandError>)>, CommandError> {
        let is_file = !self.is_stdout();
        let has_heads = options.head || options.include;
        let fails =
            options.fail.filter(|_| head.status.is_error() && came != ResumeOutcome::Nothing);
        if let Some(fail) = fails
            && (fail == Fail::Bare && !has_heads || is_file && options.files.removes_part)
        {
            return Err(refused(head));
        }
        let most = options.max_filesize.unwrap_or(u64::MAX);
        if self.total(&head.headers, came).is_some_and(|total| total > most) {
            return match has_heads && !is_file {
                true => Ok(Some((Parts::Heads, Some(CommandError::TooLarge)))),
                false => Err(CommandError::TooLarge),
            };
        }
        let is_nothing = came == ResumeOutcome::Nothing;
        let parts = match (options.head, options.include) {
            (true, _) => Parts::Heads,
            (false, true) if is_nothing || fails == Some(Fail::Bare) => Parts::Heads,
            (false, true) => Parts::All,
            (false, false) if is_nothing && !is_file => return Ok(None),
            (false, false) => Parts::Body,
        };
        Ok(Some((parts, fails.map(|_| refused(head)))))
    }

    /// Writes the response to its file; returns its name.
    fn keep(
        &self,
        writer: &mut BodyWriter<'_>,
        response: &mut Response,
        parts: Parts,
        came: ResumeOutcome,
        file: &NamedFile,
    ) -> Result<PathBuf, CommandError> {
        let path = &file.path;
        let opened = match (&self.at_hand, came) {
            (Some(at_hand), ResumeOutcome::Nothing) => {
                let headers = &response.head().headers;
                let finished = at_hand.finish(path, headers, modified(writer.options(), headers));
                return finished.map(|()| path.clone()).map_err(|error| not_written(path, error));
            }
            (Some(at_hand), ResumeOutcome::Rest) => {
                PartialFile::go_on(path, at_hand, &response.head().headers)
            }
            _ => create(writer.options(), file, &response.head().headers),
        };
        writer.keep(response, parts, path, opened)
    }

    /// Returns how many bytes are there of what this response is a part of.
    fn had(&self, came: ResumeOutcome) -> u64 {
        match (came, &self.rest) {
            (ResumeOutcome::Rest, Some(rest)) => rest.from,
            _ => 0,
        }
    }

    /// Returns the length of the whole, if it is known.
    fn total(&self, headers: &Headers, came: ResumeOutcome) -> Option<u64> {
        let length = headers.first("content-length").and_then(decimal);
        length.and_then(|length| length.checked_add(self.had(came)))
    }
}

fn refused(head: &ResponseHead) -> CommandError {
    CommandError::Refused(head.status.code())
}

fn without_name(why: &str) -> CommandError {
    CommandError::Failed(23, format!("{why}; right: -o FILE"))
}

fn not_written(path: &Path, error: io::Error) -> CommandError {
    CommandError::Write(path.display().to_string(), error)
}

/// Returns true, and says so, if the file is there and is to be left alone.
fn is_skipped(options: &ClientOptions, path: &Path, transfer: &mut Transfer) -> bool {
    let is_there = || fs::metadata(path).is_ok_and(|about| about.is_file());
    if !options.files.skips_existing || !is_there() {
        return false;
    }
    let name = path.display().to_string();
    if !options.global.silent {
        let line = format!("{name} is there already, and stays as it is");
        print_stderr(format!("client: {}\n", escape_for_terminal(line.as_bytes())));
    }
    transfer.output = Some(name);
    true
}

/// Begins a file, in a folder that may be missing.
fn create(options: &ClientOptions, file: &NamedFile, headers: &Headers) -> io::Result<PartialFile> {
    if options.files.makes_folders {
        make_folders(&file.path)?;
    }
    let created = PartialFile::create(&file.path, file.existing, headers);
    created.map_err(|error| match error.kind() {
        ErrorKind::NotFound if !options.files.makes_folders => {
            let what = "the folder does not exist; right: --create-dirs makes it";
            io::Error::new(ErrorKind::NotFound, what)
        }
        _ => error,
    })
}

/// Makes the folders of a file that are missing, as curl does: for their owner, and for its group to read.
///
/// # Errors
/// Those of the file system.
pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), |folder| DirBuilder::new().recursive(true).mode(0o750).create(folder))
}
