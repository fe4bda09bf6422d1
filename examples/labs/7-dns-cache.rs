//! Exercise 7: a cache for names, which keeps an answer for its time to live (RFC 1034, 5.3.3; RFC 1035, 4.1).
//!
//! Write `Cache::answer`; `make lab-7` says what is missing next:
//! 1. A query is passed on to the name server (`ask`), and its answer goes back.
//! 2. The answer is kept: the next query for the same name and type is answered without the name server. The first two
//!    bytes of an answer are those of its query. A query for another type is another question.
//! 3. The time to live in a kept answer is what is left of it. The OPT record (type 41) has none.
//! 4. When the least time to live of an answer is over, the name server is asked again.
//! 5. Letters of a name are the same in both cases (RFC 1035, 2.3.3). That a name does not exist is kept, too: the time
//!    is in the SOA record among the authorities (RFC 2308, 5).
//!
//! By hand: `server --dns 127.0.0.1:5300 --zone lab.zone`; in another terminal `target/lab/lab-7 5301 127.0.0.1:5300`; in
//! a third one `client dns www.lab.example @127.0.0.1:5301`. `client dns --wire` shows each field of a message.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
use std::{env, io};

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let port = args.next().unwrap_or("5301".to_owned());
    let server = args.next().unwrap_or("127.0.0.1:5300".to_owned());
    let server = server.parse().map_err(io::Error::other)?;
    let socket = UdpSocket::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on dns://{}/", socket.local_addr()?);
    let (mut cache, mut query) = (Cache::new(), [0; 512]);
    loop {
        let (count, client) = socket.recv_from(&mut query)?;
        match cache.answer(&query[..count], server) {
            Some(answer) => drop(socket.send_to(&answer, client)),
            None => println!("no answer to {count} bytes from {client}"),
        }
    }
}

/// Sends a query to the name server, and returns its answer; `None` when none comes within a second.
fn ask(server: SocketAddr, query: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").ok()?;
    socket.connect(server).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    socket.send(query).ok()?;
    let mut answer = [0; 4096];
    let count = socket.recv(&mut answer).ok()?;
    (answer.get(..2) == query.get(..2)).then(|| answer[..count].to_vec())
}

/// Returns the place after a name (RFC 1035, 4.1.4): labels up to an empty one, or to a pointer, which is two bytes.
fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match message.get(at)? {
            0 => return Some(at + 1),
            0xc0.. => return Some(at + 2),
            length => at += 1 + usize::from(*length),
        }
    }
}

/// Returns a number of two bytes, the greater one first.
fn number(message: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(*message.get(at)?) << 8 | usize::from(*message.get(at + 1)?))
}

// Your part begins here.

/// The answers that are kept.
struct Cache;

impl Cache {
    fn new() -> Cache {
        Cache
    }

    /// Returns the answer to a query: one that is kept, or that of the name server.
    fn answer(&mut self, query: &[u8], server: SocketAddr) -> Option<Vec<u8>> {
        println!("not written yet: to ask {server}, as in {:?}", ask(server, query)?.get(..2));
        let (end, questions) = (after_name(query, 12)?, number(query, 4)?);
        println!("{questions} question, with a name that ends at byte {end}");
        None
    }
}
