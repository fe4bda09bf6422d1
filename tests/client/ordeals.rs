//! One table of servers that do their worst: what each does, and how the client ends. The command has
//! one clear line to say and curl's exit code, the library the error of that kind; both end in time,
//! and neither needs more memory for it than for an honest answer.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use threadbare::client::{Client, Config, Error, Request, Timeouts, in_one_line};

use super::client;
use super::fake::{Fake, Talk};
use crate::support::{Folder, PATIENCE, Program, SOON, needs, run};

type Script = fn(&mut Talk) -> io::Result<()>;

/// A server, and what comes of it.
struct Ordeal {
    does: &'static str,
    /// What it does on each connection.
    script: Script,
    /// Is there a body of 8 MB to send?
    uploads: bool,
    /// `-m`, in seconds; the library's total.
    limit: Option<&'static str>,
    /// The exit code, or those of which the network's timing chooses one.
    codes: &'static [u8],
    /// What is in the one line about it.
    says: &'static str,
}

/// No answer here needs more, however long.
const MEMORY: u64 = 30_000_000;

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const DRIP: Duration = Duration::from_millis(10);

const fn of(does: &'static str, script: Script, code: &'static [u8], says: &'static str) -> Ordeal {
    Ordeal { does, script, uploads: false, limit: None, codes: code, says }
}

/// What only the clock ends.
const fn until(does: &'static str, script: Script, phase: &'static str) -> Ordeal {
    Ordeal { limit: Some("0.4"), ..of(does, script, &[28], phase) }
}

/// The client has a long body to send.
const fn upload(ordeal: Ordeal) -> Ordeal {
    Ordeal { uploads: true, ..ordeal }
}

/// Reads the request, says this, and closes.
fn say(talk: &mut Talk, what: impl AsRef<[u8]>) -> io::Result<()> {
    talk.head()?;
    talk.say(what)
}

/// Leaves the request unread: with the close comes a reset, behind what is said.
fn reset_after(talk: &mut Talk, what: &str) -> io::Result<()> {
    talk.ignore_request()?;
    talk.say(what)
}

/// Says the first and then the second again and again, until the client leaves.
fn without_end(talk: &mut Talk, first: &str, again: &[u8]) -> io::Result<()> {
    say(talk, first)?;
    let many = again.repeat(1 + (64 << 10) / again.len());
    loop {
        talk.say(&many)?;
    }
}

fn drip_without_end(talk: &mut Talk, first: &str, again: &str) -> io::Result<()> {
    say(talk, first)?;
    loop {
        talk.drip(again, DRIP)?;
    }
}

fn silent_after(talk: &mut Talk, what: &str) -> io::Result<()> {
    say(talk, what)?;
    talk.wait()
}

/// Bytes without a pattern (xorshift), the same each time.
fn noise(talk: &mut Talk) -> io::Result<()> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let bytes: Vec<u8> = (0..8 << 10)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect();
    without_end(talk, "", &bytes)
}

const WAITING: &str = "while waiting for the answer";
const RECEIVING: &str = "while receiving the body";
const NO_HTTP: &str = "is it an HTTP server?";

