//! `--handover`: a new process takes the sockets of the running one over.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::Duration;

use super::load::under_load;
use super::start_given;
use crate::support::{Finished, Folder, PATIENCE, Server, Wire, run, server_command, skipped};

const HEALTH: &str = "GET /-/health HTTP/1.1\r\nHost: a\r\n\r\n";

/// Starts a server with this control socket.
fn start(control: &Path, args: &[&str]) -> Server {
    Server::start(&[args, &["--handover", control.to_str().unwrap()]].concat())
}

/// Runs a server with this control socket that is to fail.
fn fail(control: &Path, args: &[&str]) -> Finished {
    let mut command = server_command(&["--data"]);
    command.arg(control.with_file_name("data")).arg("--handover").arg(control).args(args);
    run(&mut command, b"")
}

/// Waits for the end of a server that has been replaced.
fn ended(server: Server) {
    let said = server.stderr_until(|text| text.contains("stopped; "));
    assert!(said.contains("another process serves now"), "{said}");
    assert!(said.contains("connections cut: 0"), "{said}");
}

fn serves(server: &Server) {
    assert_eq!(server.connect().send(HEALTH).answer().text(), "ok\n");
}

#[test]
fn thirty_handovers_under_load_refuse_and_cut_nothing() {
    let folder = Folder::new();
    let control = folder.join("control");
    let args = ["--access-log", "off", "--workers", "8"];
    let mut running = start(&control, &args);
    let address = running.address().to_string();
    under_load(running.address(), |wait_for_responses| {
        for _ in 0..30 {
            wait_for_responses();
            let next = start(&control, &[&args[..], &["--bind", &address]].concat());
            assert_eq!(next.addresses, running.addresses);
            ended(std::mem::replace(&mut running, next));
        }
    });
    drop(running);
    assert!(!control.exists(), "the last one removes it");
}

/// Those that the new one does not name are closed and removed with the old one.
#[test]
fn sockets_of_each_kind_are_taken_over() {
    let folder = Folder::new();
    let [control, path, other] = ["control", "http", "other"].map(|name| folder.join(name));
    let [unix, unix_other] = [&path, &other].map(|path| format!("unix:{}", path.display()));
    let zone = folder.join("zone");
    fs::write(&zone, "192.0.2.1 a.example\n").unwrap();
    let zone = zone.to_str().unwrap();
    let any = "127.0.0.1:0";
    let mut args = vec!["--bind", any, "--udp", any, "--dns", any, "--zone", zone, "--bind", &unix];
    let first = start(&control, &[&args[..], &["--bind", any, "--bind", &unix_other]].concat());
    let of = |scheme: &str| -> Vec<String> {
        let urls = first.ready.split(' ').filter_map(|word| word.strip_prefix(scheme));
        urls.map(|url| url.trim_end_matches('/').to_owned()).collect()
    };
    let (http, udp, dns) = (of("http://"), of("udp://"), of("dns://"));
    (args[1], args[3], args[5]) = (&http[0], &udp[0], &dns[0]);
    let client = UdpSocket::bind(any).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let drivers = [["--lobby", "off"], ["--lobby", "on"], ["--bind-mode", "0600"]];
    let mut running = first;
    for driver in drivers {
        let next = start(&control, &[&args[..], &driver].concat());
        ended(std::mem::replace(&mut running, next));
        serves(&running);
        assert_eq!(Wire::to_path(&path).send(HEALTH).answer().text(), "ok\n");
        client.send_to(b"hello", &*udp[0]).unwrap();
        assert_eq!(client.recv(&mut [0; 100]).unwrap(), 5);
        TcpStream::connect(&*dns[0]).expect("the name server listens for TCP");
        UdpSocket::bind(&*dns[0]).expect_err("it has the port of UDP");
        TcpStream::connect(&*http[1]).expect_err("it was not named");
        assert!(!other.exists() && control.exists());
    }
    drop(running);
    assert!(!path.exists() && !control.exists(), "the last one removes them");
}

