//! The lobby: where connections wait that have nothing for a worker to do.
//!
//! ```text
//! accept ──> channel ──┐                       ┌── idle workers, until they are called
//!                      v                       v
//!  epoll ──> ready ──> the leading worker, and helpers: one turn with a connection, and the next
//!    ^                 │
//!    └── the lobby <───┘ nothing more at hand
//!          ^
//!          └── the supervisor: deadlines; turns that last too long; stopping
//! ```
//! A worker has a connection only while there is work at hand for it. Handing a request to another
//! thread costs more than most requests do, so it isn't done: **the leader** waits for events and
//! serves the ready connections itself. Before it begins with work that is usually long, a handler that
//! asks a database, it passes the lead on and calls another worker (the Leader/Followers pattern). What
//! takes long unexpectedly, the supervisor notices. All take from the same three queues: new connections,
//! ready ones, and those that have just had a turn and are ready again: who asks for much waits for who
//! asks for little.
//!
//! | file | what it knows |
//! |---|---|
//! | `policy` | when a worker is called, and when one counts as stuck: every rule of thumb, pure |
//! | `protocol` | who owns a connection, who leads, who is there: atomic words, model-checked |
//! | `queue` | what is at hand: new, ready, or ready again |
//! | `slot` | a connection, its deadline, its last moments |
//! | `work` | the workers: the leader, and those that help |
//! | `supervisor` | the thread that looks after workers and deadlines |
//!
//! This is the one place where a socket is not waited for by the thread that serves it. It drives
//! the same turns of the same [`Service`] as the textbook.

mod ownership;
mod policy;
mod queue;
mod slot;
mod supervisor;
mod worker;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};
use std::{io, iter};

use self::ownership::{Activity, Crew};
use self::queue::{New, Queues};
use self::slot::{Alarm, PHASES, Slot};
use super::accept::Accepted;
use super::deadline::Phase;
use super::poller::Poller;
use super::service::{EndReason, Load, Service};
use super::stop_signal::StopSignal;
use super::thread_usage::ThreadId;
use super::usual_time::UsualTime;
use crate::pool::{Queue, Report, ThreadPool};
use crate::sync::lock;

/// Connections, and what those who serve them share.
struct Shared<S: Service> {
    service: Arc<S>,
    stop: StopSignal,
    /// One for each connection that may be open.
    slots: Box<[Slot<S>]>,
    /// Their deadlines, side by side, to be gone through at once.
    alarms: Box<[Alarm]>,
    /// Slots that nobody sits in.
    free: Mutex<Vec<usize>>,
    queues: Queues<S::Connection>,
    /// Where idle workers wait to be called; gone when the lobby closes.
    calls: Mutex<Option<Queue<Call>>>,
    poller: Poller,
    crew: Crew,
    /// What each worker is doing.
    activities: Box<[Activity]>,
    /// Their threads, once they have begun.
    threads: Box<[OnceLock<ThreadId>]>,
    /// How long turns usually are that are not long work.
    usual_turn: UsualTime,
    cores: usize,
    supervisor: OnceLock<Thread>,
    /// Does the supervisor sleep longer, as the leader does?
    supervisor_sleeps: AtomicBool,
    /// Until when it looks closely, in nanoseconds since the lobby opened.
    closely_until: AtomicU64,
    closed: AtomicBool,
    opened: Instant,
}

/// A worker is wanted: to lead if nobody does, else to help.
#[derive(Debug)]
struct Call;

/// A lobby, with its workers and its supervisor.
pub struct Lobby<S: Service> {
    shared: Arc<Shared<S>>,
    pool: ThreadPool<Call>,
    supervisor: JoinHandle<()>,
    /// Until when a full queue is not waited for, in milliseconds since the lobby opened.
    jammed_until: AtomicU64,
}

