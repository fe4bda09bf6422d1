//! The record of a transfer: the time at which each phase ended, the bytes sent and received, and the
//! result. `-w` and `--json-out` print it under curl's names.
//!
//! Times count from the beginning of the transfer. A phase that was not reached, or that a reused
//! connection does not need, took no time.

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
use crate::proto::http::url::{Url, without_user};
use crate::sync::lock;

/// The addresses of both endpoints of each connection of a client.
pub type Peers = Arc<Mutex<HashMap<usize, Endpoints>>>;

/// Records the events of one transfer, which begins when this is created.
#[derive(Debug)]
pub struct EventRecorder {
    begun: Instant,
    recorded: Mutex<Recorded>,
    peers: Peers,
}

/// What the events of one transfer reported.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// When the addresses of the host were known.
    pub resolved: Duration,
    /// When the connection was established.
    pub connected: Duration,
    /// When the head of the request was ready to be sent.
    pub sending: Duration,
    /// When the head of the response was received.
    pub first_byte: Duration,
    /// The number of connections made.
    pub connects: u64,
    /// The addresses of both endpoints.
    pub endpoints: Option<Endpoints>,
    /// Bytes of the heads of all requests.
    pub request_heads: u64,
    /// Bytes of the body of the last request that were sent.
    pub uploaded: u64,
    /// The heads of the last response as received, interim ones included.
    pub heads: Vec<u8>,
    /// The heads of the redirects that were followed.
    pub hops: Vec<u8>,
    /// The number of redirects.
    pub redirects: u64,
    /// When the last redirect was followed.
    pub redirected: Duration,
    /// The URL that it led to.
    pub url: Option<String>,
    /// The method of the last request.
    pub method: Option<String>,
    /// Bytes of the heads of all responses, interim ones included.
    pub response_heads: u64,
}

impl EventRecorder {
    /// Begins a transfer now.
    pub fn new(peers: &Peers) -> EventRecorder {
        let (begun, peers) = (Instant::now(), Arc::clone(peers));
        EventRecorder { begun, recorded: Mutex::default(), peers }
    }

    /// Records an event.
    pub fn observe(&self, event: &Event<'_>) {
        let now = self.begun.elapsed();
        let mut recorded = lock(&self.recorded);
        match event {
            Event::Resolved(..) => recorded.resolved = now,
            Event::Connected(id, _, endpoints) => {
                lock(&self.peers).insert(*id, (*endpoints).clone());
                (recorded.connected, recorded.endpoints) = (now, Some((*endpoints).clone()));
                recorded.connects += 1;
            }
            Event::Reusing(id, _) => recorded.endpoints = lock(&self.peers).get(id).cloned(),
            Event::Sending(head) => {
                (recorded.sending, recorded.uploaded) = (now, 0);
                recorded.request_heads += head.len() as u64;
                let method = head.split(|&byte| byte == b' ').next().unwrap_or_default();
                recorded.method = Some(String::from_utf8_lossy(method).into_owned());
            }
            Event::Sent(bytes) => recorded.uploaded = *bytes,
            Event::Interim(head) | Event::Head(head) => {
                recorded.first_byte = now;
                recorded.response_heads += head.headers.source().len() as u64;
                recorded.heads.extend_from_slice(head.headers.source());
            }
            Event::Redirected(_, url) => {
                let heads = std::mem::take(&mut recorded.heads);
                recorded.hops.extend(heads);
                recorded.redirects += 1;
                (recorded.redirected, recorded.url) = (now, Some(url.to_string()));
            }
            _ => {}
        }
    }

    /// Returns what was recorded, and the time since the beginning.
    pub fn recorded(&self) -> (Recorded, Duration) {
        (lock(&self.recorded).clone(), self.begun.elapsed())
    }
}

/// A transfer that is complete.
#[derive(Debug)]
pub struct Transfer {
    /// The URL as typed.
    pub url: String,
    /// The index of the URL in its operation, from 0.
    pub number: usize,
    /// The number of URLs in the operations before.
    pub urls_before: usize,
    /// The request, once it was built.
    pub request: Option<RequestSummary>,
    /// Status and fields of the response, if one was received.
    pub response: Option<ResponseHead>,
    /// Bytes of the response body that were received.
    pub downloaded: u64,
    /// The name of the output file.
    pub output: Option<String>,
    /// The record of its events.
    pub recorded: Recorded,
    /// The duration of the transfer.
    pub total: Duration,
    /// How it ended; on failure, curl's exit code and a message.
    pub end: Result<(), (u8, String)>,
}

/// What the figures report of a request.
#[derive(Debug)]
pub struct RequestSummary {
    /// The URL as parsed.
    pub url: String,
    /// The method.
    pub method: String,
    /// The fields.
    pub fields: Headers,
}

impl RequestSummary {
    /// Returns the summary of this request, with the body of `upload` if there is one.
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
    /// A text; `None` is empty for `-w`, and `null` in JSON.
    Text(Option<String>),
    /// A number.
    Count(u64),
    /// A status: three digits for `-w`.
    Code(Option<Status>),
    /// A time: in seconds, with six decimal places.
    Seconds(Duration),
}

/// Reads a figure from a transfer.
pub type FigureOf = fn(&Transfer) -> Figure;

