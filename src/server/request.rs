//! A request, as a handler gets it: head, body, client, and the named parts of the path.

use std::fmt::Display;
use std::io::Read as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::request_body::RequestBody;
use super::form::Form;
use super::multipart::{Multipart, MultipartError};
use super::respond::error_response::{ErrorResponse, shown};
use super::respond::failure::{is_of_client, log_failure};
use crate::net::peer_address::PeerAddress;
use crate::pool::current_worker;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::proto::http::cookie::cookie;
use crate::proto::http::head::RequestHead;
use crate::proto::http::limits::Limits;
use crate::proto::http::method::Method;
use crate::proto::http::status::Status;
use crate::proto::http::target::form_pairs;

/// A request, as a handler gets it.
///
/// | wanted | where it is |
/// |---|---|
/// | `id` of `/users/{id}` | [`Request::param`], [`Request::param_as`] |
/// | `limit` of `?limit=10` | [`Request::query`], [`Request::query_as`] |
/// | a field, a cookie | [`Request::header`], [`Request::cookie`] |
/// | the whole body | [`Request::body_text`], [`Request::body_bytes`], `Request::json`, [`Request::form`] |
/// | the body piece by piece | [`Request::multipart`], and `body`, which is a [reader](std::io::Read) |
/// | method, path, version | [`Request::method`], [`Request::path`], `head.version` |
///
/// The methods that read the body read it once: a second call finds it empty.
#[derive(Debug)]
pub struct Request {
    /// The method, the target, the version and the fields.
    pub head: Box<RequestHead>,
    /// The body, decoded, with its [trailers](RequestBody::trailers); empty when there was none.
    pub body: RequestBody,
    /// The client; behind a [known proxy](crate::server::Config::trusted_proxies), the client that it names.
    pub peer: PeerAddress,
    pub(super) params: Params,
    pub(super) arrival: Option<Arrival>,
}

