//! The integration tests, as a table of contents. They run the real binaries over real sockets.

// A test says what it expects and fails loudly when that is not so; the lints are for the product.
#![allow(clippy::unwrap_used, clippy::string_slice, unreachable_pub, missing_docs)]

mod support;

/// Who may import whom.
mod layering;

/// One request, one answer, byte by byte.
mod exchanges;

/// Which connections stay, in which order answers come, and that the last one arrives.
mod persistence;

/// What is served from a folder, and what is not.
mod files;

/// The routes to learn and measure with.
mod lab;

/// `/users`: each request and its answer; nothing acknowledged is lost, whatever is killed.
mod users;
