//! The flags of `client` that say how a server is reached, and how long that and the rest may take.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use super::output::bytes;
use super::request::field;
use super::{ClientOptions, Field};
use crate::cli::Effect::{Choice, Secret, Value};
use crate::cli::limits::number;
use crate::cli::{Expected, Flag, seconds};
use crate::client::Resolver;

/// The options for reaching servers, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkOptions {
    /// `-4`, `-6`: the last one counts.
    pub family: Option<OneFamily>,
    /// `--dns`.
    pub resolver: Resolver,
    /// `--resolve`.
    pub resolve: Vec<String>,
    /// `--connect-to`.
    pub connect_to: Vec<String>,
    /// `--unix-socket`.
    pub unix_socket: Option<PathBuf>,
    /// `-x`; an empty one is none, whatever the environment says.
    pub proxy: Option<String>,
    /// `-U`.
    pub proxy_user: Option<String>,
    /// `--noproxy`; an empty one is none, whatever the environment says.
    pub no_proxy: Option<String>,
    /// `--proxy-header`.
    pub proxy_fields: Vec<Field>,
    /// `--interface`: a network interface, an address or a name.
    pub interface: Option<String>,
    /// `--local-port`: the first and the last one.
    pub local_ports: Option<(u16, u16)>,
    /// `--max-response-head`, in bytes.
    pub response_head: Option<usize>,
    /// `--max-response-fields`.
    pub response_fields: Option<usize>,
}

/// The only family of addresses that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The time limit of each phase; `None`: no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimeLimits {
    /// For looking up the host.
    pub resolve: Option<Duration>,
    /// For looking it up and connecting.
    pub connect: Option<Duration>,
    /// For the server to take some of the request.
    pub send: Option<Duration>,
    /// For a 100 (Continue).
    pub expect_continue: Option<Duration>,
    /// For its answer to begin.
    pub first_byte: Option<Duration>,
    /// For more of the body to come.
    pub idle: Option<Duration>,
    /// Bytes a second that are slow.
    pub speed: Option<u32>,
    /// For how long they may be.
    pub speed_time: Option<Duration>,
}

impl TimeLimits {
    /// Returns the lowest speed, and for how long a transfer may be slower; one of the two flags is enough,
    /// as with curl.
    pub fn rate(&self) -> Option<(u32, Duration)> {
        match (self.speed, self.speed_time) {
            (None, None) => None,
            (speed, time) => Some((speed.unwrap_or(1), time.unwrap_or(Duration::from_secs(30)))),
        }
    }
}

/// The flags that say what the addresses of a host are, for options that have those of `client` among them.
pub(in crate::cli) struct AddressFlags<T>(PhantomData<T>);

impl<T: AsMut<ClientOptions> + 'static> AddressFlags<T> {
    pub(in crate::cli) const FLAGS: &'static [Flag<T>] = &[
        Flag::new(
            Some('4'),
            "ipv4",
            Choice(|options| options.as_mut().network.family = Some(OneFamily::V4)),
            "use IPv4 addresses only",
        ),
        Flag::new(
            Some('6'),
            "ipv6",
            Choice(|options| options.as_mut().network.family = Some(OneFamily::V6)),
            "use IPv6 addresses only",
        ),
        Flag::new(
            None,
            "resolve",
            Value("HOST:PORT:ADDR", |options, value| {
                let resolve = text(value, "HOST:PORT:ADDRESS[,ADDRESS]")?;
                options.as_mut().network.resolve.push(resolve);
                Ok(())
            }),
            "use these addresses (,ADDR...) for this host and port, without a look-up; * matches \
             every host",
        ),
        Flag::new(
            None,
            "dns",
            Value("SERVER[:PORT]", ask),
            "look names up in /etc/hosts, then at this name server (repeatable, or several with \
             commas); system: at those of /etc/resolv.conf (default: by the C library)",
        ),
        Flag::new(None, "dns-servers", Value("SERVER[:PORT]", ask), "the same as --dns"),
    ];
}

/// Adds name servers; the last one of `system` and addresses counts.
fn ask<T: AsMut<ClientOptions>>(options: &mut T, value: &OsStr) -> Result<(), Expected> {
    let right = Expected("an address such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53, or system");
    let given = value.to_str().and_then(Resolver::parse).ok_or(right)?;
    match (&mut options.as_mut().network.resolver, given) {
        (Resolver::Servers(servers), Resolver::Servers(more)) => servers.extend(more),
        (resolver, given) => *resolver = given,
    }
    Ok(())
}

