//! `Server-Timing`: where a server's time went, in its own words (W3C, Server Timing).
//!
//! ```text
//! Server-Timing: queue;dur=0.003, parse;dur=0.012, handle;dur=1.204, worker;desc="7"
//! ```
//! A metric has a name, and may have a duration in milliseconds (`dur`) and a description (`desc`).
//! The server writes with [`Writer`], the client reads with [`metrics`]. What breaks the grammar is left
//! out and spoils nothing beside it, as the specification has it: a metric without a name, a duration that
//! is no number or is below zero, parameters nobody knows, the second one of a name.
//!
//! Who is sent it is the server's to say; a client asks by `Want-Server-Timing: ?1`, a field of our own
//! in the manner of `Want-Repr-Digest` (RFC 9530), with a Boolean in it (RFC 9651, 3.3.6).

use std::time::Duration;

use super::accept::split_unquoted;
use super::chars::{TCHAR, trim_ows};
use super::headers::Headers;

/// The field of an answer.
pub const FIELD: &str = "Server-Timing";

/// The field of a request that asks for it, and its value.
pub const WANT: (&str, &str) = ("Want-Server-Timing", "?1");

/// So many metrics are read; a head has room for thousands.
const MOST: usize = 64;

/// One metric.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metric {
    /// What it is about: a token.
    pub name: String,
    /// How long that took.
    pub took: Option<Duration>,
    /// What else there is to say. Bytes that are no UTF-8 have been replaced.
    pub says: Option<String>,
}

/// Is it asked for?
pub fn is_wanted(request: &Headers) -> bool {
    request.first(WANT.0).is_some_and(|value| value == WANT.1.as_bytes())
}

/// The metrics of an answer, in order, over all lines of the field. The first 64.
pub fn metrics(fields: &Headers) -> Vec<Metric> {
    let all = fields.all(FIELD).flat_map(|value| split_unquoted(value, b','));
    all.filter_map(metric).take(MOST).collect()
}

/// `metric-name *( OWS ";" OWS param-name OWS "=" OWS ( token / quoted-string ) )`
fn metric(text: &[u8]) -> Option<Metric> {
    let mut parts = split_unquoted(text, b';').map(trim_ows);
    let name = token(parts.next()?)?.to_owned();
    let (mut took, mut says) = (None, None);
    for part in parts {
        let Some(equals) = part.iter().position(|&byte| byte == b'=') else { continue };
        let Some(name) = token(trim_ows(&part[..equals])) else { continue };
        let Some(value) = value(trim_ows(&part[equals + 1..])) else { continue };
        match name.to_ascii_lowercase().as_str() {
            "dur" => took = took.or_else(|| Some(milliseconds(&value))),
            "desc" => says = says.or_else(|| Some(String::from_utf8_lossy(&value).into_owned())),
            _ => {}
        }
    }
    Some(Metric { name, took: took.flatten(), says })
}

fn token(bytes: &[u8]) -> Option<&str> {
    let is_token = !bytes.is_empty() && TCHAR.first_outside(bytes).is_none();
    str::from_utf8(bytes).ok().filter(|_| is_token)
}

/// `token / quoted-string` (RFC 9110, 5.6.4), without the quotes.
fn value(bytes: &[u8]) -> Option<Vec<u8>> {
    let Some(quoted) = bytes.strip_prefix(b"\"") else {
        return token(bytes).map(|token| token.as_bytes().to_vec());
    };
    let (mut plain, mut rest) = (Vec::new(), quoted);
    loop {
        match rest {
            [b'"'] => return Some(plain),
            [b'\\', byte, after @ ..] => (plain.push(*byte), rest = after).1,
            [] | [b'"', ..] | [b'\\'] => return None,
            [byte, after @ ..] => (plain.push(*byte), rest = after).1,
        }
    }
}

/// `dur` is a double, in milliseconds.
fn milliseconds(text: &[u8]) -> Option<Duration> {
    let milliseconds: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

/// Puts metrics behind one another.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// `name` took so long; three digits behind the point, which are microseconds.
    #[must_use]
    pub fn took(mut self, name: &str, time: Duration) -> Writer {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.begin(name, b";dur=");
        digits(micros / 1000, 1, &mut self.0);
        self.0.push(b'.');
        digits(micros % 1000, 3, &mut self.0);
        self
    }

    /// `name` has this number.
    #[must_use]
    pub fn is(mut self, name: &str, number: u64) -> Writer {
        self.begin(name, b";desc=\"");
        digits(number, 1, &mut self.0);
        self.0.push(b'"');
        self
    }

    /// The value of the field.
    pub fn value(&self) -> &[u8] {
        &self.0
    }

    fn begin(&mut self, name: &str, behind: &[u8]) {
        debug_assert!(token(name.as_bytes()).is_some(), "{name:?} is no token");
        if self.0.is_empty() {
            self.0.reserve(128);
        } else {
            self.0.extend_from_slice(b", ");
        }
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(behind);
    }
}

