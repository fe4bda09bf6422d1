//! What a handler may return: anything that becomes a [`Response`].

use std::borrow::Cow;
use std::error::Error;
use std::io;

use super::multipart::MultipartError;
use super::request::Request;
use super::respond::error_response::{ErrorResponse, shown};
use super::response::{Body, Response, valid};
use crate::proto::http::status::{IntoStatus, Status};
use crate::text::causes;

/// A value that becomes a [`Response`]: what a handler may return.
///
/// | value | response |
/// |---|---|
/// | [`Response`] | itself |
/// | `&'static str`, `String` | 200 with this text |
/// | `Vec<u8>`, `&'static [u8]` | 200 with these bytes, `application/octet-stream` |
/// | [`Status`] | this status, with an empty body |
/// | `()` | 204 (No Content) |
/// | `(status, R)` | that of `R`, with this status: a [`Status`], or a number from 100 to 999; an `Err` keeps its own |
/// | [`ErrorResponse`] | an error response that says what was wrong, as text, HTML or JSON |
/// | [`MultipartError`] | an error response that says what is wrong with the form |
/// | `Result<R, E>` | that of `R` or of `E` |
/// | [`HandlerError`] | what `?` makes of any error: a 500, with the error in the log |
///
/// ```
/// use threadbare::server::{HandlerError, Request, Router};
///
/// fn motd(_: &mut Request) -> Result<String, HandlerError> {
///     Ok(std::fs::read_to_string("/etc/motd")?)
/// }
///
/// let routes = Router::new().get("/motd", motd).get("/teapot", |_| (418, "short and stout\n")).build()?;
/// # Ok::<(), threadbare::server::RouteErrors>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a response",
    label = "a handler cannot return this",
    note = "right: Response, &'static str, String, (Status, R), Result<R, HandlerError>; \
            for an error of your own use `?` and HandlerError, or implement IntoResponse"
)]
pub trait IntoResponse {
    /// Returns the response to this request.
    fn into_response(self, request: &Request) -> Response;

    /// Returns the response with another status. An error keeps its own: what went wrong did not succeed.
    fn with_status(self, status: Status, request: &Request) -> Response
    where
        Self: Sized,
    {
        self.into_response(request).status(status)
    }
}

impl IntoResponse for Response {
    #[inline]
    fn into_response(self, _: &Request) -> Response {
        self
    }
}

impl IntoResponse for &'static str {
    fn into_response(self, _: &Request) -> Response {
        Response::plain(Cow::Borrowed(self))
    }
}

impl IntoResponse for String {
    fn into_response(self, _: &Request) -> Response {
        Response::plain(self.into())
    }
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self, _: &Request) -> Response {
        Response::plain(self)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self, _: &Request) -> Response {
        Response::bytes("application/octet-stream", self)
    }
}

impl IntoResponse for &'static [u8] {
    fn into_response(self, _: &Request) -> Response {
        let empty = Response::bytes("application/octet-stream", Vec::new());
        empty.body(Body::Bytes(Cow::Borrowed(self)))
    }
}

impl IntoResponse for Status {
    fn into_response(self, _: &Request) -> Response {
        Response::new(self)
    }
}

impl IntoResponse for () {
    fn into_response(self, _: &Request) -> Response {
        Response::new(Status::NO_CONTENT)
    }
}

impl<S: IntoStatus, R: IntoResponse> IntoResponse for (S, R) {
    fn into_response(self, request: &Request) -> Response {
        let (status, response) = self;
        response.with_status(valid(status), request)
    }
}

impl<R: IntoResponse, E: IntoResponse> IntoResponse for Result<R, E> {
    fn into_response(self, request: &Request) -> Response {
        match self {
            Ok(response) => response.into_response(request),
            Err(error) => error.into_response(request),
        }
    }

    fn with_status(self, status: Status, request: &Request) -> Response {
        match self {
            Ok(response) => response.with_status(status, request),
            Err(error) => error.into_response(request),
        }
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self, request: &Request) -> Response {
        self.to(request)
    }
}

/// As [`HandlerError`].
impl IntoResponse for io::Error {
    fn into_response(self, request: &Request) -> Response {
        // It may be that of a form, which is the client's.
        MultipartError::from(self).into_response(request)
    }
}

/// Why a handler has no response: what `?` makes of an error.
///
/// An [`ErrorResponse`] or a [`Response`] is sent as it is, and a [`MultipartError`] says what is wrong with
/// the form. Any other error is logged with its causes at level error, and the client gets a 500 that shows
/// nothing of it; an [`io::Error`] that tells of a full disk gets a 507, one that tells of too many open files a
/// 503.
///
/// ```
/// use threadbare::server::{ErrorResponse, HandlerError, Request, Status};
///
/// fn read(request: &mut Request) -> Result<String, HandlerError> {
///     let number: u32 = request.param_as("number")?; // a 400
///     if number > 99 {
///         let (what, right) = ("there are 100 notes", "a number from 0 to 99");
///         return Err(ErrorResponse::new(Status::NOT_FOUND, "RFC 9110, 15.5.5", what, right).into());
///     }
///     Ok(std::fs::read_to_string(format!("notes/{number}.txt"))?) // a 500, and a line in the log
/// }
/// ```
pub struct HandlerError(Reason);

enum Reason {
    Refused(Box<ErrorResponse>),
    Response(Box<Response>),
    Failed(Box<dyn Error + Send + Sync>),
}

impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> HandlerError {
        HandlerError(Reason::Failed(error.into()))
    }
}

impl From<ErrorResponse> for HandlerError {
    fn from(error: ErrorResponse) -> HandlerError {
        HandlerError(Reason::Refused(error.into()))
    }
}

impl From<Response> for HandlerError {
    fn from(response: Response) -> HandlerError {
        HandlerError(Reason::Response(response.into()))
    }
}

impl IntoResponse for HandlerError {
    fn into_response(self, request: &Request) -> Response {
        let error = match self.0 {
            Reason::Refused(error) => return error.to(request),
            Reason::Response(response) => return *response,
            Reason::Failed(error) => error,
        };
        let error = match error.downcast::<io::Error>() {
            Ok(error) => return error.into_response(request),
            Err(error) => error,
        };
        let error = match error.downcast::<MultipartError>() {
            Ok(error) => return error.into_response(request),
            Err(error) => error,
        };
        let target = shown(&request.head.target.to_string());
        log::error!("{} {target}: {}", request.head.method, with_causes(&*error));
        ErrorResponse::internal_error().response(Some(&request.head))
    }
}

/// Shows the error and its causes.
impl std::fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Reason::Refused(error) => write!(f, "{error}"),
            Reason::Response(response) => write!(f, "{response:?}"),
            Reason::Failed(error) => f.write_str(&with_causes(&**error)),
        }
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
