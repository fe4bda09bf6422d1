//! The progress line of a download, in 79 columns, rewritten in place; and `--limit-rate`, which holds
//! a transfer back.
//!
//! The line appears after half a second, so that short transfers show nothing, and is updated ten times
//! a second. The bar of `-#` is there from the beginning, because it was asked for.

use std::time::{Duration, Instant};

use crate::cli::client::Progress;
use crate::text::{clock, size};

/// The line appears after this time.
const PATIENCE: Duration = Duration::from_millis(500);
/// The time between two updates of the line.
const PAUSE: Duration = Duration::from_millis(100);
/// The width of the bar in columns.
const BAR: usize = 24;
/// The width of the bar of `-#`, before its percentage.
const WIDE_BAR: usize = 72;

/// The progress line of one body, or of several transfers.
#[derive(Debug)]
pub struct ProgressLine {
    begun: Instant,
    style: Progress,
    shown: Option<Instant>,
    /// The number of bytes that an earlier transfer received.
    had: u64,
    has: u64,
    /// The total number of bytes, if known.
    total: Option<u64>,
    /// The number of transfers that are complete, and of all, if the line is shared.
    transfers: Option<(usize, usize)>,
}

impl ProgressLine {
    /// Begins a body of which `had` bytes of `total` are there.
    pub fn new(now: Instant, style: Progress, had: u64, total: Option<u64>) -> ProgressLine {
        ProgressLine { begun: now, style, shown: None, had, has: had, total, transfers: None }
    }

    /// Begins a number of transfers that share one line.
    pub fn of_all(now: Instant, transfers: usize) -> ProgressLine {
        ProgressLine {
            transfers: Some((0, transfers)),
            ..ProgressLine::new(now, Progress::Line, 0, None)
        }
    }

    /// Counts one of the transfers as complete.
    pub fn over(&mut self) {
        self.transfers = self.transfers.map(|(over, all)| (over + 1, all));
    }

    /// Counts bytes. Returns the text for the terminal, if an update is due.
    pub fn passed(&mut self, now: Instant, bytes: u64) -> Option<String> {
        self.has += bytes;
        let due = match self.shown {
            Some(shown) => now >= shown + PAUSE,
            None => self.style == Progress::Bar || now >= self.begun + PATIENCE,
        };
        due.then(|| {
            self.shown = Some(now);
            in_place(&self.line(now))
        })
    }

    /// Returns the last line, if one was shown before.
    pub fn end(&mut self, now: Instant) -> Option<String> {
        self.shown.map(|_| in_place(&self.line(now)) + "\n")
    }

    fn line(&self, now: Instant) -> String {
        let seconds = (now - self.begun).as_secs_f64();
        let speed = (self.has - self.had) as f64 / seconds.max(0.001);
        let (has, speed_text) = (size(self.has as f64), size(speed));
        if let Some((over, all)) = self.transfers {
            let time = clock(seconds);
            return format!("{over} of {all} transfers  {has:>8}  {speed_text:>8}/s  {time}");
        }
        let Some(total) = self.total.filter(|&total| total > 0 && total >= self.has) else {
            return format!("{has:>8}  {speed_text:>8}/s  {}", clock(seconds));
        };
        let part = self.has as f64 / total as f64;
        if self.style == Progress::Bar {
            return format!(
                "{:<WIDE_BAR$} {:5.1}%",
                "#".repeat(share(part, WIDE_BAR)),
                part * 100.0
            );
        }
        let full = share(part, BAR);
        let bar = "#".repeat(full) + &".".repeat(BAR - full);
        let time = match total - self.has {
            0 => format!("in {}", clock(seconds)),
            left => format!("{} left", clock(left as f64 / speed.max(1.0))),
        };
        let (percent, of) = (part * 100.0, size(total as f64));
        format!("{percent:>3.0}% {bar} {has:>8} of {of}  {speed_text:>8}/s  {time}")
    }
}

