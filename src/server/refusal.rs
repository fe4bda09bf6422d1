//! Refusals that teach: what was wrong, where, which rule says so, and how a right one looks.
//!
//! HTML for those whose `Accept` names it, plain text for everybody else. The texts are constants
//! of ours; where a peer's bytes are shown they are escaped.

use std::io::ErrorKind;

use super::handler::{Body, Response, wants_html};
use crate::net::door::Full;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;

/// Why a request is refused, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is answered.
    pub status: Status,
    /// What was wrong, or is missing.
    pub what: String,
    /// Where: the byte, counted from the start of the head or body.
    pub offset: Option<u64>,
    /// The RFC section that says so.
    pub section: &'static str,
    /// What a right one looks like.
    pub right: String,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal {
            status: fault.status(),
            what: fault.rule.what().to_owned(),
            offset: Some(fault.offset),
            section: fault.rule.section(),
            right: fault.rule.right().to_owned(),
        }
    }
}

impl Refusal {
    /// 404: nothing here by that name.
    pub fn not_found(head: &RequestHead) -> Refusal {
        Refusal {
            status: Status::NOT_FOUND,
            what: format!("there is nothing at {}", visible(head.target.path().as_bytes())),
            offset: None,
            section: "RFC 9110, 15.5.5",
            right: "a path that is there, such as /".to_owned(),
        }
    }

    /// 403: it is there, and is not to be read.
    pub fn forbidden(head: &RequestHead) -> Refusal {
        Refusal {
            status: Status::FORBIDDEN,
            what: format!("the server may not read {}", visible(head.target.path().as_bytes())),
            offset: None,
            section: "RFC 9110, 15.5.4",
            right: "a file that the server's user may read".to_owned(),
        }
    }

    /// 405: the path is there, the method is not.
    pub fn not_allowed(head: &RequestHead, allow: &str) -> Refusal {
        Refusal {
            status: Status::METHOD_NOT_ALLOWED,
            what: format!(
                "{} is not among the methods of {}",
                head.method,
                visible(head.target.path().as_bytes())
            ),
            offset: None,
            section: "RFC 9110, 15.5.6",
            right: allow.to_owned(),
        }
    }

    /// 413: a body of more than `limit` bytes.
    pub fn too_large(limit: u64) -> Refusal {
        let rule = Rule::BodyTooLarge;
        Refusal {
            status: rule.status(),
            what: format!("{}: {limit} bytes at most", rule.what()),
            offset: None,
            section: rule.section(),
            right: rule.right().to_owned(),
        }
    }

    /// 503: as many workers wait for bodies as may.
    pub fn too_many_streams() -> Refusal {
        Refusal {
            status: Status::SERVICE_UNAVAILABLE,
            what: "as many bodies are being streamed as may be at once".to_owned(),
            offset: None,
            section: "RFC 9110, 15.6.4",
            right: "the same request a little later".to_owned(),
        }
    }

