//! The few things std has no word for, safely bound by nix: a listener with a real backlog, and
//! waiting for several descriptors at once.

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, ppoll};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{Backlog, listen, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use nix::unistd::close;

/// Connections that the kernel completes while we are not looking: 4,096, the most that glibc
/// allows. With std's 128, of 1,000 connects at once hundreds of SYNs are dropped, and the clients
/// behind them wait a second.
const BACKLOG: i32 = 4096;

/// How much the kernel takes from us for a connection before it has sent it: 128 KB. What is on its
/// way is not counted, so a long and fast path is filled all the same. Without this 300 downloads that
/// nobody reads hold 1.2 GB of the kernel's memory, and with it 73 MB.
pub const UNSENT: u32 = 128 << 10;

/// The most for a connection that [`take_more`] is said of: 4 MB, as much as Linux buffers for one. The
/// thread that sends is woken for half of it, and mostly finds the kernel with something left to send:
/// it goes out as the peer's acknowledgements come in, in nobody's time.
pub const MOST_UNSENT: u32 = 4 << 20;

/// Binds and listens. The listener does not block; what it accepts does, with TCP_NODELAY: an
/// answer that leaves in one write must not wait for the ACK of the one before.
///
/// # Errors
/// Those of `socket`, `bind` and `listen`.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // A second listen(2) on a listening socket changes its backlog, and nothing else.
    listen(&listener, Backlog::new(BACKLOG)?)?;
    // Linux hands a listener's options on to what it accepts: one call instead of one for each.
    setsockopt(&listener, sockopt::TcpNoDelay, &true)?;
    #[cfg(target_os = "linux")]
    if let Err(error) = setsockopt(&listener, unsent::Lowat, &UNSENT) {
        log::debug!("the kernel buffers as much as it likes: {error}");
    }
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Makes an accepted connection what [`bind`] promised, where the system does not do it by itself.
pub(super) fn adopt(stream: &TcpStream) -> io::Result<()> {
    if !cfg!(target_os = "linux") {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
    }
    Ok(())
}

/// Lets the kernel take so many bytes for this connection before it has sent them, up to
/// [`MOST_UNSENT`]: for who reads much, and fast.
///
/// # Errors
/// Those of setsockopt(2).
#[cfg(target_os = "linux")]
pub fn take_more(stream: &TcpStream, unsent: u32) -> io::Result<()> {
    Ok(setsockopt(stream, unsent::Lowat, &unsent)?)
}

/// Here it takes as much as it likes.
#[cfg(not(target_os = "linux"))]
pub fn take_more(_: &TcpStream, _: u32) -> io::Result<()> {
    Ok(())
}

/// Waits until `stream` can be read from (or is closed, or broken), or, if there is something `to_send`,
/// until it has room; or the time is up, or, now and then, for nothing.
///
/// # Errors
/// Those of poll(2).
pub fn wait(stream: &TcpStream, to_send: bool, timeout: Duration) -> io::Result<()> {
    let room = if to_send { PollFlags::POLLOUT } else { PollFlags::empty() };
    poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN | room)], Some(timeout))
}

/// Sends some of `bytes`; what follows them at once shall leave in the same segment (send(2)).
///
/// # Errors
/// Those of send(2).
#[cfg(target_os = "linux")]
pub fn send_with_more(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    use nix::{libc, sys::socket::MsgFlags, sys::socket::send};
    // nix has no name for MSG_MORE yet.
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::from_bits_retain(libc::MSG_MORE);
    Ok(send(stream.as_raw_fd(), bytes, flags)?)
}

/// Sends up to `most` bytes of `file` without reading them (sendfile(2)): from the place `at` in it, or
/// from where it stands, which moves then.
///
/// # Errors
/// Those of sendfile(2): `InvalidInput` or `Unsupported` for a file that can only be read.
#[cfg(target_os = "linux")]
pub fn send_file(
    stream: &TcpStream,
    file: &File,
    at: Option<u64>,
    most: usize,
) -> io::Result<usize> {
    let mut at = at.map(i64::try_from).transpose().map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(nix::sys::sendfile::sendfile(stream, file, at.as_mut(), most)?)
}

/// As [`send_file`] where there is none: `Unsupported`.
#[cfg(not(target_os = "linux"))]
pub fn send_file(_: &TcpStream, _: &File, _: Option<u64>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sends some of `bytes`.
#[cfg(not(target_os = "linux"))]
pub fn send_with_more(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut stream, bytes)
}

/// TCP_NOTSENT_LOWAT (tcp(7)), for which nix has no name yet. A write takes no more while so much
/// is not sent, and there is room again when it is less than half.
#[cfg(target_os = "linux")]
mod unsent {
    use nix::libc;
    use nix::sys::socket::sockopt::SetStruct;

    #[derive(Debug, Clone, Copy)]
    pub(super) struct Lowat;

    nix::setsockopt_impl!(
        Lowat,
        libc::IPPROTO_TCP,
        libc::TCP_NOTSENT_LOWAT,
        u32,
        SetStruct<'_, u32>
    );
}

/// How many descriptors this process may have open (`ulimit -n`).
pub fn descriptors() -> Option<usize> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    usize::try_from(soft).ok()
}

/// Makes the process's table of descriptors long enough for so many. It would grow by itself, but each time that a process with threads makes it twice as long it waits until
/// every core has taken notice (an RCU grace period): 10 to 30 ms, in which nothing is accepted, just
/// when a thousand come at once.
pub fn make_room_for(descriptors: usize) {
    let highest = i32::try_from(descriptors).unwrap_or(i32::MAX);
    // Where so many are not allowed, the table grows as it would have.
    if let Ok(copy) = fcntl(io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(highest)) {
        let _ = close(copy);
    }
}

/// Closing will throw away what the peer has not taken, and tell it by a reset. Without this the
/// kernel keeps megabytes for a peer that reads nothing, for many minutes after we have left.
pub(super) fn abort_on_close(stream: &TcpStream) -> io::Result<()> {
    let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    Ok(setsockopt(stream, sockopt::Linger, &at_once)?)
}

/// Waits until one of the descriptors can be read from (or is closed, or broken), or the time is
/// up. Says for each whether it is ready.
///
/// # Errors
/// Those of poll(2), but for EINTR, which is "none is ready".
pub(super) fn wait_readable(
    descriptors: &[BorrowedFd<'_>],
    timeout: Option<Duration>,
) -> io::Result<Vec<bool>> {
    let mut set: Vec<PollFd<'_>> =
        descriptors.iter().map(|&fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    poll(&mut set, timeout)?;
    Ok(set.iter().map(|entry| entry.any().unwrap_or(true)).collect())
}

/// Waits for at most `time`, which may be less than a millisecond. Returns true if `stream` can be read
/// from, or is closed or broken (ppoll(2)).
pub(super) fn is_readable_within(stream: &TcpStream, time: Duration) -> bool {
    let mut set = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
    ppoll(&mut set, Some(TimeSpec::from_duration(time)), None).is_ok_and(|ready| ready > 0)
}

/// poll(2). EINTR is "none is ready".
fn poll(set: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    // Rounded up: a wait that ends a little early would come back just to wait again.
    let timeout = timeout.map(|time| time.saturating_add(Duration::from_micros(999)));
    let timeout = timeout
        .map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
    match nix::poll::poll(set, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
