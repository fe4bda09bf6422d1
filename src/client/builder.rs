//! A request that is built and sent in one expression: `client.get(url).header(name, value).send()?`.

use std::fmt::Display;
use std::io::{self, Read, Seek};
use std::time::Duration;

use super::Client;
use super::budget::Timeouts;
#[cfg(feature = "inflate")]
use super::config::BodyForm;
use super::error::Error;
use super::error_kind::ErrorKind;
use super::follow::follow;
#[cfg(feature = "json")]
use super::json::JsonError;
use super::request::Request;
use super::response::Response;
use super::upload::BodyReader;
use crate::proto::http::basic::basic;
#[cfg(feature = "inflate")]
use crate::proto::http::content_coding::ACCEPTED;
use crate::proto::http::target::form_text;

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
    timeout: Option<Duration>,
}

impl<'c> RequestBuilder<'c> {
    pub(super) fn new(client: &'c Client, method: &str, url: &str) -> RequestBuilder<'c> {
        let request = Request::get(url).and_then(|request| request.with_method(method));
        #[cfg(feature = "inflate")]
        let request = request.and_then(|request| match client.config.body {
            BodyForm::Decoded => request.with_default("Accept-Encoding", ACCEPTED),
            _ => Ok(request),
        });
        RequestBuilder { client, request, reader: None, timeout: None }
    }

    pub(super) fn of(client: &'c Client, request: Request) -> RequestBuilder<'c> {
        RequestBuilder { client, request: Ok(request), reader: None, timeout: None }
    }

    /// Takes a step, unless one before it failed.
    fn step(self, step: impl FnOnce(Request) -> Result<Request, Error>) -> RequestBuilder<'c> {
        RequestBuilder { request: self.request.and_then(step), ..self }
    }

    /// Adds a field, which replaces a default of the same name, as [`Request::with_header`]. A name that is
    /// not a token, or a value with a control byte, is [`ErrorKind::Field`].
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> RequestBuilder<'c> {
        self.step(|request| {
            let request = request.with_header(name, value)?;
            // A part of a coded body cannot be decoded.
            Ok(match name.eq_ignore_ascii_case("range") {
                true => request.without_default("Accept-Encoding"),
                false => request,
            })
        })
    }

