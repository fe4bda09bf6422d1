//! What happens on the way, for those who watch: the `-v` of the command line, a trace, a test.

use std::io;
use std::net::SocketAddr;

use crate::proto::http::close::Close;
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;

/// Something happened, just now. Connections are numbered from 0, for each client.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The host has these addresses.
    Resolved(&'a str, &'a [SocketAddr]),
    /// A connection to this address is tried.
    Trying(SocketAddr),
    /// It did not come about.
    Failed(SocketAddr, &'a io::Error),
    /// It was still being tried when another one answered.
    Abandoned(SocketAddr),
    /// There is a connection, with this number, to this host at this address.
    Connected(usize, &'a str, SocketAddr),
    /// A connection is used again, for this host.
    Reusing(usize, &'a str),
    /// A connection that waited for its next request had been given up by the server.
    Dead(usize),
    /// A connection that was used again broke before a byte of an answer came; the request is sent
    /// once more, on a fresh one.
    Retrying(usize),
    /// This head is sent.
    Sending(&'a [u8]),
    /// An interim answer (1xx) came.
    Interim(&'a ResponseHead),
    /// The head of the answer came.
    Head(&'a ResponseHead),
    /// Fields came behind the body.
    Trailers(&'a Headers),
    /// The exchange is over and the connection is kept, for this host.
    Kept(usize, &'a str),
    /// The connection is closed, and why.
    Closed(usize, Close),
}
