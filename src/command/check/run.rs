//! Runs the checks against one server, one after the other: a server that serves one client at a time is not wrong.
//!
//! After a check without any answer the page is asked for again. When that is not answered either, the server has
//! crashed or hangs: it is started again, if it was started here, or the checks that are left are skipped.

use std::time::{Duration, Instant};

use super::facts::Facts;
use super::heard::{End, Heard};
use super::outcome::{Outcome, Report};
use super::routes::Route;
use super::select::{Selected, Task};
use super::table::{Script, Stop, Until, Verdict, Wrong, skip};
use super::talk::{Conn, Talk, Way};
use crate::cli::client::check::Level;
use crate::command::server_process::Process;

/// Asks for the page.
const PAGE: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
/// Asks for the page that is not there.
const MISSING: &str = "GET {missing} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
/// The pause before a server that does not answer is asked again.
const BREATH: Duration = Duration::from_millis(200);
/// The number of checks in a row that may each take all of their time, until the rest is skipped.
const MOST_LATE: usize = 4;
/// How often a server that hangs is started again: each time costs several waits.
const MOST_HANGS: usize = 1;

/// A server that is being checked.
pub struct Run<'o> {
    way: Way,
    facts: Facts,
    process: Option<Process>,
    /// The number of checks in a row that took all of their time.
    late: usize,
    /// How often the server was started again because it hung.
    hangs: usize,
    /// Hears how a check went, as soon as it is known.
    tell: &'o mut dyn FnMut(&Outcome),
}

impl<'o> Run<'o> {
    /// Returns a run that has not begun.
    pub fn new(
        way: Way,
        facts: Facts,
        process: Option<Process>,
        tell: &'o mut dyn FnMut(&Outcome),
    ) -> Run<'o> {
        Run { way, facts, process, late: 0, hangs: 0, tell }
    }

    /// Runs the checks, after [`Run::learn`], and returns what they found.
    pub fn run(mut self, checks: Vec<Selected>) -> Report {
        let mut report = Report::default();
        let begun = Instant::now();
        for selected in checks {
            let outcome = match &report.stopped {
                Some(_) => Outcome::of(&selected, skip("the server stopped answering"), None),
                None => {
                    let outcome = self.check(&selected);
                    if !self.goes_on(&outcome) {
                        report.stopped = Some(outcome.name.to_string());
                    }
                    outcome
                }
            };
            (self.tell)(&outcome);
            report.outcomes.push(outcome);
        }
        report.process = self.process.take().map(Process::stop);
        report.time = begun.elapsed();
        report
    }

    /// Looks at the page, and at one that is not there. This is the first connection: a server that serves one client
    /// at a time may end when a client leaves without a word, so none is opened to see whether it listens.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn learn(&mut self) -> Result<(), Stop> {
        let heard = self.ask_for(PAGE)?;
        self.facts.learn(&heard);
        if heard.first().is_some()
            && let Ok(heard) = self.ask_for(MISSING)
        {
            self.facts.missing_status = heard.statuses().first().copied().unwrap_or_default();
        }
        Ok(())
    }

    fn check(&mut self, selected: &Selected) -> Outcome {
        let begun = Instant::now();
        self.way.watch.note(&selected.name);
        let is_beyond = self.facts.page.is_http10
            && selected.level == Level::Http11
            && selected.name != "version.is-11";
        let mut talk = Talk { facts: &self.facts, way: &self.way, shown: None };
        let verdict = match &selected.task {
            _ if is_beyond => skip("the server answers as HTTP/1.0"),
            Task::Script(Script::Send(bytes, sending, until, expect)) => {
                send(&mut talk, bytes, |conn, bytes| conn.send_as(bytes, *sending), *until)
                    .and_then(|heard| expect(&heard, &self.facts))
            }
            Task::Script(Script::Steps(run)) => run(&mut talk),
            Task::Route(route) => self.route(route, &mut talk),
        };
        let shown = talk.shown.take();
        let mut outcome = Outcome::of(selected, verdict, shown);
        outcome.time = begun.elapsed();
        if let Some(end) = self.process.as_mut().and_then(Process::has_ended) {
            let at = None;
            let what = format!("the server ended during this check, with {end}");
            outcome.verdict = Err(Stop::Fail(Wrong { what, at }));
        }
        outcome
    }

    fn route(&self, route: &Route, talk: &mut Talk<'_>) -> Verdict {
        let bytes = route.request(&self.facts.host, self.facts.post.as_deref())?;
        route.judge(&talk.exchange(&bytes, Until::Answers(1))?)
    }

    /// Returns true if the checks can go on: the server answers, or was started again.
    fn goes_on(&mut self, outcome: &Outcome) -> bool {
        let is_late = outcome.time >= self.way.max_time.mul_f64(0.9);
        self.late = if is_late { self.late + 1 } else { 0 };
        let has_ended = self.process.as_mut().is_some_and(|process| process.has_ended().is_some());
        let is_dead = outcome.is_doubtful() && !self.is_alive(|heard| heard.end != End::Endless);
        // Each answer takes all of the time, and has no end then, either.
        let is_endless = self.late >= MOST_LATE
            && !self.is_alive(|heard| heard.answers.iter().all(|answer| answer.is_complete));
        if self.late >= MOST_LATE {
            self.late = 0;
        }
        if !has_ended && !is_dead && !is_endless {
            return true;
        }
        self.hangs += usize::from(!has_ended);
        let is_worth_it = self.hangs <= MOST_HANGS;
        is_worth_it && self.process.as_mut().is_some_and(|process| process.restart().is_ok())
    }

    fn ask_for(&self, request: &str) -> Result<Heard, Stop> {
        let mut talk = Talk { facts: &self.facts, way: &self.way, shown: None };
        send(&mut talk, request, Conn::send, Until::Answers(1))
    }

    /// Returns true if the server answers like this, at the second attempt at the latest.
    fn is_alive(&self, is_right: impl Fn(&Heard) -> bool) -> bool {
        (0..2).any(|attempt| {
            if attempt > 0 {
                std::thread::sleep(BREATH);
            }
            let answers = |heard: Heard| heard.first().is_some() && is_right(&heard);
            self.ask_for(PAGE).is_ok_and(answers)
        })
    }
}

/// Sends the bytes of a check, and reads the answers.
fn send(
    talk: &mut Talk<'_>,
    bytes: &str,
    send: impl Fn(&mut Conn, &[u8]),
    until: Until,
) -> Result<Heard, Stop> {
    let bytes = talk.facts.fill(bytes)?;
    let mut conn = talk.open()?;
    send(&mut conn, &bytes);
    conn.read(until);
    Ok(talk.show(conn))
}
