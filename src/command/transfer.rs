//! What is known of a transfer once it is over: when each phase was through, how many bytes went
//! which way, and how it ended. `-w` and `--json-out` tell of it, under curl's names.
//!
//! Times are counted from the beginning of the transfer. What was not reached, or was not needed on
//! a connection that is used again, took no time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::upload::Upload;
use crate::client::Endpoints;
use crate::client::Error;
use crate::client::Event;
use crate::client::{BodySize, Request, Route};
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
use crate::proto::http::status::Status;
use crate::proto::http::url::Url;
use crate::sync::lock;

/// Who is at the other end of each connection of a client.
pub type Peers = Arc<Mutex<HashMap<usize, Endpoints>>>;

/// Watches the events of one transfer, which begins when it is made.
#[derive(Debug)]
pub struct EventRecorder {
    begun: Instant,
    seen: Mutex<Recorded>,
    peers: Peers,
}

/// What the events of one transfer said.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// The host's addresses were known.
    pub resolved: Duration,
    /// The connection stood.
    pub connected: Duration,
    /// The head of the request was ready to be sent.
    pub sending: Duration,
    /// The head of the answer was there.
    pub answered: Duration,
    /// How many connections were made.
    pub connects: u64,
    /// Who asked and who answered.
    pub ends: Option<Endpoints>,
    /// How long the heads of the requests were.
    pub request_heads: u64,
    /// How much of the body of the last request was sent.
    pub uploaded: u64,
    /// The heads of the last answer as they came, interim ones included.
    pub heads: Vec<u8>,
    /// Those of the redirects that were followed.
    pub hops: Vec<u8>,
    /// How many there were.
    pub redirects: u64,
    /// The last one was followed.
    pub redirected: Duration,
    /// Where it led.
    pub url: Option<String>,
    /// The method of the last request.
    pub method: Option<String>,
    /// How long the heads of the answers were, interim ones included.
    pub answer_heads: u64,
}

impl EventRecorder {
    /// A transfer begins now.
    pub fn new(peers: &Peers) -> EventRecorder {
        let (begun, peers) = (Instant::now(), Arc::clone(peers));
        EventRecorder { begun, seen: Mutex::default(), peers }
    }

    /// Something happened.
    pub fn observe(&self, event: &Event<'_>) {
        let now = self.begun.elapsed();
        let mut seen = lock(&self.seen);
        match event {
            Event::Resolved(..) => seen.resolved = now,
            Event::Connected(id, _, ends) => {
                lock(&self.peers).insert(*id, (*ends).clone());
                (seen.connected, seen.ends) = (now, Some((*ends).clone()));
                seen.connects += 1;
            }
            Event::Reusing(id, _) => seen.ends = lock(&self.peers).get(id).cloned(),
            Event::Sending(head) => {
                (seen.sending, seen.uploaded) = (now, 0);
                seen.request_heads += head.len() as u64;
                let method = head.split(|&byte| byte == b' ').next().unwrap_or_default();
                seen.method = Some(String::from_utf8_lossy(method).into_owned());
            }
            Event::Sent(bytes) => seen.uploaded = *bytes,
            Event::Interim(head) | Event::Head(head) => {
                seen.answered = now;
                seen.answer_heads += head.headers.source().len() as u64;
                seen.heads.extend_from_slice(head.headers.source());
            }
            Event::Redirected(_, url) => {
                let heads = std::mem::take(&mut seen.heads);
                seen.hops.extend(heads);
                seen.redirects += 1;
                (seen.redirected, seen.url) = (now, Some(url.to_string()));
            }
            _ => {}
        }
    }

    /// What there was to see, and how long it took until now.
    pub fn seen(&self) -> (Recorded, Duration) {
        (lock(&self.seen).clone(), self.begun.elapsed())
    }
}

/// A transfer that is over.
#[derive(Debug)]
pub struct Transfer {
    /// The URL as it was typed.
    pub url: String,
    /// Which URL of the command line it is, from 0.
    pub number: usize,
    /// What was asked, once that was clear.
    pub asked: Option<RequestSummary>,
    /// Status and fields of the answer, if there was one.
    pub answer: Option<ResponseHead>,
    /// How many bytes of its body came.
    pub downloaded: u64,
    /// Where they went: the name of a file.
    pub output: Option<String>,
    /// When what happened.
    pub seen: Recorded,
    /// How long it took.
    pub total: Duration,
    /// How it ended: curl's code, and what there is to say about it.
    pub end: Result<(), (u8, String)>,
}

/// What was asked.
#[derive(Debug)]
pub struct RequestSummary {
    /// The URL as it was understood.
    pub url: String,
    /// The method.
    pub method: String,
    /// The fields.
    pub fields: Headers,
}

impl RequestSummary {
    /// What this request asks, with this body, if it is not its own.
    ///
    /// # Errors
    /// As [`Client::send`](crate::client::Client::send), before it sends.
    pub fn of(request: &Request, upload: Option<&Upload>) -> Result<RequestSummary, Error> {
        let size = match upload {
            None => request.body_size(),
            Some(upload) => upload.length().map_or(BodySize::Unknown, BodySize::Known),
        };
        let head = request.head(Route::direct(request.url()), size)?;
        Ok(RequestSummary {
            url: request.url().to_string(),
            method: head.method.as_str().to_owned(),
            fields: head.headers,
        })
    }
}

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// Words; none is an empty text for `-w`, and `null` in JSON.
    Text(Option<String>),
    /// A number.
    Count(u64),
    /// A status: three digits for `-w`.
    Code(Option<Status>),
    /// A time: seconds, with six digits behind the point.
    Seconds(Duration),
}

/// Takes a figure from a transfer.
pub type FigureOf = fn(&Transfer) -> Figure;

