//! The system calls that the manual shows: strace sees the same ones, in the same order in each thread.

use std::fs;
use std::process::Command;

use crate::support::{Folder, Server, eventually, needs, root, run, skipped};

/// Calls whose number and order depend on how fast the other threads are.
const BY_CHANCE: [&str; 5] = ["futex", "poll", "write", "epoll_wait", "accept4"];

fn may_trace() -> bool {
    let traces = || run(Command::new("strace").args(["-f", "true"]), b"").code == Some(0);
    needs("strace") && (traces() || skipped("strace may not trace here"))
}

/// Returns the calls of the thread that makes this call first, without what differs from run to run: numbers of
/// threads, descriptors and ports, and addresses in memory. The lengths of what is sent and received are kept.
fn calls(trace: &str, of: &str) -> Vec<String> {
    let thread_of = |line: &str| {
        let first = line.split(' ').next().unwrap_or_default();
        first.parse::<u32>().map_or(String::new(), |_| first.to_owned())
    };
    let thread = trace.lines().find(|line| line.contains(of)).map(thread_of).expect(of);
    let (mut calls, mut begun) = (Vec::new(), String::new());
    for line in trace.lines().filter(|line| thread_of(line) == thread) {
        let line = line.strip_prefix(&thread).unwrap().trim_start();
        if let Some(first) = line.strip_suffix("<unfinished ...>") {
            begun = first.trim_end().to_owned();
            continue;
        }
        let whole = match line.split_once(" resumed>") {
            Some(_) if begun.is_empty() => continue, // it was begun before the block
            Some((_, rest)) => std::mem::take(&mut begun) + rest,
            None => line.to_owned(),
        };
        let (call, result) = whole.rsplit_once(" = ").unwrap_or((&whole, ""));
        let name = call.split('(').next().unwrap_or_default();
        // TCGETS: whether stdout is a terminal.
        if call.contains("TCGETS")
            || name.is_empty()
            || name.starts_with(['+', '-', '$', '…'])
            || BY_CHANCE.contains(&name)
        {
            continue;
        }
        let transfers = ["sendto", "recvfrom"].contains(&name);
        let result = if transfers { result } else { "" };
        calls.push(format!("{} = {result}", masked(call.trim_end())));
    }
    calls
}

fn masked(call: &str) -> String {
    let words = call.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let mask = |word: &str| match word.starts_with(|c: char| c.is_ascii_digit()) {
        true => "0".to_owned() + word.trim_start_matches(|c: char| c.is_ascii_alphanumeric()),
        false => word.to_owned(),
    };
    words.map(mask).collect()
}

/// Returns an error unless the thread that makes this call has made the calls of each of these blocks, in their order.
fn has(trace: &str, of: &str, blocks: &[String]) -> Result<(), String> {
    let actual = calls(trace, of);
    for block in blocks {
        let expected = calls(block, of);
        assert!(!expected.is_empty(), "{block}");
        if !actual.windows(expected.len()).any(|part| part == expected) {
            return Err(format!("{expected:#?} in {actual:#?}"));
        }
    }
    Ok(())
}

/// Fails unless one of five runs is as in the manual: in another one a byte may come a moment later.
fn once(run: impl Fn() -> Result<(), String>) {
    let mut last = String::new();
    let is_as_shown = (0..5).any(|_| run().map_err(|error| last = error).is_ok());
    assert!(is_as_shown, "{last}");
}

/// Returns the command that traces a program. With -D the program is the child that was started, and not strace.
fn traced(folder: &Folder, flags: &str, program: &str) -> Command {
    let (file, calls) =
        (folder.join("trace"), "%network,ioctl,close,epoll_create1,epoll_ctl,eventfd2");
    let file = file.display();
    let script = format!("exec strace {flags} -f -qq -o '{file}' -e trace={calls} \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, program]).current_dir(root()).env_remove("RUST_LOG");
    command
}

/// Traces a server that answers a client, and then HTTP/1.0.
fn trace_of_server(flags: &[&str]) -> String {
    let folder = Folder::new();
    let mut command = traced(&folder, "-D", env!("CARGO_BIN_EXE_server"));
    command.args(["--workers", "1", "--access-log", "off", "--server-timing", "off"]).args(flags);
    let server = Server::run(command);
    let mut client = Command::new(env!("CARGO_BIN_EXE_client"));
    // The port in the manual is shorter.
    run(client.args(["-H", "Host: 127.0.0.1:8080", &server.url("/-/health")]), b"");
    server.exchange("GET /-/health HTTP/1.0\r\nHost: a\r\n\r\n");
    let trace = || fs::read_to_string(folder.join("trace")).ok();
    let whole = eventually(|| {
        trace()
            .filter(|text| text.split("SHUT_WR").nth(1).is_some_and(|end| end.contains("close(")))
    });
    whole.expect("the second connection ends")
}

/// Returns the blocks of the section with this heading.
fn section(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(root().join("src/manual/coursework.md")).unwrap();
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).expect(heading);
    let text = rest.split("\n## ").next().unwrap();
    text.split("```text\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

fn with(call: &str, blocks: &[String]) -> Vec<String> {
    blocks.iter().filter(|block| block.contains(call)).cloned().collect()
}

#[test]
fn the_textbook_makes_the_system_calls_that_the_manual_shows() {
    let blocks = section("The server, seen by strace");
    let (begin, of_worker) = (with("bind(", &blocks), with("sendto(", &blocks));
    assert_eq!((begin.len(), of_worker.len()), (1, 2), "a request, and one of HTTP/1.0");
    if may_trace() {
        once(|| {
            let trace = trace_of_server(&["--pool", "fixed"]);
            has(&trace, "bind(", &begin).and_then(|()| has(&trace, "sendto(", &of_worker))
        });
    }
}

#[test]
fn the_lobby_makes_the_system_calls_that_the_manual_shows() {
    let blocks = section("The same request with the lobby");
    let (begin, of_worker) = (with("epoll_create1(E", &blocks), with("sendto(", &blocks));
    assert_eq!((begin.len(), of_worker.len()), (1, 1));
    if may_trace() {
        once(|| {
            let trace = trace_of_server(&[]);
            let of_begin = has(&trace, "epoll_create1(", &begin);
            of_begin.and_then(|()| has(&trace, "sendto(", &of_worker))
        });
    }
}

#[test]
fn the_client_makes_the_system_calls_that_the_manual_shows() {
    if may_trace() {
        let (folder, server) = (Folder::new(), Server::start(&["--server-timing", "off"]));
        let mut client = traced(&folder, "", env!("CARGO_BIN_EXE_client"));
        let url = server.url("/-/health");
        run(client.args(["-s", "-H", "Host: 127.0.0.1:8080", &url]), b"");
        let trace = fs::read_to_string(folder.join("trace")).unwrap();
        let blocks = with("connect(", &section("The client, seen by strace"));
        assert_eq!(has(&trace, "connect(", &blocks[..1]), Ok(()));
    }
}
