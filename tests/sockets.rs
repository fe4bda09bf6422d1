//! The sockets on which the server listens, other than TCP ports of its own.

/// Sockets in the file system: requests over them, their permissions, who may replace them.
mod unix;
