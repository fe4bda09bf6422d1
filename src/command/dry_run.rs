//! Prints a request instead of sending it: its bytes (`--offline`), or a command that sends the same
//! request (`--as curl`, `--as nc`), for a POSIX shell.
//!
//! `--as nc` sends exactly the same bytes. So does `--as curl`, except for a field without a value,
//! which curl sends without a space after the colon, and a chunked body, whose chunks curl chooses.

use crate::client::{
    ConnectOptions, Error, ErrorKind, Family, LocalEnd, Request, Resolver, Route, Url,
};
use crate::proto::http::head::RequestHead;
use crate::proto::http::method::Method;
use crate::proto::http::version::Version;

/// A longer body does not fit into an argument (Linux allows 128 KB for one).
const ARGUMENT: usize = 100 << 10;

/// Returns the whole request as it would be sent on this route.
///
/// # Errors
/// As [`Client::send`](crate::client::Client::send), before it sends.
pub fn wire(request: &Request, connect: &ConnectOptions) -> Result<Vec<u8>, Error> {
    let route = connect.route(request.url()).map_err(ErrorKind::Proxy)?;
    let mut out = Vec::new();
    request.encode(route, &mut out)?;
    Ok(out)
}

/// Returns the request as a command: `printf … | nc host port`.
///
/// # Errors
/// As [`wire`].
pub fn as_nc(request: &Request, connect: &ConnectOptions) -> Result<String, Error> {
    let bytes = format_of(&wire(request, connect)?);
    let (host, port) = match connect.route(request.url()).map_err(ErrorKind::Proxy)? {
        Route::Direct(host, port) => (host, port),
        Route::Proxy(proxy) => (proxy.host(), proxy.port()),
        Route::Unix(path) => {
            let path = bytes_word(path.as_os_str().as_encoded_bytes());
            return Ok(format!("printf {bytes} | nc -U {path}\n"));
        }
    };
    // nc resolves names itself, except those given by the options.
    let known =
        connect.known_addresses(host, port).and_then(|addresses| addresses.first().copied());
    let host = known.map_or(host.to_owned(), |address| address.ip().to_string());
    Ok(format!("printf {bytes} | nc{} {host} {port}\n", family(connect)))
}

fn family(connect: &ConnectOptions) -> &'static str {
    match connect.family {
        Family::Any => "",
        Family::V4 => " -4",
        Family::V6 => " -6",
    }
}

/// Returns curl's options for the route.
fn way(request: &Request, connect: &ConnectOptions) -> Result<String, Error> {
    let mut line = family(connect).to_owned();
    if let Resolver::Servers(servers) = &connect.resolver {
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        line += &format!(" --dns-servers {}", word(&servers.join(",")));
    }
    for known in &connect.resolve {
        line += &format!(" --resolve {}", word(&known.to_string()));
    }
    for other in &connect.connect_to {
        line += &format!(" --connect-to {}", word(&other.to_string()));
    }
    line += &local(&connect.local);
    match connect.route(request.url()).map_err(ErrorKind::Proxy)? {
        Route::Direct(..) => {}
        Route::Proxy(proxy) => {
            line += &format!(" -x {}", word(&proxy.to_string()));
            if let Some(user) =
                proxy.encoded_user().filter(|_| !request.has_header("proxy-authorization"))
            {
                line += &format!(" -U {}", word(&user));
            }
            let head = request.head(Route::Proxy(proxy), request.body_size())?;
            if !head.headers.has("proxy-connection") {
                line += " -H 'Proxy-Connection:'";
            }
        }
        Route::Unix(path) => {
            let path = bytes_word(path.as_os_str().as_encoded_bytes());
            line += &format!(" --unix-socket {path}");
        }
    }
    Ok(line)
}

