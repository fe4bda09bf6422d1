//! The flags of `server` that make it a name server, too.

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::Effect::Value;
use super::Flag;
use super::limits::{number_or_off, put};
use super::listen::host_and_port;
use super::server::{ServerOptions, not_empty};

/// The settings of the name server. There is none unless addresses are given, and zones.
#[derive(Debug)]
pub struct NameServerOptions {
    /// The addresses to receive queries on, as typed.
    pub addresses: Vec<String>,
    /// The files of the zones.
    pub zones: Vec<PathBuf>,
    /// How many responses a second one address gets over UDP; `None` for any number.
    pub rate: Option<NonZeroU32>,
}

impl Default for NameServerOptions {
    fn default() -> NameServerOptions {
        NameServerOptions { addresses: Vec::new(), zones: Vec::new(), rate: NonZeroU32::new(100) }
    }
}

impl NameServerOptions {
    /// Returns what is missing: each of the two flags needs the other.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match (self.addresses.is_empty(), self.zones.is_empty()) {
            (false, true) => Some("--dns requires a zone; right: --dns 127.0.0.1:5353 --zone FILE"),
            (true, false) => {
                Some("--zone requires an address; right: --dns 127.0.0.1:5353 --zone FILE")
            }
            _ => None,
        }
    }
}

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "dns",
        Value("ADDR:PORT", |options, value| {
            options.dns.addresses.push(host_and_port(value)?);
            Ok(())
        }),
        "answer DNS queries on this address, over UDP and TCP; requires --zone; repeatable; port 0 \
         chooses a free port",
    ),
    Flag::new(
        None,
        "zone",
        Value("FILE", |options, value| {
            options.dns.zones.push(not_empty(value, "a file, such as example.org.zone")?.into());
            Ok(())
        }),
        "have the authority for the zone in FILE: a master file (RFC 1035), or lines like those of \
         /etc/hosts; read again when it changes; repeatable",
    ),
    Flag::new(
        None,
        "dns-rate",
        Value("N|off", |options, value| put(&mut options.dns.rate, number_or_off(value))),
        "send at most N responses a second to one address over UDP, loopback excepted; of those \
         beyond, every second one is sent without records, so that the client asks over TCP \
         (default 100)",
    ),
];
