//! Coded bodies, right and broken, each whole and byte by byte.

use super::CodingRule::{
    Checksum, Data, Dictionary, Expansion, HeadChecksum, Incomplete, Length, Method, ReservedFlag,
    Start, Trailing,
};
use super::*;

/// `hello hello hello hello\n`, compressed as such (RFC 1951).
const BARE: &[u8] = b"\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00";
const TEXT: &str = "hello hello hello hello\n";
/// The same, behind a head and a checksum of zlib.
fn zlib() -> Vec<u8> {
    [b"\x78\x9c", BARE, b"\x70\xbe\x08\xbb"].concat()
}

const HEAD: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";

/// A member with these flags and these parts of its head.
fn member(flags: u8, parts: &[u8]) -> Vec<u8> {
    let mut head = HEAD.to_vec();
    head[3] = flags;
    [&head, parts, BARE, &end()].concat()
}

fn end() -> [u8; 8] {
    let [a, b, c, d] = crc(TEXT.as_bytes()).to_le_bytes();
    [a, b, c, d, 24, 0, 0, 0]
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = crc32::Crc32::default();
    crc.update(bytes);
    crc.value()
}

/// A gzip of anything, stored.
fn stored(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_le_bytes();
    let inverse = length.map(|byte| !byte);
    let size = u32::from(u16::from_le_bytes(length)).to_le_bytes();
    [HEAD, &[1], &length, &inverse, content, &crc(content).to_le_bytes(), &size].concat()
}

/// A gzip of what repeats itself after `distance` bytes (at most 24, but not 5 to 16).
fn gzip(content: &[u8], distance: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(0b011, 3); // the last block, with the fixed codes (RFC 1951, 3.2.6)
    let mut at = 0;
    while at < content.len() {
        let is_again = at >= distance
            && content.get(at..at + 258).is_some_and(|it| it == &content[at - distance..][..258]);
        match content[at] {
            _ if is_again => {
                bits.push_code(0b1100_0101, 8); // 258 bytes
                match u32::try_from(distance).unwrap() {
                    distance @ 1..=4 => bits.push_code(distance - 1, 5),
                    distance => {
                        bits.push_code(8, 5);
                        bits.push(distance - 17, 3);
                    }
                }
                at += 257;
            }
            byte @ ..=143 => bits.push_code(0x30 + u32::from(byte), 8),
            byte => bits.push_code(0x190 + u32::from(byte) - 144, 9),
        }
        at += 1;
    }
    bits.push_code(0, 7); // the end
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    [HEAD, &bits.bytes(), &crc(content).to_le_bytes(), &size].concat()
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    now: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            self.now |= (value >> bit & 1) << self.count;
            self.count += 1;
            if self.count == 8 {
                self.bytes.push(self.now.to_le_bytes()[0]);
                (self.now, self.count) = (0, 0);
            }
        }
    }

    /// Codes begin with their highest bit (RFC 1951, 3.1.1).
    fn push_code(&mut self, code: u32, count: u32) {
        (0..count).rev().for_each(|bit| self.push(code >> bit & 1, 1));
    }

    fn bytes(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push(self.now.to_le_bytes()[0]);
        }
        self.bytes
    }
}

/// Decodes a body that arrives in pieces of `step` bytes: what came out, and how it ended.
fn decode(codings: &[Coding], wire: &[u8], step: usize) -> (Vec<u8>, Result<(), CodingRule>) {
    let mut decoder = ContentDecoder::new(codings);
    let mut content = Vec::new();
    let end = wire.chunks(step.max(1)).chain([&b""[..]]).try_for_each(|mut piece| {
        loop {
            let before = content.len();
            decoder.decode(&mut piece, &mut content)?;
            assert!(content.len() - before <= 1 << 16, "a step is bounded");
            if content.len() == before && piece.is_empty() {
                return Ok(());
            }
        }
    });
    let end = end.and_then(|()| decoder.finish());
    (content, end.map_err(|fault: CodingFault| fault.rule))
}

fn cut(bytes: &[u8], from_the_end: usize) -> Vec<u8> {
    bytes[..bytes.len() - from_the_end].to_vec()
}

fn wrong(mut bytes: Vec<u8>, at: usize) -> Vec<u8> {
    bytes[at] ^= 0xFF;
    bytes
}

