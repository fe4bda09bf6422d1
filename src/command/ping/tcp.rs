//! Probes over TCP: each is a connection of its own, which is opened (`--tcp`), or on which a request is
//! sent (`--http`).
//!
//! The request is a HEAD, because its response is a head and nothing else (RFC 9110, 9.3.2), so no body
//! disturbs the measurement, and every server that has a page answers it (RFC 9110, 9.1).

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::probes::{Heard, HeardWhat, Probes};
use crate::client::{Error, Limits, ParseError, Request, Route, Url};
use crate::net::connect::{begin, outcome};
use crate::net::errors::nothing_yet;
use crate::net::poller::{Events, Poller};
use crate::proto::buf::Buf;
use crate::proto::http::client::{Head, RecvHead};
use crate::proto::http::status::Status;

/// The most connections that are open at a time: a quarter of the usual limit on descriptors. The oldest
/// one is closed for another, and its late answer is not seen.
const MOST_OPEN: usize = 256;
/// The size of a read in bytes: heads are smaller.
const READ: usize = 4 << 10;

/// The connections of `client ping --tcp` and `--http`.
#[derive(Debug)]
pub(super) struct TcpProbes {
    open: VecDeque<Connection>,
    request: Option<HeadRequest>,
}

/// A request, and the state that receives its response.
#[derive(Debug, Clone)]
struct HeadRequest {
    wire: Vec<u8>,
    waiting: RecvHead,
}

#[derive(Debug)]
struct Connection {
    number: usize,
    stream: TcpStream,
    input: Buf,
    /// Receives the response; `None` until the request is sent.
    waiting: Option<RecvHead>,
}

impl TcpProbes {
    /// Returns the sockets of `--tcp`.
    pub(super) fn connecting() -> TcpProbes {
        TcpProbes { open: VecDeque::new(), request: None }
    }

    /// Returns the sockets of `--http`, for this URL.
    ///
    /// # Errors
    /// As [`Client::send`](crate::client::Client::send), before anything is sent.
    pub(super) fn requesting(url: &Url) -> Result<TcpProbes, Error> {
        let request = Request::get(&url.to_string())?.with_method("HEAD")?;
        let request = request.with_header("Connection", "close")?;
        let mut wire = Vec::new();
        let waiting = request.encode(Route::direct(url), &mut wire)?;
        Ok(TcpProbes { open: VecDeque::new(), request: Some(HeadRequest { wire, waiting }) })
    }
}

impl Probes for TcpProbes {
    fn send(&mut self, number: usize, peer: SocketAddr, poller: &Poller, heard: &mut Vec<Heard>) {
        let opened = begin(peer).and_then(|stream| {
            poller.register_opening(&stream, number as u64)?;
            Ok(stream)
        });
        match opened {
            Ok(stream) => {
                if self.open.len() == MOST_OPEN {
                    self.open.pop_front();
                }
                let (input, waiting) = (Buf::new(), None);
                self.open.push_back(Connection { number, stream, input, waiting });
            }
            Err(error) => heard.push(Heard::now(HeardWhat::Error(number, error))),
        }
    }

    fn receive(&mut self, events: &Events, _: &Poller, heard: &mut Vec<Heard>) {
        for event in events.iter() {
            let found = self.open.iter().position(|it| it.number as u64 == event.key);
            let Some((at, open)) = found.and_then(|at| Some((at, self.open.get_mut(at)?))) else {
                continue;
            };
            let what = match open.advance(self.request.as_ref()) {
                Ok(None) => continue,
                Ok(Some(status)) => HeardWhat::Answer(open.number, status),
                Err(error) => HeardWhat::Error(open.number, error),
            };
            heard.push(Heard::now(what));
            self.open.remove(at); // closed
        }
    }
}

impl Connection {
    /// Goes on as far as the connection allows. Returns `Some` when the probe is answered.
    fn advance(&mut self, request: Option<&HeadRequest>) -> io::Result<Option<Option<Status>>> {
        if self.waiting.is_none() {
            let Some(opened) = outcome(&self.stream) else { return Ok(None) };
            opened?;
            let Some(HeadRequest { wire, waiting }) = request else { return Ok(Some(None)) };
            // The buffer of a fresh connection has room for a head.
            self.stream.write_all(wire)?;
            self.waiting = Some(waiting.clone());
        }
        Ok(self.receive()?.map(Some))
    }

    /// Reads what has come, to the end of the head.
    fn receive(&mut self) -> io::Result<Option<Status>> {
        loop {
            match self.stream.read(self.input.spare(READ)) {
                Ok(0) => self.input.close(),
                Ok(length) => self.input.filled(length),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if nothing_yet(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
            if let Some(status) = self.parse()? {
                return Ok(Some(status));
            }
        }
    }

    fn parse(&mut self) -> io::Result<Option<Status>> {
        while let Some(waiting) = self.waiting.take() {
            match waiting.receive(&mut self.input, &Limits::of_responses()) {
                Ok(Head::More(waiting)) => {
                    self.waiting = Some(waiting);
                    break;
                }
                Ok(Head::Interim(_, waiting)) => self.waiting = Some(waiting),
                Ok(Head::Complete(head, _)) => return Ok(Some(head.status)),
                Ok(Head::Closed) => return Err(io::Error::other("closed without a response")),
                Err(rejected) => return Err(io::Error::other(ParseError::from(rejected))),
            }
        }
        Ok(None)
    }
}
