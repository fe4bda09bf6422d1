//! stdin and stdout as other programs leave them: closed, non-blocking; files that are not as long as the
//! system says; a length that is declared for stdin.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::fake::Fake;
use super::{client, fetch};
use crate::support::{Finished, Folder, Server, run, skipped};

/// Runs a line of shell in which `client` is ours.
fn shell(line: &str) -> Finished {
    let line = line.replace("client ", concat!(env!("CARGO_BIN_EXE_client"), " "));
    run(Command::new("sh").args(["-c", &line]).env_remove("RUST_LOG"), b"")
}

#[test]
fn a_closed_stream_is_an_error_where_it_is_needed() {
    let server = Server::start(&[]);
    let url = server.url("/bytes/100");
    let folder = Folder::new();
    let file = folder.join("file").display().to_string();
    for (line, code) in [
        (format!("client {url} >&-"), 23),
        (format!("client -I {url} >&-"), 23),
        (format!("client -o {file} -w x {url} >&-"), 23),
        (format!("client --json-out - -o {file} {url} >&-"), 23),
        ("client --help >&-".to_owned(), 23),
        (format!("client {url} 1</dev/null"), 23),
        (format!("client {url} >&- </dev/null"), 23),
        (format!("client {url} >&- 2>/dev/null; exit $?"), 23),
        (format!("client -d @- {url} <&-"), 26),
        (format!("client -T - {url} <&-"), 26),
        (format!("client -F f=@- {url} <&-"), 26),
        (format!("client -o {file} {url} >&-"), 0),
        (format!("client {url} <&-"), 0),
        (format!("client -v {url} 2>&-"), 0),
        (format!("client {url} >/dev/null"), 0),
        // Python's DEVNULL.
        (format!("client {url} 1<>/dev/null 2<>/dev/null"), 0),
        (format!("client -d @- {url} </dev/null"), 0),
    ] {
        let finished = shell(&line);
        assert_eq!(finished.code, Some(code), "{line}: {}", finished.stderr);
        let lines = usize::from(code != 0 && !line.contains("2>/dev/null"));
        assert_eq!(finished.stderr.lines().count(), lines, "{line}: {finished:?}");
    }
}

fn non_blocking(fd: impl AsFd) {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("a pipe can be");
}

#[test]
fn a_non_blocking_stdout_is_waited_for() {
    const SIZE: usize = 1_000_000;
    let server = Server::start(&[]);
    let url = server.url("/bytes/1000000");
    let figures = "x".repeat(100_000);
    for (args, want) in [
        (&[&*url][..], SIZE),
        (&["-i", &url], SIZE + 1),
        (&["-o", "/dev/null", "-w", &figures, &url], figures.len()),
        (&["--trace", &url], SIZE),
    ] {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        non_blocking(&writer);
        let mut child = client(args).stdout(writer).stderr(Stdio::null()).spawn().expect("it runs");
        thread::sleep(Duration::from_millis(100)); // the pipe is full by now
        let mut came = Vec::new();
        reader.read_to_end(&mut came).expect("it comes");
        assert!(came.len() >= want, "{} of {want}", came.len());
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn a_non_blocking_stdin_is_waited_for() {
    for flags in [&["-d", "@-"][..], &["-T", "-", "-H", "Expect:"], &["-F", "f=@-"]] {
        let fake = Fake::hello(1);
        let (reader, mut writer) = io::pipe().expect("a pipe");
        non_blocking(&reader);
        let url = fake.url("/x");
        let mut command = client(&[flags, &["-s", &url]].concat());
        let mut child = command.stdin(reader).stdout(Stdio::null()).spawn().expect("it runs");
        drop(command); // and the end of the pipe that it holds
        for text in ["first", "last"] {
            thread::sleep(Duration::from_millis(50));
            writer.write_all(text.as_bytes()).expect("it reads");
        }
        drop(writer);
        assert_eq!(child.wait().expect("it ends").code(), Some(0), "{flags:?}");
        let sent = &fake.requests()[0];
        assert!(sent.contains("first") && sent.contains("last"), "{flags:?}: {sent}");
    }
}

/// A file of /proc has size 0, and one of /sys the size of a page, whatever is in them.
#[test]
fn a_file_is_read_to_its_end_whatever_its_size_is_said_to_be() {
    let folder = Folder::with(&[("empty", ""), ("text", "text\n")]);
    let [empty, text] = ["empty", "text"].map(|name| folder.join(name).display().to_string());
    let files = [
        "/proc/version",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/kernel/mm/ksm/run",
        &empty,
        &text,
    ];
    for path in files {
        let Ok(content) = fs::read_to_string(path) else {
            skipped(&format!("there is no {path}"));
            continue;
        };
        let fake = Fake::hello(1);
        fetch(&["-T", path, &fake.url("/")]);
        let sent = &fake.requests()[0];
        assert!(sent.contains(&format!("\r\nContent-Length: {}\r\n", content.len())), "{sent}");
        assert!(sent.ends_with(&format!("\r\n\r\n{content}")), "{sent}");
        let fake = Fake::hello(1);
        fetch(&["-F", &format!("f=@{path}"), &fake.url("/")]);
        assert!(fake.requests()[0].contains(&format!("\r\n\r\n{content}\r\n--")), "{fake:?}");
    }
    // One that is longer than what is read at once.
    let long = "/proc/kallsyms";
    match fs::read(long) {
        Ok(content) if (100_000..10_000_000).contains(&content.len()) => {
            let server = Server::start(&[]);
            let finished = fetch(&["-T", long, "-X", "POST", &server.url("/echo")]);
            // It may have changed in between.
            assert!(finished.stdout.len() > 100_000, "{}", finished.stdout.len());
            assert_eq!(finished.code, Some(0));
        }
        _ => drop(skipped("there is no long file in /proc")),
    }
}

/// A length that the user declares for stdin is not a knife: what is longer is refused, not cut.
#[test]
fn a_declared_length_cuts_nothing() {
    for (declared, body, code) in [
        ("11", "hello world", 0),
        ("0", "", 0),
        ("5", "hello world", 26),
        ("0", "hello world", 26),
        ("12", "hello world", 26),
    ] {
        let fake = Fake::hello(1);
        let length = format!("Content-Length: {declared}");
        let (url, args) = (fake.url("/x"), ["-s", "-H", &length, "-H", "Expect:"]);
        for upload in ["-", "/dev/stdin"] {
            let finished =
                run(&mut client(&[&args[..], &["-T", upload, &url]].concat()), body.as_bytes());
            assert_eq!(finished.code, Some(code), "{declared} {body}: {}", finished.stderr);
        }
        assert_eq!(fake.requests().len(), if code == 0 { 2 } else { 0 }, "{declared}: {fake:?}");
        let offline = [&args[..], &["-T", "-", "--offline", &url]].concat();
        let finished = run(&mut client(&offline), body.as_bytes());
        assert_eq!(finished.code, Some(if code == 0 { 0 } else { 2 }), "{}", finished.stderr);
    }
}
