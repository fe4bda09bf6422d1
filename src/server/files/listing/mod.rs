//! Lists a folder that has no `index.html`: as a page, as JSON, or as a tar archive of all that is in it.
//!
//! | asked for by | is sent |
//! |---|---|
//! | a browser, or any client without a preference | a page ([`html`]) |
//! | `Accept: application/json` | an array ([`json`]) |
//! | `?sort=name`, `size` or `date`, `&order=asc` or `desc` | the same in this [`order`] |
//! | `?download=tar` | the folder and all below it ([`archive`], in the format of [`tar`]) |
//!
//! A listing has no validator: the mtime of a folder changes with its names, but not with the sizes and times of what
//! is in it (RFC 9110, 8.8.1). So a cache has to ask every time (`no-cache`).

pub mod archive;
pub mod disposition;
pub mod entries;
pub mod html;
pub mod json;
pub mod name;
pub mod order;
pub mod reader;
pub mod tar;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::archive::Archive;
use self::disposition::attachment;
use self::entries::ListedFolder;
use self::html::{CONTENT_SECURITY_POLICY, Page};
use self::order::Order;
use self::reader::{Format, ListingReader};
use super::document_root::DocumentRoot;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::server::quota::Quota;
use crate::server::request::Request;
use crate::server::response::Response;

/// Whether a folder without an `index.html` is listed: [`Files::listing`](super::Files::listing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// It is listed, as a page or as JSON, and can be downloaded as a tar archive.
    #[default]
    On,
    /// It does not exist for clients: 404.
    Off,
}

impl Listing {
    /// The memory that the names of all listings and archives may take that are being sent, if nothing else is said:
    /// 64 MB, or some 1,600,000 names.
    pub const MEMORY: u64 = 64 << 20;
}

/// Lists folders below a document root.
#[derive(Debug)]
pub struct Listings {
    root: Arc<DocumentRoot>,
    memory: Arc<Quota>,
}

impl Listings {
    /// Lists folders below `root`; the names that are kept while listings are sent may take this many bytes.
    pub fn new(root: Arc<DocumentRoot>, memory: u64) -> Listings {
        Listings { root, memory: Quota::new(memory) }
    }

    /// Lists folders below this root instead.
    pub fn set_root(&mut self, root: Arc<DocumentRoot>) {
        self.root = root;
    }

    /// Limits the memory for names.
    pub fn limit_memory(&mut self, bytes: u64) {
        self.memory = Quota::new(bytes);
    }

    /// Returns the listing of the folder at `path`, or its archive. `before_table` is HTML that a page has before its
    /// table, such as a form.
    ///
    /// # Errors
    /// Those of the file system; `OutOfMemory` when the listings that are being sent leave too little memory.
    pub fn respond(
        &self,
        request: &Request,
        path: PathBuf,
        before_table: String,
    ) -> io::Result<Response> {
        if request.query("download").as_deref() == Some("tar") {
            return self.archive(&path);
        }
        let order = Order::of(request);
        let folder = ListedFolder::open(self.root.open()?, &path)?;
        let mut entries = folder.entries(&self.memory)?;
        entries.sort(order, &folder);
        drop(folder);
        let (folders, files) = entries.counts();
        let (format, content_type) = match preferred_format(&request.head.headers) {
            TextFormat::Json => (Format::Json, "application/json"),
            TextFormat::Html | TextFormat::Plain => {
                let page = Page { path: path.clone(), order, folders, files, before_table };
                (Format::Html(Box::new(page)), "text/html; charset=utf-8")
            }
        };
        let response = Response::empty(200).field("Content-Type", content_type);
        let response = match format {
            Format::Html(_) => response.field("Content-Security-Policy", CONTENT_SECURITY_POLICY),
            Format::Json => response,
        };
        let body = ListingReader::new(Arc::clone(&self.root), path, entries, format).into_body()?;
        Ok(unkept(response).field("Vary", "Accept").body(body))
    }

    fn archive(&self, path: &Path) -> io::Result<Response> {
        let name = path.file_name().map_or_else(|| OsString::from("files"), ToOwned::to_owned);
        let attachment = attachment(&name, "tar");
        let archive = Archive::new(Arc::clone(&self.root), Arc::clone(&self.memory), path, name)?;
        let response = Response::stream(archive).field("Content-Type", "application/x-tar");
        Ok(unkept(response).field("Content-Disposition", attachment))
    }
}

/// Adds what all listings have: they are checked anew each time, and taken for nothing but what they are.
fn unkept(response: Response) -> Response {
    response.field("Cache-Control", "no-cache").field("X-Content-Type-Options", "nosniff")
}
