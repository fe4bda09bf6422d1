//! Our parser beside httparse, on heads as they are sent. `make bench` runs it, too.
//!
//! ```text
//! cargo bench --bench parser -- [criterion's flags, as --warm-up-time 0.5 --measurement-time 2]
//! ```
//! They do not do the same work, and the more is ours:
//!
//! | | what comes of the bytes |
//! |---|---|
//! | `httparse` | slices of them: method, target, a minor version, up to 100 names and values; the target's bytes are not told apart from those of other words. The array of 100 is made ready each time, as its users do |
//! | `uninit` | the same, the array left as it is (`MaybeUninit`) |
//! | `head` | what the server works with: a head that owns its bytes and may outlive the buffer (four allocations); target and version understood, exactly one valid Host, all limits kept |
//! | `again` | the same in the memory of the head before it, as the server does it from a connection's second request on |
//! | `framing` | and decided: where the body ends, whether the client waits for a 100 Continue, whether the connection may stay |
//!
//! Ours also takes the bytes as they come from a socket: in a receive buffer, into which they are
//! copied here, and which is empty afterwards. That copy is in the time, and so is the end of a head.
//! What was to be reached is said of `head`, against `httparse`; printed from criterion's medians.

// It prints, and is nobody's library.
#![allow(clippy::print_stdout, unreachable_pub, missing_docs)]

mod heads;

use std::fmt::Display;
use std::fs;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use criterion::{Criterion, Throughput};
use httparse::{EMPTY_HEADER, Header};
use serde_json::Value;
use threadbare::proto::buf::Buf;
use threadbare::proto::http::framing::{Message, framing};
use threadbare::proto::http::head::{Head, Partial, RequestHead, ResponseHead, Step};
use threadbare::proto::http::limits::Limits;
use threadbare::proto::http::method::Method;
use threadbare::proto::http::server::{self, RecvHead};

use self::heads::{REQUESTS, RESPONSES, Sample};

const TARGET: f64 = 1.2;
const STRETCH: f64 = 1.0;

fn main() {
    let begun = SystemTime::now();
    let mut criterion = Criterion::default().output_directory(&results()).configure_from_args();
    requests(&mut criterion);
    responses(&mut criterion);
    criterion.final_summary();
    summary("request", REQUESTS, begun);
    summary("response", RESPONSES, begun);
}

fn requests(criterion: &mut Criterion) {
    let limits = Limits::default();
    for sample in REQUESTS {
        let bytes = sample.text.as_bytes();
        let mut group = criterion.benchmark_group(format!("request-{}", sample.name));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("httparse", |bencher| {
            bencher.iter(|| {
                let mut fields = [EMPTY_HEADER; 100];
                let mut request = httparse::Request::new(&mut fields);
                assert!(request.parse(black_box(bytes)).is_ok_and(|status| status.is_complete()));
                black_box(&request);
            });
        });
        group.bench_function("uninit", |bencher| {
            bencher.iter(|| {
                let mut fields = [const { MaybeUninit::<Header<'_>>::uninit() }; 100];
                let mut request = httparse::Request::new(&mut []);
                let status = request.parse_with_uninit_headers(black_box(bytes), &mut fields);
                assert!(status.is_ok_and(|status| status.is_complete()));
                black_box(&request);
            });
        });
        let mut input = Buf::new();
        group.bench_function("head", |bencher| {
            bencher.iter(|| receive::<RequestHead>(&mut input, black_box(bytes), &limits));
        });
        let mut spent = None;
        group.bench_function("again", |bencher| {
            bencher.iter(|| {
                input.extend(black_box(bytes));
                spent = match Partial::default().receive_into(&mut spent, &mut input, &limits) {
                    Ok(Step::Complete(head)) => Some(black_box::<Box<RequestHead>>(head)),
                    other => panic!("not a head: {other:?}"),
                };
            });
        });
        group.bench_function("framing", |bencher| {
            bencher.iter(|| {
                input.extend(black_box(bytes));
                let received = RecvHead::default().receive(&mut input, &limits);
                assert!(matches!(received, Ok(server::Head::Complete(..))));
                received
            });
        });
    }
}

fn responses(criterion: &mut Criterion) {
    let limits = Limits::default();
    for sample in RESPONSES {
        let bytes = sample.text.as_bytes();
        let mut group = criterion.benchmark_group(format!("response-{}", sample.name));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("httparse", |bencher| {
            bencher.iter(|| {
                let mut fields = [EMPTY_HEADER; 100];
                let mut response = httparse::Response::new(&mut fields);
                assert!(response.parse(black_box(bytes)).is_ok_and(|status| status.is_complete()));
                black_box(&response);
            });
        });
        let mut input = Buf::new();
        group.bench_function("head", |bencher| {
            bencher.iter(|| receive::<ResponseHead>(&mut input, black_box(bytes), &limits));
        });
        group.bench_function("framing", |bencher| {
            bencher.iter(|| {
                let head = receive::<ResponseHead>(&mut input, black_box(bytes), &limits);
                let framing = framing(Message::Response(&Method::Get, &head));
                (head, framing)
            });
        });
    }
}

fn receive<H: Head>(input: &mut Buf, bytes: &[u8], limits: &Limits) -> Box<H> {
    input.extend(bytes);
    match Partial::default().receive(input, limits) {
        Ok(Step::Complete(head)) => head,
        other => panic!("not a head: {other:?}"),
    }
}

/// Criterion's medians of this run, side by side, in nanoseconds.
fn summary(kind: &str, samples: &[Sample], begun: SystemTime) {
    const WHAT: [&str; 5] = ["httparse", "uninit", "head", "again", "framing"];
    println!(
        "\n{:<20} {:>6} {}   head / httparse",
        format!("{kind} heads, ns"),
        "bytes",
        row(WHAT)
    );
    for sample in samples {
        let medians = WHAT.map(|what| median(&format!("{kind}-{}", sample.name), what, begun));
        let [Some(httparse), _, Some(head), ..] = medians else { continue };
        let ratio = head / httparse;
        let verdict = match sample.browser {
            true => format!(
                "  target <= {TARGET} {}, stretch <= {STRETCH} {}",
                judge(ratio, TARGET),
                judge(ratio, STRETCH)
            ),
            false => String::new(),
        };
        let cells = medians.map(|median| median.map_or("-".to_owned(), |ns| format!("{ns:.0}")));
        println!(
            "{:<20} {:>6} {}   {ratio:.2}{verdict}",
            sample.name,
            sample.text.len(),
            row(cells)
        );
    }
}

fn row<T: Display>(cells: [T; 5]) -> String {
    cells.map(|cell| format!("{cell:>9}")).join("")
}

fn judge(ratio: f64, limit: f64) -> &'static str {
    if ratio <= limit { "REACHED" } else { "MISSED" }
}

fn median(group: &str, what: &str, begun: SystemTime) -> Option<f64> {
    let file = results().join(group).join(what).join("new/estimates.json");
    // What an earlier run left is not of this one.
    file.metadata().and_then(|file| file.modified()).ok().filter(|&written| written >= begun)?;
    let estimates: Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    estimates.pointer("/median/point_estimate")?.as_f64()
}

fn results() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("criterion")
}