#[test]
fn a_new_process_that_fails_leaves_the_old_one_as_it_was() {
    let folder = Folder::new();
    let [control, path] = ["control", "http"].map(|name| folder.join(name));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = format!("unix:{}", path.display());
    let running = start(&control, &["--bind", "127.0.0.1:0", "--bind", &unix]);
    let (address, taken) = (running.address().to_string(), taken.local_addr().unwrap().to_string());
    let same = ["--bind", &address, "--bind", &unix];
    for (wrong, code, asked) in [
        (&["--no-such-flag"][..], 2, false),
        (&["no-such-folder"], 1, true),
        (&["--bind", &taken], 1, true),
    ] {
        let before = running.program.stderr.text().len();
        let finished = fail(&control, &[&same[..], wrong].concat());
        assert_eq!(finished.code, Some(code), "{}", finished.stderr);
        assert_eq!(finished.stderr.contains("sockets over from process"), asked);
        if asked {
            running.stderr_until(|text| text[before..].contains("this server goes on: "));
        }
        serves(&running);
        assert_eq!(Wire::to_path(&path).send(HEALTH).answer().text(), "ok\n");
    }
    let next = start(&control, &same);
    ended(running);
    serves(&next);
}

#[test]
fn a_caller_that_is_silent_or_hostile_holds_nothing_up() {
    let folder = Folder::new();
    let control = folder.join("control");
    let running = start(&control, &[]);
    let callers: Vec<_> = [&b""[..], b"threadbare", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 100_000]]
        .into_iter()
        .map(|words| {
            let mut caller = UnixStream::connect(&control).unwrap();
            caller.set_write_timeout(Some(Duration::from_millis(10))).unwrap();
            let _ = caller.write(words);
            serves(&running);
            caller
        })
        .collect();
    running.stderr_until(|text| text.contains("was silent for 2s"));
    // The second is silent as well, after its first word.
    running.stderr_until(|text| text.matches("this server goes on").count() == callers.len());
    let next = start(&control, &["--bind", &running.address().to_string()]);
    ended(running);
    serves(&next);
}

#[test]
fn another_user_gets_nothing() {
    let folder = Folder::for_everybody();
    let control = folder.join("control");
    let running = start(&control, &[]);
    assert_eq!(fs::metadata(&control).unwrap().permissions().mode() & 0o777, 0o600);
    let mut command = server_command(&["--bind", &running.address().to_string(), "--data"]);
    command.arg(folder.join("data")).arg("--handover").arg(&control).arg(folder.path());
    command.current_dir("/").uid(65534).gid(65534);
    if server_command(&["--version"]).current_dir("/").uid(65534).output().is_err() {
        skipped("only root can run a program as another user, who must be able to see it");
        return;
    }
    let finished = run(&mut command, b"");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("Permission denied"), "{}", finished.stderr);
    // A mistake of the administrator.
    fs::set_permissions(&control, Permissions::from_mode(0o666)).unwrap();
    let finished = run(&mut command, b"");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("a server of another user"), "{}", finished.stderr);
    let said = running.stderr_until(|text| text.contains("goes on"));
    assert!(said.contains("belongs to user 65534, neither to this one nor to root"), "{said}");
    serves(&running);
}

#[test]
fn the_control_socket_is_replaced_if_it_is_stale_and_nothing_else_is() {
    let folder = Folder::new();
    let [control, text, path] = ["control", "text", "http"].map(|name| folder.join(name));
    let mut killed = start(&control, &[]);
    killed.program.signal("KILL");
    killed.program.exit_code();
    assert!(control.exists());
    let running = start(&control, &["--bind", "127.0.0.1:0"]);
    fs::write(&text, "kept").unwrap();
    let finished = fail(&text, &["--bind", "127.0.0.1:0"]);
    assert!(finished.stderr.contains("a file that is no socket is there"), "{}", finished.stderr);
    assert_eq!(fs::read_to_string(&text).unwrap(), "kept");
    let unix = format!("unix:{}", path.display());
    let http = Server::start(&["--bind", &unix]);
    let finished = fail(&path, &["--bind", "127.0.0.1:0"]);
    assert!(finished.stderr.contains("not the control socket of a server"), "{}", finished.stderr);
    assert_eq!(Wire::to_path(&path).send(HEALTH).answer().text(), "ok\n");
    drop((running, http));
}

#[test]
fn a_server_whose_parent_keeps_the_sockets_has_no_handover() {
    let folder = Folder::new();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let control = folder.join("control");
    let args = ["--handover", control.to_str().unwrap()];
    let finished = start_given(socket, &[], &args).finish();
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("right: without --handover"), "{}", finished.stderr);
}
