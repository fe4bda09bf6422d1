//! Serves the files below one folder, for GET and HEAD.
//!
//! A folder is served as its `index.html`, or else as a [`listing`]; a folder without its slash as a redirect, an
//! absent path as the root's `404.html`, unless the client prefers JSON. The client gets the [`precompressed`]
//! variant that it prefers, and a 406 when it accepts none. Nothing outside the root is served ([`document_root`]),
//! and no name that begins with a dot ([`path`]).
//!
//! Each response has an ETag and a Last-Modified (RFC 9110, 8.8). Size and time of modification (mtime)
//! stand for the bytes, as with nginx and rsync: a link, a new mode or a copy with its time (`cp -p`) keeps
//! the tag, so that a download can be resumed on another machine. A file that is rewritten with the same
//! size, and its time put back, keeps its tag, too. Inode and time of the last change (ctime) are not in
//! the tag: not every file system keeps them.

pub mod charset;
pub mod document_root;
pub mod file_cache;
pub mod file_part;
pub mod listing;
pub mod mime;
mod own_pages;
pub mod path;
pub mod precompressed;
mod responses;
pub mod settings;
pub mod ticks;
pub mod uploads;
mod writable_folder;

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use self::charset::{Charset, LOOKED_AT};
use self::document_root::{DocumentRoot, is_absent};
use self::file_cache::{CachedFile, FileCache};
use self::listing::{Listing, Listings};
use self::mime::{MediaTypes, content_type};
use self::own_pages::{ServerErrorPage, is_navigation};
use self::path::{Named, relative};
use self::precompressed::{Mislabelled, Precompressed, Variant, Variants};
use self::responses::{not_acceptable, redirect_to_folder, too_large};
use self::ticks::may_change_unseen;
use super::descriptors::kept_files;
use super::handler::Handler;
use super::into_response::HandlerError;
use super::request::Request;
use super::respond::error_response::{ErrorResponse, shown};
use super::respond::failure::failed;
use super::response::{Body, Response};
use crate::net::socket::descriptors;
use crate::proto::http::accept::{Coding, Codings, TextFormat, preferred_format};
use crate::proto::http::date::imf_fixdate;
use crate::proto::http::status::Status;
use crate::sync::lock;
use crate::text::escape_bytes;

/// Serves the files below one folder, for GET and HEAD; a [`Handler`] for a route such as `/static/{...}`.
///
/// [`Router::files`](super::Router::files) adds such a route in one step. The rest of the path names the file; a
/// folder is served as its `index.html`, or else as a [listing](Files::listing), and a path that does not exist as the
/// `404.html` of the root, if there is one. Types follow from names; conditions, ranges and compressed siblings
/// (`style.css.br`) work. Nothing outside the folder is served, and no name that begins with a dot, except
/// `/.well-known`.
///
/// ```
/// use threadbare::server::{Files, Method, Router};
///
/// let routes = Router::new().route(Method::Get, "/static/{...}", Files::new("www")?).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Small files stay open for 2 to 4 seconds after their last request, as long as a server runs: then the space
/// of a deleted file is free, and a file system can be unmounted.
#[derive(Debug)]
pub struct Files {
    root: Arc<DocumentRoot>,
    precompressed: Precompressed,
    types: MediaTypes,
    charset: Charset,
    /// The value of `Cache-Control`.
    cache_control: Option<String>,
    /// What navigations get where nothing exists.
    spa: Option<PathBuf>,
    error_page: Option<Arc<ServerErrorPage>>,
    cache: FileCache,
    listing: Listing,
    listings: Listings,
    /// HTML that each listing has before its table.
    before_listings: String,
    /// The siblings that the log has been told of.
    reported: Mutex<HashSet<PathBuf>>,
}

/// The most siblings that are reported in the log.
const REPORTED: usize = 1000;

