//! `make bench`: how fast, and at what cost: ours beside other people's servers, all in one run.
//!
//! ```text
//! cargo bench --bench speed -- [--row NAME]... [--only SERVER]... [--rounds N] [--seconds N]
//! ```
//! All servers run from the beginning; each round asks one after the other, so that whatever else the
//! machine does meets all of them; what is printed is the median. The generator is `client bench`, on
//! one thread. Processor time is the operating system's, of the server and its children, for each
//! answer; its precision is a hundredth of a second, so rounds should last for a second or more.
//! Loopback only; what it starts it stops.

// It prints, and is nobody's library.
#![allow(clippy::print_stdout, unreachable_pub, missing_docs)]

// What a machine says is the same for both benches; this one does not ask for all of it.
#[allow(dead_code)]
#[path = "../starve/machine.rs"]
mod machine;
mod rows;
mod subject;

use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::rows::{ROWS, Row};
use self::subject::{ALL, Folder, Running, Subject};

struct Options {
    rows: Vec<&'static Row>,
    subjects: Vec<Subject>,
    rounds: usize,
    seconds: String,
}

/// What one server did in one round.
struct Round {
    per_second: f64,
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
    /// Resident, the idle connections held.
    memory: u64,
    errors: u64,
}

fn main() -> ExitCode {
    let outcome = options(std::env::args().skip(1)).and_then(|options| {
        let folder = Folder::new().map_err(|error| format!("no folder to serve: {error}"))?;
        measure(&options, &folder)
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("speed: {error}");
            ExitCode::from(2)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options =
        Options { rows: Vec::new(), subjects: Vec::new(), rounds: 5, seconds: "2".to_owned() };
    let rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    let subjects: Vec<&str> = ALL.iter().map(|subject| subject.name()).collect();
    while let Some(flag) = args.next() {
        if flag == "--bench" {
            continue; // cargo's own
        }
        let right = format!(
            "right: --row {} · --only {} · --rounds N · --seconds N",
            rows.join("|"),
            subjects.join("|")
        );
        let value = args.next().ok_or_else(|| format!("{flag} needs a value; {right}"))?;
        let wrong = || format!("{flag} {value}; {right}");
        match flag.as_str() {
            // `small` is all rows that begin like this.
            "--row" => {
                let before = options.rows.len();
                options.rows.extend(ROWS.iter().filter(|row| row.name.starts_with(&value)));
                (options.rows.len() > before).then_some(()).ok_or_else(wrong)?;
            }
            "--only" => {
                let named = ALL.into_iter().find(|subject| subject.name() == value);
                options.subjects.push(named.ok_or_else(wrong)?);
            }
            "--rounds" => {
                let rounds = value.parse().ok().filter(|rounds| (1..=100).contains(rounds));
                options.rounds = rounds.ok_or_else(wrong)?;
            }
            "--seconds" => {
                let seconds: Option<f64> = value.parse().ok();
                seconds.filter(|time| (0.1..=600.0).contains(time)).ok_or_else(wrong)?;
                options.seconds = value;
            }
            _ => return Err(format!("{flag:?} is not a flag here; {right}")),
        }
    }
    if options.rows.is_empty() {
        options.rows = ROWS.iter().collect();
    }
    if options.subjects.is_empty() {
        options.subjects = ALL.to_vec();
    }
    Ok(options)
}

fn measure(options: &Options, folder: &Folder) -> Result<(), String> {
    let descriptors = machine::raise_descriptors();
    let (there, missing): (Vec<Subject>, Vec<Subject>) =
        options.subjects.iter().partition(|subject| subject.missing().is_none());
    for subject in missing {
        println!("{}: not here; {}", subject.name(), subject.missing().unwrap_or_default());
    }
    let mut running = Vec::new();
    for subject in there {
        let started = Instant::now();
        let server =
            subject.start(folder).map_err(|error| format!("{}: {error}", subject.name()))?;
        let (ready, memory) = (started.elapsed(), machine::memory(server.pid()));
        let size =
            subject.binary().and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
        println!(
            "{:<13} first answer after {:>4} ms, {:>6.1} MB at rest, binary {:>5.1} MB",
            subject.name(),
            ready.as_millis(),
            memory as f64 / 1e6,
            size as f64 / 1e6
        );
        running.push((subject, server));
    }
    println!("medians of {} rounds of {} s each, in turns", options.rounds, options.seconds);
    for row in &options.rows {
        if row.idle + 1000 > descriptors {
            println!(
                "\n{}: needs {} descriptors, there are {descriptors}",
                row.name,
                row.idle + 1000
            );
            continue;
        }
        let mut rounds: Vec<Vec<Round>> = running.iter().map(|_| Vec::new()).collect();
        for _ in 0..options.rounds {
            for ((subject, server), rounds) in running.iter().zip(&mut rounds) {
                if row.fits(*subject) {
                    rounds.push(round(row, server, &options.seconds)?);
                }
            }
        }
        print_row(row, &running, &rounds);
    }
    Ok(())
}

fn round(row: &Row, server: &Running, seconds: &str) -> Result<Round, String> {
    let idle: Result<Vec<TcpStream>, _> =
        (0..row.idle).map(|_| TcpStream::connect(server.address)).collect();
    let idle = idle.map_err(|error| format!("{}: {error}", row.name))?;
    if !idle.is_empty() {
        // Until the last one has been taken.
        thread::sleep(Duration::from_millis(300));
    }
    let (before, memory) = (machine::cpu(server.pid()), machine::memory(server.pid()));
    let output = Command::new(env!("CARGO_BIN_EXE_client"))
        .args(["bench", "--threads", "1", "--json-out", "-", "-t", seconds])
        .args(row.flags)
        .arg(format!("http://{}{}", server.address, row.path))
        .output()
        .map_err(|error| format!("client bench: {error}"))?;
    let cpu = machine::cpu(server.pid()).saturating_sub(before);
    let figures: Value = serde_json::from_slice(&output.stdout).map_err(|_| {
        format!("client bench said: {}", String::from_utf8_lossy(&output.stderr).trim())
    })?;
    let figure = |path: &str| figures.pointer(path).and_then(Value::as_f64).unwrap_or_default();
    Ok(Round {
        per_second: figure("/requests_per_s"),
        cpu_us: cpu.as_secs_f64() * 1e6 / figure("/answers").max(1.0),
        p50_us: figure("/latency_us/p50"),
        p99_us: figure("/latency_us/p99"),
        memory,
        errors: figures["errors"].as_u64().unwrap_or_default(),
    })
}

fn print_row(row: &Row, running: &[(Subject, Running)], rounds: &[Vec<Round>]) {
    println!("\n{}: {}", row.name, row.what);
    println!(
        "{:<13} {:>11} {:>10} {:>10} {:>10} {:>8} {:>7}",
        "", "requests/s", "CPU us", "p50 us", "p99 us", "MB", "errors"
    );
    for ((subject, _), rounds) in running.iter().zip(rounds) {
        if rounds.is_empty() {
            continue;
        }
        println!(
            "{:<13} {:>11.0} {:>10.2} {:>10.0} {:>10.0} {:>8.1} {:>7}",
            subject.name(),
            median(rounds, |round| round.per_second),
            median(rounds, |round| round.cpu_us),
            median(rounds, |round| round.p50_us),
            median(rounds, |round| round.p99_us),
            median(rounds, |round| round.memory as f64 / 1e6),
            rounds.iter().map(|round| round.errors).sum::<u64>(),
        );
    }
    let _ = std::io::stdout().flush(); // who has left does not mind
}

/// Of an even number the mean of the two in the middle.
fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() % 2 {
        1 => figures[middle],
        _ => (figures[middle - 1] + figures[middle]) / 2.0,
    }
}
