//! A request that is not sent: its bytes (`--offline`), or the same request as a command to copy
//! (`--as curl`, `--as nc`), for a shell of POSIX, byte for byte.
//!
//! `--as nc` gives exactly our bytes. So does `--as curl`, but for a field without a value, behind
//! whose colon curl puts no space, and a body in chunks, whose size is curl's to say.

use crate::client::error::Error;
use crate::client::request::Request;
use crate::proto::http::client::SendHead;
use crate::proto::http::framing::Framing;
use crate::proto::http::head::RequestHead;
use crate::proto::http::method::Method;
use crate::proto::http::target::Authority;
use crate::proto::http::version::Version;

/// A longer body is no argument of a command (Linux takes 128 KB for one).
const ARGUMENT: usize = 100 << 10;

/// The request as it would be sent, all of it.
///
/// # Errors
/// As [`Client::send`](crate::client::Client::send), before it sends.
pub fn wire(request: &Request) -> Result<Vec<u8>, Error> {
    let content = request.content()?;
    let head = request.head(&content);
    let mut out = Vec::new();
    let mut sending = match content.framing {
        Framing::Chunked => SendHead.send_chunked(&head, &mut out),
        Framing::Length(length) => SendHead.send(&head, Some(length), &mut out),
        Framing::None | Framing::UntilClose => SendHead.send(&head, None, &mut out),
    };
    if !content.body.is_empty() {
        sending.write(content.body, &mut out);
    }
    sending.finish(&mut out);
    Ok(out)
}

/// The same request, typed by hand: `printf … | nc host port`.
///
/// # Errors
/// As [`wire`].
pub fn as_nc(request: &Request) -> Result<String, Error> {
    let url = request.url();
    Ok(format!("printf {} | nc {} {}\n", format_of(&wire(request)?), url.host(), url.port()))
}

/// The same request for curl.
///
/// # Errors
/// As [`wire`].
pub fn as_curl(request: &Request) -> Result<String, Error> {
    let content = request.content()?;
    let head = request.head(&content);
    let mut line = "curl".to_owned();
    if head.version == Version::Http10 {
        line += " --http1.0";
    }
    let has_body = !content.body.is_empty();
    let usual = match (&head.method, has_body) {
        (Method::Get, false) | (Method::Post, true) => "",
        (Method::Head, false) => " -I",
        _ => " -X ",
    };
    line += usual;
    if usual == " -X " {
        line += &word(head.method.as_str());
    }
    line += &fields(request, &head, content.framing, content.body);
    if has_body {
        line = match str::from_utf8(content.body) {
            Ok(text) if text.len() <= ARGUMENT && !text.contains('\0') => {
                format!("{line} --data-raw {}", word(text))
            }
            _ => format!("printf {} | {line} --data-binary @-", format_of(content.body)),
        };
    }
    // What curl would make another path of, or several URLs.
    let url = request.url().to_string();
    if url.contains("/.") {
        line += " --path-as-is";
    }
    if url.contains(['{', '}', '[', ']']) {
        line += " -g";
    }
    Ok(format!("{line} {}\n", word(&url)))
}

/// Each field in its place: those that curl has of its own as `-H` too, where theirs is another.
fn fields(request: &Request, head: &RequestHead, framing: Framing, body: &[u8]) -> String {
    let mut headers = head.headers.clone();
    headers.remove("content-length");
    if let (Framing::Length(length), true) = (framing, body.is_empty()) {
        let length = headers.append("Content-Length", length.to_string());
        length.expect("digits are a field value");
    }
    let url = request.url();
    let port = url.authority.port.filter(|&port| port != 80);
    let host = Authority { port, ..url.authority.clone() }.to_string();
    let mut lines: Vec<(&str, &[u8])> = headers.iter().collect();
    if lines.first() == Some(&("Host", host.as_bytes())) {
        lines.remove(0); // curl has the same, in the same place
    }
    let mut text = String::new();
    if let [("User-Agent", agent), ("Accept", b"*/*"), ..] = lines[..] {
        text += &format!(" -A {}", bytes_word(agent));
        lines.drain(..2);
    }
    for (name, value) in lines {
        text += &format!(" -H {}", field(name, value));
    }
    for own in ["Host", "User-Agent", "Accept"].iter().filter(|own| !headers.has(own)) {
        text += &format!(" -H '{own}:'");
    }
    if !body.is_empty() {
        if !headers.has("content-type") {
            text += " -H 'Content-Type:'";
        }
        if body.len() > 1 << 20 && !headers.has("expect") {
            text += " -H 'Expect:'";
        }
    }
    text
}

/// `'Name: value'`; one without a value ends in a semicolon for curl.
fn field(name: &str, value: &[u8]) -> String {
    match value {
        b"" => word(&format!("{name};")),
        value => bytes_word(&[name.as_bytes(), b": ", value].concat()),
    }
}

/// A word for the shell.
fn word(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-._/:@%+=,".contains(char);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A word of any bytes but NUL: those that are not UTF-8 by way of printf.
fn bytes_word(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => word(text),
        Err(_) => format!("\"$(printf {})\"", format_of(bytes)),
    }
}

/// The argument of printf that gives these bytes.
fn format_of(bytes: &[u8]) -> String {
    let mut format = "'".to_owned();
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'-' if at == 0 => format.push_str("\\055"), // no option
            b'\r' => format.push_str("\\r"),
            b'\n' => format.push_str("\\n"),
            b'\t' => format.push_str("\\t"),
            b'%' => format.push_str("%%"),
            b'\\' => format.push_str("\\\\"),
            b'\'' => format.push_str("'\\''"),
            b' '..=b'~' => format.push(byte.into()),
            _ => format.push_str(&format!("\\{byte:03o}")),
        }
    }
    format + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_shell() {
        for (text, want) in
            [("a/b", "a/b"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("~", "'~'")]
        {
            assert_eq!(word(text), want);
        }
        assert_eq!(format_of(b"a%\\'\r\n\x00\xff9"), "'a%%\\\\'\\''\\r\\n\\000\\3779'");
        assert_eq!(format_of(b"-a-"), "'\\055a-'");
        assert_eq!(bytes_word(b"\xff"), "\"$(printf '\\377')\"");
    }

    #[test]
    fn a_get_is_short() {
        let request = Request::get(":8080/a?b").unwrap();
        let agent = concat!("threadbare/", env!("CARGO_PKG_VERSION"));
        let want = format!("curl -A {agent} 'http://localhost:8080/a?b'\n");
        assert_eq!(as_curl(&request).unwrap(), want);
    }
}
