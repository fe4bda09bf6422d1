//! Simulates the rules of thumb in virtual time, with thousands of random mixes of handlers.
//!
//! The model has the parts of the lobby: connections that send a request, wait, and send the next one; a
//! queue; a leader that waits for events; workers that arrive 5 to 20 µs after they are called; a
//! supervisor with its pauses. A handler takes a constant time, or sometimes a much longer one. Cores are
//! not modelled: handlers wait, they do not compute.
//!
//! It asserts rule 2 of `policy.rs`. *Neglect* means that a connection is ready, a worker is idle, no
//! worker is on its way, and none is in work that is really short. Neglect may last for [`PATIENCE`]; and
//! one pause of the supervisor longer if a handler takes long unexpectedly after none has for
//! [`CLOSELY_FOR`].

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;
use crate::net::thread_usage::Measured;

/// Nanoseconds.
type Time = u64;

const MICROSECOND: Time = 1_000;

/// The time of a turn without its handler.
const TURN: Time = 3 * MICROSECOND;

/// The kernel's timer slack.
const SLACK: Time = 50 * MICROSECOND;

/// Pseudo-random numbers (xorshift64): the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Returns a time between 1 µs and 100 ms; each order of magnitude is equally likely.
    fn time(&mut self) -> Time {
        let magnitude = 10u64.pow(u32::try_from(self.below(5)).unwrap());
        magnitude * (1 + self.below(10)) * MICROSECOND
    }
}

/// A route: its handler takes `usually`, and with a chance of one in `rarity` as long as `sometimes`.
struct Route {
    usual: UsualTime,
    usually: Time,
    sometimes: Time,
    rarity: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The client of this connection has sent a request.
    Request(usize),
    /// A worker that has been called arrives.
    Arrival,
    /// The leader wakes up.
    Wake,
    /// The handler of this worker begins.
    Handler(usize),
    /// Its turn ends.
    End(usize),
    /// The supervisor looks.
    Look,
}

#[derive(Clone, Copy)]
struct Turn {
    connection: usize,
    route: usize,
    begun: Time,
    handler: Time,
    /// True if the crew counts it as long work.
    is_long: bool,
    is_metered: bool,
}

struct Model {
    random: Random,
    now: Time,
    events: BinaryHeap<Reverse<(Time, u64, Event)>>,
    numbers: u64,
    routes: Vec<Route>,
    cores: usize,
    /// The turn of each worker that is in one.
    turns: Vec<Option<Turn>>,
    idle: usize,
    present: usize,
    coming: usize,
    /// The worker that leads, if one does; `asleep` while it waits for events.
    leader: Option<usize>,
    asleep: bool,
    /// The number of connections that the leader serves before it looks at the events again.
    batch: usize,
    /// Connections that are ready.
    queue: VecDeque<usize>,
    undelivered: Vec<usize>,
    usual_turn: UsualTime,
    closely_until: Time,
    /// How the supervisor has watched since it last looked.
    watching: Watch,
    /// How long neglect has lasted without a break, and how the supervisor watched when it began.
    neglected: (Time, Watch),
    /// The longest neglect under each kind of watch.
    normally: Time,
    closely: Time,
    served: u64,
}

impl Model {
    fn new(seed: u64) -> Model {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let workers = 1 + usize::try_from(random.below(40)).unwrap();
        let routes = (0..1 + random.below(4)).map(|_| Route {
            usual: UsualTime::unknown(),
            usually: random.time(),
            sometimes: random.time(),
            rarity: [1, 2, 10, 100, u64::MAX][usize::try_from(random.below(5)).unwrap()],
        });
        let routes: Vec<Route> = routes.collect();
        let mut model = Model {
            now: 0,
            events: BinaryHeap::new(),
            numbers: 0,
            routes,
            cores: 1 << random.below(4),
            turns: vec![None; workers],
            idle: workers,
            present: 0,
            coming: 0,
            leader: None,
            asleep: false,
            batch: 0,
            queue: VecDeque::new(),
            undelivered: Vec::new(),
            usual_turn: UsualTime::unknown(),
            closely_until: 0,
            watching: Watch::Normally,
            neglected: (0, Watch::Normally),
            normally: 0,
            closely: 0,
            served: 0,
            random,
        };
        model.call();
        model.at(0, Event::Look);
        for connection in 0..usize::try_from(1 + model.random.below(200)).unwrap() {
            let first = model.random.below(1000 * MICROSECOND);
            model.at(first, Event::Request(connection));
        }
        model
    }

