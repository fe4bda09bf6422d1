//! `client ping HOST:PORT`: probes at intervals, a line for each answer, and the figures of all.
//!
//! | file | what it does |
//! |---|---|
//! | `target` | from what was typed to a host, a port, and a kind of probe |
//! | `record` | what became of each probe, and the figures: pure |
//! | `report` | lines, and JSON: pure |
//! | `probes` | what every kind of probe can do |
//! | `udp`, `tcp` | the sockets of `--udp`; of `--tcp` and `--http` |
//!
//! One thread waits for all sockets, for the time of the next probe, and for the end of the wait of the oldest
//! one. So probes are sent on schedule, however many are still waiting.

mod probes;
mod record;
mod report;
mod target;
mod tcp;
mod udp;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::probes::{Heard, HeardWhat, Probes};
use self::record::{Outcome, Record};
use self::target::Target;
use self::tcp::TcpProbes;
use self::udp::UdpProbes;
use super::error::{CommandError, print_stdout};
use super::network;
use crate::cli::ping::{PingMode, PingOptions};
use crate::client::{ErrorKind, in_one_line};
use crate::net::poller::{Events, Poller, Timer};
use crate::proto::http::status::Status;
use crate::text::escape_for_terminal;

/// The longest wait before `stop` is looked at.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// Sends the probes, or as many as there is time for until `stop` is set, and reports. Returns 0 if an answer
/// came in time, and 1 if none did.
///
/// # Errors
/// When no probe can be sent: wrong arguments, a host without address; or the output cannot be written.
pub fn run_ping(options: &PingOptions, stop: &AtomicBool) -> Result<u8, CommandError> {
    let typed = options.client.urls.first().map_or("", String::as_str);
    let target = Target::parse(typed, options.mode)?;
    let addresses = network::client(&network::direct(&options.client))?.addresses(&target.url)?;
    let mut ping = Ping::new(options, &target, addresses)?;
    ping.print(&report::begin(&target, ping.peer(), options))?;
    ping.run(stop)?;
    let summary = ping.record.summary();
    ping.print(&report::end(&target, &summary, ping.strangers))?;
    if let Some(path) = &options.json_out {
        let json = report::json(&target, options, &ping.record, ping.strangers);
        match path == Path::new("-") {
            true => print_stdout(json.as_bytes())?,
            false => fs::write(path, json)
                .map_err(|error| CommandError::Write(path.display().to_string(), error))?,
        }
    }
    Ok(u8::from(summary.received == 0))
}

/// The error of the wait itself, not of a probe: there is no descriptor left, for example.
fn failed(error: io::Error) -> CommandError {
    CommandError::Fetch(ErrorKind::Receive(error).into())
}

/// A run.
struct Ping<'o> {
    options: &'o PingOptions,
    mode: PingMode,
    /// The addresses of the host: those that are tried only if the ones before fail.
    addresses: Vec<SocketAddr>,
    /// The place of the address that probes are sent to.
    current: usize,
    poller: Poller,
    timer: Timer,
    probes: Box<dyn Probes>,
    record: Record,
    strangers: u64,
    begun: Instant,
}

