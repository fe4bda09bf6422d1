//! A request that is built and sent in one expression: `client.get(url)?.header(name, value)?.send()?`.

use std::io::{Read, Seek};

use super::Client;
use super::error::Error;
use super::follow::follow;
use super::request::Request;
use super::response::Response;
use super::upload::BodyReader;

/// A request, and the client that will send it. A [`Request`] can be sent more than once.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RequestBuilder<'c> {
    client: &'c Client,
    request: Request,
    reader: Option<BodyReader<'c>>,
}

impl<'c> RequestBuilder<'c> {
    pub(super) fn new(
        client: &'c Client,
        method: &str,
        url: &str,
    ) -> Result<RequestBuilder<'c>, Error> {
        Ok(RequestBuilder::of(client, Request::get(url)?.with_method(method)?))
    }

    pub(super) fn of(client: &'c Client, request: Request) -> RequestBuilder<'c> {
        RequestBuilder { client, request, reader: None }
    }

    /// Adds a field, as [`Request::with_header`].
    ///
    /// # Errors
    /// [`Error::Field`] when the name is not a token, or the value has a control byte.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Result<RequestBuilder<'c>, Error> {
        Ok(RequestBuilder { request: self.request.with_header(name, value)?, ..self })
    }

    /// Removes a default field, as [`Request::without_default`].
    pub fn without_default(self, name: &str) -> RequestBuilder<'c> {
        RequestBuilder { request: self.request.without_default(name), ..self }
    }

    /// Sets the body. It can be sent again for a redirect or a retry.
    pub fn body(self, body: impl Into<Vec<u8>>) -> RequestBuilder<'c> {
        RequestBuilder { request: self.request.with_body(body), reader: None, ..self }
    }

    /// Sets a reader as the body, sent in chunks, because its length is not known (RFC 9112, 7.1). It costs
    /// 64 KB of memory, whatever its size. [`RequestBuilder::send`] fails where the body would have to be
    /// read twice.
    pub fn reader(self, body: impl Read + 'c) -> RequestBuilder<'c> {
        RequestBuilder { reader: Some(BodyReader::one_shot(body, None)), ..self }
    }

    /// As [`RequestBuilder::reader`], for a body of `length` bytes, sent with a Content-Length. More bytes
    /// are not read; fewer are [`Error::Upload`].
    pub fn sized_reader(self, length: u64, body: impl Read + 'c) -> RequestBuilder<'c> {
        RequestBuilder { reader: Some(BodyReader::one_shot(body, Some(length))), ..self }
    }

    /// As [`RequestBuilder::sized_reader`], or without a length as [`RequestBuilder::reader`], for a reader
    /// that can rewind, a file for example: it is read again for a redirect or a retry.
    pub fn file(self, length: Option<u64>, body: impl Read + Seek + 'c) -> RequestBuilder<'c> {
        RequestBuilder { reader: Some(BodyReader::rewindable(body, length)), ..self }
    }

    /// Sends the request and waits for the head of the response, as [`Client::send`].
    ///
    /// # Errors
    /// [`Error`] says what went wrong, and in which phase.
    pub fn send(self) -> Result<Response, Error> {
        follow(self.client, &self.request, self.reader)
    }
}
