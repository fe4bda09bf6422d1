//! The worst waits over time: at most 60 slices, which become longer as the measurement does.

use std::time::Duration;

/// The maximal number of slices: a row on a terminal.
pub const SLICES: usize = 60;

/// The slices, from the end of the warm-up on.
#[derive(Debug, Clone)]
pub struct Timeline {
    width: Duration,
    slices: [Slice; SLICES],
    /// The number of slices up to the last one that is used.
    used: usize,
}

/// A slice of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// The longest wait of all requests that were due in it.
    pub worst: Duration,
    /// The number of responses that were complete in it.
    pub answers: u64,
}

impl Timeline {
    pub(super) fn new(expected: Option<Duration>) -> Timeline {
        // One slice is for the responses after the end.
        let width = expected.map_or(Duration::ZERO, |time| time / 59);
        let slices = [Slice::default(); SLICES];
        Timeline { width: width.max(Duration::from_millis(1)), slices, used: 0 }
    }

    /// Returns the length of a slice.
    pub fn width(&self) -> Duration {
        self.width
    }

    /// Returns the slices that were used.
    pub fn slices(&self) -> &[Slice] {
        &self.slices[..self.used]
    }

    /// Records the wait of a request that was due at this time.
    pub(super) fn waited(&mut self, due: Duration, time: Duration) {
        let slice = self.slice(due);
        slice.worst = slice.worst.max(time);
    }

    /// Counts a response that was complete at this time.
    pub(super) fn answered(&mut self, at: Duration) {
        self.slice(at).answers += 1;
    }

    pub(super) fn add(&mut self, other: &Timeline) {
        let mut other = other.clone();
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        for (mine, theirs) in self.slices.iter_mut().zip(other.slices) {
            mine.join(theirs);
        }
        self.used = self.used.max(other.used);
    }

    fn slice(&mut self, at: Duration) -> &mut Slice {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        loop {
            match usize::try_from(nanos(at) / nanos(self.width)) {
                Ok(index) if index < SLICES => {
                    self.used = self.used.max(index + 1);
                    return &mut self.slices[index];
                }
                _ => self.widen(),
            }
        }
    }

    /// Merges each two slices into one.
    fn widen(&mut self) {
        for at in 0..SLICES {
            let two = self.slices.get(2 * at..2 * at + 2).unwrap_or_default();
            let mut one = Slice::default();
            two.iter().for_each(|&slice| one.join(slice));
            self.slices[at] = one;
        }
        self.width *= 2;
        self.used = self.used.div_ceil(2);
    }
}

impl Slice {
    fn join(&mut self, other: Slice) {
        self.worst = self.worst.max(other.worst);
        self.answers += other.answers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_become_longer_and_nothing_is_lost() {
        let ms = Duration::from_millis;
        let mut line = Timeline::new(None);
        for at in 0..1000 {
            line.answered(ms(at));
            line.waited(ms(at), ms(if at == 500 { 70 } else { 1 }));
        }
        assert_eq!((line.width(), line.slices().len()), (ms(32), 32));
        assert_eq!(line.slices().iter().map(|slice| slice.answers).sum::<u64>(), 1000);
        let worst: Vec<_> = line.slices().iter().map(|slice| slice.worst).collect();
        assert_eq!(worst.iter().position(|&worst| worst == ms(70)), Some(500 / 32));
        let mut short = Timeline::new(Some(ms(59)));
        short.answered(ms(59));
        assert_eq!(short.slices().len(), SLICES, "an expected time fills the row");
        short.add(&line);
        assert_eq!(short.slices().iter().map(|slice| slice.answers).sum::<u64>(), 1001);
        assert_eq!(short.width(), ms(32));
    }
}
