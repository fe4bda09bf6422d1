//! Lines on their way to a file, a pipe or a terminal, for which nobody waits long.
//!
//! Whoever has a line leaves it in memory, and a thread of its own writes out what has gathered
//! there. So a pipe that nobody reads, a terminal held with Ctrl-S or a hanging disk holds that
//! thread and no worker. When 4 MB are waiting, whoever has more waits a moment for room; once
//! somebody has waited in vain, lines are lost, and counted, until some have been written again.
//!
//! A disk that is full loses lines, too: the log says so when that begins and when it is over.
//! Lines stay whole: where one was cut, the next one begins on a line of its own.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::net::errors::nothing_yet;
use crate::sync::lock;

/// So many bytes may wait: some 50,000 lines of an access log.
const MOST: usize = 4 << 20;

/// So long somebody waits for room among them.
const PATIENCE: Duration = Duration::from_millis(100);

/// So long lines gather after some have been written, that not each of many costs a waking of the
/// thread and a write.
const GATHER: Duration = Duration::from_millis(5);

/// Where lines are left to be written. Clones lead to the same place; when the last one is gone, and
/// all is written, so is the thread.
#[derive(Debug, Clone)]
pub struct Lines(Arc<Open>);

/// The way to the thread, as long as somebody may have more.
#[derive(Debug)]
struct Open(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tray: Mutex<Tray>,
    /// Something is in the tray, or never will be again.
    filled: Condvar,
    /// There is room in the tray, or all has been written.
    emptied: Condvar,
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Tray {
    waiting: Vec<u8>,
    pen: Pen,
    closed: bool,
}

/// What the thread does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Pen {
    #[default]
    Resting,
    Writing,
    /// Somebody has waited for it in vain.
    Stuck,
}

impl Lines {
    /// Starts the thread that writes them to `out`.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn to(out: impl Write + Send + 'static) -> io::Result<Lines> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || theirs.write_out(out))?;
        Ok(Lines(Arc::new(Open(shared))))
    }

    /// Leaves a line, its end included. It waits for room for 100 ms at most.
    pub fn push(&self, line: &[u8]) {
        let Shared { filled, emptied, lost, .. } = &*self.0.0;
        let mut tray = self.0.0.tray();
        if tray.is_full(line) && tray.pen != Pen::Stuck {
            let full = |tray: &mut Tray| tray.is_full(line) && tray.pen != Pen::Stuck;
            let waited = emptied.wait_timeout_while(tray, PATIENCE, full);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            tray = after;
            if timeout.timed_out() {
                tray.pen = Pen::Stuck;
            }
        }
        if tray.is_full(line) {
            lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let first = tray.waiting.is_empty();
        tray.waiting.extend_from_slice(line);
        drop(tray);
        if first {
            filled.notify_one();
        }
    }

    /// Waits until all is written, but no longer than this. Is it?
    pub fn drain(&self, patience: Duration) -> bool {
        let busy = |tray: &mut Tray| !tray.waiting.is_empty() || tray.pen != Pen::Resting;
        let waited = self.0.0.emptied.wait_timeout_while(self.0.0.tray(), patience, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// How many have been lost, now and later.
    pub fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.0.lost)
    }
}

/// What is written at once is a line; it does not fail.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.tray().closed = true;
        self.0.filled.notify_one();
    }
}

impl Tray {
    fn is_full(&self, line: &[u8]) -> bool {
        self.waiting.len() + line.len() > MOST
    }
}

impl Shared {
    fn tray(&self) -> MutexGuard<'_, Tray> {
        lock(&self.tray)
    }

    /// The thread: takes all that is there, writes it, and lets more gather.
    fn write_out(&self, out: impl Write) {
        let mut end = End { out, torn: false, broken: false };
        let mut lines = Vec::new();
        loop {
            let idle = |tray: &mut Tray| tray.waiting.is_empty() && !tray.closed;
            let filled = self.filled.wait_while(self.tray(), idle);
            let mut tray = filled.unwrap_or_else(PoisonError::into_inner);
            if tray.waiting.is_empty() {
                return;
            }
            std::mem::swap(&mut lines, &mut tray.waiting);
            tray.pen = Pen::Writing;
            drop(tray);
            self.emptied.notify_all();

            let lost = end.write(&lines);
            self.lost.fetch_add(lost, Ordering::Relaxed);
            lines.clear();
            lines.shrink_to(64 << 10);

            self.tray().pen = Pen::Resting;
            self.emptied.notify_all();
            thread::sleep(GATHER);
        }
    }
}

/// Where the lines go.
struct End<W> {
    out: W,
    /// The last line that went there is not whole.
    torn: bool,
    /// The last write failed, and the log knows.
    broken: bool,
}

impl<W: Write> End<W> {
    /// Writes what can be written. How many lines cannot?
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
                log::warn!("the log cannot be written: {error}; lines are lost until it can");
            }
            Ok(()) if self.broken => log::warn!("the log can be written again"),
            _ => {}
        }
        self.broken = written < lines.len();
        lines[written..].iter().filter(|&&byte| byte == b'\n').count() as u64
    }

    /// As much as goes, and why not more. A pipe or a terminal that somebody has made non-blocking is
    /// asked again.
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
        let lines = Lines::to(write).unwrap();
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
        let lines = Lines::to(Stuck(stuck, Vec::new())).unwrap();
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
        let lines = Lines::to(disk).unwrap();
        for (line, more) in [("first\n", 0), ("second\n", 0), ("third\n", 0), ("fourth\n", 100)] {
            room.fetch_add(more, Ordering::Relaxed);
            lines.push(line.as_bytes());
            assert!(lines.drain(SOON));
        }
        assert_eq!(*held.lock().unwrap(), "first\nsec\nfourth\n");
        assert_eq!(lines.lost().load(Ordering::Relaxed), 2);
    }
}
