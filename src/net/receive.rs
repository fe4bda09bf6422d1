//! Receives by a deadline, over UDP and TCP. The deadline is absolute: octets that come one by one do not
//! extend it.

use std::io::{self, ErrorKind, Read as _};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use super::errors::nothing_yet;

/// Receives a datagram into the beginning of `buffer`, and returns its length.
///
/// # Errors
/// [`ErrorKind::TimedOut`] after `until`, and those of `recv`.
pub fn datagram(socket: &UdpSocket, buffer: &mut [u8], until: Instant) -> io::Result<usize> {
    again(until, |left| {
        socket.set_read_timeout(Some(left))?;
        socket.recv(buffer)
    })
}

/// Fills `buffer`.
///
/// # Errors
/// [`ErrorKind::TimedOut`] after `until`, [`ErrorKind::UnexpectedEof`], and those of `recv`.
pub fn exact(stream: &mut TcpStream, mut buffer: &mut [u8], until: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        let length = again(until, |left| {
            stream.set_read_timeout(Some(left))?;
            stream.read(buffer)
        })?;
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[length..];
    }
    Ok(())
}

/// Calls `receive` with the time that is left; again after a signal.
fn again<T>(until: Instant, mut receive: impl FnMut(Duration) -> io::Result<T>) -> io::Result<T> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match receive(left) {
            Err(error) if nothing_yet(&error) || error.kind() == ErrorKind::Interrupted => {}
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    fn octets_that_come_one_by_one_do_not_extend_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut receiver, _) = listener.accept().unwrap();
        thread::spawn(move || {
            for octet in 0..100 {
                sender.write_all(&[octet])?;
                thread::sleep(Duration::from_millis(20));
            }
            io::Result::Ok(())
        });
        let mut buffer = [9; 3];
        exact(&mut receiver, &mut buffer, Instant::now() + Duration::from_secs(10)).unwrap();
        assert_eq!(buffer, [0, 1, 2]);
        let begun = Instant::now();
        let late = exact(&mut receiver, &mut [0; 99], begun + Duration::from_millis(100));
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(1));
    }
}
