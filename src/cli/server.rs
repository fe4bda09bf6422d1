//! The flags of `server`.

use std::ffi::{OsStr, OsString};
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::Effect::{Help, Switch, Value, Version};
use super::limits::{self, LimitFlags, number, set};
use super::{Command, Flag, Parsed, Right, UsageError, seconds};

/// What the command line of `server` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// The folder whose files are served.
    pub root: PathBuf,
    /// Where to listen: hosts and ports as they were typed, of the right form, not looked up.
    pub bind: Vec<String>,
    /// How many workers; `None`: by the number of cores.
    pub workers: Option<usize>,
    /// Do connections wait in the lobby, or does each worker keep its own?
    pub lobby: bool,
    /// The folder that keeps what `/users` is told.
    pub data: PathBuf,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// What the `Server` field says; `None`: there is no such field.
    pub server_name: Option<String>,
    /// How much is too much.
    pub limits: LimitFlags,
    /// Once asked to stop, so long it takes connections still, and says that it is not healthy.
    pub drain_time: Duration,
    /// And then so long requests that are under way may take.
    pub stop_time: Duration,
    /// Show each byte of each connection.
    pub wire: bool,
    /// Who may see the counters.
    pub metrics: Metrics,
    /// Who is told where the server's time went.
    pub server_timing: ServerTiming,
}

/// Who may see the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metrics {
    /// Everyone.
    Everyone,
    /// Who connects from this machine.
    Loopback,
    /// Nobody.
    Off,
}

/// Who is told where the server's time went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTiming {
    /// Nobody.
    Off,
    /// Who connects from this machine.
    Loopback,
    /// Everyone.
    On,
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// To stderr.
    Stderr,
    /// Nowhere.
    Off,
    /// Appended to this file.
    File(PathBuf),
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            root: PathBuf::from("www"),
            bind: vec![DEFAULT_BIND.to_owned()],
            workers: None,
            lobby: true,
            data: PathBuf::from("data"),
            access_log: AccessLog::Stderr,
            server_name: Some(concat!("threadbare/", env!("CARGO_PKG_VERSION")).to_owned()),
            limits: LimitFlags::default(),
            drain_time: Duration::ZERO,
            stop_time: Duration::from_secs(10),
            wire: false,
            metrics: Metrics::Loopback,
            server_timing: ServerTiming::Loopback,
        }
    }
}

/// Reads the arguments, the program's name not among them.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<ServerOptions>, UsageError> {
    // Nothing is served or bound to begin with, so that what is typed replaces the default.
    let defaults = ServerOptions::default();
    let start =
        ServerOptions { root: PathBuf::new(), bind: Vec::new(), ..ServerOptions::default() };
    let mut parsed = COMMAND.parse(start, args)?;
    if let Parsed::Run(options) = &mut parsed {
        if options.root.as_os_str().is_empty() {
            options.root = defaults.root;
        }
        if options.bind.is_empty() {
            options.bind = defaults.bind;
        }
    }
    Ok(parsed)
}

const DEFAULT_BIND: &str = "127.0.0.1:8080";

/// Each worker is a thread; Linux has room for some 30,000 of them, and less memory than that.
const MOST_WORKERS: usize = 10_000;

pub(super) static COMMAND: Command<ServerOptions> = Command {
    name: "server",
    usage: "[FLAG]... [ROOT]",
    about: "Serves the files under ROOT (default: www) over HTTP/1.0 and HTTP/1.1.",
    groups: &[("Flags", FLAGS), ("Limits", limits::FLAGS), ("Overload", limits::OVERLOAD)],
    operand: |options, value| {
        // Two folders are more often a forgotten quote than a wish for the second one.
        if !options.root.as_os_str().is_empty() {
            return Err(Right("one ROOT only; quote a name with spaces in it"));
        }
        options.root = PathBuf::from(not_empty(value, "right: a folder, as www")?);
        Ok(())
    },
    epilogue: "\
Environment:
  RUST_LOG=debug                what the server tells about itself on stderr:
                                error, warn, info (default), debug, trace

Exit codes:
    0  stopped cleanly, by Ctrl-C or a signal
    1  could not start, or could not go on
    2  wrong arguments
  130  stopped at once, by a second signal

Examples:
  server                        www on http://127.0.0.1:8080/
  server --bind 0.0.0.0:80 --bind '[::]:80' /srv/www
  server --bind 127.0.0.1:0     on a free port; stdout says which
",
};

