//! How much is too much: every limit of the protocol in one struct, each finite by default.

use std::time::Duration;

/// Sizes in bytes, times as [`Duration`]. The times are plain values here: whoever has a clock
/// keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Request or status line, ending included: 8 KB. RFC 9112, 3 asks for at least 8,000 octets.
    pub request_line: usize,
    /// One field line, ending included: 16 KB. nginx 8, Apache 8, Node 16 for all.
    pub field: usize,
    /// A whole head: 64 KB. nginx 32, Go 1,024.
    pub head: usize,
    /// Field lines in a head, and in a trailer section: 100, as Apache. Also empty lines before a
    /// request, and interim answers before the final one: neither goes on for ever.
    pub fields: usize,
    /// A request body that is not streamed: 16 MB. nginx 1 MB, Apache 1 GB.
    pub body: u64,
    /// What of one request body is kept in memory: 64 KB; a longer one is kept in a file. nginx 16 KB.
    pub body_memory: u64,
    /// Memory for all request bodies together: 64 MB; beyond it they go to files, however short.
    /// Else 10,000 clients were worth 640 MB. Others have no such limit.
    pub bodies_memory: u64,
    /// Disk for all request bodies together: 1 GB; beyond it they are answered 507. Else the clients of
    /// 752 connections could fill 12 GB with bodies of 16 MB. Others have no such limit.
    pub bodies_disk: u64,
    /// The kernel's memory for readers that are fast, beside 128 KB for each connection: 64 MB for all,
    /// for one a sixteenth of what is left, up to 4 MB. nginx and others leave it to the kernel, which
    /// gives each up to 4 MB, fast or slow.
    pub unsent_memory: u64,
    /// The rest of a body that nobody wants, read so that the connection can be kept: 64 KB. Go 256.
    pub body_unread: u64,
    /// Chunk extensions and trailers of one body, together: 16 KB, as hyper's for extensions.
    pub chunk_overhead: u64,
    /// Ranges in one request: 100; with more it gets the whole, as if it had asked for none. Apache
    /// 200, nginx any number.
    pub ranges: usize,
    /// Time for a head, from its first byte: 60 s, as nginx; people type by hand.
    pub head_time: Duration,
    /// Time between requests on one connection: 60 s. Apache 5, nginx 75.
    pub idle_time: Duration,
    /// Time that a body or an answer may take whatever its rate: 20 s, as Apache's mod_reqtimeout.
    pub transfer_grace: Duration,
    /// Bytes a second that a body or an answer must move on average beyond the grace: 500, as
    /// Apache's mod_reqtimeout. Who reads an answer may be 128 KB behind that, as the kernels in between
    /// tell of what is read in lumps: who reads nothing is ended after the grace and some 262 s.
    pub transfer_rate: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request_line: 8 << 10,
            field: 16 << 10,
            head: 64 << 10,
            fields: 100,
            body: 16 << 20,
            body_memory: 64 << 10,
            bodies_memory: 64 << 20,
            bodies_disk: 1 << 30,
            unsent_memory: 64 << 20,
            body_unread: 64 << 10,
            chunk_overhead: 16 << 10,
            ranges: 100,
            head_time: Duration::from_secs(60),
            idle_time: Duration::from_secs(60),
            transfer_grace: Duration::from_secs(20),
            transfer_rate: 500,
        }
    }
}