/// All figures by name, in the order of [`line`](super::write_out::line).
pub const FIGURES: &[(&str, FigureOf)] = &[
    ("url", |of| Figure::Text(Some(without_user(&of.url).into_owned()))),
    ("url_effective", |of| {
        of.request(|request| Some(of.recorded.url.clone().unwrap_or(request.url.clone())))
    }),
    ("urlnum", |of| Figure::Count((of.urls_before + of.number) as u64)),
    ("method", |of| {
        of.request(|request| Some(of.recorded.method.clone().unwrap_or(request.method.clone())))
    }),
    ("referer", |of| of.request(|request| request.fields.text("referer").map(str::to_owned))),
    ("scheme", |of| Figure::Text(of.response.as_ref().map(|_| "HTTP".to_owned()))),
    ("http_version", |of| {
        let version = of.response.as_ref().map(|head| head.version.as_str());
        Figure::Text(Some(
            version.map_or("0", |version| version.trim_start_matches("HTTP/")).to_owned(),
        ))
    }),
    ("http_code", |of| Figure::Code(of.response.as_ref().map(|head| head.status))),
    ("response_code", |of| Figure::Code(of.response.as_ref().map(|head| head.status))),
    ("content_type", |of| of.field("content-type")),
    ("redirect_url", |of| of.redirect()),
    ("num_redirects", |of| Figure::Count(of.recorded.redirects)),
    ("num_headers", |of| {
        Figure::Count(of.response.as_ref().map_or(0, |head| head.headers.len()) as u64)
    }),
    ("num_connects", |of| Figure::Count(of.recorded.connects)),
    ("local_ip", |of| Figure::Text(of.local().map(|local| local.ip().to_string()))),
    ("local_port", |of| Figure::Count(of.local().map_or(0, |local| local.port()).into())),
    ("remote_ip", |of| {
        Figure::Text(of.recorded.endpoints.as_ref().map(|endpoints| match endpoints {
            Endpoints::Tcp { remote, .. } => remote.ip().to_string(),
            Endpoints::Unix(path) => path.display().to_string(),
        }))
    }),
    ("remote_port", |of| {
        let remote = of.recorded.endpoints.as_ref().and_then(Endpoints::remote);
        Figure::Count(remote.map_or(0, |remote| remote.port()).into())
    }),
    ("size_request", |of| Figure::Count(of.recorded.request_heads)),
    ("size_upload", |of| Figure::Count(of.recorded.uploaded)),
    ("size_header", |of| Figure::Count(of.recorded.response_heads)),
    ("size_download", |of| Figure::Count(of.downloaded)),
    ("speed_upload", |of| of.per_second(of.recorded.uploaded)),
    ("speed_download", |of| of.per_second(of.downloaded)),
    ("time_namelookup", |of| Figure::Seconds(of.recorded.resolved)),
    ("time_connect", |of| Figure::Seconds(of.recorded.connected)),
    ("time_redirect", |of| Figure::Seconds(of.recorded.redirected)),
    ("time_pretransfer", |of| Figure::Seconds(of.recorded.sending)),
    ("time_starttransfer", |of| Figure::Seconds(of.recorded.first_byte)),
    ("time_total", |of| Figure::Seconds(of.total)),
    ("filename_effective", |of| Figure::Text(of.output.clone())),
    ("exitcode", |of| Figure::Count(of.end.as_ref().err().map_or(0, |(code, _)| (*code).into()))),
    ("errormsg", |of| Figure::Text(of.end.as_ref().err().map(|(_, what)| what.clone()))),
];

impl Transfer {
    /// Returns the record of a transfer that has not begun.
    pub fn new(url: &str, number: usize) -> Transfer {
        Transfer {
            url: url.to_owned(),
            number,
            urls_before: 0,
            request: None,
            response: None,
            downloaded: 0,
            output: None,
            recorded: Recorded::default(),
            total: Duration::ZERO,
            end: Ok(()),
        }
    }

    fn request(&self, what: impl Fn(&RequestSummary) -> Option<String>) -> Figure {
        Figure::Text(self.request.as_ref().and_then(what))
    }

    /// Returns the local address and port, if the connection has them.
    fn local(&self) -> Option<SocketAddr> {
        match self.recorded.endpoints {
            Some(Endpoints::Tcp { local, .. }) => Some(local),
            Some(Endpoints::Unix(_)) | None => None,
        }
    }

    fn field(&self, name: &str) -> Figure {
        let value = self.response.as_ref().and_then(|head| head.headers.first(name));
        Figure::Text(value.map(|value| String::from_utf8_lossy(value).into_owned()))
    }

    /// Returns the target of a redirect that was not followed (RFC 9110, 10.2.2); as received, if it is
    /// not a valid reference.
    fn redirect(&self) -> Figure {
        let (Some(head), Some(request)) = (&self.response, &self.request) else {
            return Figure::Text(None);
        };
        let places = head.headers.all("location").filter(|_| head.status.code() / 100 == 3);
        let place = places.filter_map(|place| str::from_utf8(place).ok()).find(|it| !it.is_empty());
        Figure::Text(place.map(|place| {
            let at = self.recorded.url.as_deref().unwrap_or(&request.url);
            let led = Url::parse(at).and_then(|url| url.resolve(place.as_bytes()));
            led.map_or_else(|_| without_user(place).into_owned(), |url| url.to_string())
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
        let manual = include_str!("../manual/downloads.md");
        let (_, table) = manual.split_once("| figure | meaning |").unwrap();
        let table = table.split("\n\n").next().unwrap();
        let documented = table.lines().filter_map(|line| line.split('|').nth(1));
        let documented: Vec<&str> =
            documented.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let names: Vec<&str> = FIGURES.iter().map(|(name, _)| *name).collect();
        assert_eq!(documented, names);
    }
}
