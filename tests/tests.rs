//! The integration tests, as a table of contents. They run the real binaries over real sockets.

mod support;

/// Who may import whom.
mod layering;
