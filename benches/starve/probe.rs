//! The well-behaved client: small requests, one at a time, with a short pause, over one kept connection
//! and over new ones.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// A client that waits longer than this has been starved.
pub const PATIENCE: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(2);

/// The times of the requests.
#[derive(Debug, Default)]
pub struct Delays {
    sorted: Vec<Duration>,
    /// Connections that were refused or broken, and responses other than 200.
    pub failed: usize,
    /// True if there was no response within [`PATIENCE`]; no request was sent after that.
    pub starved: bool,
}

/// The times that the well-behaved client has measured.
#[derive(Debug, Default)]
pub struct Measured {
    pub kept: Delays,
    pub new: Delays,
}

/// A response, read to its end.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub status: u16,
    /// True if another request may follow on this connection.
    pub stays: bool,
}

impl Delays {
    /// Returns the delay that this share of the requests did not exceed: 0.5 is the median, 1.0 the maximum.
    pub fn at(&self, share: f64) -> Option<Duration> {
        let last = self.sorted.len().checked_sub(1)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is an index"
        )]
        let index = (last as f64 * share).ceil() as usize;
        self.sorted.get(index).copied()
    }

    /// Adds those of another measurement.
    fn extend(&mut self, other: Delays) {
        self.sorted.extend(other.sorted);
        self.sorted.sort_unstable();
        self.failed += other.failed;
        self.starved |= other.starved;
    }

    /// Sends requests until the time is over.
    fn collect(time: Duration, mut ask: impl FnMut() -> io::Result<Answer>) -> Delays {
        let (begun, mut delays) = (Instant::now(), Delays::default());
        while begun.elapsed() < time && !delays.starved {
            let asked = Instant::now();
            let outcome = ask();
            let took = asked.elapsed();
            match outcome {
                Ok(Answer { status: 200, .. }) => delays.sorted.push(took),
                Ok(_) | Err(_) if took < PATIENCE => delays.failed += 1,
                Ok(_) | Err(_) => delays.starved = true,
            }
            thread::sleep(PAUSE);
        }
        delays.sorted.sort_unstable();
        delays
    }
}

impl Measured {
    /// Adds another measurement.
    pub fn extend(&mut self, other: Measured) {
        self.kept.extend(other.kept);
        self.new.extend(other.new);
    }
}

/// Measures for `time`.
pub fn measure(address: SocketAddr, time: Duration) -> Measured {
    thread::scope(|scope| {
        let kept = scope.spawn(|| {
            let mut stream = None;
            Delays::collect(time, || over_kept(&mut stream, address))
        });
        let new = Delays::collect(time, || get(&mut connect(address)?, "/small"));
        Measured { kept: kept.join().unwrap_or_default(), new }
    })
}

/// Sends a request over the kept connection. Servers may close it between two requests (RFC 9112, 9.3.1):
/// then the request is sent again on a new one, and its time is that of both.
fn over_kept(kept: &mut Option<TcpStream>, address: SocketAddr) -> io::Result<Answer> {
    let asked = Instant::now();
    if let Some(mut stream) = kept.take()
        && let Ok(answer) = get(&mut stream, "/small")
    {
        *kept = Some(stream).filter(|_| answer.stays);
        return Ok(answer);
    }
    if asked.elapsed() >= PATIENCE {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut stream = connect(address)?;
    let answer = get(&mut stream, "/small")?;
    *kept = Some(stream).filter(|_| answer.stays);
    Ok(answer)
}

/// Connects, with a limit for every wait.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Returns the bytes of a GET request.
pub fn get(stream: &mut TcpStream, target: &str) -> io::Result<Answer> {
    stream.write_all(request(target).as_bytes())?;
    answer(stream)
}

/// Returns the bytes of a request without a body.
pub fn request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Reads one response that has a length.
pub fn answer(stream: &mut TcpStream) -> io::Result<Answer> {
    let mut got = Vec::new();
    let mut piece = [0; 16 << 10];
    let mut read = |got: &mut Vec<u8>| match stream.read(&mut piece)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        count => {
            got.extend_from_slice(&piece[..count]);
            Ok(())
        }
    };
    let head_length = loop {
        match got.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(at) => break at + 4,
            None => read(&mut got)?,
        }
    };
    let head = String::from_utf8_lossy(&got[..head_length]).to_ascii_lowercase();
    let field = |name: &str| head.split_once(name)?.1.split("\r\n").next().map(str::trim);
    let length: usize =
        field("\r\ncontent-length:").and_then(|text| text.parse().ok()).unwrap_or(0);
    while got.len() < head_length + length {
        read(&mut got)?;
    }
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
    Ok(Answer { status, stays: field("\r\nconnection:") != Some("close") })
}

/// Returns the status of a status line.
pub fn status(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()
}