fn with(mut bytes: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    bytes[at] = byte;
    bytes
}

#[test]
fn right_ones() {
    use Coding::{Deflate, Gzip};
    let gzip = member(0, b"");
    let checked = {
        let head = [&HEAD[..3], b"\x02", &HEAD[4..]].concat();
        member(2, &crc(&head).to_le_bytes()[..2])
    };
    for (name, codings, wire, times) in [
        ("gzip", &[Gzip][..], gzip.clone(), 1),
        ("an extra part", &[Gzip], member(4, b"\x03\x00abc"), 1),
        ("an extra part without a byte", &[Gzip], member(4, b"\x00\x00"), 1),
        ("a name and a comment", &[Gzip], member(24, b"a name\0a comment\0"), 1),
        ("a text", &[Gzip], member(1, b""), 1),
        ("a checksum of the head", &[Gzip], checked, 1),
        ("two members", &[Gzip], gzip.repeat(2), 2),
        ("an empty member between two", &[Gzip], [&gzip[..], &stored(b""), &gzip].concat(), 2),
        ("stored", &[Gzip], stored(TEXT.as_bytes()), 1),
        ("zlib's format", &[Deflate], zlib(), 1),
        ("bare data", &[Deflate], BARE.to_vec(), 1),
        ("bare data and a checksum", &[Deflate], [BARE, b"abcd"].concat(), 1),
        ("zlib's format as gzip", &[Gzip], zlib(), 1),
        ("gzip twice", &[Gzip, Gzip], stored(&gzip), 1),
        ("deflate, then gzip", &[Deflate, Gzip], stored(&zlib()), 1),
        ("five", &[Gzip; 5], stored(&stored(&stored(&stored(&gzip)))), 1),
        ("none", &[], TEXT.into(), 1),
        ("no byte", &[Gzip], Vec::new(), 0),
        ("no byte of two", &[Gzip, Deflate], Vec::new(), 0),
        ("an empty content", &[Gzip], stored(b""), 0),
        ("an empty content, in zlib's format", &[Deflate], b"\x78\x9c\x03\0\0\0\0\x01".into(), 0),
        ("an empty content, bare", &[Deflate], b"\x03\0".into(), 0),
    ] {
        for step in [1, 2, 7, wire.len()] {
            let (content, end) = decode(codings, &wire, step);
            assert_eq!(end, Ok(()), "{name}, by {step}");
            assert_eq!(
                String::from_utf8(content).unwrap(),
                TEXT.repeat(times),
                "{name}, by {step}"
            );
        }
    }
}

