//! `--expect FILE`: routes of an assignment, a line each, and what they are to answer.
//!
//! ```text
//! # METHOD PATH STATUS [PART | PART | ...]
//! GET /echo/abc 200 Content-Type: text/plain | @abc
//! GET /user-agent 200 >User-Agent: me/1.0 | @me/1.0
//! POST /users 201 >Content-Type: application/json | >@{"name":"Ada"} | Location: * | ~Ada
//! ```
//! A part is a field of the answer (`*` is any value), `@` and the whole body, or `~` and a text in the body; behind `>`
//! a field or the body of the request.

use super::expect::{answered, field, quoted, same, status};
use super::heard::Heard;
use super::table::{Stop, Verdict, fail_at, skip};

/// A route, and what it is to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    method: String,
    path: String,
    status: u16,
    /// The field lines of the request.
    sent_fields: Vec<String>,
    /// The body of the request.
    sent_body: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Field(String, String),
    Body(String),
    Within(String),
}

/// Reads the lines of a file; an empty line and one that begins with # say nothing.
///
/// # Errors
/// The first wrong line, and a right one.
pub fn parse(text: &str) -> Result<Vec<Route>, String> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let wrong = |at| {
        format!(
            "line {at} is not a route; right: GET /echo/abc 200 Content-Type: text/plain | @abc"
        )
    };
    lines.map(|(at, line)| route(line).ok_or_else(|| wrong(at))).collect()
}

fn route(line: &str) -> Option<Route> {
    let (method, rest) = line.split_once(' ')?;
    let (path, rest) = rest.trim_start().split_once(' ')?;
    let (code, rest) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    let mut route = Route {
        method: method.to_owned(),
        path: path.to_owned(),
        status: code.parse().ok().filter(|code| (100..1000).contains(code))?,
        sent_fields: Vec::new(),
        sent_body: String::new(),
        parts: Vec::new(),
    };
    for part in rest.split(" | ").map(str::trim).filter(|part| !part.is_empty()) {
        let field = |text: &str| {
            let (name, value) = text.split_once(':')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        if let Some(body) = part.strip_prefix(">@") {
            route.sent_body = unescaped(body);
        } else if let Some(line) = part.strip_prefix('>') {
            let (name, value) = field(line)?;
            route.sent_fields.push(format!("{name}: {value}"));
        } else if let Some(body) = part.strip_prefix('@') {
            route.parts.push(Part::Body(unescaped(body)));
        } else if let Some(text) = part.strip_prefix('~') {
            route.parts.push(Part::Within(unescaped(text)));
        } else {
            let (name, value) = field(part)?;
            route.parts.push(Part::Field(name, value));
        }
    }
    path.starts_with('/').then_some(route)
}

/// Returns the text with line ends for `\r` and `\n`.
fn unescaped(text: &str) -> String {
    text.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t")
}

impl Route {
    /// Returns the method and the path, to name the check.
    pub fn name(&self) -> String {
        format!("routes.{}-{}", self.method.to_ascii_lowercase(), self.path)
    }

    /// Returns what a right answer looks like.
    pub fn right(&self) -> String {
        let words = self.parts.iter().map(|part| match part {
            Part::Field(name, value) => format!(", {name}: {value}"),
            Part::Body(body) => format!(", and the body {}", quoted(body.as_bytes())),
            Part::Within(text) => format!(", and {} in the body", quoted(text.as_bytes())),
        });
        format!("HTTP/1.1 {}{}", self.status, words.collect::<String>())
    }

    /// Returns the request.
    ///
    /// # Errors
    /// A method other than GET, HEAD and OPTIONS may change something, and is sent only to a path of `--post`, or
    /// below it.
    pub fn request(&self, host: &str, post: Option<&str>) -> Result<Vec<u8>, Stop> {
        let is_safe = matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS");
        if !is_safe && post.is_none_or(|post| !self.path.starts_with(post)) {
            return skip("it may change something; right: --post with this path");
        }
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.path);
        self.sent_fields.iter().for_each(|line| text.push_str(&format!("{line}\r\n")));
        if !self.sent_body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", self.sent_body.len()));
        }
        text.push_str("Connection: close\r\n\r\n");
        text.push_str(&self.sent_body);
        Ok(text.into_bytes())
    }

    /// Judges the answer.
    pub fn judge(&self, heard: &Heard) -> Verdict {
        let seen = status(heard, &[self.status])?;
        let answer = answered(heard)?;
        for part in &self.parts {
            match part {
                Part::Field(name, wanted) => {
                    let (at, value) = field(heard, answer, name)?;
                    let rest = value.strip_prefix(wanted.as_bytes());
                    let is_right = wanted == "*"
                        || rest.is_some_and(|rest| rest.is_empty() || rest[0] == b';');
                    if !is_right {
                        return fail_at(
                            at,
                            format!("{name} is {}; right: {wanted}", quoted(value)),
                        );
                    }
                }
                Part::Body(wanted) => {
                    drop(same(heard, wanted.as_bytes(), "the answer that is expected")?)
                }
                Part::Within(wanted) => {
                    let content = heard.content(answer);
                    if !content.windows(wanted.len()).any(|part| part == wanted.as_bytes()) {
                        let what =
                            format!("the body does not have {} in it", quoted(wanted.as_bytes()));
                        return fail_at(answer.body.start, what);
                    }
                }
            }
        }
        Ok(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = "# routes\n\nGET / 200\nPOST /u 201 >A: b | >@{\"a\":1} | Location: * | ~Ada\n";
        let routes = parse(text).unwrap();
        assert_eq!(routes.len(), 2);
        let request = routes[1].request("h", Some("/u")).unwrap();
        assert_eq!(
            String::from_utf8(request).unwrap(),
            "POST /u HTTP/1.1\r\nHost: h\r\nA: b\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}"
        );
        assert!(routes[1].request("h", None).is_err());
        for wrong in ["GET", "GET /", "GET / x", "GET a 200", "GET / 200 nothing", "GET / 99"] {
            assert!(
                parse(wrong).unwrap_err().starts_with("line 1 is not a route; right: "),
                "{wrong}"
            );
        }
    }
}
