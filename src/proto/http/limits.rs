//! Every limit of the protocol in one struct, each finite by default.

use std::time::Duration;

/// The limits of a server or a client; all are finite by default.
///
/// Sizes are in bytes. What is beyond a limit gets the response that the field names, or a 400, 413, 414 or 431 by
/// its kind; a client reports it as an error.
///
/// ```
/// use threadbare::server::{Config, Limits};
///
/// let limits = Limits { body: 100 << 20, ..Limits::default() }; // 100 MB
/// let config = Config { limits, ..Config::default() };
/// ```
///
/// The default is that of a server for requests; [`Limits::of_responses`] is that of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Request or status line, ending included: 8 KB. RFC 9112, 3 asks for at least 8,000 octets.
    pub request_line: usize,
    /// One field line, ending included: 16 KB. nginx 8, Apache 8, Node 16 for all.
    pub field: usize,
    /// A whole head: 64 KB. nginx 32, Go 1,024.
    pub head: usize,
    /// Memory for all heads that are not complete, beyond the first 4 KB of each: 32 MB; with it in use,
    /// one that grows gets 503. Without it, 10,000 clients could use 640 MB. Other servers have no such
    /// limit.
    pub heads_memory: u64,
    /// Field lines in a head, and in a trailer section: 100, as Apache. Also empty lines before a
    /// request, so that they cannot go on without end.
    pub fields: usize,
    /// Interim responses before the final one: 100, so that they cannot go on without end. A server
    /// receives none. curl counts their bytes, 300 KB.
    pub interim: usize,
    /// A request body that is not streamed: 16 MB. nginx 1 MB, Apache 1 GB. In a client: a response body
    /// that is read in one piece, as a text or as JSON: 10 MB, as ureq.
    pub body: u64,
    /// The part of a request body that is kept in memory: 64 KB; a longer one is kept in a file. nginx
    /// 16 KB.
    pub body_memory: u64,
    /// Memory for all request bodies together: 64 MB; beyond it they are kept in files. Without it,
    /// 10,000 clients could use 640 MB. Other servers have no such limit.
    pub bodies_memory: u64,
    /// Disk for all request bodies together: 1 GB; beyond it they get 507. Without it, 752
    /// connections could fill 12 GB with bodies of 16 MB. Other servers have no such limit.
    pub bodies_disk: u64,
    /// Kernel memory for clients that read fast, in addition to 128 KB for each connection: 64 MB for
    /// all; a sixteenth of the rest for one, up to 4 MB. nginx and others leave it to the kernel, which
    /// gives up to 4 MB to each client, fast or slow.
    pub unsent_memory: u64,
    /// The rest of a body that no handler reads, skipped so that the connection can be kept: 64 KB. Go
    /// 256.
    pub body_unread: u64,
    /// Chunk extensions and trailers of one body, together: 16 KB, as hyper's for extensions.
    pub chunk_overhead: u64,
    /// Fields and files of one form: 1,000, as Django, PHP, and Go for its parts. Each of them costs memory,
    /// and can be as short as two bytes.
    pub form_fields: usize,
    /// Ranges in one request: 100; with more, the whole is sent, as without a Range. Apache 200, nginx
    /// any number.
    pub ranges: usize,
    /// Time for a head, from its first byte: 60 s, as nginx; people type by hand.
    pub head_time: Duration,
    /// Time for the handshake that begins an encrypted connection: 10 s, as Go's servers that set one; nginx 60.
    pub handshake_time: Duration,
    /// Time between requests on one connection: 75 s, as nginx. Load balancers reuse one for 60 s, and a
    /// server that closes at the same time resets their next request. Apache 5.
    pub idle_time: Duration,
    /// Time that a body or a response may take at any rate: 20 s, as Apache's mod_reqtimeout.
    pub transfer_grace: Duration,
    /// Bytes a second that a body or a response must move on average after the grace: 500, as Apache's
    /// mod_reqtimeout. A client that reads may lag 128 KB behind this rate, because the kernel reports
    /// progress in bursts; a client that reads nothing is closed about 262 s after the grace.
    pub transfer_rate: u32,
}

impl Limits {
    /// Returns the limits of a client for responses: 100 KB for a field, 300 KB for a head, 5,000 fields,
    /// as curl, because real sites send longer heads than servers accept; 10 MB for a body in one piece.
    pub fn of_responses() -> Limits {
        Limits { fields: 5_000, body: 10 << 20, ..Limits::default() }.with_response_head(300 << 10)
    }

    /// Sets the limit of a response head, and that of one field to a third of it, as curl has them.
    pub fn with_response_head(self, head: usize) -> Limits {
        Limits { head, field: head / 3, ..self }
    }
}

/// The limits of a server for requests.
impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request_line: 8 << 10,
            field: 16 << 10,
            head: 64 << 10,
            heads_memory: 32 << 20,
            fields: 100,
            interim: 100,
            body: 16 << 20,
            body_memory: 64 << 10,
            bodies_memory: 64 << 20,
            bodies_disk: 1 << 30,
            unsent_memory: 64 << 20,
            body_unread: 64 << 10,
            chunk_overhead: 16 << 10,
            form_fields: 1_000,
            ranges: 100,
            head_time: Duration::from_secs(60),
            handshake_time: Duration::from_secs(10),
            idle_time: Duration::from_secs(75),
            transfer_grace: Duration::from_secs(20),
            transfer_rate: 500,
        }
    }
}