/// When a request arrived: [`Request::arrival`].
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When its first bytes could be read; of a new connection, when it was accepted.
    pub at: Instant,
    /// How long it then waited for a worker.
    pub queued: Duration,
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

    /// Returns a named part of the path, or `None` when the route has no part of this name.
    pub fn try_param(&self, name: &str) -> Option<&str> {
        self.params.value(name)
    }

    /// Returns a named part of the path as a number or another type.
    ///
    /// ```
    /// use threadbare::server::{ErrorResponse, Request, Router};
    ///
    /// fn double(request: &mut Request) -> Result<String, ErrorResponse> {
    ///     let number: u32 = request.param_as("number")?;
    ///     Ok(format!("{}\n", u64::from(number) * 2))
    /// }
    ///
    /// let routes = Router::new().get("/double/{number}", double).build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    ///
    /// # Errors
    /// A 400 that names the part, what it is, and what it should be.
    ///
    /// # Panics
    /// As [`Request::param`].
    pub fn param_as<T: FromStr>(&self, name: &str) -> Result<T, ErrorResponse>
    where
        T::Err: Display,
    {
        let text = self.param(name);
        text.parse().map_err(|error| wrong_type::<T>("path part", name, text, &error))
    }

    /// Returns when it arrived; `None` if that is not measured for this client
    /// ([`Config::server_timing`](super::Config::server_timing)).
    pub fn arrival(&self) -> Option<Arrival> {
        self.arrival
    }

    /// Returns the number of the worker that handles it, from 1; `None` if none does
    /// ([`Immediate`](super::Immediate)).
    pub fn worker(&self) -> Option<usize> {
        current_worker()
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// Returns the path without the query, still percent-encoded, without dot segments and runs of slashes.
    pub fn path(&self) -> &str {
        self.head.target.path()
    }

    /// Returns the value of a field, if it is text in UTF-8; of several fields of this name, the first.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.text(name)
    }

    /// Returns the first value of this name in the query, decoded (WHATWG URL, 5.1): `+` is a space.
    ///
    /// ```
    /// # use threadbare::server::Router;
    /// let greet = Router::new().get("/hello", |request| {
    ///     format!("hello, {}\n", request.query("name").unwrap_or("stranger".into()))
    /// });
    /// ```
    pub fn query(&self, name: &str) -> Option<String> {
        self.queries().find(|(held, _)| held == name).map(|(_, value)| value)
    }

    /// Returns the first value of this name in the query as a number or another type, or `None` if the query
    /// has none.
    ///
    /// ```
    /// # use threadbare::server::{ErrorResponse, Request};
    /// fn list(request: &mut Request) -> Result<String, ErrorResponse> {
    ///     let limit: usize = request.query_as("limit")?.unwrap_or(10);
    ///     Ok(format!("at most {limit}\n"))
    /// }
    /// ```
    ///
    /// # Errors
    /// A 400 that names the parameter, what it is, and what it should be.
    pub fn query_as<T: FromStr>(&self, name: &str) -> Result<Option<T>, ErrorResponse>
    where
        T::Err: Display,
    {
        let parse = |text: String| {
            text.parse().map_err(|error| wrong_type::<T>("query parameter", name, &text, &error))
        };
        self.query(name).map(parse).transpose()
    }

    /// Returns all names and values of the query, decoded, in their order.
    pub fn queries(&self) -> impl Iterator<Item = (String, String)> {
        form_pairs(self.head.target.query().unwrap_or_default())
    }

    /// Returns the value of the first cookie of this name (RFC 6265, 5.4). Names are compared exactly.
    ///
    /// ```
    /// # use threadbare::server::{Router, Response, SetCookie};
    /// let visits = Router::new().get("/visits", |request| {
    ///     let count = request.cookie("visits").and_then(|text| text.parse().ok()).unwrap_or(0) + 1;
    ///     Response::text(format!("visit {count}\n")).cookie(&SetCookie::new("visits", count.to_string()))
    /// });
    /// ```
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie(&self.head.headers, name)
    }

    /// Reads the body as a form without files (`application/x-www-form-urlencoded`), as browsers and curl's
    /// `-d` send it.
    ///
    /// # Errors
    /// A 415 for a body that says it is something else, a 413 for more than 1,000 fields, and as
    /// [`Request::body_text`].
    pub fn form(&mut self) -> Result<Form, ErrorResponse> {
        const FORM: &str = "application/x-www-form-urlencoded";
        let given = self.header("Content-Type").unwrap_or(FORM);
        let media_type = given.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(FORM) {
            let what = format!("the body is {}, and this takes a form", shown(media_type));
            let (status, right) = (Status::UNSUPPORTED_MEDIA_TYPE, format!("Content-Type: {FORM}"));
            return Err(ErrorResponse::new(status, "RFC 9110, 15.5.16", what, right));
        }
        Form::parse(&self.body_text()?, &Limits::default())
    }

    /// Reads the body as a form with files (`multipart/form-data`), part by part: no part is kept in memory. A
    /// route that [streams](super::Streaming) gets the parts while they arrive, in a form of any size.
    ///
    /// ```
    /// use threadbare::server::{HandlerError, Request, Router};
    ///
    /// fn upload(request: &mut Request) -> Result<String, HandlerError> {
    ///     let mut form = request.multipart()?;
    ///     let mut bytes = 0;
    ///     while let Some(mut part) = form.next_part()? {
    ///         bytes += std::io::copy(&mut part, &mut std::io::sink())?;
    ///     }
    ///     Ok(format!("{bytes} bytes\n"))
    /// }
    ///
    /// let routes = Router::new().post("/upload", upload).build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    ///
    /// # Errors
    /// When the body is not of this type, which is a 415, or names no valid boundary, a 400.
    pub fn multipart(&mut self) -> Result<Multipart<'_>, MultipartError> {
        let content_type = self.head.headers.text("Content-Type").unwrap_or_default();
        Multipart::new(content_type, &mut self.body)
    }

    /// Reads the body as text.
    ///
    /// # Errors
    /// A 400 when it is not in UTF-8, with the offset of the first byte that is wrong. When it cannot be read,
    /// the server responds what was wrong with it, whatever the handler returns.
    pub fn body_text(&mut self) -> Result<String, ErrorResponse> {
        String::from_utf8(self.body_bytes()?).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let what = format!("the body is not text in UTF-8: its byte {at} is wrong");
            ErrorResponse::new(Status::BAD_REQUEST, "RFC 3629, 3", what, "text in UTF-8")
        })
    }

    /// Reads the body into memory. It is limited by the server ([`Limits::body`](super::Limits::body), 16 MB) and
    /// [by the handler](super::Handler::body_limit); a [streamed](super::Streaming) one only by the latter.
    ///
    /// # Errors
    /// A 500 when it cannot be read: the client broke off, or the file that keeps it cannot be read.
    pub fn body_bytes(&mut self) -> Result<Vec<u8>, ErrorResponse> {
        let mut bytes = Vec::new();
        match self.body.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => {
                if !is_of_client(&error) {
                    log_failure(format_args!("{}: cannot read a request body", self.peer), &error);
                }
                Err(ErrorResponse::internal_error())
            }
        }
    }

    /// Reads the body as JSON. Its `Content-Type` is not looked at, as with curl's `-d` it is another one.
    ///
    /// ```
    /// # use threadbare::server::{ErrorResponse, Request};
    /// use std::collections::HashMap;
    ///
    /// fn count(request: &mut Request) -> Result<String, ErrorResponse> {
    ///     let members: HashMap<String, String> = request.json()?;
    ///     Ok(format!("{} members\n", members.len()))
    /// }
    /// ```
    ///
    /// # Errors
    /// A 400 that says what is wrong, and in which line and column.
    #[cfg(feature = "json")]
    pub fn json<T: serde_core::de::DeserializeOwned>(&mut self) -> Result<T, ErrorResponse> {
        let bytes = self.body_bytes()?;
        serde_json::from_slice(&bytes).map_err(|error| {
            let what = format!("the body is not the JSON that is expected here: {error}");
            ErrorResponse::new(
                Status::BAD_REQUEST,
                "RFC 8259, 2",
                what,
                "JSON of the type that is expected",
            )
        })
    }

    /// Returns the path up to the rest that the route leaves open, and that rest with its first slash.
    pub(super) fn split_path(&self) -> (&str, &str) {
        self.params.split(self.head.target.path())
    }

    /// Returns true if the client prefers HTML to plain text and JSON, as browsers do (RFC 9110, 12.5.1).
    pub fn wants_html(&self) -> bool {
        preferred_format(&self.head.headers) == TextFormat::Html
    }
}

