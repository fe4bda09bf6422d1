//! The PROXY protocol, versions 1 and 2, as pure values: what a proxy sends ahead of a connection that it passes on, to
//! name the client (HAProxy, "The PROXY protocol", 2020/03/05).
//!
//! ```text
//! version 1   PROXY TCP4 192.0.2.7 198.51.100.1 5555 80 CR LF          2.1
//! version 2   a signature of 12 bytes, a command, a family, a length,
//!             addresses, and further values (TLV), which are skipped    2.2
//! ```
//! The recipient knows from its configuration whether a header comes. One that guesses would believe any client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest header: 4 KB. Version 1 has at most 107 bytes. Version 2 may have 64 KB, of which proxies use some
/// hundreds, with the subject of a certificate in it.
pub const LONGEST: usize = 4 << 10;

/// The longest header of version 1, with its line end (2.1).
const LONGEST_V1: usize = 107;

/// How a header of version 2 begins (2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What a header says of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A client of the proxy, at this address and port.
    Client(IpAddr, u16),
    /// A client of the proxy whose address is not told: `UNKNOWN`, or of another family.
    Unknown,
    /// The proxy itself, for example to see whether this server is alive (`LOCAL`).
    Proxy,
}

/// How much of a header has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// More bytes are needed.
    Partial,
    /// It is complete, and this many bytes long. What follows is the client's.
    Complete(Source, usize),
}

/// What is wrong with a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is none.
    Missing,
    /// The line of version 1 is longer than 107 bytes.
    LineTooLong,
    /// The line of version 1 has not the form that it should have.
    Line,
    /// Version 2 has a version or a command that does not exist.
    Command,
    /// Version 2 says that it is longer than 4 KB.
    TooLong,
    /// Version 2 says that it is shorter than its addresses.
    TooShort,
}

impl Fault {
    /// Returns what is wrong, in words.
    pub fn what(self) -> &'static str {
        match self {
            Fault::Missing => "the connection does not begin with a header of the PROXY protocol",
            Fault::LineTooLong => {
                "the header of the PROXY protocol is a line of more than 107 bytes"
            }
            Fault::Line => "the line of the PROXY protocol is malformed",
            Fault::Command => "the header of the PROXY protocol has an unknown version or command",
            Fault::TooLong => "the header of the PROXY protocol is longer than 4 KB",
            Fault::TooShort => "the header of the PROXY protocol is shorter than its addresses",
        }
    }
}

/// Reads a header from the first bytes of a connection.
///
/// ```
/// use std::net::Ipv4Addr;
/// use threadbare::proto::proxy_protocol::{Header, Source, parse};
///
/// let header = parse(b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 80\r\nGET / HTTP/1.1\r\n");
/// let client = Source::Client(Ipv4Addr::new(192, 0, 2, 7).into(), 5555);
/// assert_eq!(header, Ok(Header::Complete(client, 43)));
/// assert_eq!(parse(b"PROX"), Ok(Header::Partial));
/// ```
///
/// # Errors
/// The first fault. More bytes do not mend it.
pub fn parse(bytes: &[u8]) -> Result<Header, Fault> {
    const LINE: &[u8] = b"PROXY ";
    let begins_with = |start: &[u8]| {
        let seen = bytes.len().min(start.len());
        bytes[..seen] == start[..seen]
    };
    match bytes {
        _ if begins_with(SIGNATURE) && bytes.len() >= 16 => parse_binary(bytes),
        _ if begins_with(LINE) && bytes.len() >= LINE.len() => parse_line(bytes),
        _ if begins_with(SIGNATURE) || begins_with(LINE) => Ok(Header::Partial),
        _ => Err(Fault::Missing),
    }
}

