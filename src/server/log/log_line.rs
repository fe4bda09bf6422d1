//! The lines of the access log, in each [`LogFormat`].
//!
//! A line is one line whatever the client has sent: in text, what is not visible ASCII, a quote and a backslash are
//! `\xHH`; in JSON, they are escaped as RFC 8259, 7 says, and what is not UTF-8 is `\ufffd`. The columns are formatted
//! by hand: std's formatting costs more than all else that a line needs.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use super::access_log::LogFormat;
use crate::net::peer_address::PeerAddress;
use crate::pool::current_worker;
use crate::proto::http::chars::write_decimal;
use crate::proto::http::date::common_log_date;
use crate::proto::http::head::RequestHead;
use crate::proto::http::status::Status;
use crate::text::timestamp::rfc_3339;
use crate::text::{escape_bytes, quote_json_ascii};

/// The longest text that is logged of a field: 1,000 bytes. A field may have 16 KB, and is the client's.
const MOST_OF_FIELD: usize = 1_000;

/// What a line tells.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// The client; of its address without the port.
    pub(crate) client: PeerAddress,
    /// The user's name, if the client has proved it.
    pub(crate) user: Option<&'a str>,
    /// The first line of the request, as received.
    pub(crate) request: &'a [u8],
    /// The head of the request, if it is complete.
    pub(crate) head: Option<&'a RequestHead>,
    /// The status of the response; `None` if nothing of it was sent.
    pub(crate) status: Option<Status>,
    /// Bytes of body that were sent.
    pub(crate) sent: u64,
    /// From the request's first byte until the response was complete in the output.
    pub(crate) took: Duration,
    /// How long the request waited for a worker, if that is measured.
    pub(crate) queued: Option<Duration>,
    /// The number of the request on its connection, from 1.
    pub(crate) number: u64,
}

/// A worker's buffer for one line.
#[derive(Default)]
pub(crate) struct LineFormatter {
    text: Vec<u8>,
    /// The date of this second of Unix time.
    date: String,
    second: u64,
}

impl LineFormatter {
    /// Returns the line, with its line end.
    pub(crate) fn format(&mut self, format: LogFormat, line: &Line<'_>, now: SystemTime) -> &[u8] {
        let second = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.date.is_empty() || self.second != second {
            (self.date, self.second) = (common_log_date(now), second);
        }
        self.text.clear();
        match format {
            LogFormat::Timed => {
                self.common(line);
                write_decimal(line.sent, &mut self.text);
                self.seconds(line.took);
            }
            LogFormat::Common => {
                self.common(line);
                self.bytes(line.sent);
                self.extra(line);
            }
            LogFormat::Combined => {
                self.common(line);
                self.bytes(line.sent);
                self.quoted_field(line.head, "referer");
                self.quoted_field(line.head, "user-agent");
                self.extra(line);
            }
            LogFormat::Json => {
                let text = json(line, now);
                self.text.extend_from_slice(text.as_bytes());
            }
        }
        self.text.push(b'\n');
        &self.text
    }

    /// Appends the columns up to the status, and the space after it.
    #[inline]
    fn common(&mut self, line: &Line<'_>) {
        let Line { client, user, request, status, .. } = line;
        let out = &mut self.text;
        push_address(*client, out);
        match user {
            None => out.extend_from_slice(b" - - ["),
            Some(user) => {
                out.extend_from_slice(b" - ");
                // A space would end the column.
                let name = escape_bytes(user.as_bytes()).replace(' ', "\\x20");
                out.extend_from_slice(if name.is_empty() { b"-" } else { name.as_bytes() });
                out.extend_from_slice(b" [");
            }
        }
        out.extend_from_slice(self.date.as_bytes());
        out.extend_from_slice(b"] \"");
        push_escaped(request, out);
        out.extend_from_slice(b"\" ");
        match status {
            Some(status) => out.extend_from_slice(&status.digits()),
            None => out.push(b'-'),
        }
        out.push(b' ');
    }

    /// Appends the number of bytes as Apache does (`%b`).
    fn bytes(&mut self, sent: u64) {
        match sent {
            0 => self.text.push(b'-'),
            sent => write_decimal(sent, &mut self.text),
        }
    }

