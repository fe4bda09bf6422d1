//! Counts the bytes of a body, sent or received: shows the progress line, and holds the transfer back
//! for `--limit-rate`.

use std::io::{self, IsTerminal as _, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::error::print_stderr;
use super::progress::{ProgressLine, RateLimit};
use crate::cli::client::{ClientOptions, Progress};
use crate::sync::lock;

/// The progress line that parallel transfers share.
pub(super) type OfAll = Option<Arc<Mutex<ProgressLine>>>;

/// Counts the bytes of one body.
pub(super) struct BodyMeter {
    line: Line,
    pace: Option<RateLimit>,
    /// A pause ends at this time at the latest.
    last: Option<Instant>,
}

enum Line {
    None,
    Own(ProgressLine),
    OfAll(Arc<Mutex<ProgressLine>>),
}

impl BodyMeter {
    /// Begins to count a body of which `had` bytes of `total` are there. The line is shown on a
    /// terminal, unless the body is written to the same terminal.
    pub(super) fn new(
        options: &ClientOptions,
        of_all: &OfAll,
        to_file: bool,
        had: u64,
        total: Option<u64>,
    ) -> BodyMeter {
        let begun = Instant::now();
        let style = options.global.progress;
        let is_wanted = !options.global.silent && style != Progress::None && !options.head;
        let is_wanted = is_wanted && !options.global.wire; // whose lines it would overwrite
        let is_shown =
            is_wanted && io::stderr().is_terminal() && (to_file || !io::stdout().is_terminal());
        let line = match of_all {
            _ if !is_shown => Line::None,
            Some(all) => Line::OfAll(Arc::clone(all)),
            None => Line::Own(ProgressLine::new(begun, style, had, total)),
        };
        let pace = options.limit_rate.map(|rate| RateLimit::new(begun, rate));
        BodyMeter { line, pace, last: options.max_time.map(|limit| begun + limit) }
    }

    /// Counts more bytes.
    pub(super) fn passed(&mut self, bytes: u64) {
        let now = Instant::now();
        let text = match &mut self.line {
            Line::None => None,
            Line::Own(progress) => progress.passed(now, bytes),
            Line::OfAll(all) => lock(all).passed(now, bytes),
        };
        if let Some(text) = text {
            print_stderr(&text);
        }
        if let Some(pace) = &mut self.pace {
            let pause = pace.passed(now, bytes);
            let left = self.last.map(|last| last.saturating_duration_since(now));
            thread::sleep(left.map_or(pause, |left| pause.min(left)));
        }
    }
}

impl Drop for BodyMeter {
    fn drop(&mut self) {
        if let Line::Own(progress) = &mut self.line
            && let Some(text) = progress.end(Instant::now())
        {
            print_stderr(&text);
        }
    }
}

/// A reader whose bytes are counted.
pub(super) struct Metered<R> {
    pub(super) reader: R,
    pub(super) meter: BodyMeter,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        self.meter.passed(count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}
