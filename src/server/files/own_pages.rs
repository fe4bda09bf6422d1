//! Pages of the site's own that are sent in place of errors.

use std::io::Read as _;
use std::path::Path;

use super::charset::LOOKED_AT;
use super::document_root::DocumentRoot;
use super::mime::content_type;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::proto::http::head::RequestHead;
use crate::server::response::{Body, Response};

/// The longest page: 64 KB.
const MOST: u64 = 64 << 10;

/// The page for errors of the server itself: `50x.html`. It is read once, and kept in memory: it is for times when the
/// disk fails, or no descriptor is left.
#[derive(Debug, Default)]
pub(super) struct ErrorPages {
    page: Option<(&'static str, Vec<u8>)>,
}

impl ErrorPages {
    /// Reads the page, if there is one.
    pub(super) fn read(root: &DocumentRoot) -> ErrorPages {
        let path = Path::new("50x.html");
        let Some((file, metadata)) = root
            .open()
            .and_then(|folder| folder.open_quietly(path))
            .ok()
            .filter(|(_, it)| it.is_file())
        else {
            return ErrorPages::default();
        };
        if metadata.len() > MOST {
            log::warn!("50x.html has more than {MOST} bytes, and is not used for errors");
            return ErrorPages::default();
        }
        let mut bytes = Vec::new();
        if let Err(error) = file.take(MOST).read_to_end(&mut bytes) {
            log::warn!("50x.html: {error}; it is not used for errors");
            return ErrorPages::default();
        }
        let kind = content_type(path, || bytes.iter().take(LOOKED_AT).copied().collect());
        ErrorPages { page: Some((kind, bytes)) }
    }

    /// Returns a response with this page as its body, if it is an error of the server (5xx) and the client does not
    /// prefer JSON.
    #[cold]
    pub(super) fn show(&self, mut response: Response, head: &RequestHead) -> Response {
        let is_for_people = !matches!(preferred_format(&head.headers), TextFormat::Json);
        if let Some((kind, bytes)) = &self.page
            && response.status.code() >= 500
            && is_for_people
        {
            response.error = None; // it has its form
            let response =
                response.field("Content-Type", kind).body(Body::Bytes(bytes.clone().into()));
            return response;
        }
        response
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