/// Returns curl's options for the end of the connection on this machine.
fn local(local: &LocalEnd) -> String {
    let device = local.device.as_ref().map(|name| format!("if!{name}"));
    let address = || local.addresses.first().map(|address| format!("host!{address}"));
    let interface = device.or_else(address);
    let interface = interface.map(|name| format!(" --interface {}", word(&name)));
    let ports = local.ports.map(|(first, last)| format!(" --local-port {first}-{last}"));
    interface.unwrap_or_default() + &ports.unwrap_or_default()
}

/// Returns the URL with the zone of its address, if it has one.
fn with_zone(url: &Url) -> String {
    let (host, zoned) = (format!("[{}]", url.host()), url.host_with_zone().replacen('%', "%25", 1));
    match zoned == url.host() {
        true => url.to_string(),
        false => url.to_string().replacen(&host, &format!("[{zoned}]"), 1),
    }
}

/// Returns the request as a curl command.
///
/// # Errors
/// As [`wire`].
pub fn as_curl(request: &Request, connect: &ConnectOptions) -> Result<String, Error> {
    let (body, route) = (request.body(), connect.route(request.url()).map_err(ErrorKind::Proxy)?);
    let mut head = request.head(route, request.body_size())?;
    if !request.has_header("proxy-authorization") {
        head.headers.remove("proxy-authorization"); // -U says it
    }
    let mut line = format!("curl{}", way(request, connect)?);
    if head.version == Version::Http10 {
        line += " --http1.0";
    }
    let has_body = !body.is_empty();
    let usual = match (&head.method, has_body) {
        (Method::Get, false) | (Method::Post, true) => "",
        (Method::Head, false) => " -I",
        _ => " -X ",
    };
    line += usual;
    if usual == " -X " {
        line += &word(head.method.as_str());
    }
    line += &fields(request, &head, body);
    if has_body {
        line = match str::from_utf8(body) {
            Ok(text) if text.len() <= ARGUMENT && !text.contains('\0') => {
                format!("{line} --data-raw {}", word(text))
            }
            _ => format!("printf {} | {line} --data-binary @-", format_of(body)),
        };
    }
    // Characters that curl would treat as a path to shorten, or as a pattern for several URLs.
    if let Some(target) = request.own_target() {
        line += &format!(" --request-target {}", word(&target.to_string()));
    }
    let url = with_zone(request.url());
    if url.contains("/.") {
        line += " --path-as-is";
    }
    if url.contains(['{', '}', '[', ']']) {
        line += " -g";
    }
    Ok(format!("{line} {}\n", word(&url)))
}

/// Returns each field in order; those that curl adds itself as `-H` too, if their values differ.
fn fields(request: &Request, head: &RequestHead, body: &[u8]) -> String {
    let mut headers = head.headers.clone();
    if !body.is_empty() {
        headers.remove("content-length"); // curl adds it
    }
    let url = request.url();
    let host = url.authority.without_default_port().to_string();
    let mut lines: Vec<(&str, &[u8])> = headers.iter().collect();
    if lines.first() == Some(&("Host", host.as_bytes())) {
        lines.remove(0); // curl has the same, in the same place
    }
    let mut text = String::new();
    if let [("User-Agent", agent), ("Accept", b"*/*"), ..] = lines[..] {
        text += &format!(" -A {}", bytes_word(agent));
        lines.drain(..2);
        if lines.first() == Some(&("Proxy-Connection", b"Keep-Alive")) {
            lines.remove(0); // curl has the same
        }
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

/// Returns `'Name: value'`; for curl a field without a value ends in a semicolon.
fn field(name: &str, value: &[u8]) -> String {
    match value {
        b"" => word(&format!("{name};")),
        value => bytes_word(&[name.as_bytes(), b": ", value].concat()),
    }
}

/// Quotes a word for the shell.
fn word(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-._/:@%+=,".contains(char);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// Quotes a word of any bytes but NUL; with printf, if they are not UTF-8.
fn bytes_word(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => word(text),
        Err(_) => format!("\"$(printf {})\"", format_of(bytes)),
    }
}

/// Returns the argument of printf that prints these bytes.
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
        assert_eq!(as_curl(&request, &ConnectOptions::default()).unwrap(), want);
    }
}
