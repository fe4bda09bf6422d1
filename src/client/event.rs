//! What happens on the way, for those who watch: the `-v` of the command line, a trace, a test.
//!
//! ```text
//! Resolving Resolved (Trying Failed Abandoned)… Connected   or   Reusing, after any Dead
//!   Sending Wrote… Sent Read… FirstByte Interim… Head Received… Trailers Ended   Kept or Closed
//!   Retrying, Redirected, Again: and the same once more             GaveUp: the call failed
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::error::Error;
use super::request::Request;
use crate::net::stream::Endpoints;
use crate::proto::http::close::CloseReason;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::status::Status;
use crate::proto::http::url::Url;

/// Watches what a client does. It is told in the thread that does it, at the moment it happens (a
/// clock read in it is the time of the event), and what it takes is the call's time, too.
///
/// A closure is one. To watch one call, clone the client and give the clone an observer: they share
/// their connections.
pub trait Observer: Send + Sync {
    /// Something happened. Nothing has to be done about it.
    fn observe(&self, event: &Event<'_>) {
        let _ = event;
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Something happened, just now. Connections are numbered from 0, for each client.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The addresses of this host are looked up.
    Resolving(&'a str),
    /// The host has these addresses.
    Resolved(&'a str, &'a [SocketAddr]),
    /// A connection to this address is tried.
    Trying(SocketAddr),
    /// It did not come about.
    Failed(SocketAddr, &'a io::Error),
    /// It was still being tried when another one answered.
    Abandoned(SocketAddr),
    /// There is a connection, with this number, to this host, or to the proxy, between these ends.
    Connected(usize, &'a str, &'a Endpoints),
    /// A connection is used again, to this host, or to the proxy.
    Reusing(usize, &'a str),
    /// A connection that waited for its next request had been given up by the server.
    Dead(usize),
    /// A connection that was used again broke before a byte of an answer came; the request is sent
    /// once more, on a fresh one.
    Retrying(usize),
    /// This head is sent.
    Sending(&'a [u8]),
    /// These bytes of this connection were handed to the kernel, just as they are.
    Wrote(usize, &'a [u8]),
    /// These bytes came on this connection, just as they are; none: the server says no more.
    Read(usize, &'a [u8]),
    /// The request is out, or as much of it as the server wants; so many bytes of its body, before they
    /// were put in chunks.
    Sent(u64),
    /// Next is the first, second … answer of so many to requests that were sent at once, to this one.
    InTurn(usize, usize, &'a Request),
    /// The connection ended with so many requests unanswered, of so many that were sent at once; they are sent again, one by
    /// one.
    Unanswered(usize, usize),
    /// The first byte of an answer came.
    FirstByte,
    /// An interim answer (1xx) came.
    Interim(&'a ResponseHead),
    /// The head of the answer came.
    Head(&'a ResponseHead),
    /// A piece of the body came; so much of it is there now, in bytes.
    Received(u64),
    /// Fields came behind the body.
    Trailers(&'a Headers),
    /// The answer is complete; its body has so many bytes.
    Ended(u64),
    /// An answer with this status leads to this address.
    Redirected(Status, &'a Url),
    /// The request is sent once more, the first, second … time, after this pause.
    Again(u32, Duration),
    /// The call failed.
    GaveUp(&'a Error),
    /// The exchange is over and the connection is kept, for this host.
    Kept(usize, &'a str),
    /// The connection is closed, and why.
    Closed(usize, CloseReason),
}

/// Whoever is told of the bytes of a connection, by the connection itself.
#[derive(Clone, Default)]
pub(super) struct Watcher(pub(super) Option<Arc<dyn Observer>>);

impl Watcher {
    pub(super) fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.0 {
            observer.observe(event);
        }
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}