    #[inline]
    fn seconds(&mut self, time: Duration) {
        let out = &mut self.text;
        out.push(b' ');
        push_seconds(time, out);
    }

    fn quoted_field(&mut self, head: Option<&RequestHead>, name: &str) {
        let value = head.and_then(|head| head.headers.first(name)).filter(|it| !it.is_empty());
        let out = &mut self.text;
        out.extend_from_slice(b" \"");
        match value {
            None => out.push(b'-'),
            Some(value) if value.len() <= MOST_OF_FIELD => push_escaped(value, out),
            Some(value) => {
                push_escaped(&value[..MOST_OF_FIELD], out);
                out.extend_from_slice(b"...");
            }
        }
        out.push(b'"');
    }

    /// Appends the four columns that no other program writes.
    fn extra(&mut self, line: &Line<'_>) {
        self.seconds(line.took);
        let out = &mut self.text;
        out.push(b' ');
        match line.queued {
            Some(queued) => push_seconds(queued, out),
            None => out.push(b'-'),
        }
        out.push(b' ');
        match current_worker() {
            Some(worker) => write_decimal(worker as u64, out),
            None => out.push(b'-'),
        }
        out.push(b' ');
        write_decimal(line.number, out);
    }
}

/// Returns the line as an object in JSON.
fn json(line: &Line<'_>, now: SystemTime) -> String {
    let Line { client, user, request, head, status, sent, took, queued, number } = line;
    let (mut address, mut seconds) = (Vec::new(), Vec::new());
    push_address(*client, &mut address);
    push_seconds(*took, &mut seconds);
    let ascii = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let waited = queued.map(|queued| {
        let mut text = Vec::new();
        push_seconds(queued, &mut text);
        ascii(&text)
    });
    let words: Vec<&[u8]> = request.split(|&byte| byte == b' ').collect();
    let (method, target, version) = match words[..] {
        [method, target, version] => (Some(method), Some(target), Some(version)),
        _ => (None, None, None),
    };
    let field = |name: &str| head.and_then(|head| head.headers.first(name));
    let text = |value: Option<&[u8]>| match value {
        None => "null".to_owned(),
        Some(value) if value.len() <= MOST_OF_FIELD => quoted(value),
        Some(value) => quoted(&[&value[..MOST_OF_FIELD], b"..."].concat()),
    };
    let whole = |value: Option<&[u8]>| value.map_or("null".to_owned(), quoted);
    let number_or_null = |value: Option<String>| value.unwrap_or("null".to_owned());
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let second = rfc_3339(i64::try_from(since.as_secs()).unwrap_or(i64::MAX));
    let time = format!("\"{}.{:03}Z\"", second.trim_end_matches('Z'), since.subsec_millis());
    let members = [
        ("time", time),
        ("client", quoted(&address)),
        ("user", text(user.map(str::as_bytes))),
        ("request", quoted(request)),
        ("method", whole(method)),
        ("target", whole(target)),
        ("version", whole(version)),
        ("status", number_or_null(status.map(|status| ascii(&status.digits())))),
        ("bytes", sent.to_string()),
        ("seconds", ascii(&seconds)),
        ("queue", number_or_null(waited)),
        ("worker", number_or_null(current_worker().map(|worker| worker.to_string()))),
        ("request_number", number.to_string()),
        ("host", text(field("host"))),
        ("referer", text(field("referer"))),
        ("user_agent", text(field("user-agent"))),
    ];
    let mut out = String::with_capacity(400);
    for (at, (name, value)) in members.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}\"{name}\":{value}", if at > 0 { "," } else { "{" });
    }
    out.push('}');
    out
}

/// Returns bytes of a client as a string in JSON, in ASCII. What is not UTF-8 is U+FFFD.
fn quoted(bytes: &[u8]) -> String {
    quote_json_ascii(&String::from_utf8_lossy(bytes))
}

