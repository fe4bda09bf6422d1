//! Handlers that take some time, which block their worker meanwhile: how busy a server keeps its workers.
//!
//! The ideal is that every worker is in a handler all the time: `workers / time` responses per second, and a
//! p99 of `connections / workers * time`. Where handlers use the processor, cores take the place of
//! workers. A first line with a time of 0 shows how many responses per second the machine allows; the
//! processor is taken to be the limit of each time whose ideal is more than half of the best of these.

use std::thread;
use std::time::{Duration, Instant};

use super::Options;
use super::figures::{Figure, Figures};
use super::round::{Asked, generate};
use super::rows::{Row, Work};
use super::subject::{Folder, POOLS, Running, Subject};
use super::targets::Bound;

/// The workers, the clients, and what the handlers do.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    pub handler: Handler,
    pub workers: u16,
    /// The number of connections for each worker.
    pub connections_each: u16,
    pub keep_alive: bool,
    /// The times of the handlers in milliseconds, one line each.
    pub times: &'static [f64],
    /// The lines that are measured when no row is named.
    pub usual: &'static [f64],
    pub who: &'static [Subject],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    Sleep,
    Spin,
}

/// The settings that most rows share.
pub const FULL: Grid = Grid {
    handler: Handler::Sleep,
    workers: 32,
    connections_each: 4,
    keep_alive: true,
    times: &[0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 50.0],
    usual: &[],
    who: POOLS,
};

/// A row to be measured, and by what means.
pub struct Job<'a> {
    pub row: &'a Row,
    pub grid: &'a Grid,
    pub who: &'a [Subject],
    pub folder: &'a Folder,
    pub options: &'a Options,
}

impl Grid {
    fn path(&self, time: f64) -> String {
        match self.handler {
            Handler::Sleep => format!("/sleep/{time}"),
            Handler::Spin => format!("/spin/{time}"),
        }
    }

    fn connections(&self) -> f64 {
        f64::from(self.workers) * f64::from(self.connections_each)
    }

    /// Returns the number of handlers that can run at a time.
    fn at_once(&self) -> f64 {
        match self.handler {
            Handler::Sleep => f64::from(self.workers),
            Handler::Spin => cores().min(f64::from(self.workers)),
        }
    }

    /// Returns the responses per second.
    fn ideal_rate(&self, time: f64) -> f64 {
        self.at_once() * 1e3 / time
    }

    /// Returns the p99 in microseconds.
    fn ideal_p99(&self, time: f64) -> f64 {
        self.connections() / self.at_once() * time * 1e3
    }
}

