//! Why the client ends before its work is done: one line on stderr, one exit code.

use std::io::{self, ErrorKind, Write as _};

use threadbare::client::output::Undelivered;
use threadbare::client::{Error, in_one_line};

/// Why a fetch came to nothing.
pub(super) enum Stop {
    Fetch(Error),
    ReadData(String, io::Error),
    Write(String, io::Error),
    /// Whoever read our stdout has had enough, as `head` does: that is success.
    BrokenPipe,
    /// The command line is wrong.
    Usage(String),
    /// A measurement with errors, or over a bound that was set for it; its exit code.
    Failed(u8, String),
}

impl Stop {
    /// What a delivery to this output came to.
    pub(super) fn undelivered(output: String, why: Undelivered) -> Stop {
        match why {
            Undelivered::Answer(error) => Stop::Fetch(error),
            Undelivered::Write(error)
                if output == "stdout" && error.kind() == ErrorKind::BrokenPipe =>
            {
                Stop::BrokenPipe
            }
            Undelivered::Write(error) => Stop::Write(output, error),
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Stop::Fetch(error) => error.exit_code(),
            Stop::ReadData(..) => 26,
            Stop::Write(..) => 23,
            Stop::BrokenPipe => 0,
            Stop::Usage(_) => 2,
            Stop::Failed(code, _) => *code,
        }
    }

    /// One line on stderr.
    pub(super) fn say(&self) {
        let what = match self {
            Stop::Fetch(error) => {
                let advice = error.advice().map(|advice| format!("; {advice}"));
                in_one_line(error) + &advice.unwrap_or_default()
            }
            Stop::ReadData(name, error) => format!("could not read {name}: {}", in_one_line(error)),
            Stop::Write(name, error) => format!("could not write {name}: {}", in_one_line(error)),
            Stop::Usage(what) | Stop::Failed(_, what) => what.clone(),
            Stop::BrokenPipe => return,
        };
        complain(&format!("client: ({}) {what}\n", self.exit_code()));
    }
}

/// Says it on stderr, if anyone is listening there.
pub(super) fn complain(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap_or_default();
}
