//! The record of a transfer: the time at which each phase ended, the bytes sent and received, and the
//! result. `-w` and `--json-out` print it under curl's names.
//!
//! Times count from the beginning of the transfer. A phase that was not reached, or that a reused
//! connection does not need, took no time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::upload::Upload;
use crate::client::Endpoints;
use crate::client::Error;
use crate::client::Event;
use crate::client::{BodySize, Request, Route};
use crate::proto::http::head::ResponseHead;
use crate::proto::http::headers::Headers;
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
    /// When the request was sent.
    pub sent: Duration,
    /// When the head of the response was received.
    pub first_byte: Duration,
    /// The number of connections made.
    pub connects: u64,
    /// The number of the connection that was used last.
    pub connection: Option<usize>,
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
                recorded.connection = Some(*id);
                recorded.connects += 1;
            }
            Event::Reusing(id, _) => {
                recorded.connection = Some(*id);
                recorded.endpoints = lock(&self.peers).get(id).cloned();
            }
            Event::Sending(head) => {
                (recorded.sending, recorded.uploaded) = (now, 0);
                recorded.request_heads += head.len() as u64;
                let method = head.split(|&byte| byte == b' ').next().unwrap_or_default();
                recorded.method = Some(String::from_utf8_lossy(method).into_owned());
            }
            Event::Sent(bytes) => (recorded.sent, recorded.uploaded) = (now, *bytes),
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
    /// Bytes that were written to the output, heads included.
    pub delivered: u64,
    /// The number of retries before.
    pub retries: u32,
    /// Whether the request goes through a proxy.
    pub by_proxy: bool,
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
            delivered: 0,
            retries: 0,
            by_proxy: false,
            output: None,
            recorded: Recorded::default(),
            total: Duration::ZERO,
            end: Ok(()),
        }
    }
}
