//! The fourth level: several clients at a time. One that is silent or slow holds up no other.

use std::thread;
use std::time::{Duration, Instant};

use super::expect::{answered, same, status};
use super::heard::{End, Heard};
use super::table::{Check, Force, Stop, Until, Verdict, fail, skip, steps};
use super::talk::{Conn, Talk};

const GET: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
/// The number of clients that are silent or slow: more than a small pool has threads.
const SILENT: usize = 16;
/// The number of clients at once.
const CLIENTS: usize = 32;
/// How long the page may take while others are silent. Servers that serve clients one after the other take for ever.
const SOON: Duration = Duration::from_secs(2);

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    steps("silent.one", Force::Asked, "RFC 9112, 9", |talk| beside(talk, 1, ""))
        .asks("A client that connects and says nothing, as browsers do, holds up no other client.")
        .right("serve each connection in a thread or a process of its own, or wait for all at once"),
    steps("silent.many", Force::Asked, "RFC 9112, 9", |talk| beside(talk, SILENT, ""))
        .asks("16 silent clients hold up no other: a small pool of threads that wait for them is used up.")
        .right("a thread is given a connection only when a request is there"),
    steps("silent.half-head", Force::Asked, "RFC 9112, 9", |talk| beside(talk, SILENT, "GET {target} HTTP/1.1\r\nHos"))
        .asks("16 clients in the middle of a head hold up no other.")
        .right("a thread is given a connection only when a whole head is there"),
    steps("silent.half-body", Force::Asked, "RFC 9112, 9", |talk| {
        beside(talk, SILENT, "POST {missing} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nabc")
    })
        .asks("16 clients in the middle of a body hold up no other."),
    steps("silent.kept", Force::Asked, "RFC 9112, 9.3", kept)
        .asks("16 clients that keep their connections for later hold up no other.")
        .right("a thread leaves a connection that has no request"),
    steps("slow.readers", Force::Asked, "RFC 9112, 9", slow_readers)
        .asks("16 clients that ask for a large file and read nothing of it hold up no other."),
    steps("many.at-once", Force::Asked, "RFC 9112, 9", at_once)
        .asks("32 clients at once all get the whole page."),
    steps("many.burst", Force::Asked, "RFC 9112, 9", burst)
        .asks("100 clients connect before the first one asks; all are answered, if with 503.")
        .right("a longer backlog: listen(socket, 128)"),
    steps("many.large", Force::Asked, "RFC 9112, 9", large)
        .asks("8 clients at once get a large file whole, and each its own bytes."),
    steps("many.repeated", Force::Asked, "RFC 9112, 9", repeated)
        .asks("8 clients ask 20 times each, in turn; all get the whole page."),
    steps("slow.others", Force::Asked, "RFC 9112, 9", others)
        .asks("While a slow page is made for one client, another one gets its page."),
    steps("slow.at-once", Force::Asked, "RFC 9112, 9", slow_at_once)
        .asks("8 clients that ask for the slow page at once wait little longer than one: it is made for them side by side."),
];

/// Asks for the page while others hold their connections. It has to come soon.
fn page_beside(talk: &mut Talk<'_>, others: &[Conn]) -> Verdict {
    let begun = Instant::now();
    let mut conn = talk.open()?;
    conn.send(&talk.facts.fill(GET)?);
    conn.read_within(Until::Answers(1), SOON);
    let heard = talk.show(conn);
    if heard.first().is_none() {
        return fail(format!(
            "no answer within {SOON:?} while {} other clients are connected",
            others.len()
        ));
    }
    status(&heard, &[talk.facts.page.status])?;
    Ok(format!("after {:.0?}", begun.elapsed()))
}

/// The same beside clients that have sent this, and then nothing.
fn beside(talk: &mut Talk<'_>, count: usize, sent: &str) -> Verdict {
    let bytes = talk.facts.fill(sent)?;
    let mut others = Vec::new();
    for _ in 0..count {
        let mut conn = talk.open()?;
        conn.send(&bytes);
        others.push(conn);
    }
    thread::sleep(Duration::from_millis(50));
    page_beside(talk, &others)
}

