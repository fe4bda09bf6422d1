//! How the command reaches servers, and how long everything may take: from its flags and the environment,
//! as curl, to the library's [`ConnectOptions`] and [`Timeouts`].
//!
//! | variable | what it says |
//! |---|---|
//! | `http_proxy` | the proxy for http, unless `-x` says it |
//! | `all_proxy`, `ALL_PROXY` | the same, where that says nothing |
//! | `no_proxy`, `NO_PROXY` | who is asked without it, unless `--noproxy` says it |
//!
//! An empty variable says nothing; an empty flag says "none". `HTTP_PROXY` is not read: a CGI program
//! gets the field `Proxy` of a request under that name, so that a client could choose the proxy for
//! what it asks others (CVE-2016-5385).

use std::env;
use std::time::Duration;

use super::decoding;
use super::error::CommandError;
use super::field_file::with_files;
use super::local_end::local_end;
use crate::cli::client::retry::{Follow, RetryOptions};
use crate::cli::client::{ClientOptions, Field, NetworkOptions, OneFamily, TimeLimits};
use crate::client::{
    Client, Config, ConnectOptions, ConnectTo, ConnectVia, CredentialScope, Family, Limits,
    LocalEnd, NoProxy, OnRepeat, Proxy, ProxyError, Rate, RedirectRules, Redirects, RefererRule,
    ResolveOverride, RouteError, Timeouts,
};

