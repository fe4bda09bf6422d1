//! A request, as a handler gets it: head, body, client, and the named parts of the path.

use std::net::SocketAddr;
use std::sync::Arc;

use super::conn::request_body::RequestBody;
use crate::proto::http::accept::prefers_html;
use crate::proto::http::head::RequestHead;

/// A request, as a handler gets it.
#[derive(Debug)]
pub struct Request {
    /// Method, target, version, fields.
    pub head: Box<RequestHead>,
    /// The body, decoded, with its [trailers](RequestBody::trailers); empty when there was none.
    pub body: RequestBody,
    /// The address of the client, or of its proxy.
    pub peer: SocketAddr,
    pub(super) params: Params,
}

impl Request {
    /// Returns a named part of the path: the `id` of `/users/{id}`. It is decoded, so a `%2F` is a `/` in
    /// it, and it may hold `..` segments: a handler that opens a file by it must check it.
    ///
    /// # Panics
    /// When the route has no part of this name, which is a mistake in the program.
    pub fn param(&self, name: &str) -> &str {
        match self.params.value(name) {
            Some(value) => value,
            None => panic!("the route of {:?} has no {{{name}}}", self.head.target.path()),
        }
    }

    /// Returns true if the client prefers HTML to plain text, as browsers do (RFC 9110, 12.5.1).
    pub fn wants_html(&self) -> bool {
        prefers_html(&self.head.headers)
    }
}

/// The named parts of a path, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(pub(super) Vec<(Arc<str>, String)>);

impl Params {
    /// Returns the part of this name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(held, _)| **held == *name).map(|(_, value)| value.as_str())
    }
}
