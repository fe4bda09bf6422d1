//! The UDP echo of the program `server` (RFC 862): it sends each datagram back, and can be as unreliable as a
//! network, for the labs.
//!
//! The word `stats` is answered with what the workers are doing, for the clients that [`Audience`] includes.
//! An echo is never longer than what it echoes, so it amplifies nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::status::Audience;
use crate::random::{any_seed, nth_share};
use crate::server::Stats;
use crate::server::protocol::{DatagramService, Reply};

/// What happens to echoes on purpose: they are lost, or late.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Impairments {
    /// The share that is lost, from 0 to 1.
    pub loss: f64,
    /// How late each is.
    pub delay: Duration,
    /// The most by which that varies, up or down.
    pub jitter: Duration,
}

/// The UDP echo.
#[derive(Debug)]
pub struct UdpEcho {
    impairments: Impairments,
    seed: u64,
    audience: Audience,
    stats: Arc<Stats>,
}

/// The longest answer to `stats`: 8 KB. What programs receive datagrams with has room for it.
const MOST: usize = 8 << 10;

/// Below it are the ports of services, such as another echo, whose replies would be answered without end. No
/// client has one unless it asks for it.
const FIRST_PORT_OF_CLIENTS: u16 = 1024;

impl UdpEcho {
    /// Returns an echo. With the same seed, the same datagrams are lost and late; without one, the log says
    /// which seed repeats it.
    pub fn new(
        impairments: Impairments,
        seed: Option<u64>,
        audience: Audience,
        stats: &Arc<Stats>,
    ) -> UdpEcho {
        let seed = seed.unwrap_or_else(|| {
            let seed = any_seed();
            if impairments != Impairments::default() {
                log::info!("udp: --seed {seed} loses and delays the same datagrams again");
            }
            seed
        });
        UdpEcho { impairments, seed, audience, stats: Arc::clone(stats) }
    }

    /// Returns the answer to `stats`: as many whole lines as fit.
    fn answer_stats(&self) -> Reply {
        Reply::now(fitting(&self.stats.worker_lines(), MOST).into_bytes())
    }
}

impl DatagramService for UdpEcho {
    fn respond(&self, datagram: &[u8], peer: SocketAddr) -> Option<Reply> {
        self.respond_to_nth(0, datagram, peer)
    }

    fn respond_to_nth(&self, number: u64, datagram: &[u8], peer: SocketAddr) -> Option<Reply> {
        if datagram.trim_ascii_end() == b"stats" && self.audience.includes(peer.into()) {
            return Some(self.answer_stats());
        }
        let Impairments { loss, delay, jitter } = self.impairments;
        let [for_loss, for_jitter] = [0, 1].map(|which| nth_share(self.seed, 2 * number + which));
        if peer.port() < FIRST_PORT_OF_CLIENTS || for_loss < loss {
            return None;
        }
        let after = (delay + jitter.mul_f64(2.0 * for_jitter)).saturating_sub(jitter);
        Some(Reply { bytes: datagram.to_vec(), after })
    }
}

/// Joins lines to a text of at most `most` bytes, whose last line says how many are left out.
fn fitting(lines: &[String], most: usize) -> String {
    let note = |left: usize| format!("and {left} more workers\n");
    let room = most - note(lines.len()).len();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        if text.len() + line.len() + 1 > room {
            return text + &note(lines.len() - at);
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(impairments: Impairments, seed: u64, audience: Audience) -> UdpEcho {
        UdpEcho::new(impairments, Some(seed), audience, &Arc::default())
    }

    fn here() -> SocketAddr {
        "127.0.0.1:50000".parse().unwrap()
    }

    #[test]
    fn the_same_seed_loses_and_delays_the_same_datagrams() {
        let (delay, jitter) = (Duration::from_millis(50), Duration::from_millis(20));
        let impairments = Impairments { loss: 0.3, delay, jitter };
        let fates = |seed| {
            let echo = echo(impairments, seed, Audience::Loopback);
            (0..10_000).map(|nth| echo.respond_to_nth(nth, b"x", here())).collect::<Vec<_>>()
        };
        let seven = fates(7);
        assert_eq!(seven, fates(7));
        assert_ne!(seven, fates(8));
        let lost = seven.iter().filter(|fate| fate.is_none()).count();
        assert!((2_850..3_150).contains(&lost), "{lost}");
        let late: Vec<Duration> = seven.iter().flatten().map(|reply| reply.after).collect();
        let (least, most) = (late.iter().min().unwrap(), late.iter().max().unwrap());
        assert!(*least >= delay - jitter && *most <= delay + jitter, "{least:?} {most:?}");
        assert!(*most - *least > jitter, "they vary");
    }

    #[test]
    fn all_or_nothing_is_lost_and_time_does_not_run_backwards() {
        let loses = |loss| {
            let echo = echo(Impairments { loss, ..Impairments::default() }, 1, Audience::Nobody);
            (0..10_000).filter(|&nth| echo.respond_to_nth(nth, b"", here()).is_none()).count()
        };
        assert_eq!((loses(0.0), loses(1.0)), (0, 10_000));
        let jitter = Duration::from_millis(5);
        let early = echo(Impairments { jitter, ..Default::default() }, 1, Audience::Nobody);
        let at_once = |nth| early.respond_to_nth(nth, b"", here()).unwrap().after.is_zero();
        assert!((0..100).any(at_once));
    }

    #[test]
    fn who_is_answered_and_with_what() {
        let respond = |audience, datagram: &[u8], peer: &str| {
            let echo = echo(Impairments { loss: 0.0, ..Default::default() }, 1, audience);
            echo.respond(datagram, peer.parse().unwrap()).map(|reply| reply.bytes)
        };
        let echoes = |text: &[u8]| Some(text.to_vec());
        for word in [&b"stats"[..], b"stats\n", b"stats\r\n"] {
            assert_eq!(respond(Audience::Loopback, word, "127.0.0.1:50000"), Some(vec![]));
            assert_eq!(respond(Audience::Everyone, word, "192.0.2.1:50000"), Some(vec![]));
            assert_eq!(respond(Audience::Loopback, word, "192.0.2.1:50000"), echoes(word));
            assert_eq!(respond(Audience::Nobody, word, "127.0.0.1:50000"), echoes(word));
        }
        for word in [&b"statistics"[..], b" stats", b"", b"\0\xff"] {
            assert_eq!(respond(Audience::Loopback, word, "127.0.0.1:50000"), echoes(word));
        }
        assert_eq!(respond(Audience::Loopback, b"x", "127.0.0.1:7"), None);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let lines: Vec<String> = (1..=9).map(|number| format!("worker-{number}")).collect();
        assert_eq!(fitting(&lines, 1000).lines().count(), 9);
        assert_eq!(fitting(&lines, 50), "worker-1\nworker-2\nworker-3\nand 6 more workers\n");
    }
}
