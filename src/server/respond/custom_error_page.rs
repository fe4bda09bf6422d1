//! Error responses in a form of the program: its own pages, or JSON whatever the client accepts.

use super::error_response::ErrorResponse;
use crate::proto::http::head::RequestHead;
use crate::server::response::Response;

type Show = dyn Fn(&ErrorResponse, Option<&RequestHead>) -> Response + Send + Sync;

/// A function that shows errors: it makes the response to each request that fails.
///
/// It is called for every error that the server finds itself (400, 403, 404, 405, 408, 413, 414, 431, 500,
/// 501, 503 and others) and for every [`ErrorResponse`] of a handler, before it is sent. Its arguments are
/// the error, and the head of the request: what had arrived of it, or `None` if that is nothing of use.
///
/// The status stays the one of the error. Fields of the built-in response stay as well, unless the function
/// sets them itself, except `Content-Type` and `Content-Encoding`: `Allow` of a 405, `Retry-After` of a 503,
/// and what [`Router::wrap`](crate::server::Router::wrap) has added.
///
/// Not replaced are responses whose body is the program's own, and the 503 for a connection that finds no
/// worker: it is written without waiting, always the same small text.
///
/// The function is called by a worker, and should not wait; its body should be in memory. When it panics,
/// the built-in response is sent, and the log says so.
///
/// The words of an error ([`ErrorResponse::what`]) can have text of the client in them: in HTML they have to
/// be [escaped](crate::server::escape_html).
///
/// ```
/// use threadbare::server::{Config, ErrorPage, Response, Router, Server, escape_html};
///
/// let page = ErrorPage::new(|error, _| {
///     Response::html(format!("<h1>{}</h1><p>{}\n", error.status, escape_html(&error.what)))
/// });
/// let config = Config { error_page: Some(page), ..Config::default() };
/// let server = Server::with_config(["127.0.0.1:0"], Router::new().build()?, config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// JSON for all clients, also for those that do not ask for it:
///
/// ```
/// use threadbare::server::ErrorPage;
///
/// let page = ErrorPage::new(|error, _| error.problem());
/// ```
pub struct ErrorPage(Box<Show>);

impl ErrorPage {
    /// Takes the function.
    pub fn new(
        show: impl Fn(&ErrorResponse, Option<&RequestHead>) -> Response + Send + Sync + 'static,
    ) -> ErrorPage {
        ErrorPage(Box::new(show))
    }

    pub(in crate::server) fn show(
        &self,
        error: &ErrorResponse,
        head: Option<&RequestHead>,
    ) -> Response {
        (self.0)(error, head)
    }
}

impl std::fmt::Debug for ErrorPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ErrorPage")
    }
}

impl Response {
    /// Gives the response the body and the fields of `shown`; status and other fields stay.
    pub(in crate::server) fn show_as(&mut self, shown: Response) {
        for name in ["Content-Type", "Content-Encoding"] {
            self.headers.remove(name);
        }
        self.headers.set_all(&shown.headers);
        self.body = shown.body;
    }
}
