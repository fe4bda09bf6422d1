//! `client URL…`: fetches, prints, and exits with curl's code. `client bench URL` measures.

mod bench;
mod stop;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use threadbare::cli::bench::parse as bench_flags;
use threadbare::cli::client::{ClientOptions, Field, help, parse};
use threadbare::cli::{Parsed, UsageError};
use threadbare::client::output::{Parts, Verbose, deliver};
use threadbare::client::{
    Client, Config, Error, Redirects, Request, Timeouts, Version, in_one_line,
};

use self::stop::{Stop, complain};

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
            act(bench_flags(rest.to_vec()), bench::bench, |_| true)
        }
        _ => act(parse(args), run, |options| !options.silent || options.show_error),
    }
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

/// Fetches one URL after the other. One that fails does not keep the others from their turn; the
/// exit code is the last one's, as with curl.
fn run(options: &ClientOptions) -> Result<u8, Stop> {
    let body = options.body(read_data)?;
    let client = client(options);
    let parts = match (options.head, options.include) {
        (true, _) => Parts::Heads,
        (false, true) => Parts::All,
        (false, false) => Parts::Body,
    };
    let mut code = 0;
    for (at, url) in options.urls.iter().enumerate() {
        let output = options.outputs.get(at).filter(|path| *path != Path::new("-"));
        let fetched = request(options, url, body.as_deref())
            .and_then(|request| client.send(&request))
            .map_err(Stop::Fetch)
            .and_then(|mut response| match output {
                Some(path) => {
                    let name = path.display().to_string();
                    let file = File::create(path);
                    let mut file = file.map_err(|error| Stop::Write(name.clone(), error))?;
                    deliver(&mut response, parts, &mut file)
                        .map_err(|why| Stop::undelivered(name, why))
                }
                None => deliver(&mut response, parts, &mut io::stdout().lock())
                    .map_err(|why| Stop::undelivered("stdout".to_owned(), why)),
            });
        code = match fetched {
            Ok(()) => 0,
            Err(Stop::BrokenPipe) => return Ok(0),
            Err(stop) => {
                if !options.silent || options.show_error {
                    stop.say();
                }
                stop.exit_code()
            }
        };
    }
    Ok(code)
}

/// curl's habits: a redirect is an answer, and nothing but the connection has a limit that was not
/// asked for.
fn client(options: &ClientOptions) -> Client {
    let connect = options.connect_timeout.or(Some(Duration::from_secs(300)));
    let timeouts = Timeouts { connect, total: options.max_time, ..Timeouts::NONE };
    let redirects = Redirects::Answer;
    let client = Client::with(Config { timeouts, redirects, ..Config::default() });
    if options.verbose { client.observer(Verbose) } else { client }
}

fn request(options: &ClientOptions, url: &str, body: Option<&[u8]>) -> Result<Request, Error> {
    let mut request = Request::get(url)?;
    for field in &options.fields {
        request = match field {
            Field::Add(name, value) => request.field(name, value)?,
            Field::Remove(name) => request.without(name),
        };
    }
    if let Some(body) = body {
        request = request.method("POST")?.body(body);
        let of_the_body = match options.is_json() {
            true => &[("Content-Type", "application/json"), ("Accept", "application/json")][..],
            false => &[("Content-Type", "application/x-www-form-urlencoded")],
        };
        for (name, value) in of_the_body {
            if !request.has_field(name) && !options.removes(name) {
                request = request.field(name, value)?;
            }
        }
    }
    if options.head {
        request = request.method("HEAD")?;
    }
    if let Some(method) = &options.method {
        request = request.method(method)?;
    }
    Ok(if options.http10 { request.version(Version::Http10) } else { request })
}

fn read_data(path: &Path) -> Result<Vec<u8>, Stop> {
    let mut data = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().read_to_end(&mut data),
        _ => File::open(path).and_then(|mut file| file.read_to_end(&mut data)),
    };
    match read {
        Ok(_) => Ok(data),
        Err(error) => Err(Stop::ReadData(path.display().to_string(), error)),
    }
}