impl<'o> Ping<'o> {
    fn new(
        options: &'o PingOptions,
        target: &Target,
        addresses: Vec<SocketAddr>,
    ) -> Result<Ping<'o>, CommandError> {
        let poller = Poller::new().map_err(failed)?;
        Ok(Ping {
            options,
            mode: target.mode,
            addresses,
            current: 0,
            timer: poller.timer().map_err(failed)?,
            poller,
            probes: match target.mode {
                PingMode::Udp => Box::new(UdpProbes::new()),
                PingMode::Tcp => Box::new(TcpProbes::connecting()),
                PingMode::Http => Box::new(TcpProbes::requesting(&target.url)?),
            },
            record: Record::new(options.wait),
            strangers: 0,
            begun: Instant::now(),
        })
    }

    fn peer(&self) -> SocketAddr {
        self.addresses[self.current]
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Prints a line, unless stdout is for JSON.
    fn print(&self, line: &str) -> Result<(), CommandError> {
        match self.options.json_out.as_deref() == Some(Path::new("-")) {
            true => Ok(()),
            false => print_stdout(line.as_bytes()),
        }
    }

    fn run(&mut self, stop: &AtomicBool) -> Result<(), CommandError> {
        let (mut events, mut heard) = (Events::new(), Vec::new());
        let mut due = Some(Duration::ZERO);
        while !stop.load(Ordering::Relaxed) {
            if let Some(at) = due.filter(|at| self.now() >= *at) {
                let (peer, now) = (self.peer(), self.now());
                let number = self.record.send(peer, now);
                self.probes.send(number, peer, &self.poller, &mut heard);
                // After a pause of the process no probes are sent in a row to catch up.
                let next = (at + self.options.interval).max(now);
                due = (number + 1 < self.options.count as usize).then_some(next);
            }
            self.take(&mut heard)?;
            let now = self.now();
            for number in self.record.expire(now) {
                let probe = &self.record.probes()[number];
                self.print(&report::no_answer(self.mode, number, probe, self.options.wait))?;
            }
            let Some(next) = due.into_iter().chain(self.record.next_expiry()).min() else { break };
            self.timer.set(next.saturating_sub(self.now())).map_err(failed)?;
            self.poller.wait_for(CHECK_INTERVAL, &mut events).map_err(failed)?;
            self.probes.receive(&events, &self.poller, &mut heard);
            self.take(&mut heard)?;
        }
        Ok(())
    }

    /// Takes note of what was heard. A probe that is sent to another address may be heard of at once.
    fn take(&mut self, heard: &mut Vec<Heard>) -> Result<(), CommandError> {
        while !heard.is_empty() {
            for Heard { at, what } in std::mem::take(heard) {
                let at = at.saturating_duration_since(self.begun);
                match what {
                    HeardWhat::Answer(number, status) => self.answer(number, status, at)?,
                    HeardWhat::Error(number, error) => self.error(number, &error, heard)?,
                    HeardWhat::ErrorOf(peer, error) => {
                        if let Some(number) = self.record.first_waiting(peer) {
                            self.error(number, &error, heard)?;
                        }
                    }
                    HeardWhat::Stranger => self.strangers += 1,
                }
            }
        }
        Ok(())
    }

    fn answer(
        &mut self,
        number: usize,
        status: Option<Status>,
        at: Duration,
    ) -> Result<(), CommandError> {
        let Some(arrival) = self.record.answer(number, status, at) else {
            self.strangers += 1; // a number that was not sent yet
            return Ok(());
        };
        let probe = &self.record.probes()[number];
        self.print(&report::answer(self.mode, number, probe, arrival))
    }

    /// Counts a probe as refused or failed; or, until the first answer, sends it to the next address of the
    /// host: a server may listen on one of them only.
    fn error(
        &mut self,
        number: usize,
        error: &io::Error,
        heard: &mut Vec<Heard>,
    ) -> Result<(), CommandError> {
        let tried = self.record.probes()[number].peer;
        // It may quote what a server sent.
        let why = escape_for_terminal(in_one_line(error).as_bytes());
        let at = self.addresses.iter().position(|address| *address == tried).unwrap_or_default();
        if !self.record.has_answer() && at + 1 < self.addresses.len() {
            self.current = self.current.max(at + 1);
            let peer = self.peer();
            self.print(&report::next_address(number, tried, &why, peer))?;
            self.record.send_again(number, peer, self.now());
            self.probes.send(number, peer, &self.poller, heard);
            return Ok(());
        }
        let outcome = match error.kind() {
            io::ErrorKind::ConnectionRefused => Outcome::Refused,
            _ => Outcome::Failed(why),
        };
        self.record.fail(number, outcome);
        let probe = &self.record.probes()[number];
        self.print(&report::no_answer(self.mode, number, probe, self.options.wait))
    }
}