/// Reads version 1: a line (2.1).
fn parse_line(bytes: &[u8]) -> Result<Header, Fault> {
    let seen = &bytes[..bytes.len().min(LONGEST_V1)];
    let Some(end) = seen.iter().position(|&byte| byte == b'\n') else {
        return if seen.len() < LONGEST_V1 { Ok(Header::Partial) } else { Err(Fault::LineTooLong) };
    };
    let line = seen[..end].strip_suffix(b"\r").and_then(|line| str::from_utf8(line).ok());
    let words: Vec<&str> = line.ok_or(Fault::Line)?.split(' ').collect();
    let source = match words[..] {
        // Whatever follows is ignored.
        ["PROXY", "UNKNOWN", ..] => Source::Unknown,
        ["PROXY", family @ ("TCP4" | "TCP6"), source, destination, source_port, port] => {
            let source = address(family, source).ok_or(Fault::Line)?;
            address(family, destination).and(number(port)).ok_or(Fault::Line)?;
            Source::Client(source, number(source_port).ok_or(Fault::Line)?)
        }
        _ => return Err(Fault::Line),
    };
    Ok(Header::Complete(source, end + 1))
}

fn address(family: &str, text: &str) -> Option<IpAddr> {
    match family {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        _ => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    }
}

/// Returns a port. A sign and a leading zero are no part of one.
fn number(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_zero = digits.len() > 1 && digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain && !has_zero)
}

