//! `--bind unix:PATH`: what is served there, to which users, and what becomes of the socket.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use threadbare::server::{Config, Driver, PeerAddress, Request, Router, Server as LibraryServer};

use crate::support::{Folder, Program, Server, Wire, eventually, needs, run, server_command};

/// A server at a socket in this folder.
fn start_at(folder: &Folder, args: &[&str]) -> (Server, PathBuf) {
    let path = folder.join("socket");
    let bind = format!("unix:{}", path.display());
    let server = Server::start(&[&["--bind", &bind], args].concat());
    assert!(server.ready.starts_with(&format!("listening on {bind} serving ")), "{}", server.ready);
    (server, path)
}

/// Starts a server that must not start, and returns what it says.
fn fails(bind: &str) -> String {
    let data = Folder::new();
    let mut command = server_command(&["--bind", bind, "--data"]);
    let finished = run(command.arg(data.path()), b"");
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    finished.stderr
}

#[test]
fn both_drivers_serve_all_that_they_serve_over_tcp() {
    for driver in ["on", "off"] {
        let root = Folder::with(&[("small", "four"), ("index.html", "<p>index")]);
        root.write("large", vec![b'x'; 3_000_000]);
        let sockets = Folder::new();
        let (path, log) = (sockets.join("socket"), sockets.join("log"));
        let (bind, log_to) = (format!("unix:{}", path.display()), log.display().to_string());
        let args = ["--bind", &bind, "--lobby", driver, "--access-log", &log_to];
        let mut server = Server::of(&root, &args);
        let mut wire = Wire::to_path(&path);
        let mut get = |target: &str| {
            wire.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).answer()
        };
        assert_eq!(get("/small").text(), "four");
        assert_eq!(get("/large").body.len(), 3_000_000);
        assert_eq!(get("/none").status(), 404);
        assert!(get("/small").field("Server-Timing").is_some(), "it is a client of this machine");
        assert_eq!(get("/-/metrics").status(), 200);
        wire.send(format!(
            "POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            1 << 20
        ));
        assert!(wire.send(vec![b'x'; 1 << 20]).answer().text().contains("1048576"));
        wire.send("GET /small HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").half_close();
        assert!(wire.rest().ends_with(b"four"));

        server.program.signal("TERM");
        assert_eq!(server.program.exit_code(), Some(0));
        assert!(!path.exists(), "a clean stop removes the socket");
        let log = fs::read_to_string(log).unwrap();
        assert!(log.lines().all(|line| line.starts_with("unix: - - [")), "{log}");
        assert_eq!(log.lines().count(), 7, "{log}");
    }
}

#[test]
fn a_response_that_is_read_slowly_arrives_whole() {
    let root = Folder::new();
    root.write("large", vec![b'x'; 2_000_000]);
    let sockets = Folder::new();
    let path = sockets.join("socket");
    let _server = Server::of(&root, &["--bind", &format!("unix:{}", path.display())]);
    let mut wire = Wire::to_path(&path);
    wire.send("GET /large HTTP/1.0\r\n\r\n").head();
    for _ in 0..20 {
        assert_eq!(wire.take(100_000), vec![b'x'; 100_000]);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(wire.rest(), b"");
}

#[test]
fn it_listens_there_and_on_tcp_at_once() {
    let folder = Folder::new();
    let path = folder.join("socket");
    let bind = format!("unix:{}", path.display());
    let server = Server::start(&["--bind", "127.0.0.1:0", "--bind", &bind]);
    let tcp = server.address();
    assert!(server.ready.starts_with(&format!("listening on http://{tcp}/ {bind} serving ")));
    assert_eq!(server.get("/-/health").text(), "ok\n");
    let health = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(Wire::to_path(&path).send(health).answer().text(), "ok\n");
}

#[test]
fn its_permissions_are_those_of_the_flag() {
    for (args, want) in
        [(&[][..], 0o660), (&["--bind-mode", "0600"], 0o600), (&["--bind-mode", "666"], 0o666)]
    {
        let folder = Folder::new();
        let (_server, path) = start_at(&folder, args);
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, want);
    }
    for wrong in ["", "rw", "0888", "7777", "+660"] {
        let finished = run(&mut server_command(&["--bind-mode", wrong]), b"");
        assert_eq!(finished.code, Some(2), "{wrong}");
        assert!(
            finished.stderr.contains("permissions in octal, such as 0660"),
            "{}",
            finished.stderr
        );
    }
    let finished = run(&mut server_command(&["--bind", "unix:"]), b"");
    assert!(finished.stderr.contains("a path after unix:"), "{}", finished.stderr);
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_or_a_file_is_not() {
    let folder = Folder::new();
    let (mut killed, path) = start_at(&folder, &[]);
    let bind = format!("unix:{}", path.display());
    let error = fails(&bind);
    assert!(
        error.contains(&format!("cannot listen on {bind}: another program listens on it")),
        "{error}"
    );
    UnixStream::connect(&path).expect("the first server still listens");

    killed.program.signal("KILL");
    assert_eq!(killed.program.exit_code(), None);
    assert!(UnixStream::connect(&path).is_err() && path.exists());
    let (_server, path) = start_at(&folder, &[]);
    UnixStream::connect(&path).unwrap();

    folder.write("file", "kept");
    let error = fails(&format!("unix:{}", folder.join("file").display()));
    assert!(error.contains("a file that is no socket is there"), "{error}");
    assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "kept");
    assert!(fails("unix:/no/such/folder/socket").contains("its folder does not exist"));
    assert!(fails(&format!("unix:/tmp/{}", "x".repeat(120))).contains("the path is too long"));
}

