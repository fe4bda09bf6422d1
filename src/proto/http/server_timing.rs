//! `Server-Timing`: where a server's time went, in its own words (W3C, Server Timing).
//!
//! ```text
//! Server-Timing: queue;dur=0.003, parse;dur=0.012, handle;dur=1.204, worker;desc=7, request;desc=1
//! ```
//! A metric has a name, and may have a duration in milliseconds (`dur`) and a description (`desc`).
//! The server writes with [`ServerTimings`], the client reads with [`metrics`]. What breaks the grammar is left
//! out and spoils nothing beside it, as the specification has it: a metric without a name, a duration that
//! is not a number or is below zero, unknown parameters, the second one of a name.

use std::time::Duration;

use super::accept::split_unquoted;
use super::chars::{TCHAR, trim_ows, write_decimal};
use super::headers::Headers;

/// The field of a response.
pub const FIELD: &str = "Server-Timing";

/// The number of metrics that are read; a head has room for thousands.
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

/// Returns the first 64 metrics of a response, in order, over all lines of the field.
pub fn metrics(fields: &Headers) -> Vec<Metric> {
    let all = fields.all(FIELD).flat_map(|value| split_unquoted(value, b','));
    all.filter_map(metric).take(MOST).collect()
}

/// Parses `metric-name *( OWS ";" OWS param-name OWS "=" OWS ( token / quoted-string ) )`
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

/// Parses `token / quoted-string` (RFC 9110, 5.6.4), without the quotes.
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

/// Parses `dur`, a double in milliseconds.
fn milliseconds(text: &[u8]) -> Option<Duration> {
    let milliseconds: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

/// The times of one exchange, as our server reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTimings {
    /// How long the request waited for a worker.
    pub queue: Duration,
    /// How long the head took to arrive.
    pub parse: Duration,
    /// How long the body took to arrive, if there was one.
    pub receive: Option<Duration>,
    /// How long the handler took.
    pub handle: Duration,
    /// The number of the worker that ran the handler, from 1.
    pub worker: Option<usize>,
    /// The number of the request on its connection, from 1.
    pub request: u64,
}

impl ServerTimings {
    /// Writes the field line, ended by CRLF. By default each response to a client on
    /// this machine has one, so it is written without `format!`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Server-Timing: queue;dur=");
        write_milliseconds(self.queue, out);
        out.extend_from_slice(b", parse;dur=");
        write_milliseconds(self.parse, out);
        if let Some(receive) = self.receive {
            out.extend_from_slice(b", receive;dur=");
            write_milliseconds(receive, out);
        }
        out.extend_from_slice(b", handle;dur=");
        write_milliseconds(self.handle, out);
        if let Some(worker) = self.worker {
            out.extend_from_slice(b", worker;desc=");
            write_decimal(worker as u64, out);
        }
        out.extend_from_slice(b", request;desc=");
        write_decimal(self.request, out);
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes milliseconds with three decimals, which are microseconds.
fn write_milliseconds(time: Duration, out: &mut Vec<u8>) {
    let micros = time.subsec_micros();
    let (whole, part) = (micros / 1000, micros % 1000);
    let [hundreds, tens, ones] = [part / 100, part / 10 % 10, part % 10].map(|digit| {
        let [digit, ..] = digit.to_le_bytes();
        b'0' + digit
    });
    // As most are.
    if time.as_secs() == 0 && whole == 0 {
        return out.extend_from_slice(&[b'0', b'.', hundreds, tens, ones]);
    }
    write_decimal(time.as_secs().saturating_mul(1000).saturating_add(whole.into()), out);
    out.extend_from_slice(&[b'.', hundreds, tens, ones]);
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

    fn written(told: &ServerTimings) -> String {
        let mut line = Vec::new();
        told.encode(&mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn what_is_written() {
        let mut told = ServerTimings {
            queue: Duration::from_nanos(1_999),
            parse: Duration::ZERO,
            receive: None,
            handle: Duration::from_millis(1_050),
            worker: None,
            request: 120,
        };
        let want = "Server-Timing: queue;dur=0.001, parse;dur=0.000, \
                    handle;dur=1050.000, request;desc=120\r\n";
        assert_eq!(written(&told), want);
        told.receive = Some(Duration::MAX);
        told.worker = Some(32);
        let want = "Server-Timing: queue;dur=0.001, parse;dur=0.000, \
                    receive;dur=18446744073709551615.999, handle;dur=1050.000, worker;desc=32, \
                    request;desc=120\r\n";
        assert_eq!(written(&told), want);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(took in vec(0..1u64 << 40, 4), request: u64) {
            let [queue, parse, receive, handle] = took[..] else { unreachable!() };
            let [queue, parse, receive, handle] =
                [queue, parse, receive, handle].map(Duration::from_micros);
            let receive = Some(receive);
            let line = written(&ServerTimings { queue, parse, receive, handle, worker: None, request });
            let value = line.split(": ").nth(1).unwrap().trim_end();
            let got = read(&[value.as_bytes()]);
            prop_assert_eq!(got.len(), took.len() + 1);
            for (metric, micros) in got.iter().zip(&took) {
                prop_assert_eq!(metric.took.unwrap().as_nanos().div_ceil(500) / 2, u128::from(*micros));
            }
            prop_assert_eq!(got.last().unwrap().says.clone(), Some(request.to_string()));
        }

        #[test]
        fn nothing_panics(value in vec(prop_oneof![
            any::<u8>().prop_filter("a value", |byte| crate::proto::http::chars::FIELD_VALUE.has(*byte)),
            Just(b'"'), Just(b'\\'), Just(b';'), Just(b','), Just(b'='), Just(b'a'),
        ], 0..40)) {
            for metric in read(&[&value]) {
                prop_assert!(token(metric.name.as_bytes()).is_some());
            }
        }
    }
}
