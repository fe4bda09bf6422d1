//! `--explain`: a short line below each line of a head: its purpose, and where it is defined.
//!
//! A pure function over the tables in `words`. An unknown status gets the text of its class (RFC 9110,
//! 15), an unknown field or method nothing: no line is better than a guess.

mod words;

use self::words::{FIELDS, METHODS, STATUSES};
use crate::proto::http::chars::trim_ows;
use crate::proto::http::dump::{Part, Side};
use crate::proto::http::field_line::strip_ending;
use crate::proto::http::framing::Framing;
use crate::text::wire::About;

/// Returns the explanation, in lines.
pub fn explain(about: About<'_>) -> Vec<String> {
    match about {
        About::Line(part, line) => {
            let line = strip_ending(line);
            match part {
                Part::Head if line.starts_with(b"HTTP/") => status_line(line),
                Part::Head => field(line).map_or_else(|| request_line(line), |said| vec![said]),
                _ => field(line).into_iter().collect(),
            }
        }
        About::Framing(from, framing) => vec![body(from, framing)],
    }
}

/// Explains a status line such as `HTTP/1.1 200 OK`.
fn status_line(line: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.splitn(3, ' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let known = |code: u16| STATUSES.iter().find(|(of, ..)| *of == code);
    let status = second.parse().ok().and_then(|code: u16| {
        let class = || STATUSES.iter().find(|(of, ..)| *of == code / 100);
        let (_, what, place) = known(code).or_else(class)?;
        Some(format!("{code}: {what} ({place})"))
    });
    status.into_iter().chain(version(first)).collect()
}

/// Explains a request line such as `GET / HTTP/1.1`.
fn request_line(line: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    let Some((first, last)) = text.split_once(' ').zip(text.rsplit_once(' ')) else {
        return Vec::new();
    };
    let method = METHODS.iter().find(|(name, ..)| *name == first.0);
    let method = method.map(|(name, what, place)| format!("{name}: {what} ({place})"));
    method.into_iter().chain(version(last.1)).collect()
}

fn version(name: &str) -> Option<String> {
    Some(match name {
        "HTTP/1.1" => "1.1: the connection stays unless one says close (RFC 9112, 9.3)".to_owned(),
        "HTTP/1.0" => {
            "1.0: the connection closes unless keep-alive is said (RFC 9112, C.2.2)".to_owned()
        }
        _ => return None,
    })
}

/// Explains a field line, `Name: value`.
fn field(line: &[u8]) -> Option<String> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = (&line[..colon], trim_ows(&line[colon + 1..]));
    let special = |name: &str, one: &str| {
        let value = value.eq_ignore_ascii_case(one.as_bytes());
        value && line[..colon].eq_ignore_ascii_case(name.as_bytes())
    };
    if special("connection", "close") {
        return Some("this message is the last on the connection (RFC 9112, 9.6)".to_owned());
    }
    if special("connection", "keep-alive") {
        return Some(
            "asks 1.0 to keep the connection; 1.1 does so anyway (RFC 9112, C.2.2)".to_owned(),
        );
    }
    let row = FIELDS.iter().find(|(of, ..)| of.as_bytes().eq_ignore_ascii_case(name));
    row.map(|(_, what, place)| format!("{what} ({place})"))
}