    fn at(&mut self, time: Time, event: Event) {
        self.numbers += 1;
        self.events.push(Reverse((time, self.numbers, event)));
    }

    /// Plays `turns` turns, or as many as there are in a virtual minute.
    fn play(&mut self, turns: u64) {
        while self.served < turns && self.now < 60_000_000 * MICROSECOND {
            let Some(Reverse((time, _, event))) = self.events.pop() else { return };
            self.neglected = match self.neglected {
                _ if !self.is_neglectful() => (0, self.watching),
                (before, watch) => (before + time - self.now, watch),
            };
            let (lasted, watch) = self.neglected;
            match watch {
                Watch::Normally => self.normally = self.normally.max(lasted),
                Watch::Closely => self.closely = self.closely.max(lasted),
            }
            self.now = time;
            self.happens(event);
        }
    }

    fn is_neglectful(&self) -> bool {
        let is_short = |turn: &Turn| {
            !turn.is_long
                && turn.begun + TURN + turn.handler < self.now + nanoseconds(UsualTime::LONG)
        };
        let somebody = self.coming > 0 || self.asleep || self.turns.iter().flatten().any(is_short);
        let is_ready = !self.queue.is_empty() || !self.undelivered.is_empty();
        is_ready && self.idle > 0 && !somebody
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Request(connection) => {
                self.undelivered.push(connection);
                self.wake_leader();
            }
            Event::Arrival => {
                self.coming -= 1;
                let worker = (0..self.turns.len())
                    .find(|&worker| self.turns[worker].is_none() && self.leader != Some(worker));
                self.goes_on(worker.expect("one that was idle"));
            }
            Event::Wake => {
                self.coming -= 1;
                self.goes_on(self.leader.expect("the one that slept"));
            }
            Event::Handler(worker) => {
                let Some(turn) = &self.turns[worker] else { return };
                if self.routes[turn.route].usual.is_long() {
                    self.becomes_long(worker, calls_beside_long_work);
                }
            }
            Event::End(worker) => self.ends(worker),
            Event::Look => self.looks(),
        }
    }

    /// Wakes the leader if it waits for events.
    fn wake_leader(&mut self) -> bool {
        let slept = std::mem::take(&mut self.asleep);
        if slept {
            self.present += 1;
            self.coming += 1; // for rule 2 it counts as coming
            let wakes = self.now + 5 * MICROSECOND;
            self.at(wakes, Event::Wake);
        }
        slept
    }

    fn call(&mut self) -> bool {
        if self.idle == 0 {
            return false;
        }
        self.idle -= 1;
        self.present += 1;
        self.coming += 1;
        let arrives = self.now + (5 + self.random.below(16)) * MICROSECOND;
        self.at(arrives, Event::Arrival);
        true
    }

    fn call_others(&mut self, calls: impl Fn(Situation) -> usize) {
        let situation = self.situation();
        let _ = (0..calls(situation)).all(|_| self.wake_leader() || self.call());
    }

    fn becomes_long(&mut self, worker: usize, calls: impl Fn(Situation) -> usize) {
        let Some(turn) = self.turns[worker].as_mut().filter(|turn| !turn.is_long) else { return };
        turn.is_long = true;
        self.present -= 1;
        if self.leader == Some(worker) {
            self.leader = None;
        }
        self.call_others(calls);
    }

    /// Does what a worker does between turns: `Worker::serve_all` and `Worker::lead`.
    fn goes_on(&mut self, worker: usize) {
        if self.leader.is_none() {
            self.leader = Some(worker);
            self.batch = self.queue.len();
        }
        if self.leader != Some(worker) {
            match self.queue.pop_front() {
                Some(connection) => self.begins(worker, connection),
                None => self.becomes_idle(worker),
            }
            return;
        }
        if self.batch == 0 {
            self.queue.extend(self.undelivered.drain(..));
            self.batch = self.queue.len();
            if needs_help(self.batch, self.usual_turn.get(), self.present, self.cores) {
                self.call();
            }
        }
        match self.queue.pop_front() {
            Some(connection) => {
                self.batch -= 1;
                self.begins(worker, connection);
            }
            None => {
                self.batch = 0;
                self.asleep = true;
                self.present -= 1;
            }
        }
    }

    fn becomes_idle(&mut self, worker: usize) {
        self.present -= 1;
        self.idle += 1;
        let situation = self.situation();
        if is_needed(situation, self.cores) && self.idle > 0 {
            self.idle -= 1;
            self.present += 1;
            self.goes_on(worker);
        }
    }

    fn situation(&self) -> Situation {
        let (at_hand, present) = (self.queue.len(), self.present);
        Situation { at_hand, present, lead_is_vacant: self.leader.is_none() }
    }

    fn begins(&mut self, worker: usize, connection: usize) {
        let route = usize::try_from(self.random.below(self.routes.len() as u64)).unwrap();
        let Route { usually, sometimes, rarity, .. } = self.routes[route];
        let handler = if self.random.below(rarity) == 0 { sometimes } else { usually };
        let is_metered = self.routes[route].usual.is_metered();
        let turn = Turn { connection, route, begun: self.now, handler, is_long: false, is_metered };
        self.turns[worker] = Some(turn);
        self.at(self.now + MICROSECOND, Event::Handler(worker));
        self.at(self.now + TURN + handler, Event::End(worker));
    }

    fn ends(&mut self, worker: usize) {
        let turn = self.turns[worker].take().expect("it was in one");
        let usual = &self.routes[turn.route].usual;
        let took = Duration::from_nanos(turn.handler);
        if turn.is_metered {
            usual.record_exactly(Measured { waited: took, computed: Duration::ZERO });
        } else {
            usual.record_by_clock(took);
        }
        if turn.is_long {
            self.present += 1;
        } else {
            self.usual_turn.record(Duration::from_nanos(self.now - turn.begun));
        }
        self.served += 1;
        let pause = self.random.time() / 10;
        self.at(self.now + pause, Event::Request(turn.connection));
        if self.leader != Some(worker) && is_superfluous(self.present, self.cores) {
            self.becomes_idle(worker);
        } else {
            self.goes_on(worker);
        }
    }

    fn looks(&mut self) {
        let begun_by = self.now.saturating_sub(nanoseconds(self.watching.stuck_after()));
        let stuck = |turn: &Turn| turn.begun <= begun_by;
        for worker in 0..self.turns.len() {
            if self.turns[worker].as_ref().is_some_and(stuck) {
                self.becomes_long(worker, calls_after_a_surprise);
                self.closely_until = self.now + nanoseconds(CLOSELY_FOR);
            }
        }
        let closely = self.now < self.closely_until;
        self.watching = if closely { Watch::Closely } else { Watch::Normally };
        let next = self.now + nanoseconds(self.watching.pause()) + SLACK;
        self.at(next, Event::Look);
    }
}

fn nanoseconds(time: Duration) -> Time {
    u64::try_from(time.as_nanos()).unwrap()
}

#[test]
fn no_mix_of_handlers_leaves_a_connection_waiting_while_a_worker_is_idle() {
    let first_surprise = nanoseconds(PATIENCE + Watch::Normally.pause()) + SLACK;
    for seed in 1..=3000 {
        let mut model = Model::new(seed);
        model.play(300);
        assert!(model.served > 0, "seed {seed}: no request is served");
        assert!(model.normally <= first_surprise, "seed {seed}: {} ns", model.normally);
        assert!(model.closely <= nanoseconds(PATIENCE), "seed {seed}: {} ns", model.closely);
    }
}