impl Files {
    /// Serves what is below `root`, or below the folder that has this name later. Symbolic links are
    /// followed while they stay inside. `style.css.br`, `.zst` or `.gz` is sent instead of `style.css` to a
    /// client that prefers it, unless it is older than `style.css`, or is not in that coding.
    ///
    /// # Errors
    /// When `root` does not exist, is not a folder, or cannot be opened.
    pub fn new(root: impl AsRef<Path>) -> io::Result<Files> {
        let root = Arc::new(DocumentRoot::new(root.as_ref())?);
        let kept = descriptors().map(kept_files).unwrap_or_default();
        Ok(Files {
            precompressed: Precompressed::default(),
            types: MediaTypes::default(),
            charset: Charset::default(),
            cache_control: None,
            spa: None,
            error_page: ServerErrorPage::read(&root),
            cache: FileCache::new(kept),
            listing: Listing::On,
            listings: Listings::new(Arc::clone(&root), Listing::MEMORY),
            before_listings: String::new(),
            reported: Mutex::default(),
            root,
        })
    }

    fn serve(&self, request: &Request) -> io::Result<Response> {
        let (_, path) = request.split_path();
        let named = relative(path, self.root.dotfiles).ok_or_else(|| {
            log::info!(
                "{}: refused: {}: a name that begins with a dot (except /.well-known; see --dotfiles), or has an \
                 encoded slash, a backslash or a NUL in it, is not served",
                request.peer,
                shown(path)
            );
            io::ErrorKind::NotFound
        })?;
        let (path, found) = match named {
            Named::Folder(folder) => match self.find_index(&folder)? {
                (path, Some(file)) => (path, FileOrFolder::File(file)),
                (_, None) => return self.list(request, folder),
            },
            Named::File(path) => {
                let found = self.find(&path)?;
                (path, found)
            }
        };
        let FileOrFolder::File(file) = found else {
            return Ok(redirect_to_folder(request, &path));
        };
        let accepted = Codings::of(&request.head.headers);
        let variant = file.variants.best(&accepted);
        if accepted.weight(variant.coding).is_none() {
            return Ok(not_acceptable(request));
        }
        Ok(self.send(&file, variant, &path))
    }

    /// Finds the `index.html` of a folder, which may have none.
    fn find_index(&self, folder: &Path) -> io::Result<(PathBuf, Option<Arc<CachedFile>>)> {
        let path = folder.join("index.html");
        match self.find(&path) {
            Ok(FileOrFolder::File(file)) => Ok((path, Some(file))),
            Ok(FileOrFolder::Folder) => Ok((path, None)),
            Err(error) if is_absent(&error) => Ok((path, None)),
            Err(error) => Err(error),
        }
    }

