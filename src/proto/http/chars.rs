//! Which bytes are allowed where, as const tables with their ABNF above them; and numbers.
//!
//! Numbers of a peer are read only here: `str::parse` accepts a sign and `trim` removes Unicode spaces,
//! and each of them is a way to smuggle a request.

use std::borrow::Cow;

use crate::proto::scan::position;

/// A set of bytes, as a table.
#[derive(Debug)]
pub struct Class([bool; 256]);

impl Class {
    /// Returns true if `byte` is in the set.
    pub const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }

    /// Returns where the first byte outside the set is, or `None` if all are in it.
    pub fn first_outside(&self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|&byte| !self.has(byte))
    }

    /// Returns true if all bytes are in the set.
    pub fn has_all(&self, bytes: &(impl AsRef<[u8]> + ?Sized)) -> bool {
        self.first_outside(bytes.as_ref()).is_none()
    }

    /// Returns how many bytes at the start are in the set.
    pub fn prefix(&self, bytes: &[u8]) -> usize {
        self.first_outside(bytes).unwrap_or(bytes.len())
    }

    const fn of(bytes: &[u8]) -> Class {
        let mut table = [false; 256];
        let mut at = 0;
        while at < bytes.len() {
            table[bytes[at] as usize] = true;
            at += 1;
        }
        Class(table)
    }

    const fn and_range(mut self, from: u8, to: u8) -> Class {
        let mut byte = from as usize;
        while byte <= to as usize {
            self.0[byte] = true;
            byte += 1;
        }
        self
    }

    const fn and_alphanumeric(self) -> Class {
        self.and_range(b'0', b'9').and_range(b'A', b'Z').and_range(b'a', b'z')
    }
}

/// `tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" /
/// "~" / DIGIT / ALPHA` (RFC 9110, 5.6.2): methods, field names, tokens.
pub static TCHAR: Class = Class::of(b"!#$%&'*+-.^_`|~").and_alphanumeric();

/// `field-vchar / SP / HTAB`, where `field-vchar = VCHAR / obs-text` (RFC 9110, 5.5): what a field
/// value may hold. NUL, CR, LF and the other controls are not in it.
pub static FIELD_VALUE: Class = Class::of(b"\t").and_range(b' ', b'~').and_range(0x80, 0xFF);

/// `pchar / "/"`, where `pchar = unreserved / pct-encoded / sub-delims / ":" / "@"` (RFC 3986, 3.3),
/// and `[ ] | ^ { }` and the backtick, which browsers send as they were typed (WHATWG URL, path
/// percent-encode set) and which mean nothing to us but themselves. A backslash is not in it.
pub static PATH: Class = Class::of(PATH_MARKS).and_alphanumeric();

const PATH_MARKS: &[u8] = b"-._~!$&'()*+,;=:@/%[]|^{}`";

/// What a server accepts in a path: the same, and bytes of UTF-8, which curl sends as they were typed.
pub static PATH_ACCEPTED: Class = Class::of(PATH_MARKS).and_alphanumeric().and_range(0x80, 0xFF);

/// The part of it that means itself wherever it stands: without a slash and without a `%`.
pub static SEGMENT_PLAIN: Class =
    Class::of(b"-._~!$&'()*+,;=:@[]|^{}`").and_alphanumeric().and_range(0x80, 0xFF);

/// `*( pchar / "/" / "?" )` (RFC 3986, 3.4), and again what browsers leave as it is.
pub static QUERY: Class = Class::of(b"-._~!$&'()*+,;=:@/%[]|^{}`?\\").and_alphanumeric();

/// What a server accepts in a query: all that cannot end it (WHATWG URL, query state). The query has no
/// meaning for the framing, and many programs do not encode it.
pub static QUERY_ACCEPTED: Class = Class::of(b"!\"").and_range(b'$', b'~').and_range(0x80, 0xFF);

/// `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986, 3.2.2): a host by name.
pub static REG_NAME: Class = Class::of(b"-._~!$&'()*+,;=%").and_alphanumeric();

/// `unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"` (RFC 3986, 2.3).
pub static UNRESERVED: Class = Class::of(b"-._~").and_alphanumeric();

/// `cookie-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E` (RFC 6265, 4.1.1): visible ASCII without
/// quotes, commas, semicolons and backslashes.
pub static COOKIE_OCTET: Class = Class::of(b"!")
    .and_range(b'#', b'+')
    .and_range(b'-', b':')
    .and_range(b'<', b'[')
    .and_range(b']', b'~');

/// `bchars = bcharsnospace / " "` (RFC 2046, 5.1.1): what a boundary of multipart may hold.
pub static BCHARS: Class = Class::of(b"'()+_,-./:=? ").and_alphanumeric();

/// What a form keeps as it is (WHATWG URL, application/x-www-form-urlencoded percent-encode set).
pub static FORM: Class = Class::of(b"*-._").and_alphanumeric();

/// `reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )` (RFC 9112, 4), the same set as a value's.
pub static REASON: &Class = &FIELD_VALUE;

