//! How the client connects: which addresses stand for a host, where its connections are redirected to, and
//! through which proxy they go. Pure functions from a URL to a [`Route`]; no name is looked up here.
//!
//! These options do not change the request: Host and the URL stay the server's.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::dns::Resolver;
use super::proxy::{NoProxy, Proxy, ProxyError};
use super::route::Route;
use crate::net::local_end::LocalEnd;
use crate::net::resolve::Family;
use crate::proto::http::url::Url;

/// How the client connects to servers, for [`Config::connect`](super::Config::connect).
///
/// By default it looks names up and connects directly; it does not read the environment.
///
/// ```
/// use threadbare::client::{Client, Config, ConnectOptions, ConnectVia, ResolveOverride};
///
/// // A server whose name is not in the DNS yet.
/// let resolve = vec![ResolveOverride::parse("www.example.org:80:127.0.0.1")?];
/// let connect = ConnectOptions { resolve, ..ConnectOptions::default() };
/// let client = Client::with_config(Config { connect, ..Config::default() });
///
/// // A server that listens on a Unix domain socket; the host of the URL is for its `Host` field only.
/// let via = ConnectVia::UnixSocket("/run/service.sock".into());
/// let connect = ConnectOptions { via, ..ConnectOptions::default() };
/// # Ok::<(), threadbare::client::RouteError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The family of addresses that is used.
    pub family: Family,
    /// What looks up the addresses of hosts.
    pub resolver: Resolver,
    /// Hosts whose addresses are given here, and not looked up.
    pub resolve: Vec<ResolveOverride>,
    /// Connections that go to another host or port; the first match counts.
    pub connect_to: Vec<ConnectTo>,
    /// The end of connections on this machine: an interface, an address, a port.
    pub local: LocalEnd,
    /// What connections go through.
    pub via: ConnectVia,
}

/// What a connection goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ConnectVia {
    /// Nothing: the client connects to the server itself.
    #[default]
    Direct,
    /// A proxy, except for some hosts. An invalid proxy is the error of a request that needs it.
    Proxy(Result<Proxy, ProxyError>, NoProxy),
    /// This Unix domain socket, for every host; no name is looked up.
    UnixSocket(PathBuf),
}

/// The addresses of a host, as curl's `--resolve`: `HOST:PORT:ADDRESS[,ADDRESS]…`.
///
/// Of two overrides for the same host the later one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveOverride {
    /// The host; `None` applies to every host without an override of its own (`*`).
    pub host: Option<String>,
    /// The port: the override applies to connections to this port only.
    pub port: u16,
    /// The addresses, in the order in which they are tried.
    pub addresses: Vec<IpAddr>,
}

/// Another place to connect to, as curl's `--connect-to`: `HOST1:PORT1:HOST2:PORT2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    /// The host that it applies to; `None`: every host.
    pub host: Option<String>,
    /// The port that it applies to; `None`: every port.
    pub port: Option<u16>,
    /// The host to connect to; `None`: the same host.
    pub to_host: Option<String>,
    /// The port to connect to; `None`: the same port.
    pub to_port: Option<u16>,
}

/// Why a text is not a [`ResolveOverride`] or a [`ConnectTo`], and what a right one looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    typed: String,
    right: &'static str,
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "invalid value {:?}; right: {}", self.typed, self.right)
    }
}

impl std::error::Error for RouteError {}

impl ConnectOptions {
    /// Returns the route of a request for this URL.
    ///
    /// # Errors
    /// [`ProxyError`] when the request needs a proxy that is invalid, or a tunnel through it.
    pub(crate) fn route<'r>(&'r self, url: &'r Url) -> Result<Route<'r>, ProxyError> {
        let (host, port) = (url.host(), url.port());
        let other = self.connect_to.iter().find(|other| other.applies_to(host, port));
        match &self.via {
            ConnectVia::UnixSocket(path) => Ok(Route::Unix(path)),
            ConnectVia::Proxy(proxy, except) if !except.contains(host) => match (proxy, other) {
                (Err(error), _) => Err(error.clone()),
                (
                    Ok(_),
                    Some(ConnectTo { to_host: Some(_), .. } | ConnectTo { to_port: Some(_), .. }),
                ) => Err(ProxyError::Tunnel(host.to_owned())),
                (Ok(proxy), _) => Ok(Route::Proxy(proxy)),
            },
            ConnectVia::Direct | ConnectVia::Proxy(..) => {
                let to_host = other.and_then(|other| other.to_host.as_deref());
                let to_port = other.and_then(|other| other.to_port);
                let host = url.host_with_zone();
                Ok(Route::Direct(to_host.unwrap_or(host), to_port.unwrap_or(port)))
            }
        }
    }

