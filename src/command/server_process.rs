//! `--server COMMAND` of `client check` and `client experiment`: starts the server, sees when it ends by itself, starts it again, and ends it with SIGTERM.
//!
//! The command runs in a process group of its own, so that a server with children ends as a whole. A thread looks at
//! its threads and its memory, as Linux tells them in `/proc`.

use std::fs;
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::server_usage::{self, number_after};
use crate::sync::lock;
use crate::text::escape_for_terminal;

/// How long a server may take to end after SIGTERM.
const ENDING: Duration = Duration::from_secs(5);
/// How often its threads and its memory are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often it is started again.
const MOST_STARTS: usize = 20;
/// The bytes of its errors that are kept.
const SAID: usize = 2000;

/// The process groups of the servers that run, for [`kill_all`].
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Kills all servers that were started here: this program ends at once, by a signal.
pub fn kill_all() {
    for group in lock(&RUNNING).iter() {
        let _ = killpg(*group, Signal::SIGKILL); // it may have ended
    }
}

/// What the process of a server used, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessUse {
    /// The most threads at a time, of it and its children.
    pub peak_threads: usize,
    /// The most resident memory at a time, of all together, in kB.
    pub peak_memory_kb: u64,
    /// How often it ended by itself, and was started again.
    pub crashes: usize,
    /// How it ended when it was asked to (SIGTERM).
    pub end: String,
}

/// A server that was started here.
#[derive(Debug)]
pub struct Process {
    command: String,
    port: u16,
    child: Child,
    seen: Arc<Seen>,
    crashes: usize,
    /// How long it may take until it accepts connections.
    ready: Duration,
}

#[derive(Debug, Default)]
struct Seen {
    /// Threads and memory in kB: the most so far.
    peak: Mutex<(usize, u64)>,
    /// The end of what it said on stderr.
    said: Mutex<Vec<u8>>,
    is_over: AtomicBool,
}

impl Process {
    /// Starts the server, and waits until it accepts connections on this port.
    ///
    /// # Errors
    /// In one line: it cannot be started, has ended, or does not accept; and what it said.
    pub fn start(command: String, port: u16, ready: Duration) -> Result<Process, String> {
        let seen = Arc::new(Seen::default());
        let child = spawn(&command, &seen).map_err(|error| format!("--server: {error}"))?;
        let mut process = Process { command, port, child, seen, crashes: 0, ready };
        process.wait_until_ready()?;
        Ok(process)
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let (ready, end) = (self.ready, Instant::now() + self.ready);
        while !is_listening(self.port) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!(
                    "--server: it ended at once, with {}{}",
                    words(status),
                    self.said()
                ));
            }
            if Instant::now() > end {
                let port = self.port;
                return Err(format!(
                    "--server: nothing listens on port {port} after {ready:?}{}",
                    self.said()
                ));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Returns how it has ended by itself, if it has.
    pub fn has_ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| words(status) + &self.said())
    }

    /// Starts it again. What is left of it is ended before.
    ///
    /// # Errors
    /// As [`Process::start`]; or it has been started too often.
    pub fn restart(&mut self) -> Result<(), String> {
        self.crashes += 1;
        if self.crashes > MOST_STARTS {
            return Err(format!("--server: it was started {MOST_STARTS} times"));
        }
        self.seen.is_over.store(true, Ordering::Relaxed);
        self.end();
        let peak = *lock(&self.seen.peak);
        self.seen = Arc::new(Seen { peak: Mutex::new(peak), ..Seen::default() });
        self.child =
            spawn(&self.command, &self.seen).map_err(|error| format!("--server: {error}"))?;
        self.wait_until_ready()
    }

    /// Ends it, and returns what it used.
    pub fn stop(mut self) -> ProcessUse {
        let begun = Instant::now();
        let by_itself = self.has_ended();
        self.kill(Signal::SIGTERM);
        let mut status = None;
        while status.is_none() && begun.elapsed() < ENDING {
            status = self.child.try_wait().ok().flatten();
            thread::sleep(Duration::from_millis(10));
        }
        let end = match (by_itself, status) {
            (Some(end), _) => format!("it had ended before, with {end}"),
            (None, Some(status)) => words(status),
            (None, None) => format!("it does not end within {ENDING:?} after SIGTERM"),
        };
        let (peak_threads, peak_memory_kb) = *lock(&self.seen.peak);
        ProcessUse { peak_threads, peak_memory_kb, crashes: self.crashes, end }
    }

    fn kill(&self, signal: Signal) {
        let _ = killpg(group(&self.child), signal); // it may have ended
    }

    fn end(&mut self) {
        self.kill(Signal::SIGKILL);
        let _ = self.child.wait();
        let group = group(&self.child);
        lock(&RUNNING).retain(|running| *running != group);
    }

    fn said(&self) -> String {
        thread::sleep(Duration::from_millis(20)); // for the thread that reads it
        let said = lock(&self.seen.said);
        let line = said
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .rfind(|line| !line.is_empty());
        line.map(|line| format!("; it said: {}", escape_for_terminal(line))).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.seen.is_over.store(true, Ordering::Relaxed);
        self.end();
    }
}

/// Returns the process group of a server.
fn group(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("the number of a process is a pid_t"))
}

/// Returns a port that is free now.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Returns true if a process listens on this port. Linux tells it; elsewhere a connection does, which a server
/// of one connection at a time would have to serve.
fn is_listening(port: u16) -> bool {
    let connects = || TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), LOOK).is_ok();
    server_usage::is_listening(port).unwrap_or_else(connects)
}

fn spawn(command: &str, seen: &Arc<Seen>) -> io::Result<Child> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).process_group(0);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = shell.spawn()?;
    lock(&RUNNING).push(group(&child));
    if let Some(stderr) = child.stderr.take() {
        let seen = Arc::clone(seen);
        thread::Builder::new().name("stderr".to_owned()).spawn(move || keep(stderr, &seen))?;
    }
    let (seen, id) = (Arc::clone(seen), child.id());
    thread::Builder::new().name("look".to_owned()).spawn(move || {
        while !seen.is_over.load(Ordering::Relaxed) {
            let (threads, memory) = used(id);
            let mut peak = lock(&seen.peak);
            *peak = (peak.0.max(threads), peak.1.max(memory));
            drop(peak);
            thread::sleep(LOOK);
        }
    })?;
    Ok(child)
}

/// Keeps the end of what it says.
fn keep(mut stderr: impl Read, seen: &Seen) {
    let mut piece = [0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut piece) {
        let mut said = lock(&seen.said);
        said.extend_from_slice(&piece[..count]);
        let more = said.len().saturating_sub(SAID);
        said.drain(..more);
    }
}

/// Returns the threads and the resident memory in kB of a process and its children.
fn used(id: u32) -> (usize, u64) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let number = |name| number_after(name, &status).unwrap_or_default();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let own = (usize::try_from(number("Threads:")).unwrap_or_default(), number("VmRSS:"));
    let ids = children.split_whitespace().filter_map(|id| id.parse().ok());
    ids.map(used).fold(own, |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => {
            let name = Signal::try_from(signal).map(Signal::as_str);
            format!("signal {}", name.unwrap_or("of an unknown name"))
        }
        (None, None) => "no exit code".to_owned(),
    }
}
