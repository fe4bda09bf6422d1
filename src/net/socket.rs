//! The socket calls that std lacks, safely bound by nix: a listener with a large backlog, waits for
//! several descriptors, limits on unsent bytes, sendfile(2).

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, ppoll};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{Backlog, MsgFlags, listen, recv, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use nix::unistd::close;

use super::peer_address::PeerAddress;

/// The connections that the kernel completes before they are accepted: 4,096, the most that glibc allows.
/// With the 128 of std, hundreds of 1,000 SYNs at once are dropped, and their clients wait a second.
pub(super) const BACKLOG: i32 = 4096;

/// The most bytes that the kernel buffers for a connection and has not sent yet: 128 KB. Bytes in flight
/// are not counted, so a long and fast path is still filled. Without this limit, 300 downloads that the
/// clients do not read hold 1.2 GB of kernel memory; with it, 73 MB.
pub const UNSENT: u32 = 128 << 10;

/// The most that [`take_more`] may set: 4 MB, as much as Linux buffers for one connection. The sending
/// thread is woken when half of it is sent; the kernel sends the rest by itself as the acknowledgements
/// come in.
pub const MOST_UNSENT: u32 = 4 << 20;

/// Binds and listens. The listener does not block. Accepted connections do, with TCP_NODELAY: a response
/// that is one write must not wait for the acknowledgement of the one before.
///
/// # Errors
/// Those of `socket`, `bind` and `listen`.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    // A second listen(2) on a listening socket changes its backlog, and nothing else.
    listen(&listener, Backlog::new(BACKLOG)?)?;
    prepare(&listener)?;
    Ok(listener)
}

/// Sets the options of a listener that [`bind`] promises. On Linux accepted connections inherit them: one call
/// for all of them.
pub(super) fn prepare(listener: &TcpListener) -> io::Result<()> {
    setsockopt(listener, sockopt::TcpNoDelay, &true)?;
    #[cfg(target_os = "linux")]
    if let Err(error) = setsockopt(listener, unsent::Lowat, &UNSENT) {
        log::debug!("unsent bytes are not limited: {error}");
    }
    listener.set_nonblocking(true)
}

/// Sets the options that [`bind`] promises on an accepted connection that does not inherit them.
pub(super) fn adopt(stream: &TcpStream, peer: PeerAddress) -> io::Result<()> {
    if !cfg!(target_os = "linux") {
        stream.set_nonblocking(false)?;
        if let PeerAddress::Tcp(_) = peer {
            stream.set_nodelay(true)?;
        }
    }
    Ok(())
}

/// Raises the limit on unsent bytes of a connection to `unsent`, at most [`MOST_UNSENT`]: for a client that
/// downloads much and reads fast.
///
/// # Errors
/// Those of setsockopt(2).
#[cfg(target_os = "linux")]
pub fn take_more(stream: &TcpStream, unsent: u32) -> io::Result<()> {
    Ok(setsockopt(stream, unsent::Lowat, &unsent)?)
}

/// Does nothing: this system has no such limit.
#[cfg(not(target_os = "linux"))]
pub fn take_more(_: &TcpStream, _: u32) -> io::Result<()> {
    Ok(())
}

/// Waits until `stream` is readable, closed or broken, or has room to write if there is something
/// `to_send`, or `timeout` has passed. A signal may end the wait early.
///
/// # Errors
/// Those of poll(2).
pub fn wait(stream: &TcpStream, to_send: bool, timeout: Duration) -> io::Result<()> {
    let room = if to_send { PollFlags::POLLOUT } else { PollFlags::empty() };
    poll(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN | room)], Some(timeout))
}

/// Sends some of `bytes`, and holds back a partial segment for the bytes that follow (MSG_MORE, send(2)).
///
/// # Errors
/// Those of send(2).
#[cfg(target_os = "linux")]
pub fn send_with_more(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    use nix::{libc, sys::socket::send};
    // nix has no name for MSG_MORE yet.
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::from_bits_retain(libc::MSG_MORE);
    Ok(send(stream.as_raw_fd(), bytes, flags)?)
}