    /// Returns the addresses that [`ConnectOptions::resolve`] gives for this host and port. `None` when it
    /// gives none of the wanted family: the name is looked up then, as with curl.
    pub(crate) fn known_addresses(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let overrides = || self.resolve.iter().rev().filter(|held| held.port == port);
        let names_host = |held: &&ResolveOverride| {
            held.host.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(host))
        };
        let known = overrides()
            .find(names_host)
            .or_else(|| overrides().find(|held| held.host.is_none()))?;
        let addresses = known.addresses.iter().map(|address| SocketAddr::new(*address, port));
        let wanted: Vec<_> = addresses.filter(|address| self.family.has(&address.ip())).collect();
        Some(wanted).filter(|wanted| !wanted.is_empty())
    }
}

impl ResolveOverride {
    /// Reads `HOST:PORT:ADDRESS[,ADDRESS]…`. An IPv6 address as the host needs brackets; among the
    /// addresses it may have them. A `+` in front, with which curl lets them expire, is accepted and has
    /// no effect.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn parse(typed: &str) -> Result<ResolveOverride, RouteError> {
        let read = || {
            let (host, rest) = host(typed.strip_prefix('+').unwrap_or(typed))?;
            let (port, addresses) = rest?.split_once(':')?;
            let addresses = addresses.split(',').map(|address| bare(address).parse().ok());
            let host = match host {
                "*" => None,
                "" => return None,
                host => Some(host.to_owned()),
            };
            let addresses = addresses.collect::<Option<_>>()?;
            Some(ResolveOverride { host, port: number(port)?, addresses })
        };
        let right = "HOST:PORT:ADDRESS[,ADDRESS]..., such as example.org:80:127.0.0.1";
        read().ok_or_else(|| RouteError { typed: typed.to_owned(), right })
    }
}

impl ConnectTo {
    /// Reads `HOST1:PORT1:HOST2:PORT2`. An empty HOST1 or PORT1 matches any, an empty HOST2 or PORT2 keeps
    /// the original. IPv6 addresses need brackets; the last colon may be omitted.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn parse(typed: &str) -> Result<ConnectTo, RouteError> {
        let port = |text: &str| match text {
            "" => Some(None),
            text => number(text).map(Some),
        };
        let named = |host: &str| Some(host.to_owned()).filter(|host| !host.is_empty());
        let read = || {
            let (from, rest) = host(typed)?;
            let (from_port, rest) = rest?.split_once(':')?;
            let (to, to_port) = host(rest)?;
            Some(ConnectTo {
                host: named(from),
                port: port(from_port)?,
                to_host: named(to),
                to_port: port(to_port.unwrap_or_default())?,
            })
        };
        let right = "HOST1:PORT1:HOST2:PORT2, such as example.org:80:127.0.0.1:8080; each part may be empty";
        read().ok_or_else(|| RouteError { typed: typed.to_owned(), right })
    }

    fn applies_to(&self, host: &str, port: u16) -> bool {
        self.host.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(host))
            && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// Writes the form that [`ResolveOverride::parse`] reads.
impl std::fmt::Display for ResolveOverride {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        let host = self.host.as_deref().map_or("*".to_owned(), bracketed);
        write!(f, "{host}:{}:{}", self.port, addresses.join(","))
    }
}

