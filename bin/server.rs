//! The server's entry: flags to a configuration, a configuration to a server, Ctrl-C to a stop.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use threadbare::app::{self, store::Store};
use threadbare::cli::Parsed;
use threadbare::cli::server::{self as flags, ServerOptions};
use threadbare::server::{AccessLog, Config, Driver, Files, Report, Server, Stop};

/// How long requests that are under way may take to finish once a stop is asked for.
const GRACE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info"))
        .format(|out, record| writeln!(out, "server: {}: {}", record.level(), record.args()))
        .init();
    let options = match flags::parse(std::env::args_os().skip(1)) {
        Ok(Parsed::Run(options)) => options,
        Ok(Parsed::Print(text)) => return print(&text),
        Err(error) => {
            say(error.to_string());
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(Report { cut, workers }) => {
            if cut > 0 {
                say(format!("stopped; {cut} connections were cut, as time had run out"));
            }
            if !workers.stuck.is_empty() {
                say(format!("stopped; still in a handler: {}", workers.stuck.join(", ")));
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(error);
            ExitCode::FAILURE
        }
    }
}

/// Sets everything up, says so in one line on stdout, and serves until it is stopped.
fn run(options: ServerOptions) -> Result<Report, String> {
    let ServerOptions { root, bind, workers, lobby, data, access_log, server_name } = options;
    let shown = root.display();
    let files = Files::new(&root).map_err(|error| {
        format!("the folder {shown} cannot be served: {error}; right: server FOLDER")
    })?;
    let store = Store::open(&data).map_err(|error| {
        format!("{} cannot keep users: {error}; right: --data FOLDER", data.display())
    })?;
    let routes = app::routes(files, store).map_err(|errors| errors.to_string())?;
    let access_log = match access_log {
        flags::AccessLog::Off => AccessLog::Off,
        flags::AccessLog::Stderr => AccessLog::stderr(),
        flags::AccessLog::File(path) => AccessLog::file(&path).map_err(|error| {
            let path = path.display();
            format!("the access log {path} cannot be written: {error}; right: --access-log FILE, - or off")
        })?,
    };
    let defaults = Config::default();
    let workers = workers.unwrap_or(defaults.workers);
    let driver = if lobby { Driver::Lobby } else { Driver::Textbook };
    let config = Config { driver, workers, server_name, access_log, ..defaults };
    let server = Server::with_config(bind, routes, config).map_err(|error| error.to_string())?;
    let urls: Vec<String> =
        server.addresses().iter().map(|address| format!("http://{address}")).collect();

    stop_on_signals(server.stop()).map_err(|error| format!("signals cannot be caught: {error}"))?;
    // Whoever closed our stdout does not want to know; that is no reason not to serve.
    let _ = writeln!(
        std::io::stdout(),
        "listening on {}/ serving {shown} with {workers} workers",
        urls.join("/ ")
    );
    server.run().map_err(|error| format!("cannot go on: {error}"))
}

/// The first SIGINT, SIGTERM or SIGHUP asks for a stop; the second one is not asked twice.
fn stop_on_signals(stop: Stop) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || {
        if stop.is_asked() {
            say("stopped at once".to_owned());
            std::process::exit(130);
        }
        say("finishing what is under way; once more stops at once".to_owned());
        stop.ask(GRACE);
    })
}

/// Says it on stderr, where somebody may have stopped listening: a pipe whose reader has gone, at
/// which `eprintln!` panics, or a terminal that is held with Ctrl-S. A stop must not hang on that.
fn say(text: String) {
    let (said, wait) = mpsc::channel();
    // Without a thread for it, it is not said.
    let _ = thread::Builder::new().spawn(move || {
        let _ = writeln!(std::io::stderr(), "server: {text}");
        let _ = said.send(());
    });
    let _ = wait.recv_timeout(Duration::from_millis(100));
}

/// Prints help or version. A reader that leaves early (`| head`) is no failure.
fn print(text: &str) -> ExitCode {
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
