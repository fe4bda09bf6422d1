//! The way to a server: which address is taken for its name, where its connections are led, and what
//! they go through. A pure function of the URL; [`super::dial`] goes it.
//!
//! None of it changes what is asked: Host and the URL stay the server's.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::proxy::{Except, Proxy, ProxyError};
use crate::net::resolve::Family;
use crate::proto::http::url::Url;

/// How servers are reached. By default: at the addresses of their names, and nothing in between; the
/// environment is not read.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    /// Which addresses are taken.
    pub family: Family,
    /// Addresses that are known, and not looked up.
    pub pins: Vec<Pin>,
    /// Connections that are led elsewhere; the first that fits counts.
    pub detours: Vec<Detour>,
    /// What they go through.
    pub via: Via,
}

/// What a connection goes through.
#[derive(Debug, Clone, Default)]
pub enum Via {
    /// Nothing: to the server itself.
    #[default]
    Direct,
    /// A proxy, but for some hosts. What is wrong with it is the error of a request that needs it.
    Proxy(Result<Proxy, ProxyError>, Except),
    /// This socket in the file system, whatever the host; no name is looked up.
    Unix(PathBuf),
}

/// The addresses of a host, as curl's `--resolve`: `HOST:PORT:ADDRESS[,ADDRESS]…`. Of two for the same
/// the later counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Whose they are; `None`: everyone's who has none of his own (`*`).
    pub host: Option<String>,
    /// And only for this port.
    pub port: u16,
    /// The addresses, in the order in which they are tried.
    pub addresses: Vec<IpAddr>,
}

/// Another place to connect to, as curl's `--connect-to`: `HOST1:PORT1:HOST2:PORT2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// For this host; `None`: for every.
    pub host: Option<String>,
    /// For this port; `None`: for every.
    pub port: Option<u16>,
    /// To this host; `None`: the same.
    pub to_host: Option<String>,
    /// To this port; `None`: the same.
    pub to_port: Option<u16>,
}

/// Not a [`Pin`] or a [`Detour`]: what was typed, and what is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    typed: String,
    right: &'static str,
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}; right: {}", self.typed, self.right)
    }
}

impl std::error::Error for RouteError {}

/// Whom a connection leads to, for requests that could use it again: a host, in lower case, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Requests for it only.
    Server(Box<str>, u16),
    /// Requests for anyone.
    Proxy(Box<str>, u16),
}

impl Peer {
    pub(crate) fn host(&self) -> &str {
        match self {
            Peer::Server(host, _) | Peer::Proxy(host, _) => host,
        }
    }

    fn server(url: &Url) -> Peer {
        Peer::Server(url.host().into(), url.port())
    }
}

/// The way of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'r> {
    /// To this host and port.
    Direct(&'r str, u16),
    Proxy(&'r Proxy),
    Unix(&'r Path),
}

impl<'r> Route<'r> {
    /// The proxy, if there is one.
    pub(crate) fn proxy(self) -> Option<&'r Proxy> {
        match self {
            Route::Proxy(proxy) => Some(proxy),
            Route::Direct(..) | Route::Unix(_) => None,
        }
    }

    /// Who is at its end.
    pub(crate) fn peer(self, url: &Url) -> Peer {
        match self {
            Route::Proxy(proxy) => Peer::Proxy(proxy.host().into(), proxy.port()),
            Route::Direct(..) | Route::Unix(_) => Peer::server(url),
        }
    }
}

impl Routes {
    /// The way to this URL's server.
    ///
    /// # Errors
    /// [`ProxyError`], where a proxy would be asked that is of no use.
    pub(crate) fn to<'r>(&'r self, url: &'r Url) -> Result<Route<'r>, ProxyError> {
        let (host, port) = (url.host(), url.port());
        let detour = self.detours.iter().find(|detour| detour.is_for(host, port));
        match &self.via {
            Via::Unix(path) => Ok(Route::Unix(path)),
            Via::Proxy(proxy, except) if !except.has(host) => match (proxy, detour) {
                (Err(error), _) => Err(error.clone()),
                (
                    Ok(_),
                    Some(Detour { to_host: Some(_), .. } | Detour { to_port: Some(_), .. }),
                ) => Err(ProxyError::Tunnel(host.to_owned())),
                (Ok(proxy), _) => Ok(Route::Proxy(proxy)),
            },
            Via::Direct | Via::Proxy(..) => {
                let to_host = detour.and_then(|detour| detour.to_host.as_deref());
                let to_port = detour.and_then(|detour| detour.to_port);
                Ok(Route::Direct(to_host.unwrap_or(host), to_port.unwrap_or(port)))
            }
        }
    }

    /// The addresses that are known, without looking up. Where none is of the family that is wanted,
    /// none is known, as with curl.
    pub(crate) fn pinned(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let pins = || self.pins.iter().rev().filter(|pin| pin.port == port);
        let is_his =
            |pin: &&Pin| pin.host.as_deref().is_some_and(|it| it.eq_ignore_ascii_case(host));
        let pin = pins().find(is_his).or_else(|| pins().find(|pin| pin.host.is_none()))?;
        let addresses = pin.addresses.iter().map(|address| SocketAddr::new(*address, port));
        let wanted: Vec<_> = addresses.filter(|address| self.family.has(address)).collect();
        Some(wanted).filter(|wanted| !wanted.is_empty())
    }
}

impl Pin {
    /// Reads `HOST:PORT:ADDRESS[,ADDRESS]…`. An IPv6 address as the host stands in brackets, among the
    /// addresses it may; a `+` in front, which for curl lets them grow old, changes nothing here.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn parse(typed: &str) -> Result<Pin, RouteError> {
        let read = || {
            let (host, rest) = host(typed.strip_prefix('+').unwrap_or(typed))?;
            let (port, addresses) = rest?.split_once(':')?;
            let addresses = addresses.split(',').map(|address| bare(address).parse().ok());
            let host = match host {
                "*" => None,
                "" => return None,
                host => Some(host.to_owned()),
            };
            Some(Pin { host, port: number(port)?, addresses: addresses.collect::<Option<_>>()? })
        };
        let right = "HOST:PORT:ADDRESS[,ADDRESS]..., as example.org:80:127.0.0.1";
        read().ok_or_else(|| RouteError { typed: typed.to_owned(), right })
    }
}

