//! `make bench`: speed and cost of our server and of others, all in one run.
//!
//! ```text
//! cargo bench --bench speed -- [--row NAME]... [--only SERVER]... [--rounds N] [--seconds N]
//! ```
//! Each round measures all servers of a row, one after the other, so that other load of the machine affects
//! all of them; the median is printed. The generator is `client bench`, on one thread. Processor time is
//! what the operating system reports for the server and its children, for each response; its precision is
//! a hundredth of a second. Then come the targets, and a table for a README. Without `--row` all rows are
//! run, but of the long rows of `blocking` only `blocking-32` with three times, `blocking-spin` with one,
//! and `blocking-mix`. Loopback only; it stops what it starts.

// A program that prints, not a library.
#![allow(clippy::print_stdout, unreachable_pub, missing_docs)]

mod blocking;
mod figures;
// Both benches share this file, and this one does not use all of it.
#[allow(dead_code)]
#[path = "../starve/machine.rs"]
mod machine;
mod mix;
mod round;
mod rows;
mod subject;
mod targets;
mod upload;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime};

use self::figures::{Figure, Figures};
use self::rows::{Beside, Load, ROWS, Row, Work};
use self::subject::{FOLDERS, Folder, LOGGING, Running, SERVERS, Subject, WORKERS, WRITABLE};

struct Options {
    rows: Vec<&'static Row>,
    /// True if the rows were named: then all their lines are measured.
    named: bool,
    subjects: Vec<Subject>,
    rounds: usize,
    seconds: String,
}

/// The running servers. Once started a server stays, because an idle one costs nothing.
type Servers = BTreeMap<Subject, Running>;