const ORDEALS: &[Ordeal] = &[
    // Silence.
    until("never answers", Talk::wait, WAITING),
    until("stops in the status line", |talk| silent_after(talk, "HTTP/1.1 20"), WAITING),
    until("stops in the head", |talk| silent_after(talk, OK), WAITING),
    until(
        "stops before the body",
        |talk| silent_after(talk, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        RECEIVING,
    ),
    until(
        "stops in the body",
        |talk| silent_after(talk, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
        RECEIVING,
    ),
    until(
        "stops between chunks",
        |talk| silent_after(talk, &format!("{CHUNKED}5\r\nhello\r\n")),
        RECEIVING,
    ),
    until("stops in a chunk size", |talk| silent_after(talk, &format!("{CHUNKED}5")), RECEIVING),
    until(
        "stops in the trailers",
        |talk| silent_after(talk, &format!("{CHUNKED}0\r\nX: y\r\n")),
        RECEIVING,
    ),
    until(
        "does not close what its close ends",
        |talk| silent_after(talk, "HTTP/1.1 200 OK\r\n\r\nhello"),
        RECEIVING,
    ),
    until(
        "only ever says 100",
        |talk| silent_after(talk, "HTTP/1.1 100 Continue\r\n\r\n"),
        WAITING,
    ),
    upload(until(
        "reads nothing",
        |_| {
            thread::sleep(2 * SOON);
            Ok(())
        },
        "while sending the request",
    )),
    upload(until("reads the body and says nothing", |talk| talk.wait(), WAITING)),
    // Drops, which move no limit.
    until("drips a status line", |talk| drip_without_end(talk, "", "HTTP/1.1 200 OK"), WAITING),
    until("drips a head", |talk| drip_without_end(talk, OK, "X: y\r\n"), WAITING),
    until(
        "drips interim answers",
        |talk| drip_without_end(talk, "", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        WAITING,
    ),
    until(
        "drips a body",
        |talk| drip_without_end(talk, "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", "x"),
        RECEIVING,
    ),
    until("drips chunks", |talk| drip_without_end(talk, CHUNKED, "1\r\nx\r\n"), RECEIVING),
    until(
        "drips a chunk extension",
        |talk| drip_without_end(talk, &format!("{CHUNKED}1;"), "x"),
        RECEIVING,
    ),
    until(
        "drips trailers",
        |talk| drip_without_end(talk, &format!("{CHUNKED}0\r\n"), "X: y\r\n"),
        RECEIVING,
    ),
    // The end, too early.
    of("closes at once", |_| Ok(()), &[52, 55, 56], ""),
    of("closes after the request", |talk| say(talk, ""), &[52], "without an answer"),
    of(
        "closes after 100",
        |talk| say(talk, "HTTP/1.1 100 Continue\r\n\r\n"),
        &[52],
        "without an answer",
    ),
    of("closes in the head", |talk| say(talk, OK), &[18], "head"),
    of(
        "closes in the body",
        |talk| say(talk, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
        &[18],
        "4 are missing",
    ),
    of("closes in a chunk", |talk| say(talk, format!("{CHUNKED}9\r\nhello")), &[18], "cut short"),
    of(
        "closes before the last chunk",
        |talk| say(talk, format!("{CHUNKED}5\r\nhello\r\n")),
        &[18],
        "cut short",
    ),
    of(
        "closes in the trailers",
        |talk| say(talk, format!("{CHUNKED}0\r\nX: y\r\n")),
        &[18],
        "cut short",
    ),
    // A reset, at each stage.
    of("resets after the request", |talk| reset_after(talk, ""), &[56], "reset"),
    of("resets in the head", |talk| reset_after(talk, OK), &[56], "reset"),
    of(
        "resets in the body",
        |talk| reset_after(talk, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
        &[56],
        "reset",
    ),
    of(
        "resets in a chunk",
        |talk| reset_after(talk, &format!("{CHUNKED}9\r\nhello")),
        &[56],
        "reset",
    ),
    of(
        "resets what its close would end",
        |talk| reset_after(talk, "HTTP/1.1 200 OK\r\n\r\nhello"),
        &[56],
        "reset",
    ),
    upload(of("resets in the request", |talk| talk.take(100_000).map(drop), &[55, 56], "reset")),
    // Lengths that are none.
    of(
        "says less than it sends",
        |talk| silent_after(talk, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, hello"),
        &[0],
        "",
    ),
    of(
        "says a negative length",
        |talk| say(talk, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"),
        &[8],
        "Content-Length",
    ),
    of(
        "says two lengths",
        |talk| say(talk, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        &[8],
        "Content-Length",
    ),
    of(
        "says a length and chunks",
        |talk| {
            say(
                talk,
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            )
        },
        &[8],
        "Transfer-Encoding",
    ),
    of(
        "says 2^64",
        |talk| say(talk, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\nhello"),
        &[8],
        "Content-Length",
    ),
    of(
        "says 2^63",
        |talk| say(talk, "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhello"),
        &[18],
        "9223372036854775803 are missing",
    ),
    of(
        "says a chunk of 2^60",
        |talk| say(talk, format!("{CHUNKED}1000000000000000\r\nhello")),
        &[18],
        "cut short",
    ),
    of(
        "says a chunk of 2^64",
        |talk| say(talk, format!("{CHUNKED}10000000000000000\r\nhello")),
        &[56],
        "chunk",
    ),
    of(
        "says a chunk less than it sends",
        |talk| say(talk, format!("{CHUNKED}2\r\nhello\r\n0\r\n\r\n")),
        &[56],
        "chunk",
    ),
    of(
        "says a negative chunk",
        |talk| say(talk, format!("{CHUNKED}-5\r\nhello\r\n0\r\n\r\n")),
        &[56],
        "chunk",
    ),
    // What has no end.
    of("a line without end", |talk| without_end(talk, "", b"x"), &[1], NO_HTTP),
    of(
        "a status line without end",
        |talk| without_end(talk, "HTTP/1.1 200 ", b"x"),
        &[8],
        "longer than",
    ),
    of(
        "a field without end",
        |talk| without_end(talk, "HTTP/1.1 200 OK\r\nX: ", b"x"),
        &[8],
        "is longer than",
    ),
    of("a head without end", |talk| without_end(talk, OK, b"X: y\r\n"), &[8], "more fields than"),
    of(
        "a head of long fields without end",
        |talk| without_end(talk, OK, format!("X: {}\r\n", "y".repeat(9000)).as_bytes()),
        &[8],
        "the head is longer than",
    ),
    of("empty lines without end", |talk| without_end(talk, "", b"\r\n"), &[1], NO_HTTP),
    of(
        "interim answers without end",
        |talk| without_end(talk, "", b"HTTP/1.1 100 Continue\r\n\r\n"),
        &[8],
        "1xx",
    ),
    of("a chunk size without end", |talk| without_end(talk, CHUNKED, b"0"), &[56], "chunk"),
    of(
        "a chunk extension without end",
        |talk| without_end(talk, &format!("{CHUNKED}1;"), b"x"),
        &[56],
        "chunk",
    ),
    of(
        "chunk extensions without end",
        |talk| without_end(talk, CHUNKED, format!("1;{}\r\ny\r\n", "x".repeat(99)).as_bytes()),
        &[56],
        "chunk",
    ),
    of(
        "trailers without end",
        |talk| without_end(talk, &format!("{CHUNKED}0\r\n"), b"X: y\r\n"),
        &[56],
        "more fields than",
    ),
    of(
        "a trailer field without end",
        |talk| without_end(talk, &format!("{CHUNKED}0\r\nX: "), b"y"),
        &[56],
        "are longer than",
    ),
    until(
        "a body without end",
        |talk| without_end(talk, "HTTP/1.1 200 OK\r\n\r\n", b"x"),
        RECEIVING,
    ),
    until("chunks without end", |talk| without_end(talk, CHUNKED, b"1\r\nx\r\n"), RECEIVING),
    of(
        "no end behind the answer",
        |talk| without_end(talk, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"x"),
        &[0],
        "",
    ),
    of(
        "no end behind a 204",
        |talk| without_end(talk, "HTTP/1.1 204 No Content\r\n\r\n", b"x"),
        &[0],
        "",
    ),
    // Not HTTP, or not this one.
    of("HTTP/0.9", |talk| say(talk, "<p>hello"), &[1], NO_HTTP),
    of(
        "HTTP/2",
        |talk| {
            say(talk, b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff")
        },
        &[1],
        NO_HTTP,
    ),
    of("HTTP/2 by name", |talk| say(talk, "HTTP/2 200\r\n\r\n"), &[8], "a status line is"),
    of(
        "the other side's HTTP/2",
        |talk| say(talk, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        &[1],
        NO_HTTP,
    ),
    of("a TLS alert", |talk| say(talk, b"\x15\x03\x01\0\x02\x02\x46"), &[1], NO_HTTP),
    of(
        "a TLS hello",
        |talk| silent_after_bytes(talk, b"\x16\x03\x03\0\x41\x02\0\0\x3d\x03\x03"),
        &[1],
        NO_HTTP,
    ),
    of(
        "SMTP",
        |talk| {
            talk.say("220 mail.example.org ESMTP\r\n")?;
            talk.wait()
        },
        &[1],
        NO_HTTP,
    ),
    of(
        "SSH",
        |talk| {
            talk.say("SSH-2.0-OpenSSH_9.2\r\n")?;
            talk.wait()
        },
        &[1],
        NO_HTTP,
    ),
    of("noise", noise, &[1], NO_HTTP),
    of("a request", |talk| say(talk, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &[1], NO_HTTP),
    of(
        "a protocol that nobody asked for",
        |talk| silent_after(talk, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
        &[8],
        "101",
    ),
    // The answer before the request.
    of(
        "answers before it is asked",
        |talk| {
            talk.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
            talk.wait()
        },
        &[0],
        "",
    ),
    upload(of(
        "refuses before it has read",
        |talk| {
            talk.head()?;
            talk.say("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")?;
            talk.wait()
        },
        &[0],
        "",
    )),
];

fn silent_after_bytes(talk: &mut Talk, bytes: &[u8]) -> io::Result<()> {
    say(talk, bytes)?;
    talk.wait()
}

/// Each ordeal's, four at a time, as most of them are mostly waiting.
fn each(try_one: impl Fn(&Ordeal) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let take = || {
        let next_one = || ORDEALS.get(next.fetch_add(1, Ordering::Relaxed));
        let tried = std::iter::from_fn(next_one).map(|ordeal| {
            let begun = Instant::now();
            let tried = try_one(ordeal).and_then(|()| match begun.elapsed() {
                took if took > SOON => Err(format!("it took {took:?}")),
                _ => Ok(()),
            });
            tried.map_err(|what| format!("{}: {what}", ordeal.does))
        });
        tried.filter_map(Result::err).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let hands: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        hands.into_iter().flat_map(|hand| hand.join().expect("it does not panic")).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ORDEALS.len(), wrong.join("\n"));
}

#[test]
fn the_command_ends_with_the_right_code_in_time_and_in_little_memory() {
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 8 << 20]);
    let large = format!("@{}", folder.join("large").display());
    each(|ordeal| {
        let fake = Fake::new(ordeal.script);
        let url = fake.url("/");
        let mut args = vec!["-o", "/dev/null", &url];
        args.extend(ordeal.limit.iter().flat_map(|limit| ["-m", limit]));
        if ordeal.uploads {
            args.extend(["-H", "Expect:", "--data-binary", &large]);
        }
        let mut program = Program::start(&mut client(&args));
        let peak = program.peak_memory();
        let finished = program.finish();
        let (code, said) = (finished.code.unwrap_or(-1), finished.stderr);
        let expected = ordeal.codes.iter().any(|&expected| i32::from(expected) == code);
        let most = if ordeal.uploads { MEMORY + (16 << 20) } else { MEMORY };
        if !expected
            || !said.contains(ordeal.says)
            || said.lines().count() != usize::from(code != 0)
        {
            Err(format!("{code}, not {:?} {:?}: {said}", ordeal.codes, ordeal.says))
        } else if !(1..most).contains(&peak) {
            Err(format!("it took {peak} bytes of memory"))
        } else {
            Ok(())
        }
    });
}

#[test]
fn the_library_has_the_right_error_in_time() {
    each(|ordeal| {
        let fake = Fake::new(ordeal.script);
        let total =
            ordeal.limit.map(|limit| Duration::from_secs_f64(limit.parse().expect("seconds")));
        let timeouts = Timeouts { total: total.or(Some(PATIENCE)), ..Timeouts::NONE };
        let client = Client::with(Config { timeouts, ..Config::default() });
        let ended = ask(&client, &fake.url("/"), ordeal.uploads);
        let (code, said) = match &ended {
            Ok(()) => (0, String::new()),
            Err(error) => {
                (error.exit_code(), in_one_line(error) + error.advice().unwrap_or_default())
            }
        };
        let kind = format!("{ended:?}");
        let kind = kind.trim_start_matches("Err(");
        let kinds: &[&str] = match code {
            0 => &["Ok"],
            1 | 8 => &["Head"],
            18 => &["CutShort", "Head"],
            28 => &["Timeout"],
            52 => &["NoAnswer"],
            55 => &["Send"],
            _ => &["Receive", "Body"],
        };
        if !ordeal.codes.contains(&code) || !said.contains(ordeal.says) {
            Err(format!("{code}, not {:?} {:?}: {said}", ordeal.codes, ordeal.says))
        } else if !kinds.iter().any(|expected| kind.starts_with(expected)) {
            Err(format!("{kind} is none of {kinds:?}"))
        } else {
            Ok(())
        }
    });
}

/// To the end of the body, which nobody keeps.
fn ask(client: &Client, url: &str, uploads: bool) -> Result<(), Error> {
    let request = Request::get(url)?.without("Expect");
    let request = match uploads {
        true => request.method("POST")?.body(vec![b'x'; 8 << 20]),
        false => request,
    };
    let mut response = client.send(&request)?;
    while response.piece()?.is_some() {}
    Ok(())
}

/// Where curl's code is another one, and why.
const CURL: &[(&str, &[u8], &str)] = &[
    ("closes in the head", &[0], "it takes what came for all of the head (RFC 9112, 8)"),
    ("says two lengths", &[0], "it takes the last of them (RFC 9112, 6.3)"),
    ("says a length and chunks", &[0], "it trusts one of them (RFC 9112, 6.3)"),
    ("says 2^64", &[0], "it reads on to the end of the connection (RFC 9112, 6.3)"),
    ("says 2^63", &[0, 18], "the same, where its numbers have a sign"),
    ("a line without end", &[1, 27, 100], "it says how long the line was"),
    ("a status line without end", &[27, 100], "too large is a code of its own: 27 once, 100 since"),
    ("a field without end", &[27, 100], "the same"),
    (
        "a head without end",
        &[56],
        "300 KB are too much for it, which it calls a failure to receive",
    ),
    ("a head of long fields without end", &[56], "the same"),
    ("interim answers without end", &[56], "the same"),
    ("a chunk extension without end", &[28], "there is no end to its patience (RFC 9112, 7.1.1)"),
    ("chunk extensions without end", &[28], "the same"),
    ("trailers without end", &[28, 56], "the same, here and there"),
    ("HTTP/2 by name", &[0], "the name is all that is different"),
    ("a protocol that nobody asked for", &[28], "it waits for more (RFC 9110, 15.2.2)"),
];

#[test]
fn curl_ends_with_the_same_code() {
    if !needs("curl") {
        return;
    }
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 8 << 20]);
    let large = format!("@{}", folder.join("large").display());
    each(|ordeal| {
        let fake = Fake::new(ordeal.script);
        let mut command = Command::new("curl");
        command.args(["-q", "-s", "--noproxy", "*", "-o", "/dev/null"]);
        command.args(["-m", ordeal.limit.unwrap_or("2")]);
        if ordeal.uploads {
            command.args(["-H", "Expect:", "--data-binary", &large]);
        }
        let code = run(command.arg(fake.url("/")), b"").code.unwrap_or(-1);
        let other = CURL.iter().find(|(does, ..)| *does == ordeal.does);
        let codes = other.map_or(ordeal.codes, |(_, codes, _)| codes);
        let is_expected = codes.iter().any(|&expected| i32::from(expected) == code);
        if is_expected { Ok(()) } else { Err(format!("{code}, not {codes:?}")) }
    });
}
