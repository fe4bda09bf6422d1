//! The flags of `client bench`. The flags of the request are those of `client`, so `-d` is data here too, and the
//! duration is `-t`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::Effect::{Help, Switch, Value, Version};
use super::client::{AddressFlags, ClientOptions, RequestFlags, RouteFlags};
use super::duration::duration;
use super::{Command, Expected, Flag, Parsed, UsageError};

/// The command line of `client bench`.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchOptions {
    /// The request, and its URLs, which are requested in turn.
    pub client: ClientOptions,
    /// The file with more URLs, each with its weight; `-` is stdin.
    pub urls: Option<PathBuf>,
    /// The number of open connections.
    pub connections: usize,
    /// The number of threads for them, if it was given.
    pub threads: Option<usize>,
    /// The number of requests.
    pub requests: Option<u64>,
    /// The length of the measurement.
    pub duration: Option<Duration>,
    /// Requests due per second; `None`: a closed loop.
    pub rate: Option<f64>,
    /// How long requests are sent before the measurement.
    pub warm_up: Duration,
    /// The number of requests on each connection.
    pub per_connection: Option<u64>,
    /// The number of requests sent before the first response.
    pub pipeline: usize,
    /// The time limit of a connection, a request that waits to be sent, and a response.
    pub max_time: Duration,
    /// The file that gets the figures as JSON; `-` is stdout, instead of the report.
    pub json_out: Option<PathBuf>,
    /// Conditions under which the run fails, as typed.
    pub fail_if: Option<String>,
    /// The figures of an earlier run to compare with.
    pub baseline: Option<PathBuf>,
    /// Whether the progress line is left out.
    pub silent: bool,
    /// The command line, without secrets.
    pub command_line: String,
}

impl Default for BenchOptions {
    fn default() -> BenchOptions {
        BenchOptions {
            client: ClientOptions::default(),
            urls: None,
            connections: 50,
            threads: None,
            requests: None,
            duration: None,
            rate: None,
            warm_up: Duration::ZERO,
            per_connection: None,
            pipeline: 1,
            max_time: Duration::from_secs(10),
            json_out: None,
            fail_if: None,
            baseline: None,
            silent: false,
            command_line: String::new(),
        }
    }
}

impl AsMut<ClientOptions> for BenchOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        &mut self.client
    }
}

impl BenchOptions {
    /// Returns the length of the measurement: 10 s unless a time or a number of requests was given.
    pub fn time(&self) -> Option<Duration> {
        let usual = self.requests.is_none().then_some(Duration::from_secs(10));
        self.duration.or(usual)
    }
}

/// Parses the arguments after the word `bench`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed<BenchOptions>, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut parsed = COMMAND.parse(BenchOptions::default(), args.clone())?;
    if let Parsed::Run(options) = &mut parsed {
        options.command_line = COMMAND.shown(&args);
        if options.client.urls.is_empty() && options.urls.is_none() {
            return Err(
                COMMAND.wrong("no URL; right: client bench http://127.0.0.1:8080/, or --urls FILE")
            );
        }
        if options.client.head && !options.client.data.is_empty() {
            return Err(
                COMMAND.wrong("-I and -d cannot be combined: HEAD has no body; right: one of them")
            );
        }
    }
    Ok(parsed)
}

/// Returns the help text.
pub fn help() -> String {
    COMMAND.help()
}

pub(super) static COMMAND: Command<BenchOptions> = Command {
    name: "client bench",
    usage: "[FLAG]... URL...",
    about: "\
Requests a URL again and again, and reports how long the responses took; of
several URLs of one server, in turn, with a row for each. Each response is read
to its end and checked. The report goes to stdout, everything else to stderr.",
    examples: "",
    groups: &[
        ("Load", LOAD),
        ("Request, the same as for client", RequestFlags::FLAGS),
        ("Addresses", AddressFlags::FLAGS),
        ("Network", RouteFlags::FLAGS),
        ("Figures", FIGURES),
        ("Help", HELP),
    ],
    operand: |options, value| {
        let url = value.to_str().ok_or(Expected(
            "the URL is not UTF-8; right: other bytes percent-encoded, such as %C3%BC",
        ))?;
        options.client.urls.push(url.to_owned());
        Ok(())
    },
    epilogue: "\
Exit codes:
   0  every response was 2xx, and no condition of --fail-if is true
   2  wrong arguments                          3  invalid URL
   6  could not resolve the host               7  could not connect
  22  there were errors; with a condition on errors in --fail-if: there was no
      2xx response
  23  could not write the output              26  could not read a file
  28  timeout of the first connection         49  wrong --resolve
  56  the load generator failed
  99  a condition of --fail-if is true

These are errors: a status other than 2xx, no connection, no response or an
incomplete one, a response that breaks a rule of HTTP, a timeout.

Examples:
  client bench :8080/-/health                 50 connections, 10 seconds
  client bench -c 1000 -t 30s --warm-up 500ms :8080/
  client bench --urls urls.txt                lines such as: 3 :8080/hello.txt
  client bench --rate 5000 --fail-if 'p99>50ms,errors>0.1%' :8080/
  client bench --json-out old.json :8080/     and after a change:
  client bench --baseline old.json :8080/
",
    most_used: &[],
    refused: REFUSED,
};

