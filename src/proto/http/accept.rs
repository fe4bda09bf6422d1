//! What a client prefers: Accept-Encoding and Accept, with their weights (RFC 9110, 12).
//!
//! A member that breaks the grammar is ignored, and the others count: these fields are wishes, and any
//! response is better than none. The field is read in one pass, and only a weight for each offer is
//! kept; the limits of a head bound the rest.

use std::cmp::Reverse;

use super::chars::trim_ows;
use super::headers::Headers;

/// A weight in thousandths (RFC 9110, 12.4.2): 0 is "not acceptable"; 1,000 is the highest, and the
/// default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u16);

impl Weight {
    const MOST: Weight = Weight(1000);
    const LEAST: Weight = Weight(1);

    /// Parses `qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )`
    fn parse(text: &[u8]) -> Option<Weight> {
        let (whole, fraction) = match text {
            [whole] => (whole, &[][..]),
            [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
            _ => return None,
        };
        let places = fraction.iter().chain(b"000").take(3);
        let thousandths = std::iter::once(whole).chain(places).try_fold(0, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0'))
        })?;
        (thousandths <= Weight::MOST.0).then_some(Weight(thousandths))
    }

    /// Parses `weight = OWS ";" OWS "q=" qvalue`, after the semicolon; `None` for another parameter.
    fn parameter(text: &[u8]) -> Option<Option<Weight>> {
        let (name, value) = text.split_at_checked(2)?;
        name.eq_ignore_ascii_case(b"q=").then(|| Weight::parse(value))
    }

    fn is_acceptable(self) -> bool {
        self > Weight(0)
    }
}

/// A content coding (RFC 9110, 8.4.1; Zstandard: RFC 8878; Brotli: RFC 7932).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// None: the bytes as they are.
    Identity,
    /// `gzip`, and its old name `x-gzip`.
    Gzip,
    /// `zstd`.
    Zstd,
    /// `br`.
    Brotli,
}

impl Coding {
    /// Returns its name, as Content-Encoding has it; `None` for identity.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Zstd => Some("zstd"),
            Coding::Brotli => Some("br"),
        }
    }
}

/// The codings that a client accepts (RFC 9110, 12.5.3).
///
/// Without the field any would be acceptable, but identity is the only one that every client
/// understands; so a missing field is read as an empty one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Codings {
    identity: Option<Weight>,
    gzip: Option<Weight>,
    zstd: Option<Weight>,
    brotli: Option<Weight>,
    /// `*`: all that are not named.
    others: Option<Weight>,
}

impl Codings {
    /// Reads all Accept-Encoding lines. If a coding is named twice, the first one counts.
    pub fn of(headers: &Headers) -> Codings {
        let mut codings = Codings::default();
        for member in headers.list("accept-encoding") {
            let mut parts = member.split(|&byte| byte == b';').map(trim_ows);
            let name = parts.next().unwrap_or_default();
            let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
            let named = match () {
                () if is(b"identity") => &mut codings.identity,
                () if is(b"gzip") || is(b"x-gzip") => &mut codings.gzip,
                () if is(b"zstd") => &mut codings.zstd,
                () if is(b"br") => &mut codings.brotli,
                () if is(b"*") => &mut codings.others,
                () => continue,
            };
            let weight = match parts.next() {
                None => Some(Weight::MOST),
                Some(part) => Weight::parameter(part).flatten(),
            };
            if let (Some(weight), None) = (weight, parts.next()) {
                named.get_or_insert(weight);
            }
        }
        codings
    }

    /// Returns the weight of this coding, or `None` if it is not acceptable. Identity is acceptable
    /// unless it is excluded by name or by `*`.
    pub fn weight(&self, coding: Coding) -> Option<Weight> {
        let weight = match coding {
            Coding::Identity => self.identity.or(self.others).or(Some(Weight::LEAST)),
            Coding::Gzip => self.gzip.or(self.others),
            Coding::Zstd => self.zstd.or(self.others),
            Coding::Brotli => self.brotli.or(self.others),
        };
        weight.filter(|weight| weight.is_acceptable())
    }
}

