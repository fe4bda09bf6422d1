//! Starts a thread, or says which limit of the system is in the way. A thread that finds no memory when it
//! starts would end the process: the C library knows no error for that.

use std::hint::black_box;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::bounded;

/// The address space that must be free before a thread is started, in bytes: its stack (2 MB), and what it
/// allocates before its first statement, or the C library ends the process. A block larger than 32 MB is
/// returned to the system at once and changes no threshold (mallopt(3), `M_MMAP_THRESHOLD`).
const ROOM_FOR_A_THREAD: usize = 33 << 20;

/// Starts a thread of the server named `name`, and waits until it runs: no two need that room at a time.
/// An error calls it `which`, and names the limits that may be the reason.
///
/// # Errors
/// When the operating system refuses the thread (pthread_create(3): EAGAIN), or has no memory for it.
pub fn start_thread<T: Send + 'static>(
    name: &str,
    which: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let (running, runs) = bounded(1);
    let room = black_box(Vec::<u8>::new()).try_reserve_exact(ROOM_FOR_A_THREAD);
    let started = room.map_err(|_| io::ErrorKind::OutOfMemory.into()).and_then(|()| {
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The first wait in a channel allocates as well.
            let (_nothing, comes) = bounded::<()>(0);
            let _ = comes.recv_timeout(Duration::from_micros(1));
            let _ = running.send(()); // the caller waits for it
            run()
        })
    });
    let thread = started.map_err(|error| {
        let advice = "right: a higher limit of processes (ulimit -u) or memory (ulimit -v), or fewer workers";
        io::Error::new(error.kind(), format!("{which} cannot be started: {error}; {advice}"))
    })?;
    let _ = runs.recv();
    Ok(thread)
}
