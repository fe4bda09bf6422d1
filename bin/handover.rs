//! `--handover`: takes the sockets of a running server over.
//!
//! A received descriptor is a number, and only unsafe code makes an owner of a number. The crate `listenfd` does so,
//! for the descriptors that its environment names. Safe code cannot change the environment of its own process, so
//! the program starts itself again with another one (execve(2)): the process and its open descriptors stay.

use std::env;
use std::ffi::OsStr;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{self, Command};

use listenfd::ListenFd;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use threadbare::server::{HandedOver, Inherited, LogWriter, request_sockets};

use super::activation::Given;
use super::say;

/// Has the numbers of the descriptors, separated by commas: first the connection to the running server, then its
/// sockets. Between them may be others, which the parent has left open.
const DESCRIPTORS: &str = "LISTEN_HANDOVER";

/// Asks the server with the control socket `path` for its sockets, and starts this program again with them. Returns
/// if there is no server, or if that has been done.
///
/// # Errors
/// When the sockets cannot be taken over; then that server goes on.
pub(crate) fn take_over(
    path: Option<&Path>,
    given: Given,
    stderr: &LogWriter,
) -> Result<Given, String> {
    let Some(path) = path else { return Ok(given) };
    match &given {
        Given::ByPredecessor(_) => return Ok(given),
        Given::ByParent(sockets) if sockets.is_empty() => {}
        Given::ByParent(_) => {
            let what = "--handover is not for a server whose parent keeps the sockets (LISTEN_FDS): no connection is \
                        refused when it restarts";
            return Err(format!("{what}; right: without --handover"));
        }
    }
    let shown = path.display();
    let received = request_sockets(path).map_err(|error| {
        format!("--handover {shown}: {error}; right: the PATH of a running server of this user, or one where nothing is")
    })?;
    let Some(HandedOver { from, process, descriptors }) = received else { return Ok(given) };
    // The control socket is one of them.
    let count = descriptors.len().saturating_sub(1);
    say(stderr, &format!("taking {count} sockets over from process {process}"));
    let failed =
        |error: &dyn std::fmt::Display| format!("cannot start again with these sockets: {error}");
    fcntl(&from, FcntlArg::F_SETFD(FdFlag::empty())).map_err(|error| failed(&error))?;
    let all: Vec<RawFd> = [from.as_raw_fd()].into_iter().chain(descriptors).collect();
    let first = all.iter().copied().min().unwrap_or_default();
    let last = all.iter().copied().max().unwrap_or_default();
    let numbers: Vec<String> = all.iter().map(RawFd::to_string).collect();
    let mut args = env::args_os();
    let program = env::current_exe().map_err(|error| failed(&error))?;
    let error = Command::new(program)
        .arg0(args.next().as_deref().unwrap_or(OsStr::new("server")))
        .args(args)
        .env("LISTEN_FDS", (last - first + 1).to_string())
        .env("LISTEN_FDS_FIRST_FD", first.to_string())
        .env("LISTEN_PID", process::id().to_string())
        .env(DESCRIPTORS, numbers.join(","))
        .exec();
    Err(failed(&error))
}

/// Returns what this program has received before it started itself again.
pub(crate) fn inherited(given: &mut ListenFd) -> Option<Inherited> {
    let numbers = env::var(DESCRIPTORS).ok().filter(|_| given.len() > 0)?;
    let numbers: Vec<usize> = numbers.split(',').filter_map(|number| number.parse().ok()).collect();
    let first = numbers.iter().copied().min()?;
    let mut inherited = Inherited::default();
    for index in numbers.iter().map(|number| number - first) {
        if let Ok(Some(socket)) = given.take_tcp_listener(index) {
            inherited.listening.push(socket.into());
        } else if let Ok(Some(socket)) = given.take_udp_socket(index) {
            inherited.datagrams.push(socket);
        } else if let Ok(Some(socket)) = given.take_unix_listener(index) {
            match inherited.from {
                None => inherited.from = Some(OwnedFd::from(socket).into()),
                Some(_) => inherited.listening.push(socket.into()),
            }
        }
    }
    Some(inherited)
}
