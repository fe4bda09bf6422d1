//! `client URL…`: fetches, prints, and exits with curl's code. `client bench URL` measures,
//! `client where URL` says where it leads.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use threadbare::cli::bench::parse as bench_flags;
use threadbare::cli::client::resolve_only::parse as where_flags;
use threadbare::cli::client::{help, parse};
use threadbare::cli::{Parsed, UsageError};
use threadbare::client::in_one_line;
use threadbare::command::bench::run_bench;
use threadbare::command::error::{Stop, complain};
use threadbare::command::resolve_only;
use threadbare::command::run;

fn main() -> ExitCode {
    env_logger::init();
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if args.is_empty() {
        complain(&help());
        return ExitCode::from(2);
    }
    // A known word is the subcommand, always: a host of that name is `bench/`.
    match args.split_first() {
        Some((word, rest)) if word == "bench" => {
            act(bench_flags(rest.to_vec()), |options| run_bench(options, &interrupted()), |_| true)
        }
        Some((word, rest)) if word == "where" => {
            act(where_flags(rest.to_vec()), resolve_only::run, |_| true)
        }
        _ => act(parse(args), run::run, |options| !options.silent || options.show_error),
    }
}

/// Returns a flag that Ctrl-C sets. A second Ctrl-C ends the program, and so does the first one where it
/// cannot be caught.
fn interrupted() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    let _ = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    interrupted
}

/// Does what the command line says, and says what went wrong, if that `is_said`.
fn act<T>(
    parsed: Result<Parsed<T>, UsageError>,
    run: impl FnOnce(&T) -> Result<u8, Stop>,
    is_said: impl FnOnce(&T) -> bool,
) -> ExitCode {
    let options = match parsed {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Print(text)) => return print(&text),
        Err(error) => {
            Stop::Usage(error.to_string()).say();
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(code) => ExitCode::from(code),
        Err(stop) => {
            if is_said(&options) {
                stop.say();
            }
            ExitCode::from(stop.exit_code())
        }
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            complain(&format!("client: (23) could not write stdout: {}\n", in_one_line(&error)));
            ExitCode::from(23)
        }
        _ => ExitCode::SUCCESS,
    }
}