const LOAD: &[Flag<BenchOptions>] = &[
    Flag::new(
        None,
        "urls",
        Value("FILE", |options, value| {
            options.urls = Some(file(value)?);
            Ok(())
        }),
        "request the URLs in FILE, too, a line for each: [WEIGHT] URL. One with weight 3 is requested three \
         times as often as one without; - is stdin",
    ),
    Flag::new(
        Some('c'),
        "connections",
        Value("N", |options, value| {
            options.connections = number(value, 100_000)?;
            Ok(())
        }),
        "keep N connections open (default 50)",
    ),
    Flag::new(
        Some('t'),
        "duration",
        Value("TIME", |options, value| {
            options.duration = Some(some_time(value)?);
            Ok(())
        }),
        "measure for TIME: 30, 30s, 500ms, 2m (default 10s, without -n), then wait for the responses to \
         the requests in progress",
    ),
    Flag::new(
        Some('n'),
        "requests",
        Value("N", |options, value| {
            options.requests = Some(number(value, u64::MAX)?);
            Ok(())
        }),
        "send N requests; with -t, stop at the limit that is reached first",
    ),
    Flag::new(
        None,
        "rate",
        Value("N", |options, value| {
            let rate = value.to_str().and_then(|text| text.parse::<f64>().ok());
            let rate = rate.filter(|rate| (0.001..=10_000_000.0).contains(rate));
            options.rate =
                Some(rate.ok_or(Expected("requests per second, from 0.001 to 10000000"))?);
            Ok(())
        }),
        "send N requests per second, even if the server is slow, and measure each from the time when it \
         was due (default: each connection sends its next request when it has received the \
         response)",
    ),
    Flag::new(
        None,
        "keep-alive",
        Value("on|off", |options, value| {
            options.per_connection = match value.to_str() {
                Some("on") => None,
                Some("off") => Some(1),
                _ => return Err(Expected("on or off")),
            };
            Ok(())
        }),
        "off: open a connection for each request, and count the time to open it (default on)",
    ),
    Flag::new(
        None,
        "per-connection",
        Value("N", |options, value| {
            options.per_connection = Some(number(value, u64::MAX)?);
            Ok(())
        }),
        "close each connection after N requests; the last request has Connection: close",
    ),
    Flag::new(
        None,
        "pipeline",
        Value("N", |options, value| {
            options.pipeline = number(value, 1000)?;
            Ok(())
        }),
        "send N requests on a connection before the first response (default 1)",
    ),
    Flag::new(
        None,
        "threads",
        Value("N", |options, value| {
            options.threads = Some(number(value, 1000)?);
            Ok(())
        }),
        "spread the connections over N threads (default: half the cores)",
    ),
    Flag::new(
        None,
        "warm-up",
        Value("TIME", |options, value| {
            options.warm_up = time(value)?;
            Ok(())
        }),
        "send requests for TIME before the measurement (default 0)",
    ),
    Flag::new(
        Some('m'),
        "max-time",
        Value("TIME", |options, value| {
            options.max_time = some_time(value)?;
            Ok(())
        }),
        "wait at most TIME for a connection, for a free connection when a request is due, and for a \
         response (default 10s)",
    ),
];

/// What people type from memory, and why it is not done.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["L", "location", "location-trusted"],
        "each response is measured by itself, a redirect, too; right: the URL that it leads to",
    ),
    (&["o", "output", "O", "remote-name"], "bodies are read to their end, and not kept"),
    (&["compressed"], "nothing is decoded; right: -H 'Accept-Encoding: gzip'"),
];

