//! The well-behaved client: small requests, one at a time, with a little pause; over a connection
//! that it keeps, and over new ones.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Who waits for longer than this has been starved.
pub const PATIENCE: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(2);

/// How long requests took.
#[derive(Debug, Default)]
pub struct Delays {
    sorted: Vec<Duration>,
    /// Connections that were refused or broken, answers other than 200.
    pub failed: usize,
    /// No answer within [`PATIENCE`]; nothing was asked after that.
    pub starved: bool,
}

/// What the well-behaved client has felt.
#[derive(Debug, Default)]
pub struct Measured {
    pub kept: Delays,
    pub new: Delays,
}

/// An answer, read to its end.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    pub status: u16,
    /// May another request follow on this connection?
    pub stays: bool,
}

impl Delays {
    /// The delay that this share of the requests did not exceed: 0.5 is the median, 1.0 the worst.
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

    /// Asks again and again until the time is up.
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

/// Measures for so long.
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

/// Over the connection that is there. Servers may close it between two requests (RFC 9112, 9.3.1):
/// then the request is made again on a new one, and takes as long as both.
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

/// Connects, with every wait bounded.
pub fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One GET.
pub fn get(stream: &mut TcpStream, target: &str) -> io::Result<Answer> {
    stream.write_all(request(target).as_bytes())?;
    answer(stream)
}

/// A request without a body.
pub fn request(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// Reads one answer that has a length.
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

/// The code of a status line.
pub fn status(bytes: &[u8]) -> Option<u16> {
    std::str::from_utf8(bytes.get(9..12)?).ok()?.parse().ok()
}
