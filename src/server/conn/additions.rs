//! What the configuration adds to responses: the fields of CORS, and those that it names.

use super::Http;
use crate::net::peer_address::PeerAddress;
use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::status::Status;
use crate::server::cors::{Cors, is_preflight};
use crate::server::field_rules::FieldRules;
use crate::server::respond::error_response::shown;
use crate::server::response::Response;

/// What is added to responses.
#[derive(Debug)]
pub(super) struct Additions {
    cors: Cors,
    fields: FieldRules,
}

impl Additions {
    /// Returns what is added; `None` if that is nothing.
    pub(super) fn of(cors: Cors, fields: FieldRules) -> Option<Box<Additions>> {
        let is_none = cors.is_empty() && fields.is_empty();
        (!is_none).then(|| Box::new(Additions { cors, fields }))
    }

    /// Adds it to the fields of a response to this request, of which the head may not have been complete.
    #[cold]
    pub(super) fn add_to(&self, fields: &mut Headers, head: Option<&RequestHead>) {
        self.cors.add_to(fields, head);
        self.fields.apply(fields, head);
    }
}

impl Http {
    /// Returns the response to OPTIONS for a path that has these methods: the answer to a preflight, if a page that is
    /// allowed asks.
    pub(super) fn options(&self, head: &RequestHead, allow: String, peer: PeerAddress) -> Response {
        let cors = self.additions.as_ref().map(|additions| &additions.cors);
        let cors = cors.filter(|cors| !cors.is_empty());
        let answer = cors.and_then(|cors| cors.preflight(head, &allow));
        if answer.is_none() && cors.is_some() && is_preflight(head) {
            let origin = shown(head.headers.text("origin").unwrap_or_default());
            log::info!("{peer}: refused: a preflight of a page of {origin} (see --cors)");
        }
        answer.unwrap_or_else(|| Response::new(Status::NO_CONTENT)).field("Allow", allow)
    }

    /// Returns true if a page may send this request, which may change something, or if it comes from no page.
    pub(super) fn admits_origin(&self, head: &RequestHead) -> bool {
        let is_cors =
            |additions: &Additions| head.headers.has("origin") && additions.cors.admits(head);
        self.allowed_hosts.admits_origin(head) || self.additions.as_deref().is_some_and(is_cors)
    }
}
