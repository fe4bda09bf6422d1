//! `/-/status`: a live picture of the pool. What each worker is doing, who waits, and what that means.
//!
//! | request | response |
//! |---|---|
//! | `Accept: text/html` | a page; with `?every=N` the browser loads it again every N seconds |
//! | `Accept: application/json` | the same as JSON |
//! | `Accept: text/event-stream` | an event every second, whose data is that JSON |
//! | any other | lines of text |
//!
//! It is answered when all workers are in handlers ([`Immediate`](crate::server::Immediate)). The events are
//! published by the thread that accepts connections, and only while there are subscribers.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

use super::pages::page;
use super::pool_words::{doing, lasting, meaning};
use super::status::Status;
use crate::proto::http::accept::{TextFormat, preferred_format};
use crate::proto::http::event_stream::EVENT_STREAM;
use crate::server::{
    ErrorResponse, Handler, Keep, PoolStatus, Request, Response, Topic, WorkerActivity,
};
use crate::text::{escape_html, grouped};

/// The longest time between two loads of the page, in seconds: an hour.
const LONGEST: u64 = 3_600;

/// The handler.
pub(super) struct PoolPage {
    status: Arc<Status>,
    /// What those who watch get, every second. Only the latest is of use.
    pictures: Topic,
    cores: usize,
}

impl PoolPage {
    /// Returns the handler for the pool whose statistics these are.
    pub(super) fn new(status: Arc<Status>) -> PoolPage {
        let pictures = Topic::keeping(Keep { messages: 1, ..Keep::default() });
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        PoolPage { status, pictures, cores }
    }

    fn json(&self) -> String {
        let pool = self.status.stats.pool();
        pool.map_or_else(|| "{}".to_owned(), |pool| as_json(&pool, self.cores).to_string())
    }

    fn publish(&self) {
        self.pictures.publish(self.json());
    }

    /// Returns the response in the form that the client accepts.
    fn show(&self, request: &Request) -> Result<Response, ErrorResponse> {
        let every = request.query_as::<u64>("every")?.filter(|every| (1..=LONGEST).contains(every));
        if request.header("Accept").is_some_and(|accept| accept.contains(EVENT_STREAM)) {
            if self.pictures.subscribers() == 0 {
                self.publish(); // the last one is old
            }
            let latest = self.pictures.last_id().saturating_sub(1);
            return Ok(Response::events(self.pictures.subscribe_after(latest)));
        }
        let format = preferred_format(&request.head.headers);
        let response = match (format, self.status.stats.pool()) {
            (TextFormat::Json, _) => Response::bytes("application/json", self.json() + "\n"),
            (_, None) => Response::text("The server does not serve yet.\n"),
            (TextFormat::Html, Some(pool)) => {
                let html = page("The workers", &as_html(&pool, self.cores));
                match every {
                    Some(every) => html.field("Refresh", every.to_string()),
                    None => html,
                }
            }
            (TextFormat::Plain, Some(pool)) => Response::text(as_text(&pool, self.cores)),
        };
        Ok(response.field("Cache-Control", "no-store"))
    }
}

impl Handler for PoolPage {
    /// Publishes a picture, once a second, for those who watch.
    fn tidy(&self) {
        if self.pictures.subscribers() > 0 {
            self.publish();
        }
    }

    fn handle(&self, request: &mut Request) -> Response {
        let shown = || self.show(request).unwrap_or_else(|error| error.to(request));
        let response = self.status.refusal(request).unwrap_or_else(shown);
        response.field("Vary", "Accept")
    }
}