#[inline]
fn push_address(client: PeerAddress, out: &mut Vec<u8>) {
    match client {
        PeerAddress::Tcp(SocketAddr::V4(address))
        | PeerAddress::Relayed(Some(SocketAddr::V4(address))) => {
            for (at, octet) in address.ip().octets().into_iter().enumerate() {
                out.extend_from_slice(if at > 0 { b"." } else { b"" });
                write_decimal(octet.into(), out);
            }
        }
        PeerAddress::Tcp(SocketAddr::V6(address))
        | PeerAddress::Relayed(Some(SocketAddr::V6(address))) => {
            out.extend_from_slice(address.ip().to_string().as_bytes());
        }
        PeerAddress::Unix | PeerAddress::Relayed(None) => out.extend_from_slice(b"unix:"),
    }
}

/// Appends what a client has sent, as it can stand between quotes.
fn push_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) & (byte != b'"') & (byte != b'\\');
    // Without a branch for each byte, the compiler looks at 16 at once.
    if bytes.iter().fold(true, |all, &byte| all & is_plain(byte)) {
        out.extend_from_slice(bytes);
    } else {
        out.extend_from_slice(escape_bytes(bytes).as_bytes());
    }
}

/// Appends a time in seconds, with six digits after the point.
#[inline]
fn push_seconds(time: Duration, out: &mut Vec<u8>) {
    write_decimal(time.as_secs(), out);
    let fraction = out.len();
    write_decimal(u64::from(time.subsec_micros()) + 1_000_000, out);
    out[fraction] = b'.'; // in the place of the million
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    /// A line of the year 1994, of 12 bytes that took 142 microseconds.
    fn line(request: &'static [u8]) -> Line<'static> {
        Line {
            client: PeerAddress::Tcp(([127, 0, 0, 1], 1).into()),
            user: None,
            request,
            head: None,
            status: Some(Status::OK),
            sent: 12,
            took: Duration::from_micros(142),
            queued: None,
            number: 1,
        }
    }

    fn formatted(format: LogFormat, line: &Line<'_>) -> String {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_042);
        let mut scratch = LineFormatter::default();
        String::from_utf8(scratch.format(format, line, now).to_vec()).unwrap()
    }

    #[test]
    fn every_column_as_std_would_write_it() {
        let (now, request) = (SystemTime::now(), b"GET /a%20b HTTP/1.1");
        let mut scratch = LineFormatter::default();
        for (client, sent, took) in [
            (PeerAddress::Tcp(([127, 0, 0, 1], 1).into()), 0, Duration::ZERO),
            (
                PeerAddress::Tcp(([10, 200, 30, 255], 1).into()),
                1_234_567,
                Duration::from_micros(999_999),
            ),
            (
                PeerAddress::Tcp(([0, 0, 0, 0, 0, 0, 0, 1], 1).into()),
                u64::MAX,
                Duration::from_nanos(7_000_001_999),
            ),
        ] {
            let status = Some(Status::NOT_FOUND);
            let line = Line { client, status, sent, took, ..line(request) };
            let shown = client.ip().map_or("unix:".to_owned(), |address| address.to_string());
            let (date, seconds) = (common_log_date(now), took.as_micros());
            let (whole, micros) = (seconds / 1_000_000, seconds % 1_000_000);
            assert_eq!(
                str::from_utf8(scratch.format(LogFormat::Timed, &line, now)).unwrap(),
                format!(
                    "{shown} - - [{date}] \"GET /a%20b HTTP/1.1\" 404 {sent} {whole}.{micros:06}\n"
                )
            );
        }
        let line = Line { client: PeerAddress::Unix, ..line(request) };
        let later = now + Duration::from_secs(1);
        let date = common_log_date(later);
        let text = str::from_utf8(scratch.format(LogFormat::Timed, &line, later)).unwrap();
        assert!(text.contains(&date) && text.starts_with("unix: - - ["), "{text}");
    }

    #[test]
    fn the_formats() {
        let mut head = RequestHead::new(Method::Get, Target::Asterisk);
        let fields: [(&str, &[u8]); 3] =
            [("Host", b"a:80"), ("Referer", b"http://b/\"x\\"), ("User-Agent", b"\xC3\xA9\xFF")];
        for (name, value) in fields {
            head.headers.append(name, value).unwrap();
        }
        let queued = Some(Duration::from_micros(12));
        let full = Line { head: Some(&head), queued, user: Some("a b"), ..line(b"GET / HTTP/1.1") };
        let empty = Line { status: None, sent: 0, ..line(b"-") };
        let at = "[06/Nov/1994:08:49:37 +0000]";
        for (format, want, want_empty) in [
            (
                LogFormat::Timed,
                format!("127.0.0.1 - a\\x20b {at} \"GET / HTTP/1.1\" 200 12 0.000142\n"),
                format!("127.0.0.1 - - {at} \"-\" - 0 0.000142\n"),
            ),
            (
                LogFormat::Common,
                format!("127.0.0.1 - a\\x20b {at} \"GET / HTTP/1.1\" 200 12 0.000142 0.000012 - 1\n"),
                format!("127.0.0.1 - - {at} \"-\" - - 0.000142 - - 1\n"),
            ),
            (
                LogFormat::Combined,
                format!(
                    "127.0.0.1 - a\\x20b {at} \"GET / HTTP/1.1\" 200 12 \"http://b/\\x22x\\x5C\" \
                     \"\\xC3\\xA9\\xFF\" 0.000142 0.000012 - 1\n"
                ),
                format!("127.0.0.1 - - {at} \"-\" - - \"-\" \"-\" 0.000142 - - 1\n"),
            ),
            (
                LogFormat::Json,
                r#"{"time":"1994-11-06T08:49:37.042Z","client":"127.0.0.1","user":"a b","request":"GET / HTTP/1.1","method":"GET","target":"/","version":"HTTP/1.1","status":200,"bytes":12,"seconds":0.000142,"queue":0.000012,"worker":null,"request_number":1,"host":"a:80","referer":"http://b/\"x\\","user_agent":"\u00e9\ufffd"}"#.to_owned() + "\n",
                r#"{"time":"1994-11-06T08:49:37.042Z","client":"127.0.0.1","user":null,"request":"-","method":null,"target":null,"version":null,"status":null,"bytes":0,"seconds":0.000142,"queue":null,"worker":null,"request_number":1,"host":null,"referer":null,"user_agent":null}"#.to_owned() + "\n",
            ),
        ] {
            assert_eq!(formatted(format, &full), want);
            assert_eq!(formatted(format, &empty), want_empty);
        }
    }

    #[test]
    fn one_line_whatever_was_asked() {
        for request in [
            &b"GET /\"\n127.0.0.1 forged\" HTTP/1.1"[..],
            b"GET /\r\n\0\x1B[2J\\ HTTP/1.1",
            b"\xFF\xFE\xC0\x80 \xE2\x80\xA8 \xC2\x85 \"",
        ] {
            for format in
                [LogFormat::Timed, LogFormat::Common, LogFormat::Combined, LogFormat::Json]
            {
                let text = formatted(format, &line(request));
                let is_visible = |byte: u8| (b' '..=b'~').contains(&byte);
                assert!(text.trim_end_matches('\n').bytes().all(is_visible), "{text:?}");
                assert_eq!(text.lines().count(), 1);
                if format != LogFormat::Json {
                    assert_eq!(text.matches('"').count() % 2, 0, "{text}");
                }
            }
        }
        let text = formatted(LogFormat::Timed, &line(b"GET /\"\n127.0.0.1 forged\" HTTP/1.1"));
        assert!(text.contains("\"GET /\\x22\\x0A127.0.0.1 forged\\x22 HTTP/1.1\" 200"), "{text}");
    }

    #[test]
    fn a_long_field_is_cut() {
        let mut head = RequestHead::new(Method::Get, Target::Asterisk);
        head.headers.append("User-Agent", vec![b'x'; 2_000]).unwrap();
        let long = Line { head: Some(&head), ..line(b"GET / HTTP/1.1") };
        for format in [LogFormat::Combined, LogFormat::Json] {
            let text = formatted(format, &long);
            assert!(text.contains("x...\"") && text.len() < 1_400, "{text}");
        }
    }
}
