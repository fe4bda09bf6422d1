//! `make starve`: opens thousands of hostile clients, and prints the delays of a well-behaved client beside
//! them: with our lobby, without it, and with other servers.
//!
//! ```text
//! cargo bench --bench starve -- [--row NAME]... [--only SERVER]... [--seconds N] [--patient N] [--server PATH]
//! ```
//! One process, loopback only; it stops what it starts. A server that does not respond within 10 s has
//! starved its client. Each row ends with PASS or FAIL for our server, and so does the whole, with the exit
//! code.

// A program that prints, not a library.
#![allow(clippy::print_stdout, unreachable_pub, missing_docs)]

mod crowd;
mod flood;
mod held;
// Both benches share this file, and this one does not use all of it.
#[allow(dead_code)]
mod machine;
mod pool;
mod probe;
mod rooms;
mod rows;
mod subject;
mod subscribers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use self::probe::{Delays, Measured};
use self::rows::{ROWS, Row, Setting, Shown};
use self::subject::{ALL, Folder, Subject};

/// The descriptors for the well-behaved client, files and pipes.
const SPARE: usize = 200;

struct Options {
    rows: Vec<&'static Row>,
    subjects: Vec<Subject>,
    seconds: u64,
    patience: u64,
    server: PathBuf,
}

fn main() -> ExitCode {
    let outcome = options(std::env::args().skip(1)).and_then(|options| {
        let folder = Folder::new().map_err(|error| format!("no folder to serve: {error}"))?;
        Ok(print_table(options, folder))
    });
    match outcome {
        Ok(failed) if failed.is_empty() => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("starve: FAIL: {}", failed.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("starve: {error}");
            ExitCode::from(2)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let server = PathBuf::from(env!("CARGO_BIN_EXE_server"));
    let mut options =
        Options { rows: Vec::new(), subjects: Vec::new(), seconds: 5, patience: 0, server };
    let rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    let subjects: Vec<&str> = ALL.iter().map(|subject| subject.name()).collect();
    while let Some(flag) = args.next() {
        if flag == "--bench" {
            continue; // a flag of cargo
        }
        let right = format!(
            "right: --row {} · --only {} · --seconds N · --patient N · --server PATH",
            rows.join("|"),
            subjects.join("|")
        );
        let value = args.next().ok_or_else(|| format!("{flag} needs a value; {right}"))?;
        let wrong = || format!("{flag} {value}; {right}");
        match flag.as_str() {
            "--row" => {
                options.rows.push(ROWS.iter().find(|row| row.name == value).ok_or_else(wrong)?)
            }
            "--only" => options
                .subjects
                .push(ALL.into_iter().find(|subject| subject.name() == value).ok_or_else(wrong)?),
            "--seconds" => options.seconds = value.parse().map_err(|_| wrong())?,
            "--patient" => options.patience = value.parse().map_err(|_| wrong())?,
            "--server" => options.server = value.clone().into(),
            _ => return Err(wrong()),
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

/// Returns the names of the rows in which our server has failed.
fn print_table(options: Options, folder: Folder) -> Vec<&'static str> {
    let Options { rows, subjects, seconds, patience, server } = options;
    let descriptors = machine::raise_descriptors().saturating_sub(SPARE);
    let setting = Setting {
        server,
        folder,
        descriptors,
        time: Duration::from_secs(seconds),
        patience: Duration::from_secs(patience),
    };
    println!(
        "One small page every 2 ms for {seconds} s, over a kept connection and over new ones; times in ms.\n\
         `× none`: p99 of both against that of the same server just before, without hostile clients. `in`,\n\
         `ended`: hostile connections that were let in, and that the server ended. Memory in MB: server\n\
         (PSS), kernel sockets. FAIL: of ours, and what was promised.\n"
    );
    let (present, missing): (Vec<_>, Vec<_>) =
        subjects.into_iter().partition(|subject| subject.missing().is_none());
    for subject in missing {
        let how = subject.missing().unwrap_or_default();
        println!("{} is not installed: {how}", subject.name());
    }
    println!(
        "{:<30} {:<8} │{:^23}│{:^23}│{:>9}│{:>6} {:>6}│{:>6} {:>6}│",
        "hostile clients",
        "server",
        "kept p50/p99/max",
        "new p50/p99/max",
        "× none",
        "in",
        "ended",
        "server",
        "kernel"
    );
    let mut failed = Vec::new();
    for row in rows {
        for &subject in &present {
            let shown = match row.run(subject, &setting) {
                Ok(None) => continue,
                Ok(Some(shown)) => shown,
                Err(error) => {
                    let broken = vec!["it did not run".to_owned()];
                    Shown { notes: vec![error.to_string()], broken, ..Shown::default() }
                }
            };
            print_line(row, subject, &shown);
            if subject == Subject::Ours && !shown.broken.is_empty() {
                failed.push(row.name);
            }
        }
    }
    failed
}

fn print_line(row: &Row, subject: Subject, shown: &Shown) {
    let Shown { measured, alone, hostile, memory, notes, broken } = shown;
    let delays = |of: fn(&Measured) -> &Delays| {
        measured.as_ref().map_or(String::new(), |measured| told(of(measured)))
    };
    let times = |of: fn(&Measured) -> &Delays| {
        let (alone, measured) = (of(alone.as_ref()?).at(0.99)?, of(measured.as_ref()?).at(0.99)?);
        Some(format!("{:.1}", measured.as_secs_f64() / alone.as_secs_f64()))
    };
    let times = [times(|measured| &measured.kept), times(|measured| &measured.new)];
    let number = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let count = |count: Option<usize>| number(count.map(|count| count as u64));
    let verdict = match subject {
        Subject::Ours if broken.is_empty() => "PASS".to_owned(),
        Subject::Ours => format!("FAIL: {}", broken.join("; ")),
        _ => String::new(),
    };
    println!(
        "{:<30} {:<8} │{:^23}│{:^23}│{:>9}│{:>6} {:>6}│{:>6} {:>6}│ {}",
        row.title,
        subject.name(),
        delays(|measured| &measured.kept),
        delays(|measured| &measured.new),
        times.into_iter().flatten().collect::<Vec<_>>().join(" "),
        count(hostile.map(|(came, _)| came)),
        count(hostile.map(|(_, ended)| ended)),
        number(memory.map(|(server, _)| server >> 20)),
        number(memory.map(|(_, kernel)| kernel >> 20)),
        [notes.join("; "), verdict]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    );
}

/// Returns median, p99 and maximum in milliseconds, and the errors.
fn told(delays: &Delays) -> String {
    if delays.starved {
        return "starved".to_owned();
    }
    let [half, most, all] = [0.5, 0.99, 1.0].map(|share| {
        delays.at(share).map_or("-".to_owned(), |delay| format!("{:.2}", delay.as_secs_f64() * 1e3))
    });
    let failed = if delays.failed > 0 { format!(" {}!", delays.failed) } else { String::new() };
    format!("{half} {most} {all}{failed}")
}
