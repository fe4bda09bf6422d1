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
//! | [`response_limit`] | limits the responses to one address | |
//! | [`tcp`] | queries over a connection | 7766 |
//!
//! It does not ask other servers, transfers no zones (AXFR), and signs nothing (DNSSEC).

pub mod answer;
pub mod hosts_zone;
pub mod response_limit;
pub mod tcp;
pub mod zone;
pub mod zone_files;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use self::answer::{Answer, Transport};
use self::response_limit::{ResponseLimit, Verdict};
use self::zone::Zones;
use self::zone_files::ZoneFiles;
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
    zones: RwLock<Arc<Zones>>,
    files: Mutex<ZoneFiles>,
    limit: Option<ResponseLimit>,
    counts: Counters,
    idle_time: Duration,
    message_time: Duration,
}

/// What a name server has counted since its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCounts {
    /// Responses by their code.
    pub answers: Vec<(ResponseCode, u64)>,
    /// Queries that got no response: they could not be read, or were responses.
    pub ignored: u64,
    /// Responses that the limit made short.
    pub truncated: u64,
    /// Responses that the limit dropped.
    pub dropped: u64,
}

/// The codes of the responses that this server makes.
const CODES: [ResponseCode; 6] = [
    ResponseCode::NO_ERROR,
    ResponseCode::FORMAT_ERROR,
    ResponseCode::NO_SUCH_NAME,
    ResponseCode::NOT_IMPLEMENTED,
    ResponseCode::REFUSED,
    ResponseCode::BAD_VERSION,
];

#[derive(Debug, Default)]
struct Counters {
    answers: [AtomicU64; CODES.len()],
    ignored: AtomicU64,
    truncated: AtomicU64,
    dropped: AtomicU64,
}

impl NameServer {
    /// Reads the zones.
    ///
    /// # Errors
    /// What is wrong with the first file that is faulty.
    pub fn open(config: NameConfig) -> Result<NameServer, String> {
        let mut files = ZoneFiles::new(config.files);
        let zones = files.read()?;
        Ok(NameServer {
            zones: RwLock::new(Arc::new(zones)),
            files: Mutex::new(files),
            limit: config.rate.map(ResponseLimit::new),
            counts: Counters::default(),
            idle_time: config.idle_time,
            message_time: config.message_time,
        })
    }

    /// Reads the zones again if a file has changed. If one is faulty, the old zones stay, and the fault is
    /// logged, once for each change.
    pub fn reload_changed(&self) {
        let mut files = lock(&self.files);
        if !files.have_changed() {
            return;
        }
        match files.read() {
            Ok(zones) => {
                for zone in zones.not_newer_than(&self.zones()) {
                    log::debug!(
                        "the serial of the zone {} is not higher than before",
                        zone.origin()
                    );
                }
                log::info!("the zones have changed, and are read again");
                *self.zones.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(zones);
            }
            Err(faulty) => log::error!("{faulty}; the zones stay as they were"),
        }
    }

    /// Returns what it has counted.
    pub fn counts(&self) -> NameCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NameCounts {
            answers: CODES.into_iter().zip(self.counts.answers.iter().map(get)).collect(),
            ignored: get(&self.counts.ignored),
            truncated: get(&self.counts.truncated),
            dropped: get(&self.counts.dropped),
        }
    }

    fn zones(&self) -> Arc<Zones> {
        Arc::clone(&self.zones.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the response to a query from `peer`.
    fn answer(&self, query: &[u8], transport: Transport, peer: PeerAddress) -> Option<Vec<u8>> {
        let answer = match self.verdict(transport, peer.ip()) {
            Verdict::Send => answer::respond(&self.zones(), query, transport),
            Verdict::Truncate => {
                add(&self.counts.truncated);
                answer::truncated(query)
            }
            Verdict::Drop => {
                add(&self.counts.dropped);
                return None;
            }
        };
        let Some(Answer { octets, code, question }) = answer else {
            add(&self.counts.ignored);
            return None;
        };
        if let Some(place) = CODES.iter().position(|&known| known == code) {
            add(&self.counts.answers[place]);
        }
        match question {
            Some(question) => {
                log::debug!("{peer} asks for {question}: {code}, {} bytes", octets.len())
            }
            None => log::debug!("{peer} sends no query that can be answered: {code}"),
        }
        Some(octets)
    }

    fn verdict(&self, transport: Transport, peer: Option<IpAddr>) -> Verdict {
        match (&self.limit, transport, peer) {
            // The address of a connection is not forged.
            (Some(limit), Transport::Udp, Some(peer)) => limit.count(peer, Instant::now()),
            _ => Verdict::Send,
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl DatagramService for NameServer {
    fn respond(&self, datagram: &[u8], peer: SocketAddr) -> Option<Reply> {
        self.answer(datagram, Transport::Udp, peer.into()).map(Reply::now)
    }

    fn tick(&self) {
        self.reload_changed();
    }
}