fn cores() -> f64 {
    thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

/// Returns the name of a line among the figures.
fn line(row: &Row, time: f64) -> String {
    format!("{} {time}", row.name)
}

impl Job<'_> {
    fn times(&self) -> &'static [f64] {
        if self.options.named { self.grid.times } else { self.grid.usual }
    }

    /// Measures all lines, for each line the servers in turn.
    pub fn measure(&self, figures: &mut Figures) -> Result<(), String> {
        let start = |&subject: &Subject| {
            let started = subject.start_with(self.folder, Some(self.grid.workers));
            let started = started.map_err(|error| format!("{}: {error}", subject.name()))?;
            Ok::<_, String>((subject, started))
        };
        let servers: Vec<_> = self.who.iter().map(start).collect::<Result<_, _>>()?;
        for &time in [0.0].iter().chain(self.times()) {
            for _ in 0..self.options.rounds {
                for (subject, server) in &servers {
                    let told = |error| format!("{}, {}: {error}", self.row.name, subject.name());
                    for (figure, sample) in self.round(server, time).map_err(told)? {
                        figures.add(&line(self.row, time), *subject, figure, sample);
                    }
                }
            }
        }
        Ok(())
    }

    fn round(&self, server: &Running, time: f64) -> Result<Vec<(Figure, f64)>, String> {
        let connections = self.grid.connections().to_string();
        let keep_alive = if self.grid.keep_alive { "on" } else { "off" };
        let flags = ["-c", &connections, "--keep-alive", keep_alive];
        let path = self.grid.path(time);
        let asked = Asked { path: &path, flags: &flags };
        let mut samples = generate(&asked, server, &self.options.seconds, &[])?;
        let get = |wanted| {
            samples.iter().find(|(figure, _)| *figure == wanted).map_or(0.0, |&(_, value)| value)
        };
        let (rate, p99, cpu) = (get(Figure::Rate), get(Figure::P99), get(Figure::Cpu));
        samples.push((Figure::Cores, rate * cpu / 1e6 / cores()));
        if time > 0.0 {
            samples.push((Figure::OfIdeal, rate / self.grid.ideal_rate(time)));
            samples.push((Figure::P99OfIdeal, p99 / self.grid.ideal_p99(time)));
        }
        Ok(samples)
    }

    /// Prints one line for each time.
    pub fn print(&self, figures: &Figures) {
        println!("\n{}: {}", self.row.name, self.row.what);
        println!("of each server: rate / ideal, p99 / ideal, share of all cores; ! errors");
        print!("{:>5} {:>8} {:>8}", "ms", "ideal/s", "possible");
        self.who.iter().for_each(|subject| print!("  {:>17}", subject.name()));
        println!();
        for &time in [0.0].iter().chain(self.times()) {
            if time == 0.0 {
                print!("{time:>5} {:>8} {:>8}", "", "");
            } else {
                let possible = self.possible(time);
                print!("{time:>5} {:>8.0} {possible:>8.2}", self.grid.ideal_rate(time));
            }
            for &subject in self.who {
                print!("  {:>17}", cell(figures, &line(self.row, time), subject));
            }
            println!();
        }
    }

    /// Returns the share of the ideal that the system's timers allow: a sleep is longer than requested.
    fn possible(&self, time: f64) -> f64 {
        if self.grid.handler == Handler::Spin {
            return 1.0;
        }
        let asked = Duration::from_secs_f64(time / 1e3);
        let mut slept: Vec<Duration> = (0..15)
            .map(|_| {
                let begun = Instant::now();
                thread::sleep(asked);
                begun.elapsed()
            })
            .collect();
        slept.sort_unstable();
        asked.as_secs_f64() / slept[slept.len() / 2].as_secs_f64()
    }
}

fn cell(figures: &Figures, line: &str, subject: Subject) -> String {
    let get = |figure| figures.get(line, subject, figure);
    let cores = get(Figure::Cores).unwrap_or_default();
    let errors = match get(Figure::Errors) {
        Some(errors) if errors > 0.0 => format!(" {errors}!"),
        _ => String::new(),
    };
    match (get(Figure::OfIdeal), get(Figure::P99OfIdeal), get(Figure::Rate)) {
        (Some(share), Some(p99), _) => format!("{share:.2} {p99:.2} {cores:.2}{errors}"),
        (_, _, Some(rate)) => format!("{rate:.0}/s {cores:.2}{errors}"),
        _ => String::new(),
    }
}

/// A target for our server, in each line where the processor is not the limit.
struct Target {
    what: &'static str,
    /// The rows to which it applies.
    of: fn(&Grid) -> bool,
    /// Its name in the output.
    value: fn(&Figures, &str) -> Option<f64>,
    bound: Bound,
    limit: f64,
    /// The shortest time that counts, in milliseconds.
    shortest: f64,
    /// True if the lines where the processor is the limit count as well.
    always: bool,
}

/// A sleep of 0.5 ms takes 0.06 ms more, so 0.9 of the ideal is out of reach for it.
const SHORTEST: f64 = 1.0;

