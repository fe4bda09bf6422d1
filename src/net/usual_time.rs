//! The usual time of a piece of work: a decaying average in one atomic word.
//!
//! A driver reads it before the work begins, to decide whether other workers should serve the waiting
//! connections. Work that has not been measured yet counts as long.
//!
//! Work that *waits* leaves its core to other threads. Work that computes does not: more workers than
//! cores only make all of them slower, so computing counts only when it is very long. To tell the two
//! apart costs a microsecond ([`Meter`](super::thread_usage::Meter)). So short work is measured by the
//! clock alone, and exactly the next time after it has seemed long.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::thread_usage::Measured;
use super::worker_record::UNNAMED;

/// An average over about 16 measurements. Each counts for at most [`UsualTime::MOST`], so one measurement
/// that is long by chance does not make short work long; two in a row do.
#[derive(Debug)]
pub struct UsualTime {
    nanoseconds: AtomicU32,
    in_doubt: AtomicBool,
    /// The number of this kind of work.
    number: u32,
}

/// One measurement moves the average by 1/16 of the difference.
const WEIGHT: u32 = 16;

/// A change below 500 ns is not stored: two cores that measure the same work all the time would otherwise
/// contend for the cache line.
const NOTICEABLE: u32 = 500;

impl UsualTime {
    /// Work that usually takes longer than 50 µs is long: another worker is called before it begins. A call
    /// costs 5 to 10 µs of processor time, so it adds at most a fifth to such work, and two fifths on a
    /// machine half as fast; on a faster one calls become cheaper with everything else.
    pub const LONG: Duration = Duration::from_micros(50);

    /// Computing that takes less than 500 µs counts as zero. Beyond that the kernel's scheduler shares the
    /// cores better than one worker that serves one connection after another.
    pub const COMPUTES: Duration = Duration::from_micros(500);

    /// The most that one measurement counts: 400 µs, which moves the average by half of
    /// [`UsualTime::LONG`].
    pub const MOST: Duration = Duration::from_micros(400);

    /// Returns the time of work that has not been measured: 200 µs, until about 20 short measurements have
    /// shown that it is short.
    pub const fn unknown() -> UsualTime {
        UsualTime::new(200_000)
    }

    /// Returns the time of work that is probably short: 60 µs, until 3 short measurements have shown it.
    pub const fn probably_short() -> UsualTime {
        UsualTime::new(60_000)
    }

    const fn new(nanoseconds: u32) -> UsualTime {
        let (nanoseconds, in_doubt) = (AtomicU32::new(nanoseconds), AtomicBool::new(false));
        UsualTime { nanoseconds, in_doubt, number: UNNAMED }
    }

    /// Gives this kind of work a number, by which others see what a worker is doing.
    pub fn numbered(self, number: u32) -> UsualTime {
        UsualTime { number, ..self }
    }

    /// Returns the number of this kind of work.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns the average.
    pub fn get(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed).into())
    }

    /// Returns true if the work usually takes longer than [`UsualTime::LONG`].
    pub fn is_long(&self) -> bool {
        self.get() > UsualTime::LONG
    }

    /// Returns true if the next time should be measured exactly: the work is long, or seemed so.
    pub fn is_metered(&self) -> bool {
        self.is_long() || self.in_doubt.load(Ordering::Relaxed)
    }

    /// Records a time by the clock. A long one may mean that the kernel gave the core to another thread, so
    /// it does not count, and the next one is measured exactly.
    pub fn record_by_clock(&self, took: Duration) {
        if took > UsualTime::LONG {
            self.in_doubt.store(true, Ordering::Relaxed);
        } else {
            self.record(took);
        }
    }

    /// Records an exact time. A short one ends the doubt.
    pub fn record_exactly(&self, Measured { waited, computed }: Measured) {
        let computed = if computed >= UsualTime::COMPUTES { computed } else { Duration::ZERO };
        let took = waited + computed;
        self.in_doubt.store(took > UsualTime::LONG, Ordering::Relaxed);
        self.record(took);
    }

    /// Takes a measurement into the average. When two threads do so at once, one of the two may be lost.
    pub fn record(&self, took: Duration) {
        let took = u32::try_from(took.min(UsualTime::MOST).as_nanos()).unwrap_or(u32::MAX);
        let before = self.nanoseconds.load(Ordering::Relaxed);
        let after = before - before / WEIGHT + took / WEIGHT;
        if after.abs_diff(before) >= NOTICEABLE {
            self.nanoseconds.store(after, Ordering::Relaxed);
        }
    }
}

impl Default for UsualTime {
    fn default() -> UsualTime {
        UsualTime::unknown()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    fn after(measurements: impl IntoIterator<Item = Duration>) -> Duration {
        let time = UsualTime::unknown();
        measurements.into_iter().for_each(|took| time.record(took));
        time.get()
    }

    #[test]
    fn the_average_follows_the_measurements() {
        for (what, took, times, least, most) in [
            ("unknown", MICROSECOND, 0, 200, 200),
            ("short ones, for a short while", 3 * MICROSECOND, 10, 100, 120),
            ("short ones", 3 * MICROSECOND, 25, 20, 50),
            ("many short ones", 3 * MICROSECOND, 1000, 3, 12),
            ("long ones", 5000 * MICROSECOND, 100, 380, 400),
        ] {
            let average = after(std::iter::repeat_n(took, times)).as_micros();
            assert!((least..=most).contains(&average), "{what}: {average}");
        }
    }

    fn waited(times: u32) -> Measured {
        Measured { waited: times * MICROSECOND, computed: MICROSECOND }
    }

    #[test]
    fn short_work_that_seems_long_is_measured_exactly_before_it_counts() {
        let time = UsualTime::unknown();
        (0..1000).for_each(|_| time.record_exactly(waited(3)));
        let short = time.get();
        assert!(!time.is_metered());
        time.record_by_clock(5000 * MICROSECOND);
        assert!(time.is_metered() && time.get() == short, "it does not count");
        time.record_exactly(waited(3));
        assert!(!time.is_metered(), "the kernel gave the core away");
        time.record_by_clock(5000 * MICROSECOND);
        (0..2).for_each(|_| time.record_exactly(waited(5000)));
        assert!(time.is_long(), "the work is long");
    }

    #[test]
    fn work_that_computes_is_long_when_it_is_very_long() {
        for (microseconds, is_long) in [(100, false), (499, false), (500, true), (5000, true)] {
            let time = UsualTime::unknown();
            let computed = microseconds * MICROSECOND;
            (0..100).for_each(|_| time.record_exactly(Measured { waited: MICROSECOND, computed }));
            assert_eq!(time.is_long(), is_long, "{microseconds}");
        }
    }

    #[test]
    fn probably_short_work_counts_as_long_until_it_is_measured() {
        let time = UsualTime::probably_short();
        for (measurement, is_long) in [true, true, true, false].into_iter().enumerate() {
            assert_eq!(time.is_long(), is_long, "after {measurement}");
            time.record(MICROSECOND);
        }
    }

    #[test]
    fn one_long_measurement_does_not_make_work_long_and_two_do() {
        let short = || std::iter::repeat_n(3 * MICROSECOND, 1000);
        let long = |times| std::iter::repeat_n(Duration::from_secs(60), times);
        let one = after(short().chain(long(1)));
        assert!((25..40).contains(&one.as_micros()), "{one:?}");
        let two = after(short().chain(long(2)));
        assert!(two > UsualTime::LONG, "{two:?}");
        let over = after(short().chain(long(2)).chain(short().take(8)));
        assert!(over < UsualTime::LONG, "{over:?}");
    }
}
