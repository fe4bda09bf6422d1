//! The integration tests, as a table of contents. They run the real binaries over real sockets.

// A test says what it expects and fails loudly when that is not so; the lints are for the product.
#![allow(clippy::unwrap_used, clippy::string_slice, unreachable_pub, missing_docs)]

mod support;

/// Which room may name which.
mod layering;

/// One request and one response, byte by byte.
mod exchanges;

/// Refusals: the fault, its place, the rule and the right form, as text, as a page, as JSON and in the log.
mod refusals;

/// Which connections are kept, the order of responses, and that the last one arrives.
mod persistence;

/// Ambiguous and malformed requests followed by a second one, which is never served.
mod smuggling;

/// What is served from a folder, and what is not.
mod files;

/// Folders without an `index.html`: as a page, as JSON, and as an archive.
mod listing;

/// Which files are served and with which type: links, names with a dot, media types, the page of an application.
mod file_policies;

/// Fields that are set in responses, CORS, redirects, and sites by their names.
mod fields;

/// That each flag of the server has a test against the program.
mod flags;

/// `server --write`: files are put, deleted, and sent by forms; attacks, storms, full disks.
mod uploads;

/// The file cache, which never hides a change of a file.
mod file_cache;

/// ETag and Last-Modified of files: what changes them, and what does not.
mod validators;

/// Compressed siblings: by their times, and by their first bytes.
mod siblings;

/// The charset that is sent with a text, and what the text says of itself.
mod charsets;

/// Targets as real programs send them: dot segments, `//`, queries without encoding.
mod targets;

/// Paths that would lead out of the document root: none does.
mod paths;

/// Conditional requests, for files and for the library's handlers.
mod conditionals;

/// Range requests: one range, several, none.
mod ranges;

/// Routes of a program, and what its handlers may ask and return. The library, not the binary.
mod routing;

/// Handlers that panic or break off, and what that costs which client. The library, not the binary.
mod handlers;

/// Programs on the library: errors in a form of their own.
mod library;

/// What one client sends and others receive: events, long polls, stops. The library, not the binary.
mod pushed;

/// `/rooms/{name}`: clients that talk through the server.
mod rooms;

/// Deadlines, with the times made short. The library, not the binary.
mod deadlines;

/// The routes to learn and measure with.
mod lab;

/// How the server starts: its output, what it refuses, and its exit codes.
mod startup;

/// `server --auth FILE`: who gets in, how long it takes, and what wrong passwords cost others.
#[cfg(feature = "auth")]
mod auth;

/// `server --tls`: https, by other people's programs.
#[cfg(feature = "tls")]
mod encryption;

/// What the tables of flags give besides parsing: environment variables, the manual page, completions.
mod command_line;

/// Sockets in the file system, sockets that another program gives, and restarts without a refused connection.
mod sockets;

/// Several servers on one data folder, behind HAProxy: one is stopped, one is killed.
mod scale;

/// How the server stops: it finishes what it has begun, and leaves nothing.
mod stopping;

/// The access log: one line for each request.
mod access_log;

/// Proxies in front of the server: which client a request is of, and what nobody can forge.
mod proxies;

/// `--wire`: each byte of each connection, as text.
mod wire;

/// More clients than workers: which of them are closed, and which starve.
mod crowding;

/// Other clients, curl and wget among them, get all that the server has.
mod peers;

/// Programs that mirror, resume and install get their files whole: apt, git, wget, aria2, rclone. Files in an
/// archive that is mounted as a folder are served as others are.
mod programs;

/// `/users`: each request and its response; nothing acknowledged is lost when the server is killed.
mod users;

/// `/users` on real machines: broken files, full disks, limits of the process, locks, two servers.
mod users_disk;

/// `server --fault`: late, slow, cut, reset and badly framed responses, and what clients make of them.
mod faults;

/// `client --misbehave`: our server copes with each kind; servers that do not are told so.
mod misbehave;

/// The command line client: its flags and exit codes, hostile servers, other servers, curl.
mod client;

/// The client asks name servers: hostile ones, real ones, those of `/etc/resolv.conf`; beside dig.
mod dns_client;

/// `client bench`: its figures, its conditions, its exit codes.
mod bench;

/// `client check`: our server passes; servers with one fault each fail the checks that name it.
mod check;

/// `client experiment`: each combination, with a server of its own, and what is written.
mod experiment;

/// `client ping`: loss, delay, duplicates, reordering; refused, silent and late servers.
mod ping;

/// The examples: each runs as its first lines say, over real sockets.
mod examples;

/// The manual: its transcripts are replayed, its ten stops counted, and the demo run.
mod manual;

/// The system calls that the manual shows, seen by strace.
mod traces;

/// The exercises of the manual: the skeletons fail, the solutions pass, and the experiments show what they should.
mod exercises;

/// Request bodies: in memory, in unnamed files, streamed; none takes the share of others.
mod bodies;

/// Forms with files, from programs that send them, to handlers that keep them and that stream them.
mod forms;

/// No client can hold a worker, and no connection is forgotten.
mod lobby;

/// Protocols beside HTTP, and datagrams, on the same workers. The library, not the binary.
mod seam;

/// `server --udp`: the echo, unreliable on purpose, and what the workers are doing.
mod udp;

/// Handlers that block: no worker is idle while a request waits.
mod blocking;

/// More connections than there is room for: they are refused with a 503, or wait, and the server recovers.
mod overload;

/// The policies of the pool: the order of service, what is dropped, and how many threads there are.
mod policies;

/// Few descriptors, little disk, one worker: the share of one client, and what is left for others.
mod descriptors;

/// What pages of other sites can do through a visitor's browser: nothing.
mod origins;

/// The name server, beside NSD and dnsmasq, and with dig, kdig and host.
mod dns_server;

/// Metrics: counters that add up, health, and what a stop has cut off.
mod metrics;

/// `/-/status`: what the workers are doing, also when all of them are in handlers.
mod status;

/// Where the time of a request went, and to which clients the server reports it.
mod server_timing;

/// The server goes on after any fault in a handler, on the disk or at a client.
mod never_dies;

/// What holds for any bytes, tried with the corpus of the fuzz targets.
mod fuzz;

/// RFC 9110 over the wire: rules for every response, and rules that no other file tests.
mod rfc9110;

/// RFC 9112 over the wire: rules that no other file tests.
mod rfc9112;

/// The coverage page of the manual: its rows are complete, and the tests that it names exist.
mod coverage;
