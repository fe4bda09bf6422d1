//! A fresh connection: follows a [`Route`] to a stream, each phase within its time limit.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use super::Client;
use super::budget::{Budget, Phase};
use super::dns::resolve::resolve;
use super::error_kind::ErrorKind;
use super::event::Event;
use super::route::Route;
use crate::net::connect::{Attempt, connect_from, connect_unix};
use crate::net::resolve::{ResolveError, with_zone};
use crate::net::stream::Stream;

/// Connects along the route.
pub(super) fn dial(
    client: &Client,
    route: Route<'_>,
    budget: &mut Budget,
) -> Result<Stream, ErrorKind> {
    match route {
        Route::Direct(host, port) => tcp(client, (host, port), budget, ErrorKind::Resolve),
        Route::Proxy(proxy) => {
            tcp(client, (proxy.host(), proxy.port()), budget, ErrorKind::ResolveProxy)
        }
        Route::Unix(path) => unix(path, budget),
    }
}

fn unix(path: &Path, budget: &mut Budget) -> Result<Stream, ErrorKind> {
    budget.enter(Phase::Connect, Instant::now());
    budget.remaining(Instant::now())?;
    let stream = connect_unix(path, budget.deadline());
    stream.map(Stream::Unix).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => budget.timed_out().into(),
        _ => ErrorKind::ConnectUnix(path.to_owned(), error),
    })
}

/// Returns the addresses that connections along the route go to; none if it is a Unix domain socket.
#[cfg(feature = "cli")]
pub(super) fn addresses(
    client: &Client,
    route: Route<'_>,
    budget: &mut Budget,
) -> Result<Vec<SocketAddr>, ErrorKind> {
    match route {
        Route::Direct(host, port) => find(client, (host, port), budget, ErrorKind::Resolve),
        Route::Proxy(proxy) => {
            find(client, (proxy.host(), proxy.port()), budget, ErrorKind::ResolveProxy)
        }
        Route::Unix(_) => Ok(Vec::new()),
    }
}

/// Looks the host up. `unresolved` makes the error of a failed look-up.
fn find(
    client: &Client,
    (host, port): (&str, u16),
    budget: &mut Budget,
    unresolved: fn(String, ResolveError) -> ErrorKind,
) -> Result<Vec<SocketAddr>, ErrorKind> {
    budget.enter(Phase::Resolve, Instant::now());
    budget.remaining(Instant::now())?;
    client.notify(&Event::Resolving(host));
    let options = &client.config.connect;
    let addresses = match options.known_addresses(host, port) {
        Some(addresses) => Ok(addresses),
        None => match with_zone(host, port, options.family) {
            Some(address) => address.map(|address| vec![address]),
            None => look_up(client, host, port, budget.deadline()),
        },
    };
    let addresses = addresses.map_err(|error| match error {
        ResolveError::TimedOut => budget.timed_out().into(),
        error => unresolved(host.to_owned(), error),
    })?;
    client.notify(&Event::Resolved(host, &addresses));
    Ok(addresses)
}

/// Looks the host up and connects to it.
fn tcp(
    client: &Client,
    (host, port): (&str, u16),
    budget: &mut Budget,
    unresolved: fn(String, ResolveError) -> ErrorKind,
) -> Result<Stream, ErrorKind> {
    let addresses = find(client, (host, port), budget, unresolved)?;
    budget.enter(Phase::Connect, Instant::now());
    let local = &client.config.connect.local;
    let stream = connect_from(local, &addresses, budget.deadline(), &mut |attempt| match attempt {
        Attempt::Trying(address) => client.notify(&Event::Trying(address)),
        Attempt::Failed(address, error) => client.notify(&Event::Failed(address, error)),
        Attempt::Abandoned(address) => client.notify(&Event::Abandoned(address)),
    });
    let stream = stream.map(Stream::Tcp).map_err(|error| match error.timed_out {
        true => budget.timed_out().into(),
        false => ErrorKind::Connect(host.to_owned(), port, error),
    });
    if stream.is_err() {
        client.names.forget(host); // it may have moved
    }
    stream
}

/// Returns the addresses of a host: known ones, or those that the resolver finds.
fn look_up(
    client: &Client,
    host: &str,
    port: u16,
    until: Option<Instant>,
) -> Result<Vec<SocketAddr>, ResolveError> {
    let options = &client.config.connect;
    let mut observe = |step| client.notify(&Event::Lookup(&step));
    let found = client.names.addresses(host, until, || {
        resolve(&options.resolver, host, options.family, until, &mut observe)
    })?;
    Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
}