const TARGETS: &[Target] = &[
    Target {
        what: "blocking: rate, by the ideal",
        of: is_crowded,
        value: |figures, line| figures.get(line, Subject::Lobby, Figure::OfIdeal),
        bound: Bound::AtLeast,
        limit: 0.9,
        shortest: SHORTEST,
        always: false,
    },
    Target {
        what: "the same, by the textbook's",
        of: is_crowded,
        value: by_textbook,
        bound: Bound::AtLeast,
        limit: 0.97,
        shortest: 0.0,
        always: false,
    },
    Target {
        what: "the same, p99, by the ideal",
        of: is_crowded,
        value: |figures, line| figures.get(line, Subject::Lobby, Figure::P99OfIdeal),
        bound: Bound::AtMost,
        limit: 1.5,
        shortest: 0.0,
        always: false,
    },
    Target {
        what: "blocking, one each: rate, by the ideal",
        of: |grid| grid.handler == Handler::Sleep && !is_crowded(grid),
        value: |figures, line| figures.get(line, Subject::Lobby, Figure::OfIdeal),
        bound: Bound::AtLeast,
        limit: 0.85,
        shortest: SHORTEST,
        always: false,
    },
    Target {
        what: "spinning: rate, by the textbook's",
        of: |grid| grid.handler == Handler::Spin,
        value: by_textbook,
        bound: Bound::AtLeast,
        limit: 0.95,
        shortest: 0.0,
        always: true,
    },
];

/// Returns true if connections are kept and are more than the workers.
fn is_crowded(grid: &Grid) -> bool {
    grid.handler == Handler::Sleep && grid.keep_alive && grid.connections_each > 1
}

fn by_textbook(figures: &Figures, line: &str) -> Option<f64> {
    let get = |subject| figures.get(line, subject, Figure::Rate);
    Some(get(Subject::Lobby)? / get(Subject::Textbook)?)
}

/// Prints one line for each target and row of which anything was measured: the worst time, and its figure.
pub fn print_targets(rows: &[&Row], figures: &Figures) {
    for target in TARGETS {
        for row in rows {
            let Work::Blocking(grid) = &row.work else { continue };
            if (target.of)(grid) {
                target.print(row, grid, figures);
            }
        }
    }
}

impl Target {
    fn print(&self, row: &Row, grid: &Grid, figures: &Figures) {
        let counts = |time: f64| {
            let is_free = || grid.ideal_rate(time) <= unlimited(row, grid, figures);
            time >= self.shortest && (self.always || is_free())
        };
        let worth = |&time: &f64| {
            let errors = figures.get(&line(row, time), Subject::Lobby, Figure::Errors);
            let value = (self.value)(figures, &line(row, time))?;
            // A figure with errors does not count as fast.
            Some((time, if errors > Some(0.0) { f64::NAN } else { value }))
        };
        let values: Vec<_> =
            grid.times.iter().filter(|&&time| counts(time)).filter_map(worth).collect();
        let first = |least: bool| {
            let order = |a: &(f64, f64), b: &(f64, f64)| a.1.total_cmp(&b.1);
            let mut values = values.iter().copied();
            let is_broken = values.clone().find(|(_, value)| value.is_nan());
            is_broken.or_else(|| match least {
                true => values.min_by(order),
                false => values.by_ref().max_by(order),
            })
        };
        let Some((time, worst)) = first(matches!(self.bound, Bound::AtLeast)) else { return };
        println!(
            "{:<42} {:<21} {}",
            format!("{} ({})", self.what, row.name),
            format!("{worst:.2} at {time} ms"),
            self.bound.judge(&[worst], self.limit, 1)
        );
    }
}

/// Returns half of the responses per second that the best server gets when handlers take no time.
fn unlimited(row: &Row, grid: &Grid, figures: &Figures) -> f64 {
    let rate = |&subject: &Subject| figures.get(&line(row, 0.0), subject, Figure::Rate);
    grid.who.iter().filter_map(rate).fold(0.0, f64::max) / 2.0
}