fn as_json(pool: &PoolStatus, cores: usize) -> Value {
    let is_textbook = pool.lobby.is_empty();
    let each = (1..).zip(&pool.workers).map(|(number, worker)| {
        let (kind, route) = match &worker.activity {
            WorkerActivity::Idle => ("idle", None),
            WorkerActivity::Leads => ("leads", None),
            WorkerActivity::Receives => ("receives", None),
            WorkerActivity::Handles(route) => ("handles", Some(route)),
            WorkerActivity::Sends => ("sends", None),
            WorkerActivity::AnswersDatagram => ("datagram", None),
        };
        let milliseconds = worker.since.as_millis();
        json!({
            "worker": number, "served": worker.served, "activity": kind, "route": route,
            "milliseconds": milliseconds, "text": doing(worker, is_textbook),
        })
    });
    let counts = |all: &[(&str, u64)]| -> Value {
        all.iter().map(|&(name, count)| (name.to_owned(), Value::from(count))).collect()
    };
    let lobby: Vec<_> = pool.lobby.iter().map(|&(phase, count)| (phase, count as u64)).collect();
    let busy = pool.workers.iter().filter(|worker| !worker.activity.is_free()).count();
    json!({
        "meaning": meaning(pool, cores),
        "workers": pool.workers.len(),
        "busy": busy,
        "each": each.collect::<Value>(),
        "waiting": pool.waiting,
        "oldest_milliseconds": pool.oldest.map(|oldest| oldest.as_millis()),
        "lobby": counts(&lobby),
        "open": pool.open,
        "refused": counts(&pool.refused),
        "stopping": pool.is_stopping,
    })
}

/// Returns the figures beside the workers: the name of each, and its value.
fn figures(pool: &PoolStatus) -> Vec<(&'static str, String)> {
    let listed = |all: &[(&str, u64)]| {
        let some: Vec<String> = all
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{} {name}", grouped(*count)))
            .collect();
        if some.is_empty() { "none".to_owned() } else { some.join(", ") }
    };
    let lobby: Vec<_> = pool.lobby.iter().map(|&(phase, count)| (phase, count as u64)).collect();
    let queue = match (pool.waiting, pool.oldest) {
        (0, _) => "empty".to_owned(),
        (waiting, None) => grouped(waiting as u64),
        (waiting, Some(oldest)) => {
            format!("{}, the oldest for {}", grouped(waiting as u64), lasting(oldest))
        }
    };
    let mut figures = vec![("queue", queue)];
    if !lobby.is_empty() {
        figures.push(("lobby", listed(&lobby)));
    }
    figures.push(("open", grouped(pool.open as u64)));
    figures.push(("refused", listed(&pool.refused)));
    figures
}

fn as_text(pool: &PoolStatus, cores: usize) -> String {
    let is_textbook = pool.lobby.is_empty();
    let figures = figures(pool).into_iter().map(|(name, value)| format!("{name:<10} {value}\n"));
    let workers = (1..).zip(&pool.workers).map(|(number, worker)| {
        format!("{:<10} {}\n", format!("worker {number}"), doing(worker, is_textbook))
    });
    format!("{}\n\n", meaning(pool, cores)) + &figures.chain(workers).collect::<String>()
}

fn as_html(pool: &PoolStatus, cores: usize) -> String {
    let is_textbook = pool.lobby.is_empty();
    let figures = figures(pool)
        .into_iter()
        .map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>\n", escape_html(&value)));
    let workers = (1..).zip(&pool.workers).map(|(number, worker)| {
        let class = if worker.activity.is_free() { "" } else { " class=\"now\"" };
        format!(
            "<tr{class}><th scope=\"row\">{number}</th><td>{}</td><td>{}</td></tr>\n",
            escape_html(&doing(worker, is_textbook)),
            grouped(worker.served),
        )
    });
    format!(
        "<p class=\"lead\">{}</p>\n<dl class=\"found\">\n{}</dl>\n\
         <table class=\"times workers\">\n<thead><tr><th scope=\"col\">Worker</th><th scope=\"col\">Doing</th>\
         <th scope=\"col\">Served</th></tr></thead>\n<tbody>\n{}</tbody>\n</table>\n\
         <p><a href=\"/-/status?every=1\">Load this page every second</a>, or \
         <a href=\"/-/status\">once</a>.</p>\n",
        escape_html(&meaning(pool, cores)),
        figures.collect::<String>(),
        workers.collect::<String>(),
    )
}
