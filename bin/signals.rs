//! The signals of the program `server`: which of them stop it, and that the others do not end it.

use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use threadbare::server::{LogWriter, StopSignal};

use super::say;
use super::service_manager::ServiceManager;

/// The signals that begin a graceful stop. The crate `ctrlc` catches the same.
const STOPS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The signals that do what they do to any program: a core dump by Ctrl-\, job control, and the faults of
/// the program itself.
const USUAL: [Signal; 12] = [
    Signal::SIGQUIT,
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGCONT,
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGSEGV,
    Signal::SIGSYS,
    Signal::SIGTRAP,
];

/// How soon after the first signal another one is its echo: a terminal and a wrapper both pass a Ctrl-C
/// on within milliseconds, and a person who wants to stop the server at once looks at the screen first.
const ECHO: Duration = Duration::from_millis(500);

/// Blocks all signals but those that the manual names, for this thread and for all that it starts. SIGUSR1
/// then ends nothing, and a write beyond `ulimit -f` is an error, not SIGXFSZ (setrlimit(2)).
///
/// A stop signal that was ignored when the program started (by `nohup`, or by a shell without job control for
/// `server &`) is blocked as well, so that it stays without effect though `ctrlc` catches it.
pub(crate) fn block_all_but_documented() {
    let mut blocked = SigSet::all();
    let ignored = ignored();
    let is_heard = |signal: &Signal| !STOPS.contains(signal) || ignored & bit(*signal) == 0;
    for signal in STOPS.into_iter().chain(USUAL).filter(is_heard) {
        blocked.remove(signal);
    }
    // It fails for no valid set (pthread_sigmask(3)).
    let _ = blocked.thread_set_mask();
}

/// Returns the signals that this process ignores, as bits: 1 is signal 1, 2 is signal 2. Without a
/// `/proc`, all signals count as not ignored: there is no other way to know in safe code.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    field.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}

/// Begins a graceful stop on the first stop signal, and ends the process on the next one, unless that is
/// an echo of the first.
pub(crate) fn stop_on_signals(
    stop: StopSignal,
    drain: Duration,
    grace: Duration,
    stderr: LogWriter,
    manager: ServiceManager,
) -> Result<(), ctrlc::Error> {
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        match first {
            None => first = Some(Instant::now()),
            Some(first) if first.elapsed() < ECHO => return,
            Some(_) => {
                say(&stderr, "stopped at once");
                exit(130);
            }
        }
        stop.begin_drain();
        manager.stopping();
        if drain.is_zero() {
            say(
                &stderr,
                "finishing the requests in progress; a second signal stops the server at once",
            );
            return stop.request(grace);
        }
        say(&stderr, &format!("stopping in {drain:?}; a second signal stops the server at once"));
        let end = stop.clone();
        let wait = move || {
            thread::sleep(drain);
            end.request(grace);
        };
        if thread::Builder::new().name("drain".to_owned()).spawn(wait).is_err() {
            stop.request(grace); // without a thread there is no time to drain
        }
    })
}