impl Detour {
    /// Reads `HOST1:PORT1:HOST2:PORT2`. What is empty is any host and port, or the same. IPv6 addresses
    /// stand in brackets; the last colon may be missing.
    ///
    /// # Errors
    /// [`RouteError`].
    pub fn parse(typed: &str) -> Result<Detour, RouteError> {
        let port = |text: &str| match text {
            "" => Some(None),
            text => number(text).map(Some),
        };
        let named = |host: &str| Some(host.to_owned()).filter(|host| !host.is_empty());
        let read = || {
            let (from, rest) = host(typed)?;
            let (from_port, rest) = rest?.split_once(':')?;
            let (to, to_port) = host(rest)?;
            Some(Detour {
                host: named(from),
                port: port(from_port)?,
                to_host: named(to),
                to_port: port(to_port.unwrap_or_default())?,
            })
        };
        let right =
            "HOST1:PORT1:HOST2:PORT2, as example.org:80:127.0.0.1:8080, each of which may be empty";
        read().ok_or_else(|| RouteError { typed: typed.to_owned(), right })
    }

    fn is_for(&self, host: &str, port: u16) -> bool {
        self.host.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(host))
            && self.port.is_none_or(|it| it == port)
    }
}

/// As [`Pin::parse`] reads it.
impl std::fmt::Display for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        let host = self.host.as_deref().map_or("*".to_owned(), bracketed);
        write!(f, "{host}:{}:{}", self.port, addresses.join(","))
    }
}

/// As [`Detour::parse`] reads it.
impl std::fmt::Display for Detour {
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

/// A host, without its brackets, and what follows its colon, if there is one.
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

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// A port that one can connect to: digits, and nothing else.
fn number(port: &str) -> Option<u16> {
    let digits = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn addresses_that_are_known() {
        let pins = [
            "*:80:127.0.0.9",
            "A.example:80:127.0.0.1,[::1]",
            "+b.example:80:::2",
            "b.example:80:::3,127.0.0.3",
            "[::7]:81:127.0.0.7",
        ];
        let pins = pins.map(|pin| Pin::parse(pin).unwrap()).to_vec();
        assert!(pins.iter().all(|pin| Pin::parse(&pin.to_string()).as_ref() == Ok(pin)));
        let known = |family, host: &str, port| {
            let routes = Routes { family, pins: pins.clone(), ..Routes::default() };
            let known = routes.pinned(host, port).unwrap_or_default();
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
            assert!(Pin::parse(wrong).unwrap_err().to_string().contains("right: "), "{wrong}");
        }
    }

    #[test]
    fn connections_that_are_led_elsewhere() {
        for (detours, url_text, want) in [
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
            let detours = detours.iter().map(|detour| Detour::parse(detour).unwrap()).collect();
            let (routes, url) = (Routes { detours, ..Routes::default() }, url(url_text));
            assert_eq!(routes.to(&url), Ok(Route::Direct(want.0, want.1)), "{url_text}");
            for detour in &routes.detours {
                assert_eq!(Detour::parse(&detour.to_string()).as_ref(), Ok(detour));
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
            assert!(Detour::parse(wrong).unwrap_err().to_string().contains("right: "), "{wrong}");
        }
    }

    #[test]
    fn what_connections_go_through() {
        let via = |via, detour: &str| {
            let detours = vec![Detour::parse(detour).unwrap()];
            Routes { via, detours, ..Routes::default() }
        };
        let proxy = Proxy::parse("p:3128").unwrap();
        let (a, b) = (url("a.example:81"), url("b.example"));
        let through = |routes: &Routes, url: &Url| routes.to(url).map(|route| route.peer(url));
        let server = |host: &str, port| Ok(Peer::Server(host.into(), port));
        let routes = via(Via::Proxy(Ok(proxy.clone()), Except::parse("b.example")), "::c:1");
        assert_eq!(routes.to(&a), Err(ProxyError::Tunnel("a.example".to_owned())));
        assert_eq!(routes.to(&b), Ok(Route::Direct("c", 1)));
        let routes = via(Via::Proxy(Ok(proxy.clone()), Except::default()), "b.example:81:c:1");
        assert_eq!(routes.to(&a), Ok(Route::Proxy(&proxy)));
        assert_eq!(through(&routes, &a), Ok(Peer::Proxy("p".into(), 3128)));
        let useless = Via::Proxy(Proxy::parse("socks5://p"), Except::parse("b.example"));
        let routes = via(useless, "x:1:c:1");
        assert_eq!(routes.to(&a), Err(ProxyError::Scheme("socks5".to_owned())));
        assert_eq!(through(&routes, &b), server("b.example", 80));
        let routes = via(Via::Unix("/s".into()), "::c:1");
        assert_eq!(routes.to(&a), Ok(Route::Unix(Path::new("/s"))));
        assert_eq!(through(&routes, &a), server("a.example", 81));
    }
}