#[test]
fn the_limits_of_one_address_are_not_for_clients_without_one() {
    let folder = Folder::new();
    let (_server, path) = start_at(&folder, &["--max-per-address", "1", "--room-rate", "1"]);
    let wires = [(); 3].map(|()| Wire::to_path(&path));
    for mut wire in wires {
        for _ in 0..3 {
            let post = "POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
            assert_eq!(wire.send(post).answer().status(), 201);
        }
    }
}

#[test]
fn a_handler_sees_a_client_without_an_address() {
    let folder = Folder::new();
    let bind = format!("unix:{}", folder.join("socket").display());
    for driver in [Driver::Lobby, Driver::Textbook] {
        let who = |request: &mut Request| {
            assert_eq!((request.peer, request.peer.ip()), (PeerAddress::Unix, None));
            format!("{}{}", request.peer, request.peer.is_loopback())
        };
        let routes = Router::new().get("/", who).build().unwrap();
        let config = Config { driver, ..Config::default() };
        let server = LibraryServer::with_config([&bind], routes, config).unwrap();
        assert_eq!(server.unix_paths(), [folder.join("socket")]);
        let running = server.start().unwrap();
        let mut wire = Wire::to_path(&folder.join("socket"));
        assert_eq!(wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().text(), "unix:true");
        running.stop().unwrap();
        assert!(!folder.join("socket").exists());
    }
}

#[test]
fn our_client_and_curl_fetch_from_it() {
    let folder = Folder::new();
    let (_server, path) = start_at(&folder, &[]);
    let args = ["-s", "--unix-socket", path.to_str().unwrap(), "http://localhost/-/health"];
    let fetched = |program: &str| run(Command::new(program).args(args), b"");
    assert_eq!(fetched(env!("CARGO_BIN_EXE_client")).stdout, b"ok\n");
    if needs("curl") {
        assert_eq!(fetched("curl").stdout, b"ok\n");
    }
}

/// Where nginx listens, when it passes requests on to the socket.
fn nginx_before(folder: &Folder, path: &Path) -> (Program, std::net::SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (here, path) = (folder.path().display(), path.display());
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    folder.write(
        "conf",
        format!(
            "{user} daemon off; pid {here}/pid; worker_processes 1; error_log stderr;
             events {{ worker_connections 64; }}
             http {{
               access_log off; client_body_temp_path {here}/t1; proxy_temp_path {here}/t2;
               fastcgi_temp_path {here}/t3; uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;
               upstream threadbare {{ server unix:{path}; keepalive 4; }}
               server {{
                 listen {address};
                 location / {{
                   proxy_pass http://threadbare; proxy_http_version 1.1; proxy_set_header Connection '';
                 }}
               }}
             }}"
        ),
    );
    let prefix = here.to_string();
    let args = ["-e", "stderr", "-p", &prefix, "-c", &format!("{prefix}/conf")];
    let nginx = Program::start(Command::new("nginx").args(args));
    eventually(|| TcpStream::connect(address).ok()).expect("nginx listens");
    (nginx, address)
}

#[test]
fn nginx_passes_requests_on_to_it() {
    if !needs("nginx") {
        return;
    }
    let (root, folder) = (Folder::new(), Folder::new());
    root.write("large", vec![b'x'; 500_000]);
    let path = folder.join("socket");
    let _server = Server::of(&root, &["--bind", &format!("unix:{}", path.display())]);
    let (_nginx, address) = nginx_before(&folder, &path);
    let mut wire = Wire::to(address);
    for _ in 0..5 {
        let mut get = |target: &str| {
            wire.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).answer()
        };
        assert_eq!(get("/-/health").text(), "ok\n");
        assert_eq!(get("/large").body.len(), 500_000);
    }
    // A proxy on this machine is a client of this machine, for all of its clients.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"POST /count HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc").unwrap();
    assert!(Wire::over(stream).answer().text().contains('3'));
}
