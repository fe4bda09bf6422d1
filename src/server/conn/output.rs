//! The output of a connection: bytes that are still to be sent, and how long the client may take.
//!
//! A client that takes nothing is given up; one that takes little but steadily is not. Time spent waiting
//! for room is used up, and each byte taken earns time at the minimum rate. The kernels in between report
//! a slow reader's progress in lumps: over loopback a reader of 1 KB/s makes room every two minutes, and
//! until then it looks like one that reads nothing. So a client may be one lump late, besides the grace
//! period.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::net::deadline::{Deadline, Phase, time_for};
use crate::net::errors::nothing_yet;
use crate::net::socket;
use crate::proto::http::limits::Limits;
use crate::tls::Session;

/// Once this much has been gathered it is sent: 64 KB.
const LARGE: usize = 64 << 10;

/// How much a client may have read without its kernel having reported it: 128 KB. Over loopback, where
/// segments are largest, lumps of 48 to 190 KB were measured; a client that reads at twice the minimum
/// rate is never given up.
const LUMP: u64 = 128 << 10;

/// How much of a file has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// This many bytes.
    Some(usize),
    /// None: the socket's send buffer is full.
    NoRoom,
    /// None: the file is at its end, or is of a kind that has to be read.
    Nothing,
}

/// Bytes that have not been sent yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// New bytes are appended here; sent ones are removed.
    pub(crate) bytes: Vec<u8>,
    /// Since when the socket's send buffer has been full.
    stalled: Option<Instant>,
    /// How long it has been waited for, less the time it has earned since.
    used: Duration,
    /// Bytes sent since the counters were last updated.
    pub(crate) counted: usize,
}

impl Output {
    /// Borrows a buffer to gather in, if it has none.
    pub(crate) fn borrow(&mut self, buffer: &mut Vec<u8>) {
        if self.bytes.capacity() == 0 {
            self.bytes = std::mem::take(buffer);
        }
    }

    /// Gives the buffer back, if nothing is left in it.
    pub(crate) fn give_back(&mut self, buffer: &mut Vec<u8>) {
        if self.bytes.is_empty() {
            let bytes = std::mem::take(&mut self.bytes);
            if buffer.capacity() == 0 {
                *buffer = bytes;
            }
        }
    }

    /// Returns true if the output has to be sent before more is gathered: it is large, or the client has
    /// had no room for it.
    pub(crate) fn is_large(&self) -> bool {
        self.bytes.len() >= LARGE || self.stalled.is_some() && !self.bytes.is_empty()
    }

    /// Writes once, if there is anything to write, encrypted if there is a session. Returns how many bytes were taken,
    /// which may be 0.
    pub(crate) fn flush(
        &mut self,
        mut stream: &TcpStream,
        session: Option<&mut Session>,
        limits: &Limits,
    ) -> io::Result<usize> {
        match session {
            None => self.flush_by(|bytes| stream.write(bytes), limits),
            Some(session) => self.flush_by(|bytes| session.write(stream, bytes), limits),
        }
    }

    fn flush_by(
        &mut self,
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
        limits: &Limits,
    ) -> io::Result<usize> {
        if self.bytes.is_empty() {
            return Ok(0);
        }
        let taken = match write(&self.bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            outcome => or_no_room(outcome)?,
        };
        self.bytes.drain(..taken);
        self.record_progress(taken, !self.bytes.is_empty(), limits);
        Ok(taken)
    }

    /// Sends what has been gathered, followed by up to `most` bytes of a file (sendfile(2)): from the
    /// offset `at` in it, or from its current position.
    pub(crate) fn send_file(
        &mut self,
        stream: &TcpStream,
        (file, at): (&File, Option<u64>),
        most: usize,
        limits: &Limits,
    ) -> io::Result<Passed> {
        self.flush_by(|bytes| socket::send_with_more(stream, bytes), limits)?;
        if !self.bytes.is_empty() {
            return Ok(Passed::NoRoom);
        }
        let outcome = match socket::send_file(stream, file, at, most) {
            Ok(0) => None,
            Err(error)
                if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) =>
            {
                None
            }
            outcome => Some(or_no_room(outcome)?),
        };
        let taken = outcome.unwrap_or_default();
        self.record_progress(taken, outcome == Some(0), limits);
        Ok(match outcome {
            None => Passed::Nothing,
            Some(0) => Passed::NoRoom,
            Some(taken) => Passed::Some(taken),
        })
    }

    /// Records how much the client took, and whether it has no more room.
    fn record_progress(&mut self, taken: usize, stalled: bool, limits: &Limits) {
        self.counted += taken;
        // Most responses are taken at once, and need no clock.
        if self.stalled.is_some() || stalled || !self.used.is_zero() {
            self.update(taken as u64, stalled, Instant::now(), limits);
        }
    }

    /// Adds the time waited until now, and subtracts the time earned.
    fn update(&mut self, taken: u64, stalled: bool, now: Instant, limits: &Limits) {
        let waited = self.stalled.map_or(Duration::ZERO, |since| now.duration_since(since));
        self.used = (self.used + waited).saturating_sub(time_for(taken, limits.transfer_rate));
        self.stalled = stalled.then_some(now);
    }

    /// Returns until when the client must have made room, if it has none.
    pub(crate) fn deadline(&self, limits: &Limits) -> Option<Deadline> {
        let stalled = self.stalled?;
        let Limits { transfer_grace: grace, transfer_rate: rate, .. } = *limits;
        let left = grace.saturating_add(time_for(LUMP, rate)).saturating_sub(self.used);
        Some(Deadline::after(stalled, left, Phase::Write))
    }
}

