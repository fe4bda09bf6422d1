//! The program `server`: flags to a configuration, a configuration to a server, Ctrl-C to a graceful stop.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

mod activation;
mod advice;
mod encryption;
mod handover;
mod open;
mod passwords;
mod service_manager;
mod signals;

use threadbare::app::status::Status;
use threadbare::app::udp_echo::UdpEcho;
use threadbare::app::{App, name_server};
use threadbare::cli::Parsed;
use threadbare::cli::server::{self as flags, ServerOptions};
use threadbare::server::{Config, LogWriter, Report, WireLog};

use self::activation::Given;
use self::service_manager::ServiceManager;

fn main() -> ExitCode {
    // Before the first thread is started: a thread inherits the mask of its parent.
    signals::block_all_but_documented();
    let given = activation::given_sockets();
    // All output to stderr goes through these lines: a worker never waits for a reader that is slow.
    let stderr = match LogWriter::to(std::io::stderr()) {
        Ok(stderr) => stderr,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "server: {error}");
            return ExitCode::FAILURE;
        }
    };
    log_to(&stderr);
    let options = match flags::parse(std::env::args_os().skip(1), std::env::vars_os()) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Print(text)) => return print(&text),
        Err(error) => {
            say(&stderr, &error.to_string());
            return ExitCode::from(2);
        }
    };
    let sockets =
        given.and_then(|given| handover::take_over(options.handover.as_deref(), given, &stderr));
    match sockets.and_then(|given| run(options, given, &stderr)) {
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

/// Sends the records of the `log` facade, and panics, to these lines.
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

/// Opens what the options name, prints the ready line on stdout, and serves until it is stopped.
fn run(options: ServerOptions, given: Given, stderr: &LogWriter) -> Result<Report, String> {
    let manager = ServiceManager::from_env()?;
    let shown = options.root.display();
    let files = open::files(&options.root, &options)?;
    let hosts = open::sites(&options)?;
    advice::warn_of_cors(&options);
    let uploads = options.write.then(|| open::uploads(&options.root, options.max_upload));
    let uploads = uploads.transpose()?;
    advice::warn_of_home(&options.root);
    advice::warn_of_data(&options);
    let store = open::store(&options.data)?;
    let passwords = passwords::open(options.auth.as_deref())?;
    let access_log = open::access_log(&options.access_log, stderr)?.format(options.log_format);
    let config = Config {
        error_page: files.error_page(),
        tls: encryption::open(&options.tls, &options.data)?,
        wire_log: options.wire.then(|| WireLog::stderr(stderr.clone())),
        ..options.config
    };
    let workers = config.workers;
    let seed = options.seed.or(config.faults.as_ref().map(|faults| faults.seed));
    let dns = options.dns;
    let names = name_server::open(dns.zones, dns.rate, &config.limits)?;
    let stats = Arc::clone(&config.stats);
    let status = Status {
        stats: Arc::clone(&stats),
        audience: options.metrics,
        hosts: config.allowed_hosts.clone(),
        names: names.clone(),
    };
    let stat_fields = options.stat_fields;
    let redirects = options.redirects;
    let app =
        App { files, hosts, redirects, uploads, store, status, rooms: options.rooms, stat_fields };
    let (routes, access_log) = passwords::guard(app, access_log, passwords)?;
    let config = Config { access_log, ..config };
    let mut server = activation::listen(options.bind, given, routes, config)?;
    let https = encryption::listen(&mut server, &options.tls)?;
    let echo = UdpEcho::new(options.impairments, seed, options.metrics, &stats);
    let udp = open::udp_addresses(&mut server, &options.udp, Arc::new(echo))?;
    let dns = name_server::listen(&mut server, &dns.addresses, names.as_ref())?;
    if let Some(path) = &options.handover {
        server.hand_over_at(path, options.stop_time).map_err(|error| error.to_string())?;
    }
    signals::stop_on_signals(
        server.stop_signal(),
        options.drain_time,
        options.stop_time,
        stderr.clone(),
        manager.clone(),
    )
    .map_err(|error| {
        format!("cannot start the thread for signals: {error}; right: a higher limit (ulimit -u)")
    })?;
    let http = server.addresses().into_iter().map(|address| format!("http://{address}/"));
    let unix = server.unix_paths().into_iter().map(|path| format!("unix:{}", path.display()));
    let urls: Vec<String> = http.chain(https).chain(unix).chain(udp).chain(dns).collect();
    let urls = urls.join(" ");
    let with = options.pool.words(workers);
    advice::log_network(&server);
    let ready = format!("listening on {urls} serving {shown} with {with}");
    if let Some(every) = manager.watchdog_interval() {
        let manager = manager.clone();
        server.on_heartbeat(every, move || manager.alive());
    }
    let say_so = || {
        // A closed stdout is no reason not to serve.
        let _ = std::io::stdout().write_all(format!("{ready}\n").as_bytes());
        manager.ready(&ready);
    };
    server.run_with(say_so).map_err(|error| format!("stopped by an error: {error}"))
}

/// Writes a line to stderr, and waits at most 100 ms until it is written, as the process may end next.
fn say(stderr: &LogWriter, text: &str) {
    stderr.push(format!("server: {text}\n").as_bytes());
    stderr.drain(Duration::from_millis(100));
}

/// Prints the help or the version. A closed pipe (`| head`) is not a failure.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
