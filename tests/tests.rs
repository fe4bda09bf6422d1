//! The integration tests, as a table of contents. They run the real binaries over real sockets.

// A test says what it expects and fails loudly when that is not so; the lints are for the product.
#![allow(clippy::unwrap_used, clippy::string_slice, unreachable_pub, missing_docs)]

mod support;

/// Which room may name which.
mod layering;

/// One request, one answer, byte by byte.
mod exchanges;

/// What was wrong, where, by which rule, and what is right: as text, as a page, in the log.
mod refusals;

/// Which connections stay, in which order answers come, and that the last one arrives.
mod persistence;

/// Ambiguous and malformed requests with a second one glued on, which is never served.
mod smuggling;

/// What is served from a folder, and what is not.
mod files;

/// What is kept of a file between two requests, and never hides a change of it.
mod file_cache;

/// Ways out of the folder: none leads there.
mod paths;

/// Asking again, and asking before a change. Files, and the library's handlers.
mod conditionals;

/// Parts of an answer: one, several, none.
mod ranges;

/// Handlers that panic or break off: what it costs, and whom. The library, not the binary.
mod handlers;

/// What takes too long, with the times made short. The library, not the binary.
mod deadlines;

/// The routes to learn and measure with.
mod lab;

/// How the server begins: what it says, what it refuses, and with which exit code.
mod startup;

/// How the server ends: what is under way is finished, and then nothing is left.
mod stopping;

/// One line a request.
mod access_log;

/// `--wire`: each byte of each connection, to be read by people.
mod wire;

/// More clients than workers: who gives way, and who starves.
mod crowding;

/// Other people's clients get everything that the server has.
mod peers;

/// `/users`: each request and its answer; nothing acknowledged is lost, whatever is killed.
mod users;

/// The command line client: its flags, its exit codes, bad servers, other people's servers, curl.
mod client;

/// The load generator: its figures, its conditions, its exit codes.
mod bench;

/// What the manual shows is so: its transcripts are replayed, its exercises and the demo are run.
mod manual;

/// Request bodies: in memory, in files without a name, streamed; none holds what is others'.
mod bodies;

/// No client can hold a worker, and no connection is forgotten.
mod lobby;

/// Handlers that block: no worker is idle beside a request that waits.
mod blocking;

/// More than there is room for: it is answered, or waits outside, and passes.
mod overload;

/// Few descriptors, little disk, one worker: what a client may take of them, and what is left for others.
mod descriptors;

/// What the server tells about itself: counters that add up, its health, what a stop has cut.
mod metrics;

/// Where the time of a request went, as the server tells it, and whom.
mod server_timing;

/// Whatever happens in a handler, on the disk or to a client: served on.
mod never_dies;

/// What holds for any bytes, over the corpus of the fuzz targets.
mod fuzz;

/// RFC 9110 over the wire: rules that every answer keeps, and what no other file looks at.
mod rfc9110;

/// RFC 9112 over the wire: what no other file looks at.
mod rfc9112;

/// The coverage page of the manual: its rows are whole, and the tests that it names are there.
mod coverage;
