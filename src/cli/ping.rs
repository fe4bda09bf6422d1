//! The flags of `client ping`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::Effect::{Choice, Help, Value, Version};
use super::client::{AddressFlags, ClientOptions};
use super::{Command, Expected, Flag, Parsed, UsageError, seconds};

/// The command line of `client ping`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingOptions {
    /// Where the probes go, as typed: the only URL. And how its addresses are found.
    pub client: ClientOptions,
    /// What a probe is, if a flag says so.
    pub mode: Option<PingMode>,
    /// The number of probes.
    pub count: u32,
    /// The time from one probe to the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub wait: Duration,
    /// The file that gets the probes and the figures as JSON; `-` is stdout, instead of the lines.
    pub json_out: Option<PathBuf>,
}

/// What a probe is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingMode {
    /// A datagram, which the peer sends back.
    Udp,
    /// A connection, which is closed at once.
    Tcp,
    /// A request on a fresh connection.
    Http,
}

impl Default for PingOptions {
    fn default() -> PingOptions {
        PingOptions {
            client: ClientOptions::default(),
            mode: None,
            count: 10,
            interval: Duration::from_secs(1),
            wait: Duration::from_secs(1),
            json_out: None,
        }
    }
}

impl AsMut<ClientOptions> for PingOptions {
    fn as_mut(&mut self) -> &mut ClientOptions {
        &mut self.client
    }
}

/// Parses the arguments after the word `ping`.
///
/// # Errors
/// [`UsageError`]: what was typed, and what is right.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Parsed<PingOptions>, UsageError> {
    let parsed = COMMAND.parse(PingOptions::default(), args)?;
    match &parsed {
        Parsed::Run(options) => match &options.client.urls[..] {
            [_] => Ok(parsed),
            [] => Err(COMMAND.wrong("no host; right: client ping 127.0.0.1:8080")),
            _ => Err(COMMAND.wrong("more than one host; right: one per run")),
        },
        Parsed::Print(_) => Ok(parsed),
    }
}

pub(super) static COMMAND: Command<PingOptions> = Command {
    name: "client ping",
    usage: "[FLAG]... HOST:PORT",
    about: "\
Sends probes to a host, one after the other, and shows how long each answer
took; then how many were lost, came twice or in another order, and the least,
mean and greatest time with its standard deviation (mdev), as ping(8) does.

  --udp   a datagram with a number, for a server that sends it back (UDP echo)
  --tcp   a connection: the time until it is open. This is the default
  --http  HEAD on a connection of its own: from its begin to the end of the head
          of the response. A path may follow the port

`udp://HOST:PORT`, as the server prints it, is the same as --udp HOST:PORT. If
the host has several addresses, the first one that does not refuse is used.
Ctrl-C ends the run early.",
    examples: "",
    groups: &[
        ("Probes", PROBES),
        ("Addresses", AddressFlags::FLAGS),
        ("Figures", FIGURES),
        ("Help", HELP),
    ],
    operand: |options, value| {
        let target = value.to_str().ok_or(Expected("the host is not UTF-8; right: HOST:PORT"))?;
        options.client.urls.push(target.to_owned());
        Ok(())
    },
    epilogue: "\
Exit codes, beyond the first two the same as for client:
   0  an answer came in time                 1  none did
   2  wrong arguments                        3  invalid host or port
   6  could not resolve the host            23  could not write the output
  28  timeout of the look-up                49  wrong --resolve

Examples:
  client ping localhost:8080
  client ping --udp -n 100 -i 0.1 127.0.0.1:7000
  client ping --http :8080/hello.txt
",
    most_used: &[],
    refused: &[],
};

const PROBES: &[Flag<PingOptions>] = &[
    Flag::new(None, "udp", Choice(|options| options.mode = Some(PingMode::Udp)), "send datagrams"),
    Flag::new(
        None,
        "tcp",
        Choice(|options| options.mode = Some(PingMode::Tcp)),
        "open connections (the default)",
    ),
    Flag::new(None, "http", Choice(|options| options.mode = Some(PingMode::Http)), "send requests"),
    Flag::new(
        Some('n'),
        "count",
        Value("N", |options, value| {
            let count = value.to_str().and_then(|text| text.parse().ok());
            let count = count.filter(|count| (1..=1_000_000).contains(count));
            options.count = count.ok_or(Expected("a number from 1 to 1000000, such as 10"))?;
            Ok(())
        }),
        "send N probes (default 10; at most 1000000)",
    ),
    Flag::new(
        Some('i'),
        "interval",
        Value("SECS", |options, value| {
            options.interval = time(value)?;
            Ok(())
        }),
        "send one every SECS seconds, whether or not the one before has been answered (default 1)",
    ),
    Flag::new(
        Some('W'),
        "wait",
        Value("SECS", |options, value| {
            options.wait = time(value)?;
            Ok(())
        }),
        "an answer after SECS seconds is too late: its probe is lost (default 1)",
    ),
];

const FIGURES: &[Flag<PingOptions>] = &[Flag::new(
    None,
    "json-out",
    Value("FILE", |options, value| {
        let file = Some(PathBuf::from(value)).filter(|path| !path.as_os_str().is_empty());
        options.json_out = Some(file.ok_or(Expected("a file"))?);
        Ok(())
    }),
    "also write the probes and the figures as JSON to FILE; -: write them to stdout instead of the lines",
)];

const HELP: &[Flag<PingOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

/// Returns a time from a millisecond, below which the client itself would be the bottleneck, to a day.
fn time(value: &OsStr) -> Result<Duration, Expected> {
    let range = Duration::from_millis(1)..=Duration::from_secs(24 * 3600);
    let right = Expected("from 0.001 seconds to a day, such as 1 or 0.2");
    seconds(value).ok().filter(|time| range.contains(time)).ok_or(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_and_what_is_refused() {
        let parsed = |args: &[&str]| parse(args.iter().map(OsString::from));
        let options = |args: &[&str]| match parsed(args) {
            Ok(Parsed::Run(options)) => options,
            other => panic!("{args:?}: {other:?}"),
        };
        let given = options(&["--tcp", "--udp", "-n5", "-i", "0.01", "-W.2", "-4", "a:7"]);
        assert_eq!((given.mode, given.count), (Some(PingMode::Udp), 5));
        assert_eq!((given.interval.as_millis(), given.wait.as_millis()), (10, 200));
        assert!(given.client.network.family.is_some() && given.client.urls == ["a:7"]);
        let usual = options(&["a:7"]);
        assert_eq!((usual.mode, usual.count, usual.wait.as_secs()), (None, 10, 1));
        for wrong in [
            &[][..],
            &["a:7", "b:7"],
            &["-n", "0", "a:7"],
            &["-n", "1000001", "a:7"],
            &["-i", "0", "a:7"],
            &["-W", "-1", "a:7"],
            &["--json-out", "", "a:7"],
            &["--connect-to", "::b:", "a:7"],
        ] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }
}
