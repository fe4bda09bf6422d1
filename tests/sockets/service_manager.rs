//! What the server says to a service manager: datagrams to the socket in `NOTIFY_SOCKET`.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Folder, PATIENCE, SOON, Server, server_command};

/// A service manager that listens in this folder, and its `NOTIFY_SOCKET`.
fn listening_in(folder: &Folder) -> (UnixDatagram, String) {
    let path = folder.join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    (socket, path.display().to_string())
}

fn told(name: &str) -> Command {
    let mut command = server_command(&[]);
    command.env("NOTIFY_SOCKET", name);
    command
}

fn next(socket: &UnixDatagram) -> String {
    let mut text = [0; 1000];
    let length = socket.recv(&mut text).expect("the server says something");
    String::from_utf8(text[..length].to_vec()).unwrap()
}

#[test]
fn it_hears_that_the_server_is_ready_and_that_it_stops() {
    let folder = Folder::new();
    let (socket, name) = listening_in(&folder);
    let mut server = Server::run(told(&name));
    let ready = next(&socket);
    assert_eq!(ready, format!("READY=1\nSTATUS={}", server.ready));
    server.program.signal("TERM");
    assert!(next(&socket).starts_with("STOPPING=1\n"));
    assert_eq!(server.program.exit_code(), Some(0));
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 9]).is_err(), "no sign of life was asked for");
}

#[test]
fn its_socket_may_have_an_abstract_name() {
    let name = format!("threadbare-tests-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let _server = Server::run(told(&format!("@{name}")));
    assert!(next(&socket).starts_with("READY=1\n"));
}

#[test]
fn a_name_without_a_socket_is_an_error() {
    let finished = crate::support::run(&mut told("/no/such/socket"), b"");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("NOTIFY_SOCKET /no/such/socket takes no datagrams"));
}

/// A server that hangs must not look alive: it says nothing while it is stopped.
#[test]
fn it_hears_signs_of_life_from_a_server_that_lives() {
    let folder = Folder::new();
    let (socket, name) = listening_in(&folder);
    let mut command = told(&name);
    command.env("WATCHDOG_USEC", "200000");
    let server = Server::run(command);
    assert!(next(&socket).starts_with("READY=1\n"));
    let begun = Instant::now();
    for _ in 0..5 {
        assert_eq!(next(&socket), "WATCHDOG=1");
    }
    assert!((Duration::from_millis(300)..SOON).contains(&begun.elapsed()), "{:?}", begun.elapsed());

    server.program.signal("STOP");
    socket.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let silence = (0..5).find(|_| socket.recv(&mut [0; 99]).is_err());
    server.program.signal("CONT");
    assert!(silence.is_some());
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(next(&socket), "WATCHDOG=1");
}

#[test]
fn signs_of_life_that_another_process_owes_are_not_its_own() {
    let folder = Folder::new();
    let (socket, name) = listening_in(&folder);
    let mut command = told(&name);
    command.envs([("WATCHDOG_USEC", "20000"), ("WATCHDOG_PID", "1")]);
    let server = Server::run(command);
    assert!(next(&socket).starts_with("READY=1\n"));
    server.get("/-/health");
    server.program.signal("TERM");
    assert!(next(&socket).starts_with("STOPPING=1\n"));
}