/// The limits of a response, and other flags that say how a server is reached.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "proxy-header",
        Secret("FIELD", |options, value| {
            options.network.proxy_fields.push(field(value)?);
            Ok(())
        }),
        "like -H, for the proxy only",
    ),
    Flag::new(
        None,
        "interface",
        Value("NAME", |options, value| {
            let name = text(value, "eth0, 192.0.2.1 or a name; if!eth0, host!name")?;
            options.network.interface = Some(name).filter(|name| !name.is_empty());
            Ok(())
        }),
        "connect from this network interface, address or name; if!NAME is an interface, host!NAME \
         is none",
    ),
    Flag::new(
        None,
        "local-port",
        Value("PORT[-PORT]", |options, value| {
            let right = Expected("a port from 1 to 65535, or a range such as 4000-4200");
            options.network.local_ports = Some(value.to_str().and_then(ports).ok_or(right)?);
            Ok(())
        }),
        "connect from this port, or from the first in this range that is free",
    ),
    Flag::new(
        None,
        "max-response-head",
        Value("BYTES", |options, value| {
            let right = Expected("a number of bytes, such as 307200");
            options.network.response_head = Some(number(value, right, 1)?);
            Ok(())
        }),
        "refuse a longer response head, and a field of more than a third of BYTES (default 307200)",
    ),
    Flag::new(
        None,
        "max-response-fields",
        Value("N", |options, value| {
            let right = Expected("a number of at least 1, such as 5000");
            options.network.response_fields = Some(number(value, right, 1)?);
            Ok(())
        }),
        "refuse a response head with more fields (default 5000)",
    ),
];

/// The table of times. As with curl, no time at all is no limit.
pub(super) const TIME: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "resolve-timeout",
        Value("SECS", |options, value| {
            options.limits.resolve = limit(seconds(value)?);
            Ok(())
        }),
        "wait at most SECS seconds for the look-up of the host (default: the time of --connect-timeout)",
    ),
    Flag::new(
        None,
        "connect-timeout",
        Value("SECS", |options, value| {
            options.limits.connect = limit(seconds(value)?);
            Ok(())
        }),
        "wait at most SECS seconds for look-up and connection, such as 2 or 0.5 (default 300)",
    ),
    Flag::new(
        None,
        "send-timeout",
        Value("SECS", |options, value| {
            options.limits.send = limit(seconds(value)?);
            Ok(())
        }),
        "fail if the server accepts no byte of the request for SECS seconds (default: no \
         limit)",
    ),
    Flag::new(
        None,
        "expect100-timeout",
        Value("SECS", |options, value| {
            options.limits.expect_continue = Some(seconds(value)?);
            Ok(())
        }),
        "wait SECS seconds for the server's 100 before a large body is sent all the same (default 1)",
    ),
    Flag::new(
        None,
        "first-byte-timeout",
        Value("SECS", |options, value| {
            options.limits.first_byte = limit(seconds(value)?);
            Ok(())
        }),
        "wait at most SECS seconds for the head of the response after the request has been sent \
         (default: no limit)",
    ),
    Flag::new(
        None,
        "idle-timeout",
        Value("SECS", |options, value| {
            options.limits.idle = limit(seconds(value)?);
            Ok(())
        }),
        "fail if no byte of the body arrives for SECS seconds (default: no limit)",
    ),
    Flag::new(
        Some('Y'),
        "speed-limit",
        Value("SPEED", |options, value| {
            let speed = value.to_str().and_then(bytes).and_then(|speed| speed.try_into().ok());
            options.limits.speed =
                Some(speed.ok_or(Expected("bytes per second, such as 1000 or 10k"))?);
            Ok(())
        }),
        "fail if the transfer is slower than SPEED bytes per second for the time of -y (default with -y: 1)",
    ),
    Flag::new(
        Some('y'),
        "speed-time",
        Value("SECS", |options, value| {
            let time = limit(seconds(value)?);
            options.limits.speed_time = Some(time.ok_or(Expected("a time above 0, such as 30"))?);
            Ok(())
        }),
        "the time for -Y in seconds (default with -Y: 30)",
    ),
    Flag::new(
        Some('m'),
        "max-time",
        Value("SECS", |options, value| {
            options.max_time = limit(seconds(value)?);
            Ok(())
        }),
        "allow at most SECS seconds for each URL (default: no limit)",
    ),
];

/// Reads `4000` or `4000-4200`.
fn ports(typed: &str) -> Option<(u16, u16)> {
    let (first, last) = typed.split_once('-').unwrap_or((typed, typed));
    let port = |text: &str| {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|&port: &u16| is_number && port > 0)
    };
    Some((port(first)?, port(last)?)).filter(|(first, last)| first <= last)
}

pub(super) fn text(value: &OsStr, right: &'static str) -> Result<String, Expected> {
    value.to_str().map(str::to_owned).ok_or(Expected(right))
}

pub(in crate::cli) fn limit(time: Duration) -> Option<Duration> {
    Some(time).filter(|time| !time.is_zero())
}
