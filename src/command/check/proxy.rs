//! What a proxy makes of a request and of its answer. The origin server behind it is one of this program
//! ([`origin`](super::origin)), so that what arrives there can be seen. Run only when asked.

use std::time::Duration;

use super::expect::{answered, same, status, status_is};
use super::heard::Heard;
use super::origin::{Origin, PAGE};
use super::table::{Check, Force, Stop, Until, Verdict, fail, skip, steps};
use super::talk::Talk;

/// How long another client may wait while one waits for a silent origin.
const SOON: Duration = Duration::from_secs(2);

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    steps("proxy.forwards", Force::Asked, "RFC 9112, 3.2.2", forwards)
        .asks("A request with a whole URL is answered with the page of that server."),
    steps("proxy.origin-form", Force::Must, "RFC 9112, 3.2.1", origin_form)
        .asks("To the origin server the proxy sends the path and the query only.")
        .right("GET /page/1?x=1 HTTP/1.1"),
    steps("proxy.host", Force::Must, "RFC 9112, 3.2.2", host)
        .asks("Host is that of the URL, once, whatever the client said.")
        .right("Host: 127.0.0.1:8081"),
    steps("proxy.hop-by-hop", Force::Must, "RFC 9110, 7.6.1", hop_by_hop)
        .asks("A field that Connection names is for the proxy, and not sent on.")
        .right("no field X-Hop, after Connection: X-Hop"),
    steps("proxy.proxy-connection", Force::Should, "RFC 9110, 7.6.1", proxy_connection)
        .asks("Proxy-Connection, Keep-Alive and TE are for the proxy, and not sent on.")
        .right("neither of these fields"),
    steps("proxy.fields", Force::Must, "RFC 9110, 5.1", fields)
        .asks("Fields that the proxy does not know are sent on, in both directions.")
        .right("X-Test: 1"),
    steps("proxy.via", Force::Must, "RFC 9110, 7.6.3", via)
        .asks("A proxy adds itself to Via.")
        .right("Via: 1.1 proxy"),
    steps("proxy.status", Force::Asked, "RFC 9110, 15", missing)
        .asks("The status of the origin server is passed on.")
        .right("HTTP/1.1 404 Not Found"),
    steps("proxy.post", Force::Asked, "RFC 9110, 9.3.3", post)
        .asks("The body of a POST reaches the origin server whole."),
    steps("proxy.dead-origin", Force::Asked, "RFC 9110, 15.6.3", dead_origin)
        .asks("An origin server that cannot be reached is answered for by the proxy, with an error.")
        .right("HTTP/1.1 502 Bad Gateway"),
    steps("proxy.silent-origin", Force::Asked, "RFC 9110, 15.6.5", silent_origin)
        .asks("A client that waits for a silent origin server holds up no other client.")
        .right("serve each client in a thread of its own"),
    steps("cache.second", Force::Asked, "RFC 9111, 4", cached)
        .asks("A page that may be kept is sent by its origin server once; later it is asked at most whether it changed.")
        .right("the second answer comes from the cache"),
    steps("cache.others", Force::Asked, "RFC 9111, 4", others)
        .asks("Another page, or another query, is another entry of the cache."),
];

/// Returns the origin server; a check of a proxy is of no use without.
fn origin<'t>(talk: &Talk<'t>) -> Result<&'t Origin, Stop> {
    talk.facts.origin.as_ref().map_or_else(|| skip("no origin server could be started"), Ok)
}

/// The field with which most requests ask the proxy to close.
const CLOSE: &str = "Connection: close\r\n";

/// Returns a request to the proxy for this path of the server `host`, with these fields besides.
fn get(host: &str, path: &str, fields: &str) -> String {
    format!("GET http://{host}{path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
}

/// Asks the proxy for this path of the origin server, with these fields besides.
fn ask(talk: &mut Talk<'_>, path: &str, fields: &str) -> Result<Heard, Stop> {
    let request = get(&origin(talk)?.host(), path, fields);
    talk.exchange(request.as_bytes(), Until::Answers(1))
}

/// Returns the head of a request, line by line.
fn head_of(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request);
    text.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Asks for a page of its own with these fields, and returns the head that the origin server got, line by line.
fn forwarded(talk: &mut Talk<'_>, query: &str, fields: &str) -> Result<Vec<String>, Stop> {
    let path = origin(talk)?.path("page");
    ask(talk, &format!("{path}{query}"), fields)?;
    match &origin(talk)?.requests(&path)[..] {
        [] => fail("no request reached the origin server"),
        [request, ..] => Ok(head_of(request)),
    }
}

/// Returns the lines of fields with this name.
fn with_name<'h>(head: &'h [String], name: &str) -> Vec<&'h String> {
    let is_it = |line: &&String| {
        line.split_once(':').is_some_and(|(held, _)| held.trim().eq_ignore_ascii_case(name))
    };
    head.iter().skip(1).filter(is_it).collect()
}

fn forwards(talk: &mut Talk<'_>) -> Verdict {
    let path = origin(talk)?.path("page");
    let heard = ask(talk, &path, CLOSE)?;
    status(&heard, &[200])?;
    same(&heard, PAGE.as_bytes(), "the page of the origin server")
}

fn origin_form(talk: &mut Talk<'_>) -> Verdict {
    let head = forwarded(talk, "?x=1", CLOSE)?;
    let line = head.first().cloned().unwrap_or_default();
    match line.starts_with("GET /page/") && line.contains("?x=1 HTTP/1.") {
        true => Ok(line),
        false => fail(format!("the origin server got {line:?}")),
    }
}

