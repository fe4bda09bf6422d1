//! The options of `client` that hold for the whole run, whatever operation they stand in: those that curl calls global,
//! and those here that are like them.

use std::path::PathBuf;

use super::retry::Parallel;

/// What holds for all operations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GlobalOptions {
    /// How many transfers are made at a time.
    pub parallel: Parallel,
    /// Whether the first transfer that fails ends the run.
    pub fail_early: bool,
    /// Whether the steps are shown on stderr.
    pub verbose: bool,
    /// Whether the time of each request is drawn.
    pub trace: bool,
    /// Whether each byte of each connection is shown.
    pub wire: bool,
    /// The file that gets each byte of each connection.
    pub transcript: Option<PathBuf>,
    /// Whether the lines of heads are explained.
    pub explain: bool,
    /// Whether stderr stays silent.
    pub silent: bool,
    /// Whether errors are printed even then.
    pub show_error: bool,
    /// How the progress of a transfer is shown on a terminal.
    pub progress: Progress,
    /// The file that gets what is written to stderr; `-` is stdout.
    pub stderr: Option<PathBuf>,
    /// The file that gets a line of JSON for each transfer; `-` is stdout.
    pub json_out: Option<PathBuf>,
}

/// How the progress of a transfer is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Progress {
    /// A line with a short bar and figures, after half a second.
    #[default]
    Line,
    /// A bar across the line, from the beginning.
    Bar,
    /// Not at all.
    None,
}

impl GlobalOptions {
    /// Returns true if errors are printed.
    pub fn prints_errors(&self) -> bool {
        !self.silent || self.show_error
    }
}
