//! A flood of datagrams: 10,000 a second of nonsense at the UDP echo, beside the well-behaved client.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::crowd::Habit;
use super::probe::{Measured, measure};
use super::rows::{Setting, Shown, compare};
use super::subject::{Subject, WORKERS};

/// Datagrams a second, and how many are sent at a time.
const RATE: u32 = 10_000;
const AT_ONCE: u32 = 10;

/// How often the client is measured alone and beside them, in turns: what else the machine does falls on both.
const ROUNDS: u32 = 6;

/// The length of each.
const LENGTH: usize = 64;

pub fn datagrams(subject: Subject, setting: &Setting) -> io::Result<Shown> {
    let udp = UdpSocket::bind("127.0.0.1:0")?.local_addr()?; // free again, and so free for the server
    let flags = format!("--workers {WORKERS} --udp {udp}");
    let server = subject.start_ours(&setting.server, &setting.folder, &flags)?;
    let (mut alone, mut measured, mut sent) = (Measured::default(), Measured::default(), 0);
    for _ in 0..ROUNDS {
        alone.extend(measure(server.address, setting.time / 3));
        let leave = AtomicBool::new(false);
        let (count, beside) = thread::scope(|scope| {
            let flood = scope.spawn(|| flood(udp, &leave));
            let beside = measure(server.address, setting.time / 3);
            leave.store(true, Ordering::Relaxed);
            (flood.join().unwrap_or(Ok(0)), beside)
        });
        sent += count?;
        measured.extend(beside);
    }
    let rate = f64::from(sent) / (setting.time / 3 * ROUNDS).as_secs_f64();
    let mut shown =
        Shown { notes: vec![format!("{rate:.0} datagrams a second")], ..Shown::default() };
    shown.promise(rate > 0.8 * f64::from(RATE), "too few datagrams were sent");
    compare(&mut shown, &alone, &measured, Habit::Vanish);
    shown.alone = Some(alone);
    shown.measured = Some(measured);
    Ok(shown)
}

/// Sends datagrams, and reads no reply. Returns how many were sent.
fn flood(to: SocketAddr, leave: &AtomicBool) -> io::Result<u32> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (begun, mut sent, mut bytes) = (Instant::now(), 0u32, [0x55; LENGTH]);
    while !leave.load(Ordering::Relaxed) {
        for _ in 0..AT_ONCE {
            bytes[..4].copy_from_slice(&sent.wrapping_mul(0x9e37_79b9).to_le_bytes());
            socket.send_to(&bytes, to)?;
            sent += 1;
        }
        let due = begun + Duration::from_secs(1) / RATE * sent;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(sent)
}
