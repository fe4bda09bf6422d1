//! The route of one request, and the peer at its end. [`super::dial`] connects along it.

use std::path::Path;

use super::proxy::Proxy;
use crate::proto::http::url::Url;

/// The route of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'r> {
    /// To this host and port.
    Direct(&'r str, u16),
    /// Through this proxy.
    Proxy(&'r Proxy),
    /// To this Unix domain socket.
    Unix(&'r Path),
}

impl<'r> Route<'r> {
    /// Returns the direct route to this URL's server.
    #[cfg(feature = "cli")]
    pub(crate) fn direct(url: &'r Url) -> Route<'r> {
        Route::Direct(url.host_with_zone(), url.port())
    }

    /// Returns the proxy, if the route has one.
    pub(super) fn proxy(self) -> Option<&'r Proxy> {
        match self {
            Route::Proxy(proxy) => Some(proxy),
            Route::Direct(..) | Route::Unix(_) => None,
        }
    }

    /// Returns the peer at the end of the route, for a request for this URL.
    pub(super) fn peer(self, url: &Url) -> Peer {
        match self {
            Route::Proxy(proxy) => Peer::Proxy(proxy.host().into(), proxy.port()),
            Route::Direct(..) | Route::Unix(_) => {
                Peer::Server(url.host_with_zone().into(), url.port())
            }
        }
    }
}

/// The peer of a connection: a host in lower case and a port. Requests for the same peer can share a
/// connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Peer {
    /// A server, which takes requests for itself only.
    Server(Box<str>, u16),
    /// A proxy, which takes requests for any server.
    Proxy(Box<str>, u16),
}

impl Peer {
    pub(super) fn host(&self) -> &str {
        match self {
            Peer::Server(host, _) | Peer::Proxy(host, _) => host,
        }
    }
}
