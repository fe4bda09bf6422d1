//! A request that is built and sent in one expression: `client.get(url).header(name, value).send()?`.

use std::io::{self, Read, Seek};

use super::Client;
use super::error::Error;
use super::follow::follow;
use super::request::Request;
use super::response::Response;
use super::upload::BodyReader;

/// A request that is being built, and the client that will send it.
///
/// No step fails: the first error, such as a wrong URL, method or field, is kept, and returned by
/// [`RequestBuilder::send`].
///
/// ```no_run
/// # use threadbare::client::Client;
/// let client = Client::new();
/// let request = client.put("http://127.0.0.1:8080/users/1").header("If-Match", "\"7\"");
/// let response = request.header("Content-Type", "application/json").body("{}").send()?;
/// # Ok::<(), threadbare::client::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RequestBuilder<'c> {
    client: &'c Client,
    /// The request so far, or the first error.
    request: Result<Request, Error>,
    reader: Option<BodyReader<'c>>,
}

impl<'c> RequestBuilder<'c> {
    pub(super) fn new(client: &'c Client, method: &str, url: &str) -> RequestBuilder<'c> {
        let request = Request::get(url).and_then(|request| request.with_method(method));
        RequestBuilder { client, request, reader: None }
    }

    pub(super) fn of(client: &'c Client, request: Request) -> RequestBuilder<'c> {
        RequestBuilder { client, request: Ok(request), reader: None }
    }

    /// Takes a step, unless one before it failed.
    fn step(self, step: impl FnOnce(Request) -> Result<Request, Error>) -> RequestBuilder<'c> {
        RequestBuilder { request: self.request.and_then(step), ..self }
    }

    /// Adds a field, which replaces a default of the same name, as [`Request::with_header`]. A name that is
    /// not a token, or a value with a control byte, is [`Error::Field`].
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> RequestBuilder<'c> {
        self.step(|request| request.with_header(name, value))
    }

    /// Removes a default field, as [`Request::without_default`].
    pub fn without_default(self, name: &str) -> RequestBuilder<'c> {
        self.step(|request| Ok(request.without_default(name)))
    }

    /// Sets the body. It can be sent again for a redirect or a retry.
    pub fn body(self, body: impl Into<Vec<u8>>) -> RequestBuilder<'c> {
        RequestBuilder { reader: None, ..self.step(|request| Ok(request.with_body(body))) }
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

    /// Returns the request, to send it more than once, or in a [`Pipeline`](super::Pipeline).
    ///
    /// # Errors
    /// The first error of the steps before; [`Error::Upload`] if the body is a reader, which cannot be sent
    /// twice.
    pub fn build(self) -> Result<Request, Error> {
        let request = self.request?;
        if self.reader.is_some() {
            let what = "a reader is no part of a request; right: send(), or a body in memory";
            return Err(Error::Upload(io::Error::other(what)));
        }
        Ok(request)
    }

    /// Sends the request and waits for the head of the response, as [`Client::send`].
    ///
    /// # Errors
    /// The first error of the steps before, with which nothing is sent; or what went wrong with the call.
    pub fn send(self) -> Result<Response, Error> {
        follow(self.client, &self.request?, self.reader)
    }
}
