//! Which errors mean something, and what.

use std::io::{Error, ErrorKind};

use nix::errno::Errno;

/// Did the peer merely leave? That is its right, and no news for a log above debug.
pub fn peer_left(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    )
}

/// Is there nothing at hand? A non-blocking socket says so at once, a blocking one when its
/// timeout has passed: Linux calls both EAGAIN, others may call the second one a time-out.
pub fn nothing_yet(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Has this process, or the machine, as many files and sockets open as it may? It passes when some
/// are closed.
pub fn out_of_descriptors(error: &Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}

/// What a failed accept(2) means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptFailure {
    /// Nobody is waiting.
    Nobody,
    /// That one connection is gone, or was interrupted; try the next.
    Passing,
    /// No descriptors or no memory: try again a little later.
    Exhausted,
    /// The listener itself is of no use any more.
    Fatal,
}

/// Sorts the errors of accept(2), as its man page lists them.
pub fn accept_failure(error: &Error) -> AcceptFailure {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN) => AcceptFailure::Nobody,
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
            AcceptFailure::Exhausted
        }
        Some(
            Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP | Errno::EFAULT,
        ) => AcceptFailure::Fatal,
        // EINTR, ECONNABORTED, EPERM (a firewall), EPROTO, and the network errors that Linux
        // passes on from the new connection.
        _ => AcceptFailure::Passing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_failures() {
        for (errno, want) in [
            (Errno::EAGAIN, AcceptFailure::Nobody),
            (Errno::ECONNABORTED, AcceptFailure::Passing),
            (Errno::EINTR, AcceptFailure::Passing),
            (Errno::ENETDOWN, AcceptFailure::Passing),
            (Errno::EMFILE, AcceptFailure::Exhausted),
            (Errno::EINVAL, AcceptFailure::Fatal),
        ] {
            assert_eq!(accept_failure(&Error::from_raw_os_error(errno as i32)), want, "{errno}");
        }
    }
}
