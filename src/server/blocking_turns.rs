//! How the textbook serves another protocol: it takes the turns of the lobby, and waits between them.

use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::blocking::{CHECK_INTERVAL, Textbook, set_timeouts};
use crate::net::deadline::{Deadline, Phase};
use crate::net::linger::linger;
use crate::net::service::{EndReason, Next, ProtocolConnection};
use crate::net::socket::{is_readable_within, is_writable_within};

/// A connection that a worker keeps until it ends.
pub(super) struct BlockingTurns<'a> {
    pub(super) connection: &'a mut dyn ProtocolConnection,
    pub(super) stream: &'a TcpStream,
    pub(super) driver: Textbook<'a>,
}

/// How a wait has ended.
enum Waited {
    /// There is something to read, or room to write.
    Ready,
    /// The deadline has passed.
    Expired,
    /// The connection ends.
    Ended(EndReason),
}

impl BlockingTurns<'_> {
    /// Takes turns until the connection ends, the first one at once. It was ready for `queued`.
    pub(super) fn serve(mut self, queued: Duration) -> EndReason {
        if self.stream.set_nonblocking(true).is_err() {
            return EndReason::ByService;
        }
        let mut begun = Instant::now();
        let mut next = self.turn(queued);
        loop {
            let waited = match next {
                Next::Yield if self.is_out_of_time() => Waited::Ended(EndReason::Cut),
                Next::Yield => Waited::Ready,
                // What the last turn has read after the deadline does not extend it.
                Next::Readable(deadline) if deadline.has_passed(begun) => Waited::Expired,
                Next::Readable(deadline) => self.wait(deadline, is_readable_within),
                Next::Writable(deadline) => self.wait(deadline, is_writable_within),
                Next::Close => Waited::Ended(EndReason::ByService),
                Next::Linger => {
                    self.linger();
                    Waited::Ended(EndReason::ByService)
                }
            };
            begun = Instant::now();
            next = match (waited, next) {
                (Waited::Ended(why), _) => return why,
                (Waited::Expired, Next::Readable(deadline) | Next::Writable(deadline)) => {
                    self.expired(deadline.phase)
                }
                (Waited::Ready | Waited::Expired, _) => self.turn(Duration::ZERO),
            };
        }
    }

    /// Takes a turn. One that panics is the last.
    fn turn(&mut self, queued: Duration) -> Next {
        let turn = || self.connection.turn(self.stream, &self.driver, queued);
        catch_unwind(AssertUnwindSafe(turn)).unwrap_or(Next::Close)
    }

    fn expired(&mut self, phase: Phase) -> Next {
        let expired = || self.connection.expired(self.stream, phase);
        catch_unwind(AssertUnwindSafe(expired)).unwrap_or(Next::Close)
    }

    /// Waits with `ready_within`. Every 100 ms it checks whether the server stops, or others wait.
    fn wait(
        &self,
        deadline: Deadline,
        ready_within: impl Fn(&TcpStream, Duration) -> bool,
    ) -> Waited {
        let Textbook { waiting, stop, .. } = self.driver;
        loop {
            let left = deadline.remaining(Instant::now());
            if ready_within(self.stream, left.unwrap_or_default().min(CHECK_INTERVAL)) {
                return Waited::Ready;
            }
            match deadline.phase {
                _ if self.is_out_of_time() => return Waited::Ended(EndReason::Cut),
                phase if stop.ends_wait(phase) => return Waited::Ended(EndReason::Stopping),
                Phase::Idle if waiting.is_waiting() => return Waited::Ended(EndReason::ByService),
                _ if left.is_none() => return Waited::Expired,
                _ => {}
            }
        }
    }

    /// Returns true if the time to stop has run out.
    fn is_out_of_time(&self) -> bool {
        self.driver.stop.deadline().is_some_and(|end| Instant::now() >= end)
    }

    fn linger(&self) {
        let Textbook { waiting, stop, .. } = self.driver;
        if self.stream.set_nonblocking(false).and_then(|()| set_timeouts(self.stream)).is_ok() {
            linger(self.stream, || stop.is_requested() || waiting.is_waiting());
        }
    }
}