const FIGURES: &[Flag<BenchOptions>] = &[
    Flag::new(
        None,
        "json-out",
        Value("FILE", |options, value| {
            options.json_out = Some(file(value)?);
            Ok(())
        }),
        "also write the figures as JSON to FILE; -: write them to stdout instead of the report",
    ),
    Flag::new(
        None,
        "baseline",
        Value("FILE", |options, value| {
            options.baseline = Some(file(value)?);
            Ok(())
        }),
        "compare with a file that --json-out wrote",
    ),
    Flag::new(
        None,
        "fail-if",
        Value("CONDITIONS", |options, value| {
            let text =
                value.to_str().ok_or(Expected("a condition, such as p99>50ms,errors>0.1%"))?;
            options.fail_if = Some(text.to_owned());
            Ok(())
        }),
        "fail if a condition is true, such as p99>50ms,errors>0.1%: p50 p75 p90 p95 p99 p99.9 p99.99 \
         max (us, ms, s), errors (a number or %), rps; > or <",
    ),
    Flag::new(
        Some('s'),
        "silent",
        Switch(|options, on| options.silent = on),
        "show no progress line (it is shown on a terminal only)",
    ),
];

const HELP: &[Flag<BenchOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Returns a number from 1 to `most`.
pub(super) fn number<T: std::str::FromStr + PartialOrd + From<u8>>(
    value: &OsStr,
    most: T,
) -> Result<T, Expected> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.filter(|number| *number >= T::from(1) && *number <= most).ok_or(Expected(
        "a number of at least 1, such as 100; connections: at most 100000; others: at most 1000",
    ))
}

/// Returns a time of at most a day.
pub(super) fn time(value: &OsStr) -> Result<Duration, Expected> {
    let time = value.to_str().and_then(duration).filter(|time| *time <= DAY);
    time.ok_or(Expected("a time of at most a day, such as 2, 2s, 500ms or 1m"))
}

/// Returns a time of at most a day that is not 0.
pub(super) fn some_time(value: &OsStr) -> Result<Duration, Expected> {
    let right = Expected("more than 0 and at most a day, such as 10, 10s, 500ms or 2m");
    time(value).ok().filter(|time| !time.is_zero()).ok_or(right)
}

/// Returns the path of a file.
pub(super) fn file(value: &OsStr) -> Result<PathBuf, Expected> {
    Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty()).ok_or(Expected("a file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> BenchOptions {
        match parse(args.iter().map(OsString::from)) {
            Ok(Parsed::Run(options)) => options,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn what_is_asked_is_said_as_with_client() {
        let got = options(&["-XPUT", "-d", "a", "-H", "A: b", "--http1.0", "-c5", "u"]);
        assert_eq!(got.client.method.as_deref(), Some("PUT"));
        assert!(got.client.http10 && got.client.fields.len() == 1 && got.client.data.len() == 1);
        assert_eq!((got.connections, got.time()), (5, Some(Duration::from_secs(10))));
        assert_eq!(options(&["-n5", "u"]).time(), None);
        assert_eq!(options(&["-t500ms", "u"]).time(), Some(Duration::from_millis(500)));
        let through = options(&["-x", "p:1", "--connect-to", "a:1:b:2", "-4", "--urls", "f"]);
        assert_eq!(through.client.network.proxy.as_deref(), Some("p:1"));
        assert_eq!(through.urls.as_deref(), Some("f".as_ref()));
        assert_eq!(options(&["-n5", "-t.5", "u"]).time(), Some(Duration::from_millis(500)));
        assert_eq!(options(&["--keep-alive", "off", "u"]).per_connection, Some(1));
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            &[][..],
            &["-c", "0", "u"],
            &["-c", "100001", "u"],
            &["-n", "-1", "u"],
            &["-t", "0", "u"],
            &["-t", "1e9", "u"],
            &["-t", "10x", "u"],
            &["-t", "2d", "u"],
            &["-L", "u"],
            &["--urls", "", "u"],
            &["--rate", "0", "u"],
            &["--rate", "NaN", "u"],
            &["--rate", "inf", "u"],
            &["--keep-alive", "maybe", "u"],
            &["--pipeline", "0", "u"],
            &["-I", "-d", "x", "u"],
            &["-v", "u"],
        ] {
            let error = parse(wrong.iter().map(OsString::from)).unwrap_err().to_string();
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
