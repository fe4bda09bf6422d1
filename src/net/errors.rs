//! Sorts the errors of socket calls by what the caller should do about them.

use std::io::{Error, ErrorKind};

use nix::errno::Errno;

/// Returns true if the peer has left, or cannot be reached. This is normal, and not logged above debug.
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

/// Returns true if a read found no bytes, or a write no room. A non-blocking socket fails so at once, a
/// blocking one when its timeout has passed: Linux reports EAGAIN for both, others may report a timeout.
pub fn nothing_yet(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Returns true if this process or the machine has no free descriptor. This ends when some are closed.
pub fn out_of_descriptors(error: &Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EMFILE | Errno::ENFILE))
}

/// What a failed accept(2) means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptFailure {
    /// No connection waits.
    NoneWaiting,
    /// That one connection is gone, or the call was interrupted: try the next.
    Transient,
    /// No descriptors or no memory: try again a little later.
    Exhausted,
    /// The listener itself is broken.
    Fatal,
}

/// Returns what an error of accept(2) means, as its man page lists them.
pub fn accept_failure(error: &Error) -> AcceptFailure {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN) => AcceptFailure::NoneWaiting,
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => {
            AcceptFailure::Exhausted
        }
        Some(
            Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK | Errno::EOPNOTSUPP | Errno::EFAULT,
        ) => AcceptFailure::Fatal,
        // EINTR, ECONNABORTED, EPERM (a firewall), EPROTO, and the errors of the new connection that
        // Linux passes on.
        _ => AcceptFailure::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_accept_has_a_meaning() {
        for (errno, want) in [
            (Errno::EAGAIN, AcceptFailure::NoneWaiting),
            (Errno::ECONNABORTED, AcceptFailure::Transient),
            (Errno::EINTR, AcceptFailure::Transient),
            (Errno::ENETDOWN, AcceptFailure::Transient),
            (Errno::EMFILE, AcceptFailure::Exhausted),
            (Errno::EINVAL, AcceptFailure::Fatal),
        ] {
            assert_eq!(accept_failure(&Error::from_raw_os_error(errno as i32)), want, "{errno}");
        }
    }
}