/// Returns how many of these columns a part is, from 0 to 1.
fn share(part: f64, columns: usize) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to `columns`")]
    let full = (part * columns as f64) as usize;
    full
}

/// Returns the text that overwrites the line in place. A narrower terminal cuts it off (DECAWM) and
/// does not wrap it.
fn in_place(line: &str) -> String {
    format!("\r\x1b[?7l{line}\x1b[K\x1b[?7h")
}

/// Holds a body back to at most `rate` bytes a second.
#[derive(Debug)]
pub struct RateLimit {
    begun: Instant,
    rate: u64,
    passed: u64,
}

impl RateLimit {
    /// Begins now, with this rate in bytes a second.
    pub fn new(now: Instant, rate: u64) -> RateLimit {
        RateLimit { begun: now, rate: rate.max(1), passed: 0 }
    }

    /// Counts bytes. Returns the time to wait before more are transferred.
    pub fn passed(&mut self, now: Instant, bytes: u64) -> Duration {
        self.passed += bytes;
        let due = Duration::try_from_secs_f64(self.passed as f64 / self.rate as f64);
        due.unwrap_or(Duration::MAX).saturating_sub(now - self.begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_when_it_is_time_and_never_too_wide() {
        let begun = Instant::now();
        let after = |millis| begun + Duration::from_millis(millis);
        let mut progress = ProgressLine::new(begun, Progress::Line, 0, Some(2_000_000));
        assert_eq!(progress.passed(after(100), 500_000), None);
        let line = progress.passed(after(500), 500_000).unwrap();
        let bar = "############............";
        assert_eq!(
            line,
            in_place(&format!(" 50% {bar}  1.00 MB of 2.00 MB   2.00 MB/s  0:01 left"))
        );
        assert_eq!(progress.passed(after(550), 500_000), None);
        progress.passed(after(1000), 500_000).unwrap();
        assert!(progress.end(after(1000)).unwrap().contains("100% ####"));
        let mut all = ProgressLine::of_all(begun, 3);
        all.over();
        let line = all.passed(after(1000), 500_000).unwrap();
        assert_eq!(line, in_place("1 of 3 transfers    500 kB    500 kB/s  0:01"));
        assert_eq!(
            ProgressLine::new(begun, Progress::Line, 0, None).end(after(10)),
            None,
            "it was quick"
        );
        for (had, bytes, total) in [
            (0, 0, Some(u64::MAX)),
            (u64::MAX / 2, 1, Some(u64::MAX)),
            (5, 999_949_999, None),
            (0, 999_949_999, Some(999_949_999_999)),
            (0, 9, Some(3)),
            (0, 0, Some(0)),
        ] {
            for style in [Progress::Line, Progress::Bar] {
                let mut progress = ProgressLine::new(begun, style, had, total);
                let line = progress.passed(after(60_000), bytes).unwrap();
                let line = line.strip_prefix("\r\x1b[?7l").unwrap();
                let line = line.strip_suffix("\x1b[K\x1b[?7h").unwrap();
                assert!((1..=79).contains(&line.len()), "{} columns: {line}", line.len());
            }
        }
    }

    #[test]
    fn a_bar_from_the_beginning() {
        let begun = Instant::now();
        let mut progress = ProgressLine::new(begun, Progress::Bar, 0, Some(8));
        let bar = |full: usize, percent: &str| {
            in_place(&format!("{}{} {percent}%", "#".repeat(full), " ".repeat(72 - full)))
        };
        assert_eq!(progress.passed(begun, 1), Some(bar(9, " 12.5")));
        assert_eq!(progress.passed(begun, 7), None, "too soon");
        assert_eq!(progress.end(begun), Some(bar(72, "100.0") + "\n"));
    }

    #[test]
    fn pace() {
        let begun = Instant::now();
        let mut pace = RateLimit::new(begun, 1000);
        assert_eq!(pace.passed(begun, 500), Duration::from_millis(500));
        assert_eq!(pace.passed(begun + Duration::from_secs(2), 500), Duration::ZERO);
    }
}
