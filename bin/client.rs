//! The program `client`: `client URL…` fetches URLs and exits with curl's codes, `client bench URL` measures
//! a server, `client experiment URL` measures what varies, `client check URL` says what is wrong with it, `client ping
//! HOST:PORT` measures the time to reach it, `client where URL` shows the way to it, `client watch URL` follows its
//! events, `client dns NAME` asks a name server.

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use threadbare::cli::bench::parse as bench_flags;
use threadbare::cli::client::check::parse as check_flags;
use threadbare::cli::client::resolve_only::parse as where_flags;
use threadbare::cli::client::watch::parse as watch_flags;
use threadbare::cli::client::{help, parse};
use threadbare::cli::dns::parse as dns_flags;
use threadbare::cli::experiment::parse as experiment_flags;
use threadbare::cli::ping::parse as ping_flags;
use threadbare::cli::{Parsed, UsageError};
use threadbare::command::bench::run_bench;
use threadbare::command::check;
use threadbare::command::config_file;
use threadbare::command::dns;
use threadbare::command::error::{CommandError, print_stderr, print_stdout};
use threadbare::command::experiment;
use threadbare::command::ping::run_ping;
use threadbare::command::resolve_only;
use threadbare::command::run;
use threadbare::command::server_process;
use threadbare::command::watch;

fn main() -> ExitCode {
    env_logger::init();
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.is_empty() {
        print_stderr(help());
        return ExitCode::from(2);
    }
    // A known first word is always the command; `bench/` is a host of that name.
    match args.split_first() {
        Some((word, rest)) if word == "bench" => {
            act(bench_flags(rest.to_vec()), |options| run_bench(options, &interrupted()), |_| true)
        }
        Some((word, rest)) if word == "check" => {
            let _ = ctrlc::set_handler(end_at_once);
            act(check_flags(rest.to_vec()), check::run, |options| !options.silent)
        }
        Some((word, rest)) if word == "dns" => act(dns_flags(rest.to_vec()), dns::run, |_| true),
        Some((word, rest)) if word == "experiment" => act(
            experiment_flags(rest.to_vec()),
            |options| experiment::run(options, &interrupted()),
            |_| true,
        ),
        Some((word, rest)) if word == "ping" => {
            act(ping_flags(rest.to_vec()), |options| run_ping(options, &interrupted()), |_| true)
        }
        Some((word, rest)) if word == "watch" => {
            act(watch_flags(rest.to_vec()), watch::run, |_| true)
        }
        Some((word, rest)) if word == "where" => {
            act(where_flags(rest.to_vec()), resolve_only::run, |_| true)
        }
        _ => act(
            parse(args, config_file::usual().as_deref(), config_file::read),
            |operations| run::run(operations),
            |operations| operations.iter().all(|options| options.global.prints_errors()),
        ),
    }
}

/// Returns a flag that Ctrl-C sets. A second Ctrl-C ends the program, and so does the first one where it
/// cannot be caught.
fn interrupted() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            end_at_once();
        }
    });
    interrupted
}

/// Ends the program, and the servers that it has started, which Ctrl-C does not reach.
fn end_at_once() {
    server_process::kill_all();
    std::process::exit(130);
}

/// Runs a command with its options. Prints its error, if `is_loud` says so.
fn act<T>(
    parsed: Result<Parsed<T>, UsageError>,
    run: impl FnOnce(&T) -> Result<u8, CommandError>,
    is_loud: impl FnOnce(&T) -> bool,
) -> ExitCode {
    let options = match parsed {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Print(text)) => return print(&text),
        Err(error) => {
            CommandError::Failed(error.exit_code(), error.to_string()).print();
            return ExitCode::from(error.exit_code());
        }
    };
    match run(&options) {
        Ok(code) => ExitCode::from(code),
        Err(stop) => {
            if is_loud(&options) {
                stop.print();
            }
            ExitCode::from(stop.exit_code())
        }
    }
}

/// Prints the help or the version.
fn print(text: &str) -> ExitCode {
    match print_stdout(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(error.exit_code())
        }
    }
}
