//! Routes for experiments: to see a request, to wait, and to measure.
//!
//! | route | response |
//! |---|---|
//! | `/echo` | the head exactly as it arrived, then the body, decoded |
//! | `/sleep/{ms}` | after ms milliseconds, 60,000 at most: the handler blocks its worker |
//! | `/spin/{ms}` | the same, but the handler uses the processor |
//! | `/bytes/{n}` | exactly n bytes, 10,000,000,000 at most |
//! | `/chunks/{n}` | the same in chunks, as if the length were unknown; their CRC-32 as a trailer |
//! | `/count` | POST, PUT: length and CRC-32 of a body of any size, which is streamed |
//!
//! `/echo` and `/count` take a compressed body and leave it as it is.
//! A number of milliseconds may have up to six decimals: `/sleep/0.5`. For the schedule smallest-first, n bytes have
//! the size n, and a millisecond has the size 1,000.

use std::io::{self, Cursor, Read, Write};
use std::mem;
use std::thread;
use std::time::{Duration, Instant};

use crate::proto::http::chars::decimal;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::{
    AnyCoding, Body, Handler, Headers, Method, Request, Response, Router, Status, Streaming,
    Trailed,
};

/// The longest time of `/sleep` and `/spin`.
const LONGEST: Duration = Duration::from_millis(60_000);

/// The most bytes of `/bytes` and `/chunks`: 10 GB.
const MOST: u64 = 10_000_000_000;

/// Adds the routes.
pub fn add_to(router: Router) -> Router {
    let router = router
        .route(Method::Get, "/sleep/{ms}", OfSize(sleep, size_of_time))
        .route(Method::Get, "/spin/{ms}", OfSize(spin, size_of_time))
        .route(Method::Get, "/bytes/{n}", OfSize(bytes, size_of_bytes))
        .route(Method::Get, "/chunks/{n}", OfSize(chunks, size_of_bytes))
        .route(Method::Post, "/count", Streaming(AnyCoding(count)))
        .route(Method::Put, "/count", Streaming(AnyCoding(count)));
    let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    methods
        .into_iter()
        .fold(router, |router, method| router.route(method, "/echo", AnyCoding(echo)))
}

/// A handler, and the size of the work for a request.
struct OfSize(fn(&mut Request) -> Response, fn(&Request) -> u64);

impl Handler for OfSize {
    fn size(&self, request: &Request) -> u64 {
        self.1(request)
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.0(request)
    }
}

/// Returns the number of bytes that is asked for.
fn size_of_bytes(request: &Request) -> u64 {
    decimal(request.param("n").as_bytes()).unwrap_or_default()
}

/// Returns the time that is asked for, in microseconds.
fn size_of_time(request: &Request) -> u64 {
    let time = parse_time(request.param("ms")).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the request as plain text; `nosniff` stops browsers from guessing another type.
fn echo(request: &mut Request) -> Response {
    let (head, body) = (request.head.headers.source().to_vec(), mem::take(&mut request.body));
    let length = body.length().map(|length| length + head.len() as u64);
    Response::text("")
        .field("X-Content-Type-Options", "nosniff")
        .body(Body::Read(Box::new(Cursor::new(head).chain(body)), length))
}

fn sleep(request: &mut Request) -> Response {
    match time(request) {
        Ok(time) => {
            thread::sleep(time);
            Response::text(format!("slept {} ms\n", milliseconds(time)))
        }
        Err(refusal) => refusal,
    }
}

fn spin(request: &mut Request) -> Response {
    match time(request) {
        Ok(time) => {
            use_processor(time);
            Response::text(format!("spun {} ms\n", milliseconds(time)))
        }
        Err(refusal) => refusal,
    }
}

/// Uses the processor for this time. The standard library has no clock for the processor time of a
/// thread, so this adds up the steps between readings of the usual clock. A reading takes less than a
/// microsecond; a longer step means that the system ran another thread meanwhile, and counts as ten
/// microseconds at most.
fn use_processor(time: Duration) {
    const LONGEST_STEP: Duration = Duration::from_micros(10);
    let (mut left, mut before) = (time, Instant::now());
    while !left.is_zero() {
        let now = Instant::now();
        left = left.saturating_sub(now.duration_since(before).min(LONGEST_STEP));
        before = now;
    }
}

fn bytes(request: &mut Request) -> Response {
    match number(request, "n", MOST) {
        Ok(count) => Response::new(Status::OK)
            .field("Content-Type", "application/octet-stream")
            .body(Body::Read(Box::new(Alphabet { at: 0 }.take(count)), Some(count))),
        Err(refusal) => refusal,
    }
}

fn chunks(request: &mut Request) -> Response {
    match number(request, "n", MOST) {
        Ok(count) => {
            let body = Summed { of: Alphabet { at: 0 }.take(count), sum: Crc32::default() };
            Response::new(Status::OK)
                .field("Content-Type", "application/octet-stream")
                .body(Body::Trailed(Box::new(body), &["CRC-32"]))
        }
        Err(refusal) => refusal,
    }
}

/// Returns the length of the body and its CRC-32, which `gzip`, zlib and `crc32` compute too.
fn count(request: &mut Request) -> Response {
    let mut sum = Crc32::default();
    match io::copy(&mut request.body, &mut sum) {
        Ok(count) => Response::text(format!("{count} bytes, CRC-32 {:08x}\n", sum.value())),
        // The server tells the client what was wrong with its body.
        Err(_) => Response::new(Status::BAD_REQUEST),
    }
}

/// Parses a part of the path as a number up to `most`.
fn number(request: &Request, name: &str, most: u64) -> Result<u64, Response> {
    decimal(request.param(name).as_bytes()).filter(|&number| number <= most).ok_or_else(|| {
        let what = format!("the last part of this path must be a decimal number of at most {most}");
        refuse(request, what, "/bytes/1000, /chunks/1000")
    })
}

/// Parses a part of the path as milliseconds, [`LONGEST`] at most.
fn time(request: &Request) -> Result<Duration, Response> {
    parse_time(request.param("ms")).filter(|&time| time <= LONGEST).ok_or_else(|| {
        let what = format!(
            "the last part of this path must be a number of milliseconds, at most {}, with up to \
             {DECIMALS} decimals",
            LONGEST.as_millis()
        );
        refuse(request, what, "/sleep/500, /spin/0.5")
    })
}

/// Returns the 404 for a path with an invalid number: `what` is the rule, `right` an example.
fn refuse(request: &Request, what: String, right: &'static str) -> Response {
    ErrorResponse::new(Status::NOT_FOUND, "RFC 9110, 15.5.5", what, right).to(request)
}

/// The decimals of a number of milliseconds; the last one is a nanosecond.
const DECIMALS: usize = 6;

/// Parses `1*DIGIT [ "." 1*6DIGIT ]` as milliseconds: no sign, no exponent, a digit on both sides of the
/// point.
fn parse_time(text: &str) -> Option<Duration> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let (whole, part_value) = (decimal(whole.as_bytes())?, decimal(part.as_bytes())?);
    let zeros = u32::try_from(DECIMALS.checked_sub(part.len())?).ok()?;
    let nanoseconds = part_value * 10_u64.pow(zeros);
    Duration::from_millis(whole).checked_add(Duration::from_nanos(nanoseconds))
}

