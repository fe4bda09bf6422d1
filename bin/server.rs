//! The server's entry: flags to a configuration, a configuration to a server, Ctrl-C to a stop.

mod typed;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{panic, thread};

use threadbare::app::{self, status::Audience, store::Store};
use threadbare::cli::Parsed;
use threadbare::cli::server::{self as flags, ServerOptions};
use threadbare::server::{
    AccessLog, Config, Driver, Files, Report, Server, Stats, StopSignal, WireLog,
    log::log_writer::LogWriter,
};

fn main() -> ExitCode {
    // All that goes to stderr goes through these: where nobody reads it, nobody is to wait for that.
    let Ok(stderr) = LogWriter::to(std::io::stderr()) else { return ExitCode::FAILURE };
    log_to(&stderr);
    let options = match flags::parse(std::env::args_os().skip(1)) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Print(text)) => return print(&text),
        Err(error) => {
            say(&stderr, &error.to_string());
            return ExitCode::from(2);
        }
    };
    match run(options, &stderr) {
        Ok(Report { finished, cut, workers }) => {
            let report = format!("stopped; requests finished: {finished}, connections cut: {cut}");
            say(&stderr, &report);
            if !workers.stuck.is_empty() {
                say(&stderr, &format!("still in a handler: {}", workers.stuck.join(", ")));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(&stderr, &error);
            ExitCode::FAILURE
        }
    }
}

/// What the library tells goes there, and so do panics.
fn log_to(stderr: &LogWriter) {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"))
        .format(|out, record| writeln!(out, "server: {}: {}", record.level(), record.args()))
        .target(env_logger::Target::Pipe(Box::new(stderr.clone())))
        .init();
    panic::set_hook(Box::new(|panic| {
        let (panic, trace) = (panic.to_string().replace('\n', " "), Backtrace::capture());
        match trace.status() {
            BacktraceStatus::Captured => log::error!("{panic}\n{trace}"),
            _ => log::error!("{panic}"),
        }
    }));
}

/// Sets everything up, says so in one line on stdout, and serves until it is stopped.
fn run(options: ServerOptions, stderr: &LogWriter) -> Result<Report, String> {
    let ServerOptions {
        root,
        bind,
        workers,
        lobby,
        data,
        access_log,
        server_name,
        limits,
        drain_time,
        stop_time,
        wire,
        metrics,
        server_timing,
    } = options;
    let shown = root.display();
    let files = Files::new(&root).map_err(|error| {
        format!("the folder {shown} cannot be served: {error}; right: server FOLDER")
    })?;
    let store = Store::open(&data).map_err(|error| {
        format!("{} cannot keep users: {error}; right: --data FOLDER", data.display())
    })?;
    let stats = Arc::new(Stats::default());
    let audience = match metrics {
        flags::Metrics::Everyone => Audience::Everyone,
        flags::Metrics::Loopback => Audience::Loopback,
        flags::Metrics::Off => Audience::Nobody,
    };
    let routes =
        app::routes(files, store, &stats, audience).map_err(|errors| errors.to_string())?;
    let access_log = match access_log {
        flags::AccessLog::Off => AccessLog::Off,
        flags::AccessLog::Stderr => AccessLog::On(stderr.clone()),
        flags::AccessLog::File(path) => AccessLog::file(&path).map_err(|error| {
            let path = path.display();
            format!("the access log {path} cannot be written: {error}; right: --access-log FILE, - or off")
        })?,
    };
    let defaults = Config::default();
    let workers = workers.unwrap_or(defaults.workers);
    let driver = if lobby { Driver::Lobby } else { Driver::Textbook };
    let config = Config {
        driver,
        workers,
        connections: limits.connections,
        per_address: typed::per_address(&limits, defaults.per_address),
        queue: limits.queue.unwrap_or(defaults.queue),
        overload: typed::overload(&limits, defaults.overload),
        limits: typed::limits(limits),
        server_name,
        server_timing: typed::server_timing(server_timing),
        access_log,
        wire_log: wire.then(|| WireLog::stderr(stderr.clone())),
        stats,
    };
    let server = Server::with_config(bind, routes, config).map_err(|error| error.to_string())?;
    let urls: Vec<String> =
        server.addresses().iter().map(|address| format!("http://{address}")).collect();

    stop_on_signals(server.stop(), drain_time, stop_time, stderr.clone())
        .map_err(|error| format!("signals cannot be caught: {error}"))?;
    // Whoever closed our stdout does not want to know; that is no reason not to serve.
    let _ = writeln!(
        std::io::stdout(),
        "listening on {}/ serving {shown} with {workers} workers",
        urls.join("/ ")
    );
    server.run().map_err(|error| format!("cannot go on: {error}"))
}

/// The first SIGINT, SIGTERM or SIGHUP asks for a stop; the second one is not asked twice.
fn stop_on_signals(
    stop: StopSignal,
    drain: Duration,
    grace: Duration,
    stderr: LogWriter,
) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || {
        if stop.is_draining() {
            say(&stderr, "stopped at once");
            std::process::exit(130);
        }
        stop.begin_drain();
        if drain.is_zero() {
            say(&stderr, "finishing what is under way; once more stops at once");
            return stop.request(grace);
        }
        say(&stderr, &format!("stopping in {drain:?}; once more stops at once"));
        let stop = stop.clone();
        thread::spawn(move || {
            thread::sleep(drain);
            stop.request(grace);
        });
    })
}

/// Says it on stderr, and gives it a moment to get there before the process ends.
fn say(stderr: &LogWriter, text: &str) {
    stderr.push(format!("server: {text}\n").as_bytes());
    stderr.drain(Duration::from_millis(100));
}

/// Prints help or version. A reader that leaves early (`| head`) is no failure.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
