//! Behind HAProxy, nginx, and curl's own header.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use super::{get, logged};
use crate::support::{Folder, Program, Server, Wire, eventually, needs, run, skipped};

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts a program, and waits until it listens; `None` if it ends before that.
fn started(command: &mut Command, front: SocketAddr) -> Option<Program> {
    let mut program = Program::start(command);
    let listens = eventually(|| match program.has_ended() {
        true => Some(false),
        false => TcpStream::connect(front).ok().map(|_| true),
    });
    (listens == Some(true)).then_some(program)
}

/// HAProxy in front of the server, which it sends this of the client.
fn haproxy(folder: &Folder, server: &Server, sends: &str) -> (Program, SocketAddr) {
    let (front, back) = (free_address(), server.address());
    let mode = if sends.starts_with("send-proxy") { "tcp" } else { "http" };
    let (option, send) = if mode == "tcp" { ("", sends) } else { (sends, "") };
    folder.write(
        "haproxy.cfg",
        format!(
            "defaults\n  mode {mode}\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n\
             listen all\n  bind {front}\n  {option}\n  server one {back} {send}\n"
        ),
    );
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(folder.join("haproxy.cfg"));
    (started(&mut command, front).expect("haproxy listens"), front)
}

#[test]
fn haproxy_names_the_client() {
    if !needs("haproxy") {
        return;
    }
    for (sends, flags) in [
        ("send-proxy", &["--proxy-protocol"][..]),
        ("send-proxy-v2", &["--proxy-protocol"]),
        ("send-proxy-v2 proxy-v2-options unique-id,crc32c", &["--proxy-protocol"]),
        ("option forwardfor", &[]),
    ] {
        for driver in ["on", "off"] {
            let folder = Folder::new();
            let args = [&["--trust-proxy", "127.0.0.1", "--lobby", driver], flags].concat();
            let server = Server::start(&args);
            let (_haproxy, front) = haproxy(&folder, &server, sends);
            // Its own address is 127.0.0.1; ours is another one.
            let mut wire = super::connect_from([127, 0, 0, 3], front);
            for number in 0..3 {
                let target = format!("/{number}");
                let forged = "X-Forwarded-For: 203.0.113.1\r\n";
                assert_eq!(wire.send(get(&target, forged)).answer().status(), 404, "{sends}");
                assert_eq!(logged(&server, &target), "127.0.0.3", "{sends}");
            }
        }
    }
}

/// With its `check`, HAProxy sends LOCAL, and expects no refusal.
#[test]
fn haproxy_checks_that_the_server_lives() {
    if !needs("haproxy") {
        return;
    }
    let folder = Folder::new();
    let server = Server::start(&["--trust-proxy", "127.0.0.1", "--proxy-protocol"]);
    let (_haproxy, front) = haproxy(&folder, &server, "send-proxy-v2 check inter 50ms");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(Wire::to(front).send(get("/echo", "")).answer().status(), 200);
    let said = server.program.stderr.text();
    assert!(!said.contains("refused"), "{said}");
}

fn nginx(folder: &Folder, front: SocketAddr, blocks: &str) -> Option<Program> {
    let here = folder.path().display();
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    let is_stream = blocks.contains("stream {");
    let load = match (is_stream, Path::new(module).exists()) {
        (true, true) => format!("load_module {module};"),
        _ => String::new(),
    };
    folder.write(
        "conf",
        format!(
            "{load} {user} daemon off; pid {here}/pid; worker_processes 1; error_log stderr;
             events {{ worker_connections 64; }}
             {blocks}"
        ),
    );
    let prefix = here.to_string();
    let args = ["-e", "stderr", "-p", &prefix, "-c", &format!("{prefix}/conf")];
    started(Command::new("nginx").args(args), front)
}

#[test]
fn nginx_adds_to_x_forwarded_for() {
    if !needs("nginx") {
        return;
    }
    let (folder, front) = (Folder::new(), free_address());
    let server = Server::start(&["--trust-proxy", "127.0.0.1"]);
    let (here, back) = (folder.path().display(), server.address());
    let blocks = format!(
        "http {{
           access_log off; client_body_temp_path {here}/t1; proxy_temp_path {here}/t2;
           fastcgi_temp_path {here}/t3; uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;
           server {{
             listen {front};
             location / {{
               proxy_pass http://{back};
               proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
             }}
           }}
         }}"
    );
    let _nginx = nginx(&folder, front, &blocks).expect("nginx listens");
    let mut wire = super::connect_from([127, 0, 0, 3], front);
    for (number, forged) in
        ["", "X-Forwarded-For: 127.0.0.1\r\n", "X-Forwarded-For: a, \"\r\n"].into_iter().enumerate()
    {
        let target = format!("/-/metrics?{number}");
        assert_eq!(wire.send(get(&target, forged)).answer().status(), 403, "{forged}");
        assert_eq!(logged(&server, &target), "127.0.0.3", "{forged}");
    }
    // What the client says in the other field, nginx passes on: the request is refused.
    let forged = "Forwarded: for=127.0.0.1\r\n";
    assert_eq!(wire.send(get("/-/metrics", forged)).answer().status(), 400);
}

#[test]
fn nginx_passes_connections_on_with_a_header() {
    if !needs("nginx") {
        return;
    }
    let (folder, front) = (Folder::new(), free_address());
    let server = Server::start(&["--trust-proxy", "127.0.0.1", "--proxy-protocol"]);
    let back = server.address();
    let blocks =
        format!("stream {{ server {{ listen {front}; proxy_pass {back}; proxy_protocol on; }} }}");
    let Some(_nginx) = nginx(&folder, front, &blocks) else {
        skipped("nginx has no module stream");
        return;
    };
    let mut wire = super::connect_from([127, 0, 0, 3], front);
    assert_eq!(wire.send(get("/one", "")).answer().status(), 404);
    assert_eq!(logged(&server, "/one"), "127.0.0.3");
}

#[test]
fn curl_sends_a_header_of_its_own() {
    if !needs("curl") {
        return;
    }
    let known = Server::start(&["--trust-proxy", "127.0.0.1", "--proxy-protocol"]);
    let unknown = Server::start(&[]);
    for (server, flags, status) in [
        (&known, &["--haproxy-protocol"][..], "200"),
        (&known, &[], "400"),
        (&unknown, &["--haproxy-protocol"], "400"),
        (&unknown, &[], "200"),
    ] {
        let mut command = Command::new("curl");
        command.args(["-s", "-o", "/dev/null", "-w", "%{http_code}"]).args(flags);
        let found = run(command.arg(server.url("/echo")), b"");
        assert_eq!(String::from_utf8(found.stdout).unwrap(), status, "{flags:?}");
    }
}