/// Reads `1*DIGIT`: no sign, no space, nothing else, and within `u64`.
#[inline]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10)
}

/// Writes a number as `1*DIGIT`.
pub fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20]; // a u64 has at most 20
    let mut first = digits.len();
    loop {
        first -= 1;
        let [digit, ..] = (number % 10).to_le_bytes();
        digits[first] = b'0' + digit;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[first..]);
        }
    }
}

/// Reads `1*HEXDIG`: no sign, no `0x`, nothing else, and within `u64`.
pub fn hex(digits: &[u8]) -> Option<u64> {
    number(digits, 16)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |sum, &byte| {
        let digit = char::from(byte).to_digit(radix)?;
        sum.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

/// Strips `OWS = *( SP / HTAB )` (RFC 9110, 5.6.3) from both ends.
pub fn trim_ows(bytes: &[u8]) -> &[u8] {
    trim_ows_end(trim_ows_start(bytes))
}

/// Strips it at the start.
pub fn trim_ows_start(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Strips it at the end.
pub fn trim_ows_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Returns where a `%` is that two hexadecimal digits do not follow (RFC 3986, 2.1).
#[inline]
pub fn first_bad_percent(bytes: &[u8]) -> Option<usize> {
    position(b'%', bytes)?; // most have none
    let percents = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'%');
    percents.map(|(at, _)| at).find(|&at| {
        !bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Decodes percent-encoding (RFC 3986, 2.1). A `%` without two digits after it stays as it is;
/// a parsed path has none, a query may.
pub fn percent_decode(text: &(impl AsRef<[u8]> + ?Sized)) -> Cow<'_, [u8]> {
    let bytes = text.as_ref();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let encoded = match &bytes[at..] {
            [b'%', digits @ ..] if digits.len() >= 2 => {
                hex(&digits[..2]).and_then(|byte| u8::try_from(byte).ok())
            }
            _ => None,
        };
        out.push(encoded.unwrap_or(bytes[at]));
        at += if encoded.is_some() { 3 } else { 1 };
    }
    Cow::Owned(out)
}

/// Percent-encodes every byte outside `keep` (RFC 3986, 2.1).
pub fn percent_encode(bytes: &[u8], keep: &Class) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if keep.has(byte) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::scan::before_control;

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        for (text, value) in
            [("0", Some(0)), ("007", Some(7)), ("18446744073709551615", Some(u64::MAX))]
        {
            assert_eq!(decimal(text.as_bytes()), value, "{text}");
        }
        for text in [
            "",
            "+5",
            "-5",
            " 5",
            "5 ",
            "1_0",
            "0x5",
            "5.0",
            "٣",
            "18446744073709551616",
            "99999999999999999999999",
        ] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
        for (text, value) in
            [("0", Some(0)), ("aF", Some(0xAF)), ("ffffffffffffffff", Some(u64::MAX))]
        {
            assert_eq!(hex(text.as_bytes()), value, "{text}");
        }
        for text in ["", "+5", "0x5", "g", "10000000000000000"] {
            assert_eq!(hex(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn classes_hold_their_grammar() {
        assert!(b"GETget09-_.~".iter().all(|&byte| TCHAR.has(byte)));
        assert!(b" \t\r\n\0:/()<>@,;\\\"[]?={}\x7f\x80".iter().all(|&byte| !TCHAR.has(byte)));
        assert!(b"\0\r\n\x01\x1f\x7f".iter().all(|&byte| !FIELD_VALUE.has(byte)));
        assert!(b"\t ~\x80\xff".iter().all(|&byte| FIELD_VALUE.has(byte)));
        assert!(b"\\#\" <>\x80".iter().all(|&byte| !PATH.has(byte)));
        assert!(b"#\" <>\x80".iter().all(|&byte| !QUERY.has(byte)));
        assert!(b"\\#\" <>\x7F\0".iter().all(|&byte| !PATH_ACCEPTED.has(byte)));
        assert!(b"# \x7F\t\0".iter().all(|&byte| !QUERY_ACCEPTED.has(byte)));
    }

    #[test]
    fn a_value_ends_before_a_control() {
        for byte in 0..=255 {
            let bytes = [b"text/html".as_slice(), &[byte], b"a"].concat();
            assert_eq!(before_control(&bytes), FIELD_VALUE.prefix(&bytes), "{byte:#x}");
        }
    }

    #[test]
    fn percent_coding_goes_there_and_back() {
        assert_eq!(*percent_decode("a%20b%2Fc%zz%4"), *b"a b/c%zz%4");
        assert_eq!(percent_encode(b"a b/c%", &UNRESERVED), "a%20b%2Fc%25");
        assert_eq!(first_bad_percent(b"/a%20%2"), Some(5));
        assert_eq!(first_bad_percent(b"/a%20"), None);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(*percent_decode(&percent_encode(&all, &UNRESERVED)), *all);
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        assert_eq!(trim_ows(b" \t a b\t"), b"a b");
        assert_eq!(trim_ows("\u{a0}a".as_bytes()), "\u{a0}a".as_bytes());
        assert_eq!(trim_ows(b" \t"), b"");
    }
}