    /// A body of this size has to be kept in a file, and that failed. 507: the disk is full; 503:
    /// anything else.
    pub fn cannot_keep(error: &std::io::Error) -> Refusal {
        let (status, section) = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                (Status::INSUFFICIENT_STORAGE, "RFC 4918, 11.5")
            }
            _ => (Status::SERVICE_UNAVAILABLE, "RFC 9110, 15.6.4"),
        };
        Refusal {
            status,
            what: "the server has no room for this body".to_owned(),
            offset: None,
            section,
            right: "a smaller body, or the same one later".to_owned(),
        }
    }

    /// 408: so much came in time.
    pub fn head_timeout(came: u64) -> Refusal {
        let rule = Rule::HeadTimeout;
        let what =
            format!("the head took too long: {came} bytes came, and not the blank line at its end");
        Refusal { what, offset: None, ..Refusal::from(Fault { rule, offset: came }) }
    }

    /// 408: so much came in time, and so much is missing, as far as that can be known.
    pub fn body_timeout(came: u64, missing: Option<u64>) -> Refusal {
        let rule = Rule::BodyTimeout;
        let missing = match missing {
            Some(missing) => format!("{missing} are missing"),
            None => "the last chunk is missing".to_owned(),
        };
        let what = format!("{}: {came} bytes came, {missing}", rule.what());
        Refusal { what, offset: None, ..Refusal::from(Fault { rule, offset: came }) }
    }

    /// 501: nobody here knows the method.
    pub fn not_implemented(head: &RequestHead) -> Refusal {
        Refusal {
            status: Status::NOT_IMPLEMENTED,
            what: format!("nothing here knows the method {} (case matters)", head.method),
            offset: None,
            section: "RFC 9110, 9.1",
            right: "GET, HEAD, POST, PUT, DELETE or OPTIONS".to_owned(),
        }
    }

    /// The answer, in HTML when `head` (if there was one) asks for it.
    pub fn response(&self, head: Option<&RequestHead>) -> Response {
        let response = if head.is_some_and(wants_html) {
            Response::html(self.html())
        } else {
            Response::text(self.text())
        };
        response.status(self.status)
    }

    fn text(&self) -> String {
        let Refusal { status, what, section, right, .. } = self;
        format!(
            "{status}\n\n{}{}.\nRule:  {section}\nRight: {right}\n",
            capital(what),
            self.place()
        )
    }

    fn html(&self) -> String {
        let Refusal { status, what, section, right, .. } = self;
        let [what, right] = [capital(what), right.clone()].map(|text| escape_html(&text));
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{status}</title>\n\
             <h1>{status}</h1>\n<p>{what}{}.</p>\n\
             <dl><dt>Rule</dt><dd>{section}</dd><dt>Right</dt><dd><code>{right}</code></dd></dl>\n</html>\n",
            self.place()
        )
    }

    fn place(&self) -> String {
        self.offset.map(|offset| format!(" (byte {offset})")).unwrap_or_default()
    }
}

/// For the log: one line.
impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}{} ({})", self.status.code(), self.what, self.place(), self.section)
    }
}

/// 500: a handler panicked, or a file could not be read; what exactly is for the log.
pub fn internal_error() -> Response {
    Response::text("500 Internal Server Error\n\nThe fault is the server's; its log says more.\n")
        .status(Status::INTERNAL_SERVER_ERROR)
}

/// 503 on a connection that no worker will see.
pub fn overload(why: Full) -> Response {
    Response::new(Status::SERVICE_UNAVAILABLE)
        .field("Retry-After", "1")
        .field("Content-Type", "text/plain; charset=utf-8")
        .body(Body::Bytes(
            format!("503 Service Unavailable\n\n{}. Try again in a second.\n", capital(why.what()))
                .into_bytes(),
        ))
}

/// Escapes what has a meaning in HTML.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Bytes as visible ASCII: anything else, quotes and backslashes as `\xHH`.
pub fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1F | 0x7F.. => out.push_str(&format!("\\x{byte:02X}")),
            visible => out.push(char::from(visible)),
        }
    }
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_people_at_a_prompt() {
        let refusal = Refusal::from(Fault::new(Rule::HostMissing, 16));
        assert_eq!(
            refusal.text(),
            "400 Bad Request\n\nAn HTTP/1.1 request has a Host field (byte 16).\n\
             Rule:  RFC 9112, 3.2\nRight: Host: example.org\n"
        );
    }

    #[test]
    fn a_full_disk_has_a_status_of_its_own() {
        for (kind, status) in [
            (ErrorKind::StorageFull, Status::INSUFFICIENT_STORAGE),
            (ErrorKind::QuotaExceeded, Status::INSUFFICIENT_STORAGE),
            (ErrorKind::NotFound, Status::SERVICE_UNAVAILABLE),
        ] {
            assert_eq!(Refusal::cannot_keep(&kind.into()).status, status);
        }
    }

    #[test]
    fn nothing_of_a_peer_is_shown_as_it_came() {
        assert_eq!(visible(b"a\r\n\"\\\x7f\xe9 b"), r"a\x0D\x0A\x22\x5C\x7F\xE9 b");
        assert_eq!(escape_html("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
