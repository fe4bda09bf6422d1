//! The fifth level: noise, and clients that break off. The server goes on, and is as fast as before.

use std::thread;
use std::time::{Duration, Instant};

use super::expect::{answered, any, status_is};
use super::heard::End;
use super::http10::still_served;
use super::table::{Check, Force, Until, Verdict, asked, fail, steps};
use super::talk::Talk;

const GET: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
/// The number of connections that are opened and left.
const MANY: usize = 1000;
/// The number of clients that break off.
const SOME: usize = 200;
/// How many times longer than before an answer may take.
const SLOWER: u32 = 10;

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    steps("hangups.while-answering", Force::Asked, "RFC 9112, 9.5", hang_up_while_answering)
        .asks("200 clients leave while they are answered. A write to them fails (SIGPIPE, EPIPE), and the server goes on.")
        .right("ignore SIGPIPE, and end only this connection"),
    steps("hangups.half-head", Force::Asked, "RFC 9112, 9.5", hang_up_in_head)
        .asks("200 clients leave in the middle of a head."),
    steps("hangups.half-body", Force::Asked, "RFC 9112, 8", hang_up_in_body)
        .asks("200 clients leave in the middle of a body."),
    steps("hangups.connect", Force::Asked, "RFC 9112, 9.5", connect_and_leave)
        .asks("1,000 clients connect and leave. The server closes their descriptors, and goes on.")
        .right("close each connection, on every path"),
    asked("noise.tls", "RFC 9112, 2.2", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n", ended)
        .until(Until::Closed)
        .asks("The hello of TLS, which https:// sends, is answered 400, or the connection closes.")
        .right("HTTP/1.1 400 Bad Request"),
    asked("noise.nul", "RFC 9110, 5.5", "GET {target} HTTP/1.1\r\nHost: {host}\r\nX: a\0b\r\nConnection: close\r\n\r\n", |heard, facts| {
        super::expect::status(heard, &[400, facts.page.status])
    })
        .asks("A NUL in a value is answered 400, or replaced by a space.")
        .right("HTTP/1.1 400 Bad Request"),
    asked("noise.bare-cr", "RFC 9112, 2.2", "GET {target} HTTP/1.1\r\nHost: {host}\r\nX: a\rb\r\nConnection: close\r\n\r\n", |heard, facts| {
        super::expect::status(heard, &[400, facts.page.status])
    })
        .asks("A CR without LF in a value is answered 400, or replaced by a space.")
        .right("HTTP/1.1 400 Bad Request"),
    asked("noise.random", "RFC 9112, 2.2", "\u{9c}\u{1}\u{fe}\u{7f}q\u{80}\0\0\u{ff}\u{a0}\u{b}\u{c}zz\u{e2}\u{82}\r\n\u{1}\r\n\r\n", ended)
        .until(Until::Closed)
        .asks("Random bytes are answered 400, or the connection closes.")
        .right("HTTP/1.1 400 Bad Request"),
    asked("noise.empty-lines", "RFC 9112, 2.2", "{100-lines}GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", ended)
        .until(Until::Closed)
        .asks("A hundred empty lines before a request: the page, 400, or the connection closes.")
        .right("HTTP/1.1 400 Bad Request"),
    steps("noise.endless-head", Force::Asked, "RFC 6585, 5", endless_head)
        .asks("A head that does not end is given up before it fills the memory: 431, 414, 400, or the connection closes.")
        .right("HTTP/1.1 431 Request Header Fields Too Large"),
    asked("noise.length-without-body", "RFC 9112, 8", "POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\nConnection: close\r\n\r\nabc", |_, _| Ok("sent".to_owned()))
        .asks("A body that is shorter than announced does not end the server."),
    steps("alive.after", Force::Asked, "RFC 9112, 9", still_served)
        .asks("After all this the page is served."),
    steps("alive.as-fast", Force::Asked, "RFC 9112, 9", as_fast)
        .asks("After all this the page comes about as fast as before."),
];

/// The server has answered with an error, served the page, or closed: it does not wait for ever.
fn ended(heard: &super::heard::Heard, facts: &super::facts::Facts) -> Verdict {
    match (heard.end, heard.first()) {
        (End::Closed | End::Reset, _) => Ok("closed".to_owned()),
        (_, None) => fail("the server neither answers nor closes"),
        (_, Some(_)) => status_is(heard, "400", |status| {
            status == facts.page.status || (400..=505).contains(&status)
        }),
    }
}

/// Opens connections, does something with each, leaves, and asks for the page.
fn each(talk: &mut Talk<'_>, count: usize, sent: &str) -> Verdict {
    let bytes = talk.facts.fill(sent)?;
    let end = Instant::now() + talk.way.max_time;
    // With a short backlog each client connects after a second only: fewer clients will do.
    for number in (0..count).take_while(|_| Instant::now() < end) {
        let Ok(mut conn) = talk.open() else {
            return fail(format!("client {} of {count} could not connect", number + 1));
        };
        if !bytes.is_empty() {
            conn.send(&bytes);
        }
        conn.hang_up();
    }
    thread::sleep(Duration::from_millis(50));
    still_served(talk)
}

fn hang_up_while_answering(talk: &mut Talk<'_>) -> Verdict {
    each(talk, SOME, GET)
}

fn hang_up_in_head(talk: &mut Talk<'_>) -> Verdict {
    each(talk, SOME, "GET {target} HTTP/1.1\r\nHos")
}

fn hang_up_in_body(talk: &mut Talk<'_>) -> Verdict {
    each(talk, SOME, "POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nabc")
}

fn connect_and_leave(talk: &mut Talk<'_>) -> Verdict {
    each(talk, MANY, "")
}

/// Sends a head of 4 MB.
fn endless_head(talk: &mut Talk<'_>) -> Verdict {
    const PIECE: usize = 64 << 10;
    let mut conn = talk.open()?;
    conn.send(&talk.facts.fill("GET {target} HTTP/1.1\r\nHost: {host}\r\nX: ")?);
    for _ in 0..64 {
        conn.send_unrecorded(&[b'a'; PIECE]);
        if conn.has_something() {
            break;
        }
    }
    conn.read(Until::Answers(1));
    let heard = talk.show(conn);
    match heard.end {
        End::Closed | End::Reset => Ok("closed".to_owned()),
        _ if heard.first().is_none() => {
            fail("after 4 MB of a head the server still waits for its end")
        }
        _ => any(&heard, talk.facts),
    }
}

/// Asks for the page some times, and compares the fastest with the first one of all.
fn as_fast(talk: &mut Talk<'_>) -> Verdict {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let heard = talk.ask(GET, Until::Answers(1))?;
        answered(&heard)?;
        best = best.min(begun.elapsed());
    }
    let before = talk.facts.page.time;
    match best > before * SLOWER + Duration::from_millis(50) {
        true => fail(format!("an answer takes {best:.1?}; at the beginning it took {before:.1?}")),
        false => Ok(format!("{best:.1?}")),
    }
}
