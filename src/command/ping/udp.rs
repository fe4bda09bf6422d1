//! Probes over UDP: datagrams with a number and a random token, so that an old or foreign datagram is not
//! taken for an answer.
//!
//! There is one socket for each address. The kernel does not say which datagram an error is about; errors
//! come in the order of the datagrams.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use super::probes::{Heard, HeardWhat, Probes};
use crate::net::errors::nothing_yet;
use crate::net::poller::{Events, Poller};
use crate::net::udp::connect;

/// The most datagrams that are received before the clock is looked at.
const AT_ONCE: usize = 256;

/// The sockets of `client ping --udp`.
#[derive(Debug)]
pub(super) struct UdpProbes {
    sockets: Vec<(SocketAddr, UdpSocket)>,
    token: u64,
}

impl UdpProbes {
    pub(super) fn new() -> UdpProbes {
        // Its keys are random, and so is the hash of nothing.
        UdpProbes { sockets: Vec::new(), token: RandomState::new().build_hasher().finish() }
    }

    fn socket(&mut self, peer: SocketAddr, poller: &Poller) -> io::Result<&UdpSocket> {
        let at = match self.sockets.iter().position(|(other, _)| *other == peer) {
            Some(at) => at,
            None => {
                let socket = connect(peer)?;
                socket.set_nonblocking(true)?;
                poller.register(&socket, self.sockets.len() as u64)?;
                self.sockets.push((peer, socket));
                self.sockets.len() - 1
            }
        };
        Ok(&self.sockets[at].1)
    }
}

impl Probes for UdpProbes {
    fn send(&mut self, number: usize, peer: SocketAddr, poller: &Poller, heard: &mut Vec<Heard>) {
        let payload = payload(number, self.token);
        let sent = self.socket(peer, poller).and_then(|socket| match socket.send(&payload) {
            // It is about an earlier datagram, and this one has not been sent (udp(7)).
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                heard.push(Heard::now(HeardWhat::ErrorOf(peer, error)));
                socket.send(&payload)
            }
            sent => sent,
        });
        if let Err(error) = sent {
            heard.push(Heard::now(HeardWhat::Error(number, error)));
        }
    }

    fn receive(&mut self, _: &Events, poller: &Poller, heard: &mut Vec<Heard>) {
        // More than a datagram of ours: a longer one does not pass for it when it is cut.
        let mut bytes = [0; 64];
        for (peer, socket) in &self.sockets {
            for received in 0.. {
                if received == AT_ONCE {
                    poller.wake(); // there may be no further event
                    break;
                }
                let (result, at) = (socket.recv(&mut bytes), Instant::now());
                let what = match result {
                    Ok(length) => match number_of(&bytes[..length], self.token) {
                        Some(number) => HeardWhat::Answer(number, None),
                        None => HeardWhat::Stranger,
                    },
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) if nothing_yet(&error) => break,
                    // What an ICMP message says: refused, or unreachable.
                    Err(error) => HeardWhat::ErrorOf(*peer, error),
                };
                heard.push(Heard { at, what });
            }
        }
    }
}

/// Returns the datagram of a probe: `ping 1 0123456789abcdef` and a line end, which can be read in a capture.
fn payload(number: usize, token: u64) -> Vec<u8> {
    format!("ping {} {token:016x}\n", number + 1).into_bytes()
}

/// Returns the number of the probe that a datagram answers. A server may change letters to upper case, as the
/// pinger of many courses does.
fn number_of(datagram: &[u8], token: u64) -> Option<usize> {
    let word = std::str::from_utf8(datagram).ok()?.split(' ').nth(1)?;
    let number = word.parse::<usize>().ok()?.checked_sub(1)?;
    datagram.eq_ignore_ascii_case(&payload(number, token)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_datagrams_are_answers() {
        let token = 0xabc;
        assert_eq!(payload(0, token), b"ping 1 0000000000000abc\n");
        for number in [0, 1, 999_999] {
            assert_eq!(number_of(&payload(number, token), token), Some(number));
            assert_eq!(
                number_of(&payload(number, token).to_ascii_uppercase(), token),
                Some(number)
            );
            assert_eq!(number_of(&payload(number, token + 1), token), None);
        }
        for foreign in [
            &b""[..],
            b"ping",
            b"ping 1",
            b"ping 0 0000000000000abc\n",
            b"ping +1 0000000000000abc\n",
            b"ping 01 0000000000000abc\n",
            b"ping 1 0000000000000abc",
            b"ping 1 0000000000000abc\n\n",
            b"pong 1 0000000000000abc\n",
            b"\xff 1 0000000000000abc\n",
        ] {
            assert_eq!(number_of(foreign, token), None, "{foreign:?}");
        }
    }
}
