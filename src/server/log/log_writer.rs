//! Writes log lines to a file, a pipe or a terminal, without holding up the workers.
//!
//! A worker appends its line to a buffer, and a thread writes the buffer out. So a pipe without a reader,
//! a terminal stopped with Ctrl-S or a hanging disk blocks that thread and no worker. When the buffer is
//! full (4 MB), a worker waits for room for 100 ms at most; after one has waited in vain, lines are lost
//! and counted until some have been written again.
//!
//! Lines are lost on a full disk, too: the log says when that begins and when it ends. Lines stay whole:
//! after one that was cut, the next begins on a line of its own.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::net::errors::nothing_yet;
use crate::pool::start_thread::start_thread;
use crate::sync::lock;

/// The capacity of the buffer: 4 MB, some 50,000 lines of an access log.
const CAPACITY: usize = 4 << 20;

/// The longest that a worker waits for room in the buffer.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long lines gather after a write, so that many lines cost one wake-up of the thread and one write.
const GATHER: Duration = Duration::from_millis(5);

/// A writer of log lines that several threads share: a thread of its own writes them to a file, a pipe or a
/// terminal. Clones share the thread, which ends when the last clone is dropped and all lines are written.
///
/// ```
/// use threadbare::server::{AccessLog, LogWriter};
///
/// let lines = LogWriter::to(std::io::stderr())?;
/// let access_log = AccessLog::through(lines.clone());
/// lines.push(b"the program's own line\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogWriter(Arc<CloseOnDrop>);

/// Tells the thread, when dropped, that no more lines will come.
#[derive(Debug)]
struct CloseOnDrop(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    /// The buffer has lines, or will have no more.
    filled: Condvar,
    /// The buffer has room, or all has been written.
    emptied: Condvar,
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Buffer {
    waiting: Vec<u8>,
    state: WriterState,
    closed: bool,
}

/// What the thread is doing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum WriterState {
    #[default]
    Idle,
    Writing,
    /// A worker has waited for it in vain.
    Stuck,
}

impl LogWriter {
    /// Starts the thread that writes the lines to `out`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn to(out: impl Write + Send + 'static) -> io::Result<LogWriter> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        start_thread("log", "the thread that writes a log", move || theirs.write_out(out))?;
        Ok(LogWriter(Arc::new(CloseOnDrop(shared))))
    }

    /// Appends a line, which includes its line end. While 4 MB of lines are not yet written it waits for room,
    /// for 100 ms at most; a line that finds none is lost, and [counted](LogWriter::lost).
    pub fn push(&self, line: &[u8]) {
        let Shared { filled, emptied, lost, .. } = &*self.0.0;
        let mut buffer = self.0.0.buffer();
        if buffer.is_full(line) && buffer.state != WriterState::Stuck {
            let full =
                |buffer: &mut Buffer| buffer.is_full(line) && buffer.state != WriterState::Stuck;
            let waited = emptied.wait_timeout_while(buffer, PATIENCE, full);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            buffer = after;
            if timeout.timed_out() {
                buffer.state = WriterState::Stuck;
            }
        }
        if buffer.is_full(line) {
            lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = buffer.waiting.is_empty();
        buffer.waiting.extend_from_slice(line);
        drop(buffer);
        if first {
            filled.notify_one();
        }
    }

    /// Waits until all lines are written, but not longer than `patience`. Returns true if they are.
    pub fn drain(&self, patience: Duration) -> bool {
        let busy =
            |buffer: &mut Buffer| !buffer.waiting.is_empty() || buffer.state != WriterState::Idle;
        let waited = self.0.0.emptied.wait_timeout_while(self.0.0.buffer(), patience, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Returns the counter of lost lines, which grows.
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.0.lost)
    }
}

/// Each write is one line; it does not fail.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.buffer().closed = true;
        self.0.filled.notify_one();
    }
}

impl Buffer {
    fn is_full(&self, line: &[u8]) -> bool {
        self.waiting.len() + line.len() > CAPACITY
    }
}

impl Shared {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        lock(&self.buffer)
    }

    /// Runs the thread: takes all lines, writes them, and lets more gather.
    fn write_out(&self, out: impl Write) {
        let mut end = Destination { out, torn: false, broken: false };
        let mut lines = Vec::new();
        loop {
            let idle = |buffer: &mut Buffer| buffer.waiting.is_empty() && !buffer.closed;
            let filled = self.filled.wait_while(self.buffer(), idle);
            let mut buffer = filled.unwrap_or_else(PoisonError::into_inner);
            if buffer.waiting.is_empty() {
                return;
            }
            std::mem::swap(&mut lines, &mut buffer.waiting);
            buffer.state = WriterState::Writing;
            drop(buffer);
            self.emptied.notify_all();

            let lost = end.write(&lines);
            self.lost.fetch_add(lost, Ordering::Relaxed);
            lines.clear();
            lines.shrink_to(64 << 10);

            self.buffer().state = WriterState::Idle;
            self.emptied.notify_all();
            thread::sleep(GATHER);
        }
    }
}