/// Reads version 2, of which the first 16 bytes are there (2.2).
fn parse_binary(bytes: &[u8]) -> Result<Header, Fault> {
    const LOCAL: u8 = 0x20;
    const PROXY: u8 = 0x21;
    let (head, rest) = bytes.split_at(16);
    let (command, family) = (head[12], head[13]);
    if ![LOCAL, PROXY].contains(&command) {
        return Err(Fault::Command);
    }
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if head.len() + length > LONGEST {
        return Err(Fault::TooLong);
    }
    // The addresses of both ends, then the ports of both ends: those of TCP over IPv4 and IPv6 are read.
    let addresses = match family {
        0x11 => 12,
        0x21 => 36,
        _ => 0,
    };
    if command == PROXY && length < addresses {
        return Err(Fault::TooShort);
    }
    let Some(rest) = rest.get(..length) else { return Ok(Header::Partial) };
    let port = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
    let source = match (command, addresses) {
        (LOCAL, _) => Source::Proxy,
        (_, 12) => {
            let octets = rest.first_chunk::<4>().copied().unwrap_or_default();
            Source::Client(IpAddr::from(octets), port(8))
        }
        (_, 36) => {
            let octets = rest.first_chunk::<16>().copied().unwrap_or_default();
            Source::Client(IpAddr::from(octets), port(32))
        }
        _ => Source::Unknown,
    };
    Ok(Header::Complete(source, head.len() + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: &str, port: u16) -> Source {
        Source::Client(address.parse().unwrap(), port)
    }

    /// A header of version 2 with this command, family, length and rest.
    fn binary(command: u8, family: u8, length: u16, rest: &[u8]) -> Vec<u8> {
        [&SIGNATURE[..], &[command, family], &length.to_be_bytes(), rest].concat()
    }

    const V4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0x15, 0xB3, 0, 80];

    fn v6() -> Vec<u8> {
        let mut bytes = "2001:db8::7".parse::<Ipv6Addr>().unwrap().octets().to_vec();
        bytes.extend([0; 16]);
        bytes.extend([0x15, 0xB3, 0, 80]);
        bytes
    }

    /// Whole, byte by byte, and with bytes of the client behind it.
    fn assert_right(header: &[u8], want: Source) {
        let complete = Ok(Header::Complete(want, header.len()));
        for cut in 0..header.len() {
            assert_eq!(parse(&header[..cut]), Ok(Header::Partial), "{cut} of {header:?}");
        }
        for rest in
            [&b""[..], b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", SIGNATURE]
        {
            assert_eq!(parse(&[header, rest].concat()), complete, "{header:?}");
        }
    }

    #[test]
    fn right_headers() {
        for (line, want) in [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 5555 80\r\n", client("192.0.2.7", 5555)),
            ("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n", client("255.255.255.255", 65535)),
            ("PROXY TCP6 2001:db8::7 ::1 5555 80\r\n", client("2001:db8::7", 5555)),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", client("::ffff:192.0.2.7", 1)),
            ("PROXY UNKNOWN\r\n", Source::Unknown),
            ("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Source::Unknown),
        ] {
            assert_right(line.as_bytes(), want);
        }
        let with_values = [V4, &[0x04, 0, 1, 0], b"\x02\0\x03a.b"].concat();
        let v6 = v6();
        for (header, want) in [
            (binary(0x21, 0x11, 12, V4), client("192.0.2.7", 5555)),
            (binary(0x21, 0x21, 36, &v6), client("2001:db8::7", 5555)),
            (binary(0x21, 0x11, 22, &with_values), client("192.0.2.7", 5555)),
            (binary(0x20, 0x00, 0, b""), Source::Proxy),
            (binary(0x20, 0x11, 12, V4), Source::Proxy),
            (binary(0x20, 0x11, 3, b"abc"), Source::Proxy),
            (binary(0x21, 0x00, 0, b""), Source::Unknown),
            (binary(0x21, 0x00, 5, b"abcde"), Source::Unknown),
            (binary(0x21, 0x31, 216, &[b'/'; 216]), Source::Unknown),
            (binary(0x21, 0x12, 12, V4), Source::Unknown),
            (binary(0x21, 0xFF, 2, b"xx"), Source::Unknown),
        ] {
            assert_right(&header, want);
        }
    }

    #[test]
    fn wrong_headers() {
        let long = format!("PROXY TCP4 {}", "1".repeat(200));
        let unknown = format!("PROXY UNKNOWN {}\r\n", "x".repeat(100));
        let lines: [(&[u8], Fault); 20] = [
            (b"GET / HTTP/1.1\r\n", Fault::Missing),
            (b"\x16\x03\x01", Fault::Missing),
            (b"proxy TCP4", Fault::Missing),
            (b"PROXYTCP4", Fault::Missing),
            (b" PROXY", Fault::Missing),
            (b"\r\nGET", Fault::Missing),
            (b"\r\n\r\n\0\r\nQUIX", Fault::Missing),
            (b"\n", Fault::Missing),
            (b"PROXY \r\n", Fault::Line),
            (b"PROXY TCP4\r\n", Fault::Line),
            (b"PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n", Fault::Line),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n", Fault::Line),
            (b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", Fault::Line),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", Fault::Line),
            (b"PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n", Fault::Line),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", Fault::Line),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n", Fault::Line),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 02\r\n", Fault::Line),
            (long.as_bytes(), Fault::LineTooLong),
            (unknown.as_bytes(), Fault::LineTooLong),
        ];
        for (bytes, fault) in lines {
            assert_eq!(parse(bytes), Err(fault), "{:?}", String::from_utf8_lossy(bytes));
        }
        for (header, fault) in [
            (binary(0x11, 0x11, 12, V4), Fault::Command),
            (binary(0x22, 0x11, 12, V4), Fault::Command),
            (binary(0x31, 0x11, 12, V4), Fault::Command),
            (binary(0x21, 0x11, 11, V4), Fault::TooShort),
            (binary(0x21, 0x11, 0, b""), Fault::TooShort),
            (binary(0x21, 0x21, 12, V4), Fault::TooShort),
            (binary(0x21, 0x11, 4081, V4), Fault::TooLong),
            (binary(0x20, 0x00, u16::MAX, b""), Fault::TooLong),
        ] {
            assert_eq!(parse(&header), Err(fault), "{header:?}");
        }
        // A length beyond what has arrived waits; the rest is not read as the client's bytes.
        assert_eq!(parse(&binary(0x21, 0x11, 4080, V4)), Ok(Header::Partial));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let starts: [&[u8]; 4] = [b"", b"PROXY ", SIGNATURE, b"PROXY TCP4 1.1.1.1 "];
        for start in starts {
            let mut state = 7_u32;
            for length in 0..300 {
                let mut bytes = start.to_vec();
                bytes.extend((0..length).map(|_| {
                    state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    state.to_be_bytes()[0]
                }));
                if let Ok(Header::Complete(_, taken)) = parse(&bytes) {
                    assert!(taken <= bytes.len());
                }
            }
        }
    }
}
