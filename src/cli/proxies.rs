//! The flags of `server` for the proxies in front of it.

use super::Effect::{Switch, Value};
use super::server::ServerOptions;
use super::{Expected, Flag};
use crate::server::{Networks, ProxyProtocol};

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "trust-proxy",
        Value("CIDR,...", |options, value| {
            let networks = value.to_str().and_then(|text| text.parse::<Networks>().ok());
            let right = Expected("networks or addresses, such as 10.0.0.0/8,::1, or unix");
            options.config.trusted_proxies.add(networks.ok_or(right)?);
            Ok(())
        }),
        "believe X-Forwarded-For and Forwarded from proxies in these networks, or from those on \
         sockets in the file system (unix): the right-most address that is not one of theirs is the \
         client's; repeatable (default: none)",
    ),
    Flag::new(
        None,
        "proxy-protocol",
        Switch(|options, on| {
            options.config.proxy_protocol =
                if on { ProxyProtocol::Required } else { ProxyProtocol::default() };
        }),
        "expect a header of the PROXY protocol, version 1 or 2, on each connection from a proxy of \
         --trust-proxy; refuse one without it, and a header from others",
    ),
];

/// Returns what is wrong with the flags together.
pub(super) fn fault(options: &ServerOptions) -> Option<&'static str> {
    let config = &options.config;
    let nobody =
        config.proxy_protocol == ProxyProtocol::Required && config.trusted_proxies.is_empty();
    nobody.then_some(
        "--proxy-protocol is for the proxies of --trust-proxy, and there are none; right: --trust-proxy \
         127.0.0.1 as well",
    )
}
