//! Socket activation: the listening sockets that the parent of this process has made (sd_listen_fds(3)), or that this
//! program has received before it started itself again (`handover.rs`).
//!
//! A parent that keeps them open, as systemd does, can stop this server and start the next one, and no client
//! is refused in between: its connection waits in the backlog of the socket.

use listenfd::ListenFd;
use threadbare::cli::server::DEFAULT_BIND;
use threadbare::server::{Config, Inherited, ListeningSocket, Routes, Server};

use super::handover;

/// The sockets that the program has when it starts.
pub(crate) enum Given {
    /// From the parent, which keeps them. All of them are served.
    ByParent(Vec<ListeningSocket>),
    /// From the server that this one replaces.
    ByPredecessor(Inherited),
}

/// Returns the sockets of `LISTEN_FDS`, if `LISTEN_PID` is this process or is not set. It must be called before the
/// first thread is started, because it removes these variables from the environment.
///
/// # Errors
/// Which of them is not a listening socket of a kind that is served, and what it is.
pub(crate) fn given_sockets() -> Result<Given, String> {
    let mut given = ListenFd::from_env();
    if let Some(inherited) = handover::inherited(&mut given) {
        return Ok(Given::ByPredecessor(inherited));
    }
    (0..given.len())
        .map(|index| take(&mut given, index))
        .collect::<Result<_, _>>()
        .map(Given::ByParent)
}

fn take(given: &mut ListenFd, index: usize) -> Result<ListeningSocket, String> {
    if let Ok(Some(listener)) = given.take_tcp_listener(index) {
        return Ok(listener.into());
    }
    if let Ok(Some(listener)) = given.take_unix_listener(index) {
        return Ok(listener.into());
    }
    let is_datagram = matches!(given.take_udp_socket(index), Ok(Some(_)))
        || matches!(given.take_unix_datagram(index), Ok(Some(_)));
    let what = if is_datagram { "a datagram socket" } else { "no socket of TCP or unix(7)" };
    // The first of them is descriptor 3.
    Err(format!(
        "descriptor {} of LISTEN_FDS is {what}; right: a socket that listens for streams (in a unit: ListenStream=)",
        index + 3
    ))
}

/// Listens on the addresses that were typed, and on the sockets that the parent has given; on the default address if
/// there are neither.
pub(crate) fn listen(
    mut bind: Vec<String>,
    given: Given,
    routes: Routes,
    config: Config,
) -> Result<Server, String> {
    let (sockets, inherited) = match given {
        Given::ByParent(sockets) => (sockets, Inherited::default()),
        Given::ByPredecessor(inherited) => (Vec::new(), inherited),
    };
    if bind.is_empty() && sockets.is_empty() {
        bind.push(DEFAULT_BIND.to_owned());
    }
    let mut server = Server::with_inherited(bind, inherited, routes, config)
        .map_err(|error| error.to_string())?;
    for socket in sockets {
        server.serve_listener(socket).map_err(|error| error.to_string())?;
    }
    Ok(server)
}
