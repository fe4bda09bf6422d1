//! Why the client ends before its work is done: one line on stderr, and one of curl's exit codes.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::exit_code::exit_code;
use super::standard_stream::{stderr, stdout};
use super::write_body::WriteBodyError;
use crate::client::{Error, ErrorKind, in_one_line};
use crate::proto::http::error::Rule;
use crate::proto::http::url::without_user;
use crate::text::escape_for_terminal;

/// Why a transfer or a measurement failed.
#[derive(Debug)]
pub enum CommandError {
    /// The call failed.
    Fetch(Error),
    /// A file to send cannot be read.
    ReadData(String, io::Error),
    /// An output cannot be written.
    Write(String, io::Error),
    /// As the error inside says; the part of the body that came is in this file.
    Kept(Box<CommandError>, PathBuf),
    /// The reader of stdout has left, as `head` does: that is success.
    BrokenPipe,
    /// With `-f`: the response has this status, which is an error.
    Refused(u16),
    /// The body is longer than `--max-filesize` says.
    TooLarge,
    /// The command line is wrong.
    Usage(String),
    /// Another failure: its exit code, and what it is.
    Failed(u8, String),
}

impl CommandError {
    /// Returns the error of writing a body to this output.
    pub fn not_written(output: String, why: WriteBodyError) -> CommandError {
        match why {
            WriteBodyError::Answer(error) => CommandError::Fetch(error),
            WriteBodyError::Write(error) => CommandError::output_failed(output, error),
            WriteBodyError::TooLarge => CommandError::TooLarge,
        }
    }

    /// Returns the error of writing to this output.
    pub fn output_failed(output: String, error: io::Error) -> CommandError {
        match error.kind() {
            io::ErrorKind::BrokenPipe if output == "stdout" => CommandError::BrokenPipe,
            _ => CommandError::Write(output, error),
        }
    }

    /// Returns the error of the call, if that is the cause.
    pub(super) fn cause(&self) -> Option<&Error> {
        match self {
            CommandError::Fetch(error) => Some(error),
            CommandError::Kept(stop, _) => stop.cause(),
            _ => None,
        }
    }

    /// Returns curl's exit code for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            CommandError::Fetch(error) => exit_code(error),
            CommandError::ReadData(..) => 26,
            CommandError::Kept(stop, _) => stop.exit_code(),
            CommandError::Write(..) => 23,
            CommandError::BrokenPipe => 0,
            CommandError::Refused(_) => 22,
            CommandError::TooLarge => 63,
            CommandError::Usage(_) => 2,
            CommandError::Failed(code, _) => *code,
        }
    }

    /// Prints the error on stderr, in one line. It may quote what a server sent.
    pub fn print(&self) {
        self.print_with("");
    }

    /// The same for one of several transfers, that of this URL as it was typed: the line names the URL, after redirects
    /// the last one.
    pub(super) fn print_of(&self, typed: &str) {
        let last = self.cause().and_then(Error::url).map(Cow::Borrowed);
        self.print_with(&format!("{}: ", last.unwrap_or_else(|| without_user(typed))));
    }

    fn print_with(&self, prefix: &str) {
        if !matches!(self, CommandError::BrokenPipe) {
            let line = format!("{prefix}{self}");
            let line = escape_for_terminal(line.as_bytes());
            print_stderr(format!("client: ({}) {line}\n", self.exit_code()));
        }
    }
}

/// Writes the error in one line.
impl std::fmt::Display for CommandError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CommandError::Fetch(error) => {
                let advice = error.advice().or_else(|| flag_for(error));
                let advice = advice.map(|advice| format!("; {advice}"));
                write!(f, "{}{}", in_one_line(error.kind()), advice.unwrap_or_default())
            }
            CommandError::ReadData(name, error) => {
                write!(f, "could not read {name}: {}", in_one_line(error))
            }
            CommandError::Write(name, error) => {
                write!(f, "could not write {name}: {}", in_one_line(error))
            }
            CommandError::Kept(stop, part) => {
                write!(
                    f,
                    "{stop}; the part that was received is in {}; -C - continues it",
                    part.display()
                )
            }
            CommandError::Refused(status) => {
                write!(f, "the requested URL returned error: {status}")
            }
            CommandError::TooLarge => f.write_str("the body is longer than --max-filesize permits"),
            CommandError::Usage(what) | CommandError::Failed(_, what) => f.write_str(what),
            CommandError::BrokenPipe => Ok(()),
        }
    }
}

/// Returns the flag that accepts a response which is refused for its size.
fn flag_for(error: &Error) -> Option<&'static str> {
    let ErrorKind::Head(error) = error.kind() else { return None };
    match error.fault.rule {
        Rule::FieldTooLong | Rule::HeadTooLong => Some("--max-response-head sets the limit"),
        Rule::TooManyFields => Some("--max-response-fields sets the limit"),
        _ => None,
    }
}

/// Prints on stdout what is not a body.
///
/// # Errors
/// [`CommandError::BrokenPipe`] if its reader has left, [`CommandError::Write`] otherwise.
pub fn print_stdout(bytes: &[u8]) -> Result<(), CommandError> {
    let printed = stdout().and_then(|mut stdout| stdout.write_all(bytes));
    printed.map_err(|error| CommandError::output_failed("stdout".to_owned(), error))
}

/// Prints on stderr, without another thread's text in between. A closed stderr is not an error.
pub fn print_stderr(text: impl AsRef<[u8]>) {
    let _turn = io::stderr().lock();
    stderr().and_then(|mut stderr| stderr.write_all(text.as_ref())).unwrap_or_default();
}

impl From<Error> for CommandError {
    fn from(error: Error) -> CommandError {
        CommandError::Fetch(error)
    }
}
