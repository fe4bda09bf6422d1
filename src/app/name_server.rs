//! The name server of the binary: it listens at addresses of its own, and its counters are in `/-/metrics`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use crate::name::tcp::OverTcp;
use crate::name::{NameConfig, NameServer, get};
use crate::server::log::stats::MetricsPage;
use crate::server::{Limits, Server};

/// Reads the zones; without one there is no name server.
///
/// # Errors
/// What is wrong with which file.
pub fn open(
    zones: Vec<PathBuf>,
    rate: Option<NonZeroU32>,
    limits: &Limits,
) -> Result<Option<Arc<NameServer>>, String> {
    if zones.is_empty() {
        return Ok(None);
    }
    let (idle_time, message_time) = (limits.idle_time, limits.head_time);
    let config = NameConfig { files: zones, rate, idle_time, message_time };
    NameServer::open(config).map(|names| Some(Arc::new(names)))
}

/// Receives queries at these addresses, over UDP and TCP on the same port. Returns the addresses with real
/// ports, as the ready line shows them.
///
/// # Errors
/// The first address that it cannot listen on.
pub fn listen(
    server: &mut Server,
    addresses: &[String],
    names: Option<&Arc<NameServer>>,
) -> Result<Vec<String>, String> {
    let Some(names) = names else { return Ok(Vec::new()) };
    let mut bound: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        let tcp = server.serve_protocol(address, Arc::new(OverTcp(Arc::clone(names))));
        for address in tcp.map_err(|error| error.to_string())? {
            let udp = server.serve_datagrams(&address.to_string(), Arc::clone(names) as _);
            bound.extend(udp.map_err(|error| error.to_string())?);
        }
    }
    Ok(bound.iter().map(|address| format!("dns://{address}")).collect())
}

/// Returns the counters in the Prometheus text format.
pub(super) fn prometheus(names: &NameServer) -> String {
    let counts = &names.counts;
    let mut page = MetricsPage::default();
    page.family("dns_answers_total", "counter", "Responses to DNS queries, by their code.");
    for (code, count) in counts.answers() {
        page.line(&format!("dns_answers_total{{code=\"{code}\"}}"), count);
    }
    page.family("dns_ignored_total", "counter", "DNS messages that get no response.");
    page.line("dns_ignored_total", get(&counts.ignored));
    page.family("dns_limited_total", "counter", "DNS responses beyond the limit of their address.");
    page.line("dns_limited_total{response=\"truncated\"}", get(&counts.truncated));
    page.line("dns_limited_total{response=\"dropped\"}", get(&counts.dropped));
    page.0
}
