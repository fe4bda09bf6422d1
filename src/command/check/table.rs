//! A check is a row: what it is called, what asks for it, the bytes that are sent, and a function that says what is
//! wrong with the answer.

use super::facts::Facts;
use super::heard::Heard;
use super::select::is_named;
use super::talk::Talk;
use crate::cli::client::check::Level;

/// A check.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its group and its name: `host.missing`.
    pub name: &'static str,
    /// What stands behind it.
    pub force: Force,
    /// The section that decides.
    pub section: &'static str,
    /// What is done.
    pub script: Script,
    /// The rule, in a sentence.
    pub asks: &'static str,
    /// What a right answer looks like.
    pub right: &'static str,
}

/// What stands behind a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Force {
    /// A MUST of an RFC.
    Must,
    /// A SHOULD, or what an RFC recommends: a server may have a reason.
    Should,
    /// The usual assignments ask for it; no RFC does.
    Asked,
}

impl Force {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Force::Must => "MUST",
            Force::Should => "SHOULD",
            Force::Asked => "ASKED",
        }
    }

    /// Returns the points of a check that `--points` does not mention.
    pub fn points(self) -> f64 {
        match self {
            Force::Must | Force::Asked => 1.0,
            Force::Should => 0.5,
        }
    }
}

/// What a check does.
#[derive(Debug, Clone, Copy)]
pub enum Script {
    /// Sends bytes on a connection of their own, and judges what comes. In the text `{target}` and the like are
    /// filled in ([`Facts::fill`]), and each character is a byte.
    Send(&'static str, Sending, Until, fn(&Heard, &Facts) -> Verdict),
    /// Does something that takes several steps or connections.
    Steps(fn(&mut Talk<'_>) -> Verdict),
}

/// How the bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// In one write.
    Whole,
    /// In two, with a pause in the middle of the head.
    Halves,
    /// One by one.
    Bytes,
}

/// How long is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Until this number of final answers is complete, or the server closes.
    Answers(usize),
    /// Until the server closes, or says nothing for a moment after an answer.
    Quiet,
    /// Until the server closes, or has not for some time after an answer.
    Closed,
}

/// What a check found: what it saw, in a few words, or why it did not pass.
pub type Verdict = Result<String, Stop>;

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The server is wrong.
    Fail(Wrong),
    /// It cannot be checked, and why.
    Skip(String),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// In a sentence.
    pub what: String,
    /// Where: a byte of what the server sent.
    pub at: Option<usize>,
}

/// Returns the verdict that this is wrong.
pub fn fail<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(Wrong { what: what.into(), at: None }))
}

/// Returns the verdict that this is wrong, at this byte of what the server sent.
pub fn fail_at<T>(at: usize, what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(Wrong { what: what.into(), at: Some(at) }))
}

/// Returns the verdict that a check is of no use here.
pub fn skip<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Skip(why.into()))
}

/// Returns a check with a MUST behind it. Its rule and a right answer are to be added.
pub const fn must(
    name: &'static str,
    section: &'static str,
    bytes: &'static str,
    expect: fn(&Heard, &Facts) -> Verdict,
) -> Check {
    Check {
        name,
        force: Force::Must,
        section,
        script: Script::Send(bytes, Sending::Whole, Until::Answers(1), expect),
        asks: "",
        right: "HTTP/1.1 200 OK",
    }
}

/// Returns a check with a SHOULD behind it.
pub const fn should(
    name: &'static str,
    section: &'static str,
    bytes: &'static str,
    expect: fn(&Heard, &Facts) -> Verdict,
) -> Check {
    Check { force: Force::Should, ..must(name, section, bytes, expect) }
}

/// Returns a check that assignments ask for.
pub const fn asked(
    name: &'static str,
    section: &'static str,
    bytes: &'static str,
    expect: fn(&Heard, &Facts) -> Verdict,
) -> Check {
    Check { force: Force::Asked, ..must(name, section, bytes, expect) }
}

/// Returns a check of several steps.
pub const fn steps(
    name: &'static str,
    force: Force,
    section: &'static str,
    run: fn(&mut Talk<'_>) -> Verdict,
) -> Check {
    Check { name, force, section, script: Script::Steps(run), asks: "", right: "HTTP/1.1 200 OK" }
}

impl Check {
    /// Sets the rule.
    pub const fn asks(self, asks: &'static str) -> Check {
        Check { asks, ..self }
    }

    /// Sets what a right answer looks like.
    pub const fn right(self, right: &'static str) -> Check {
        Check { right, ..self }
    }

    /// Sets how long is read.
    pub const fn until(self, until: Until) -> Check {
        match self.script {
            Script::Send(bytes, sending, _, expect) => {
                Check { script: Script::Send(bytes, sending, until, expect), ..self }
            }
            Script::Steps(_) => self,
        }
    }

    /// Sets how the bytes are sent.
    pub const fn sent(self, sending: Sending) -> Check {
        match self.script {
            Script::Send(bytes, _, until, expect) => {
                Check { script: Script::Send(bytes, sending, until, expect), ..self }
            }
            Script::Steps(_) => self,
        }
    }

    /// Returns true if this is its name, its group's, or a pattern.
    pub fn is_named(&self, name: &str) -> bool {
        is_named(self.name, name)
    }
}

/// All checks, by level.
pub const TABLES: &[(Level, &[Check])] = &[
    (Level::First, super::first::CHECKS),
    (Level::Http10, super::http10::CHECKS),
    (Level::Http11, super::http11::CHECKS),
    (Level::Http11, super::conditional::CHECKS),
    (Level::Concurrent, super::concurrent::CHECKS),
    (Level::Robust, super::robust::CHECKS),
    (Level::Secure, super::secure::CHECKS),
];

/// Checks of one assignment, by level: they are run only when a pack or `--only` names them.
pub const SPECIAL: &[(Level, &[Check])] = &[
    (Level::First, super::cycle::CHECKS),
    (Level::First, super::proxy::CHECKS),
    (Level::Concurrent, super::order::CHECKS),
];

/// Returns all checks with their levels, and whether they are for all servers.
pub fn all() -> impl Iterator<Item = (Level, &'static Check, bool)> {
    let of = |tables: &'static [(Level, &'static [Check])], usual| {
        let rows = tables
            .iter()
            .flat_map(|(level, checks)| checks.iter().map(move |check| (*level, check)));
        rows.map(move |(level, check)| (level, check, usual))
    };
    of(TABLES, true).chain(of(SPECIAL, false))
}
