//! Socket activation, with a parent that keeps the listening sockets, as systemd does.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::Command;

use threadbare::server::{Config, Driver, Router, Server as LibraryServer};

use super::load::under_load;
use super::{ready_line, start_given};
use crate::support::{Folder, Program, Wire, eventually, needs, server_command};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn without_bind_the_given_socket_is_the_only_one() {
    let (socket, address) = listener();
    let program = start_given(socket, &[], &[]);
    let ready = ready_line(&program);
    assert!(ready.starts_with(&format!("listening on http://{address}/ serving ")), "{ready}");
    assert_eq!(Wire::to(address).send(HEALTH).answer().text(), "ok\n");
}

#[test]
fn with_bind_it_listens_on_both() {
    let (socket, address) = listener();
    let program = start_given(socket, &[], &["--bind", "127.0.0.1:0"]);
    let ready = ready_line(&program);
    assert_eq!(ready.matches("http://").count(), 2, "{ready}");
    assert!(ready.contains(&format!("http://{address}/")), "{ready}");
}

#[test]
fn a_given_socket_in_the_file_system_is_served_and_not_removed() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let mut program = start_given(UnixListener::bind(&path).unwrap(), &[], &[]);
    let ready = ready_line(&program);
    assert!(
        ready.starts_with(&format!("listening on unix:{} serving ", path.display())),
        "{ready}"
    );
    assert_eq!(Wire::to_path(&path).send(HEALTH).answer().text(), "ok\n");
    program.signal("TERM");
    assert_eq!(program.exit_code(), Some(0));
    assert!(path.exists(), "its maker removes it");
}

#[test]
fn what_is_no_listening_socket_is_refused_by_name() {
    let (_listener, address) = listener();
    let connected = TcpStream::connect(address).unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let datagram =
        "descriptor 3 of LISTEN_FDS is a datagram socket; right: a socket that listens for streams";
    for (socket, words) in [
        (OwnedFd::from(UdpSocket::bind("127.0.0.1:0").unwrap()), datagram),
        (UnixDatagram::unbound().unwrap().into(), datagram),
        (file.into(), "descriptor 3 of LISTEN_FDS is no socket of TCP or unix(7)"),
        (connected.into(), "it is a socket that does not listen"),
    ] {
        let finished = start_given(socket, &[], &[]).finish();
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}

/// Variables that are meant for another process are left alone.
#[test]
fn the_sockets_of_another_process_are_not_taken() {
    let mut command = server_command(&["--bind", "127.0.0.1:0"]);
    let data = Folder::new();
    command.arg("--data").arg(data.path()).envs([("LISTEN_FDS", "1"), ("LISTEN_PID", "1")]);
    let program = Program::start(&mut command);
    assert_eq!(ready_line(&program).matches("http://").count(), 1);
}

#[test]
fn a_program_on_the_library_serves_sockets_of_its_own_making() {
    let folder = Folder::new();
    for driver in [Driver::Lobby, Driver::Textbook] {
        let (tcp, address) = listener();
        let path = folder.join(&format!("{driver:?}"));
        let routes = Router::new().get("/-/health", |_| "ok\n").build().unwrap();
        let config = Config { driver, ..Config::default() };
        let mut server = LibraryServer::with_config([""; 0], routes, config).unwrap();
        server.serve_listener(tcp).unwrap();
        server.serve_listener(UnixListener::bind(&path).unwrap()).unwrap();
        assert_eq!((server.addresses(), server.unix_paths()), (vec![address], vec![path.clone()]));
        let _running = server.start().unwrap();
        assert_eq!(Wire::to(address).send(HEALTH).answer().text(), "ok\n");
        assert_eq!(Wire::to_path(&path).send(HEALTH).answer().text(), "ok\n");
    }
}

/// The program of systemd itself: it starts the server when the first client connects.
#[test]
fn systemd_socket_activate_gives_it_two_sockets() {
    if !needs("systemd-socket-activate") {
        return;
    }
    let (folder, data) = (Folder::new(), Folder::new());
    let path = folder.join("socket");
    let address = listener().1.to_string();
    let server = server_command(&["--data", data.path().to_str().unwrap()]);
    let mut command = Command::new("systemd-socket-activate");
    command.args(["-l", &address, "-l", path.to_str().unwrap()]).arg(server.get_program());
    command.args(server.get_args()).current_dir(server.get_current_dir().unwrap());
    let program = Program::start(&mut command);
    let first = eventually(|| TcpStream::connect(&address).ok()).expect("systemd listens");
    assert_eq!(Wire::over(first).send(HEALTH).answer().text(), "ok\n");
    assert_eq!(Wire::to_path(&path).send(HEALTH).answer().text(), "ok\n");
    let urls = format!("listening on http://{address}/ unix:{} serving ", path.display());
    let ready = program.stdout.until(|text| text.contains('\n'));
    assert!(ready.starts_with(&urls), "{ready}");
}

/// 30 restarts, each as `systemctl restart` does it: the next server starts when the one before has ended, and the
/// clients wait in the backlog of the socket, which the parent keeps.
#[test]
fn thirty_restarts_under_load_refuse_and_cut_nothing() {
    let (socket, address) = listener();
    let start = || {
        let args = ["--access-log", "off", "--workers", "8"];
        let program = start_given(socket.try_clone().unwrap(), &[], &args);
        ready_line(&program);
        program
    };
    let mut running = start();
    under_load(address, |wait_for_responses| {
        for _ in 0..30 {
            wait_for_responses();
            running.signal("TERM");
            let finished = running.finish();
            assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            assert!(finished.stderr.contains("connections cut: 0"), "{}", finished.stderr);
            running = start();
        }
        running
    });
}
