//! `make transfer`: a gigabyte down and up, by our client and by curl, in turns, over loopback.
//!
//! ```text
//! cargo bench --bench transfer -- [--row NAME] [--rounds N] [--bytes N]
//! ```
//! The server is ours. Seconds and processor time (of the client alone, by getrusage(2)) are medians,
//! memory (VmHWM) is the most of all rounds. What it starts it stops.

// It prints, and is nobody's library.
#![allow(clippy::print_stdout, missing_docs)]

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike as _};

/// What is moved, by which flags; `~` is the server, `#` the number of bytes, `@` a file of as many.
const ROWS: &[(&str, &str, &str)] = &[
    ("down", "with a length", "-o /dev/null ~/bytes/#"),
    ("down-chunked", "in chunks", "-o /dev/null ~/chunks/#"),
    ("down-pipe", "into a pipe", "~/bytes/#"),
    ("up", "a file", "-T @ ~/count"),
    ("up-chunked", "a file, in chunks", "-T @ -H Transfer-Encoding:chunked ~/count"),
];

struct Options {
    row: String,
    rounds: usize,
    bytes: u64,
}

/// What one transfer cost.
struct Cost {
    seconds: f64,
    cpu: f64,
    peak: u64,
}

/// The server, or whatever else is to be stopped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended by itself
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    match options().and_then(|options| measure(&options).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("transfer: {error}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { row: String::new(), rounds: 3, bytes: 1 << 30 };
    let mut args = std::env::args().skip(1).filter(|flag| flag != "--bench");
    while let Some(flag) = args.next() {
        let value = args.next().unwrap_or_default();
        let number =
            value.parse::<u64>().ok().filter(|number| (1..=10_000_000_000).contains(number));
        match (flag.as_str(), number) {
            ("--row", _) if ROWS.iter().any(|(name, ..)| name.starts_with(&value)) => {
                options.row = value
            }
            ("--rounds", Some(number @ 1..=100)) => {
                options.rounds = usize::try_from(number).unwrap_or(100)
            }
            ("--bytes", Some(number)) => options.bytes = number,
            _ => {
                let names: Vec<&str> = ROWS.iter().map(|(name, ..)| *name).collect();
                let names = names.join("|");
                return Err(format!(
                    "{flag} {value}; right: --row {names} · --rounds N · --bytes N"
                ));
            }
        }
    }
    Ok(options)
}

fn measure(options: &Options) -> io::Result<()> {
    let folder = std::env::temp_dir().join(format!("threadbare-transfer-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("file");
    File::create(&file)?.set_len(options.bytes)?; // a hole: the disk has no part in this
    let measured = serve(&folder).and_then(|(_server, base)| {
        let bytes = options.bytes;
        println!("{bytes} bytes; medians of {} rounds, in turns\n", options.rounds);
        println!("{:<13} {:<18} {:>7} {:>6} {:>6} {:>6}", "", "", "seconds", "MB/s", "CPU s", "MB");
        for (name, what, line) in ROWS.iter().filter(|(name, ..)| name.starts_with(&options.row)) {
            let (mut ours, mut curls) = (Vec::new(), Vec::new());
            let line = line.replace('~', &base).replace('#', &bytes.to_string());
            let line = line.replace('@', &file.display().to_string());
            for _ in 0..options.rounds {
                ours.push(cost(Command::new(env!("CARGO_BIN_EXE_client")).args(line.split(' ')))?);
                let curl = ["-q", "-s", "--noproxy", "*", "-H", "Expect:"];
                curls.push(cost(Command::new("curl").args(curl).args(line.split(' ')))?);
            }
            for (who, costs) in [("ours", ours), ("curl", curls)] {
                let seconds = median(costs.iter().map(|cost| cost.seconds));
                let cpu = median(costs.iter().map(|cost| cost.cpu));
                let peak =
                    costs.iter().map(|cost| cost.peak).max().unwrap_or_default() as f64 / 1e6;
                let rate = bytes as f64 / 1e6 / seconds;
                let row =
                    if who == "ours" { format!("{name:<13} {what:<18}") } else { " ".repeat(32) };
                println!("{row} {seconds:>7.2} {rate:>6.0} {cpu:>6.2} {peak:>6.1}  {who}");
            }
        }
        Ok(())
    });
    fs::remove_dir_all(&folder)?;
    measured
}

/// Our server, and where it is.
fn serve(folder: &Path) -> io::Result<(Running, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.args(["--bind", "127.0.0.1:0", "--access-log", "off", "--data"]);
    let mut child = command.arg(folder.join("data")).arg(folder).stdout(Stdio::piped()).spawn()?;
    let said = child.stdout.take().map(BufReader::new);
    let server = Running(child);
    let line = said.and_then(|said| said.lines().next()).transpose()?.unwrap_or_default();
    let url =
        line.split(' ').nth(2).ok_or_else(|| io::Error::other("the server does not start"))?;
    Ok((server, url.trim_end_matches('/').to_owned()))
}

/// Runs it to its end; what it says is read and forgotten.
fn cost(command: &mut Command) -> io::Result<Cost> {
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
        io::Result::Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
    };
    let (begun, before) = (Instant::now(), cpu()?);
    let mut running = Running(command.stdout(Stdio::piped()).spawn()?);
    let pipe = running.0.stdout.take();
    let drain = thread::spawn(|| pipe.map(|mut pipe| io::copy(&mut pipe, &mut io::sink())));
    let (status, mut peak) = (format!("/proc/{}/status", running.0.id()), 0);
    let ended = loop {
        peak = peak.max(peak_memory(&status));
        match running.0.try_wait()? {
            None => thread::sleep(Duration::from_millis(2)),
            Some(ended) => break ended,
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    let _ = drain.join();
    match ended.success() {
        true => Ok(Cost { seconds, cpu: cpu()? - before, peak }),
        false => Err(io::Error::other(format!("{command:?}: {ended}"))),
    }
}

fn peak_memory(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut samples: Vec<f64> = samples.collect();
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or_default()
}