    /// Adds a pair to the query of the URL, encoded as browsers encode forms
    /// (`application/x-www-form-urlencoded`: a space is `+`; WHATWG URL, 5.1). A query that the URL has stays
    /// before it.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// # let client = Client::new();
    /// // GET /users?name=Ada+Lovelace&limit=10
    /// let get = client.get("http://127.0.0.1:8080/users");
    /// let users = get.query("name", "Ada Lovelace").query("limit", 10).send()?.text()?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    pub fn query(self, name: &str, value: impl Display) -> RequestBuilder<'c> {
        self.step(|request| request.with_query(name, &value.to_string()))
    }

    /// Sends user and password to the server (Basic, RFC 7617), in place of an `Authorization` that was set
    /// before. They are not encrypted. No server but this one gets them, whatever redirects. A user with a
    /// colon, or a control byte in either, is [`ErrorKind::Credentials`].
    pub fn basic_auth(self, user: &str, password: &str) -> RequestBuilder<'c> {
        self.step(|request| {
            if user.contains(':')
                || [user, password].concat().bytes().any(|it| it.is_ascii_control())
            {
                return Err(ErrorKind::Credentials.at(request.url()));
            }
            request.with_authorization(&basic(format!("{user}:{password}").as_bytes()))
        })
    }

    /// Sends a token to the server (Bearer, RFC 6750), as [`RequestBuilder::basic_auth`] sends a password. A
    /// token with a control byte is [`ErrorKind::Field`].
    pub fn bearer(self, token: &str) -> RequestBuilder<'c> {
        self.step(|request| request.with_authorization(&format!("Bearer {token}")))
    }

    /// Limits this whole call, from [`RequestBuilder::send`] to the end of the response's body, redirects
    /// and retries included; in place of [`Timeouts::total`](super::Timeouts), which [`Client::max_time`]
    /// sets for every call.
    pub fn timeout(self, limit: Duration) -> RequestBuilder<'c> {
        RequestBuilder { timeout: Some(limit), ..self }
    }

    /// Removes a default field, as [`Request::without_default`].
    pub fn without_default(self, name: &str) -> RequestBuilder<'c> {
        self.step(|request| Ok(request.without_default(name)))
    }

    /// Sets the body. It can be sent again for a redirect or a retry.
    pub fn body(self, body: impl Into<Vec<u8>>) -> RequestBuilder<'c> {
        RequestBuilder { reader: None, ..self.step(|request| Ok(request.with_body(body))) }
    }

    /// Sets a form as the body, encoded as [`RequestBuilder::query`], and its Content-Type, unless the caller
    /// sets another one.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// # let client = Client::new();
    /// let post = client.post("http://127.0.0.1:8080/users");
    /// post.form(&[("name", "Ada Lovelace"), ("email", "ada@example.org")]).send()?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    pub fn form<N: AsRef<str>, V: AsRef<str>>(self, pairs: &[(N, V)]) -> RequestBuilder<'c> {
        let pairs = pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        self.body_of("application/x-www-form-urlencoded", form_text(pairs))
    }

    /// Sets a value as the body, in JSON, and its Content-Type, unless the caller sets another one. The value
    /// is of a type that has `serde::Serialize`; one that has no form in JSON, such as a map whose keys are
    /// maps, is [`ErrorKind::Json`]. Needs the feature `json`.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// # let client = Client::new();
    /// let ada = serde_json::json!({ "name": "Ada Lovelace", "email": "ada@example.org" });
    /// client.post("http://127.0.0.1:8080/users").json(&ada).send()?.error_for_status()?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    #[cfg(feature = "json")]
    pub fn json<T: serde_core::Serialize + ?Sized>(self, value: &T) -> RequestBuilder<'c> {
        match serde_json::to_vec(value) {
            Ok(body) => self.body_of("application/json", body),
            Err(error) => self.step(|request| {
                Err(ErrorKind::Json(JsonError::written::<T>(error)).at(request.url()))
            }),
        }
    }

    fn body_of(self, media_type: &str, body: impl Into<Vec<u8>>) -> RequestBuilder<'c> {
        self.body(body).step(|request| match request.has_header("Content-Type") {
            true => Ok(request),
            false => request.with_default("Content-Type", media_type),
        })
    }

    /// Sets a reader as the body, sent in chunks, because its length is not known (RFC 9112, 7.1). It costs
    /// 64 KB of memory, whatever its size. [`RequestBuilder::send`] fails where the body would have to be
    /// read twice.
    pub fn reader(self, body: impl Read + 'c) -> RequestBuilder<'c> {
        RequestBuilder { reader: Some(BodyReader::one_shot(body, None)), ..self }
    }

    /// As [`RequestBuilder::reader`], for a body of `length` bytes, sent with a Content-Length. More bytes
    /// are not read; fewer are [`ErrorKind::Upload`].
    pub fn sized_reader(self, length: u64, body: impl Read + 'c) -> RequestBuilder<'c> {
        RequestBuilder { reader: Some(BodyReader::one_shot(body, Some(length))), ..self }
    }

    /// As [`RequestBuilder::sized_reader`], or without a length as [`RequestBuilder::reader`], for a reader
    /// that can rewind, a file for example: it is read again for a redirect or a retry.
    pub fn file(self, length: Option<u64>, body: impl Read + Seek + 'c) -> RequestBuilder<'c> {
        RequestBuilder { reader: Some(BodyReader::rewindable(body, length)), ..self }
    }

    /// Returns the request, to send it more than once, or in a [`Pipeline`](super::Pipeline). A
    /// [`RequestBuilder::timeout`] is not part of it.
    ///
    /// # Errors
    /// The first error of the steps before; [`ErrorKind::Upload`] if the body is a reader, which cannot be sent
    /// twice.
    pub fn build(self) -> Result<Request, Error> {
        let request = self.request?;
        if self.reader.is_some() {
            let what = "a reader is no part of a request; right: send(), or a body in memory";
            return Err(ErrorKind::Upload(io::Error::other(what)).at(request.url()));
        }
        Ok(request)
    }

    /// Sends the request and waits for the head of the response, as [`Client::send`].
    ///
    /// # Errors
    /// The first error of the steps before, with which nothing is sent; or what went wrong with the call.
    pub fn send(self) -> Result<Response, Error> {
        let total = self.timeout.or(self.client.config.timeouts.total);
        let timeouts = Timeouts { total, ..self.client.config.timeouts };
        follow(self.client, &self.request?, self.reader, timeouts)
    }
}