/// Returns a time in milliseconds: `0.5`.
fn milliseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e6 // exact up to 104 days
}

/// Repeats `abc…xyz\n` without end, so that a wrong byte is easy to see.
struct Alphabet {
    at: usize,
}

impl Read for Alphabet {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        const LINE: &[u8; 27] = b"abcdefghijklmnopqrstuvwxyz\n";
        for byte in room.iter_mut() {
            *byte = LINE[self.at];
            self.at = (self.at + 1) % LINE.len();
        }
        Ok(room.len())
    }
}

/// Computes the checksum of all that is read.
struct Summed<R> {
    of: R,
    sum: Crc32,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.of.read(room)?;
        self.sum.write_all(&room[..count])?;
        Ok(count)
    }
}

impl<R: Read + Send> Trailed for Summed<R> {
    fn trailers(&mut self) -> Headers {
        let mut trailers = Headers::new();
        trailers
            .set("CRC-32", format!("{:08x}", self.sum.value()))
            .expect("a token, and hexadecimal digits");
        trailers
    }
}

/// The checksum of Ethernet, gzip and PNG (ISO 3309; RFC 1952, 8), a byte at a time.
struct Crc32(u32);

impl Crc32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at: u32 = 0;
        while at < 256 {
            let mut value = at;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[at as usize] = value;
            at += 1;
        }
        table
    };

    fn value(&self) -> u32 {
        !self.0
    }
}

impl Write for Crc32 {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for &byte in bytes {
            let [low, ..] = self.0.to_le_bytes();
            self.0 = self.0 >> 8 ^ Crc32::TABLE[usize::from(low ^ byte)];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Default for Crc32 {
    fn default() -> Crc32 {
        Crc32(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_up_to_six_decimals() {
        for (text, nanoseconds, told) in [
            ("0", 0, "0"),
            ("0.0", 0, "0"),
            ("0.5", 500_000, "0.5"),
            ("0.30", 300_000, "0.3"),
            ("007.25", 7_250_000, "7.25"),
            ("1.000001", 1_000_001, "1.000001"),
            ("59999.999999", 59_999_999_999, "59999.999999"),
            ("60000", 60_000_000_000, "60000"),
        ] {
            let time = parse_time(text);
            assert_eq!(time, Some(Duration::from_nanos(nanoseconds)), "{text}");
            assert_eq!(milliseconds(time.unwrap_or_default()).to_string(), told);
        }
        let most = u64::MAX;
        for text in [
            "",
            ".",
            ".5",
            "5.",
            "1.2.3",
            "-1",
            "+1",
            "0.-1",
            "1e3",
            "1,5",
            " 1",
            "0x1",
            "NaN",
            "inf",
            "0.1234567",
            &format!("{most}0"),
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert!(
            parse_time(&format!("{most}.999999")) > Some(LONGEST),
            "a large one is no small one"
        );
    }

    #[test]
    fn the_processor_is_used_for_at_least_so_long() {
        let (time, begun) = (Duration::from_millis(3), Instant::now());
        use_processor(time);
        assert!(begun.elapsed() >= time);
    }
}
