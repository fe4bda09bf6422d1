//! The life of an entry of a REST service: it is made with POST, read, replaced with PUT, and deleted. Run only when
//! asked: with `--post`, which names the collection, and the pack `rest`, or `--only cycle`. Each check makes an entry
//! of its own, and deletes it.

use super::expect::{answered, field, status, status_is};
use super::facts::path_of;
use super::heard::Heard;
use super::table::{Check, Force, Stop, Until, Verdict, fail, skip, steps};
use super::talk::Talk;

/// What is sent, and a part of it that has to come back.
const FIRST: (&str, &str) =
    ("{\"name\":\"Ada Lovelace\",\"email\":\"ada@example.org\"}", "Lovelace");
const SECOND: (&str, &str) =
    ("{\"name\":\"Grace Hopper\",\"email\":\"grace@example.org\"}", "Hopper");

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    steps("cycle.create", Force::Should, "RFC 9110, 9.3.3", create)
        .asks("A POST that makes an entry is answered 201 with a Location.")
        .right("HTTP/1.1 201 Created, Location: /users/7"),
    steps("cycle.read", Force::Asked, "RFC 9110, 9.3.1", read)
        .asks("GET of that Location answers with what was sent."),
    steps("cycle.replace", Force::Must, "RFC 9110, 9.3.4", replace)
        .asks(
            "A PUT that replaces an entry is answered 200 or 204, and GET then shows the new one.",
        )
        .right("HTTP/1.1 204 No Content"),
    steps("cycle.delete", Force::Should, "RFC 9110, 9.3.5", delete)
        .asks("A DELETE that is carried out is answered 204, 200 or 202.")
        .right("HTTP/1.1 204 No Content"),
    steps("cycle.gone", Force::Asked, "RFC 9110, 15.5.5", gone)
        .asks("After its DELETE an entry is not found, by GET nor by another DELETE.")
        .right("HTTP/1.1 404 Not Found, or 410 Gone"),
];

/// Sends a request, with a body or an empty one.
fn ask(talk: &mut Talk<'_>, method: &str, target: &str, body: &str) -> Result<Heard, Stop> {
    let (host, length) = (&talk.facts.host, body.len());
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    if !body.is_empty() {
        head += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    }
    talk.exchange(format!("{head}\r\n{body}").as_bytes(), Until::Answers(1))
}

/// Makes an entry, and returns the answer and the path of the entry.
fn made(talk: &mut Talk<'_>) -> Result<(Heard, Option<String>), Stop> {
    let post = talk.facts.post.clone().map_or_else(|| skip("no --post"), Ok)?;
    let heard = ask(talk, "POST", &post, FIRST.0)?;
    let answer = answered(&heard)?;
    let location = heard.field(answer, "Location").map(|(_, value)| value.to_vec());
    let location = location.and_then(|value| String::from_utf8(value).ok());
    // A whole URL is right as well.
    let path = location.map(|value| path_of(&value).to_owned());
    Ok((heard, path.filter(|path| path.starts_with('/'))))
}

/// Does this with an entry, which is deleted at the end.
fn with_entry(talk: &mut Talk<'_>, act: impl FnOnce(&mut Talk<'_>, &str) -> Verdict) -> Verdict {
    let Some(path) = made(talk)?.1 else { return skip("the answer to POST has no Location") };
    let verdict = act(talk, &path);
    let shown = talk.shown.take();
    let _ = ask(talk, "DELETE", &path, ""); // `cycle.delete` says what is wrong with it
    talk.shown = shown;
    verdict
}

/// Returns an error unless GET shows this.
fn shows(talk: &mut Talk<'_>, path: &str, wanted: &str) -> Verdict {
    let heard = ask(talk, "GET", path, "")?;
    let seen = status(&heard, &[200])?;
    let content = heard.content(answered(&heard)?);
    match String::from_utf8_lossy(&content).contains(wanted) {
        true => Ok(seen),
        false => fail(format!("the answer does not have {wanted:?}, which was sent")),
    }
}

fn create(talk: &mut Talk<'_>) -> Verdict {
    let (heard, path) = made(talk)?;
    if let Some(path) = path {
        let shown = talk.shown.take();
        let _ = ask(talk, "DELETE", &path, "");
        talk.shown = shown;
    }
    let seen = status(&heard, &[201])?;
    field(&heard, answered(&heard)?, "Location")?;
    Ok(seen)
}

fn read(talk: &mut Talk<'_>) -> Verdict {
    with_entry(talk, |talk, path| shows(talk, path, FIRST.1))
}

fn replace(talk: &mut Talk<'_>) -> Verdict {
    with_entry(talk, |talk, path| {
        let heard = ask(talk, "PUT", path, SECOND.0)?;
        if matches!(heard.statuses()[..], [405 | 501]) {
            return skip("entries are not replaced");
        }
        status(&heard, &[200, 204])?;
        shows(talk, path, SECOND.1)
    })
}

fn delete(talk: &mut Talk<'_>) -> Verdict {
    with_entry(talk, |talk, path| {
        let heard = ask(talk, "DELETE", path, "")?;
        status(&heard, &[204, 200, 202])
    })
}

fn gone(talk: &mut Talk<'_>) -> Verdict {
    with_entry(talk, |talk, path| {
        ask(talk, "DELETE", path, "")?;
        for method in ["DELETE", "GET"] {
            let heard = ask(talk, method, path, "")?;
            status_is(&heard, "404 or 410", |status| matches!(status, 404 | 410))?;
        }
        Ok("404".to_owned())
    })
}
