//! The flags that lead a request elsewhere than to its host: another server, a socket, a proxy; for every command that
//! sends requests.

use std::marker::PhantomData;
use std::path::PathBuf;

use super::ClientOptions;
use super::network::text;
use crate::cli::Effect::{Secret, Value};
use crate::cli::{Expected, Flag};

/// The table, for options that have those of `client` among them.
pub(in crate::cli) struct RouteFlags<T>(PhantomData<T>);

impl<T: AsMut<ClientOptions> + 'static> RouteFlags<T> {
    pub(in crate::cli) const FLAGS: &'static [Flag<T>] = &[
        Flag::new(
            None,
            "connect-to",
            Value("H1:P1:H2:P2", |options, value| {
                options.as_mut().network.connect_to.push(text(value, "HOST1:PORT1:HOST2:PORT2")?);
                Ok(())
            }),
            "for host H1 and port P1, connect to H2 and P2; an empty H1 or P1 matches any, an \
             empty H2 or P2 means the same as H1 or P1",
        ),
        Flag::new(
            None,
            "unix-socket",
            Value("PATH", |options, value| {
                options.as_mut().network.unix_socket = Some(PathBuf::from(value));
                Ok(())
            }),
            "connect through this Unix domain socket",
        ),
        Flag::new(
            Some('x'),
            "proxy",
            Secret("PROXY", |options, value| {
                options.as_mut().network.proxy =
                    Some(text(value, "http://user:password@host:port")?);
                Ok(())
            }),
            "use this HTTP proxy: [http://][user:password@]host[:port]; '' for none (client: \
             default $http_proxy, then $all_proxy, $ALL_PROXY)",
        ),
        Flag::new(
            Some('U'),
            "proxy-user",
            Secret("USER:PASSWORD", |options, value| {
                let right = "user:password (there is no prompt)";
                let user = text(value, right)?;
                options.as_mut().network.proxy_user = Some(user).filter(|user| user.contains(':'));
                options.as_mut().network.proxy_user.as_ref().map(drop).ok_or(Expected(right))
            }),
            "user name and password for the proxy (Basic), percent-decoded",
        ),
        Flag::new(
            None,
            "noproxy",
            Value("LIST", |options, value| {
                options.as_mut().network.no_proxy =
                    Some(text(value, "example.org,10.0.0.0/8, or *")?);
                Ok(())
            }),
            "do not use the proxy for these hosts: names (including their subdomains), addresses, \
             networks, or * (client: default $no_proxy, then $NO_PROXY)",
        ),
    ];
}
