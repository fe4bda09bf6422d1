//! A fresh connection: from the way that [`super::route`] found to a stream, each phase within its time.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use super::Client;
use super::budget::{Budget, Phase};
use super::error::Error;
use super::event::Event;
use super::route::Route;
use crate::net::connect::{Attempt, connect, connect_unix};
use crate::net::resolve::{ResolveError, resolve};
use crate::net::stream::Stream;

/// Goes the way.
pub(super) fn dial(
    client: &Client,
    route: Route<'_>,
    budget: &mut Budget,
) -> Result<Stream, Error> {
    match route {
        Route::Direct(host, port) => tcp(client, host, port, budget, Error::Resolve),
        Route::Proxy(proxy) => tcp(client, proxy.host(), proxy.port(), budget, Error::ResolveProxy),
        Route::Unix(path) => unix(path, budget),
    }
}

fn unix(path: &Path, budget: &mut Budget) -> Result<Stream, Error> {
    budget.enter(Phase::Connect, Instant::now());
    budget.left(Instant::now())?;
    let stream = connect_unix(path, budget.until());
    stream.map(Stream::Unix).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => budget.timed_out(),
        _ => Error::ConnectUnix(path.to_owned(), error),
    })
}

/// Looks the host up and connects to it.
fn tcp(
    client: &Client,
    host: &str,
    port: u16,
    budget: &mut Budget,
    unresolved: fn(String, ResolveError) -> Error,
) -> Result<Stream, Error> {
    budget.enter(Phase::Resolve, Instant::now());
    budget.left(Instant::now())?;
    client.tell(&Event::Resolving(host));
    let routes = &client.config.routes;
    let addresses = match routes.pinned(host, port) {
        Some(addresses) => Ok(addresses),
        None => resolve(host, port, routes.family, budget.until()),
    };
    let addresses = addresses.map_err(|error| match error {
        ResolveError::TimedOut => budget.timed_out(),
        error => unresolved(host.to_owned(), error),
    })?;
    client.tell(&Event::Resolved(host, &addresses));
    budget.enter(Phase::Connect, Instant::now());
    let stream = connect(&addresses, budget.until(), &mut |attempt| match attempt {
        Attempt::Trying(address) => client.tell(&Event::Trying(address)),
        Attempt::Failed(address, error) => client.tell(&Event::Failed(address, error)),
        Attempt::Abandoned(address) => client.tell(&Event::Abandoned(address)),
    });
    stream.map(Stream::Tcp).map_err(|error| match error.timed_out {
        true => budget.timed_out(),
        false => Error::Connect(host.to_owned(), port, error),
    })
}
