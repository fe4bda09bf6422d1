//! The checks of single assignments: a proxy, a REST service, the policies of one worker.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use super::{check, failed, failures};
use crate::client::fake::Fake;
use crate::support::{Folder, PATIENCE, Program, Server};

/// A proxy that sends everything on as it comes, with a thread for each client, or one client at a time.
fn verbatim(at_once: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let served = thread::spawn(move || forward(client));
            if !at_once {
                let _ = served.join();
            }
        }
    });
    address
}

fn forward(mut client: TcpStream) -> std::io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    let mut text = String::new();
    while !text.contains("\r\n\r\n") {
        match client.read(&mut piece)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&piece[..count]),
        }
        text = String::from_utf8_lossy(&request).into_owned();
    }
    let host = text.split_once("http://").and_then(|(_, rest)| rest.split('/').next());
    let Some(Ok(host)) = host.map(str::parse::<SocketAddr>) else { return Ok(()) };
    let mut origin = TcpStream::connect(host)?;
    origin.write_all(&request)?;
    std::io::copy(&mut origin, &mut client).map(drop)
}

/// It is found to forward what is for the proxy, and not to speak as a client does.
#[test]
fn a_proxy_that_sends_everything_on_fails_what_a_proxy_has_to_do() {
    const WRONG: [&str; 7] = [
        "proxy.origin-form",
        "proxy.host",
        "proxy.hop-by-hop",
        "proxy.proxy-connection",
        "proxy.via",
        "proxy.dead-origin",
        "cache.second",
    ];
    let only = ["--only", "proxy", "--only", "cache", "-m", "3"];
    let url = format!("http://{}/", verbatim(true));
    assert_eq!(failed(&[&only[..], &[&url]].concat()), WRONG);
    let url = format!("http://{}/", verbatim(false));
    let only = ["--only", "proxy.forwards", "--only", "proxy.silent-origin", "-m", "3"];
    assert_eq!(failed(&[&only[..], &[&url]].concat()), ["proxy.silent-origin"]);
}

#[test]
fn the_proxy_of_the_examples_passes() {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/proxy");
    let proxy = Program::start(std::process::Command::new(program).arg("127.0.0.1:0"));
    let line = proxy.stdout.until(|text| text.contains('\n'));
    let url = line.trim_end().strip_prefix("listening on ").unwrap();
    assert_eq!(failed(&["--pack", "proxy-cache", url]), [""; 0]);
}

#[test]
fn a_rest_service_from_post_to_delete() {
    let server = Server::start(&[]);
    let url = server.url("/users");
    assert_eq!(failed(&["--pack", "rest", "--post", "/users", &url]), [""; 0]);
    let users = server.get("/users").text();
    assert_eq!(users, "{\"users\":[]}", "nothing is left");
    // Without --post nothing is changed.
    let (code, stdout, _) = check(&["--only", "cycle", &url]);
    assert_eq!((code, stdout.matches("no --post").count()), (Some(0), 5), "{stdout}");

    // A service that forgets: it is told so by each step.
    let forgets = Fake::new(|talk| {
        let request = talk.request()?;
        let answer = match request.split(' ').next() {
            Some("POST") => "200 OK\r\nLocation: /things/1",
            Some("PUT") => "201 Created",
            _ => "200 OK",
        };
        talk.say(format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
    });
    let (_, stdout, _) = check(&["-s", "--only", "cycle", "--post", "/things", &forgets.url("/")]);
    assert_eq!(
        failures(&stdout),
        ["cycle.create", "cycle.read", "cycle.replace", "cycle.gone"],
        "{stdout}"
    );
}

/// With one worker, our own policies are told apart; with several nothing can be said.
#[test]
fn the_order_of_those_that_wait() {
    let data = Folder::new();
    let run = |flags: &str| {
        let command = format!(
            "exec {} --bind 127.0.0.1:{{port}} --data {} --access-log off {flags} {{root}}",
            env!("CARGO_BIN_EXE_server"),
            data.path().display()
        );
        let only = ["--pack", "ostep-fifo", "--pack", "ostep-sff", "--slow", "/sleep/800"];
        let page = ["--server", &command, "http://127.0.0.1:{port}/hello.html"];
        check(&[&only[..], &page].concat()).1
    };
    for (schedule, wrong) in [("fifo", "order.sff"), ("smallest-first", "order.fifo")] {
        let stdout = run(&format!("--pool fixed --workers 1 --schedule {schedule}"));
        assert_eq!(failures(&stdout), [wrong], "{schedule}: {stdout}");
    }
    let stdout = run("--workers 4");
    assert_eq!(stdout.matches("more than one worker").count(), 2, "{stdout}");
}

/// They are not among the usual ones, and can be listed.
#[test]
fn they_are_run_only_when_asked() {
    let server = Server::start(&[]);
    let (code, stdout, stderr) = check(&["--level", "secure", &server.url("/")]);
    assert_eq!(code, Some(0), "{stderr}");
    let (_, list, _) = check(&["--list"]);
    for name in ["proxy.host", "cache.second", "cycle.create", "order.fifo"] {
        assert!(!stdout.contains(name) && list.contains(name), "{name}");
    }
}