#[test]
fn broken_ones_and_what_is_right_before() {
    use Coding::{Deflate, Gzip};
    let gzip = member(0, b"");
    let (all, none) = (TEXT, "");
    for (name, codings, wire, rule, content) in [
        ("a text", &[Gzip][..], b"hello\n".to_vec(), Start, none),
        ("half the magic", &[Gzip], b"\x1f".into(), Incomplete, none),
        ("another magic", &[Gzip], b"\x1f\x8c\x08".into(), Start, none),
        ("compress", &[Gzip], b"\x1f\x9d\x90".into(), Start, none),
        ("another method", &[Gzip], with(gzip.clone(), 2, 7), Method, none),
        ("flag 5", &[Gzip], with(gzip.clone(), 3, 32), ReservedFlag, none),
        ("flag 6", &[Gzip], with(gzip.clone(), 3, 64), ReservedFlag, none),
        ("flag 7", &[Gzip], with(gzip.clone(), 3, 128), ReservedFlag, none),
        ("a wrong checksum of the head", &[Gzip], member(2, b"zz"), HeadChecksum, none),
        ("cut in the head", &[Gzip], HEAD[..7].to_vec(), Incomplete, none),
        ("cut behind the head", &[Gzip], HEAD.to_vec(), Incomplete, none),
        (
            "cut in the extra part",
            &[Gzip],
            [&member(4, b"")[..10], b"\x09\0ab"].concat(),
            Incomplete,
            none,
        ),
        (
            "a name without an end",
            &[Gzip],
            [&member(8, b"")[..10], b"name"].concat(),
            Incomplete,
            none,
        ),
        ("cut in the data", &[Gzip], [HEAD, &BARE[..6]].concat(), Incomplete, "hello"),
        ("cut before the checksum", &[Gzip], cut(&gzip, 8), Incomplete, all),
        ("cut in the checksum", &[Gzip], cut(&gzip, 6), Incomplete, all),
        ("cut in the length", &[Gzip], cut(&gzip, 1), Incomplete, all),
        ("a wrong checksum", &[Gzip], wrong(gzip.clone(), gzip.len() - 8), Checksum, all),
        ("a wrong length", &[Gzip], with(gzip.clone(), gzip.len() - 4, 25), Length, all),
        ("a reserved block", &[Gzip], [HEAD, b"\x07\0"].concat(), Data, none),
        (
            "a stored block with two lengths",
            &[Gzip],
            [HEAD, b"\x01\x03\0\0\0abc"].concat(),
            Data,
            none,
        ),
        ("a stored block, cut", &[Gzip], [HEAD, b"\x01\x03\0\xfc\xffa"].concat(), Incomplete, "a"),
        ("a distance before the beginning", &[Gzip], [HEAD, b"\x03\x02\0"].concat(), Data, none),
        ("a code without a symbol", &[Gzip], [HEAD, b"\x1b\x03\0"].concat(), Data, none),
        ("too many codes", &[Gzip], [HEAD, b"\xfd\xff\xff"].concat(), Data, none),
        ("garbage behind it", &[Gzip], [&gzip[..], b"garbage"].concat(), Trailing, all),
        ("zeros behind it", &[Gzip], [&gzip[..], &[0; 512]].concat(), Trailing, all),
        ("a second one, cut", &[Gzip], [&gzip[..], &gzip[..4]].concat(), Incomplete, all),
        ("a second one, broken", &[Gzip], [&gzip[..], b"\x1f\x8b\x07"].concat(), Method, all),
        ("a text as deflate", &[Deflate], b"hello\n".into(), Data, none),
        ("gzip as deflate", &[Deflate], gzip.clone(), Data, none),
        ("one byte of deflate", &[Deflate], b"\x78".into(), Incomplete, none),
        ("a dictionary", &[Deflate], b"\x78\xbb\0\0\0\0".into(), Dictionary, none),
        ("zlib's format, cut in the data", &[Deflate], zlib()[..8].to_vec(), Incomplete, "hello"),
        ("zlib's format, cut in the checksum", &[Deflate], cut(&zlib(), 2), Incomplete, all),
        ("zlib's format, a wrong checksum", &[Deflate], wrong(zlib(), 16), Checksum, all),
        ("zlib's format, and more", &[Deflate], [&zlib()[..], b"x"].concat(), Trailing, all),
        ("bare data, cut", &[Deflate], BARE[..6].to_vec(), Incomplete, "hello"),
        ("bare data, and five bytes", &[Deflate], [BARE, b"abcde"].concat(), Trailing, all),
        ("gzip in gzip, cut within", &[Gzip, Gzip], stored(&cut(&gzip, 9)), Incomplete, ""),
        (
            "gzip in gzip, wrong within",
            &[Gzip, Gzip],
            stored(&with(gzip.clone(), 2, 7)),
            Method,
            none,
        ),
        (
            "gzip in gzip, a wrong checksum without",
            &[Gzip, Gzip],
            wrong(stored(&gzip), stored(&gzip).len() - 8),
            Checksum,
            all,
        ),
        ("deflate in gzip, the other way", &[Gzip, Deflate], stored(&zlib()), Data, none),
    ] {
        for step in [1, 3, wire.len()] {
            let (got, end) = decode(codings, &wire, step);
            let got = String::from_utf8(got).unwrap();
            assert_eq!(end, Err(rule.clone()), "{name}, by {step}, with {got:?}");
            match rule {
                Incomplete => {
                    assert!(
                        got.starts_with(content) && (got == content || TEXT.starts_with(&got)),
                        "{name}: {got:?}"
                    )
                }
                _ => assert_eq!(got, content, "{name}, by {step}"),
            }
        }
    }
}