const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "bind",
        Value("ADDR:PORT", |options, value| {
            options.bind.push(host_and_port(value)?);
            Ok(())
        }),
        "listen here; repeatable; port 0 is any free one (default 127.0.0.1:8080)",
    ),
    Flag::new(
        None,
        "workers",
        Value("N", |options, value| {
            const RIGHT: Right = Right("a number from 1 to 10000, as 32");
            let workers = number(value, RIGHT, 1)?;
            set(
                &mut options.workers,
                if workers <= MOST_WORKERS { Ok(workers) } else { Err(RIGHT) },
            )
        }),
        "how many requests are worked on at once (default: by the number of cores)",
    ),
    Flag::new(
        None,
        "lobby",
        Value("on|off", |options, value| {
            options.lobby = match value.to_str() {
                Some("on") => true,
                Some("off") => false,
                _ => return Err(Right("on, or off to let each worker keep its connection")),
            };
            Ok(())
        }),
        "off: a worker keeps its connection, as in the textbook (default on)",
    ),
    Flag::new(
        None,
        "data",
        Value("DIR", |options, value| {
            options.data = PathBuf::from(not_empty(value, "a folder, as data")?);
            Ok(())
        }),
        "where /users keeps its records (default data)",
    ),
    Flag::new(
        None,
        "access-log",
        Value("FILE|-|off", |options, value| {
            options.access_log = match value.to_str() {
                Some("-") => AccessLog::Stderr,
                Some("off") => AccessLog::Off,
                _ => AccessLog::File(not_empty(value, "a file, - for stderr, or off")?.into()),
            };
            Ok(())
        }),
        "one line for each request, appended to FILE (default -, which is stderr)",
    ),
    Flag::new(
        None,
        "wire",
        Switch(|options| options.wire = true),
        "show each byte of each connection on stderr, passwords and cookies included; files are \
         then read and written, not sent by the kernel",
    ),
    Flag::new(
        None,
        "server-name",
        Value("NAME|off", |options, value| {
            let visible = |text: &&str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            let name = value.to_str().filter(visible).filter(|name| !name.trim().is_empty());
            let name = name.ok_or(Right("printable ASCII, as threadbare, or off"))?;
            options.server_name = (name != "off").then(|| name.trim().to_owned());
            Ok(())
        }),
        "what the Server field of an answer says",
    ),
    Flag::new(
        None,
        "stop-time",
        Value("SECS", |options, value| {
            options.stop_time = seconds(value)?;
            Ok(())
        }),
        "once it stops, what is under way may take so long (default 10)",
    ),
    Flag::new(
        None,
        "drain-time",
        Value("SECS", |options, value| {
            options.drain_time = seconds(value)?;
            Ok(())
        }),
        "before it stops, connections are taken so long while /-/health says 503 (default 0)",
    ),
    Flag::new(
        None,
        "metrics",
        Value("WHO", |options, value| {
            options.metrics = match value.to_str() {
                Some("everyone") => Metrics::Everyone,
                Some("loopback") => Metrics::Loopback,
                Some("off") => Metrics::Off,
                _ => return Err(Right("everyone, loopback or off")),
            };
            Ok(())
        }),
        "who may see /-/metrics: everyone, loopback or off (default loopback)",
    ),
    Flag::new(
        None,
        "server-timing",
        Value("WHO", |options, value| {
            options.server_timing = match value.to_str() {
                Some("off") => ServerTiming::Off,
                Some("loopback") => ServerTiming::Loopback,
                Some("on") => ServerTiming::On,
                _ => return Err(Right("off, loopback or on")),
            };
            Ok(())
        }),
        "who is told in Server-Timing where the time went: off, loopback or on, which is everyone \
         (default loopback)",
    ),
    Flag::new(Some('h'), "help", Help, "print this"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

fn not_empty<'v>(value: &'v OsStr, right: &'static str) -> Result<&'v OsStr, Right> {
    if value.is_empty() { Err(Right(right)) } else { Ok(value) }
}

/// Checks the form, so that a slip is explained before anything is started. A port alone is
/// refused: it would be anyone's guess whether it means this machine only or the whole network.
fn host_and_port(value: &OsStr) -> Result<String, Right> {
    let text = value.to_str().unwrap_or_default();
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let right = match text.rsplit_once(':') {
        None if is_port(text) => "with its address: 127.0.0.1:8080, or 0.0.0.0:8080 for everyone",
        Some(("", port)) if is_port(port) => {
            "with its address: 127.0.0.1:8080, or 0.0.0.0:8080 for everyone"
        }
        Some((host, port)) if is_port(port) && is_host(host) => return Ok(text.to_owned()),
        _ if text.parse::<Ipv6Addr>().is_ok() => "IPv6 in brackets, with a port: [::1]:8080",
        Some((host, _)) if host.parse::<Ipv6Addr>().is_ok() => "IPv6 in brackets: [::1]:8080",
        _ => "an address and a port: 127.0.0.1:8080, localhost:8080, [::1]:8080",
    };
    Err(Right(right))
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Parsed<ServerOptions>, String> {
        parse(args.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_typed_is_the_default() {
        assert_eq!(parsed(&[]), Ok(Parsed::Run(ServerOptions::default())));
    }

    #[test]
    fn everything_typed() {
        let args = "--bind localhost:1 --bind [::1]:2 --workers 3 --lobby off --data d --access-log off \
                    --server-name off --head-time 1 --idle-time 2 --transfer-grace 3 --transfer-rate 4 \
                    --max-body 5 --max-request-line 6 --max-field 7 --max-fields 8 --max-head 9 \
                    --max-chunk-overhead 10 --max-body-memory 15 --max-bodies-memory 16 --max-bodies-disk 20 \
                    --max-unsent-memory 19 --max-ranges 18 --max-body-unread 17 --max-connections 11 --max-per-address off --queue 12 \
                    --overload block --stop-time 13 --drain-time 14 --metrics everyone --wire \
                    --server-timing on site";
        let args: Vec<&str> = args.split_whitespace().collect();
        let want = ServerOptions {
            root: "site".into(),
            bind: vec!["localhost:1".into(), "[::1]:2".into()],
            workers: Some(3),
            lobby: false,
            data: "d".into(),
            access_log: AccessLog::Off,
            server_name: None,
            limits: LimitFlags {
                head_time: Some(Duration::from_secs(1)),
                idle_time: Some(Duration::from_secs(2)),
                transfer_grace: Some(Duration::from_secs(3)),
                transfer_rate: Some(4),
                body: Some(5),
                request_line: Some(6),
                field: Some(7),
                fields: Some(8),
                head: Some(9),
                chunk_overhead: Some(10),
                ranges: Some(18),
                body_memory: Some(15),
                bodies_memory: Some(16),
                bodies_disk: Some(20),
                unsent_memory: Some(19),
                body_unread: Some(17),
                connections: Some(11),
                per_address: Some(limits::PerAddress::Off),
                queue: Some(12),
                overload: Some(limits::Overload::Block),
            },
            stop_time: Duration::from_secs(13),
            drain_time: Duration::from_secs(14),
            wire: true,
            metrics: Metrics::Everyone,
            server_timing: ServerTiming::On,
        };
        assert_eq!(parsed(&args), Ok(Parsed::Run(want)));
    }

    #[test]
    fn where_to_listen() {
        for right in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "0.0.0.0:0", "a-b.c:65535"]
        {
            assert!(parsed(&["--bind", right]).is_ok(), "{right}");
        }
        for (wrong, teaches) in [
            ("8080", "127.0.0.1:8080"),
            (":8080", "0.0.0.0:8080"),
            ("localhost", "localhost:8080"),
            ("::1", "[::1]:8080"),
            ("::1:8080", "[::1]:8080"),
            ("[::1]", "[::1]:8080"),
            ("[::g]:80", "[::1]:8080"),
            ("127.0.0.1:", "127.0.0.1:8080"),
            ("127.0.0.1:65536", "127.0.0.1:8080"),
            ("127.0.0.1:+80", "127.0.0.1:8080"),
            ("http://localhost:80", "localhost:8080"),
            ("a b:80", "localhost:8080"),
            ("", "localhost:8080"),
        ] {
            let error = parsed(&["--bind", wrong]).unwrap_err();
            assert!(error.contains(teaches) && error.contains(wrong), "{error}");
        }
    }

    #[test]
    fn what_is_refused() {
        for wrong in [
            &["--workers", "0"][..],
            &["--workers", "-1"],
            &["--workers", "many"],
            &["--workers"],
            &["--transfer-rate", "0"],
            &["--max-body", "1k"],
            &["--max-connections", "1000001"],
            &["--max-per-address", "0"],
            &["--overload", "panic"],
            &["--metrics", "on"],
            &["--server-timing", "everyone"],
            &["--head-time", "-1"],
            &["--data", ""],
            &["--server-name", "a\r\nb"],
            &["--server-name", ""],
            &["a", "b"],
            &["www", "b"],
            &[""],
            &["--help=x\ny", "--nope"],
            &["-x"],
        ] {
            match parsed(wrong) {
                Err(error) => assert_eq!(error.lines().count(), 1, "{error}"),
                Ok(Parsed::Print(_)) => {}
                Ok(parsed) => panic!("{wrong:?}: {parsed:?}"),
            }
        }
    }
}
