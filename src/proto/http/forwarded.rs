//! The fields in which proxies name the client whose request they pass on: `Forwarded` (RFC 7239) and
//! `X-Forwarded-For`, which is older and has no specification.
//!
//! Each proxy adds the address from which it got the request at the end. So a list is read from the right, and only as
//! far as the addresses are those of known proxies: what stands further left, the client may have written.

use std::net::{IpAddr, Ipv6Addr};

use super::chars::{TCHAR, decimal, trim_ows};
use super::headers::{Headers, Names};

/// The fields by which a request shows that a proxy has passed it on.
static SIGNS: Names = Names::of(&[
    "x-forwarded-for",
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-host",
    "x-forwarded-proto",
]);

/// Who has sent a request to the first of the known proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The client at this address, and at this port, if that is told.
    Client(IpAddr, Option<u16>),
    /// A client whose address is not told.
    Unknown,
}

/// Why nothing can be said: what the fields say is ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguous {
    /// `Forwarded` is malformed, so that a client may have written what looks like the proxy's part.
    Malformed,
    /// Both fields are there, and name different clients: the proxy sets one of them only, and the other one is the
    /// client's.
    Differ,
}

/// Returns true if the request shows that a proxy has passed it on.
#[inline]
pub fn is_forwarded(headers: &Headers) -> bool {
    headers.has_one_of(&SIGNS)
}

/// Returns who has sent a request that a known proxy passes on, by these fields; `is_proxy` tells which addresses are
/// of known proxies. `None` if neither field is there.
///
/// # Errors
/// When the fields do not agree, or cannot be read.
pub fn origin(
    headers: &Headers,
    is_proxy: impl Fn(IpAddr) -> bool,
) -> Result<Option<Origin>, Ambiguous> {
    let plain =
        headers.has("x-forwarded-for").then(|| first_unknown(plain_hops(headers), &is_proxy));
    let standard = match headers.has("forwarded") {
        true => Some(first_unknown(standard_hops(headers)?, &is_proxy)),
        false => None,
    };
    match (plain, standard) {
        (Some(plain), Some(standard)) if address(plain) != address(standard) => {
            Err(Ambiguous::Differ)
        }
        (plain, standard) => Ok(plain.or(standard)),
    }
}

fn address(origin: Origin) -> Option<IpAddr> {
    match origin {
        Origin::Client(address, _) => Some(address),
        Origin::Unknown => None,
    }
}

/// Returns the right-most of these that is not a known proxy; the left-most one, if all of them are.
fn first_unknown(hops: Vec<Origin>, is_proxy: impl Fn(IpAddr) -> bool) -> Origin {
    let is_known = |hop: &Origin| address(*hop).is_some_and(&is_proxy);
    let unknown = hops.iter().rev().find(|hop| !is_known(hop));
    unknown.or(hops.first()).copied().unwrap_or(Origin::Unknown)
}

/// Returns the members of `X-Forwarded-For`, over all lines.
fn plain_hops(headers: &Headers) -> Vec<Origin> {
    headers.list("x-forwarded-for").map(node).collect()
}

/// Returns who each element of `Forwarded` is for, over all lines (RFC 7239, 4).
fn standard_hops(headers: &Headers) -> Result<Vec<Origin>, Ambiguous> {
    let mut hops = Vec::new();
    for line in headers.all("forwarded") {
        let mut rest = trim_ows(line);
        while !rest.is_empty() {
            // Empty elements are allowed (RFC 9110, 5.6.1).
            if let Some(after) = rest.strip_prefix(b",") {
                rest = trim_ows(after);
                continue;
            }
            let (hop, after) = element(rest).ok_or(Ambiguous::Malformed)?;
            hops.push(hop);
            rest = after;
        }
    }
    Ok(hops)
}

/// Reads `[ forwarded-pair ] *( ";" [ forwarded-pair ] )`, up to a comma or the end.
fn element(mut text: &[u8]) -> Option<(Origin, &[u8])> {
    let mut hop = None;
    loop {
        if !matches!(text, [] | [b';' | b',', ..]) {
            let (name, value, after) = pair(text)?;
            if name.eq_ignore_ascii_case(b"for") && hop.replace(node(&value)).is_some() {
                return None; // each parameter occurs once at most
            }
            text = trim_ows(after);
        }
        match text.split_first() {
            Some((b';', after)) => text = trim_ows(after),
            Some((b',', _)) | None => return Some((hop.unwrap_or(Origin::Unknown), text)),
            Some(_) => return None,
        }
    }
}