/// Sends up to `most` bytes of `file` without copying them to this process (sendfile(2)): from offset `at`,
/// or from the file's own position, which then advances.
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

/// Returns `Unsupported`: this system has no such call.
#[cfg(not(target_os = "linux"))]
pub fn send_file(_: &TcpStream, _: &File, _: Option<u64>, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sends some of `bytes`.
#[cfg(not(target_os = "linux"))]
pub fn send_with_more(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut stream, bytes)
}

/// TCP_NOTSENT_LOWAT (tcp(7)), which nix does not name yet. A write takes no more when this many bytes are
/// unsent, and the socket is writable again when less than half of them are.
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

/// Returns the number of descriptors that this process may have open (`ulimit -n`).
pub fn descriptors() -> Option<usize> {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    usize::try_from(soft).ok()
}

/// Makes the kernel's descriptor table of this process large enough for `connections`, in a thread of its
/// own, by opening and closing a high descriptor. The table would grow by itself, but each doubling waits
/// 10 to 30 ms for all cores (an RCU grace period), and accept(2) waits with it, just when a thousand
/// clients connect at once. If anything fails here, the table grows later as usual.
pub fn prepare_for(connections: usize) {
    let highest = i32::try_from(connections).unwrap_or(i32::MAX);
    let grow = move || {
        if let Ok(copy) = fcntl(io::stdin(), FcntlArg::F_DUPFD_CLOEXEC(highest)) {
            let _ = close(copy);
        }
    };
    let _ = thread::Builder::new().name("descriptors".to_owned()).spawn(grow);
}

/// Makes the close of `stream` discard its unsent bytes and send a reset. Otherwise the kernel keeps
/// megabytes for a peer that reads nothing, for many minutes after the close.
///
/// # Errors
/// Those of setsockopt(2).
pub fn abort_on_close(stream: &TcpStream) -> io::Result<()> {
    let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    Ok(setsockopt(stream, sockopt::Linger, &at_once)?)
}

/// Waits until one of the descriptors is readable, closed or broken, or `timeout` has passed. Returns for
/// each whether it is ready.
///
/// # Errors
/// Those of poll(2) except EINTR, after which none is ready.
pub(super) fn wait_readable(
    descriptors: &[BorrowedFd<'_>],
    timeout: Option<Duration>,
) -> io::Result<Vec<bool>> {
    let mut set: Vec<PollFd<'_>> =
        descriptors.iter().map(|&fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    poll(&mut set, timeout)?;
    Ok(set.iter().map(|entry| entry.any().unwrap_or(true)).collect())
}

/// Returns the number of bytes that have arrived and fit into `room`, and copies them there; they stay to be
/// read. Never waits (MSG_PEEK, MSG_DONTWAIT, recv(2)).
///
/// # Errors
/// Those of recv(2): `WouldBlock` if nothing has arrived.
pub fn peek(stream: &TcpStream, room: &mut [u8]) -> io::Result<usize> {
    Ok(recv(stream.as_raw_fd(), room, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT)?)
}

/// Waits for at most `time`, to the microsecond (ppoll(2)). Returns true if `stream` is readable, closed
/// or broken.
pub fn is_readable_within(stream: &TcpStream, time: Duration) -> bool {
    is_ready_within(stream, PollFlags::POLLIN, time)
}

/// Waits for at most `time`. Returns true if `stream` has room to write, or is broken.
pub fn is_writable_within(stream: &TcpStream, time: Duration) -> bool {
    is_ready_within(stream, PollFlags::POLLOUT, time)
}

fn is_ready_within(stream: &TcpStream, events: PollFlags, time: Duration) -> bool {
    let mut set = [PollFd::new(stream.as_fd(), events)];
    ppoll(&mut set, Some(TimeSpec::from_duration(time)), None).is_ok_and(|ready| ready > 0)
}

/// Calls poll(2). After EINTR none is ready.
fn poll(set: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    // Rounded up: a wait that ended too early would only be repeated.
    let timeout = timeout.map(|time| time.saturating_add(Duration::from_micros(999)));
    let timeout = timeout
        .map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
    match nix::poll::poll(set, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