/// Returns how connections are opened. `variable` returns the value of an environment variable.
///
/// # Errors
/// What is wrong with a `--resolve` or a `--connect-to`. A proxy that is of no use is the error of the
/// request that needs it.
pub fn connect_options(
    network: &NetworkOptions,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ConnectOptions, String> {
    let family = match network.family {
        None => Family::Any,
        Some(OneFamily::V4) => Family::V4,
        Some(OneFamily::V6) => Family::V6,
    };
    let wrong = |flag| move |error: RouteError| format!("{flag}: {error}");
    let resolve = network.resolve.iter().map(|typed| ResolveOverride::parse(typed));
    let resolve = resolve.collect::<Result<_, _>>().map_err(wrong("--resolve"))?;
    let connect_to = network.connect_to.iter().map(|typed| ConnectTo::parse(typed));
    let connect_to = connect_to.collect::<Result<_, _>>().map_err(wrong("--connect-to"))?;
    let said = |flag: &Option<String>, names: &[&str]| {
        let variables = || names.iter().find_map(|name| variable(name).filter(|it| !it.is_empty()));
        flag.clone().or_else(variables).filter(|said| !said.is_empty())
    };
    let proxy = said(&network.proxy, &["http_proxy", "all_proxy", "ALL_PROXY"]);
    let via = match (&network.unix_socket, proxy) {
        (Some(path), _) => ConnectVia::UnixSocket(path.clone()),
        (None, None) => ConnectVia::Direct,
        (None, Some(proxy)) => {
            let list = said(&network.no_proxy, &["no_proxy", "NO_PROXY"]);
            let proxy = known(&proxy, network.proxy_user.as_deref());
            ConnectVia::Proxy(proxy, NoProxy::parse(&list.unwrap_or_default()))
        }
    };
    let resolver = network.resolver.clone();
    Ok(ConnectOptions { family, resolver, resolve, connect_to, via, local: LocalEnd::default() })
}

/// Returns the proxy with the fields of `--proxy-header`.
fn with_fields(mut proxy: Proxy, fields: &[Field]) -> Result<Proxy, CommandError> {
    for field in with_files(fields)? {
        let changed = match field {
            Field::Add(name, value) => proxy.with_header(&name, value),
            Field::Remove(name) => Ok(proxy.without_default(&name)),
            Field::File(_) => Ok(proxy), // its fields are in its place
        };
        proxy = changed.map_err(|error| CommandError::Usage(format!("--proxy-header: {error}")))?;
    }
    Ok(proxy)
}

/// The proxy, and who asks it.
fn known(proxy: &str, user: Option<&str>) -> Result<Proxy, ProxyError> {
    let proxy = Proxy::parse(proxy)?;
    match user {
        Some(user) => proxy.with_user(user),
        None => Ok(proxy),
    }
}

/// Returns the time limits. As with curl, only connecting has a limit by default.
pub fn timeouts(limits: &TimeLimits, total: Option<Duration>) -> Timeouts {
    Timeouts {
        resolve: limits.resolve,
        connect: limits.connect.or(Some(Duration::from_secs(300))),
        send_idle: limits.send,
        expect_continue: limits.expect_continue.unwrap_or(Timeouts::default().expect_continue),
        first_byte: limits.first_byte,
        body_idle: limits.idle,
        rate: limits.rate().map(|(bytes, over)| Rate { bytes, over }),
        total,
    }
}

/// Returns the limits of responses.
pub fn response_limits(network: &NetworkOptions) -> Limits {
    let usual = Limits::of_responses();
    let fields = network.response_fields.unwrap_or(usual.fields);
    let head = network.response_head.unwrap_or(usual.head);
    Limits { fields, ..usual }.with_response_head(head)
}

/// Returns a client with curl's defaults: redirects are followed on request only, only a whole transfer
/// is retried, and only connecting has a time limit that was not requested.
///
/// # Errors
/// As [`connect_options`].
pub(super) fn client(options: &ClientOptions) -> Result<Client, CommandError> {
    config(options).map(Client::with_config)
}

/// Returns the settings of [`client`]. No cookies are kept.
///
/// # Errors
/// As [`connect_options`].
pub(super) fn config(options: &ClientOptions) -> Result<Config, CommandError> {
    let variable = |name: &str| env::var_os(name).map(|it| it.to_string_lossy().into_owned());
    let connect = connect_options(&options.network, variable);
    let mut connect = connect.map_err(|what| CommandError::Failed(49, what))?;
    connect.local = local_end(&options.network).map_err(|what| CommandError::Failed(45, what))?;
    if let ConnectVia::Proxy(Ok(proxy), _) = &mut connect.via {
        *proxy = with_fields(proxy.clone(), &options.network.proxy_fields)?;
    }
    let timeouts = timeouts(&options.limits, options.max_time);
    let redirects = redirects(&options.retry, options.auto_referer);
    let limits = response_limits(&options.network);
    let body = decoding::body_form(options);
    Ok(Config { timeouts, connect, redirects, limits, body, ..Config::default() })
}

/// Returns the options without a proxy, whatever the environment says: the command asks the host itself.
pub(super) fn direct(options: &ClientOptions) -> ClientOptions {
    let mut options = options.clone();
    options.network.proxy = Some(String::new());
    options
}

fn redirects(wishes: &RetryOptions, auto_referer: bool) -> Redirects {
    let credentials = match wishes.follow {
        Follow::No => return Redirects::Return,
        Follow::Yes => CredentialScope::SameOrigin,
        Follow::Trusted => CredentialScope::AnyHost,
    };
    // A page that redirects to itself until something is ready is allowed.
    let on_repeat = OnRepeat::Allow;
    let referer = if auto_referer { RefererRule::Previous } else { RefererRule::Keep };
    let keep_post = wishes.stays_post.clone();
    let max = wishes.most_redirects;
    Redirects::Custom(RedirectRules { max, keep_post, credentials, on_repeat, referer })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flags (`-x`, `--noproxy`), variables, and the proxy that is found, with who is excepted.
    #[test]
    fn flags_come_before_the_environment() {
        for (flags, variables, want) in [
            ([None, None], &[][..], None),
            ([Some("p:1"), None], &[("http_proxy", "q:1")], Some(("http://p:1", ""))),
            ([Some(""), None], &[("http_proxy", "q:1")], None),
            ([None, None], &[("HTTP_PROXY", "q:1")], None),
            (
                [None, None],
                &[("http_proxy", "q:1"), ("ALL_PROXY", "r:1")],
                Some(("http://q:1", "")),
            ),
            ([None, None], &[("http_proxy", ""), ("ALL_PROXY", "r:1")], Some(("http://r:1", ""))),
            ([None, None], &[("all_proxy", "q:1"), ("ALL_PROXY", "r:1")], Some(("http://q:1", ""))),
            ([Some("p:1"), None], &[("NO_PROXY", "a")], Some(("http://p:1", "a"))),
            (
                [Some("p:1"), None],
                &[("no_proxy", ""), ("NO_PROXY", "a")],
                Some(("http://p:1", "a")),
            ),
            (
                [Some("p:1"), None],
                &[("no_proxy", "b"), ("NO_PROXY", "a")],
                Some(("http://p:1", "b")),
            ),
            ([Some("p:1"), Some("c")], &[("no_proxy", "b")], Some(("http://p:1", "c"))),
            ([Some("p:1"), Some("")], &[("no_proxy", "b")], Some(("http://p:1", ""))),
        ] {
            let [proxy, no_proxy] = flags.map(|flag| flag.map(str::to_owned));
            let network = NetworkOptions { proxy, no_proxy, ..NetworkOptions::default() };
            let variable = |name: &str| {
                let found = variables.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let case = format!("{flags:?} {variables:?}");
            match connect_options(&network, variable).unwrap().via {
                ConnectVia::Proxy(Ok(proxy), except) => {
                    let (place, list) = want.expect(&case);
                    assert_eq!(proxy.to_string(), place, "{case}");
                    assert_eq!(except, NoProxy::parse(list), "{case}");
                }
                ConnectVia::Direct => assert_eq!(want, None, "{case}"),
                other => panic!("{case}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_socket_comes_before_a_proxy_and_a_useless_proxy_is_nothing_yet() {
        let no_variable = |_: &str| None;
        let network =
            NetworkOptions { proxy: Some("socks5://p".to_owned()), ..NetworkOptions::default() };
        let via = connect_options(&network, no_variable).unwrap().via;
        assert!(matches!(via, ConnectVia::Proxy(Err(ProxyError::Scheme(_)), _)), "{via:?}");
        let network = NetworkOptions { unix_socket: Some("/s".into()), ..network };
        assert!(matches!(
            connect_options(&network, no_variable).unwrap().via,
            ConnectVia::UnixSocket(_)
        ));
        let network =
            NetworkOptions { connect_to: vec!["a".to_owned()], ..NetworkOptions::default() };
        assert!(connect_options(&network, no_variable).is_err());
    }
}
