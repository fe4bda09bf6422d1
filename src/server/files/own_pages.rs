//! Pages of the site's own that are sent in place of errors.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::charset::LOOKED_AT;
use super::document_root::DocumentRoot;
use super::mime::content_type;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::server::respond::custom_error_page::ErrorPage;
use crate::server::response::Response;

/// The longest page: 64 KB.
const MOST: u64 = 64 << 10;

/// The page for errors of the server itself: `50x.html`. It is read once, and kept in memory: it is for times when the
/// disk fails, or no descriptor is left.
#[derive(Debug)]
pub(super) struct ServerErrorPage {
    content_type: &'static str,
    bytes: Vec<u8>,
}

impl ServerErrorPage {
    /// Reads the page, if there is one.
    pub(super) fn read(root: &DocumentRoot) -> Option<Arc<ServerErrorPage>> {
        let path = Path::new("50x.html");
        let opened = root.open().and_then(|folder| folder.open_quietly(path)).ok();
        let (file, metadata) = opened.filter(|(_, metadata)| metadata.is_file())?;
        if metadata.len() > MOST {
            log::warn!("50x.html has more than {MOST} bytes, and is not used for errors");
            return None;
        }
        let mut bytes = Vec::new();
        if let Err(error) = file.take(MOST).read_to_end(&mut bytes) {
            log::warn!("50x.html: {error}; it is not used for errors");
            return None;
        }
        let content_type = content_type(path, || bytes.iter().take(LOOKED_AT).copied().collect());
        Some(Arc::new(ServerErrorPage { content_type, bytes }))
    }

    /// Returns true if the client gets this page: for an error of the server (5xx), unless JSON is preferred.
    fn is_for(status: Status, head: Option<&RequestHead>) -> bool {
        let prefers_json =
            |head: &RequestHead| matches!(preferred_format(&head.headers), TextFormat::Json);
        status.code() >= 500 && !head.is_some_and(prefers_json)
    }

    /// Returns a response with this page as its body, if the page is for it.
    #[cold]
    pub(super) fn show(&self, mut response: Response, head: &RequestHead) -> Response {
        if !ServerErrorPage::is_for(response.status, Some(head)) {
            return response;
        }
        response.error = None; // it has its form
        response.show_as(self.response());
        response
    }

    fn response(&self) -> Response {
        Response::bytes(self.content_type, self.bytes.clone())
    }

    /// Returns what shows this page for the errors that it is for, and the others as usual.
    pub(super) fn for_all(self: Arc<ServerErrorPage>) -> ErrorPage {
        ErrorPage::new(move |error, head| match ServerErrorPage::is_for(error.status, head) {
            true => self.response(),
            false => error.response(head),
        })
    }
}

/// Returns true for a request that a browser sends when its user goes to a page: HTML is among what it accepts, and the
/// last name of the path has no extension.
pub(super) fn is_navigation(head: &RequestHead) -> bool {
    let is_html = |member: &[u8]| {
        let name = member.split(|&byte| byte == b';').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"text/html")
    };
    let last = head.target.path().rsplit('/').next().unwrap_or_default();
    !last.contains('.') && head.headers.list("accept").any(is_html)
}