impl<S: Service> Lobby<S> {
    /// Opens a lobby for `seats` connections, and starts `workers` to serve them. `queue` is how many
    /// may be new or ready while all workers are busy.
    ///
    /// # Errors
    /// When the operating system refuses a thread or a descriptor.
    pub fn open(
        service: Arc<S>,
        stop: StopSignal,
        seats: usize,
        queue: usize,
        workers: usize,
    ) -> io::Result<Lobby<S>> {
        let workers = workers.max(1);
        // A connection gives its pass back a moment before its slot, if a thread is at both.
        let seats = seats + workers + 1;
        let shared = Arc::new(Shared {
            service,
            stop,
            slots: iter::repeat_with(Slot::new).take(seats).collect(),
            alarms: iter::repeat_with(Alarm::default).take(seats).collect(),
            free: Mutex::new((0..seats).rev().collect()),
            queues: Queues::new(queue),
            calls: Mutex::new(None),
            poller: Poller::new()?,
            crew: Crew::new(workers),
            activities: iter::repeat_with(Activity::new).take(workers).collect(),
            threads: iter::repeat_with(OnceLock::new).take(workers).collect(),
            usual_turn: UsualTime::unknown(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            supervisor: OnceLock::new(),
            supervisor_sleeps: AtomicBool::new(false),
            closely_until: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            opened: Instant::now(),
        });
        let working = Arc::clone(&shared);
        let pool = ThreadPool::start("worker", workers, workers, move |Call, _| working.work())?;
        *shared.calls() = Some(pool.queue());
        let supervising = Arc::clone(&shared);
        let supervisor = thread::Builder::new()
            .name("supervisor".to_owned())
            .spawn(move || supervising.supervise())?;
        shared.call(); // somebody has to lead
        Ok(Lobby { shared, pool, supervisor, jammed_until: AtomicU64::new(0) })
    }

    /// Lets a new connection in, or gives it back when there is no seat, or too many wait already.
    ///
    /// # Errors
    /// The connection.
    pub fn admit(&self, accepted: Accepted) -> Result<(), Accepted> {
        let shared = &self.shared;
        let Some(index) = shared.free().pop() else { return Err(accepted) };
        let admitted = if shared.queues.is_full() && !self.queue_gets_shorter() {
            Err(accepted)
        } else {
            let connection = Box::new(shared.service.open(accepted.peer));
            shared.queues.admit(New { index, accepted, connection })
        };
        match &admitted {
            Ok(()) => drop(shared.rouse_leader()),
            Err(_) => shared.free().push(index),
        }
        admitted
    }

    /// A way to see how full it is.
    pub fn load(&self) -> impl Fn() -> Load + Send + Sync + use<S> {
        let (shared, gauge) = (Arc::downgrade(&self.shared), self.pool.gauge());
        move || {
            let Some(shared) = shared.upgrade() else { return Load::default() };
            // A leader that waits for events is at no connection.
            let busy = gauge.busy().saturating_sub(usize::from(shared.crew.lead.is_asleep()));
            let (new, ready) = (shared.queues.new_ones(), shared.queues.ready_ones());
            Load { waiting: shared.waiting(), new, ready, workers: gauge.workers(), busy }
        }
    }

    /// The queue of new connections is full: is somebody at work on it? A thousand that come at once
    /// are let in one after the other; when all workers are in handlers there is nothing to wait for,
    /// and that is not tried again for a while.
    fn queue_gets_shorter(&self) -> bool {
        const MOMENT: Duration = Duration::from_millis(2);
        const A_WHILE: u64 = 100;
        let queues = &self.shared.queues;
        let now = || u64::try_from(self.shared.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now() < self.jammed_until.load(Ordering::Relaxed) {
            return false;
        }
        for _ in 0..5 {
            thread::sleep(MOMENT);
            if !queues.is_full() {
                return true;
            }
        }
        self.jammed_until.store(now() + A_WHILE, Ordering::Relaxed);
        false
    }

    /// Closes the lobby, once it has been asked to stop: connections that are idle leave at once,
    /// the others when they are done; what is left when the stop's deadline passes is cut.
    pub fn close(self) -> Report {
        let Lobby { shared, pool, supervisor, .. } = self;
        // The supervisor cuts in its next round; a handler that does not come back is left to itself.
        let end = shared.stop.deadline().unwrap_or_else(Instant::now) + Duration::from_millis(500);
        while shared.guests() > 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        shared.closed.store(true, Ordering::SeqCst);
        shared.calls().take();
        shared.poller.wake();
        supervisor.thread().unpark();
        if supervisor.join().is_err() {
            log::error!("the supervisor panicked");
        }
        // However late it is: who is free needs a moment to say so.
        let report = pool.stop(end.max(Instant::now() + Duration::from_millis(300)));
        // Who had always something at hand never waited, and so was not cut by the supervisor.
        for slot in &shared.slots {
            if let Some(guest) = slot.abandoned() {
                guest.close(&shared.service, EndReason::Cut);
            }
        }
        report
    }
}

impl<S: Service> Shared<S> {
    /// How many connections there are.
    fn guests(&self) -> usize {
        self.slots.len() - self.free().len()
    }

    /// How many wait, by what for.
    fn waiting(&self) -> Vec<(Phase, usize)> {
        let mut counts = PHASES.map(|phase| (phase, 0));
        for (phase, _) in self.alarms.iter().filter_map(|alarm| alarm.read(Duration::ZERO)) {
            counts.iter_mut().filter(|(known, _)| *known == phase).for_each(|(_, n)| *n += 1);
        }
        counts.to_vec()
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Returns a moment in nanoseconds since the lobby opened.
    fn nanoseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.opened).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Puts a connection that its caller owns, and that has had a turn, at the back of the queue. The
    /// caller looks at the queues itself, or wakes the leader.
    fn put_back(&self, index: usize) {
        self.queues.again(index, Instant::now());
    }

    /// A queue has been filled by a thread that does not serve: if the leader sleeps, it is woken.
    /// Returns true if it did.
    fn rouse_leader(&self) -> bool {
        let slept = self.crew.lead.rouse();
        if slept {
            self.poller.wake();
        }
        slept
    }

    /// Calls an idle worker. Returns false if there is none.
    fn call(&self) -> bool {
        // There is room for as many calls as there are workers.
        self.crew.call() && self.calls().as_ref().is_some_and(|calls| calls.try_send(Call).is_ok())
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, Option<Queue<Call>>> {
        lock(&self.calls)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        lock(&self.free)
    }
}
