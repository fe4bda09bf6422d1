//! A small name server: it has the authority for zones from files, and answers over UDP and TCP.
//!
//! ```text
//! file ──> zone_files ──> master file or hosts_zone ──> Zone::new ──> Zones
//! query ──> NameServer::respond (UDP), tcp (TCP) ──> answer::respond ──> Zone::find ──> response
//! ```
//! | file | what it does | RFC |
//! |---|---|---|
//! | [`zone`] | the records of a zone, and what a name finds | 1034, 4.3.2; 4592 |
//! | [`hosts_zone`] | zones from a file like `/etc/hosts` | |
//! | [`zone_files`] | reads the files, and sees that they change | |
//! | [`answer`] | the octets of a query to those of its response | 1035; 2308; 6891; 8482 |
//! | [`tcp`] | queries over a connection | 7766 |
//!
//! It does not ask other servers, transfers no zones (AXFR), and signs nothing (DNSSEC).

pub mod answer;
pub mod hosts_zone;
pub mod tcp;
pub mod zone;
pub mod zone_files;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use self::answer::Way;
use self::zone::Zones;
use self::zone_files::States;
use crate::net::address_rate::AddressRate;
use crate::net::datagram::{DatagramService, Reply};
use crate::net::peer_address::PeerAddress;
use crate::proto::dns::ResponseCode;
use crate::sync::lock;

/// How a name server is set up.
#[derive(Debug)]
pub struct NameConfig {
    /// The files of its zones.
    pub files: Vec<PathBuf>,
    /// How many responses a second one address gets over UDP; `None` for any number.
    pub rate: Option<NonZeroU32>,
    /// How long a connection may be idle.
    pub idle_time: Duration,
    /// How long the rest of a query may take after its first octet, and room for a response.
    pub message_time: Duration,
}

/// A name server. It answers datagrams, and connections through [`tcp`].
#[derive(Debug)]
pub struct NameServer {
    zones: RwLock<Zones>,
    /// The states of the files when they were last read.
    states: Mutex<States>,
    /// The responses of an address, so that queries with a forged one do not flood its owner (response rate
    /// limiting, as in NSD and BIND).
    limit: Option<AddressRate>,
    /// What it has counted since its start.
    pub counts: Counters,
    config: NameConfig,
}

/// The codes of the responses that this server makes.
const CODES: [u16; 6] = [0, 1, 3, 4, 5, 16];

/// What a name server has counted.
#[derive(Debug, Default)]
pub struct Counters {
    /// Responses by their code.
    answers: [AtomicU64; 17],
    /// Queries that got no response: they could not be read, or were responses.
    pub ignored: AtomicU64,
    /// Responses that the limit made short.
    pub truncated: AtomicU64,
    /// Responses that the limit dropped.
    pub dropped: AtomicU64,
}

impl NameServer {
    /// Reads the zones.
    ///
    /// # Errors
    /// What is wrong with the first file that is faulty.
    pub fn open(config: NameConfig) -> Result<NameServer, String> {
        Ok(NameServer {
            // First, so that a change while a file is read is seen.
            states: Mutex::new(zone_files::states(&config.files)),
            zones: RwLock::new(zone_files::read(&config.files)?),
            limit: config.rate.map(AddressRate::new),
            counts: Counters::default(),
            config,
        })
    }

    /// Returns the response to a query from `peer`. Beyond the limit of its address, every second one says
    /// only that it should ask over TCP: the address of a connection is not forged.
    fn answer(&self, query: &[u8], mut way: Way, peer: PeerAddress) -> Option<Vec<u8>> {
        let Counters { answers, ignored, truncated, dropped } = &self.counts;
        let allows =
            |limit: &AddressRate| peer.ip().is_none_or(|ip| limit.allow(ip, Instant::now()));
        if way == Way::Udp && !self.limit.as_ref().is_none_or(allows) {
            if get(dropped) <= get(truncated) {
                add(dropped);
                return None;
            }
            add(truncated);
            way = Way::Short;
        }
        let zones = self.zones.read().unwrap_or_else(PoisonError::into_inner);
        let Some((response, octets)) = answer::respond(&zones, query, way) else {
            add(ignored);
            return None;
        };
        let code = response.code();
        add(&answers[usize::from(code.0)]);
        for question in &response.questions {
            log::debug!("{peer} asks for {question}: {code}, {} bytes", octets.len());
        }
        Some(octets)
    }
}

impl Counters {
    /// Returns how many responses had which code.
    pub fn answers(&self) -> impl Iterator<Item = (ResponseCode, u64)> {
        CODES.into_iter().map(|code| (ResponseCode(code), get(&self.answers[usize::from(code)])))
    }
}

/// Returns what has been counted.
pub fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl DatagramService for NameServer {
    fn respond(&self, datagram: &[u8], peer: SocketAddr) -> Option<Reply> {
        self.answer(datagram, Way::Udp, peer.into()).map(Reply::now)
    }

    /// Reads the zones again if a file has changed. If one is faulty, the old zones stay, and the fault is
    /// logged, once for each change.
    fn tick(&self) {
        let (mut last, states) = (lock(&self.states), zone_files::states(&self.config.files));
        if *last == states {
            return;
        }
        *last = states;
        match zone_files::read(&self.config.files) {
            Ok(zones) => {
                log::info!("the zones have changed, and are read again");
                *self.zones.write().unwrap_or_else(PoisonError::into_inner) = zones;
            }
            Err(faulty) => log::error!("{faulty}; the zones stay as they were"),
        }
    }
}
