//! Status codes and their customary phrases (RFC 9110, 15; 428, 429, 431: RFC 6585; 507: RFC 4918).

/// The status code of a response, from 100 to 999.
///
/// ```
/// use threadbare::server::Status;
///
/// assert_eq!(Status::try_from(404), Ok(Status::NOT_FOUND));
/// assert!(Status::try_from(1000).is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

macro_rules! statuses {
    ($($name:ident $code:literal $reason:literal,)*) => {
        #[allow(missing_docs, reason = "they are their own names")]
        impl Status {
            $(pub const $name: Status = Status($code);)*

            /// Returns the customary phrase, or an empty one for a code without.
            pub fn reason(self) -> &'static str {
                match self.0 {
                    $($code => $reason,)*
                    _ => "",
                }
            }

            /// Returns the status line of an HTTP/1.1 response, for a code with a customary phrase.
            fn line(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some(concat!("HTTP/1.1 ", $code, " ", $reason, "\r\n")),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    CONTINUE 100 "Continue",
    SWITCHING_PROTOCOLS 101 "Switching Protocols",
    EARLY_HINTS 103 "Early Hints",
    OK 200 "OK",
    CREATED 201 "Created",
    ACCEPTED 202 "Accepted",
    NON_AUTHORITATIVE 203 "Non-Authoritative Information",
    NO_CONTENT 204 "No Content",
    RESET_CONTENT 205 "Reset Content",
    PARTIAL_CONTENT 206 "Partial Content",
    MULTIPLE_CHOICES 300 "Multiple Choices",
    MOVED_PERMANENTLY 301 "Moved Permanently",
    FOUND 302 "Found",
    SEE_OTHER 303 "See Other",
    NOT_MODIFIED 304 "Not Modified",
    TEMPORARY_REDIRECT 307 "Temporary Redirect",
    PERMANENT_REDIRECT 308 "Permanent Redirect",
    BAD_REQUEST 400 "Bad Request",
    UNAUTHORIZED 401 "Unauthorized",
    FORBIDDEN 403 "Forbidden",
    NOT_FOUND 404 "Not Found",
    METHOD_NOT_ALLOWED 405 "Method Not Allowed",
    NOT_ACCEPTABLE 406 "Not Acceptable",
    REQUEST_TIMEOUT 408 "Request Timeout",
    CONFLICT 409 "Conflict",
    GONE 410 "Gone",
    LENGTH_REQUIRED 411 "Length Required",
    PRECONDITION_FAILED 412 "Precondition Failed",
    CONTENT_TOO_LARGE 413 "Content Too Large",
    URI_TOO_LONG 414 "URI Too Long",
    UNSUPPORTED_MEDIA_TYPE 415 "Unsupported Media Type",
    RANGE_NOT_SATISFIABLE 416 "Range Not Satisfiable",
    EXPECTATION_FAILED 417 "Expectation Failed",
    MISDIRECTED_REQUEST 421 "Misdirected Request",
    UNPROCESSABLE_CONTENT 422 "Unprocessable Content",
    UPGRADE_REQUIRED 426 "Upgrade Required",
    PRECONDITION_REQUIRED 428 "Precondition Required",
    TOO_MANY_REQUESTS 429 "Too Many Requests",
    FIELDS_TOO_LARGE 431 "Request Header Fields Too Large",
    INTERNAL_SERVER_ERROR 500 "Internal Server Error",
    NOT_IMPLEMENTED 501 "Not Implemented",
    BAD_GATEWAY 502 "Bad Gateway",
    SERVICE_UNAVAILABLE 503 "Service Unavailable",
    GATEWAY_TIMEOUT 504 "Gateway Timeout",
    VERSION_NOT_SUPPORTED 505 "HTTP Version Not Supported",
    INSUFFICIENT_STORAGE 507 "Insufficient Storage",
}

impl Status {
    /// Returns the status with this code, or `None` outside 100 to 999.
    pub fn new(code: u16) -> Option<Status> {
        (100..1000).contains(&code).then_some(Status(code))
    }

    /// Returns the code as a number.
    pub fn code(self) -> u16 {
        self.0
    }

    /// Returns the three digits of the code, as they are sent.
    pub fn digits(self) -> [u8; 3] {
        let [_, hundreds] = (self.0 / 100).to_be_bytes();
        let [_, rest] = (self.0 % 100).to_be_bytes();
        [hundreds, rest / 10, rest % 10].map(|digit| b'0' + digit)
    }

    /// Writes the status line of an HTTP/1.1 response, with the customary phrase.
    pub(super) fn encode_line(self, out: &mut Vec<u8>) {
        if let Some(line) = self.line() {
            return out.extend_from_slice(line.as_bytes());
        }
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(&self.digits());
        out.extend_from_slice(b" \r\n");
    }

    /// Returns true for 1xx, an interim response: the final one is still to come.
    pub fn is_informational(self) -> bool {
        self.0 < 200
    }

    /// Returns true for 4xx and 5xx, and for codes above, which are read as a 5xx (RFC 9110, 15).
    pub fn is_error(self) -> bool {
        self.0 >= 400
    }
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Status({})", self.0)
    }
}

/// `404 Not Found`.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.reason() {
            "" => write!(f, "{}", self.0),
            reason => write!(f, "{} {reason}", self.0),
        }
    }
}

/// The error of a number that is no status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidStatus(pub u16);

impl std::fmt::Display for InvalidStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not a status code (RFC 9110, 15); right: 100 to 999, such as 404", self.0)
    }
}

impl std::error::Error for InvalidStatus {}

impl TryFrom<u16> for Status {
    type Error = InvalidStatus;

    fn try_from(code: u16) -> Result<Status, InvalidStatus> {
        Status::new(code).ok_or(InvalidStatus(code))
    }
}

/// A [`Status`], or its number as a `u16`: what [`Response::status`](crate::server::Response::status) takes.
pub trait IntoStatus {
    /// Returns the status.
    ///
    /// # Errors
    /// [`InvalidStatus`] for a number that is no status code.
    fn into_status(self) -> Result<Status, InvalidStatus>;
}

impl IntoStatus for Status {
    #[inline(always)]
    fn into_status(self) -> Result<Status, InvalidStatus> {
        Ok(self)
    }
}

impl IntoStatus for u16 {
    fn into_status(self) -> Result<Status, InvalidStatus> {
        Status::try_from(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_error() {
        for (code, informational, error) in [
            (100, true, false),
            (199, true, false),
            (200, false, false),
            (399, false, false),
            (400, false, true),
            (599, false, true),
            (600, false, true),
            (999, false, true),
        ] {
            let status = Status::new(code).unwrap();
            assert_eq!(status.is_informational(), informational, "{code}");
            assert_eq!(status.is_error(), error, "{code}");
        }
        assert_eq!(Status::new(99).or(Status::new(1000)), None);
    }

    #[test]
    fn a_status_line_has_a_phrase_or_an_empty_one() {
        for (code, want) in
            [(200, "HTTP/1.1 200 OK\r\n"), (299, "HTTP/1.1 299 \r\n"), (999, "HTTP/1.1 999 \r\n")]
        {
            let mut out = Vec::new();
            Status::new(code).unwrap().encode_line(&mut out);
            assert_eq!(out, want.as_bytes());
        }
    }

    #[test]
    fn a_status_shows_its_phrase() {
        assert_eq!(Status::NOT_FOUND.to_string(), "404 Not Found");
    }
}