/// Reads `token "=" ( token / quoted-string )`. An address without its quotes is read as well: some proxies leave them
/// out.
fn pair(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let (name, rest) = text.split_at(TCHAR.prefix(text));
    let rest = rest.strip_prefix(b"=").filter(|_| !name.is_empty())?;
    let Some(quoted) = rest.strip_prefix(b"\"") else {
        let is_value = |byte: &u8| TCHAR.has(*byte) || b":[]".contains(byte);
        let end = rest.iter().position(|byte| !is_value(byte)).unwrap_or(rest.len());
        let (value, after) = rest.split_at(end);
        return (!value.is_empty()).then(|| (name, value.to_vec(), after));
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter();
    loop {
        match bytes.next()? {
            b'"' => return Some((name, value, bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
}

/// Reads an address with or without a port. An IPv6 address with a port is in brackets. What is no address (`unknown`,
/// an obfuscated name such as `_proxy`, or anything else) tells nothing.
fn node(text: &[u8]) -> Origin {
    read_node(text).unwrap_or(Origin::Unknown)
}

fn read_node(text: &[u8]) -> Option<Origin> {
    let text = str::from_utf8(trim_ows(text)).ok()?;
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Origin::Client(address.to_canonical(), None));
    }
    let (address, port): (IpAddr, _) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let (address, port) = text.split_at(text.find(':')?);
            (address.parse().ok()?, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port,
        None if port.is_empty() => return Some(Origin::Client(address.to_canonical(), None)),
        None => return None,
    };
    // A port may be obfuscated, too (RFC 7239, 6.2).
    let number = decimal(port.as_bytes()).and_then(|port| u16::try_from(port).ok());
    let is_name = port.starts_with('_') && port.len() > 1;
    (number.is_some() || is_name).then(|| Origin::Client(address.to_canonical(), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        headers
    }

    /// The proxies are those of 10.0.0.0/8 and ::1.
    fn origin_of(fields: &[(&str, &str)]) -> Result<Option<Origin>, Ambiguous> {
        let is_proxy = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets()[0] == 10,
            IpAddr::V6(address) => address.is_loopback(),
        };
        origin(&headers(fields), is_proxy)
    }

    fn client(address: &str) -> Origin {
        Origin::Client(address.parse().unwrap(), None)
    }

    fn at_port(address: &str, port: u16) -> Origin {
        Origin::Client(address.parse().unwrap(), Some(port))
    }

    #[test]
    fn signs_of_a_proxy() {
        for name in [
            "X-Forwarded-For",
            "forwarded",
            "Via",
            "X-Real-IP",
            "X-Forwarded-Host",
            "x-forwarded-proto",
        ] {
            assert!(is_forwarded(&headers(&[("Host", "a"), (name, "x")])), "{name}");
        }
        for name in ["Host", "User-Agent", "X-Forwarded", "Forwarded-For", "Accept", "Vary"] {
            assert!(!is_forwarded(&headers(&[(name, "x")])), "{name}");
        }
    }

    #[test]
    fn x_forwarded_for() {
        for (value, want) in [
            ("192.0.2.7", client("192.0.2.7")),
            ("1.1.1.1, 192.0.2.7", client("192.0.2.7")),
            ("127.0.0.1, 192.0.2.7, 10.0.0.1,10.0.0.2", client("192.0.2.7")),
            ("10.0.0.1", client("10.0.0.1")),
            ("10.0.0.9, 10.0.0.1", client("10.0.0.9")),
            ("192.0.2.7:5555", at_port("192.0.2.7", 5555)),
            ("[2001:db8::7]:5555", at_port("2001:db8::7", 5555)),
            ("[2001:db8::7]", client("2001:db8::7")),
            ("2001:db8::7", client("2001:db8::7")),
            ("::ffff:192.0.2.7", client("192.0.2.7")),
            ("192.0.2.7, ::ffff:10.0.0.1, [::1]:1", client("192.0.2.7")),
            (", ,192.0.2.7 ,\t", client("192.0.2.7")),
            ("", Origin::Unknown),
            (",,", Origin::Unknown),
            ("unknown", Origin::Unknown),
            ("1.1.1.1, unknown", Origin::Unknown),
            ("1.1.1.1, unknown, 10.0.0.1", Origin::Unknown),
            ("1.1.1.1, garbage", Origin::Unknown),
            ("192.0.2.7:", Origin::Unknown),
            ("192.0.2.7:65536", Origin::Unknown),
            ("192.0.2.7:+1", Origin::Unknown),
            ("192.0.2", Origin::Unknown),
            ("0300.0.2.7", Origin::Unknown),
            ("192.0.2.7 1.1.1.1", Origin::Unknown),
            ("\"192.0.2.7\"", Origin::Unknown),
            ("[192.0.2.7]", Origin::Unknown),
            ("[::1", Origin::Unknown),
            ("[::1]x", Origin::Unknown),
            ("fe80::1%eth0", Origin::Unknown),
            ("<script>", Origin::Unknown),
            ("\u{e9}", Origin::Unknown),
        ] {
            assert_eq!(origin_of(&[("X-Forwarded-For", value)]), Ok(Some(want)), "{value}");
        }
        assert_eq!(origin_of(&[("Via", "1.1 a")]), Ok(None));
        let lines = [("X-Forwarded-For", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7, 10.0.0.1")];
        assert_eq!(origin_of(&lines), Ok(Some(client("192.0.2.7"))));
    }

    #[test]
    fn forwarded() {
        for (value, want) in [
            ("for=192.0.2.7", Ok(client("192.0.2.7"))),
            ("For=192.0.2.7;proto=http;by=10.0.0.1", Ok(client("192.0.2.7"))),
            ("proto=http; FOR=\"192.0.2.7:5555\"", Ok(at_port("192.0.2.7", 5555))),
            ("for=192.0.2.7:5555", Ok(at_port("192.0.2.7", 5555))),
            ("for=\"[2001:db8::7]:5555\"", Ok(at_port("2001:db8::7", 5555))),
            ("for=\"[2001:db8::7]\"", Ok(client("2001:db8::7"))),
            ("for=[2001:db8::7]", Ok(client("2001:db8::7"))),
            ("for=\"[2001:db8::7]:_x\"", Ok(client("2001:db8::7"))),
            ("for=\"192\\.0.2.7\"", Ok(client("192.0.2.7"))),
            ("for=1.1.1.1, for=192.0.2.7, for=10.0.0.1", Ok(client("192.0.2.7"))),
            ("for=1.1.1.1,,for=192.0.2.7;", Ok(client("192.0.2.7"))),
            ("for=unknown", Ok(Origin::Unknown)),
            ("for=_hidden", Ok(Origin::Unknown)),
            ("for=1.1.1.1, for=\"_SEVKISEK\"", Ok(Origin::Unknown)),
            ("for=1.1.1.1, by=10.0.0.1", Ok(Origin::Unknown)),
            ("for=\"1.1.1.1, for=192.0.2.7\"", Ok(Origin::Unknown)),
            ("", Ok(Origin::Unknown)),
            ("for=\"1.1.1.1, for=192.0.2.7", Err(Ambiguous::Malformed)),
            ("for=1.1.1.1;x=\", for=\"[2001:db8::7]\"", Err(Ambiguous::Malformed)),
            ("for=\"1.1.1.1\\", Err(Ambiguous::Malformed)),
            ("for=1.1.1.1;for=2.2.2.2", Err(Ambiguous::Malformed)),
            ("for=", Err(Ambiguous::Malformed)),
            ("for", Err(Ambiguous::Malformed)),
            ("=1.1.1.1", Err(Ambiguous::Malformed)),
            ("for = 1.1.1.1", Err(Ambiguous::Malformed)),
            ("for=1.1.1.1 for=2.2.2.2", Err(Ambiguous::Malformed)),
            ("192.0.2.7", Err(Ambiguous::Malformed)),
        ] {
            assert_eq!(origin_of(&[("Forwarded", value)]), want.map(Some), "{value}");
        }
        let lines = [("Forwarded", "for=127.0.0.1"), ("Forwarded", "for=192.0.2.7")];
        assert_eq!(origin_of(&lines), Ok(Some(client("192.0.2.7"))));
    }

    #[test]
    fn both_fields_name_one_client_or_are_refused() {
        let both =
            |plain, standard| origin_of(&[("X-Forwarded-For", plain), ("Forwarded", standard)]);
        assert_eq!(both("192.0.2.7", "for=\"192.0.2.7:1\""), Ok(Some(client("192.0.2.7"))));
        assert_eq!(
            both("1.1.1.1, 192.0.2.7", "for=2.2.2.2, for=192.0.2.7"),
            Ok(Some(client("192.0.2.7")))
        );
        assert_eq!(both("192.0.2.7", "for=127.0.0.1"), Err(Ambiguous::Differ));
        assert_eq!(both("127.0.0.1", "for=192.0.2.7"), Err(Ambiguous::Differ));
        assert_eq!(both("192.0.2.7", "for=unknown"), Err(Ambiguous::Differ));
        assert_eq!(both("192.0.2.7", "for=\""), Err(Ambiguous::Malformed));
    }
}
