//! Ranges (RFC 9110, 14): which bytes a client asks for, which of them it gets, and how several are
//! put into one body.
//!
//! Only `bytes`. A malformed field is ignored, and so is a list that is too long: the whole is a right
//! response as well (14.2). Ranges that overlap, or have less between them than the frame of a part
//! takes, become one (15.3.7.2); so no response is longer than the whole and the frame of one part
//! (17.15).

use std::ops::Range;

use super::chars::trim_ows;

/// One requested range. Positions count from 0, and the last one is included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spec {
    /// `5-9`
    Between(u64, u64),
    /// `5-`: from there to the end.
    From(u64),
    /// `-5`: the last five.
    Last(u64),
}

/// Returns the ranges in the value of a `Range` field, or `None` if it is to be ignored: the unit is
/// not `bytes`, the value is malformed, or there are more than `most`. A number beyond `u64` is read
/// as the largest one.
pub fn parse(value: &[u8], most: usize) -> Option<Vec<Spec>> {
    let at = value.iter().position(|&byte| byte == b'=')?;
    let (unit, set) = (&value[..at], &value[at + 1..]);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut specs = Vec::new();
    let members = set.split(|&byte| byte == b',').map(trim_ows);
    for member in members.filter(|member| !member.is_empty()) {
        if specs.len() == most {
            return None;
        }
        specs.push(Spec::parse(member)?);
    }
    (!specs.is_empty()).then_some(specs)
}

impl Spec {
    fn parse(text: &[u8]) -> Option<Spec> {
        let dash = text.iter().position(|&byte| byte == b'-')?;
        match (&text[..dash], &text[dash + 1..]) {
            (b"", length) => Some(Spec::Last(saturating(length)?)),
            (first, b"") => Some(Spec::From(saturating(first)?)),
            (first, last) => {
                let (first, last) = (saturating(first)?, saturating(last)?);
                (first <= last).then_some(Spec::Between(first, last))
            }
        }
    }

    /// Returns the part of it that exists in `length` bytes, which is not 0.
    fn within(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Spec::Between(first, last) => first..last.saturating_add(1).min(length),
            Spec::From(first) => first..length,
            Spec::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }
}

/// Parses `1*DIGIT`.
fn saturating(digits: &[u8]) -> Option<u64> {
    let all_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    all_digits.then(|| {
        digits.iter().fold(0u64, |sum, &digit| {
            sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
        })
    })
}

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All of it, with 200.
    Whole,
    /// One part, with 206.
    Single(Range<u64>),
    /// Several parts, at least two, in the order in which they were requested; none touches another.
    Several(Vec<Range<u64>>),
    /// None of the ranges exists: 416.
    Unsatisfiable,
}

/// Selects the requested parts of `length` bytes. Ranges with less than `overhead` bytes between them
/// are joined. An empty content has no parts and is sent whole (RFC 9110, 14.2).
pub fn select(specs: &[Spec], length: u64, overhead: u64) -> Selection {
    if length == 0 {
        return Selection::Whole;
    }
    // Each with its place in the order in which they were requested.
    let satisfiable = specs.iter().filter_map(|spec| spec.within(length));
    let mut asked: Vec<(Range<u64>, usize)> = satisfiable.zip(0..).collect();
    asked.sort_by_key(|(range, _)| range.start);
    let mut joined: Vec<(Range<u64>, usize)> = Vec::with_capacity(asked.len());
    for (range, place) in asked {
        match joined.last_mut() {
            Some((last, first_place)) if range.start < last.end.saturating_add(overhead) => {
                last.end = last.end.max(range.end);
                *first_place = place.min(*first_place);
            }
            _ => joined.push((range, place)),
        }
    }
    joined.sort_by_key(|&(_, place)| place);
    let mut ranges: Vec<Range<u64>> = joined.into_iter().map(|(range, _)| range).collect();
    match (ranges.len(), ranges.pop()) {
        (_, None) => Selection::Unsatisfiable,
        (1, Some(only)) => Selection::Single(only),
        (_, Some(last)) => {
            ranges.push(last);
            Selection::Several(ranges)
        }
    }
}

/// Returns the value of `Content-Range` (RFC 9110, 14.4) for a part, which is not empty.
pub fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1))
}

/// Returns the value of `Content-Range` in a 416.
pub fn unsatisfied_range(length: u64) -> String {
    format!("bytes */{length}")
}