fn kept(talk: &mut Talk<'_>) -> Verdict {
    let bytes = talk.facts.fill("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
    let mut others = Vec::new();
    for _ in 0..SILENT {
        let mut conn = talk.open()?;
        conn.send(&bytes);
        conn.read_within(Until::Answers(1), SOON);
        if conn.received() == 0 {
            return fail(format!(
                "client {} is not answered while the others keep their connections",
                others.len() + 1
            ));
        }
        others.push(conn);
    }
    page_beside(talk, &others)
}

fn slow_readers(talk: &mut Talk<'_>) -> Verdict {
    let bytes = talk.facts.fill("GET {large-file} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
    let mut others = Vec::new();
    for _ in 0..SILENT {
        let mut conn = talk.open()?;
        conn.send(&bytes);
        others.push(conn);
    }
    thread::sleep(Duration::from_millis(100));
    page_beside(talk, &others)
}

/// Asks for this at once with so many clients, each with a thread, and returns what they heard.
fn together(
    talk: &Talk<'_>,
    count: usize,
    times: usize,
    request: &str,
) -> Result<Vec<Heard>, Stop> {
    let bytes = talk.facts.fill(request)?;
    let ask = || -> Result<Vec<Heard>, Stop> {
        (0..times)
            .map(|_| {
                let mut conn = talk.open()?;
                conn.send(&bytes);
                conn.read(Until::Answers(1));
                Ok(conn.heard())
            })
            .collect()
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..count).map(|_| scope.spawn(ask)).collect();
        let mut all = Vec::new();
        for client in clients {
            match client.join() {
                Ok(heard) => all.extend(heard?),
                Err(_) => return fail("a client of this program failed"),
            }
        }
        Ok(all)
    })
}

/// Each has the page.
fn all_have(talk: &mut Talk<'_>, all: &[Heard], content: &[u8]) -> Verdict {
    for heard in all {
        let right =
            status(heard, &[talk.facts.page.status]).and_then(|_| same(heard, content, "the page"));
        if let Err(wrong) = right {
            talk.shown = Some(heard.clone());
            return Err(wrong);
        }
    }
    Ok(format!("{} answers, all whole", all.len()))
}

fn at_once(talk: &mut Talk<'_>) -> Verdict {
    let all = together(talk, CLIENTS, 1, GET)?;
    all_have(talk, &all, &talk.facts.page.content)
}

fn repeated(talk: &mut Talk<'_>) -> Verdict {
    let all = together(talk, 8, 20, GET)?;
    all_have(talk, &all, &talk.facts.page.content)
}

fn large(talk: &mut Talk<'_>) -> Verdict {
    let request = "GET {large-file} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
    if talk.ask(request, Until::Answers(1))?.statuses() != [200] {
        return skip("the large file is not served");
    }
    let all = together(talk, 8, 1, request)?;
    let content = talk.facts.root.as_ref().and_then(|root| root.content("large-file"));
    all_have(talk, &all, &content.unwrap_or_default())
}

fn burst(talk: &mut Talk<'_>) -> Verdict {
    let bytes = talk.facts.fill(GET)?;
    let end = Instant::now() + talk.way.max_time;
    let mut clients = Vec::new();
    while clients.len() < 100 && Instant::now() < end {
        clients.push(talk.open()?);
    }
    for conn in &mut clients {
        conn.send(&bytes);
    }
    for conn in &mut clients {
        conn.read(Until::Answers(1));
    }
    let count = clients.len();
    for (number, conn) in clients.into_iter().enumerate() {
        let heard = conn.heard();
        let is_answered = status(&heard, &[talk.facts.page.status, 503]).is_ok();
        if !is_answered {
            talk.shown = Some(heard);
            return fail(format!("client {} of {count} is not answered", number + 1));
        }
    }
    Ok(format!("{count} clients"))
}

fn others(talk: &mut Talk<'_>) -> Verdict {
    let bytes =
        talk.facts.fill("GET {slow} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut slow = talk.open()?;
    slow.send(&bytes);
    thread::sleep(Duration::from_millis(20));
    let begun = Instant::now();
    let heard = talk.ask(GET, Until::Answers(1))?;
    answered(&heard)?;
    let page = begun.elapsed();
    slow.read(Until::Answers(1));
    let slow = begun.elapsed();
    match page > slow.mul_f64(0.8) && slow > Duration::from_millis(50) {
        true => fail(format!("the page took {page:.0?}: as long as the slow one ({slow:.0?})")),
        false => Ok(format!("after {page:.0?}; the slow one took {slow:.0?}")),
    }
}

fn slow_at_once(talk: &mut Talk<'_>) -> Verdict {
    let request = "GET {slow} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
    let one = talk.ask(request, Until::Answers(1))?;
    if one.end == End::Late || one.time < Duration::from_millis(50) {
        return skip("--slow answers at once, or not in time");
    }
    let begun = Instant::now();
    let all = together(talk, 8, 1, request)?;
    let took = begun.elapsed();
    if let Some(heard) = all.iter().find(|heard| heard.first().is_none()) {
        talk.shown = Some(heard.clone());
        return fail("one of 8 clients is not answered in time");
    }
    let workers = 8.0 * one.time.as_secs_f64() / took.as_secs_f64();
    match took > one.time * 3 {
        true => fail(format!(
            "8 clients took {took:.1?}, one takes {:.1?}: as with {workers:.0} at a time",
            one.time
        )),
        false => Ok(format!("{took:.1?} for 8, {:.1?} for one", one.time)),
    }
}