/// How exactly a media range names a type; the more exact one counts (RFC 9110, 12.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precision {
    /// `*/*`
    Anything,
    /// `text/*`
    Kind,
    /// `text/html`
    Type,
}

/// A format in which the server can say the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextFormat {
    /// Plain text, for people at a terminal, and for a client that does not say what it prefers.
    Plain,
    /// HTML, for browsers.
    Html,
    /// JSON, for programs: `application/problem+json` (RFC 9457), or `application/json`.
    Json,
}

/// The media types of the formats; the last one is that of a client without a preference.
const MEDIA_TYPES: [(TextFormat, (&str, &str)); 4] = [
    (TextFormat::Json, ("application", "problem+json")),
    (TextFormat::Json, ("application", "json")),
    (TextFormat::Html, ("text", "html")),
    (TextFormat::Plain, ("text", "plain")),
];

/// Returns the format that Accept prefers. Of equal weights, the type that is named first counts: there are
/// clients that list what they take in the order of their preference, without weights. A client that accepts
/// anything (`*/*`, or no field), as curl, gets text.
pub fn preferred_format(headers: &Headers) -> TextFormat {
    let covered = MEDIA_TYPES.iter().filter_map(|(format, media_type)| {
        let range = media_range(headers, *media_type)?;
        let counts = *format == TextFormat::Plain || range.precision > Precision::Anything;
        (counts && range.weight.is_acceptable()).then_some((range, *format))
    });
    let preferred = covered.max_by_key(|(range, _)| {
        (range.weight, (range.precision == Precision::Type).then_some(range.at))
    });
    preferred.map_or(TextFormat::Plain, |(_, format)| format)
}

/// A media range of Accept; the one that counts for a type is the greatest.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct MediaRange {
    precision: Precision,
    weight: Weight,
    /// Its place in the list; the first one is the greatest.
    at: Reverse<usize>,
}

/// Returns the most exact range in Accept that covers this type. Parameters other than the weight are
/// ignored.
fn media_range(headers: &Headers, (kind, subtype): (&str, &str)) -> Option<MediaRange> {
    let ranges = headers.all("accept").flat_map(|value| split_unquoted(value, b','));
    let covering = ranges.enumerate().filter_map(|(at, range)| {
        let mut parts = split_unquoted(range, b';').map(trim_ows);
        let name = str::from_utf8(parts.next()?).ok()?;
        let (range_kind, range_subtype) = name.split_once('/')?;
        let precision = match (range_kind, range_subtype) {
            ("*", "*") => Precision::Anything,
            (range, "*") if range.eq_ignore_ascii_case(kind) => Precision::Kind,
            (range, sub)
                if range.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) =>
            {
                Precision::Type
            }
            _ => return None,
        };
        let weight = parts.find_map(Weight::parameter).unwrap_or(Some(Weight::MOST))?;
        Some(MediaRange { precision, weight, at: Reverse(at) })
    });
    covering.max()
}

