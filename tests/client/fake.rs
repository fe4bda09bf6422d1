//! A scripted server for tests: it sends any bytes, and keeps the requests that it received.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::support::PATIENCE;

/// Runs its script on each connection, one after the other, until the tests end.
#[derive(Debug)]
pub struct Fake {
    address: SocketAddr,
    kept: Arc<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

/// One of its connections, for the script.
#[derive(Debug)]
pub struct Talk {
    /// Its number, from 0.
    pub number: usize,
    stream: TcpStream,
    kept: Arc<Kept>,
}

impl Fake {
    /// Starts a server. An error ends the script and is ignored: the client has closed.
    pub fn new(script: impl Fn(&mut Talk) -> io::Result<()> + Send + 'static) -> Fake {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let kept = Arc::new(Kept::default());
        let keeper = Arc::clone(&kept);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let patient = stream.set_read_timeout(Some(PATIENCE));
                patient.and_then(|()| stream.set_write_timeout(Some(PATIENCE))).expect("timeouts");
                let number = keeper.connections.fetch_add(1, Ordering::SeqCst);
                let _ = script(&mut Talk { number, stream, kept: Arc::clone(&keeper) });
            }
        });
        Fake { address, kept }
    }

    /// Starts a server that reads a request on each connection, sends these bytes, and closes.
    pub fn saying(answer: impl Into<Vec<u8>>) -> Fake {
        let answer = answer.into();
        Fake::new(move |talk| {
            talk.request()?;
            talk.say(&answer)
        })
    }

    /// Starts a server that responds `hello` to this number of requests on each connection, and closes.
    pub fn hello(times: usize) -> Fake {
        Fake::new(move |talk| talk.hello(times))
    }

    /// Returns a URL on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns host and port.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.kept.connections.load(Ordering::SeqCst)
    }

    /// Returns the requests so far, heads and bodies, byte for byte.
    pub fn requests(&self) -> Vec<String> {
        self.kept.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Talk {
    /// Reads a request and keeps it.
    pub fn request(&mut self) -> io::Result<String> {
        let mut bytes = self.head()?.into_bytes();
        let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        while head.contains("\r\ntransfer-encoding: chunked\r\n")
            && !bytes.ends_with(b"\r\n0\r\n\r\n")
        {
            bytes.push(self.byte()?);
        }
        for _ in 0..length.map_or(0, |length| length.parse().expect("a number")) {
            bytes.push(self.byte()?);
        }
        let request = String::from_utf8_lossy(&bytes).into_owned();
        self.keep(request.clone());
        Ok(request)
    }

    /// Reads the head of a request and does not keep it; its body is not read.
    pub fn head(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.byte()?);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a line, with its ending.
    pub fn line(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\n") {
            bytes.push(self.byte()?);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads once: as much as there is.
    pub fn read_once(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 64 << 10];
        let count = self.stream.read(&mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    /// Reads this number of bytes.
    pub fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).map(|()| bytes)
    }

    /// Returns whether no byte arrives during this time.
    pub fn is_silent_for(&mut self, time: Duration) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(time))?;
        let looked = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
    }

    /// Adds this to the requests.
    pub fn keep(&mut self, what: impl Into<String>) {
        let mut requests = self.kept.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(what.into());
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).map(|()| byte[0])
    }

    /// Sends these bytes.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends these bytes one at a time, with a pause before each.
    pub fn drip(&mut self, bytes: impl AsRef<[u8]>, pause: Duration) -> io::Result<()> {
        bytes.as_ref().iter().try_for_each(|byte| {
            thread::sleep(pause);
            self.say([*byte])
        })
    }

    /// Responds to this number of requests.
    pub fn hello(&mut self, times: usize) -> io::Result<()> {
        (0..times).try_for_each(|_| {
            self.request()?;
            self.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        })
    }

    /// Sends nothing until the client closes.
    pub fn wait(&mut self) -> io::Result<()> {
        self.rest().map(drop)
    }

    /// Returns the bytes that the client sends until it closes.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).map(|_| bytes)
    }

    /// Closes the writing side.
    pub fn close_writing(&mut self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)
    }

    /// Waits for a request and leaves it unread, so that closing resets the connection.
    pub fn ignore_request(&mut self) -> io::Result<()> {
        self.stream.peek(&mut [0]).map(drop)
    }

    /// Makes closing reset the connection, whatever was read.
    pub fn reset(&mut self) -> io::Result<()> {
        let not_at_all = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        setsockopt(&self.stream, sockopt::Linger, &not_at_all).map_err(io::Error::from)
    }
}
