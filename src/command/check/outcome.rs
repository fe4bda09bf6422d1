//! What the checks found, and the sums.

use std::borrow::Cow;
use std::time::Duration;

use super::heard::{End, Heard};
use super::select::Selected;
use super::table::{Force, Stop, Verdict};
use crate::cli::client::check::Level;
use crate::command::server_process::ProcessUse;

/// The most bytes of a connection that are kept for the report, of each side.
const KEPT: usize = 64 << 10;

/// What one check found.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The name of the check.
    pub name: Cow<'static, str>,
    /// Its level.
    pub level: Level,
    /// What stands behind it.
    pub force: Force,
    /// The section that decides.
    pub section: Cow<'static, str>,
    /// The rule, in a sentence.
    pub asks: Cow<'static, str>,
    /// What a right answer looks like.
    pub right: Cow<'static, str>,
    /// The points for passing it.
    pub points: f64,
    /// What it found.
    pub verdict: Verdict,
    /// What passed on the connection that shows it.
    pub heard: Option<Heard>,
    /// How long it took.
    pub time: Duration,
}

impl Outcome {
    /// Returns the outcome of a check.
    pub fn of(selected: &Selected, verdict: Verdict, heard: Option<Heard>) -> Outcome {
        Outcome {
            name: selected.name.clone(),
            level: selected.level,
            force: selected.force,
            section: selected.section.clone(),
            asks: selected.asks.clone(),
            right: selected.right.clone(),
            points: selected.points,
            verdict,
            heard: heard.map(shortened),
            time: Duration::ZERO,
        }
    }

    /// Returns true if it passed.
    pub fn has_passed(&self) -> bool {
        self.verdict.is_ok()
    }

    /// Returns true if it failed.
    pub fn has_failed(&self) -> bool {
        matches!(self.verdict, Err(Stop::Fail(_)))
    }

    /// Returns true if the server may have stopped: the check failed, and no answer is to be seen.
    pub fn is_doubtful(&self) -> bool {
        let no_answer = |heard: &Heard| heard.first().is_none() || heard.end == End::Endless;
        self.has_failed() && self.heard.as_ref().is_none_or(no_answer)
    }
}

/// Returns what the report can show of it.
fn shortened(mut heard: Heard) -> Heard {
    heard.sent.truncate(KEPT);
    if heard.bytes.len() > KEPT {
        heard.bytes.truncate(KEPT);
        heard.answers.retain(|answer| answer.body.start <= KEPT);
        for answer in &mut heard.answers {
            answer.body.end = answer.body.end.min(KEPT);
        }
    }
    heard
}

/// What all checks found.
#[derive(Debug, Default)]
pub struct Report {
    /// The checks, in order.
    pub outcomes: Vec<Outcome>,
    /// The check after which the server answered no more.
    pub stopped: Option<String>,
    /// The process of the server, if it was started here.
    pub process: Option<ProcessUse>,
    /// How long all took.
    pub time: Duration,
}

/// The sums.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// The number of checks.
    pub checks: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
    /// The failed ones with a MUST behind them.
    pub must: usize,
    /// The failed ones with a SHOULD.
    pub should: usize,
    /// The failed ones that assignments ask for.
    pub asked: usize,
    /// Those that were not run.
    pub skipped: usize,
    /// The points.
    pub points: f64,
    /// The points that could be had: those of skipped checks are not among them.
    pub of: f64,
}

impl Report {
    /// Returns the sums.
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for outcome in &self.outcomes {
            sums.checks += 1;
            match &outcome.verdict {
                Ok(_) => {
                    sums.passed += 1;
                    sums.points += outcome.points;
                    sums.of += outcome.points;
                }
                Err(Stop::Skip(_)) => sums.skipped += 1,
                Err(Stop::Fail(_)) => {
                    sums.failed += 1;
                    sums.of += outcome.points;
                    match outcome.force {
                        Force::Must => sums.must += 1,
                        Force::Should => sums.should += 1,
                        Force::Asked => sums.asked += 1,
                    }
                }
            }
        }
        sums
    }

    /// Returns the last level without a failed MUST and without a failed demand of the assignments, in it and in
    /// those before; `None` if the first one has such a failure.
    pub fn level_reached(&self) -> Option<Level> {
        let is_failed = |level: &Level| {
            let mut of_level = self.outcomes.iter().filter(|outcome| outcome.level == *level);
            of_level.any(|outcome| outcome.has_failed() && outcome.force != Force::Should)
        };
        let is_checked = |level: &Level| {
            let is_run = |outcome: &&Outcome| !matches!(outcome.verdict, Err(Stop::Skip(_)));
            self.outcomes.iter().filter(is_run).any(|outcome| outcome.level == *level)
        };
        let stopped = self.stopped.as_ref().and_then(|name| {
            let outcome = self.outcomes.iter().find(|outcome| outcome.name == *name)?;
            Some(outcome.level)
        });
        let checked = Level::ALL.into_iter().filter(is_checked);
        let is_over = |level: &Level| stopped.is_some_and(|stopped| *level >= stopped);
        checked.take_while(|level| !is_failed(level) && !is_over(level)).last()
    }
}
