//! What is past its deadline: connections that open, responses that are awaited, requests never sent.

use std::io;
use std::time::Instant;

use super::Driver;
use crate::command::bench::load::connection::Link;
use crate::command::bench::load::failure::{Cause, Failure};
use crate::command::bench::load::schedule::NextRequest;

impl Driver<'_> {
    /// Ends what is past its deadline, and tries connections again after their pause.
    pub(super) fn check_deadlines(&mut self, now: Instant) -> io::Result<()> {
        let patience = self.job.plan.patience;
        let has_expired = |since: Instant| now.saturating_duration_since(since) >= patience;
        for at in 0..self.connections.len() {
            match &self.connections[at].link {
                Link::Down => self.open(at, now)?,
                Link::Resting(until) if *until <= now => self.open(at, now)?,
                &Link::Opening(_, begun, due) if has_expired(begun) => {
                    self.not_connected(at, Cause::TIMED_OUT, due, now);
                }
                Link::Up(_)
                    if self.connections[at]
                        .outstanding
                        .front()
                        .is_some_and(|first| has_expired(first.sent)) =>
                {
                    self.close(at, Failure::OutOfTime, now);
                    self.open(at, now)?;
                }
                _ => {}
            }
        }
        if !self.is_closed_loop() {
            self.fail_overdue(now);
        }
        self.publish_progress();
        Ok(())
    }

    /// Counts requests that were due for too long as failed, though they were never sent.
    fn fail_overdue(&mut self, now: Instant) {
        let patience = self.job.plan.patience;
        let Some(past) = now.checked_sub(patience) else { return };
        while let NextRequest::Due(due) = self.schedule.next(past) {
            self.seen.1 += 1;
            if self.schedule.is_measured(due) {
                self.tally.never_sent(patience);
                let start = self.job.begin + self.job.plan.warm_up;
                self.tally.timeline.waited(due - start, patience);
            }
        }
    }
}
