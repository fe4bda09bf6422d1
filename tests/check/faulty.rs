//! A small server that is right, but for one fault, which its name switches on.
//!
//! It serves `/page.html` and `/bin/`, and nothing else; each connection has a thread.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use threadbare::proto::http::date::imf_fixdate;

const PAGE: &str = "<!doctype html><title>page</title><p>0123456789 0123456789 0123456789</p>";
const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const SECRET: &str = "root:x:0:0:root:/root:/bin/bash\n";

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Faulty {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Faulty {
    /// Starts a server with this fault; an unknown one is none.
    pub fn start(fault: &'static str) -> Faulty {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let mut conn = Conn { fault, stream, buffer: Vec::new() };
                match fault {
                    "one-at-a-time" => conn.serve(),
                    _ => drop(thread::spawn(move || conn.serve())),
                }
            }
        });
        Faulty { address, stop }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // which wakes it
    }
}

struct Conn {
    fault: &'static str,
    stream: TcpStream,
    buffer: Vec<u8>,
}

#[derive(Default)]
struct Request {
    method: String,
    target: String,
    is_http10: bool,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Why there is no request.
enum Bad {
    Closed,
    Status(u16),
}

impl Conn {
    fn has(&self, fault: &str) -> bool {
        self.fault == fault
    }

    fn serve(&mut self) {
        let _ = self.stream.set_read_timeout(Some(Duration::from_secs(20)));
        match self.fault {
            "hangs" => return thread::sleep(Duration::from_secs(60)),
            "never-ends" => {
                let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
                let mut sent = self.stream.write_all(head);
                while sent.is_ok() {
                    thread::sleep(Duration::from_millis(50));
                    sent = self.stream.write_all(b"and so on\n");
                }
                return;
            }
            "floods" => {
                let mut sent = self.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
                while sent.is_ok() {
                    sent = self.stream.write_all(&[b'x'; 65536]);
                }
                return;
            }
            _ => {}
        }
        loop {
            let (request, status) = match self.request() {
                Ok(request) => (request, None),
                Err(Bad::Closed) => break,
                Err(Bad::Status(status)) => (Request::default(), Some(status)),
            };
            let (answer, stays) = self.answer(&request, status);
            if self.stream.write_all(&answer).is_err() || !stays {
                break;
            }
            if self.has("drops-pipeline") {
                self.buffer.clear();
            }
        }
        let _ = self.stream.shutdown(Shutdown::Write);
        let _ = self.stream.set_read_timeout(Some(Duration::from_millis(200)));
        while self.stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
    }

    fn more(&mut self) -> Result<(), Bad> {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) | Err(_) => Err(Bad::Closed),
            Ok(count) => {
                self.buffer.extend_from_slice(&piece[..count]);
                Ok(())
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        self.buffer.drain(..count.min(self.buffer.len())).collect()
    }

    /// Reads a line; `None` for one that is too long.
    fn line(&mut self, most: usize) -> Result<Option<String>, Bad> {
        loop {
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.take(at + 1);
                return Ok(Some(line.iter().map(|&byte| char::from(byte)).collect()));
            }
            if self.buffer.len() > most {
                return Ok(None);
            }
            if self.has("one-read") && (1..1000).contains(&self.buffer.len()) {
                return Err(Bad::Status(400));
            }
            self.more()?;
        }
    }

    fn request(&mut self) -> Result<Request, Bad> {
        let mut line = "\r\n".to_owned();
        while line == "\r\n" {
            let most = if self.has("short-line") { 4000 } else { 9000 };
            line = match self.line(most)? {
                Some(line) if line.len() <= most => line,
                _ if self.has("long-line-closes") => return Err(Bad::Closed),
                _ => return Err(Bad::Status(414)),
            };
        }
        let mut head = vec![line];
        while !matches!(head.last().map(|line| line.trim_end_matches(['\r', '\n'])), Some("")) {
            match self.line(32_000)? {
                Some(line) if head.len() < 120 => head.push(line),
                _ if self.has("long-field-500") => return Err(Bad::Status(500)),
                _ => return Err(Bad::Status(431)),
            }
            if self.has("silent-on-lf") && !head[0].ends_with("\r\n") {
                thread::sleep(Duration::from_secs(20));
            }
        }
        let mut request = self.head(&head)?;
        self.body(&mut request)?;
        Ok(request)
    }