/// The frame around several parts: `multipart/byteranges` (RFC 9110, 14.6; RFC 2046, 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByteRanges {
    /// What stands between the parts, and must not occur in them: letters and digits, 70 at most.
    pub boundary: String,
    /// The type of the whole, if it has one.
    pub content_type: Option<Vec<u8>>,
    /// The length of the whole.
    pub length: u64,
}

impl ByteRanges {
    /// Returns the media type of the body.
    pub fn media_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// Returns what precedes a part. The line end before the boundary belongs to the frame.
    pub fn head(&self, part: &Range<u64>) -> Vec<u8> {
        let mut head = format!("\r\n--{}\r\n", self.boundary).into_bytes();
        if let Some(content_type) = &self.content_type {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(content_type);
            head.extend_from_slice(b"\r\n");
        }
        let range = content_range(part, self.length);
        head.extend_from_slice(format!("Content-Range: {range}\r\n\r\n").as_bytes());
        head
    }

    /// Returns what follows the last part.
    pub fn tail(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary).into_bytes()
    }

    /// Returns the largest number of bytes that a part takes beyond its own.
    pub fn overhead(&self) -> u64 {
        self.head(&(self.length.saturating_sub(1)..self.length)).len() as u64
    }

    /// Returns the length of the body with these parts.
    pub fn body_length(&self, parts: &[Range<u64>]) -> u64 {
        let of = |part: &Range<u64>| self.head(part).len() as u64 + (part.end - part.start);
        parts.iter().map(of).sum::<u64>() + self.tail().len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Spec::{Between, From, Last};
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn what_is_asked_for() {
        for (value, want) in [
            ("bytes=0-0", vec![Between(0, 0)]),
            ("BYTES=0-", vec![From(0)]),
            ("Bytes=-5", vec![Last(5)]),
            ("bytes=-0", vec![Last(0)]),
            ("bytes=007-0010", vec![Between(7, 10)]),
            ("bytes=0-1, 5-,\t-3", vec![Between(0, 1), From(5), Last(3)]),
            ("bytes= 0-1 ", vec![Between(0, 1)]),
            ("bytes=,0-1,,2-3,", vec![Between(0, 1), Between(2, 3)]),
            ("bytes=18446744073709551615-", vec![From(u64::MAX)]),
            ("bytes=0-99999999999999999999999999", vec![Between(0, u64::MAX)]),
            ("bytes=-99999999999999999999999999", vec![Last(u64::MAX)]),
            ("bytes=99999999999999999999999999-", vec![From(u64::MAX)]),
        ] {
            assert_eq!(parse(value.as_bytes(), 3), Some(want), "{value}");
        }
    }

    #[test]
    fn what_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes= , ,",
            "=0-1",
            "0-1",
            "bytes 0-1",
            "bytes:0-1",
            "bytes =0-1",
            "byte=0-1",
            "octets=0-1",
            "seconds=1-2",
            "none",
            "bytes=-",
            "bytes=--1",
            "bytes=5",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-x",
            "bytes=0x0-5",
            "bytes=+0-5",
            "bytes=0-+5",
            "bytes=0 -5",
            "bytes=0- 5",
            "bytes=0-5-6",
            "bytes=-5-6",
            "bytes=1.0-5",
            "bytes=0-1;5-6",
            "bytes=0-1 5-6",
            "bytes=0-1,x",
            "bytes=0-1,5-4",
            "bytes=*",
            "bytes=\"0-1\"",
            "bytes==0-1",
            "bytes=0-1,2-3,4-5,6-7",
            "bytes=\u{663}-",
        ] {
            assert_eq!(parse(value.as_bytes(), 3), None, "{value}");
        }
    }

    #[test]
    fn what_is_there_of_it() {
        use Selection::{Several, Single, Unsatisfiable, Whole};
        #[allow(clippy::single_range_in_vec_init, reason = "it is a list of ranges")]
        let rows = [
            // Of ten bytes, with a frame of two.
            ("0-0", 10, Single(0..1)),
            ("0-", 10, Single(0..10)),
            ("0-9", 10, Single(0..10)),
            ("0-99", 10, Single(0..10)),
            ("9-", 10, Single(9..10)),
            ("10-", 10, Unsatisfiable),
            ("10-20", 10, Unsatisfiable),
            ("-1", 10, Single(9..10)),
            ("-10", 10, Single(0..10)),
            ("-11", 10, Single(0..10)),
            ("-0", 10, Unsatisfiable),
            ("-0, 10-", 10, Unsatisfiable),
            ("-0, 3-4", 10, Single(3..5)),
            ("18446744073709551615-", 10, Unsatisfiable),
            ("0-18446744073709551615", 10, Single(0..10)),
            ("-18446744073709551616", 10, Single(0..10)),
            // Several: in the order asked for; joined where they meet, where the first one was.
            ("0-1, 6-7", 10, Several(vec![0..2, 6..8])),
            ("6-7, 0-1", 10, Several(vec![6..8, 0..2])),
            ("0-3, 2-5", 10, Single(0..6)),
            ("0-1, 2-3", 10, Single(0..4)),
            ("0-1, 3-4", 10, Single(0..5)),
            ("0-1, 4-5", 10, Several(vec![0..2, 4..6])),
            ("8-9, 0-1, 4-5, 7-7", 10, Several(vec![4..10, 0..2])),
            ("4-5, 8-9, 0-1, 2-3", 10, Several(vec![0..6, 8..10])),
            ("0-9, 3-4, 0-0", 10, Single(0..10)),
            ("0-1, 99-", 10, Single(0..2)),
            // Of one byte, of none, of as many as there can be.
            ("0-", 1, Single(0..1)),
            ("1-", 1, Unsatisfiable),
            ("0-", 0, Whole),
            ("-5", 0, Whole),
            ("5-", 0, Whole),
            ("0-0, 18446744073709551614-", u64::MAX, Several(vec![0..1, u64::MAX - 1..u64::MAX])),
        ];
        for (set, length, want) in rows {
            let specs = parse(format!("bytes={set}").as_bytes(), 10).unwrap();
            assert_eq!(select(&specs, length, 2), want, "{set} of {length}");
        }
    }

    #[test]
    fn the_frame_of_parts() {
        let content_type = Some(b"text/plain".to_vec());
        let frame = ByteRanges { boundary: "X".to_owned(), content_type, length: 10 };
        let head = frame.head(&(0..2));
        let want = "\r\n--X\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n";
        assert_eq!(str::from_utf8(&head), Ok(want));
        assert_eq!(frame.tail(), b"\r\n--X--\r\n");
        assert_eq!(frame.body_length(&[0..2, 6..7]), 2 * want.len() as u64 + 2 + 1 + 9);
        let untyped = ByteRanges { content_type: None, ..frame };
        assert_eq!(untyped.head(&(9..10)), b"\r\n--X\r\nContent-Range: bytes 9-9/10\r\n\r\n");
    }

    fn spec() -> impl Strategy<Value = Spec> {
        let number = || prop_oneof![0u64..200, any::<u64>()];
        prop_oneof![
            (number(), number()).prop_map(|(one, other)| Between(one.min(other), one.max(other))),
            number().prop_map(From),
            number().prop_map(Last),
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_ranges_or_ignored(value in vec(any::<u8>(), 0..60), most in 0usize..10) {
            prop_assert!(parse(&value, most).is_none_or(|specs| (1..=most).contains(&specs.len())));
        }

        #[test]
        fn nearly_right_ones_too(set in "[-0-9, ]{0,40}", most in 0usize..10) {
            let specs = parse(format!("bytes={set}").as_bytes(), most);
            prop_assert!(specs.is_none_or(|specs| (1..=most).contains(&specs.len())));
        }

        /// Within the length, apart from each other, all that was asked for, and never longer than
        /// the whole with one frame around it.
        #[test]
        fn parts_are_what_was_asked_for(
            specs in vec(spec(), 1..50),
            length in prop_oneof![0u64..300, any::<u64>()],
            overhead in 1u64..200,
        ) {
            let parts = match select(&specs, length, overhead) {
                Selection::Whole => {
                    prop_assert_eq!(length, 0);
                    return Ok(());
                }
                Selection::Unsatisfiable => vec![],
                Selection::Single(part) => vec![part],
                Selection::Several(parts) => {
                    prop_assert!(parts.len() > 1);
                    parts
                }
            };
            prop_assert!(parts.iter().all(|part| part.start < part.end && part.end <= length));
            for spec in &specs {
                if let Some(range) = spec.within(length.max(1)).filter(|_| length > 0) {
                    let holds =
                        |part: &Range<u64>| part.start <= range.start && range.end <= part.end;
                    prop_assert_eq!(parts.iter().filter(|part| holds(part)).count(), 1);
                }
            }
            let mut in_order = parts.clone();
            in_order.sort_by_key(|part| part.start);
            prop_assert!(in_order.windows(2).all(|two| two[0].end + overhead <= two[1].start));
            let sent: u128 =
                parts.iter().map(|part| u128::from(part.end - part.start + overhead)).sum();
            prop_assert!(sent <= u128::from(length) + u128::from(overhead));
        }
    }
}