/// The destination of the lines.
struct Destination<W> {
    out: W,
    /// The last line written is not whole.
    torn: bool,
    /// The last write failed, and that has been logged.
    broken: bool,
}

impl<W: Write> Destination<W> {
    /// Writes as much as possible. Returns how many lines were lost.
    fn write(&mut self, lines: &[u8]) -> u64 {
        let mut outcome = Ok(());
        if self.torn {
            outcome = self.write_some(b"\n").1;
            self.torn = outcome.is_err();
        }
        let mut written = 0;
        if outcome.is_ok() {
            (written, outcome) = self.write_some(lines);
            self.torn = lines[..written].last().is_some_and(|&byte| byte != b'\n');
        }
        match outcome {
            Err(error) if !self.broken => {
                log::warn!(
                    "the log cannot be written: {error}; lines are lost until it can be written again"
                );
            }
            Ok(()) if self.broken => log::warn!("the log can be written again"),
            _ => {}
        }
        self.broken = written < lines.len();
        lines[written..].iter().filter(|&&byte| byte == b'\n').count() as u64
    }

    /// Writes as much as possible; returns how much, and why not more. Tries again on a pipe or a terminal
    /// that another program has made non-blocking.
    fn write_some(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut written = 0;
        while written < bytes.len() {
            match self.out.write(&bytes[written..]) {
                Ok(0) => return (written, Err(ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if nothing_yet(&error) => thread::sleep(GATHER),
                Err(error) => return (written, Err(error)),
            }
        }
        (written, Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::sync::mpsc;
    use std::time::Instant;

    const SOON: Duration = Duration::from_secs(3);

    #[test]
    fn all_lines_arrive_whole_and_in_order() {
        let (mut read, write) = io::pipe().unwrap();
        let lines = LogWriter::to(write).unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            read.read_to_string(&mut text).unwrap();
            text
        });
        let mut want = String::new();
        for number in 0..100_000 {
            let line = format!("line {number} of many, some of which wait for room in the pipe\n");
            lines.push(line.as_bytes());
            want.push_str(&line);
        }
        assert!(lines.drain(SOON));
        assert_eq!(lines.lost().load(Ordering::Relaxed), 0);
        drop(lines);
        assert!(reader.join().unwrap() == want, "and the pipe is closed");
    }

    /// Writes nothing until it may.
    struct Stuck(mpsc::Receiver<()>, Vec<u8>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_waited_once_in_vain_waits_no_more_until_lines_are_written_again() {
        let (free, stuck) = mpsc::channel();
        let lines = LogWriter::to(Stuck(stuck, Vec::new())).unwrap();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        lines.push(&line);
        assert!(!lines.drain(Duration::from_millis(50)), "the pen has it");
        let begun = Instant::now();
        for _ in 0..4096 + 1000 {
            lines.push(&line);
        }
        assert!((PATIENCE..SOON).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!(lines.lost().load(Ordering::Relaxed), 1000);
        drop(free);
        assert!(lines.drain(SOON));
        lines.push(&line);
        assert!(lines.drain(SOON));
        assert_eq!(lines.lost().load(Ordering::Relaxed), 1000);
    }

    /// A disk with room for so many bytes more.
    struct Disk {
        room: Arc<AtomicU64>,
        held: Arc<Mutex<String>>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.room.load(Ordering::Relaxed);
            let count = bytes.len().min(usize::try_from(room).unwrap());
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room.fetch_sub(count as u64, Ordering::Relaxed);
            self.held.lock().unwrap().push_str(str::from_utf8(&bytes[..count]).unwrap());
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn after_a_full_disk_lines_are_whole_again() {
        let (room, held) = (Arc::new(AtomicU64::new(9)), Arc::new(Mutex::new(String::new())));
        let disk = Disk { room: Arc::clone(&room), held: Arc::clone(&held) };
        let lines = LogWriter::to(disk).unwrap();
        for (line, more) in [("first\n", 0), ("second\n", 0), ("third\n", 0), ("fourth\n", 100)] {
            room.fetch_add(more, Ordering::Relaxed);
            lines.push(line.as_bytes());
            assert!(lines.drain(SOON));
        }
        assert_eq!(*held.lock().unwrap(), "first\nsec\nfourth\n");
        assert_eq!(lines.lost().load(Ordering::Relaxed), 2);
    }
}
