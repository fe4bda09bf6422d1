//! A call as its caller sees it: the requests that one request leads to.
//!
//! ```text
//! follow: as long as the answer is a redirect that can be followed   (redirect says where to)
//!   └─ insist: as long as it failed in a way that may pass           (retry says when)
//!        └─ call: one request, one answer
//! ```
//! All of it has one [`Budget`]: whatever happens in between, the total time holds. What cannot be
//! followed is an error that keeps the answer; what is not worth another try is given back as it is.

use std::borrow::Cow;
use std::thread;
use std::time::{Instant, SystemTime};

use super::Client;
use super::budget::{Budget, Phase};
use super::call::call;
use super::error::Error;
use super::event::Event;
use super::redirect::{Asked, is_redirect, redirect};
use super::request::Request;
use super::response::Response;
use super::retry::Setback;
use super::upload::Stream;

/// Sends a request, and those that its answers ask for.
pub(super) fn follow(
    client: &Client,
    request: &Request,
    mut stream: Option<Stream<'_>>,
) -> Result<Response, Error> {
    let mut budget = client.budget();
    let mut request = Cow::Borrowed(request);
    let rules = client.config.redirects.rules();
    let mut trail = Vec::new();
    loop {
        let mut response = insist(client, &request, &mut stream, &mut budget)
            .inspect_err(|error| client.tell(&Event::GaveUp(error)))?;
        let Some(rules) = &rules else { return Ok(response) };
        if !is_redirect(response.head().status) {
            return Ok(response);
        }
        trail.push(Asked { method: request.verb().clone(), url: request.url().clone() });
        let can_replay = stream.as_mut().is_none_or(Stream::begin_again);
        match redirect(&trail, response.head(), can_replay, rules) {
            Ok(None) => return Ok(response),
            Ok(Some(hop)) => {
                response.discard();
                client.tell(&Event::Redirected(response.head().status, &hop.url));
                if !hop.keeps_body {
                    stream = None;
                }
                request = Cow::Owned(request.redirected(hop));
            }
            Err(why) => {
                let error = Error::Redirect(why, Box::new(response));
                client.tell(&Event::GaveUp(&error));
                return Err(error);
            }
        }
    }
}

/// Sends a request, again and again where that is wanted, harmless and may help.
fn insist(
    client: &Client,
    request: &Request,
    stream: &mut Option<Stream<'_>>,
    budget: &mut Budget,
) -> Result<Response, Error> {
    let retries = &client.config.retries;
    let mut made = 0;
    loop {
        let outcome = call(client, request, stream.as_mut(), budget);
        let setback = setback(&outcome).filter(|_| made < retries.most);
        let mut can_replay = || stream.as_mut().is_none_or(Stream::begin_again);
        let setback = setback.filter(|_| can_replay());
        let pause = setback.and_then(|setback| {
            retries.pause(made, request.is_idempotent(), setback, SystemTime::now())
        });
        let Some(pause) = pause.filter(|pause| budget.allows(*pause, Instant::now())) else {
            return outcome;
        };
        made += 1;
        client.tell(&Event::Again(made, pause));
        if let Ok(mut response) = outcome {
            response.discard();
        }
        thread::sleep(pause);
    }
}

fn setback(outcome: &Result<Response, Error>) -> Option<Setback<'_>> {
    match outcome {
        Ok(response) => Some(Setback::Answer(response.head())),
        Err(Error::ConnectUnix(..)) => Some(Setback::Unsent),
        Err(Error::Connect(..) | Error::Timeout { phase: Phase::Connect | Phase::Resolve, .. }) => {
            Some(Setback::Unsent)
        }
        Err(Error::TooSlow { .. }) => Some(Setback::Unanswered),
        Err(Error::NoAnswer | Error::Send(_) | Error::Receive(_) | Error::Timeout { .. }) => {
            Some(Setback::Unanswered)
        }
        Err(_) => None,
    }
}