/// At least so many digits.
fn digits(mut number: u64, least: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let mut at = text.len();
    while number > 0 || text.len() - at < least {
        at -= 1;
        text[at] = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn read(lines: &[&[u8]]) -> Vec<Metric> {
        let mut fields = Headers::new();
        lines.iter().for_each(|line| fields.append(FIELD, line).unwrap());
        metrics(&fields)
    }

    fn shown(metrics: &[Metric]) -> String {
        let shown = metrics.iter().map(|Metric { name, took, says }| {
            let took = took.map_or(String::new(), |took| format!(" {}us", took.as_micros()));
            let says = says.as_ref().map_or(String::new(), |says| format!(" {says:?}"));
            format!("{name}{took}{says}")
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_read() {
        for (lines, want) in [
            (&[""][..], ""),
            (&["miss"], "miss"),
            (&["miss, db;dur=53, app;dur=47.2"], "miss, db 53000us, app 47200us"),
            (&["a;dur=1", "b;dur=2"], "a 1000us, b 2000us"),
            (&["a;desc=token"], "a \"token\""),
            (&["a;desc=\"x, y; \\\"z\\\\\";dur=1"], "a 1000us \"x, y; \\\"z\\\\\""),
            (&["a ; dur = 1 ;\tDESC = b"], "a 1000us \"b\""),
            (&["a;dur=\"2.5\""], "a 2500us"),
            (&["a;dur=1e3;dur=2"], "a 1000000us"),
            (&["a;dur=x;dur=2"], "a"),
            (&["a;desc=;desc=b"], "a \"b\""),
            (&["a;desc=\"\""], "a \"\""),
            (&["a;dur, b;dur=, c;dur=-1, d;dur=NaN, e;dur=inf, f;dur=1e300"], "a, b, c, d, e, f"),
            (&["a;x=1;y;;=2;dur=3"], "a 3000us"),
            (&[",, ,a,,"], "a"),
            (&["a b;dur=1, \"c\";dur=1, ;dur=1, d"], "d"),
            (&["a;desc=\"open, b;dur=1"], "a"),
            (&["a;desc=\"x\"y, b"], "a, b"),
            (&["a;desc=\"x\\\""], "a"),
            (&["edge; dur=1, a@b, c"], "edge 1000us, c"),
        ] {
            let bytes: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(shown(&read(&bytes)), want, "{lines:?}");
        }
        assert_eq!(shown(&read(&[b"a;desc=\"\xFF\""])), "a \"\u{FFFD}\"");
        assert_eq!(read(&["a,".repeat(1000).as_bytes()]).len(), MOST);
    }

    #[test]
    fn what_is_written() {
        let text = Writer::default()
            .took("a", Duration::from_nanos(1_999))
            .took("b", Duration::from_millis(1_050))
            .took("c", Duration::ZERO)
            .took("d", Duration::MAX)
            .is("e", 0)
            .is("f", 120);
        let want = "a;dur=0.001, b;dur=1050.000, c;dur=0.000, d;dur=18446744073709551.615, \
                    e;desc=\"0\", f;desc=\"120\"";
        assert_eq!(str::from_utf8(text.value()), Ok(want));
    }

    #[test]
    fn who_asks() {
        for (value, want) in [(None, false), (Some("?1"), true), (Some("?0"), false)] {
            let mut fields = Headers::new();
            if let Some(value) = value {
                fields.append("want-server-timing", value).unwrap();
            }
            assert_eq!(is_wanted(&fields), want, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(took in vec(0..1u64 << 40, 0..5), number: u64) {
            let mut writer = Writer::default();
            for micros in &took {
                writer = writer.took("a", Duration::from_micros(*micros));
            }
            let got = read(&[writer.is("n", number).value()]);
            prop_assert_eq!(got.len(), took.len() + 1);
            for (metric, micros) in got.iter().zip(&took) {
                prop_assert_eq!(metric.took.unwrap().as_nanos().div_ceil(500) / 2, u128::from(*micros));
            }
            prop_assert_eq!(got.last().unwrap().says.clone(), Some(number.to_string()));
        }

        #[test]
        fn nothing_panics(value in vec(prop_oneof![
            any::<u8>().prop_filter("a value", |byte| super::super::chars::FIELD_VALUE.has(*byte)),
            Just(b'"'), Just(b'\\'), Just(b';'), Just(b','), Just(b'='), Just(b'a'),
        ], 0..40)) {
            for metric in read(&[&value]) {
                prop_assert!(token(metric.name.as_bytes()).is_some());
            }
        }
    }
}
