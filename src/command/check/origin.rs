//! A small origin server on loopback, for checks of proxies: it keeps each request that comes, to see what the proxy
//! made of it.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use super::facts::path_of;
use super::heard::chunks;
use crate::proto::http::date::imf_fixdate;
use crate::sync::lock;

/// How long it waits for the rest of a request.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is silent where it is to be silent: longer than another client waits in the check.
const SILENT: Duration = Duration::from_secs(4);
/// The longest request that it takes: 1 MB.
const MOST: usize = 1 << 20;
/// What it answers.
pub const PAGE: &str = "<!doctype html>\n<title>Origin</title>\n<p>Hello from the origin.</p>\n";
/// The entity tag of the pages that may be kept.
const TAG: &str = "\"origin-1\"";

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    seen: Arc<Seen>,
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Seen {
    requests: Mutex<Vec<Vec<u8>>>,
    is_over: AtomicBool,
}

impl Origin {
    /// Starts it.
    ///
    /// # Errors
    /// When it cannot listen, or has no thread.
    pub fn start() -> io::Result<Origin> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let (address, seen) = (listener.local_addr()?, Arc::new(Seen::default()));
        let serving = Arc::clone(&seen);
        thread::Builder::new().name("origin".to_owned()).spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let seen = Arc::clone(&serving);
                let serve = move || serve(stream, &seen).unwrap_or_default(); // the proxy has left
                let _ = thread::Builder::new().name("origin".to_owned()).spawn(serve);
            }
        })?;
        Ok(Origin { address, seen, next: AtomicUsize::new(0) })
    }

    /// Returns its host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns a path below this folder that no other check uses.
    pub fn path(&self, folder: &str) -> String {
        format!("/{folder}/{}", self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns the requests with this path, as they came.
    pub fn requests(&self, path: &str) -> Vec<Vec<u8>> {
        let is_for = |request: &&Vec<u8>| target(request).split('?').next() == Some(path);
        lock(&self.seen.requests).iter().filter(is_for).cloned().collect()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.seen.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // it wakes the accepting thread
    }
}

/// Returns the path and the query that a request names, also in a whole URL: a proxy may be wrong in that alone.
fn target(request: &[u8]) -> String {
    let line = request.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    path_of(line.split(' ').nth(1).unwrap_or_default().trim()).to_owned()
}

/// Reads one request, keeps it, and answers by its path.
fn serve(mut stream: TcpStream, seen: &Seen) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let body = loop {
        if let Some(body) = body(&request) {
            break body;
        }
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            count if request.len() + count > MOST => return Ok(()),
            count => request.extend_from_slice(&piece[..count]),
        }
    };
    let head = String::from_utf8_lossy(&request[..request.len() - body.len()]).to_ascii_lowercase();
    let target = target(&request);
    let (is_head, is_known) = (head.starts_with("head "), head.contains(TAG));
    lock(&seen.requests).push(request);
    let (status, fields, content) = match target {
        path if path.contains("/silent/") => {
            stream.set_read_timeout(Some(SILENT))?;
            return stream.read(&mut piece).map(drop); // or until the proxy leaves
        }
        path if path.contains("/missing/") => ("404 Not Found", String::new(), b"none\n".to_vec()),
        // A proxy may send on in chunks what came with a length.
        path if path.contains("/echo/") => {
            let is_chunked = head.contains("\r\ntransfer-encoding: chunked\r\n");
            ("200 OK", String::new(), if is_chunked { chunks(&body).0 } else { body })
        }
        path if path.contains("/cached/") => {
            let fields = format!("Cache-Control: max-age=600\r\nETag: {TAG}\r\n");
            match is_known {
                true => ("304 Not Modified", fields, Vec::new()),
                false => ("200 OK", fields, path.into_bytes()),
            }
        }
        _ => ("200 OK", "X-Origin: 1\r\n".to_owned(), PAGE.as_bytes().to_vec()),
    };
    let length = match status {
        "304 Not Modified" => String::new(),
        _ => format!("Content-Length: {}\r\n", content.len()),
    };
    let date = imf_fixdate(SystemTime::now());
    let head = format!(
        "HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Type: text/html; charset=utf-8\r\n{fields}{length}\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if !is_head {
        stream.write_all(&content)?;
    }
    Ok(())
}

/// Returns the body of a request that is complete. Chunks are kept as they are.
fn body(request: &[u8]) -> Option<Vec<u8>> {
    let end = request.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let body = &request[end..];
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let is_complete = match length.and_then(|length| length.trim().parse::<usize>().ok()) {
        Some(length) => body.len() >= length,
        None if head.contains("chunked") => body.ends_with(b"0\r\n\r\n"),
        None => true,
    };
    is_complete.then(|| body.to_vec())
}
