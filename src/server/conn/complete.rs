//! Completes a response before it is sent: the form of an error, and fields that follow from the rest.

use super::Http;
use super::handle::{Panicked, guarded};
use super::send::RequestInfo;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::server::respond::custom_error_page::ErrorPage;
use crate::server::response::{Body, Response};

impl Http {
    /// Gives an error response the form that the program wants, and sets `Allow`, `Trailer` and what the configuration adds.
    #[inline]
    pub(super) fn complete(&self, response: &mut Response, request: &RequestInfo) {
        if response.error.is_some()
            && let Some(page) = &self.error_page
        {
            show_error(page, response, request.head());
        }
        // A handler need not know what else is routed to its path (RFC 9110, 15.5.6).
        if response.status == Status::METHOD_NOT_ALLOWED
            && !response.headers.has("allow")
            && let Some(head) = request.head()
        {
            set(response, "Allow", self.routes.besides(&head.method, &head.target));
        }
        if let Body::Trailed(_, names) = &response.body {
            let announced = names.join(", ");
            set(response, "Trailer", announced);
        }
        if let Some(additions) = &self.additions {
            additions.add_to(&mut response.headers, request.head());
        }
    }
}

/// Replaces the built-in form of an error by the program's own. A panic leaves the built-in one.
#[cold]
fn show_error(page: &ErrorPage, response: &mut Response, head: Option<&RequestHead>) {
    let Some(mut error) = response.error.take() else { return };
    error.status = response.status; // `(410, error)` has another one
    match guarded(|| page.show(&error, head)) {
        Ok(shown) => response.show_as(shown),
        Err(Panicked) => log::error!("the error page for {error} panicked"),
    }
}

/// Sets a field; logs an error when its value is not valid.
fn set(response: &mut Response, name: &str, value: String) {
    if let Err(error) = response.headers.set(name, value) {
        log::error!("{error}");
    }
}