fn main() -> ExitCode {
    let said: Vec<String> = std::env::args().skip(1).filter(|flag| flag != "--bench").collect();
    let outcome = options(said.iter().cloned()).and_then(|options| {
        let now = httpdate::fmt_http_date(SystemTime::now());
        println!(
            "{now}: make bench{}",
            match said.as_slice() {
                [] => String::new(),
                said => format!(" ARGS='{}'", said.join(" ")),
            }
        );
        println!("medians of {} rounds of {} s each, in turns", options.rounds, options.seconds);
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
    let mut options = Options {
        rows: Vec::new(),
        named: true,
        subjects: Vec::new(),
        rounds: 5,
        seconds: "0.8".to_owned(),
    };
    let others = &[Subject::LobbyTiming, Subject::Cheroot];
    let all = [SERVERS, LOGGING, others, WORKERS, &FOLDERS[1..], WRITABLE].concat();
    let rows: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
    let subjects: Vec<String> = all.iter().map(|subject| subject.name()).collect();
    while let Some(flag) = args.next() {
        let right = format!(
            "right: --row {} · --only {} · --rounds N · --seconds N",
            rows.join("|"),
            subjects.join("|")
        );
        let value = args.next().ok_or_else(|| format!("{flag} needs a value; {right}"))?;
        let wrong = || format!("{flag} {value}; {right}");
        match flag.as_str() {
            // `small` names all rows that begin with it.
            "--row" => {
                let before = options.rows.len();
                options.rows.extend(ROWS.iter().filter(|row| row.name.starts_with(&value)));
                (options.rows.len() > before).then_some(()).ok_or_else(wrong)?;
            }
            "--only" => {
                let named = all.iter().find(|subject| subject.name() == value);
                options.subjects.push(*named.ok_or_else(wrong)?);
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
            _ => return Err(format!("{flag:?} is not a known flag; {right}")),
        }
    }
    if options.rows.is_empty() {
        options.named = false;
        options.rows = ROWS.iter().filter(|row| row.is_usual()).collect();
    }
    if options.subjects.is_empty() {
        options.subjects = all;
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
    let (mut figures, mut servers) = (Figures::default(), Servers::new());
    for row in &options.rows {
        let who: Vec<Subject> =
            row.who().iter().copied().filter(|subject| there.contains(subject)).collect();
        match &row.work {
            Work::Start => {
                for _ in 0..options.rounds {
                    for &subject in &who {
                        start(row, subject, folder, &mut figures)?;
                    }
                }
            }
            Work::Load(load) => {
                if let Some(why) = impossible(load, descriptors) {
                    println!("\n{}: {why}", row.name);
                    continue;
                }
                for round in 0..options.rounds * who.len() {
                    let subject = who[round % who.len()];
                    let server = running(&mut servers, subject, folder)?;
                    let samples = round::measure(load, server, &options.seconds)
                        .map_err(|error| format!("{}, {}: {error}", row.name, subject.name()))?;
                    for (figure, sample) in samples {
                        figures.add(row.name, subject, figure, sample);
                    }
                }
            }
            Work::Blocking(grid) => {
                let job = blocking::Job { row, grid, who: &who, folder, options };
                job.measure(&mut figures)?;
                job.print(&figures);
                continue;
            }
            Work::Mix => mix::measure(row, &who, folder, options, &mut figures)?,
            Work::Upload => {
                for round in 0..options.rounds * who.len() {
                    let subject = who[round % who.len()];
                    let server = running(&mut servers, subject, folder)?;
                    for (figure, sample) in upload::measure(subject, server, folder)? {
                        figures.add(row.name, subject, figure, sample);
                    }
                }
            }
            Work::Build => build(folder)?,
        }
        if !who.is_empty() {
            figures.print(row);
        }
    }
    targets::print(&figures);
    blocking::print_targets(&options.rows, &figures);
    figures.print_markdown(&options.rows);
    Ok(())
}

fn impossible(load: &Load, descriptors: usize) -> Option<String> {
    match load.beside {
        Beside::Idle(idle) if idle + 1000 > descriptors => {
            Some(format!("it needs {} descriptors, there are {descriptors}", idle + 1000))
        }
        Beside::OneCore if !machine::has("taskset") => {
            Some("it needs taskset, which is not here; apt-get install util-linux".to_owned())
        }
        _ => None,
    }
}

fn running<'s>(
    servers: &'s mut Servers,
    subject: Subject,
    folder: &Folder,
) -> Result<&'s Running, String> {
    Ok(match servers.entry(subject) {
        Entry::Occupied(there) => there.into_mut(),
        Entry::Vacant(free) => {
            let started = subject.start(folder);
            free.insert(started.map_err(|error| format!("{}: {error}", subject.name()))?)
        }
    })
}

fn start(
    row: &Row,
    subject: Subject,
    folder: &Folder,
    figures: &mut Figures,
) -> Result<(), String> {
    let begun = Instant::now();
    let server = subject.start(folder).map_err(|error| format!("{}: {error}", subject.name()))?;
    let ready = begun.elapsed();
    let program = subject.program().metadata().map_err(|error| error.to_string())?;
    figures.add(row.name, subject, Figure::Ready, ready.as_secs_f64() * 1e3);
    figures.add(row.name, subject, Figure::Memory, machine::resident(server.pid()) as f64 / 1e6);
    figures.add(row.name, subject, Figure::Binary, program.len() as f64 / 1e6);
    Ok(())
}

/// Prints the length of `cargo tree`, and the time of a clean release build.
fn build(folder: &Folder) -> Result<(), String> {
    let cargo = |args: &[&str]| {
        Command::new(env!("CARGO"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("CARGO_TARGET_DIR", folder.path().join("target"))
            .args(args)
            .arg("--locked")
            .output()
            .map_err(|error| format!("cargo: {error}"))
    };
    println!("\nbuild: our package, all of it (default features), and as a library alone");
    for features in [&[] as &[&str], &["--no-default-features"]] {
        let tree =
            [&["tree", "-e", "normal", "--prefix", "none", "--no-dedupe"], features].concat();
        let tree = cargo(&tree)?.stdout;
        let tree = String::from_utf8_lossy(&tree);
        let mut packages: Vec<&str> = tree.lines().collect();
        packages.sort_unstable();
        packages.dedup();
        let begun = Instant::now();
        let built = cargo(&[&["build", "--release"], features].concat())?;
        match built.status.success() {
            true => println!(
                "{} packages but for ours, built in {:.0} s",
                packages.len().saturating_sub(1),
                begun.elapsed().as_secs_f64()
            ),
            false => println!("it does not build: {}", String::from_utf8_lossy(&built.stderr)),
        }
        // The second one is a clean build, too.
        let _ = std::fs::remove_dir_all(folder.path().join("target"));
    }
    Ok(())
}
