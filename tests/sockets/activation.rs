//! Socket activation, with a parent that keeps the listening sockets, as systemd does.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use threadbare::client::{Client, Error, Response};
use threadbare::server::{Config, Driver, Router, Server as LibraryServer};

use super::{ready_line, start_given};
use crate::support::{Folder, PATIENCE, Program, Wire, eventually, needs, server_command};

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

/// What 64 clients have seen: responses, and failures.
#[derive(Default)]
struct Seen {
    responses: AtomicUsize,
    over: AtomicBool,
}

/// Asks again and again, over connections that are kept and over new ones.
fn ask(seen: &Seen, address: SocketAddr, number: usize) -> Vec<Result<u16, Error>> {
    let client = Client::new();
    let (page, echo) = (format!("http://{address}/"), format!("http://{address}/echo"));
    let mut failures = Vec::new();
    // The test may fail before it says that it is over.
    let end = Instant::now() + 6 * PATIENCE;
    for turn in number.. {
        if seen.over.load(Ordering::Relaxed) || Instant::now() > end {
            break;
        }
        let request = match turn % 4 {
            // Each fourth closes its connection, so that the next one is new.
            0 => client.get(&page).header("Connection", "close"),
            1 => client.put(&echo).body("x".repeat(10_000)),
            _ => client.get(&page),
        };
        let whole = |response: Response| {
            let status = response.status().code();
            response.bytes(1 << 20).map(|_| status)
        };
        match request.send().and_then(whole) {
            Ok(200) => drop(seen.responses.fetch_add(1, Ordering::Relaxed)),
            other => failures.push(other),
        }
    }
    failures
}

/// 30 restarts, each as `systemctl restart` does it: the next server starts when the one before has ended, and the
/// clients wait in the backlog of the socket, which the parent keeps. A client may find the connection that it kept
/// closed in the moment in which it sends: it sends such a request again if it is idempotent (RFC 9112, 9.3.1).
#[test]
fn thirty_restarts_under_load_refuse_and_cut_nothing() {
    let (socket, address) = listener();
    let (seen, args) = (&Seen::default(), ["--access-log", "off", "--workers", "8"]);
    thread::scope(|scope| {
        let start = || {
            let program = start_given(socket.try_clone().unwrap(), &[], &args);
            ready_line(&program);
            program
        };
        let mut running = start();
        let clients: Vec<_> =
            (0..64).map(|number| scope.spawn(move || ask(seen, address, number))).collect();
        for _ in 0..30 {
            let before = seen.responses.load(Ordering::Relaxed);
            let served = || (seen.responses.load(Ordering::Relaxed) > before + 64).then_some(());
            eventually(served).expect("the server serves");
            running.signal("TERM");
            let finished = running.finish();
            assert_eq!(finished.code, Some(0), "{}", finished.stderr);
            assert!(finished.stderr.contains("connections cut: 0"), "{}", finished.stderr);
            running = start();
        }
        thread::sleep(Duration::from_millis(50));
        seen.over.store(true, Ordering::Relaxed);
        let failures: Vec<_> = clients.into_iter().flat_map(|it| it.join().unwrap()).collect();
        let (count, first) = (failures.len(), failures.first());
        let responses = seen.responses.load(Ordering::Relaxed);
        assert!(first.is_none(), "{first:?}, {count} failures, {responses} responses");
    });
}