    /// Returns the listing of a folder without an `index.html`.
    fn list(&self, request: &Request, folder: PathBuf) -> io::Result<Response> {
        match self.listing {
            Listing::On => self.listings.respond(request, folder, self.before_listings.clone()),
            Listing::Off => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Returns the site's own 404 page, in the coding that the client prefers. It is not a representation
    /// of what was requested, so it has no validators.
    fn own_page(&self, request: &Request) -> io::Result<Response> {
        let page = Path::new("404.html");
        let FileOrFolder::File(file) = self.find(page)? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let variant = file.variants.best(&Codings::of(&request.head.headers));
        let mut response = self.send(&file, variant, page);
        for name in ["ETag", "Last-Modified", "Accept-Ranges", "Cache-Control"] {
            response.headers.remove(name);
        }
        // A program that prefers JSON gets the built-in error.
        Ok(response.status(Status::NOT_FOUND).add_field("Vary", "Accept"))
    }

    /// Returns the page of an application for a navigation to a path where nothing exists.
    fn page_of_application(&self, request: &Request) -> Option<io::Result<Response>> {
        let page = self.spa.as_deref().filter(|_| is_navigation(&request.head))?;
        Some(self.find(page).and_then(|found| match found {
            FileOrFolder::File(file) => {
                let variant = file.variants.best(&Codings::of(&request.head.headers));
                // The same path is a 404 for what is no navigation.
                Ok(self.send(&file, variant, page).add_field("Vary", "Accept"))
            }
            FileOrFolder::Folder => Err(io::ErrorKind::NotFound.into()),
        }))
    }

    /// Returns a 200 with one variant of the file of this name.
    fn send(&self, file: &CachedFile, variant: &Variant, path: &Path) -> Response {
        let headers = variant.fields.get_or_init(|| {
            let (etag, modified) = validators(&variant.metadata, variant.coding, file.since);
            // That of the file itself, whatever the coding.
            let start = || file.variants.start(LOOKED_AT);
            let kind = self.types.content_type(path, &self.charset, start);
            let mut response = Response::new(Status::OK).field("Content-Type", &*kind);
            if let Some(name) = variant.coding.name() {
                response = response.field("Content-Encoding", name);
            }
            response = response.field("ETag", etag).field("Last-Modified", modified);
            // A response that depends on Accept-Encoding says so.
            if file.variants.vary() {
                response = response.field("Vary", "Accept-Encoding");
            }
            if let Some(value) = &self.cache_control {
                response = response.field("Cache-Control", value);
            }
            // A browser takes it for what it is, also where it could be a script or a page (WHATWG Fetch, 3.7).
            response
                .field("X-Content-Type-Options", "nosniff")
                .field("Accept-Ranges", "bytes")
                .headers
        });
        let mut response = Response::new(Status::OK).body(Body::Part(variant.body()));
        response.headers.set_all(headers); // a clone would leave no room for more fields
        response
    }

    /// Says once of a sibling that it is ignored.
    fn report(&self, sibling: &Mislabelled) {
        let mut reported = lock(&self.reported);
        if reported.len() < REPORTED && reported.insert(sibling.path.clone()) {
            let path = escape_bytes(sibling.path.as_os_str().as_encoded_bytes());
            let coding = sibling.coding.name().unwrap_or_default();
            log::warn!(
                "{path} is not {coding} and is ignored; compress the file again, or remove it"
            );
        }
    }

    /// Finds what is at this path.
    fn find(&self, path: &Path) -> io::Result<FileOrFolder> {
        if let Some(file) = self.cache.get(path) {
            return Ok(FileOrFolder::File(file));
        }
        let since = SystemTime::now();
        let folder = self.root.open()?;
        let opened = folder.open_file(path)?;
        if opened.1.is_dir() {
            return Ok(FileOrFolder::Folder);
        }
        let variants = Variants::of(&folder, path, opened, self.precompressed, since)?;
        variants.mislabelled().iter().for_each(|sibling| self.report(sibling));
        Ok(FileOrFolder::File(self.cache.keep(&folder, path, variants, since)))
    }
}

/// What is at a path.
enum FileOrFolder {
    File(Arc<CachedFile>),
    Folder,
}

impl Handler for Files {
    /// The length of the file that is sent.
    fn size(&self, request: &Request) -> u64 {
        let (_, path) = request.split_path();
        let path = match relative(path, self.root.dotfiles) {
            Some(Named::Folder(path)) => path.join("index.html"),
            Some(Named::File(path)) => path,
            None => return 0,
        };
        let Ok(FileOrFolder::File(file)) = self.find(&path) else { return 0 };
        file.variants.best(&Codings::of(&request.head.headers)).metadata.len()
    }

    /// The files are named by the rest of the path.
    fn params(&self) -> &'static [&'static str] {
        &["..."]
    }

    fn tidy(&self) {
        self.cache.close_unused();
    }

    fn handle(&self, request: &mut Request) -> Response {
        let error = match self.serve(request) {
            Ok(response) => return response,
            Err(error) => error,
        };
        if is_absent(&error) {
            if let Some(Ok(response)) = self.page_of_application(request) {
                return response;
            }
            let page = match preferred_format(&request.head.headers) {
                TextFormat::Json => None,
                TextFormat::Html | TextFormat::Plain => self.own_page(request).ok(),
            };
            let built_in = || ErrorResponse::not_found(&request.head).to(request);
            return page.unwrap_or_else(built_in);
        }
        if error.kind() == io::ErrorKind::PermissionDenied {
            let path = shown(request.head.target.path());
            log::warn!("{path}: {error}; check its owner and mode");
            return ErrorResponse::forbidden(&request.head).to(request);
        }
        let response = match error.kind() {
            io::ErrorKind::OutOfMemory => too_large(request),
            _ => failed(&request.head, &error),
        };
        match &self.error_page {
            Some(page) => page.show(response, &request.head),
            None => response,
        }
    }
}

/// Returns a 200 with the file at this path of the program, as [`Response::file`].
pub(crate) fn file_response(path: &Path) -> Result<Response, HandlerError> {
    let regular = std::fs::metadata(path).and_then(|metadata| match metadata.is_file() {
        true => Ok(metadata),
        false => Err(io::Error::other(format!("{} is not a regular file", path.display()))),
    });
    let metadata = match regular {
        Err(error) if is_absent(&error) => {
            let what = "this file does not exist";
            let right = "a path that exists, such as /";
            return Err(
                ErrorResponse::new(Status::NOT_FOUND, "RFC 9110, 15.5.5", what, right).into()
            );
        }
        regular => regular?,
    };
    let file = Variant::new(Coding::Identity, File::open(path)?, metadata);
    let (etag, modified) = validators(&file.metadata, file.coding, SystemTime::now());
    let kind = content_type(path, || file.file.start(LOOKED_AT));
    let response = Response::new(Status::OK).field("Content-Type", kind).field("ETag", etag);
    let response = response.field("X-Content-Type-Options", "nosniff");
    Ok(response.field("Last-Modified", modified).body(Body::Part(file.body())))
}

/// Returns the values of ETag and Last-Modified.
fn validators(metadata: &Metadata, coding: Coding, now: SystemTime) -> (String, String) {
    // A file that may change again and keep its tag has a weak one (RFC 9110, 8.8.1).
    let weak = if may_change_unseen(metadata, now) { "W/" } else { "" };
    let nanoseconds =
        i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let coding = coding.name().map(|name| format!("-{name}")).unwrap_or_default();
    let tag = format!("{weak}\"{:x}-{nanoseconds:x}{coding}\"", metadata.len());
    let modified = metadata.modified().map_or(now, |modified| modified.min(now));
    (tag, imf_fixdate(modified))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::accept::Coding;
    use std::fs::{self, File};
    use std::time::Duration;

    #[test]
    fn a_tag_stands_for_size_time_and_coding() {
        let path = std::env::temp_dir().join(format!("threadbare-tag-{}", std::process::id()));
        fs::write(&path, "one").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        let at = |nanos| SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, nanos);
        let metadata = || fs::metadata(&path).unwrap();
        let etag = |coding, now| validators(&metadata(), coding, now).0;
        for (nanos, tick, strong) in
            [(5, 100, "\"3-de0b6b3a7640005\""), (0, 2000, "\"3-de0b6b3a7640000\"")]
        {
            file.set_modified(at(nanos)).unwrap();
            let tick = Duration::from_millis(tick);
            let just_less = tick - Duration::from_millis(1);
            for (now, weak) in [
                (at(nanos), true),
                (at(nanos) + just_less, true),
                (at(nanos) - just_less, true),
                (at(nanos) + tick, false),
                (at(nanos) - tick, false), // the next change replaces a time in the future
            ] {
                let want = format!("{}{strong}", if weak { "W/" } else { "" });
                assert_eq!(etag(Coding::Identity, now), want, "{nanos}: {now:?}");
            }
        }
        let now = SystemTime::now();
        assert_eq!(etag(Coding::Gzip, now), "\"3-de0b6b3a7640000-gzip\"");
        let later = now + Duration::from_secs(10);
        file.set_modified(later).unwrap();
        assert_eq!(validators(&metadata(), Coding::Identity, now).1, imf_fixdate(now));
        fs::remove_file(path).unwrap();
    }
}