    /// Reads the lines of a head.
    fn head(&self, lines: &[String]) -> Result<Request, Bad> {
        let refused = || Bad::Status(400);
        let words: Vec<&str> = lines[0].trim_end_matches(['\r', '\n']).split(' ').collect();
        let [method, target, version] = words[..] else {
            return Err(if self.has("noise-closes") { Bad::Closed } else { refused() });
        };
        match version {
            "HTTP/1.1" | "HTTP/1.2" => {}
            "HTTP/1.0" if self.has("no-http10") => return Err(Bad::Status(505)),
            "HTTP/1.0" => {}
            "HTTP/2.0" => return Err(Bad::Status(505)),
            _ => return Err(refused()),
        }
        let mut request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            is_http10: version == "HTTP/1.0",
            ..Request::default()
        };
        for line in &lines[1..lines.len() - 1] {
            let line = line.trim_end_matches(['\r', '\n']);
            let (name, value) = line.split_once(':').ok_or_else(refused)?;
            let is_token =
                !name.is_empty() && !name.contains(|char: char| !char.is_ascii_graphic());
            if !is_token || value.contains('\0') || value.contains('\r') {
                return Err(refused());
            }
            let name = match self.fault {
                "case-sensitive-fields" if name == "hOsT" => name.to_owned(),
                _ => name.to_lowercase(),
            };
            request.fields.push((name, value.trim_matches([' ', '\t']).to_owned()));
        }
        let hosts: Vec<&str> = request.all("host").collect();
        let is_host = |host: &str| !host.contains([' ', '@']);
        let is_right = match hosts[..] {
            [host] => is_host(host) || self.has("any-host"),
            [] => request.is_http10 || self.has("no-host-is-fine") && target.starts_with('/'),
            [..] => self.has("two-hosts-are-fine"),
        };
        let is_path = target.starts_with('/') || target.starts_with("http://");
        let is_target = (is_path || target == "*" && method == "OPTIONS") && !target.contains('#');
        if !is_right || !is_target && method != "CONNECT" {
            return Err(refused());
        }
        Ok(request)
    }

    fn body(&mut self, request: &mut Request) -> Result<(), Bad> {
        let lengths: Vec<String> = request.all("content-length").map(str::to_owned).collect();
        let coding = request.all("transfer-encoding").collect::<Vec<_>>().join(", ");
        let lengths = match (lengths.len(), self.fault) {
            (2.., "first-length") => lengths[..1].to_vec(),
            _ => lengths,
        };
        let length = match &lengths[..] {
            [] => 0,
            [one] => match (one.parse::<usize>(), self.fault) {
                (Ok(length), _) if one.bytes().all(|byte| byte.is_ascii_digit()) => length,
                (Ok(length), "signed-length") => length,
                (Err(_), "bad-length-is-0") => 0,
                _ => return Err(Bad::Status(400)),
            },
            _ => return Err(Bad::Status(400)),
        };
        if length > 100_000 {
            return Err(Bad::Status(413));
        }
        if !coding.is_empty() {
            match coding.as_str() {
                "chunked" if lengths.is_empty() && !request.is_http10 => {
                    return self.chunks(request);
                }
                "chunked" if self.has("both-by-length") => {}
                "chunked" if self.has("both-by-chunks") && !request.is_http10 => {
                    return self.chunks(request);
                }
                _ if self.has("coding-ignored") => {}
                "gzip, chunked" if !self.has("coding-is-400") => return Err(Bad::Status(501)),
                _ => return Err(Bad::Status(400)),
            }
        }
        if self.has("body-is-next-request") {
            return Ok(());
        }
        let expects = request.has_token("expect", "100-continue");
        if expects && self.buffer.is_empty() && length > 0 {
            match self.fault {
                "no-continue" => thread::sleep(Duration::from_secs(20)),
                _ if request.is_http10 => {}
                _ => drop(self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")),
            }
        }
        if expects && self.has("continue-to-http10") && request.is_http10 {
            let _ = self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        while self.buffer.len() < length {
            self.more()?;
        }
        request.body = self.take(length);
        Ok(())
    }

    fn chunks(&mut self, request: &mut Request) -> Result<(), Bad> {
        let refused = || Bad::Status(400);
        loop {
            let line = self.line(1000)?.ok_or_else(refused)?;
            let is_bare = !line.ends_with("\r\n") && !self.has("bare-lf-in-chunks");
            let size = line
                .trim_end_matches(['\r', '\n'])
                .split(';')
                .next()
                .unwrap_or_default()
                .to_owned();
            let size = if self.has("sloppy-chunk-sizes") {
                size.trim_start_matches(['+', ' ']).trim_start_matches("0x").to_owned()
            } else {
                size
            };
            let is_hex = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
            let size = match usize::from_str_radix(&size, 16) {
                Ok(size) if is_hex && !is_bare && size < 100_000 => size,
                Err(_) if self.has("chunk-size-overflows") && size.len() > 16 => 1,
                _ => return Err(refused()),
            };
            while self.buffer.len() < size + 2 {
                self.more()?;
            }
            if size == 0 {
                while !matches!(self.line(1000)?.as_deref(), None | Some("\r\n" | "\n")) {}
                return Ok(());
            }
            let data = self.take(size);
            request.body.extend(data);
            let end = self.line(1000)?.ok_or_else(refused)?;
            if end != "\r\n"
                && !(self.has("bare-lf-in-chunks") && end == "\n")
                && !self.has("chunk-rest-is-skipped")
            {
                return Err(refused());
            }
        }
    }

    /// Returns the answer, and whether the connection stays.
    fn answer(&self, request: &Request, refusal: Option<u16>) -> (Vec<u8>, bool) {
        let method = match &*request.method {
            "get" if self.has("any-case") => "GET",
            "BREW" if self.has("brew-is-get") => "GET",
            "HEAD" | "GET" | "POST" => &request.method,
            method if refusal.is_none() => return self.other_method(request, method),
            _ => "GET",
        };
        let found = self.content(request);
        let status = match (refusal, &found) {
            (Some(status), _) => status,
            (None, None) if self.has("missing-is-200") && request.target.contains("no-such") => 200,
            (None, None) => 404,
            (None, Some(_)) if method == "POST" => 405,
            (None, Some(_))
                if self.has("upgrades-http10") && request.has_token("upgrade", "h2c") =>
            {
                if request.is_http10 { 426 } else { 200 }
            }
            (None, Some(_)) => self.condition(request),
        };
        let content = match status {
            200 => found.unwrap_or("not found\n".to_owned()),
            304 => String::new(),
            _ => "an error\n".to_owned(),
        };
        self.message(request, method, status, &content)
    }

    fn other_method(&self, request: &Request, method: &str) -> (Vec<u8>, bool) {
        match method {
            "OPTIONS" if self.has("options-without-allow") => {
                self.message(request, method, 200, "")
            }
            "OPTIONS" | "DELETE" => self.message(request, method, 405, ""),
            "BREW" if self.has("no-allow") => self.message(request, method, 405, ""),
            "TRACE" if self.has("trace-echoes") => {
                let echo =
                    request.fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
                self.message(request, method, 200, &echo.collect::<String>())
            }
            _ => self.message(request, method, 501, "no such method\n"),
        }
    }

    /// Returns what is at a path.
    fn content(&self, request: &Request) -> Option<String> {
        let mut target = &*request.target;
        if !self.has("no-absolute") {
            let rest = target
                .strip_prefix("http://")
                .and_then(|rest| rest.find('/').map(|at| &rest[at..]));
            target = rest.unwrap_or(target);
        }
        let path = match self.fault {
            "query-is-name" => target,
            _ => target.split('?').next().unwrap_or_default(),
        };
        let decoded =
            path.replace("%2e", ".").replace("%2E", ".").replace("%2f", "/").replace("%2F", "/");
        match (path, self.fault) {
            ("/page.html", _) => return Some(PAGE.to_owned()),
            (path, "dots-lead-out") if path.contains("../") && path.ends_with("etc/passwd") => {}
            (path, "percent-dots-lead-out")
                if path != decoded && decoded.ends_with("etc/passwd") => {}
            ("//etc/passwd", "two-slashes-lead-out") => {}
            _ => return None,
        }
        Some(SECRET.to_owned())
    }

    /// Returns 304 or 412 when a condition says so, else 200.
    fn condition(&self, request: &Request) -> u16 {
        let has = |name: &str, tag: &str| {
            request.all(name).any(|value| value.contains(tag) || value == "*")
        };
        let is_weak = request.all("if-match").any(|value| value.starts_with("W/"));
        if request.all("if-match").next().is_some() && (!has("if-match", self.etag()) || is_weak) {
            return 412;
        }
        if request.all("if-unmodified-since").any(|date| date != MODIFIED) {
            return 412;
        }
        if request.all("if-none-match").next().is_some() {
            let is_same = has("if-none-match", self.etag()) && !self.has("no-if-none-match");
            return if is_same { 304 } else { 200 };
        }
        if self.has("modified-in-future") {
            let is_same = request.all("if-modified-since").any(|date| date.contains("2100"));
            return if is_same { 304 } else { 200 };
        }
        let dates = ["Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", MODIFIED];
        let is_same = request.all("if-modified-since").any(|date| dates.contains(&date));
        if is_same { 304 } else { 200 }
    }

    fn etag(&self) -> &'static str {
        if self.has("tag-without-quotes") { "v1" } else { "\"v1\"" }
    }

    fn message(
        &self,
        request: &Request,
        method: &str,
        status: u16,
        content: &str,
    ) -> (Vec<u8>, bool) {
        let closes = request.has_token("connection", "close")
            || request.is_http10
                && !(self.has("http10-stays") && request.all("connection").next().is_none())
            || request.method.is_empty();
        let is_last = closes && (request.is_http10 || !self.has("close-is-ignored"))
            || request.method.is_empty();
        let is_page = status == 200 && method == "GET";
        let mut range = request.all("range").next().filter(|range| range.starts_with("bytes=0-4"));
        range = range.filter(|_| {
            self.has("wrong-range") && is_page && request.all("if-range").next().is_none()
        });
        let status_now = if range.is_some() { 206 } else { status };
        let content = if range.is_some() { &content[1..6] } else { content };
        if self.has("unknown-range-unit-is-416")
            && request.all("range").any(|range| range.starts_with("lines"))
        {
            return self.message(&Request::default(), method, 416, "");
        }
        let mut head = match self.fault {
            "status-behind-words" if is_page => "HTTP/1.1 OK 200\r\n".to_owned(),
            "version-2" if is_page => format!("HTTP/2.0 {status_now} OK\r\n"),
            _ => {
                format!("HTTP/1.1 {status_now} {}\r\n", if status == 200 { "OK" } else { "Error" })
            }
        };
        let mut put = |line: &str| head.push_str(&format!("{line}\r\n"));
        let now = match self.fault {
            "clock-is-wrong" => SystemTime::now() - Duration::from_secs(86_400),
            _ => SystemTime::now(),
        };
        match self.fault {
            "no-date" => {}
            "refusals-without-date" if request.method.is_empty() => {}
            "date-in-own-form" => put("Date: 2026-11-30 17:00:00"),
            _ => put(&format!("Date: {}", imf_fixdate(now))),
        }
        if matches!(status, 200 | 304) && !content.starts_with("not") {
            put(&format!("ETag: {}", self.etag()));
            put(&match self.fault {
                "modified-in-future" => "Last-Modified: Fri, 01 Jan 2100 00:00:00 GMT".to_owned(),
                _ => format!("Last-Modified: {MODIFIED}"),
            });
        }
        if range.is_some() {
            put(&format!("Content-Range: bytes 1-5/{}", PAGE.len()));
        }
        let shows_allow = match self.fault {
            "no-allow" => false,
            "delete-without-allow" => request.method != "DELETE",
            _ => true,
        };
        if status == 405 && shows_allow {
            put("Allow: GET, HEAD");
        }
        match self.fault {
            "no-type" => {}
            "wrong-type" => put("Content-Type: text/plain"),
            _ if content.starts_with("<!") => put("Content-Type: text/html; charset=utf-8"),
            _ => put("Content-Type: text/plain"),
        }
        match self.fault {
            "no-colon" if is_page => put("Server faulty"),
            "control-in-value" if is_page => put("Server: a\x07b"),
            "gzip-always" if is_page => put("Content-Encoding: gzip"),
            _ => {}
        }
        if is_last && !self.has("close-not-said") {
            put("Connection: close");
        }
        if self.has("closes-silently") {
            head = head.replace("Connection: close\r\n", "");
        }
        let chunked = is_page
            && match self.fault {
                "bad-chunk" | "both-framings" => is_last && !request.is_http10,
                "chunks-to-http10" => request.is_http10,
                _ => false,
            };
        let length = content.len();
        let mut body = content.as_bytes().to_vec();
        if chunked {
            head.push_str("Transfer-Encoding: chunked\r\n");
            let size = if self.has("bad-chunk") { "xyz".to_owned() } else { format!("{length:x}") };
            body = format!("{size}\r\n{content}\r\n0\r\n\r\n").into_bytes();
        }
        let own = match self.fault {
            "length-too-small" if is_page && is_last => length - 5,
            "length-too-large" if is_page && is_last => length + 5,
            "head-length-0" if method == "HEAD" => 0,
            _ => length,
        };
        match self.fault {
            "length-with-unit" if is_page && is_last => {
                head.push_str(&format!("Content-Length: {length} bytes\r\n"))
            }
            "missing-without-end" if status == 404 && is_last && method != "HEAD" => {}
            _ if status == 304 || chunked && !self.has("both-framings") => {}
            _ => head.push_str(&format!("Content-Length: {own}\r\n")),
        }
        if !(self.has("no-empty-line") && is_page && is_last) {
            head.push_str("\r\n");
        }
        if method == "HEAD" && !(self.has("head-with-body") && is_last && status == 200) {
            body.clear();
        }
        if self.has("304-with-body") && status == 304 && is_last {
            body = b"not modified".to_vec();
        }
        if self.has("lf-lines") && is_page {
            head = head.replace("\r\n", "\n");
        }
        let stays = !is_last || self.has("missing-without-end") && status == 404;
        ([head.into_bytes(), body].concat(), stays && !self.has("closes-silently"))
    }
}

impl Request {
    fn all<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.fields.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|one| one.trim().eq_ignore_ascii_case(token))
    }
}
