//! What is different on a terminal: a progress line, colours, a warning before a mess. Python makes the
//! terminal; whatever is said there comes out of its stdout.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::fake::Fake;
use super::{client, fetch};
use crate::support::{Finished, Folder, Server, needs, run};

const TERMINAL: &str = "import os, pty, sys\n\
                        sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs this line of shell, in which `client` is ours, with a terminal for all that is not redirected.
fn on_terminal(line: &str, env: &[(&str, &str)]) -> Finished {
    let mut command = Command::new("python3");
    let line = line.replace("client ", concat!(env!("CARGO_BIN_EXE_client"), " "));
    command.args(["-c", TERMINAL, "sh", "-c", &line]).env_remove("NO_COLOR").env_remove("RUST_LOG");
    run(command.envs(env.iter().copied()), b"")
}

fn said(finished: &Finished) -> String {
    String::from_utf8_lossy(&finished.stdout).into_owned()
}

/// 100 bytes, which take a second to come.
fn slow() -> Fake {
    Fake::new(|talk| {
        talk.request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")?;
        talk.drip([b'x'; 100], Duration::from_millis(10))
    })
}

#[test]
fn a_bar_is_shown_from_the_beginning() {
    if !needs("python3") {
        return;
    }
    let folder = Folder::new();
    let file = folder.join("file");
    let hello = Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let finished = on_terminal(&format!("client -# -o {} {}", file.display(), hello.url("/")), &[]);
    let said = said(&finished);
    let last = said.trim_end().rsplit('\r').next().expect("a line");
    assert!(last.contains(&format!("{} 100.0%", "#".repeat(72))), "{said:?}");
    assert_eq!(fs::read(file).expect("it is there"), b"hello");
}

#[test]
fn progress_is_for_terminals() {
    if !needs("python3") {
        return;
    }
    let folder = Folder::new();
    let file = folder.join("file");
    let (file, slow) = (file.display(), slow());
    let url = slow.url("/");
    for line in [format!("client -o {file} {url}"), format!("client {url} >{file}")] {
        let finished = on_terminal(&line, &[]);
        let said = said(&finished);
        assert_eq!(finished.code, Some(0), "{said}");
        let (begun, ended) =
            said.rsplit_once('\r').map(|(rest, _)| rest.rsplit_once('\r').unwrap()).unwrap();
        assert!(
            begun.starts_with('\r') && begun.contains("% #") && begun.contains(" left"),
            "{said:?}"
        );
        assert!(ended.contains("100% ########################    100 B of 100 B"), "{said:?}");
        assert!(!begun.contains('\n'), "it is one line: {said:?}");
        // A narrow terminal cuts the line off, and does not make two of it.
        assert_eq!(said.matches("\x1b[?7l").count(), said.matches("\x1b[?7h").count());
        assert!(said.matches("\x1b[?7l").count() > 2, "{said:?}");
        assert_eq!(fs::read(folder.join("file")).unwrap(), [b'x'; 100]);
    }
    for line in [
        format!("client -s -o {file} {url}"),
        format!("client --no-progress-meter -o {file} {url}"),
        format!("client --stderr {file}.log -o {file} {url}"),
        format!("client -# -o {file} {url} 2>{file}.log"),
        format!("client -o {file} {url} 2>/dev/null"),
    ] {
        assert_eq!(said(&on_terminal(&line, &[])), "", "{line}");
    }
    let seen = said(&on_terminal(&format!("client {url}"), &[]));
    assert_eq!(seen, "x".repeat(100), "a body that is seen coming needs no other line");
    let piped = fetch(&["-o", &file.to_string(), &url]);
    assert_eq!((piped.code, piped.stdout, piped.stderr), (Some(0), Vec::new(), String::new()));
}

#[test]
fn colours_are_for_terminals() {
    if !needs("python3") {
        return;
    }
    let body = "{\"a\": [1,\"\u{1b}[2J\",true]}".replace('\u{1b}', "\\u001b");
    let json = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (fake, plain) = (Fake::saying(json), Fake::saying("HTTP/1.1 200 OK\r\n\r\n{\"a\": 1}"));
    let (json, plain) = (fake.url("/"), plain.url("/"));
    let lines = "{\r\n  \"a\": [\r\n    1,\r\n    \"\\u001b[2J\",\r\n    true\r\n  ]\r\n}\r\n";
    let coloured = said(&on_terminal(&format!("client {json}"), &[]));
    assert!(coloured.contains("\x1b[1;34m\"a\"\x1b[0m: [\r\n"), "{coloured:?}");
    let uncoloured: String = coloured
        .split('\x1b')
        .enumerate()
        .map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('m').expect("a colour").1,
        })
        .collect();
    assert_eq!(uncoloured, lines);
    for (line, env, want) in [
        (format!("client {json}"), &[("NO_COLOR", "1")][..], lines),
        (format!("client --pretty never {json}"), &[], &body),
        (format!("client {json} | cat"), &[], &body),
        (format!("client -o - {json}"), &[], &body),
        (format!("client {plain}"), &[], "{\"a\": 1}"),
    ] {
        assert_eq!(said(&on_terminal(&line, env)), want, "{line}");
    }
    assert_eq!(run(&mut client(&[&json]), b"").stdout, body.as_bytes(), "no terminal, no change");
}

#[test]
fn what_is_no_text_does_not_get_there() {
    if !needs("python3") {
        return;
    }
    let url = Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\0\x01\x02\x03").url("/");
    let refused = on_terminal(&format!("client {url}"), &[]);
    assert_eq!(refused.code, Some(23));
    assert!(said(&refused).contains("binary output is not written to a terminal"), "{refused:?}");
    assert_eq!(on_terminal(&format!("client -o - {url}"), &[]).stdout, b"\0\x01\x02\x03");
}

#[test]
fn the_status_of_a_server_is_drawn_in_place() {
    if !needs("python3") {
        return;
    }
    let server = Server::start(&["--workers", "2"]);
    let line = format!("timeout 2.5 client watch {}", server.url("/-/status"));
    let said = said(&on_terminal(&line, &[]));
    let lines = said.split("\x1b[J").nth(1).unwrap().lines().count() - 1;
    assert!(said.contains(&format!("\x1b[{lines}A\r\x1b[JAll 2 workers are free")), "{said:?}");
}

/// Another client may have sent the events.
#[test]
fn events_cannot_change_the_terminal() {
    if !needs("python3") {
        return;
    }
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let fake = Fake::saying(format!("{head}data: a\x1b[2Jb\ndata: c\n\n"));
    let line = format!("timeout 1 client watch {}", fake.url("/"));
    let said = said(&on_terminal(&line, &[]));
    assert!(said.starts_with("a\\x1B[2Jb\r\nc\r\n") && !said.contains('\x1b'), "{said:?}");
}