/// Returns the 400 for a text that is not of the type that is wanted.
fn wrong_type<T>(kind: &str, name: &str, text: &str, error: &dyn Display) -> ErrorResponse {
    let wanted = match std::any::type_name::<T>() {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "bool" => "true or false",
        other => other.rsplit("::").next().unwrap_or(other),
    };
    let what = format!("the {kind} {name} is {}: {error}", shown(text));
    ErrorResponse::new(Status::BAD_REQUEST, "RFC 9110, 15.5.1", what, format!("{name}: {wanted}"))
}

/// The named parts of a path, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pub(super) named: Vec<(Arc<str>, String)>,
    /// How many segments stand before the rest of the path, `{...}`; 0 without one.
    pub(super) before_rest: usize,
}

impl Params {
    /// Returns the part of this name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(held, _)| **held == *name).map(|(_, value)| value.as_str())
    }

    /// Returns the path up to the rest that the route leaves open, and that rest with its first slash.
    pub(super) fn split<'p>(&self, path: &'p str) -> (&'p str, &'p str) {
        if self.before_rest == 0 {
            return ("", path);
        }
        let mut slashes = path.match_indices('/').map(|(at, _)| at);
        path.split_at(slashes.nth(self.before_rest).unwrap_or(path.len()))
    }
}
