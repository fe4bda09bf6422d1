//! What all transfers of a command line share, whatever operation they belong to: what is shown of them, the turn to
//! write to stdout, the cookies.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::error::{CommandError, print_stderr};
use super::progress::ProgressLine;
use super::rate_limit::OfAll;
use super::standard_stream::stdout;
use super::trace::Opened;
use super::transfer::{Peers, Transfer};
use super::verbose::VerboseObservers;
use super::write_out::line;
use crate::cli::client::{ClientOptions, GlobalOptions};
use crate::client::Cookies;
use crate::sync::lock;

/// What all transfers share.
pub(super) struct Session {
    pub(super) global: GlobalOptions,
    /// The number of transfers.
    pub(super) transfers: usize,
    pub(super) cookies: Cookies,
    pub(super) peers: Peers,
    pub(super) opened: Opened,
    pub(super) verbose: VerboseObservers,
    /// The progress line that parallel transfers share.
    pub(super) all: OfAll,
    /// The output of `--json-out`.
    lines: Option<Mutex<Box<dyn Write + Send>>>,
    /// Held by the transfer that writes to stdout.
    turn: Mutex<()>,
}

/// The right of a transfer to write to stdout, so that outputs do not mix.
pub(super) struct StdoutTurn<'s> {
    mutex: &'s Mutex<()>,
    held: Option<MutexGuard<'s, ()>>,
}

impl StdoutTurn<'_> {
    /// Waits for the right, if it is not held yet.
    pub(super) fn take(&mut self) {
        if self.held.is_none() {
            self.held = Some(lock(self.mutex));
        }
    }

    /// Gives the right to another transfer.
    pub(super) fn give_back(&mut self) {
        self.held = None;
    }
}

impl Session {
    /// Opens the files that show what happens. All operations together make this number of transfers.
    ///
    /// # Errors
    /// When one cannot be written.
    pub(super) fn new(
        operations: &[ClientOptions],
        transfers: usize,
    ) -> Result<Session, CommandError> {
        let global = operations.first().map(|first| first.global.clone()).unwrap_or_default();
        let is_parallel = global.parallel.on && transfers > 1;
        let line = || Arc::new(Mutex::new(ProgressLine::of_all(Instant::now(), transfers)));
        Ok(Session {
            transfers,
            cookies: Cookies::new(),
            peers: Peers::default(),
            opened: Opened::default(),
            verbose: VerboseObservers::new(operations)?,
            all: is_parallel.then(line),
            lines: global.json_out.as_deref().map(lines).transpose()?.map(Mutex::new),
            turn: Mutex::new(()),
            global,
        })
    }

    /// Returns true if several transfers run at a time.
    pub(super) fn is_parallel(&self) -> bool {
        self.all.is_some()
    }

    /// Returns the right to write to stdout, which is not held yet.
    pub(super) fn stdout_turn(&self) -> StdoutTurn<'_> {
        StdoutTurn { mutex: &self.turn, held: None }
    }

    /// Counts a parallel transfer as complete, and ends the shared progress line after the last one.
    pub(super) fn over(&self, left: usize) {
        let Some(all) = &self.all else { return };
        let mut all = lock(all);
        all.over();
        if let (0, Some(line)) = (left, all.end(Instant::now())) {
            print_stderr(&line);
        }
    }

    /// Writes the line of a transfer to the output of `--json-out`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_line(&self, transfer: &Transfer) -> Result<(), CommandError> {
        let Some((lines, path)) = self.lines.as_ref().zip(self.global.json_out.as_deref()) else {
            return Ok(());
        };
        let name =
            || if is_stdout(path) { "stdout".to_owned() } else { path.display().to_string() };
        let written = lock(lines).write_all((line(transfer) + "\n").as_bytes());
        written.map_err(|error| CommandError::output_failed(name(), error))
    }
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens the output of `--json-out`.
fn lines(path: &Path) -> Result<Box<dyn Write + Send>, CommandError> {
    if is_stdout(path) {
        let stdout = stdout();
        return Ok(Box::new(stdout.map_err(|error| CommandError::Write("stdout".into(), error))?));
    }
    let file = File::create(path);
    Ok(Box::new(file.map_err(|error| CommandError::Write(path.display().to_string(), error))?))
}
