//! How far a download is, in one line that fits into 79 columns and is written again and again; and
//! `--limit-rate`, which holds it back.
//!
//! The line comes after half a second, so that what is quick makes no noise, and ten times a second.

use std::time::{Duration, Instant};

use crate::text::{clock, size};

/// Before that there is no line.
const PATIENCE: Duration = Duration::from_millis(500);
/// The line is written again after so long.
const PAUSE: Duration = Duration::from_millis(100);
/// How wide the bar is, in columns.
const BAR: usize = 24;

/// A body on its way.
#[derive(Debug)]
pub struct ProgressLine {
    begun: Instant,
    shown: Option<Instant>,
    /// How many bytes had come at an earlier time.
    had: u64,
    has: u64,
    /// How many there will be, where that is known.
    total: Option<u64>,
    /// How many transfers are over, and how many there are, where it is the line of all of them.
    transfers: Option<(usize, usize)>,
}

impl ProgressLine {
    /// A body begins; so much of it is there, so much there will be.
    pub fn new(now: Instant, had: u64, total: Option<u64>) -> ProgressLine {
        ProgressLine { begun: now, shown: None, had, has: had, total, transfers: None }
    }

    /// So many transfers begin, which share a line.
    pub fn of_all(now: Instant, transfers: usize) -> ProgressLine {
        ProgressLine { transfers: Some((0, transfers)), ..ProgressLine::new(now, 0, None) }
    }

    /// One of them is over.
    pub fn over(&mut self) {
        self.transfers = self.transfers.map(|(over, all)| (over + 1, all));
    }

    /// So many bytes came: what is to be written to the terminal, if it is time for that.
    pub fn passed(&mut self, now: Instant, bytes: u64) -> Option<String> {
        self.has += bytes;
        let due = match self.shown {
            Some(shown) => now >= shown + PAUSE,
            None => now >= self.begun + PATIENCE,
        };
        due.then(|| {
            self.shown = Some(now);
            in_place(&self.line(now))
        })
    }

    /// It is over: the last line, if there was one before.
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
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to BAR")]
        let full = (part * BAR as f64) as usize;
        let bar = "#".repeat(full) + &".".repeat(BAR - full);
        let time = match total - self.has {
            0 => format!("in {}", clock(seconds)),
            left => format!("{} left", clock(left as f64 / speed.max(1.0))),
        };
        let (percent, of) = (part * 100.0, size(total as f64));
        format!("{percent:>3.0}% {bar} {has:>8} of {of}  {speed_text:>8}/s  {time}")
    }
}

/// Over the line that is there. A terminal that is narrower cuts it off (DECAWM), and makes no second one.
fn in_place(line: &str) -> String {
    format!("\r\x1b[?7l{line}\x1b[K\x1b[?7h")
}

/// Holds a body back, so that no more than `rate` bytes a second come.
#[derive(Debug)]
pub struct RateLimit {
    begun: Instant,
    rate: u64,
    passed: u64,
}

impl RateLimit {
    /// So many bytes a second, from now on.
    pub fn new(now: Instant, rate: u64) -> RateLimit {
        RateLimit { begun: now, rate: rate.max(1), passed: 0 }
    }

    /// So many bytes came: how long to wait before more are taken.
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
        let mut progress = ProgressLine::new(begun, 0, Some(2_000_000));
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
        assert_eq!(ProgressLine::new(begun, 0, None).end(after(10)), None, "it was quick");
        for (had, bytes, total) in [
            (0, 0, Some(u64::MAX)),
            (u64::MAX / 2, 1, Some(u64::MAX)),
            (5, 999_949_999, None),
            (0, 999_949_999, Some(999_949_999_999)),
            (0, 9, Some(3)),
            (0, 0, Some(0)),
        ] {
            let mut progress = ProgressLine::new(begun, had, total);
            let line = progress.passed(after(60_000), bytes).unwrap();
            let line = line.strip_prefix("\r\x1b[?7l").unwrap();
            let line = line.strip_suffix("\x1b[K\x1b[?7h").unwrap();
            assert!((1..=79).contains(&line.len()), "{} columns: {line}", line.len());
        }
    }

    #[test]
    fn pace() {
        let begun = Instant::now();
        let mut pace = RateLimit::new(begun, 1000);
        assert_eq!(pace.passed(begun, 500), Duration::from_millis(500));
        assert_eq!(pace.passed(begun + Duration::from_secs(2), 500), Duration::ZERO);
    }
}
