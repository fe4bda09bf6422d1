//! How the textbook waits: reads and writes that block, each with a deadline.
//!
//! The socket's timeouts end a blocked read(2) or write(2) after 100 ms. Then the worker checks whether
//! the deadline has passed, the server stops, or others wait for a worker.

use std::io;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::conn::connection_io::ConnectionIo;
use super::conn::faulty::why_broken;
use super::conn::{Context, Http};
use crate::net::deadline::{Deadline, Phase};
use crate::net::errors::nothing_yet;
use crate::net::service::Driver;
use crate::net::socket::is_readable_within;
use crate::net::stop_signal::StopSignal;
use crate::net::usual_time::UsualTime;
use crate::net::waker::Waker;
use crate::net::worker_record::{SENDING, UNNAMED, WorkerRecord};
use crate::pool::Backlog;
use crate::proto::http::close::CloseReason;

/// The longest that a worker blocks before it checks whether others wait, the server stops, or a
/// deadline has passed.
pub(super) const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// A connection and what its worker needs.
pub(super) struct TextbookConnection<'a> {
    pub(super) http: &'a Http,
    pub(super) context: Context<'a>,
    pub(super) io: ConnectionIo,
    pub(super) waiting: &'a Backlog<'a>,
    pub(super) stop: &'a StopSignal,
    pub(super) record: &'a WorkerRecord,
    /// How long the connection waited for a worker; `None` after the first read.
    pub(super) queued: Option<Duration>,
}

/// Why a connection ends: at once, or lingering, as the client may still be sending.
pub(super) enum End {
    AtOnce(CloseReason),
    Lingering(CloseReason),
}

impl TextbookConnection<'_> {
    /// Reads what the client has sent, and waits for it; returns false when the deadline has passed.
    pub(super) fn read(&mut self, deadline: Deadline) -> Result<bool, End> {
        // What the last read brought after the deadline does not extend it.
        if deadline.has_passed(self.context.start) {
            return Ok(false);
        }
        self.flush()?;
        self.record.begin(UNNAMED);
        loop {
            self.check_stop()?;
            let queued = self.queued.take().unwrap_or_default();
            match self.io.read(self.context.stream) {
                Ok(_) => {
                    let now = Instant::now();
                    self.context.start = now;
                    self.io.timing.reads(now.checked_sub(queued).unwrap_or(now));
                    return Ok(true);
                }
                Err(error) if nothing_yet(&error) || error.kind() == io::ErrorKind::Interrupted => {
                }
                Err(error) => return Err(self.broken(&error)),
            }
            // What had arrived in time has been read by now.
            self.check_idle(deadline.phase)?;
            if deadline.has_passed(Instant::now()) {
                return Ok(false);
            }
        }
    }

    /// Writes all that is in the output, and waits for the client to make room.
    pub(super) fn flush(&mut self) -> Result<(), End> {
        loop {
            let written = self.io.flush(self.context.stream, &self.http.limits);
            written.map_err(|error| self.broken(&error))?;
            self.http.count_bytes(&mut self.io);
            if self.io.output.bytes.is_empty() {
                return Ok(());
            }
            self.record.begin(SENDING);
            self.check_stop()?;
            self.check_write_deadline()?;
        }
    }

    /// Sends what is left, after which the connection ends for `why`. Lingers unless the client has
    /// closed its side, so that no reset overtakes the response.
    pub(super) fn finish(&mut self, why: CloseReason) -> End {
        let flushed = self.flush();
        self.io.end_session(self.context.stream);
        match flushed {
            Ok(()) if !self.io.input.is_closed() => End::Lingering(why),
            _ => End::AtOnce(why),
        }
    }

    /// Ends the connection when the time to stop has run out.
    pub(super) fn check_stop(&self) -> Result<(), End> {
        if self.stop.deadline().is_some_and(|end| Instant::now() >= end) {
            self.http.count_cut();
            return Err(End::AtOnce(CloseReason::Stopping));
        }
        Ok(())
    }

    /// Ends an idle connection when the server stops, or others wait for a worker.
    fn check_idle(&self, phase: Phase) -> Result<(), End> {
        match phase {
            phase if self.stop.ends_wait(phase) => Err(End::AtOnce(CloseReason::Stopping)),
            Phase::Idle if self.waiting.is_waiting() => Err(End::AtOnce(CloseReason::WeAsked)),
            _ => Ok(()),
        }
    }

    /// Ends the connection when the client has made no room in time.
    pub(super) fn check_write_deadline(&self) -> Result<(), End> {
        match self.io.output.deadline(&self.http.limits) {
            Some(deadline) if deadline.has_passed(Instant::now()) => {
                Err(End::AtOnce(CloseReason::SlowReader))
            }
            _ => Ok(()),
        }
    }

    /// Waits until the worker is woken, or `until`; not longer than the interval of its checks.
    pub(super) fn wait_for_push(&mut self, until: Instant) -> Result<(), End> {
        self.pause(until)?;
        let is_readable = is_readable_within(self.context.stream, Duration::ZERO);
        if is_readable
            && !self.io.listen(self.context.stream).map_err(|error| self.broken(&error))?
        {
            return Err(End::AtOnce(CloseReason::PeerLeft));
        }
        Ok(())
    }

    /// Waits without looking at what the client does.
    pub(super) fn pause(&mut self, until: Instant) -> Result<(), End> {
        self.flush()?;
        let left = until.saturating_duration_since(Instant::now());
        thread::park_timeout(left.min(CHECK_INTERVAL));
        Ok(())
    }

    /// Ends the connection because it is broken.
    pub(super) fn broken(&self, error: &io::Error) -> End {
        End::AtOnce(why_broken(error, self.io.peer))
    }
}

/// The textbook as a driver. Each worker has one connection, so it need not be told before long work.
#[derive(Clone, Copy)]
pub(super) struct Textbook<'a> {
    pub(super) waiting: &'a Backlog<'a>,
    pub(super) stop: &'a StopSignal,
    pub(super) record: &'a WorkerRecord,
}

impl Driver for Textbook<'_> {
    fn may_keep(&self) -> bool {
        !self.stop.is_requested() && !self.waiting.is_waiting()
    }

    /// Wakes the worker, which waits in [`TextbookConnection::wait_for_push`].
    fn waker(&self) -> Waker {
        let worker = thread::current();
        Waker::new(move || worker.unpark())
    }

    fn before(&self, usual: &UsualTime) {
        self.record.begin(usual.number());
    }

    fn after(&self, usual: &UsualTime, took: Duration) {
        self.record.end(usual.number());
        usual.record(took);
    }

    fn sends(&self) {
        self.record.begin(SENDING);
    }
}

pub(super) fn set_timeouts(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(CHECK_INTERVAL))?;
    stream.set_write_timeout(Some(CHECK_INTERVAL))
}
