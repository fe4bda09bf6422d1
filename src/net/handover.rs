//! A restart without a refused connection: a running server hands its listening sockets over to the process that
//! replaces it. Both have the same sockets then, with one backlog, so that none of them is ever closed.
//!
//! ```text
//! new process                               running server
//!   connect to the control socket ────────> the same user, or root? (SO_PEERCRED, unix(7))
//!   TAKE                          ────────>
//!                                 <──────── its process id, and its sockets (SCM_RIGHTS, unix(7))
//!   bind what is missing, start all threads
//!   READY                         ────────>
//!                                 <──────── YOURS
//!   claim the files of sockets, serve
//!   close the connection          ────────> stop, as after a stop signal
//! ```
//! If the new process ends before READY, the running server goes on as if it had not been asked.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, getsockopt, recvmsg, sendmsg, sockopt,
};
use nix::unistd::geteuid;

use super::listening_socket::ListeningSocket;
use super::socket::wait_readable;
use super::socket_file::connect_at_once;
use super::stop_signal::StopSignal;

const TAKE: &[u8] = b"threadbare 1 take\n";
const READY: &[u8] = b"threadbare 1 ready\n";
const YOURS: &[u8] = b"threadbare 1 yours\n";

/// How long the other process may take for a message that needs no work: 2 seconds. A new process waits twice as
/// long for the sockets, because the caller before it may be silent.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// How long the new process may take to start: 60 seconds, for zones and users on a slow disk. Others that want
/// the sockets wait.
const START_TIME: Duration = Duration::from_secs(60);

/// The most sockets in one message: 253, the most that Linux passes (SCM_MAX_FD, unix(7)).
const MOST_SOCKETS: usize = 253;

/// The sockets that another process has handed over. A server takes from here what has the address that it is to
/// listen on, and closes the rest when it is ready.
#[derive(Debug, Default)]
pub struct Inherited {
    /// Sockets that listen.
    pub listening: Vec<ListeningSocket>,
    /// Sockets that receive datagrams.
    pub datagrams: Vec<UdpSocket>,
    /// The connection to the server that has them, too, and stops when this one is ready.
    pub from: Option<UnixStream>,
}

impl Inherited {
    pub(super) fn take_tcp(&mut self, address: SocketAddr) -> Option<ListeningSocket> {
        let wanted = |socket: &mut ListeningSocket| socket.tcp_address() == Some(address);
        self.listening.extract_if(.., wanted).next()
    }

    pub(super) fn take_unix(&mut self, path: &Path) -> Option<ListeningSocket> {
        let wanted = |socket: &mut ListeningSocket| socket.unix_path().is_some_and(|it| it == path);
        self.listening.extract_if(.., wanted).next()
    }

    pub(super) fn take_udp(&mut self, address: SocketAddr) -> Option<UdpSocket> {
        let wanted = |socket: &mut UdpSocket| socket.local_addr().is_ok_and(|it| it == address);
        self.datagrams.extract_if(.., wanted).next()
    }

    /// Tells the other server that this one is ready. Returns the connection; when it is closed, that server
    /// stops.
    ///
    /// # Errors
    /// When it does not agree; then it goes on.
    pub(super) fn announce(&mut self) -> io::Result<Option<UnixStream>> {
        let Some(mut from) = self.from.take() else { return Ok(None) };
        from.set_read_timeout(Some(ANSWER_TIME))?;
        let mut answer = [0; YOURS.len()];
        let answered = from.write_all(READY).and_then(|()| from.read_exact(&mut answer));
        if answered.is_err() || answer != YOURS {
            return Err(io::Error::other(
                "the running server does not hand over any more: it waited too long, or stops",
            ));
        }
        Ok(Some(from))
    }
}

/// What a running server has sent.
#[derive(Debug)]
pub struct HandedOver {
    /// The connection to that server.
    pub from: UnixStream,
    /// The id of its process.
    pub process: u32,
    /// The descriptors of its sockets in this process, which stay open at execve(2).
    pub descriptors: Vec<RawFd>,
}

/// Asks the server with the control socket at `path` for its sockets. Returns `None` if there is no server.
///
/// # Errors
/// When the socket at `path` is not one of the same user, or of a server.
pub fn request_sockets(path: &Path) -> io::Result<Option<HandedOver>> {
    let mut from = match UnixAddr::new(path).and_then(|address| connect_at_once(&address)) {
        Ok(connected) => UnixStream::from(connected),
        Err(Errno::ENOENT | Errno::ECONNREFUSED) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    check_user(&from)?;
    from.set_nonblocking(false)?;
    from.set_read_timeout(Some(2 * ANSWER_TIME))?;
    from.write_all(TAKE).map_err(explain)?;
    let (mut text, mut room) = ([0; 64], cmsg_space!([RawFd; MOST_SOCKETS]));
    let mut parts = [IoSliceMut::new(&mut text)];
    // Without MSG_CMSG_CLOEXEC, the descriptors stay open when the program is started again.
    let (flags, fd) = (MsgFlags::empty(), from.as_raw_fd());
    let message = recvmsg::<()>(fd, &mut parts, Some(&mut room), flags)
        .map_err(|error| explain(error.into()))?;
    let (length, mut descriptors) = (message.bytes, Vec::new());
    if length == 0 {
        return Err(explain(io::ErrorKind::UnexpectedEof.into()));
    }
    for beside in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(more) = beside {
            descriptors.extend(more);
        }
    }
    let text = str::from_utf8(&text[..length]).unwrap_or_default();
    let process = text.strip_suffix('\n').and_then(|text| {
        let (process, count) = text.strip_prefix("threadbare 1 sockets ")?.split_once(' ')?;
        process.parse().ok().filter(|_| count.parse() == Ok(descriptors.len()))
    });
    let process = process.ok_or_else(|| {
        io::Error::other("what listens there is not the control socket of a server")
    })?;
    Ok(Some(HandedOver { from, process, descriptors }))
}

