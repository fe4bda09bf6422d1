//! Exercise 6: a pinger (Kurose and Ross, chapter 2). A datagram may be lost, or come late.
//!
//! Write `ping`; `make lab-6` says what is missing next:
//! 1. Each probe is a datagram, which the server sends back. Its line is `seq=1 time=0.370 ms`, with milliseconds.
//! 2. If no answer comes within the time limit, its line is `seq=5 lost` (`UdpSocket::set_read_timeout`).
//! 3. An answer that comes too late is not taken for that of the next probe: compare what was sent.
//! 4. The line `10 sent, 8 received, 20% lost` follows.
//! 5. The last line is `rtt min/mean/max = 0.300/0.398/0.569 ms`.
//!
//! By hand: `server --udp 127.0.0.1:9000 --loss 30% --seed 7`, and in another terminal
//! `target/lab/lab-6 127.0.0.1:9000 10 1000`: ten probes, a second for each.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::net::UdpSocket;
use std::time::Duration;
use std::{env, io};

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let server = args.next().unwrap_or("127.0.0.1:9000".to_owned());
    let mut number = |usual| args.next().and_then(|arg| arg.parse().ok()).unwrap_or(usual);
    let (count, milliseconds) = (number(10), number(1000));
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?; // send and recv are for this address only
    ping(&socket, count, Duration::from_millis(milliseconds))
}

// Your part begins here.

/// Sends this many probes, and waits for each answer until the time limit.
fn ping(socket: &UdpSocket, count: u64, limit: Duration) -> io::Result<()> {
    socket.send(b"ping 1")?;
    println!("not written yet: the answer, within {limit:?}, and {count} probes");
    Ok(())
}
