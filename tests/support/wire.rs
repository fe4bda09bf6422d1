//! A raw connection, and answers read by other eyes than the project's own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::PATIENCE;

/// A connection to a server. Every wait on it ends, with a panic, when patience does.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    /// What has come, and has not been asked for.
    got: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    /// Status line and fields, with the blank line.
    pub head: String,
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub fn to(address: SocketAddr) -> Wire {
        Wire::over(TcpStream::connect_timeout(&address, PATIENCE).expect("it listens"))
    }

    /// Connects to a socket in the file system.
    pub fn to_path(path: &Path) -> Wire {
        let stream = OwnedFd::from(UnixStream::connect(path).expect("it listens"));
        let wire = Wire { stream: stream.into(), got: Vec::new() };
        wire.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        wire
    }

    /// Over a connection that there is.
    pub fn over(stream: TcpStream) -> Wire {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option"); // what is sent in pieces arrives in pieces
        Wire { stream, got: Vec::new() }
    }

    /// Sends all of it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Wire {
        self.stream.write_all(bytes.as_ref()).expect("the server takes it");
        self
    }

    /// Sends as much of it as the server takes: it may have refused it by now.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Sends it in pieces of this many bytes, with a pause before each but the first.
    pub fn send_slowly(&mut self, bytes: &[u8], piece: usize, pause: Duration) -> &mut Wire {
        for (number, piece) in bytes.chunks(piece).enumerate() {
            if number > 0 {
                thread::sleep(pause);
            }
            self.send(piece);
        }
        self
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&mut self) -> &mut Wire {
        self.stream.shutdown(Shutdown::Write).expect("it is open");
        self
    }

    /// Reads all until the server closes. A reset is a failure: it can destroy what was sent.
    pub fn rest(&mut self) -> Vec<u8> {
        let outcome = self.stream.read_to_end(&mut self.got);
        if let Err(error) = outcome {
            let got = String::from_utf8_lossy(&self.got).into_owned();
            panic!("the connection does not end properly: {error}; so far: {got:?}");
        }
        std::mem::take(&mut self.got)
    }

    /// Reads all until the server closes; nothing if it resets the connection.
    pub fn try_rest(&mut self) -> Option<Vec<u8>> {
        match self.stream.read_to_end(&mut self.got) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            outcome => outcome.map(|_| std::mem::take(&mut self.got)).ok(),
        }
    }

    /// Reads until the server closes, or resets, and gives how much came.
    pub fn rest_or_reset(&mut self) -> usize {
        match self.stream.read_to_end(&mut self.got) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => std::mem::take(&mut self.got).len(),
        }
    }

    /// Reads exactly this many bytes.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        while self.got.len() < count {
            self.read_more();
        }
        self.got.drain(..count).collect()
    }

    /// Reads exactly one answer.
    pub fn answer(&mut self) -> Answer {
        let head = self.head();
        let mut answer = Answer { head, body: Vec::new() };
        let status = answer.status();
        if status >= 200 && status != 204 && status != 304 {
            answer.body = match answer.field("content-length") {
                Some(length) => {
                    let length = length.parse().expect("Content-Length is a number");
                    self.take(length)
                }
                None if answer.field("transfer-encoding") == Some("chunked") => self.chunks(),
                None => self.rest(),
            };
        }
        answer
    }

    /// Sends a request and reads the status and body of its answer, or `None` when the server goes
    /// away meanwhile. For answers with a length.
    pub fn try_exchange(&mut self, request: &str) -> Option<(u16, String)> {
        self.stream.write_all(request.as_bytes()).ok()?;
        loop {
            let text = String::from_utf8_lossy(&self.got).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let answer = Answer { head: format!("{head}\r\n\r\n"), body: Vec::new() };
                let length =
                    answer.field("content-length").map_or(Some(0), |text| text.parse().ok());
                if let Some(body) = length.and_then(|length: usize| body.get(..length)) {
                    self.got.drain(..answer.head.len() + body.len());
                    return Some((answer.status(), body.to_owned()));
                }
            }
            let mut piece = [0; 16 << 10];
            match self.stream.read(&mut piece) {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.got.extend_from_slice(&piece[..count]),
            }
        }
    }

    /// Reads exactly one head, such as the answer to HEAD.
    pub fn head(&mut self) -> String {
        const END: &[u8] = b"\r\n\r\n";
        loop {
            if let Some(at) = self.got.windows(END.len()).position(|four| four == END) {
                return String::from_utf8(self.take(at + END.len())).expect("ASCII");
            }
            self.read_more();
        }
    }

    /// Returns true if nothing arrives for this long.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("a timeout");
        let outcome = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        outcome
            .is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
            && self.got.is_empty()
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            while !line.ends_with("\r\n") {
                line.push(char::from(self.take(1)[0]));
            }
            let size = usize::from_str_radix(line.trim_end(), 16).expect("the size of a chunk");
            body.extend(self.take(size));
            assert_eq!(self.take(2), b"\r\n", "the end of a chunk");
            if size == 0 {
                return body;
            }
        }
    }

    fn read_more(&mut self) {
        let mut piece = [0; 64 << 10];
        let count = self.stream.read(&mut piece);
        let got = || String::from_utf8_lossy(&self.got).into_owned();
        match count {
            Ok(0) => panic!("the server closed; so far: {:?}", got()),
            Ok(count) => self.got.extend_from_slice(&piece[..count]),
            Err(error) => panic!("{error}; so far: {:?}", got()),
        }
    }
}