/// Returns the pieces between separators that are outside quoted strings (RFC 9110, 5.6.4).
pub(super) fn split_unquoted(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |&byte| {
        let literal = escaped;
        escaped = quoted && !literal && byte == b'\\';
        if byte == b'"' && !literal {
            quoted = !quoted;
        }
        byte == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    fn headers(name: &str, lines: &[&str]) -> Headers {
        let mut headers = Headers::new();
        for line in lines {
            headers.append(name, line).unwrap();
        }
        headers
    }

    #[test]
    fn weights() {
        for (text, want) in [
            ("0", Some(0)),
            ("0.", Some(0)),
            ("0.5", Some(500)),
            ("0.05", Some(50)),
            ("0.123", Some(123)),
            ("1", Some(1000)),
            ("1.", Some(1000)),
            ("1.000", Some(1000)),
            ("", None),
            (".5", None),
            ("0.1234", None),
            ("1.001", None),
            ("1.1", None),
            ("2", None),
            ("10", None),
            ("00", None),
            ("-0", None),
            ("0,5", None),
            ("0.x", None),
            ("x", None),
            ("1e0", None),
            (" 1", None),
            ("9.999", None),
        ] {
            assert_eq!(Weight::parse(text.as_bytes()), want.map(Weight), "{text:?}");
        }
    }

    /// What is acceptable, and how much: br, zstd, gzip, identity.
    #[test]
    fn codings() {
        const NO: u16 = u16::MAX; // not acceptable, which is not the same as a weight of 0
        for (name, lines, want) in [
            ("no field", &[][..], [NO, NO, NO, 1]),
            ("an empty one", &[""], [NO, NO, NO, 1]),
            ("only commas", &[" , ,"], [NO, NO, NO, 1]),
            ("a browser's", &["gzip, deflate, br, zstd"], [1000, 1000, 1000, 1]),
            ("any case", &["GZip, BR;Q=0.5"], [500, NO, 1000, 1]),
            ("spaces", &["gzip \t; \tq=0.5 ,br"], [1000, NO, 500, 1]),
            ("the old name", &["x-gzip"], [NO, NO, 1000, 1]),
            ("several lines", &["gzip;q=0.3", "zstd"], [NO, 1000, 300, 1]),
            ("refused", &["gzip;q=0, br;q=0.000"], [NO, NO, NO, 1]),
            ("anything", &["*"], [1000, 1000, 1000, 1000]),
            ("anything else", &["gzip;q=0.5, *;q=0.1"], [100, 100, 500, 100]),
            ("nothing else", &["gzip, *;q=0"], [NO, NO, 1000, NO]),
            ("nothing at all", &["*;q=0"], [NO, NO, NO, NO]),
            ("only as it is", &["identity, *;q=0"], [NO, NO, NO, 1000]),
            ("only as it is, rather not", &["identity;q=0.5, *;q=0"], [NO, NO, NO, 500]),
            ("not as it is", &["identity;q=0"], [NO, NO, NO, NO]),
            ("not as it is, else all", &["*, identity;q=0"], [1000, 1000, 1000, NO]),
            ("the first of two", &["gzip;q=0.2, gzip;q=0.9"], [NO, NO, 200, 1]),
            ("too many digits", &["gzip;q=0.1234, br"], [1000, NO, NO, 1]),
            ("too heavy", &["gzip;q=1.5, br"], [1000, NO, NO, 1]),
            ("no number", &["gzip;q=, br;q=x, zstd"], [NO, 1000, NO, 1]),
            ("spaces in the weight", &["gzip;q =1, br;q= 1, zstd"], [NO, 1000, NO, 1]),
            ("another parameter", &["gzip;level=9, br;q=1;x=2"], [NO, NO, NO, 1]),
            ("no name", &[";q=1, gzip"], [NO, NO, 1000, 1]),
            ("a longer name", &["gzipped, xgzip, bro"], [NO, NO, NO, 1]),
            ("no commas", &["gzip br"], [NO, NO, NO, 1]),
            ("quotes", &["\"gzip\", br"], [1000, NO, NO, 1]),
        ] {
            let codings = Codings::of(&headers("Accept-Encoding", lines));
            let all = [Coding::Brotli, Coding::Zstd, Coding::Gzip, Coding::Identity];
            let got = all.map(|coding| codings.weight(coding).map_or(NO, |weight| weight.0));
            assert_eq!(got, want, "{name}: {lines:?}");
        }
    }

    #[test]
    fn many_members_take_one_pass() {
        let many = "x;q=0.5,".repeat(100_000) + "gzip;q=0.7";
        let codings = Codings::of(&headers("Accept-Encoding", &[&many]));
        assert_eq!(codings.weight(Coding::Gzip), Some(Weight(700)));
    }

    proptest! {
        /// No text makes it panic, and a well-formed member after the text counts.
        #[test]
        fn any_bytes(
            garbage in vec(select(b"gzip*,;=q01.9 \t\"\\/text-html\xFF".to_vec()), 0..60),
        ) {
            let mut fields = Headers::new();
            fields.append("Accept-Encoding", &garbage).unwrap();
            fields.append("Accept-Encoding", "br;q=0.5").unwrap();
            fields.append("Accept", &garbage).unwrap();
            prop_assert_eq!(Codings::of(&fields).weight(Coding::Brotli), Some(Weight(500)));
            preferred_format(&fields);
        }
    }

    #[test]
    fn browsers_get_html_and_curl_gets_text() {
        const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,\
             image/avif,image/webp,image/apng,*/*;q=0.8";
        for (accept, html) in [
            (&[][..], false),
            (&[""], false),
            (&["*/*"], false),
            (&["text/*"], false),
            (&["text/plain"], false),
            (&["application/json"], false),
            (&[CHROMIUM], true),
            (&["text/html"], true),
            (&["text/html, application/xml;q=0.9, */*;q=0.8"], true),
            (&["Text/HTML;q=0.9"], true),
            (&["TEXT/Html ; Q=0.1"], true),
            (&["text/html, */*"], true),
            (&["text/html, text/plain"], true),
            (&["text/html;charset=utf-8"], true),
            (&["text/html;level=1;q=0.001"], true),
            (&["text/html;level=1;q=0"], false),
            (&["text/html;q=0"], false),
            (&["text/html;q=0.000, */*"], false),
            (&["text/html;q=0.5, */*"], false),
            (&["text/html;q=0.5, text/*;q=0.6"], false),
            (&["text/html;q=0.5, text/*;q=0.1, */*"], true),
            (&["text/plain, text/html;q=0.9"], false),
            (&["text/html;q=0.5", "text/plain"], false),
            (&["text/html;q=0.5, text/plain;q=0.1, */*"], true),
            (&["text/html;q=0.5, text/plain;q=0, */*"], true),
            (&["text/html;q=1.5"], false),
            (&["text/html;q=x"], false),
            (&["text/html;q="], false),
            (&["text/html;q=0.1234"], false),
            (&["text/html;q=1.000"], true),
            (&["text/html;q=:"], false),
            (&["text/html;q=2, text/html;q=0.3"], true),
            (&["text/html;charset=\"a,b;q=0\";q=0.7"], true),
            (&["a/b;c=\", text/html, \""], false),
            (&["a/b;c=\"\\\", text/html\""], false),
            (&["html, text, text/, /html, text/htmlx"], false),
        ] {
            let format = preferred_format(&headers("Accept", accept));
            assert_eq!(format == TextFormat::Html, html, "{accept:?}: {format:?}");
        }
    }

    #[test]
    fn programs_that_prefer_json_get_json() {
        use TextFormat::{Html, Json, Plain};
        for (accept, want) in [
            (&[""][..], Plain),
            (&["*/*"], Plain),
            (&["application/json"], Json),
            (&["Application/JSON; charset=utf-8"], Json),
            (&["application/problem+json"], Json),
            (&["application/problem+json;q=0.1"], Json),
            // axios, HTTPie, and libraries of Python and Java
            (&["application/json, text/plain, */*"], Json),
            (&["application/json, */*;q=0.5"], Json),
            (&["application/json, */*"], Json),
            (&["text/plain, application/json, application/*+json, */*"], Plain),
            (&["application/json", "text/plain"], Json),
            (&["text/plain", "application/json"], Plain),
            (&["text/html, application/json"], Html),
            (&["application/json, text/html"], Json),
            (&["text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8"], Html),
            (&["text/html;q=0.8, application/json;q=0.9"], Json),
            (&["application/json;q=0.5, text/plain;q=0.4"], Json),
            (&["application/json;q=0.5, text/plain;q=0.6"], Plain),
            (&["application/json;q=0.5, */*"], Plain),
            (&["application/json;q=0.5, application/problem+json, text/html;q=0.9"], Json),
            (&["application/json;q=0, application/problem+json;q=0"], Plain),
            (&["application/json;q=0, text/html"], Html),
            (&["application/*"], Json),
            (&["application/*, text/*"], Plain),
            (&["application/*;q=0.9, text/*;q=0.8"], Json),
            (
                &[
                    "application/*, application/json;q=0.2, application/problem+json;q=0.2, text/*;q=0.3",
                ],
                Plain,
            ),
            (&["application/jsonp, application/xml, json"], Plain),
            (&["application/json;q=x"], Plain),
            (&["a/b;c=\", application/json, \""], Plain),
        ] {
            assert_eq!(preferred_format(&headers("Accept", accept)), want, "{accept:?}");
        }
    }
}
