//! Which bytes may stand where, as const tables with their ABNF above them; and numbers.
//!
//! Numbers from the wire are read here and nowhere else: `str::parse` takes a sign, `trim` takes
//! Unicode spaces, and either is a way to smuggle a request.

use std::borrow::Cow;

use crate::proto::buf::position;

/// A set of bytes, asked with one table look-up.
#[derive(Debug)]
pub struct Class([bool; 256]);

impl Class {
    /// Is `byte` in the set?
    pub const fn has(&self, byte: u8) -> bool {
        self.0[byte as usize]
    }

    /// Where the first byte outside the set is, or `None` when all are in it.
    pub fn first_outside(&self, bytes: &[u8]) -> Option<usize> {
        bytes.iter().position(|&byte| !self.has(byte))
    }

    /// How many bytes in front are in the set.
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
pub static PATH: Class = Class::of(b"-._~!$&'()*+,;=:@/%[]|^{}`").and_alphanumeric();

/// `*( pchar / "/" / "?" )` (RFC 3986, 3.4), and again what browsers leave as it is.
pub static QUERY: Class = Class::of(b"-._~!$&'()*+,;=:@/%[]|^{}`?\\").and_alphanumeric();

/// `reg-name = *( unreserved / pct-encoded / sub-delims )` (RFC 3986, 3.2.2): a host by name.
pub static REG_NAME: Class = Class::of(b"-._~!$&'()*+,;=%").and_alphanumeric();

/// `unreserved = ALPHA / DIGIT / "-" / "." / "_" / "~"` (RFC 3986, 2.3).
pub static UNRESERVED: Class = Class::of(b"-._~").and_alphanumeric();

/// `reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )` (RFC 9112, 4), the same set as a value's.
pub static REASON: &Class = &FIELD_VALUE;

/// How many bytes in front may stand in a field's name.
#[inline(always)]
pub fn name_prefix(bytes: &[u8]) -> usize {
    // Most are letters and hyphens.
    let plain = first(
        bytes,
        |byte| !is_letter(byte) & (byte != b'-'),
        |word| !(letters(word) | between(word, b'-', b'-')),
    );
    plain + TCHAR.prefix(&bytes[plain..])
}

/// How many bytes in front may stand in a field's value.
#[inline(always)]
pub fn value_prefix(bytes: &[u8]) -> usize {
    first(
        bytes,
        |byte| (byte < 0x20) & (byte != b'\t') | (byte == 0x7F),
        |word| between(word, 0, 0x1F) & !between(word, b'\t', b'\t') | between(word, 0x7F, 0x7F),
    )
}

/// How many bytes in front are letters, digits, or of `-./`: most of a [`PATH`], and no `%`. The last
/// seven may be more of them.
#[inline(always)]
pub fn plain_path_prefix(bytes: &[u8]) -> usize {
    prefix_in_words(bytes, |word| !(letters(word) | between(word, b'-', b'9')))
}

/// How many bytes in front are letters, digits, or of `-.`: most of a [`REG_NAME`], and no `%`. The last
/// seven may be more of them.
#[inline(always)]
pub fn plain_host_prefix(bytes: &[u8]) -> usize {
    prefix_in_words(bytes, |word| {
        !(letters(word) | between(word, b'-', b'9')) | between(word, b'/', b'/')
    })
}

/// How many bytes of the whole words in front are not odd.
#[inline(always)]
fn prefix_in_words(bytes: &[u8], odds: impl Fn(u64) -> u64) -> usize {
    let words = bytes.as_chunks().0;
    first_of_words(words, odds).unwrap_or(words.len() * 8)
}

/// Where the first byte is that is `odd`, or their number. `odds` says it of eight in a word, by the top
/// bit of each.
#[inline(always)]
fn first(bytes: &[u8], odd: impl Fn(u8) -> bool, odds: impl Fn(u64) -> u64) -> usize {
    let mut at = 0;
    // So long a loop without a way out in its middle is made of instructions for sixteen bytes.
    while let Some(block) = bytes[at..].first_chunk::<64>() {
        let mut marks = [0; 64];
        for (mark, &byte) in marks.iter_mut().zip(block) {
            *mark = if odd(byte) { 0xFF } else { 0 };
        }
        for eight in marks.as_chunks().0 {
            let marks = u64::from_le_bytes(*eight);
            if marks != 0 {
                return at + marks.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
    }
    let (words, rest) = bytes[at..].as_chunks();
    if let Some(found) = first_of_words(words, odds) {
        return at + found;
    }
    let behind = rest.iter().position(|&byte| odd(byte)).unwrap_or(rest.len());
    at + words.len() * 8 + behind
}

/// The same in whole words, if there is one.
#[inline(always)]
fn first_of_words(words: &[[u8; 8]], odds: impl Fn(u64) -> u64) -> Option<usize> {
    for (number, word) in words.iter().enumerate() {
        let marks = odds(u64::from_le_bytes(*word)) & TOPS;
        if marks != 0 {
            return Some(number * 8 + marks.trailing_zeros() as usize / 8);
        }
    }
    None
}

const EACH: u64 = u64::from_le_bytes([0x01; 8]);
const TOPS: u64 = u64::from_le_bytes([0x80; 8]);

#[inline(always)]
const fn is_letter(byte: u8) -> bool {
    is_between(byte | 0x20, b'a', b'z')
}

/// In one comparison.
#[inline(always)]
const fn is_between(byte: u8, first: u8, last: u8) -> bool {
    byte.wrapping_sub(first) <= last - first
}

/// Sets the top bits of those of eight bytes that are from `first` to `last`, which are ASCII.
#[inline(always)]
const fn between(word: u64, first: u8, last: u8) -> u64 {
    // No sum of seven bits and 128 goes over into the next byte.
    let low = word & !TOPS;
    let (up_to, beyond) = (EACH * (0x80 - first as u64), EACH * (0x7F - last as u64));
    (low + up_to) & !(low + beyond) & !word & TOPS
}

#[inline(always)]
const fn letters(word: u64) -> u64 {
    between(word | (EACH * 0x20), b'a', b'z')
}

/// `1*DIGIT`: no sign, no space, nothing else, and within `u64`.
#[inline]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    number(digits, 10)
}

/// Writes a number as `1*DIGIT`.
pub fn write_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20]; // as many as u64 has
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

/// `1*HEXDIG`: no sign, no `0x`, nothing else, and within `u64`.
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

/// Strips it in front.
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

/// Where a `%` stands that two hexadecimal digits do not follow (RFC 3986, 2.1).
#[inline]
pub fn first_bad_percent(bytes: &[u8]) -> Option<usize> {
    position(b'%', bytes)?; // most have none
    let percents = bytes.iter().enumerate().filter(|&(_, &byte)| byte == b'%');
    percents.map(|(at, _)| at).find(|&at| {
        !bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Decodes percent-encoding (RFC 3986, 2.1). A `%` without two digits behind it stays as it is;
/// parsed targets have none.
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
    }

    static PLAIN_PATH: Class = Class::of(b"-./").and_alphanumeric();
    static PLAIN_HOST: Class = Class::of(b"-.").and_alphanumeric();

    #[test]
    fn what_is_plain_needs_no_other_look() {
        for byte in 0..=255 {
            assert!(!PLAIN_PATH.has(byte) || PATH.has(byte) && byte != b'%', "{byte:#x}");
            assert!(!PLAIN_HOST.has(byte) || REG_NAME.has(byte) && byte != b'%', "{byte:#x}");
        }
    }

    #[test]
    fn many_bytes_at_a_time_are_looked_at_as_one_is() {
        for around in [b'a', b'-', b'0', b'Z', b' ', b'\t', 0x80, 0xFF] {
            for length in [1, 7, 8, 9, 16, 17, 40, 64, 81, 150] {
                for (at, byte) in (0..length).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                    let mut bytes = vec![around; length];
                    bytes[at] = byte;
                    let told = format!("{byte:#x} at {at} of {length} {around:#x}");
                    assert_eq!(name_prefix(&bytes), TCHAR.prefix(&bytes), "{told}");
                    assert_eq!(value_prefix(&bytes), FIELD_VALUE.prefix(&bytes), "{told}");
                    let words = length / 8 * 8;
                    let plain = |class: &Class| class.prefix(&bytes[..words]);
                    assert_eq!(plain_path_prefix(&bytes), plain(&PLAIN_PATH), "{told}");
                    assert_eq!(plain_host_prefix(&bytes), plain(&PLAIN_HOST), "{told}");
                }
            }
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