#[test]
fn a_list_of_codings() {
    use Coding::{Deflate, Gzip};
    let unknown = |name: &str| Err(CodingRule::Unknown(name.to_owned()));
    for (fields, want) in [
        (&[][..], Ok(vec![])),
        (&["gzip"], Ok(vec![Gzip])),
        (&["X-GZip"], Ok(vec![Gzip])),
        (&["deflate , gzip"], Ok(vec![Deflate, Gzip])),
        (&["deflate", "gzip"], Ok(vec![Deflate, Gzip])),
        (&[", gzip,,"], Ok(vec![Gzip])),
        (&["identity"], Ok(vec![])),
        (&["none"], Ok(vec![])),
        (&["gzip, identity"], Ok(vec![Gzip])),
        (&[""], Ok(vec![])),
        (&["compress"], unknown("compress")),
        (&["gzip;q=1"], unknown("gzip;q=1")),
        (&["gzip gzip"], unknown("gzip gzip")),
        (&["gzip, \u{fc}"], unknown("\u{fc}")),
        (&["gzip, gzip, gzip, gzip, gzip"], Ok(vec![Gzip; 5])),
        (&["gzip, gzip, gzip", "gzip, gzip, gzip"], Err(CodingRule::TooMany)),
        (&["gzip, gzip, gzip, gzip, gzip, identity"], Err(CodingRule::TooMany)),
    ] {
        let mut headers = Headers::new();
        fields.iter().for_each(|field| headers.append("Content-Encoding", field).unwrap());
        assert_eq!(codings(&headers).map_err(|fault| fault.rule), want, "{fields:?}");
    }
}

/// As a gigabyte of zeros in a megabyte: it comes in pieces of at most 64 KB.
#[test]
fn a_bomb_comes_in_small_pieces() {
    let count = 16 << 20;
    let wire = gzip(&vec![0; count], 1);
    assert!(wire.len() < count / 150, "{} bytes", wire.len());
    let (mut decoder, mut all) = (ContentDecoder::new(&[Coding::Gzip]), 0);
    let (mut rest, mut out) = (&wire[..], Vec::new());
    loop {
        decoder.decode(&mut rest, &mut out).unwrap();
        assert!(out.capacity() <= 1 << 17);
        match out.len() {
            0 if rest.is_empty() => break,
            length => all += length,
        }
        out.clear();
    }
    assert_eq!((all, decoder.finish()), (count, Ok(())));
}

/// Nothing would come out of this for hours if it were a megabyte: each layer makes a hundred times as much work.
#[test]
fn a_bomb_in_a_bomb_that_becomes_nothing_is_refused() {
    let empty = stored(b"").repeat(100_000);
    let once = gzip(&empty, 23);
    let twice = gzip(&once, 2);
    assert!(twice.len() < empty.len() / 5_000, "{} bytes", twice.len());
    assert_eq!(decode(&[Coding::Gzip; 2], &once, 100), (Vec::new(), Ok(())), "what deflate can do");
    assert_eq!(decode(&[Coding::Gzip; 3], &twice, 10), (Vec::new(), Err(Expansion)));
}

/// Whatever is wrong, what was right before it does not depend on how the body was cut.
#[test]
fn a_byte_that_is_wrong_anywhere() {
    let text: Vec<u8> =
        (0..300u32).flat_map(|number| format!("{} ", number % 97).into_bytes()).collect();
    let inner = gzip(&text, 3);
    let bodies = [
        (vec![Coding::Gzip], inner.clone()),
        (vec![Coding::Gzip, Coding::Gzip], stored(&inner)),
        (vec![Coding::Deflate, Coding::Gzip], stored(&zlib())),
        (vec![Coding::Gzip, Coding::Gzip], gzip(&gzip(&[b'a'; 3_000], 1), 1)),
    ];
    for (codings, body) in bodies {
        for at in 0..body.len() {
            for byte in [1, 0xFF] {
                let body = with(body.clone(), at, body[at] ^ byte);
                let (whole, byte_by_byte) =
                    (decode(&codings, &body, body.len()), decode(&codings, &body, 1));
                assert_eq!(whole.0, byte_by_byte.0, "{codings:?}: {byte} at {at}");
                assert_eq!(whole.1.is_ok(), byte_by_byte.1.is_ok(), "{codings:?}: {byte} at {at}");
            }
        }
    }
}
