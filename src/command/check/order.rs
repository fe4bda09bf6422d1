//! In which order a server with one worker serves those that wait: a policy of OSTEP's project. Run only when asked.

use std::thread;
use std::time::{Duration, Instant};

use super::table::{Check, Force, Stop, Until, Verdict, fail, skip, steps};
use super::talk::{Conn, Talk};

/// The large requests that wait before the small one.
const LARGE: usize = 3;
/// The pause after each request, so that they arrive in this order.
const APART: Duration = Duration::from_millis(20);

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    steps("order.fifo", Force::Asked, "OSTEP", |talk| served_first(talk, false))
        .asks("Requests that wait for the only worker are served in the order in which they came (FIFO).")
        .right("the small file, asked for last, is sent last"),
    steps("order.sff", Force::Asked, "OSTEP", |talk| served_first(talk, true))
        .asks("Of the requests that wait for the only worker that for the smallest file is served first (SFF).")
        .right("the small file, asked for last, is sent first"),
];

/// Holds the worker, asks for large files and then for the page, and looks which answer begins first.
fn served_first(talk: &mut Talk<'_>, small: bool) -> Verdict {
    let get =
        |name: &str| format!("GET {name} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n");
    let ask = |request: String| -> Result<Conn, Stop> {
        let bytes = talk.facts.fill(&request)?;
        let mut conn = talk.open()?;
        conn.send(&bytes);
        thread::sleep(APART);
        Ok(conn)
    };
    let held = ask(get("{slow}"))?;
    let larges = (0..LARGE).map(|_| ask(get("{large-file}"))).collect::<Result<Vec<_>, _>>()?;
    let mut page = ask(get("{target}"))?;
    if page.has_something() && !held.has_something() {
        return skip("more than one worker; right: start the server with one");
    }
    let most = talk.way.max_time;
    let first_byte = |conn: &Conn| conn.has_something_within(most).then(Instant::now);
    // The large ones are read at once: a worker that cannot send would not come to the page.
    let (page_at, large_at) = thread::scope(|scope| {
        let read = |mut conn: Conn| {
            let at = first_byte(&conn);
            conn.read(Until::Answers(1));
            at
        };
        let readers: Vec<_> =
            larges.into_iter().map(|conn| scope.spawn(move || read(conn))).collect();
        let page_at = first_byte(&page);
        let large_at = readers.into_iter().filter_map(|reader| reader.join().ok().flatten());
        (page_at, large_at.collect::<Vec<_>>())
    });
    let Some(page_at) = page_at else { return fail("the page is not answered") };
    let before = large_at.iter().filter(|at| **at < page_at).count();
    page.read(Until::Answers(1));
    talk.show(page);
    // Of two that begin within microseconds, either may be seen first.
    match (small, before) {
        (true, 0 | 1) => Ok("the smallest first".to_owned()),
        (false, LARGE) => Ok("in the order of their coming".to_owned()),
        (true, _) => fail("the large files, asked for before, were sent first"),
        (false, _) => fail("the small file was sent before a large one that was asked for before"),
    }
}
