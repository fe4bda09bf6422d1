//! The figures of one of several URLs.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::tally::nanos;
use crate::proto::http::status::Status;

/// What has been measured of one URL, in a few kilobytes.
#[derive(Debug, Clone)]
pub struct UrlTally {
    /// Complete responses, of any status.
    pub answers: u64,
    /// Those with another status than 2xx.
    pub not_2xx: u64,
    /// Requests that were sent and have no complete response.
    pub failed: u64,
    /// The time of each response from when its request was due, in nanoseconds; those that timed out are among them.
    pub from_due: Histogram<u32>,
}

impl UrlTally {
    pub(super) fn new() -> UrlTally {
        // Two digits: no value is off by more than a hundredth. It grows with the longest time.
        let from_due = Histogram::new(2).expect("the number of digits is right");
        UrlTally { answers: 0, not_2xx: 0, failed: 0, from_due }
    }

    pub(super) fn answered(&mut self, status: Status, from_due: Duration) {
        self.answers += 1;
        self.not_2xx += u64::from(!(200..300).contains(&status.code()));
        self.took(from_due);
    }

    /// Records the time until the response, or until the time was up.
    pub(super) fn took(&mut self, from_due: Duration) {
        self.from_due.record(nanos(from_due)).expect("it grows as it needs to");
    }

    /// Adds the figures of another thread.
    pub(super) fn add(&mut self, other: &UrlTally) {
        self.answers += other.answers;
        self.not_2xx += other.not_2xx;
        self.failed += other.failed;
        self.from_due.add(&other.from_due).expect("it grows as it needs to");
    }
}
