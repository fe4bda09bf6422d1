//! The flags of `server` for the sockets on which it listens for HTTP.

use std::ffi::OsStr;
use std::net::Ipv6Addr;

use super::Effect::Value;
use super::limits::put;
use super::server::{ServerOptions, is_host, not_empty};
use super::{Expected, Flag};

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "bind",
        Value("ADDR:PORT", |options, value| {
            options.bind.push(address_or_path(value)?);
            Ok(())
        }),
        "listen on this address, or at unix:PATH in the file system; repeatable; port 0 chooses a free port \
         (default 127.0.0.1:8080)",
    ),
    Flag::new(
        None,
        "bind-mode",
        Value("MODE", |options, value| put(&mut options.config.bind_mode, mode(value))),
        "permissions of the sockets in the file system, in octal (default 0660)",
    ),
    Flag::new(
        None,
        "handover",
        Value("PATH", |options, value| {
            let path = not_empty(value, "the path of a socket, such as /run/threadbare/control")?;
            options.handover = Some(path.into());
            Ok(())
        }),
        "restart without a refused connection: take over the sockets of the server that has its control socket at PATH, \
         and hand them over to the next one there",
    ),
];

/// Checks the form of an address of TCP, or of `unix:PATH`.
fn address_or_path(value: &OsStr) -> Result<String, Expected> {
    match value.to_str().and_then(|text| Some((text, text.strip_prefix("unix:")?))) {
        Some((_, "")) => Err(Expected("a path after unix:, such as unix:/run/threadbare/http")),
        Some((text, _)) => Ok(text.to_owned()),
        None => host_and_port(value),
    }
}

/// Parses permissions as chmod(1) takes them.
fn mode(value: &OsStr) -> Result<u32, Expected> {
    let digits = value.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let mode = digits.and_then(|text| u32::from_str_radix(text, 8).ok());
    mode.filter(|&mode| mode <= 0o777).ok_or(Expected("permissions in octal, such as 0660"))
}

/// Checks the form of an address, so that a mistake is explained before anything is started. A port alone is refused:
/// it could mean this machine only, or the whole network.
pub(super) fn host_and_port(value: &OsStr) -> Result<String, Expected> {
    let text = value.to_str().unwrap_or_default();
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let right = match text.rsplit_once(':') {
        None if is_port(text) => {
            "an address and a port: 127.0.0.1:8080, or 0.0.0.0:8080 for all addresses of this machine"
        }
        Some(("", port)) if is_port(port) => {
            "an address and a port: 127.0.0.1:8080, or 0.0.0.0:8080 for all addresses of this machine"
        }
        Some((host, port)) if is_port(port) && is_host(host) => return Ok(text.to_owned()),
        _ if text.parse::<Ipv6Addr>().is_ok() => {
            "an IPv6 address in brackets, and a port: [::1]:8080"
        }
        Some((host, _)) if host.parse::<Ipv6Addr>().is_ok() => {
            "an IPv6 address in brackets: [::1]:8080"
        }
        _ => "an address and a port: 127.0.0.1:8080, localhost:8080, [::1]:8080",
    };
    Err(Expected(right))
}