/// Every figure there is, by its name, in the order of [`line`](super::write_out::line).
pub const FIGURES: &[(&str, FigureOf)] = &[
    ("url", |of| Figure::Text(Some(of.url.clone()))),
    ("url_effective", |of| {
        of.asked(|asked| Some(of.seen.url.clone().unwrap_or(asked.url.clone())))
    }),
    ("urlnum", |of| Figure::Count(of.number as u64)),
    ("method", |of| of.asked(|asked| Some(of.seen.method.clone().unwrap_or(asked.method.clone())))),
    ("referer", |of| of.asked(|asked| asked.fields.text("referer").map(str::to_owned))),
    ("scheme", |of| Figure::Text(of.answer.as_ref().map(|_| "HTTP".to_owned()))),
    ("http_version", |of| {
        let version = of.answer.as_ref().map(|head| head.version.as_str());
        Figure::Text(Some(
            version.map_or("0", |version| version.trim_start_matches("HTTP/")).to_owned(),
        ))
    }),
    ("http_code", |of| Figure::Code(of.answer.as_ref().map(|head| head.status))),
    ("response_code", |of| Figure::Code(of.answer.as_ref().map(|head| head.status))),
    ("content_type", |of| of.field("content-type")),
    ("redirect_url", |of| of.redirect()),
    ("num_redirects", |of| Figure::Count(of.seen.redirects)),
    ("num_headers", |of| {
        Figure::Count(of.answer.as_ref().map_or(0, |head| head.headers.len()) as u64)
    }),
    ("num_connects", |of| Figure::Count(of.seen.connects)),
    ("local_ip", |of| Figure::Text(of.local().map(|local| local.ip().to_string()))),
    ("local_port", |of| Figure::Count(of.local().map_or(0, |local| local.port()).into())),
    ("remote_ip", |of| {
        Figure::Text(of.seen.ends.as_ref().map(|ends| match ends {
            Endpoints::Tcp { remote, .. } => remote.ip().to_string(),
            Endpoints::Unix(path) => path.display().to_string(),
        }))
    }),
    ("remote_port", |of| {
        let remote = of.seen.ends.as_ref().and_then(Endpoints::remote);
        Figure::Count(remote.map_or(0, |remote| remote.port()).into())
    }),
    ("size_request", |of| Figure::Count(of.seen.request_heads)),
    ("size_upload", |of| Figure::Count(of.seen.uploaded)),
    ("size_header", |of| Figure::Count(of.seen.answer_heads)),
    ("size_download", |of| Figure::Count(of.downloaded)),
    ("speed_upload", |of| of.per_second(of.seen.uploaded)),
    ("speed_download", |of| of.per_second(of.downloaded)),
    ("time_namelookup", |of| Figure::Seconds(of.seen.resolved)),
    ("time_connect", |of| Figure::Seconds(of.seen.connected)),
    ("time_redirect", |of| Figure::Seconds(of.seen.redirected)),
    ("time_pretransfer", |of| Figure::Seconds(of.seen.sending)),
    ("time_starttransfer", |of| Figure::Seconds(of.seen.answered)),
    ("time_total", |of| Figure::Seconds(of.total)),
    ("filename_effective", |of| Figure::Text(of.output.clone())),
    ("exitcode", |of| Figure::Count(of.end.as_ref().err().map_or(0, |(code, _)| (*code).into()))),
    ("errormsg", |of| Figure::Text(of.end.as_ref().err().map(|(_, what)| what.clone()))),
];

impl Transfer {
    /// One that has not begun.
    pub fn new(url: &str, number: usize) -> Transfer {
        Transfer {
            url: url.to_owned(),
            number,
            asked: None,
            answer: None,
            downloaded: 0,
            output: None,
            seen: Recorded::default(),
            total: Duration::ZERO,
            end: Ok(()),
        }
    }

    fn asked(&self, what: impl Fn(&RequestSummary) -> Option<String>) -> Figure {
        Figure::Text(self.asked.as_ref().and_then(what))
    }

    /// Our address and port, where the connection has them.
    fn local(&self) -> Option<SocketAddr> {
        match self.seen.ends {
            Some(Endpoints::Tcp { local, .. }) => Some(local),
            Some(Endpoints::Unix(_)) | None => None,
        }
    }

    fn field(&self, name: &str) -> Figure {
        let value = self.answer.as_ref().and_then(|head| head.headers.first(name));
        Figure::Text(value.map(|value| String::from_utf8_lossy(value).into_owned()))
    }

    /// Where a redirect would have led (RFC 9110, 10.2.2); as it stands there if it leads nowhere here.
    fn redirect(&self) -> Figure {
        let (Some(head), Some(asked)) = (&self.answer, &self.asked) else {
            return Figure::Text(None);
        };
        let place = head.headers.text("location").filter(|_| head.status.code() / 100 == 3);
        Figure::Text(place.map(|place| {
            let at = self.seen.url.as_deref().unwrap_or(&asked.url);
            let led = Url::parse(at).and_then(|url| url.resolve(place.as_bytes()));
            led.map_or_else(|_| place.to_owned(), |url| url.to_string())
        }))
    }

    fn per_second(&self, bytes: u64) -> Figure {
        let seconds = self.total.as_secs_f64();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is finite, and not below 0"
        )]
        Figure::Count(if seconds > 0.0 { (bytes as f64 / seconds) as u64 } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_every_figure_in_its_order() {
        let manual = include_str!("../manual/transfers.md");
        let (_, table) = manual.split_once("| figure | meaning |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let documented = table.lines().filter_map(|line| line.split('|').nth(1));
        let documented: Vec<&str> =
            documented.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        assert_eq!(documented, names);
    }
}