/// Says why a server does not answer.
fn explain(error: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof, WouldBlock};
    io::Error::other(match error.kind() {
        WouldBlock => {
            "no answer: another process takes the sockets, or it is not the control socket of a server"
        }
        UnexpectedEof | ConnectionReset | BrokenPipe => {
            "it does not hand over: it is a server of another user, or stops, or is no control socket"
        }
        _ => return error,
    })
}

/// The side of the running server: a thread that waits at the control socket.
#[derive(Debug)]
pub(super) struct Successors {
    /// The control socket.
    pub(super) control: UnixListener,
    /// Copies of all sockets of the server, the control socket among them.
    pub(super) sockets: Vec<OwnedFd>,
    pub(super) stop: StopSignal,
    /// How long requests in progress may take after the handover.
    pub(super) grace: Duration,
}

impl Successors {
    /// Starts the thread. It ends when the sockets are handed over, or the server stops.
    pub(super) fn start(self) -> io::Result<()> {
        self.control.set_nonblocking(true)?;
        thread::Builder::new().name("handover".to_owned()).spawn(move || self.wait()).map(drop)
    }

    fn wait(self) {
        while !self.stop.is_requested() {
            let waited =
                wait_readable(&[self.control.as_fd(), self.stop.descriptor()], Some(START_TIME));
            let accepted = waited.and_then(|_| self.control.accept());
            let caller = match accepted {
                Ok((caller, _)) => caller,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => {
                    log::warn!("the control socket of --handover: {error}");
                    thread::sleep(Duration::from_millis(100)); // descriptors may have run out
                    continue;
                }
            };
            match self.hand_over(&caller) {
                Ok(()) => {
                    log::info!(
                        "another process serves now; finishing the requests in progress here"
                    );
                    self.stop.request(self.grace);
                }
                Err(error) => log::warn!("not handed over, this server goes on: {error}"),
            }
        }
    }

    /// Hands all sockets over to `caller`, and returns when that process serves.
    fn hand_over(&self, mut caller: &UnixStream) -> io::Result<()> {
        check_user(caller)?;
        caller.set_nonblocking(true)?;
        self.expect(caller, TAKE, ANSWER_TIME)?;
        let descriptors: Vec<RawFd> = self.sockets.iter().map(OwnedFd::as_raw_fd).collect();
        let text = format!("threadbare 1 sockets {} {}\n", std::process::id(), descriptors.len());
        let (parts, beside) =
            ([IoSlice::new(text.as_bytes())], ControlMessage::ScmRights(&descriptors));
        sendmsg::<()>(caller.as_raw_fd(), &parts, &[beside], MsgFlags::MSG_NOSIGNAL, None)?;
        self.expect(caller, READY, START_TIME)?;
        caller.write_all(YOURS)?;
        // It is closed when the files of the sockets are no longer this server's to remove.
        wait_readable(&[caller.as_fd()], Some(ANSWER_TIME)).map(drop)
    }

    /// Waits at most `time` until exactly these words have come.
    fn expect(&self, mut caller: &UnixStream, words: &[u8], time: Duration) -> io::Result<()> {
        let (end, mut heard) = (Instant::now() + time, Vec::new());
        while heard.len() < words.len() {
            let left = end.saturating_duration_since(Instant::now());
            wait_readable(&[caller.as_fd(), self.stop.descriptor()], Some(left))?;
            if self.stop.is_requested() {
                return Err(io::Error::other("it stops"));
            }
            let mut room = [0; 32];
            match caller.read(&mut room) {
                Ok(0) => {
                    return Err(io::Error::other("the other process has closed the connection"));
                }
                Ok(length) => heard.extend_from_slice(&room[..length]),
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) if left.is_zero() => {
                    let what = format!("the other process was silent for {time:?}");
                    return Err(io::Error::other(what));
                }
                Err(_) => {}
            }
        }
        if heard == words {
            return Ok(());
        }
        Err(io::Error::other("what the other process sends is not the protocol of --handover"))
    }
}

/// Checks that the process at the other end has the user of this one, or is root.
fn check_user(stream: &UnixStream) -> io::Result<()> {
    let user = getsockopt(stream, sockopt::PeerCredentials)?.uid();
    if user == 0 || user == geteuid().as_raw() {
        return Ok(());
    }
    let what = format!("the other process belongs to user {user}, neither to this one nor to root");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}
