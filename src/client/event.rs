//! The events of a call, for observers: a verbose mode, a trace, a test.
//!
//! ```text
//! Resolving Resolved (Trying Failed Abandoned)… Connected   or   Reusing, after any Stale
//!   Sending Wrote… Sent Read… FirstByte Interim… Head Received… Trailers Ended   Kept or Closed
//!   Reconnecting, Redirected, Retry: the same events again             GaveUp: the call failed
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::dns::LookupStep;
use crate::net::stream::Endpoints;
use crate::proto::http::close::CloseReason;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::method::Method;
use crate::proto::http::status::Status;
use crate::proto::http::url::Url;

/// Observes what a client does: a log, a progress bar, a trace, a test.
///
/// It is called on the thread of the call, at the moment of the event, so a clock that it reads shows the time of
/// the event, and the time that it takes counts as the call's.
///
/// ```
/// use threadbare::client::{Client, Event};
///
/// let client = Client::new().observer(|event: &Event<'_>| match event {
///     Event::Connected(number, host, _) => eprintln!("connection {number} to {host}"),
///     Event::Ended(bytes) => eprintln!("{bytes} bytes of body"),
///     _ => {}
/// });
/// ```
///
/// A closure is an observer. To observe a single call, clone the client and give the clone an observer:
/// clones share their connections.
pub trait Observer: Send + Sync {
    /// Receives an event. The default does nothing.
    fn observe(&self, event: &Event<'_>) {
        let _ = event;
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn observe(&self, event: &Event<'_>) {
        self(event);
    }
}

/// Something that happens in a call, as an [`Observer`] receives it. The connections of a client are numbered
/// from 0.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The look-up of this host begins.
    Resolving(&'a str),
    /// A step of the look-up, if the addresses are not known.
    Lookup(&'a LookupStep),
    /// The host has these addresses.
    Resolved(&'a str, &'a [SocketAddr]),
    /// A connection attempt to this address begins.
    Trying(SocketAddr),
    /// The attempt failed.
    Failed(SocketAddr, &'a io::Error),
    /// The attempt was stopped, because another address was faster.
    Abandoned(SocketAddr),
    /// The connection with this number is open, to this host or proxy, between these endpoints.
    Connected(usize, &'a str, &'a Endpoints),
    /// An idle connection to this host or proxy is reused.
    Reusing(usize, &'a str),
    /// The server had closed this idle connection.
    Stale(usize),
    /// A reused connection broke before a byte of the response arrived; the request is sent again on a
    /// fresh connection.
    Reconnecting(usize),
    /// This request head is about to be sent.
    Sending(&'a [u8]),
    /// The kernel accepted these bytes on this connection.
    Wrote(usize, &'a [u8]),
    /// These bytes arrived on this connection; an empty slice is the end of the stream.
    Read(usize, &'a [u8]),
    /// The request is sent, or as much of it as the server accepts. The number is the bytes of its body,
    /// without chunk framing.
    Sent(u64),
    /// The next response belongs to this request of a pipeline.
    Pipelined {
        /// The position of the request in the pipeline, from 1.
        number: usize,
        /// How many requests the pipeline has.
        total: usize,
        /// The method of the request.
        method: &'a Method,
        /// The URL of the request.
        url: &'a Url,
    },
    /// A pipeline's connection ended with requests unanswered, which are sent again one by one.
    PipelineBroken {
        /// How many requests have no response.
        unanswered: usize,
        /// How many requests the pipeline has.
        total: usize,
    },
    /// The first byte of the response arrived.
    FirstByte,
    /// An interim response (1xx) arrived.
    Interim(&'a ResponseHead),
    /// The head of the response arrived.
    Head(&'a ResponseHead),
    /// A piece of the body arrived. The number is the bytes of the body so far.
    Received(u64),
    /// Trailer fields arrived after the body.
    Trailers(&'a Headers),
    /// The response is complete. The number is the bytes of its body.
    Ended(u64),
    /// A response with this status redirects to this URL.
    Redirected(Status, &'a Url),
    /// The request is sent again after this pause. The number counts the retries, from 1.
    Retry(u32, Duration),
    /// The call failed; the error is an [`ErrorKind`](super::ErrorKind).
    GaveUp(&'a (dyn std::error::Error + 'static)),
    /// The exchange is over and the pool keeps the connection, to this host or proxy.
    Kept(usize, &'a str),
    /// The connection is closed, for this reason.
    Closed(usize, CloseReason),
}

/// The observer of a client, if it has one. A connection in use holds it, too, for its bytes.
#[derive(Clone, Default)]
pub(super) struct Notifier(pub(super) Option<Arc<dyn Observer>>);

impl Notifier {
    pub(super) fn notify(&self, event: &Event<'_>) {
        if let Some(observer) = &self.0 {
            observer.observe(event);
        }
    }
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notifier")
    }
}