fn host(talk: &mut Talk<'_>) -> Verdict {
    let (wanted, path) = (origin(talk)?.host(), origin(talk)?.path("page"));
    let right = format!("\r\nHost: {wanted}\r\n");
    let request = get(&wanted, &path, CLOSE).replace(&right, "\r\nHost: other.example\r\n");
    let heard = talk.exchange(request.as_bytes(), Until::Answers(1))?;
    let requests = origin(talk)?.requests(&path);
    let Some(request) = requests.first() else {
        // RFC 9112, 3.2.2 says to ignore it; one that refuses it forwards nothing wrong.
        return status_is(&heard, "200, or 400", |status| status == 400);
    };
    match with_name(&head_of(request), "Host")[..] {
        [line] if line.ends_with(&wanted) => Ok(line.clone()),
        [] => fail("the origin server got no Host"),
        [line] => fail(format!("the origin server got {line:?}; right: {wanted}")),
        [..] => fail("the origin server got more than one Host"),
    }
}

/// Returns an error if one of these reached the origin server.
fn without(head: &[String], names: &[&str]) -> Verdict {
    match names.iter().find_map(|name| with_name(head, name).first().copied()) {
        Some(line) => fail(format!("the origin server got {line:?}")),
        None => Ok("removed".to_owned()),
    }
}

fn hop_by_hop(talk: &mut Talk<'_>) -> Verdict {
    let head = forwarded(talk, "", "Connection: close, X-Hop\r\nX-Hop: 1\r\n")?;
    without(&head, &["X-Hop"])
}

fn proxy_connection(talk: &mut Talk<'_>) -> Verdict {
    let fields = "Connection: close, TE\r\nProxy-Connection: close\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n";
    let head = forwarded(talk, "", fields)?;
    without(&head, &["Proxy-Connection", "Keep-Alive", "TE"])
}

fn fields(talk: &mut Talk<'_>) -> Verdict {
    let head = forwarded(talk, "", "Connection: close\r\nX-Test: 1\r\n")?;
    if with_name(&head, "X-Test").is_empty() {
        return fail("X-Test did not reach the origin server");
    }
    let path = origin(talk)?.path("page");
    let heard = ask(talk, &path, CLOSE)?;
    match heard.field(answered(&heard)?, "X-Origin") {
        Some(_) => Ok("sent on".to_owned()),
        None => fail("X-Origin of the origin server's answer is not in the proxy's"),
    }
}

fn via(talk: &mut Talk<'_>) -> Verdict {
    let head = forwarded(talk, "", CLOSE)?;
    match with_name(&head, "Via")[..] {
        [] => fail("the origin server got no Via"),
        [line, ..] => Ok(line.clone()),
    }
}

fn missing(talk: &mut Talk<'_>) -> Verdict {
    let path = origin(talk)?.path("missing");
    status(&ask(talk, &path, CLOSE)?, &[404])
}

fn post(talk: &mut Talk<'_>) -> Verdict {
    let (host, path) = (origin(talk)?.host(), origin(talk)?.path("echo"));
    let body = "name=Ada+Lovelace";
    let request = format!(
        "POST http://{host}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len()
    );
    let heard = talk.exchange(request.as_bytes(), Until::Answers(1))?;
    if matches!(heard.statuses()[..], [405 | 501]) {
        return skip("the proxy takes no POST");
    }
    status(&heard, &[200])?;
    same(&heard, body.as_bytes(), "what was sent")
}

fn dead_origin(talk: &mut Talk<'_>) -> Verdict {
    // Port 1 (tcpmux) of this machine: nothing listens there.
    let request = get("127.0.0.1:1", "/", CLOSE);
    let heard = talk.exchange(request.as_bytes(), Until::Answers(1))?;
    status_is(&heard, "502, or another error", |status| status >= 400)
}

fn silent_origin(talk: &mut Talk<'_>) -> Verdict {
    let origin = origin(talk)?;
    let [silent, page] = ["silent", "page"].map(|folder| origin.path(folder));
    let mut waiting = talk.open()?;
    waiting.send(get(&origin.host(), &silent, CLOSE).as_bytes());
    let mut conn = talk.open()?;
    conn.send(get(&origin.host(), &page, CLOSE).as_bytes());
    conn.read_within(Until::Answers(1), SOON);
    let heard = talk.show(conn);
    match heard.first() {
        None => fail(format!(
            "no answer within {SOON:?} while another client waits for a silent server"
        )),
        Some(_) => status(&heard, &[200]),
    }
}

fn cached(talk: &mut Talk<'_>) -> Verdict {
    let path = origin(talk)?.path("cached");
    for _ in 0..2 {
        let heard = ask(talk, &path, CLOSE)?;
        status(&heard, &[200])?;
        same(&heard, path.as_bytes(), "the page of the origin server")?;
    }
    let requests = origin(talk)?.requests(&path);
    let whole = requests.iter().filter(|request| {
        let text = String::from_utf8_lossy(request).to_ascii_lowercase();
        !text.contains("\r\nif-none-match:")
    });
    match whole.count() {
        1 => Ok(format!("the origin server was asked {} times", requests.len())),
        count => fail(format!("the origin server sent the page {count} times")),
    }
}

fn others(talk: &mut Talk<'_>) -> Verdict {
    let path = origin(talk)?.path("cached");
    for query in ["", "?a", "?b", ""] {
        let target = format!("{path}{query}");
        let heard = ask(talk, &target, CLOSE)?;
        status(&heard, &[200])?;
        same(&heard, target.as_bytes(), &format!("the page {target}"))?;
    }
    Ok("each its own".to_owned())
}
