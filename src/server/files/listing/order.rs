//! The order of a listing, as its address says it: `?sort=size&order=desc`.

use std::cmp::Ordering;

use crate::server::request::Request;

/// What the entries are sorted by. Folders come first, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Their names, numbers in them by value: `part 2` comes before `part 10`.
    Name,
    /// Their sizes; folders, which have none, by name.
    Size,
    /// When they were last modified.
    Date,
}

/// The direction of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From A to Z, from small to large, from old to new.
    Ascending,
    /// The other way round.
    Descending,
}

/// The order of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// What counts.
    pub key: Key,
    /// Which end comes first.
    pub direction: Direction,
}

impl Order {
    /// Returns the order that the query asks for. A value that is none of the known ones is ignored, as the
    /// query of a file is: links may have been decorated.
    pub fn of(request: &Request) -> Order {
        let key = match request.query("sort").as_deref() {
            Some("size") => Key::Size,
            Some("date") => Key::Date,
            _ => Key::Name,
        };
        let direction = match request.query("order").as_deref() {
            Some("desc") => Direction::Descending,
            _ => Direction::Ascending,
        };
        Order { key, direction }
    }
}

impl Key {
    /// Returns its name in the query.
    pub fn in_query(self) -> &'static str {
        match self {
            Key::Name => "name",
            Key::Size => "size",
            Key::Date => "date",
        }
    }
}

impl Direction {
    /// Returns its name in the query.
    pub fn in_query(self) -> &'static str {
        match self {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        }
    }

    /// Returns the other one.
    pub fn reversed(self) -> Direction {
        match self {
            Direction::Ascending => Direction::Descending,
            Direction::Descending => Direction::Ascending,
        }
    }
}

/// Compares two names as people do: ASCII letters without regard to their case, runs of digits by value. Names
/// that are equal so far are compared byte by byte, so that the order is a total one.
pub fn by_name(one: &[u8], other: &[u8]) -> Ordering {
    // Names in one folder often begin alike. Digits at the end of what is common may go on behind it.
    let common = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let digits = one.iter().take(common).rev().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = |name| <[u8]>::get(name, common - digits..).unwrap_or_default();
    let (mut left, mut right) = (rest(one), rest(other));
    while let ([first, left_rest @ ..], [second, right_rest @ ..]) = (left, right) {
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (number, after) = number(left);
            let (other_number, other_after) = self::number(right);
            let by_value =
                number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number));
            if by_value.is_ne() {
                return by_value;
            }
            (left, right) = (after, other_after);
        } else {
            let by_letter = first.to_ascii_lowercase().cmp(&second.to_ascii_lowercase());
            if by_letter.is_ne() {
                return by_letter;
            }
            (left, right) = (left_rest, right_rest);
        }
    }
    left.len().cmp(&right.len()).then_with(|| one.cmp(other))
}

/// Splits the digits at the start from the rest; zeros before them have no value.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let start = digits.iter().position(|&byte| byte != b'0').unwrap_or(digits.len());
    (digits.get(start..).unwrap_or_default(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_the_order_of_people() {
        let sorted = [
            "",
            "a",
            "a b",
            "a1",
            "A1",
            "a01",
            "a1b",
            "a2",
            "a10",
            "a10b",
            "a99999999999999999999999",
            "a100000000000000000000000",
            "ab",
            "B",
            "b",
            "part 2",
            "Part 10",
            "\u{e4}",
        ];
        for (at, one) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                let got = by_name(one.as_bytes(), other.as_bytes());
                if one.eq_ignore_ascii_case(other) || ["a1", "A1", "a01"].contains(one) {
                    assert_eq!(got, by_name(other.as_bytes(), one.as_bytes()).reverse());
                } else {
                    assert_eq!(got, at.cmp(&other_at), "{one:?} {other:?}");
                }
            }
        }
        assert_eq!(by_name(b"a", b"A"), Ordering::Greater, "a total order");
    }
    /// A sort may panic when an order contradicts itself.
    #[test]
    fn the_order_is_a_total_one() {
        let letters = ["", "0", "1", "2", "a", "A", "-", "x"];
        let pairs = || {
            letters.iter().flat_map(|one| letters.iter().map(move |other| format!("{one}{other}")))
        };
        let mut names: Vec<String> =
            pairs().flat_map(|one| pairs().map(move |other| format!("{one}{other}"))).collect();
        names.sort();
        names.dedup();
        names.sort_by(|one, other| by_name(one.as_bytes(), other.as_bytes()));
        for (at, one) in names.iter().enumerate() {
            for (other_at, other) in names.iter().enumerate() {
                assert_eq!(
                    by_name(one.as_bytes(), other.as_bytes()),
                    at.cmp(&other_at),
                    "{one:?} {other:?}"
                );
            }
        }
    }
}
