//! A request on its way to being sent: `client.get(url)?.header(name, value)?.send()?`.

use std::io::{Read, Seek};

use super::Client;
use super::error::Error;
use super::follow::follow;
use super::request::Request;
use super::response::Response;
use super::upload::Stream;

/// A request, and the client that will send it. What is to be sent more than once is a [`Request`].
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RequestBuilder<'c> {
    client: &'c Client,
    request: Request,
    stream: Option<Stream<'c>>,
}

impl<'c> RequestBuilder<'c> {
    pub(super) fn new(
        client: &'c Client,
        method: &str,
        url: &str,
    ) -> Result<RequestBuilder<'c>, Error> {
        Ok(RequestBuilder::of(client, Request::get(url)?.method(method)?))
    }

    pub(super) fn of(client: &'c Client, request: Request) -> RequestBuilder<'c> {
        RequestBuilder { client, request, stream: None }
    }

    /// Adds a field, as [`Request::field`].
    ///
    /// # Errors
    /// [`Error::Field`] when its name is not a token, or a control byte stands in its value.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Result<RequestBuilder<'c>, Error> {
        Ok(RequestBuilder { request: self.request.field(name, value)?, ..self })
    }

    /// Takes a default field away, as [`Request::without`].
    pub fn without(self, name: &str) -> RequestBuilder<'c> {
        RequestBuilder { request: self.request.without(name), ..self }
    }

    /// Sends this as the body; it can be sent again where a redirect or a retry asks for it.
    pub fn body(self, body: impl Into<Vec<u8>>) -> RequestBuilder<'c> {
        RequestBuilder { request: self.request.body(body), stream: None, ..self }
    }

    /// Sends what this reader gives, in chunks, as its length is not known (RFC 9112, 7.1). It costs 64 KB
    /// of memory, whatever its size. [`RequestBuilder::send`] fails where only reading it twice would
    /// help.
    pub fn reader(self, body: impl Read + 'c) -> RequestBuilder<'c> {
        RequestBuilder { stream: Some(Stream::once(body, None)), ..self }
    }

    /// As [`RequestBuilder::reader`], for a body of `length` bytes, sent with its Content-Length. More
    /// is not read; less is [`Error::Upload`].
    pub fn sized_reader(self, length: u64, body: impl Read + 'c) -> RequestBuilder<'c> {
        RequestBuilder { stream: Some(Stream::once(body, Some(length))), ..self }
    }

    /// As [`RequestBuilder::sized_reader`], or without a length as [`RequestBuilder::reader`], for what can
    /// go back to its beginning and be read again where a redirect or a retry asks for it, as a file.
    pub fn file(self, length: Option<u64>, body: impl Read + Seek + 'c) -> RequestBuilder<'c> {
        RequestBuilder { stream: Some(Stream::again(body, length)), ..self }
    }

    /// Sends it and waits for the head of the answer, as [`Client::send`].
    ///
    /// # Errors
    /// [`Error`] says in which phase what went wrong.
    pub fn send(self) -> Result<Response, Error> {
        follow(self.client, &self.request, self.stream)
    }
}
