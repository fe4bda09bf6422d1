//! A call as the caller sees it: one request, and those that redirects and retries add to it.
//!
//! ```text
//! follow: one turn for each redirect that is followed          (redirect.rs says where it leads)
//!   └─ retry_loop: one turn for each temporary failure         (retry.rs says when to try again)
//!        └─ call: one request, one response
//! ```
//! One [`Budget`] covers all of it, so the total limit holds. A redirect that cannot be followed is an error
//! that keeps the response; an outcome that is not worth another try is returned as it is.

use std::borrow::Cow;
use std::thread;
use std::time::{Instant, SystemTime};

use super::Client;
use super::budget::{Budget, Phase, Timeouts};
use super::call::call;
use super::error::Error;
use super::error_kind::ErrorKind;
use super::event::Event;
use super::redirect::{Visited, is_redirect, redirect};
use super::request::Request;
use super::response::Response;
use super::retry::RetryCause;
use super::upload::BodyReader;
use crate::proto::http::basic::basic;

/// Sends a request, and those that its responses redirect to.
pub(super) fn follow(
    client: &Client,
    request: &Request,
    mut reader: Option<BodyReader<'_>>,
    timeouts: Timeouts,
) -> Result<Response, Error> {
    let mut budget = Budget::new(Instant::now(), timeouts);
    let mut request = with_login(client, Cow::Borrowed(request));
    let rules = client.config.redirects.rules();
    let mut trail = Vec::new();
    loop {
        let mut response = retry_loop(client, &request, &mut reader, &mut budget)
            .inspect_err(|kind| client.notify(&Event::GaveUp(kind)))
            .map_err(|kind| kind.at(request.url()))?;
        let Some(rules) = &rules else { return Ok(response) };
        if !is_redirect(response.head().status) {
            return Ok(response);
        }
        trail.push(Visited { method: request.method().clone(), url: request.url().clone() });
        let can_replay = reader.as_mut().is_none_or(BodyReader::rewind);
        match redirect(&trail, response.head(), can_replay, rules) {
            Ok(None) => return Ok(response),
            Ok(Some(next)) => {
                response.discard();
                client.notify(&Event::Redirected(response.head().status, &next.url));
                if !next.keeps_body {
                    reader = None;
                }
                request = with_login(client, Cow::Owned(request.redirected(next)));
            }
            Err(why) => {
                let kind = ErrorKind::Redirect(why, Box::new(response));
                client.notify(&Event::GaveUp(&kind));
                return Err(kind.at(request.url()));
            }
        }
    }
}

/// Adds the login of the host, if there is one and the request says nothing of who asks.
fn with_login<'r>(client: &Client, request: Cow<'r, Request>) -> Cow<'r, Request> {
    let Some(netrc) = client.config.netrc.as_deref() else { return request };
    let login = netrc.login(request.url().host(), None).filter(|_| !request.has_authorization());
    let with_login =
        |login: Vec<u8>| request.clone().into_owned().with_authorization(&basic(&login));
    match login.map(with_login) {
        Some(Ok(request)) => Cow::Owned(request),
        Some(Err(_)) | None => request,
    }
}

/// Sends a request, again and again where that is configured, harmless, and may help.
fn retry_loop(
    client: &Client,
    request: &Request,
    reader: &mut Option<BodyReader<'_>>,
    budget: &mut Budget,
) -> Result<Response, ErrorKind> {
    let retries = &client.config.retries;
    let mut made = 0;
    loop {
        let outcome = call(client, request, reader.as_mut(), budget);
        let pause = retry_cause(&outcome).and_then(|cause| {
            retries.pause(made, request.method().is_idempotent(), cause, SystemTime::now())
        });
        let pause = pause.filter(|pause| budget.has_time_for(*pause, Instant::now()));
        let can_replay = |_: &_| reader.as_mut().is_none_or(BodyReader::rewind);
        let Some(pause) = pause.filter(can_replay) else { return outcome };
        made += 1;
        client.notify(&Event::Retry(made, pause));
        if let Ok(mut response) = outcome {
            response.discard();
        }
        thread::sleep(pause);
    }
}

fn retry_cause(outcome: &Result<Response, ErrorKind>) -> Option<RetryCause<'_>> {
    match outcome {
        Ok(response) => Some(RetryCause::Response(response.head())),
        Err(
            ErrorKind::ConnectUnix(..)
            | ErrorKind::Connect(..)
            | ErrorKind::Timeout { phase: Phase::Connect | Phase::Resolve, .. },
        ) => Some(RetryCause::NotSent),
        Err(
            ErrorKind::TooSlow { .. }
            | ErrorKind::NoResponse
            | ErrorKind::Send(_)
            | ErrorKind::Receive(_)
            | ErrorKind::Timeout { .. },
        ) => Some(RetryCause::NoResponse),
        Err(_) => None,
    }
}