/// Treats "no room" as 0 bytes taken.
fn or_no_room(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(error) if nothing_yet(&error) || error.kind() == ErrorKind::Interrupted => Ok(0),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Returns how long a client is served that takes `lump` bytes every `pause`; `None` if without limit.
    fn lifetime(lump: u64, pause: Duration) -> Option<Duration> {
        let limits = Limits::default();
        let begun = Instant::now();
        let mut output = Output::default();
        output.update(0, true, begun, &limits);
        for round in 1..10_000 {
            let now = begun + pause * round;
            let deadline = output.deadline(&limits).expect("it is stalled");
            if deadline.has_passed(now) {
                return Some(deadline.at.duration_since(begun));
            }
            output.update(lump, true, now, &limits);
        }
        None
    }

    #[test]
    fn what_has_been_sent_is_not_kept() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut output = Output { bytes: vec![b'x'; 32 << 20], ..Output::default() };
        let mut left = output.bytes.len();
        while left > 0 {
            left -= output.flush(&stream, None, &Limits::default()).unwrap();
            assert_eq!((output.bytes.len(), output.stalled.is_some()), (left, left > 0));
            let taken = io::Read::read(&mut peer, &mut vec![0; 1 << 20]).unwrap();
            assert!(taken > 0);
        }
    }

    /// What is gathered goes first; the driver waits for a peer without room; and at the end of the file,
    /// even before the announced length, it waits no more.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_follows_what_has_been_gathered() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        nix::sys::socket::setsockopt(&stream, nix::sys::socket::sockopt::SndBuf, &65536).unwrap();
        nix::sys::socket::setsockopt(&peer, nix::sys::socket::sockopt::RcvBuf, &65536).unwrap();
        let path = std::env::temp_dir().join(format!("threadbare-sent-{}", std::process::id()));
        std::fs::write(&path, vec![b'x'; 32 << 20]).unwrap();
        let file = File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let mut output = Output { bytes: b"head".to_vec(), ..Output::default() };
        let (mut stalls, mut got) = (0, Vec::new());
        loop {
            let passed =
                output.send_file(&stream, (&file, None), 1 << 20, &Limits::default()).unwrap();
            assert_eq!(output.stalled.is_some(), passed == Passed::NoRoom);
            match passed {
                Passed::Some(_) => {}
                Passed::NoRoom => {
                    stalls += 1;
                    let mut piece = vec![0; 1 << 20];
                    let taken = io::Read::read(&mut peer, &mut piece).unwrap();
                    got.extend_from_slice(&piece[..taken]);
                }
                Passed::Nothing => break,
            }
        }
        drop(stream);
        io::Read::read_to_end(&mut peer, &mut got).unwrap();
        assert!(stalls > 0, "it had room for all of it");
        assert_eq!(&got[..5], b"headx");
        assert_eq!((got.len(), output.counted), ((32 << 20) + 4, (32 << 20) + 4));
    }

    #[test]
    fn a_client_at_twice_the_minimum_rate_is_kept_however_large_the_lumps() {
        let lumps = [(1_000, SECOND), (64 << 10, 65 * SECOND), (2 * LUMP, 262 * SECOND)];
        for (lump, pause) in lumps {
            assert_eq!(lifetime(lump, pause), None, "{lump} bytes every {pause:?}");
        }
    }

    #[test]
    fn a_client_below_the_minimum_rate_ends_and_one_that_takes_nothing_ends_first() {
        let nothing = lifetime(0, SECOND).expect("it ends");
        assert_eq!(nothing.as_secs(), 20 + LUMP / 500);
        for (lump, pause) in [(1, SECOND), (400, SECOND), (400 * 30, 30 * SECOND)] {
            let little = lifetime(lump, pause).expect("it ends");
            assert!(little >= nothing, "{lump} bytes every {pause:?}: {little:?}");
        }
    }
}
