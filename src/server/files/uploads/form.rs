//! POST of a form with files (RFC 7578) to a folder: what a browser sends without any script.
//!
//! Each file is written while it arrives and gets its name when it is complete, so a form of any size takes little
//! memory, and no second copy is made. A file that exists stays, and the form is refused, unless a field named
//! `replace` came before it. When a form is refused, the files before that stay stored, and the response names them.

use std::path::PathBuf;
use std::sync::Arc;

use super::change::{Existing, Tree};
use super::new_file::NewFile;
use super::refused::{self, forbidden, no_folder, not_for_this};
use super::target::{Named, Target, check};
use super::{Uploads, receive_kept};
use crate::proto::buf::Buf;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::proto::http::chars::{UNRESERVED, percent_encode};
use crate::proto::http::head::RequestHead;
use crate::proto::http::limits::Limits;
use crate::proto::http::multipart::{Boundary, Event, Parser, PartHead};
use crate::proto::http::status::Status;
use crate::server::body_receiver::{AnnouncedBody, BodyReceiver};
use crate::server::files::writable_folder::NotOpened;
use crate::server::multipart::MultipartError;
use crate::server::request::Request;
use crate::server::respond::error_response::{ErrorResponse, shown};
use crate::server::response::Response;
use crate::text::quote_json;

/// The field that lets files be replaced that exist.
const REPLACE: &str = "replace";

/// A form that arrives.
struct Arriving {
    tree: Arc<Tree>,
    folder: PathBuf,
    parser: Parser,
    input: Buf,
    limits: Limits,
    existing: Existing<'static>,
    /// The file that is arriving; `None` in a part that is not a file.
    current: Option<(Target, NewFile)>,
    /// The names of the files that are complete.
    stored: Vec<String>,
}

impl BodyReceiver for Arriving {
    fn receive(&mut self, piece: &[u8]) -> Result<(), ErrorResponse> {
        self.input.extend(piece);
        self.parse().map_err(|error| self.and_stored(error))
    }
}

impl Arriving {
    /// Takes all that has arrived.
    fn parse(&mut self) -> Result<(), ErrorResponse> {
        loop {
            let event = self.parser.receive(&mut self.input, &self.limits, usize::MAX);
            match event.map_err(MultipartError::from)? {
                Event::Part(part) => self.current = self.begin(&part)?,
                Event::Data(content) => {
                    if let Some((target, new)) = &mut self.current {
                        let failed = |error| refused::failed(&error, &target.shown());
                        new.write(content).map_err(failed)?;
                    }
                }
                Event::PartEnd => self.end()?,
                Event::More | Event::End => return Ok(()),
            }
        }
    }

    /// Begins a part: a file, if it has the name of one.
    fn begin(&mut self, part: &PartHead) -> Result<Option<(Target, NewFile)>, ErrorResponse> {
        let Some(sent) = part.filename.as_deref() else {
            if part.name == REPLACE {
                self.existing = Existing::Replace;
            }
            return Ok(None);
        };
        if sent.is_empty() {
            return Ok(None); // no file was chosen
        }
        // Browsers that upload a folder, and old ones, send a path: its folders do not count.
        let name = part.file_name().ok_or_else(|| {
            let what = format!("\"{}\" is not the name of a file", shown(sent));
            forbidden(what, "a name such as notes.txt")
        })?;
        check(name.as_bytes())?;
        let target = Target { folder: self.folder.clone(), name: name.into() };
        let new = self.tree.begin(&target, self.existing, None)?;
        Ok(Some((target, new)))
    }

    /// Stores the file that has just become complete.
    fn end(&mut self) -> Result<(), ErrorResponse> {
        if let Some((target, new)) = self.current.take() {
            self.tree.store(new, &target, self.existing)?;
            self.stored.push(target.name.to_string_lossy().into_owned());
        }
        Ok(())
    }

    /// Adds to an error which files are stored all the same.
    fn and_stored(&self, mut error: ErrorResponse) -> ErrorResponse {
        if !self.stored.is_empty() {
            let names = shown(&self.stored.join(", "));
            error.what = format!("{}; stored before that: {names}", error.what);
        }
        error
    }
}

/// Begins to take a form.
pub(super) fn receiver(
    uploads: &Uploads,
    body: &AnnouncedBody<'_>,
) -> Result<Box<dyn BodyReceiver>, ErrorResponse> {
    Ok(Box::new(begin(uploads, body.rest_of_path(), body.head)?))
}

fn begin(uploads: &Uploads, path: &str, head: &RequestHead) -> Result<Arriving, ErrorResponse> {
    let folder = folder(uploads, path, head)?;
    let content_type = head.headers.first("content-type").unwrap_or_default();
    let boundary = Boundary::parse(content_type).map_err(MultipartError::from)?;
    Ok(Arriving {
        tree: Arc::clone(&uploads.tree),
        folder,
        parser: Parser::new(boundary),
        input: Buf::new(),
        limits: Limits::default(),
        existing: Existing::Keep,
        current: None,
        stored: Vec::new(),
    })
}

/// Responds to a form that is complete: a browser is sent back to the folder, a program learns what was stored.
pub(super) fn handle(uploads: &Uploads, request: &mut Request) -> Result<Response, ErrorResponse> {
    let mut form = match request.body.take_receiver::<Arriving>() {
        Some(form) => *form,
        None => {
            let mut form = begin(uploads, request.split_path().1, &request.head)?;
            receive_kept(&mut request.body, &mut form)?;
            form
        }
    };
    form.input.close();
    form.parse().map_err(|error| form.and_stored(error))?;
    if form.stored.is_empty() {
        return Err(nothing_stored());
    }
    let here = request.head.target.path();
    let path = |name: &String| format!("{here}{}", percent_encode(name.as_bytes(), &UNRESERVED));
    let paths: Vec<String> = form.stored.iter().map(path).collect();
    let response = match preferred_format(&request.head.headers) {
        // Relative, as a proxy in front of this server may have the folder under another path.
        TextFormat::Html => return Ok(Response::redirect(Status::SEE_OTHER, "./")),
        TextFormat::Json => {
            let paths: Vec<String> = paths.iter().map(|path| quote_json(path)).collect();
            let json = format!("{{\"stored\":[{}]}}\n", paths.join(","));
            Response::bytes("application/json", json)
        }
        TextFormat::Plain => Response::text(paths.join("\n") + "\n"),
    };
    let response = response.status(Status::CREATED).field("Vary", "Accept");
    Ok(match paths.as_slice() {
        [only] => response.field("Location", only),
        _ => response,
    })
}

/// Returns the folder that the path names, if it exists.
fn folder(uploads: &Uploads, path: &str, head: &RequestHead) -> Result<PathBuf, ErrorResponse> {
    let folder = match Named::parse(path)? {
        Named::Folder(target) => target.map(|target| target.path()).unwrap_or_default(),
        Named::File(_) => {
            return Err(not_for_this(
                "a form with files is for a folder, whose path ends with a slash",
                "POST /, or PUT of one file",
            ));
        }
    };
    match uploads.tree.folder(&folder) {
        Ok(_) => Ok(folder),
        Err(NotOpened::Missing(_) | NotOpened::NotAFolder(_)) => {
            Err(ErrorResponse::not_found(head))
        }
        Err(error) => Err(no_folder(error)),
    }
}

fn nothing_stored() -> ErrorResponse {
    ErrorResponse::new(
        Status::BAD_REQUEST,
        "RFC 7578, 4.2",
        "the form has no file",
        "at least one file, chosen before the form is sent; curl -F file=@notes.txt",
    )
}
