//! One table of faulty servers: the fault of each, and how the client ends. The command prints one clear
//! line and has curl's exit code, the library returns the error of that kind; both end in time, and need
//! no more memory than for a valid response.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use threadbare::client::{Client, Config, Error, Request, Timeouts, in_one_line};
use threadbare::command::exit_code::exit_code;

use self::Then::{Close, Drip, Repeat, Reset, Script, Upload, Wait};
use super::client;
use super::fake::{Fake, Talk};
use crate::support::{Finished, Folder, PATIENCE, Program, SOON, needs, run};

/// A faulty server, and the outcome.
struct Fault {
    does: &'static str,
    /// The bytes that it sends after it has read the head of a request.
    says: &'static [u8],
    /// What it does after that.
    then: Then,
    /// The exit code, or several, if the timing of the network decides. 28 comes from a limit of 0.4 s.
    codes: &'static [u8],
    /// A part of the one line that is printed.
    why: &'static str,
}

enum Then {
    Close,
    /// Closes with the head unread, which resets the connection.
    Reset,
    Wait,
    /// Sends this again and again, until the client closes.
    Repeat(&'static [u8]),
    /// The same, a byte every 10 ms.
    Drip(&'static str),
    /// Runs this script from the beginning, against a client that sends 8 MB.
    Upload(fn(&mut Talk) -> io::Result<()>),
    /// Runs this script from the beginning.
    Script(fn(&mut Talk) -> io::Result<()>),
}

/// The most memory in bytes that any response here needs.
const MEMORY: u64 = 30_000_000;
const UPLOAD: usize = 8 << 20;
const LIMIT: Duration = Duration::from_millis(400);

const WAITING: &str = "while waiting for the response";
const RECEIVING: &str = "while receiving the body";
const CUT: &str = "is incomplete";
const NO_HTTP: &str = "check that it is an HTTP server";

/// The head of a valid response, and more.
macro_rules! ok {
    ($($more:literal)*) => { concat!("HTTP/1.1 200 OK\r\n", $($more),*).as_bytes() };
}
macro_rules! sized {
    ($length:literal $more:literal) => { ok!("Content-Length: " $length "\r\n\r\n" $more) };
}
macro_rules! chunked {
    ($more:literal) => { ok!("Transfer-Encoding: chunked\r\n\r\n" $more) };
}

const fn row(
    does: &'static str,
    says: &'static [u8],
    then: Then,
    codes: &'static [u8],
    why: &'static str,
) -> Fault {
    Fault { does, says, then, codes, why }
}

const FAULTS: &[Fault] = &[
    // Silence.
    row("never answers", b"", Wait, &[28], WAITING),
    row("stops in the status line", b"HTTP/1.1 20", Wait, &[28], WAITING),
    row("stops in the head", ok!(), Wait, &[28], WAITING),
    row("stops before the body", sized!("5" ""), Wait, &[28], RECEIVING),
    row("stops in the body", sized!("9" "hello"), Wait, &[28], RECEIVING),
    row("stops between chunks", chunked!("5\r\nhello\r\n"), Wait, &[28], RECEIVING),
    row("stops in a chunk size", chunked!("5"), Wait, &[28], RECEIVING),
    row("stops in the trailers", chunked!("0\r\nX: y\r\n"), Wait, &[28], RECEIVING),
    row("does not close what its close ends", ok!("\r\nhello"), Wait, &[28], RECEIVING),
    row("only ever says 100", b"HTTP/1.1 100 Continue\r\n\r\n", Wait, &[28], WAITING),
    row("reads nothing", b"", Upload(reads_nothing), &[28], "while sending the request"),
    row("reads the body and says nothing", b"", Upload(Talk::wait), &[28], WAITING),
    // Drops, which move no limit.
    row("drips a status line", b"HTTP/1.1 200 ", Drip("OK"), &[28], WAITING),
    row("drips a head", ok!(), Drip("X: y\r\n"), &[28], WAITING),
    row("drips interim answers", b"", Drip("HTTP/1.1 103 Early Hints\r\n\r\n"), &[28], WAITING),
    row("drips a body", sized!("99999" ""), Drip("x"), &[28], RECEIVING),
    row("drips chunks", chunked!(""), Drip("1\r\nx\r\n"), &[28], RECEIVING),
    row("drips a chunk extension", chunked!("1;"), Drip("x"), &[28], RECEIVING),
    row("drips trailers", chunked!("0\r\n"), Drip("X: y\r\n"), &[28], RECEIVING),
    // The end, too early.
    row("closes at once", b"", Script(|_| Ok(())), &[52, 55, 56], ""),
    row("closes after the request", b"", Close, &[52], "without a response"),
    row("closes after 100", b"HTTP/1.1 100 Continue\r\n\r\n", Close, &[52], "without a response"),
    row("closes in the head", ok!(), Close, &[18], "head"),
    row("closes in the body", sized!("9" "hello"), Close, &[18], "4 missing"),
    row("closes in a chunk", chunked!("9\r\nhello"), Close, &[18], CUT),
    row("closes before the last chunk", chunked!("5\r\nhello\r\n"), Close, &[18], CUT),
    row("closes in the trailers", chunked!("0\r\nX: y\r\n"), Close, &[18], CUT),
    // A reset, at each stage.
    row("resets at once", b"", Script(Talk::reset), &[7, 55, 56], "reset"),
    row("resets in the request", b"", Upload(|talk| talk.take(99).map(drop)), &[55, 56], "reset"),
    row("resets after the request", b"", Reset, &[56], "reset"),
    row("resets in the head", ok!(), Reset, &[56], "reset"),
    row("resets in the body", sized!("9" "hello"), Reset, &[56], "reset"),
    row("resets in a chunk", chunked!("9\r\nhello"), Reset, &[56], "reset"),
    row("resets between chunks", chunked!("5\r\nhello\r\n"), Reset, &[56], "reset"),
    row("resets what its close would end", ok!("\r\nhello"), Reset, &[56], "reset"),
    // Lengths that are none.
    row("says less than it sends", sized!("5" "hello, hello"), Wait, &[0], ""),
    row("says a negative length", sized!("-5" "hello"), Close, &[8], "Content-Length"),
    row(
        "says two lengths",
        sized!("5\r\nContent-Length: 6" "hello!"),
        Close,
        &[8],
        "Content-Length",
    ),
    row(
        "says a length and chunks",
        sized!("5\r\nTransfer-Encoding: chunked" "0\r\n\r\n"),
        Close,
        &[8],
        "Transfer-Encoding",
    ),
    row("says 2^64", sized!("18446744073709551616" "hello"), Close, &[8], "Content-Length"),
    row("says 2^63", sized!("9223372036854775808" "hello"), Close, &[18], "803 missing"),
    row("says a chunk of 2^60", chunked!("1000000000000000\r\nhello"), Close, &[18], CUT),
    row("says a chunk of 2^64", chunked!("10000000000000000\r\nhello"), Close, &[56], "chunk"),
    row("says a chunk is short", chunked!("2\r\nhello\r\n0\r\n\r\n"), Close, &[56], "chunk"),
    row("says a negative chunk", chunked!("-5\r\nhello\r\n0\r\n\r\n"), Close, &[56], "chunk"),
    // What has no end.
    row("a line without end", b"", Repeat(b"x"), &[1], NO_HTTP),
    row("a status line without end", b"HTTP/1.1 200 ", Repeat(b"x"), &[8], "longer"),
    row("a field without end", ok!("X: "), Repeat(b"x"), &[8], "is longer than"),
    row("a head without end", ok!(), Repeat(b"X: y\r\n"), &[8], "more fields than"),
    row("a head of long fields", ok!(), Repeat(LONG_FIELD), &[8], "the head is longer than"),
    row("empty lines without end", b"", Repeat(b"\r\n"), &[1], NO_HTTP),
    row("interim answers without end", b"", Repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), &[8], "1xx"),
    row("a chunk size without end", chunked!(""), Repeat(b"0"), &[56], "chunk"),
    row("a chunk extension without end", chunked!("1;"), Repeat(b"x"), &[56], "chunk"),
    row(
        "chunk extensions without end",
        chunked!(""),
        Repeat(b"1;xxxxxxxxx\r\ny\r\n"),
        &[56],
        "chunk",
    ),
    row("trailers without end", chunked!("0\r\n"), Repeat(b"X: y\r\n"), &[56], "are longer than"),
    row("a trailer without end", chunked!("0\r\nX: "), Repeat(b"y"), &[56], "are longer than"),
    row("a body without end", ok!("\r\n"), Repeat(b"x"), &[28], RECEIVING),
    row("chunks without end", chunked!(""), Repeat(b"1\r\nx\r\n"), &[28], RECEIVING),
    row("no end behind the answer", sized!("5" "hello"), Repeat(b"x"), &[0], ""),
    row("no end behind a 204", b"HTTP/1.1 204 No Content\r\n\r\n", Repeat(b"x"), &[0], ""),
    // Not HTTP, or not this one.
    row("HTTP/0.9", b"<p>hello", Close, &[1], NO_HTTP),
    row("HTTP/2", b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x80", Wait, &[1], NO_HTTP),
    row("HTTP/2 by name", b"HTTP/2 200\r\n\r\n", Close, &[8], "the status line is not"),
    row("a client's HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Close, &[1], NO_HTTP),
    row("a TLS alert", b"\x15\x03\x01\0\x02\x02\x46", Close, &[1], NO_HTTP),
    row("a TLS hello", b"\x16\x03\x03\0\x41\x02\0\0\x3d\x03\x03", Wait, &[1], NO_HTTP),
    row("SMTP", b"220 mail.example.org ESMTP\r\n", Wait, &[1], NO_HTTP),
    row("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", Wait, &[1], NO_HTTP),
    row("noise", b"", Script(noise), &[1], NO_HTTP),
    row("a request", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Close, &[1], NO_HTTP),
    row("a protocol nobody asked for", b"HTTP/1.1 101 Up\r\nUpgrade: a\r\n\r\n", Wait, &[8], "101"),
    // The response comes before the request.
    row("answers before it is asked", b"", Script(answer_first), &[0], ""),
    row("refuses before it has read", b"", Upload(refuse), &[0], ""),
];

const LONG_FIELD: &[u8] = &{
    let mut field = [b'x'; 9000];
    (field[1], field[8998], field[8999]) = (b':', b'\r', b'\n');
    field
};

fn reads_nothing(_: &mut Talk) -> io::Result<()> {
    thread::sleep(SOON);
    Ok(())
}

fn answer_first(talk: &mut Talk) -> io::Result<()> {
    talk.say(sized!("5" "hello"))?;
    talk.wait()
}

fn refuse(talk: &mut Talk) -> io::Result<()> {
    talk.head()?;
    talk.say("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")?;
    talk.wait()
}

/// Sends bytes without a pattern (xorshift), the same each time.
fn noise(talk: &mut Talk) -> io::Result<()> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    loop {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        talk.say(state.to_le_bytes())?;
    }
}

impl Fault {
    fn start(&'static self) -> Fake {
        Fake::new(|talk| {
            match self.then {
                Upload(script) | Script(script) => return script(talk),
                Reset => talk.ignore_request()?,
                _ => drop(talk.head()?),
            }
            talk.say(self.says)?;
            match self.then {
                Wait => talk.wait(),
                Repeat(again) => {
                    let many = again.repeat(1 + (64 << 10) / again.len());
                    loop {
                        talk.say(&many)?;
                    }
                }
                Drip(again) => loop {
                    talk.drip(again, Duration::from_millis(10))?;
                },
                Close | Reset | Upload(_) | Script(_) => Ok(()),
            }
        })
    }

    fn uploads(&self) -> bool {
        matches!(self.then, Upload(_))
    }

    fn limit(&self) -> Option<Duration> {
        (self.codes == [28]).then_some(LIMIT)
    }

    /// Returns the flags for it, which are the same for curl and the client.
    fn args(&self, url: &str, body: &str) -> Vec<String> {
        let limit = self.limit().unwrap_or(PATIENCE).as_secs_f64();
        let mut args = format!("-o /dev/null -m {limit} {url}");
        if self.uploads() {
            args += &format!(" -H Expect: --data-binary @{body}");
        }
        args.split(' ').map(str::to_owned).collect()
    }

    /// Returns an error unless it ended in time, with one of these codes.
    fn check(&self, code: Option<i32>, codes: &[u8]) -> Result<(), String> {
        let is_expected = codes.iter().any(|&expected| Some(expected.into()) == code);
        if is_expected { Ok(()) } else { Err(format!("{code:?} is not in {codes:?}")) }
    }
}

/// Runs each of them, four at a time, because most of them mostly wait.
fn each(try_one: impl Fn(&'static Fault) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let take = || {
        let next_one = || FAULTS.get(next.fetch_add(1, Ordering::Relaxed));
        let tried = std::iter::from_fn(next_one)
            .map(|fault| try_one(fault).map_err(|what| format!("{}: {what}", fault.does)));
        tried.filter_map(Result::err).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let hands: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        hands.into_iter().flat_map(|hand| hand.join().expect("it does not panic")).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FAULTS.len(), wrong.join("\n"));
}

/// Makes it an error to take long.
fn in_time(
    try_one: impl Fn(&'static Fault) -> Result<(), String> + Sync,
) -> impl Fn(&'static Fault) -> Result<(), String> + Sync {
    move |fault| {
        let begun = Instant::now();
        try_one(fault)?;
        let took = begun.elapsed();
        if took > SOON { Err(format!("it took {took:?}")) } else { Ok(()) }
    }
}

/// Returns a file to send, and its path.
fn body() -> (Folder, String) {
    let folder = Folder::new();
    folder.write("body", vec![b'x'; UPLOAD]);
    let path = folder.join("body").display().to_string();
    (folder, path)
}

#[test]
fn the_command_ends_with_the_right_code_in_time_and_in_little_memory() {
    let (_folder, body) = body();
    each(in_time(|fault| {
        let fake = fault.start();
        let mut program = Program::start(&mut client(&fault.args(&fake.url("/"), &body)));
        let peak = program.peak_memory();
        let Finished { code, stderr, .. } = program.finish();
        let lines = usize::from(code != Some(0));
        fault.check(code, fault.codes).map_err(|what| format!("{what}: {stderr}"))?;
        if !stderr.contains(fault.why) || stderr.lines().count() != lines {
            return Err(format!("not {lines} line with {:?}: {stderr}", fault.why));
        }
        match peak {
            0..MEMORY => Ok(()),
            peak => Err(format!("it took {peak} bytes of memory")),
        }
    }));
}

#[test]
fn the_library_has_the_right_error_in_time() {
    each(in_time(|fault| {
        let fake = fault.start();
        let total = fault.limit().or(Some(PATIENCE));
        let timeouts = Timeouts { total, ..Timeouts::NONE };
        let client = Client::with_config(Config { timeouts, ..Config::default() });
        let (code, kind, line) = match ask(&client, &fake.url("/"), fault.uploads()) {
            Ok(()) => (0, "Ok".to_owned(), String::new()),
            Err(error) => {
                let line = in_one_line(&error) + error.advice().unwrap_or_default();
                (exit_code(&error), format!("{:?}", error.kind()), line)
            }
        };
        let kinds: &[&str] = match code {
            0 => &["Ok"],
            1 | 8 => &["Head"],
            7 => &["Connect"],
            18 => &["CutShort", "Head"],
            28 => &["Timeout"],
            52 => &["NoResponse"],
            55 => &["Send"],
            _ => &["Receive", "Body"],
        };
        fault.check(Some(code.into()), fault.codes).map_err(|what| format!("{what}: {line}"))?;
        match line.contains(fault.why) && kinds.iter().any(|of| kind.starts_with(of)) {
            true => Ok(()),
            false => {
                Err(format!("{kind} is not one of {kinds:?}, or has no {:?}: {line}", fault.why))
            }
        }
    }));
}

/// Reads to the end of the body and drops it.
fn ask(client: &Client, url: &str, uploads: bool) -> Result<(), Error> {
    let request = Request::get(url)?.without_default("Expect");
    let request = match uploads {
        true => request.with_method("POST")?.with_body(vec![b'x'; UPLOAD]),
        false => request,
    };
    let mut response = client.send(&request)?;
    while response.piece()?.is_some() {}
    Ok(())
}

/// The rows in which curl's code differs, and why.
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
    ("a head of long fields", &[56], "the same"),
    ("interim answers without end", &[56], "the same"),
    ("a chunk extension without end", &[28], "there is no end to its patience (RFC 9112, 7.1.1)"),
    ("chunk extensions without end", &[28], "the same"),
    ("trailers without end", &[28, 56], "the same, here and there"),
    ("HTTP/2 by name", &[0], "the name is all that is different"),
    ("a protocol nobody asked for", &[28], "it waits for more (RFC 9110, 15.2.2)"),
];

#[test]
fn curl_ends_with_the_same_code() {
    if !needs("curl") {
        return;
    }
    let (_folder, body) = body();
    each(|fault| {
        let fake = fault.start();
        let mut curl = Command::new("curl");
        // Past the time that a row has it is as if it went on for ever.
        curl.args(["-q", "-s", "--noproxy", "*"]).args(fault.args(&fake.url("/"), &body));
        let code =
            run(curl.args(["-m", if fault.limit().is_some() { "0.4" } else { "2" }]), b"").code;
        let other = CURL.iter().find(|(does, ..)| *does == fault.does);
        fault.check(code, other.map_or(fault.codes, |(_, codes, _)| codes))
    });
}
