//! Why the client ends before its work is done: one line on stderr, one exit code.

use std::io::{self, ErrorKind, Write as _};
use std::path::PathBuf;

use super::exit_code::exit_code;
use super::write_body::Undelivered;
use crate::client::{Error, in_one_line};

/// Why a fetch came to nothing.
#[derive(Debug)]
pub enum Stop {
    /// The call failed.
    Fetch(Error),
    /// What is to be sent cannot be read.
    ReadData(String, io::Error),
    /// What came cannot be written.
    Write(String, io::Error),
    /// And what came so far is in this file.
    Kept(Box<Stop>, PathBuf),
    /// Whoever read our stdout has had enough, as `head` does: that is success.
    BrokenPipe,
    /// With `-f`: the server answered with this status, which is an error.
    Refused(u16),
    /// The command line is wrong.
    Usage(String),
    /// A measurement with errors, or over a bound that was set for it; its exit code.
    Failed(u8, String),
}

impl Stop {
    /// What a delivery to this output came to.
    pub fn undelivered(output: String, why: Undelivered) -> Stop {
        match why {
            Undelivered::Answer(error) => Stop::Fetch(error),
            Undelivered::Write(error) => Stop::unwritten(output, error),
        }
    }

    /// This output took no more.
    pub fn unwritten(output: String, error: io::Error) -> Stop {
        match error.kind() {
            ErrorKind::BrokenPipe if output == "stdout" => Stop::BrokenPipe,
            _ => Stop::Write(output, error),
        }
    }

    /// The error of the call, if it was one.
    pub(super) fn cause(&self) -> Option<&Error> {
        match self {
            Stop::Fetch(error) => Some(error),
            Stop::Kept(stop, _) => stop.cause(),
            _ => None,
        }
    }

    /// Ours, which is curl's.
    pub fn exit_code(&self) -> u8 {
        match self {
            Stop::Fetch(error) => exit_code(error),
            Stop::ReadData(..) => 26,
            Stop::Kept(stop, _) => stop.exit_code(),
            Stop::Write(..) => 23,
            Stop::BrokenPipe => 0,
            Stop::Refused(_) => 22,
            Stop::Usage(_) => 2,
            Stop::Failed(code, _) => *code,
        }
    }

    /// One line on stderr.
    pub fn say(&self) {
        match self {
            Stop::BrokenPipe => {}
            stop => complain(&format!("client: ({}) {stop}\n", self.exit_code())),
        }
    }
}

/// What is said about it, in one line.
impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Stop::Fetch(error) => {
                let advice = error.advice().map(|advice| format!("; {advice}"));
                write!(f, "{}{}", in_one_line(error), advice.unwrap_or_default())
            }
            Stop::ReadData(name, error) => {
                write!(f, "could not read {name}: {}", in_one_line(error))
            }
            Stop::Write(name, error) => write!(f, "could not write {name}: {}", in_one_line(error)),
            Stop::Kept(stop, part) => {
                write!(f, "{stop}; what came is in {}, and -C - goes on with it", part.display())
            }
            Stop::Refused(status) => write!(f, "the requested URL returned error: {status}"),
            Stop::Usage(what) | Stop::Failed(_, what) => f.write_str(what),
            Stop::BrokenPipe => Ok(()),
        }
    }
}

/// Says it on stderr, if anyone is listening there.
pub fn complain(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap_or_default();
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Fetch(error)
    }
}