fn body(from: Side, framing: Framing) -> String {
    match (framing, from) {
        (Framing::None, Side::Client) => {
            "body: none, as no length is given (RFC 9112, 6.3)".to_owned()
        }
        (Framing::None, Side::Server) => {
            "body: none, whatever the fields say (RFC 9112, 6.3)".to_owned()
        }
        (Framing::Length(1), _) => "body: 1 byte (RFC 9112, 6.2)".to_owned(),
        (Framing::Length(length), _) => format!("body: {length} bytes (RFC 9112, 6.2)"),
        (Framing::Chunked, _) => {
            "body: chunked, until the chunk of size 0 (RFC 9112, 7.1)".to_owned()
        }
        (Framing::UntilClose, _) => {
            "body: all until the connection closes (RFC 9112, 6.3)".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::status::Status;

    fn of(line: &str) -> Vec<String> {
        explain(About::Line(Part::Head, line.as_bytes()))
    }

    #[test]
    fn what_is_said() {
        for (line, want) in [
            (
                "GET / HTTP/1.1\r\n",
                &[
                    "GET: asks for a representation of the target (RFC 9110, 9.3.1)",
                    "1.1: the connection stays unless one says close (RFC 9112, 9.3)",
                ][..],
            ),
            (
                "BREW / HTTP/1.0\r\n",
                &["1.0: the connection closes unless keep-alive is said (RFC 9112, C.2.2)"],
            ),
            (
                "HTTP/1.1 404 Not Found\r\n",
                &[
                    "404: nothing is there, or nothing is told of it (RFC 9110, 15.5.5)",
                    "1.1: the connection stays unless one says close (RFC 9112, 9.3)",
                ],
            ),
            ("HTTP/2 299 \r\n", &["299: success of an unknown kind (RFC 9110, 15.3)"]),
            (
                "HTTP/1.1 999 x",
                &["1.1: the connection stays unless one says close (RFC 9112, 9.3)"],
            ),
            ("HTTP/1.1 abc", &["1.1: the connection stays unless one says close (RFC 9112, 9.3)"]),
            ("hOST: a\r\n", &["whom the request is for; one address has many (RFC 9110, 7.2)"]),
            (
                "Connection: Close \r\n",
                &["this message is the last on the connection (RFC 9112, 9.6)"],
            ),
            (
                "Connection:keep-alive\r\n",
                &["asks 1.0 to keep the connection; 1.1 does so anyway (RFC 9112, C.2.2)"],
            ),
            ("Connection: TE\r\n", &["which fields are for the next hop only (RFC 9110, 7.6.1)"]),
            ("X-Nobody-Knows: it\r\n", &[]),
            ("\r\n", &[]),
            ("", &[]),
            ("nonsense", &[]),
            ("\x16\x03\x01", &[]),
        ] {
            assert_eq!(of(line), want, "{line:?}");
        }
        for (from, framing, want) in [
            (Side::Client, Framing::None, "body: none, as no length is given (RFC 9112, 6.3)"),
            (Side::Server, Framing::None, "body: none, whatever the fields say (RFC 9112, 6.3)"),
            (Side::Server, Framing::Length(1), "body: 1 byte (RFC 9112, 6.2)"),
            (Side::Client, Framing::Length(5), "body: 5 bytes (RFC 9112, 6.2)"),
            (
                Side::Server,
                Framing::Chunked,
                "body: chunked, until the chunk of size 0 (RFC 9112, 7.1)",
            ),
            (
                Side::Server,
                Framing::UntilClose,
                "body: all until the connection closes (RFC 9112, 6.3)",
            ),
        ] {
            assert_eq!(explain(About::Framing(from, framing)), [want]);
        }
        let trailer = explain(About::Line(Part::Trailer, b"Content-Digest: x\r\n"));
        assert_eq!(trailer, ["a checksum of the content as it is sent (RFC 9530, 2)"]);
    }

    /// What is said fits beside the mark of `--wire` on a terminal of 80 columns.
    #[test]
    fn the_tables_are_whole() {
        assert!(FIELDS.len() >= 60, "{}", FIELDS.len());
        let names: Vec<String> =
            FIELDS.iter().map(|(name, ..)| name.to_ascii_lowercase()).collect();
        assert!(names.is_sorted(), "in order, to be found");
        let rows = FIELDS
            .iter()
            .chain(METHODS)
            .map(|(name, what, place)| (name.to_string(), *what, *place));
        let statuses = STATUSES.iter().map(|(code, what, place)| (code.to_string(), *what, *place));
        let all: Vec<_> = rows.chain(statuses).collect();
        for (at, (name, what, place)) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|(other, ..)| other != name), "{name} twice");
            let line = format!("405: {what} ({place})");
            assert!(
                line.chars().count() <= 73,
                "{name} is too long by {}",
                line.chars().count() - 73
            );
            assert!(!what.ends_with('.') && !what.is_empty() && !place.is_empty(), "{name}");
        }
    }

    #[test]
    fn all_registered_statuses_and_ours() {
        let registered = [
            100..=103,
            200..=208,
            226..=226,
            300..=305,
            307..=308,
            400..=417,
            421..=426,
            428..=429,
            431..=431,
            451..=451,
            500..=508,
            510..=511,
        ];
        for code in registered.into_iter().flatten() {
            assert!(STATUSES.iter().any(|(of, ..)| *of == code), "{code}");
        }
        for code in (100..1000).filter_map(Status::new).filter(|status| !status.reason().is_empty())
        {
            assert!(STATUSES.iter().any(|(of, ..)| *of == code.code()), "{code}");
        }
    }
}
