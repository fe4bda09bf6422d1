//! An event as lines of text, in curl's wording where curl has one: `*` marks what the client does, `>` what
//! it sends, `<` what it receives.

use std::io::{self, Write};

use super::dns::LookupStep;
use super::error::in_one_line;
use super::event::Event;
use crate::net::stream::Endpoints;
use crate::proto::http::field_line::strip_ending;
use crate::text::{escape_for_terminal, rounded};

/// Writes the lines about an event; some events have none.
///
/// # Errors
/// Those of `out`.
pub fn write_event(event: &Event<'_>, out: &mut impl Write) -> io::Result<()> {
    match event {
        Event::Lookup(LookupStep::System) => Ok(()),
        Event::Lookup(step) => writeln!(out, "* {step}"),
        Event::Resolved(host, [address]) if address.ip().to_string() == *host => Ok(()),
        Event::Resolved(host, addresses) => {
            let addresses: Vec<_> = addresses.iter().map(|at| at.ip().to_string()).collect();
            writeln!(out, "* Host {host} is at {}", addresses.join(", "))
        }
        Event::Trying(address) => writeln!(out, "*   Trying {address}..."),
        Event::Failed(address, error) => writeln!(out, "* {address}: {}", in_one_line(*error)),
        Event::Abandoned(address) => writeln!(out, "* {address}: another one was faster"),
        Event::Connected(id, host, Endpoints::Tcp { remote, .. }) => {
            let (ip, port) = (remote.ip(), remote.port());
            writeln!(out, "* Connected to {host} ({ip}) port {port} (#{id})")
        }
        Event::Connected(id, host, Endpoints::Unix(path)) => {
            writeln!(out, "* Connected to {host} ({}) (#{id})", path.display())
        }
        Event::Reusing(id, host) => {
            writeln!(out, "* Re-using existing connection #{id} with host {host}")
        }
        Event::Stale(id) => writeln!(out, "* The server had closed connection #{id}"),
        Event::Reconnecting(id) => writeln!(
            out,
            "* Connection #{id} broke before a response came; sending again on a fresh one"
        ),
        Event::Sending(head) => write_head('>', head, out),
        Event::Pipelined { number, total, method, url } => {
            writeln!(out, "* Response {number} of {total}, to {} {}", method.as_str(), url.path)
        }
        Event::PipelineBroken { unanswered, total } => writeln!(
            out,
            "* {unanswered} of {total} requests have no response; they are sent again, one by one"
        ),
        Event::Redirected(_, url) => writeln!(out, "* Issue another request to this URL: '{url}'"),
        Event::Retry(number, pause) => {
            writeln!(out, "* Retry {number} in {:?}", rounded(*pause))
        }
        // The result of each is reported, and the caller reports the errors.
        Event::Resolving(_)
        | Event::Wrote(..)
        | Event::Read(..)
        | Event::Sent(_)
        | Event::FirstByte
        | Event::Received(_)
        | Event::Ended(_)
        | Event::GaveUp(_) => Ok(()),
        Event::Interim(head) | Event::Head(head) => write_head('<', head.headers.source(), out),
        Event::Trailers(trailers) => {
            let mut text = Vec::new();
            trailers.encode(&mut text);
            write_head('<', &text, out)
        }
        Event::Kept(id, host) => writeln!(out, "* Connection #{id} to host {host} left intact"),
        Event::Closed(id, close) => writeln!(out, "* Closing connection #{id}: {close}"),
    }
}

/// Writes each line of a head after its mark. No byte of it can control a terminal: a valid head has no
/// C0 control but a tab, and others (C1) are escaped.
fn write_head(mark: char, head: &[u8], out: &mut impl Write) -> io::Result<()> {
    head.split_inclusive(|&byte| byte == b'\n')
        .try_for_each(|line| writeln!(out, "{mark} {}", escape_for_terminal(strip_ending(line))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::proto::http::close::CloseReason;

    fn told(event: &Event<'_>) -> String {
        let mut out = Vec::new();
        write_event(event, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn events_as_text() {
        let address = "[::1]:80".parse().unwrap();
        let (tcp, unix) =
            (Endpoints::Tcp { local: address, remote: address }, Endpoints::Unix("/s".into()));
        for (event, want) in [
            (Event::Trying(address), "*   Trying [::1]:80...\n"),
            (Event::Connected(0, "h", &tcp), "* Connected to h (::1) port 80 (#0)\n"),
            (Event::Connected(0, "h", &unix), "* Connected to h (/s) (#0)\n"),
            (
                Event::Sending(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
                "> GET / HTTP/1.1\n> Host: h\n> \n",
            ),
            (
                Event::Sending("GET / HTTP/1.1\r\nX: a\t\u{9b}2J é\\\r\n\r\n".as_bytes()),
                "> GET / HTTP/1.1\n> X: a\t\\xC2\\x9B2J é\\\n> \n",
            ),
            (Event::Sending(b"GET /\x9b\xe9 HTTP/1.1\r\n"), "> GET /\\x9B\\xE9 HTTP/1.1\n"),
            (Event::Retry(1, Duration::from_nanos(1_372_499_108)), "* Retry 1 in 1.37s\n"),
            (Event::Kept(0, "h"), "* Connection #0 to host h left intact\n"),
            (Event::Reusing(0, "h"), "* Re-using existing connection #0 with host h\n"),
            (
                Event::Closed(2, CloseReason::PeerAsked),
                "* Closing connection #2: the peer asked for it\n",
            ),
        ] {
            assert_eq!(told(&event), want);
        }
    }
}
