//! What has been measured, in a fixed amount of memory for any number of requests.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::failure::Failure;
use super::timeline::Timeline;
use super::url_tally::UrlTally;
use crate::proto::http::status::Status;

/// The figures of one thread or, added up, of all.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Complete responses, of any status, to requests that were due in the measured time.
    pub answers: u64,
    /// Responses that were complete in the measured time: those to requests of the warm-up are among them, and
    /// those that came after the end are not.
    pub in_time: u64,
    /// Bytes of responses since the warm-up, heads and framing included.
    pub bytes: u64,
    /// Those of them that arrived in the measured time.
    pub bytes_in_time: u64,
    /// The number of connections made, those of the warm-up included.
    pub connections: u64,
    /// The number of requests that failed, by reason.
    pub failures: Vec<(Failure, u64)>,
    /// The time from when a request was due until its response was complete, or its time was up, in
    /// nanoseconds. In a closed loop a request is due when its connection is free; a new connection
    /// counts, too.
    pub from_due: Histogram<u64>,
    /// The same from when it was sent, without the time that requests waited to be sent.
    pub from_sent: Histogram<u64>,
    /// The worst waits over time.
    pub timeline: Timeline,
    /// Requests that were sent more than [`LATE_THRESHOLD`] after they were due although a connection was free.
    pub late: u64,
    /// The number of responses of each status.
    statuses: Vec<u64>,
    /// The figures of each URL, if there are several.
    pub urls: Vec<UrlTally>,
}

/// A request sent later than possible by more than this was held up by the generator itself.
pub const LATE_THRESHOLD: Duration = Duration::from_millis(1);

/// The longest time that can be distinguished.
const LONGEST: Duration = Duration::from_secs(3600);

impl Tally {
    /// Returns an empty tally for this number of URLs. `expected` is the duration, if known.
    pub(super) fn new(expected: Option<Duration>, urls: usize) -> Tally {
        // Three digits: no value is off by more than a thousandth.
        let histogram = || {
            Histogram::new_with_bounds(1, nanos(LONGEST), 3).expect("bounds and digits are right")
        };
        Tally {
            answers: 0,
            in_time: 0,
            bytes: 0,
            bytes_in_time: 0,
            connections: 0,
            failures: Vec::new(),
            from_due: histogram(),
            from_sent: histogram(),
            timeline: Timeline::new(expected),
            late: 0,
            statuses: vec![0; 1000],
            urls: vec![UrlTally::new(); if urls > 1 { urls } else { 0 }],
        }
    }

    /// Counts a complete response: its time since it was due, and since it was sent.
    pub(super) fn answered(&mut self, status: Status, from_due: Duration, from_sent: Duration) {
        self.answers += 1;
        if let Some(count) = self.statuses.get_mut(usize::from(status.code())) {
            *count += 1;
        }
        self.took(from_due, from_sent);
    }

    /// Counts a request that was due for this long without a free connection.
    pub(super) fn never_sent(&mut self, from_due: Duration) {
        self.failed(Failure::NeverSent, 1);
        self.from_due.saturating_record(nanos(from_due));
    }

    /// Records the time until the response, or until the time was up.
    pub(super) fn took(&mut self, from_due: Duration, from_sent: Duration) {
        self.from_due.saturating_record(nanos(from_due));
        self.from_sent.saturating_record(nanos(from_sent));
    }

    pub(super) fn failed(&mut self, failure: Failure, times: u64) {
        match self.failures.iter_mut().find(|(known, _)| *known == failure) {
            Some((_, count)) => *count += times,
            None => self.failures.push((failure, times)),
        }
    }

    /// Adds the figures of another thread.
    pub(super) fn add(&mut self, other: &Tally) {
        self.answers += other.answers;
        self.in_time += other.in_time;
        self.bytes += other.bytes;
        self.bytes_in_time += other.bytes_in_time;
        self.connections += other.connections;
        self.late += other.late;
        other.failures.iter().for_each(|&(failure, times)| self.failed(failure, times));
        for (mine, theirs) in self.statuses.iter_mut().zip(&other.statuses) {
            *mine += theirs;
        }
        self.from_due.add(&other.from_due).expect("the bounds are the same");
        self.from_sent.add(&other.from_sent).expect("the bounds are the same");
        self.timeline.add(&other.timeline);
        self.urls.iter_mut().zip(&other.urls).for_each(|(mine, theirs)| mine.add(theirs));
    }

    /// Returns each status received, and how often.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        (0..)
            .zip(&self.statuses)
            .filter(|&(_, &count)| count > 0)
            .map(|(code, &count)| (code, count))
    }

    /// Returns the number of responses with another status than 2xx.
    pub fn not_2xx(&self) -> u64 {
        let wrong = self.statuses().filter(|(code, _)| !(200..300).contains(code));
        wrong.map(|(_, count)| count).sum()
    }
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_add_up() {
        let ms = Duration::from_millis;
        let (mut one, mut other) = (Tally::new(None, 1), Tally::new(None, 1));
        one.answered(Status::OK, ms(3), ms(1));
        other.answered(Status::OK, ms(3), ms(2));
        other.answered(Status::NOT_FOUND, ms(900), ms(2));
        other.failed(Failure::NoResponse, 2);
        one.failed(Failure::CutShort, 1);
        one.failed(Failure::NoResponse, 1);
        one.add(&other);
        assert_eq!(one.statuses().collect::<Vec<_>>(), [(200, 2), (404, 1)]);
        assert_eq!((one.answers, one.not_2xx()), (3, 1));
        assert_eq!(one.failures, [(Failure::CutShort, 1), (Failure::NoResponse, 3)]);
        let p50 = one.from_due.value_at_quantile(0.5);
        assert!((2_990_000..3_010_000).contains(&p50), "{p50}");
        assert!(one.from_due.max() >= 900_000_000 && one.from_sent.max() < 3_000_000);
    }
}
