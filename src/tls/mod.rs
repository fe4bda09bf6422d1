//! TLS at both ends: what is encrypted on a connection, and who it is with. The protocol itself is rustls's, which
//! neither reads nor writes a socket.
//!
//! | file | what |
//! |---|---|
//! | `session` | an encrypted connection: its handshake, and its bytes |
//! | `acceptor` | the server's side: its certificates, by the name that the client asks for |
//! | `pem` | certificates and keys in files |
//! | `self_signed` | a certificate for a machine for which nobody issues one |
//!
//! Without the feature `tls` the types of this room have no values, so a program that has a session cannot be written,
//! and nothing of it is left in the program.

#[cfg(not(feature = "tls"))]
#[path = "absent.rs"]
mod absent;
#[cfg(feature = "tls")]
pub mod acceptor;
#[cfg(feature = "tls")]
pub mod pem;
#[cfg(feature = "tls")]
pub mod self_signed;
#[cfg(feature = "tls")]
pub mod session;

#[cfg(not(feature = "tls"))]
pub use self::absent::{Acceptor, Session};
#[cfg(feature = "tls")]
pub use self::{acceptor::Acceptor, session::Session};

/// How far a handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// It is complete, and all of it has been sent.
    Complete,
    /// More has to arrive.
    NeedsInput,
    /// The peer has to make room.
    NeedsRoom,
    /// The peer has closed its side.
    Left,
}

/// What a read has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Bytes, decrypted; 0 at the end of the stream.
    pub count: usize,
    /// Whether there may be more at once: no event will tell of it.
    pub may_have_more: bool,
}
