//! Serves the files below one folder: GET, and so HEAD.
//!
//! `index.html` for a folder, a redirect for a folder without its slash, `404.html` from the root
//! for what is not there. Nothing outside the root, nothing that begins with a dot ([`super::path`]).

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::failure::failed;
use super::handler::{Body, Handler, Request, Response};
use super::mime::content_type;
use super::path::{Named, is_absent, open_below, relative};
use super::refusal::Refusal;
use crate::proto::http::chars::{UNRESERVED, percent_encode};
use crate::proto::http::status::Status;

/// Files up to this size are read at once, to leave with their head in one write; larger ones are
/// read as they are sent.
const SMALL: u64 = 64 << 10;

/// A folder and all that is below it.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    /// Serves what is below `root`.
    ///
    /// # Errors
    /// When it is not there, or not a folder.
    pub fn new(root: impl AsRef<Path>) -> io::Result<Files> {
        let root = fs::canonicalize(root)?;
        if !root.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Files { root })
    }

    fn serve(&self, request: &Request) -> io::Result<Response> {
        match relative(request.head.target.path()).ok_or(io::ErrorKind::NotFound)? {
            Named::Folder(folder) => {
                let index = folder.join("index.html");
                let (file, metadata) = open_below(&self.root, &index)?;
                answer(&index, file, &metadata)
            }
            Named::File(path) => {
                let (file, metadata) = open_below(&self.root, &path)?;
                if metadata.is_dir() {
                    return Ok(redirect_to_folder(request, &path));
                }
                answer(&path, file, &metadata)
            }
        }
    }

    fn not_found(&self, request: &Request) -> Response {
        let page = Path::new("404.html");
        let own =
            open_below(&self.root, page).and_then(|(file, metadata)| answer(page, file, &metadata));
        match own {
            Ok(response) => response.status(Status::NOT_FOUND),
            Err(_) => Refusal::not_found(&request.head).to(request),
        }
    }
}

impl Handler for Files {
    fn handle(&self, request: &mut Request) -> Response {
        let error = match self.serve(request) {
            Ok(response) => return response,
            Err(error) => error,
        };
        if is_absent(&error) {
            return self.not_found(request);
        }
        if error.kind() == io::ErrorKind::PermissionDenied {
            log::warn!("{}: {error}; check its owner and mode", request.head.target.path());
            return Refusal::forbidden(&request.head).to(request);
        }
        failed(&request.head, &error)
    }
}

/// 200 with a regular file; anything else is as good as not there.
fn answer(path: &Path, file: File, metadata: &Metadata) -> io::Result<Response> {
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let length = metadata.len();
    let body = if length <= SMALL {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(SMALL).read_to_end(&mut bytes)?;
        Body::Bytes(bytes)
    } else {
        Body::File(file, length)
    };
    let modified = metadata.modified()?;
    let since = modified.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(Response::new(Status::OK)
        .field("Content-Type", content_type(path))
        .field("ETag", format!("\"{:x}-{length:x}\"", since.as_nanos()))
        .field("Last-Modified", crate::proto::http::date::imf_fixdate(modified))
        .body(body))
}

/// 301 to the same path with a slash behind it, so that relative links in the page are right. The
/// path is put together from its checked names: it never begins with two slashes, which would
/// lead to another host.
fn redirect_to_folder(request: &Request, path: &Path) -> Response {
    let mut location = String::new();
    for name in path {
        location.push('/');
        location.push_str(&percent_encode(name.as_encoded_bytes(), &UNRESERVED));
    }
    location.push('/');
    if let Some(query) = request.head.target.query() {
        location.push('?');
        location.push_str(query);
    }
    Response::text(format!(
        "301 Moved Permanently\n\nA folder's path ends with a slash: {location}\n"
    ))
    .status(Status::MOVED_PERMANENTLY)
    .field("Location", location)
}