/// Writes the form that [`ConnectTo::parse`] reads.
impl std::fmt::Display for ConnectTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = |host: &Option<String>| host.as_deref().map(bracketed).unwrap_or_default();
        let port = |port: Option<u16>| port.map(|port| port.to_string()).unwrap_or_default();
        let (from, to) = (host(&self.host), host(&self.to_host));
        write!(f, "{from}:{}:{to}:{}", port(self.port), port(self.to_port))
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Splits a text at the colon after its host. Returns the host without brackets, and the rest, if there is
/// a colon.
fn host(text: &str) -> Option<(&str, Option<&str>)> {
    let end = match text.starts_with('[') {
        true => text.find(']')? + 1,
        false => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(end);
    let rest = match rest {
        "" => None,
        rest => Some(rest.strip_prefix(':')?),
    };
    Some((bare(host), rest))
}

/// Removes the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Reads a port from 1 to 65,535: digits only, without a sign.
fn number(port: &str) -> Option<u16> {
    let digits = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::route::Peer;
    use std::path::Path;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn resolve_overrides_replace_the_look_up() {
        let resolve = [
            "*:80:127.0.0.9",
            "A.example:80:127.0.0.1,[::1]",
            "+b.example:80:::2",
            "b.example:80:::3,127.0.0.3",
            "[::7]:81:127.0.0.7",
        ];
        let resolve = resolve.map(|held| ResolveOverride::parse(held).unwrap()).to_vec();
        assert!(
            resolve
                .iter()
                .all(|held| ResolveOverride::parse(&held.to_string()).as_ref() == Ok(held))
        );
        let known = |family, host: &str, port| {
            let options =
                ConnectOptions { family, resolve: resolve.clone(), ..ConnectOptions::default() };
            let known = options.known_addresses(host, port).unwrap_or_default();
            known.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        for (family, host, port, want) in [
            (Family::Any, "a.example", 80, "127.0.0.1:80 [::1]:80"),
            (Family::V4, "a.example", 80, "127.0.0.1:80"),
            (Family::V6, "a.example", 80, "[::1]:80"),
            (Family::Any, "b.example", 80, "[::3]:80 127.0.0.3:80"),
            (Family::Any, "127.0.0.5", 80, "127.0.0.9:80"),
            (Family::V6, "c.example", 80, ""),
            (Family::Any, "a.example", 81, ""),
            (Family::Any, "::7", 81, "127.0.0.7:81"),
        ] {
            assert_eq!(known(family, host, port), want, "{family} {host} {port}");
        }
        for wrong in [
            "",
            "a",
            "a:80",
            "a:80:",
            ":80:127.0.0.1",
            "a:x:127.0.0.1",
            "a:0:127.0.0.1",
            "a:*:127.0.0.1",
            "a:80:b",
            "a:80:127.0.0.1,",
            "a:80:127.0.0.1 ",
            "-a:80",
            "::2:80:127.0.0.1",
            "[::2:80:127.0.0.1",
            "a:+80:127.0.0.1",
            "a:99999:127.0.0.1",
        ] {
            assert!(
                ResolveOverride::parse(wrong).unwrap_err().to_string().contains("right: "),
                "{wrong}"
            );
        }
    }

    #[test]
    fn connect_to_changes_host_and_port() {
        for (connect_to, url_text, want) in [
            (&[][..], "a:81", ("a", 81)),
            (&["A:81:b:82"], "a:81", ("b", 82)),
            (&["a:81:b:82"], "a:82", ("a", 82)),
            (&["::b:82"], "a", ("b", 82)),
            (&["a::b:"], "a:81", ("b", 81)),
            (&["a::b"], "a:81", ("b", 81)),
            (&[":81::82"], "a:81", ("a", 82)),
            (&["a:81::"], "a:81", ("a", 81)),
            (&[":82:b:1", "::[::1]:2", "a:81:c:3"], "a:81", ("::1", 2)),
            (&["a:81:b:82", "b:82:c:83"], "a:81", ("b", 82)),
            (&["[::2]:81:127.0.0.1:82"], "[::2]:81", ("127.0.0.1", 82)),
        ] {
            let connect_to =
                connect_to.iter().map(|other| ConnectTo::parse(other).unwrap()).collect();
            let (options, url) =
                (ConnectOptions { connect_to, ..ConnectOptions::default() }, url(url_text));
            assert_eq!(options.route(&url), Ok(Route::Direct(want.0, want.1)), "{url_text}");
            for other in &options.connect_to {
                assert_eq!(ConnectTo::parse(&other.to_string()).as_ref(), Ok(other));
            }
        }
        for wrong in [
            "",
            "a",
            "a:81",
            "a:81:b:x",
            "a:81:b:99999",
            "a:x:b:1",
            "::2:81:b:82",
            "a:81:b:82:c",
            "a:0:b:1",
        ] {
            assert!(
                ConnectTo::parse(wrong).unwrap_err().to_string().contains("right: "),
                "{wrong}"
            );
        }
    }

    #[test]
    fn routes_through_proxies_and_sockets() {
        let via = |via, other: &str| {
            let connect_to = vec![ConnectTo::parse(other).unwrap()];
            ConnectOptions { via, connect_to, ..ConnectOptions::default() }
        };
        let proxy = Proxy::parse("p:3128").unwrap();
        let (a, b) = (url("a.example:81"), url("b.example"));
        let through =
            |options: &ConnectOptions, url: &Url| options.route(url).map(|route| route.peer(url));
        let server = |host: &str, port| Ok(Peer::Server(host.into(), port));
        let options =
            via(ConnectVia::Proxy(Ok(proxy.clone()), NoProxy::parse("b.example")), "::c:1");
        assert_eq!(options.route(&a), Err(ProxyError::Tunnel("a.example".to_owned())));
        assert_eq!(options.route(&b), Ok(Route::Direct("c", 1)));
        let options =
            via(ConnectVia::Proxy(Ok(proxy.clone()), NoProxy::default()), "b.example:81:c:1");
        assert_eq!(options.route(&a), Ok(Route::Proxy(&proxy)));
        assert_eq!(through(&options, &a), Ok(Peer::Proxy("p".into(), 3128)));
        let useless = ConnectVia::Proxy(Proxy::parse("socks5://p"), NoProxy::parse("b.example"));
        let options = via(useless, "x:1:c:1");
        assert_eq!(options.route(&a), Err(ProxyError::Scheme("socks5".to_owned())));
        assert_eq!(through(&options, &b), server("b.example", 80));
        let options = via(ConnectVia::UnixSocket("/s".into()), "::c:1");
        assert_eq!(options.route(&a), Ok(Route::Unix(Path::new("/s"))));
        assert_eq!(through(&options, &a), server("a.example", 81));
    }
}
