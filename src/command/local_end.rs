//! `--interface`, `--local-port`: the end of connections on this machine.

use std::net::{IpAddr, ToSocketAddrs as _};

use crate::cli::client::NetworkOptions;
use crate::client::LocalEnd;
use crate::net::local_end::addresses_of;

/// Returns what the options say.
///
/// # Errors
/// When there is no such interface, address or name on this machine.
pub(super) fn local_end(network: &NetworkOptions) -> Result<LocalEnd, String> {
    let ports = network.local_ports;
    let Some(typed) = network.interface.as_deref() else {
        return Ok(LocalEnd { ports, ..LocalEnd::default() });
    };
    let interface = |name: &str| {
        let addresses = addresses_of(name)?;
        Some(LocalEnd { device: Some(name.to_owned()), addresses, ports })
    };
    let host = |name: &str| {
        let addresses = match name.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => (name, 0).to_socket_addrs().ok()?.map(|found| found.ip()).collect(),
        };
        Some(LocalEnd { device: None, addresses, ports })
    };
    let found = match (typed.strip_prefix("if!"), typed.strip_prefix("host!")) {
        (Some(name), _) => interface(name),
        (None, Some(name)) => host(name),
        (None, None) => interface(typed).or_else(|| host(typed)),
    };
    found.ok_or_else(|| {
        format!("--interface {typed}: there is no such interface, address or name; right: one of `ip address`")
    })
}
