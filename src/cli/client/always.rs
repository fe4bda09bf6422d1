//! Flags of curl that promise what is always so here. They are accepted, so that commands that were written for curl
//! work; one whose opposite would be untrue has none.

use super::ClientOptions;
use crate::cli::Effect::Choice;
use crate::cli::Flag;

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "http1.1",
        Choice(|options| options.http10 = false),
        "use HTTP/1.1, which is the default; after -0, it takes that back",
    ),
    always(
        Some('k'),
        "insecure",
        "check no certificate: there is no TLS, and an https URL is an error",
    ),
    always(None, "proxy-insecure", "the same for proxies"),
    always(None, "basic", "use Basic for -u; there is nothing else"),
    always(None, "proxy-basic", "use Basic for -U; there is nothing else"),
    always(None, "path-as-is", "send /../ and /./ in a path as they are typed"),
    always(None, "tcp-nodelay", "send small segments at once (TCP_NODELAY)"),
    always(
        None,
        "no-keepalive",
        "send no TCP keep-alive probes; HTTP connections are kept all the same",
    ),
    always(None, "parallel-immediate", "with -Z, open a connection rather than wait for one"),
    always(None, "no-alpn", "negotiate no protocol with TLS"),
    always(None, "no-npn", "the same in an older form"),
    always(None, "no-sessionid", "resume no session of TLS"),
    always(None, "no-http0.9", "refuse a response of HTTP/0.9, which has no head"),
    always(None, "no-styled-output", "print heads without colours"),
];

const fn always(
    short: Option<char>,
    long: &'static str,
    help: &'static str,
) -> Flag<ClientOptions> {
    Flag::new(short, long, Choice(|_| {}), help)
}