impl Answer {
    /// The status code.
    pub fn status(&self) -> u16 {
        let code = self.head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.split(' ').next());
        code.and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{}", self.head))
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(held, _)| held.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body, as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }
}

/// Bytes as text, with `(now)` and `(then)` for every date that has the proper form (RFC 9110, 5.6.7),
/// `(tag)` for a file's tag, `(times)` for the server's, and `(version)` for ours.
pub fn masked(bytes: &[u8]) -> String {
    let mask = |line: &str| match line.split_once(": ") {
        Some(("Date", date)) if is_date(date) => "Date: (now)\r\n".to_owned(),
        Some(("Last-Modified", date)) if is_date(date) => "Last-Modified: (then)\r\n".to_owned(),
        Some(("ETag", tag)) if is_file_tag(tag) => "ETag: (tag)\r\n".to_owned(),
        Some(("Server-Timing", told)) if is_timing(told) => "Server-Timing: (times)\r\n".to_owned(),
        // The same in JSON.
        _ if line.starts_with("\"date\":[\"") => "\"date\":[(now)]\n".to_owned(),
        _ => {
            line.replace(concat!("threadbare/", env!("CARGO_PKG_VERSION")), "threadbare/(version)")
        }
    };
    String::from_utf8_lossy(bytes).split_inclusive('\n').map(mask).collect()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn is_date(text: &str) -> bool {
    let shape: String =
        text.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    shape.len() == 31
        && shape.get(3..8) == Some(", 00 ")
        && shape.ends_with(" 0000 00:00:00 GMT\r\n")
}

/// `queue;dur=0.012, parse;dur=0.003, handle;dur=10.456, worker;desc=3, request;desc=14`
fn is_timing(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = |text: &str| {
        let parts = text.split_once('.');
        parts.is_some_and(|(whole, part)| is_number(whole) && part.len() == 3 && is_number(part))
    };
    let mut names = Vec::new();
    let are_well = text.trim_end_matches("\r\n").split(", ").all(|metric| {
        let (name, told) = metric.split_once(';').unwrap_or_default();
        names.push(name);
        told.strip_prefix("dur=")
            .map_or_else(|| told.strip_prefix("desc=").is_some_and(is_number), is_time)
    });
    names.retain(|name| *name != "receive");
    are_well && names == ["queue", "parse", "handle", "worker", "request"]
}

/// `"size-time"` or `"size-time-coding"`, or a weak one: the file has just been made.
fn is_file_tag(text: &str) -> bool {
    let quoted = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"');
    let opaque = quoted.and_then(|rest| rest.strip_suffix("\"\r\n")).unwrap_or_default();
    opaque.split_once('-').is_some_and(|(size, rest)| {
        let hex = |text: &str| text.chars().all(|char| matches!(char, '0'..='9' | 'a'..='f'));
        let (time, coding) = rest.split_once('-').unwrap_or((rest, "br"));
        !size.is_empty() && hex(size) && hex(time) && matches!(coding, "br" | "gzip" | "zstd")
    })
}
