//! Shows an error response as plain text, as an HTML page without other files, as JSON, or as a line in the
//! log.
//!
//! ```text
//! 400 Bad Request
//!
//! There is a space between a field name and its colon (byte 19).
//!
//!     Host : localhost\r\n
//!         ^
//!
//! Rule:  RFC 9112, 5.1
//! Right: Host: example.org
//! ```
//! As JSON (RFC 9457), on one line:
//! ```json
//! {"type":"about:blank","title":"Bad Request","status":400,
//!  "detail":"There is a space between a field name and its colon.",
//!  "rule":"RFC 9112, 5.1","right":"Host: example.org","offset":19,"line":"Host : localhost\\r\\n"}
//! ```
//! What came from a client is escaped here, for each of the four in its own way. An error of a program need
//! not name a rule and what is right: these lines are left out then.

use super::error_response::ErrorResponse;
use crate::text::{escape_controls, escape_html, quote_json};

/// The colours of the site, light and dark, and the minimum of its style.
const STYLE: &str = "\
:root { color-scheme: light dark; --bg: #f6f3ec; --zone: #ece7da; --edge: #d8d0bd; --ink: #22283a; --mute: #565c6b; --denim: #2b4a7f; --stitch: #e08a3c; --thread: #a8480c; }
@media (prefers-color-scheme: dark) { :root { --bg: #10151f; --zone: #161c2a; --edge: #34405a; --ink: #e9e6de; --mute: #a9b1c1; --denim: #9db8ee; --stitch: #d98a43; --thread: #f0a35e; } }
body { margin: 0; background: var(--bg); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; overflow-wrap: break-word; }
main { width: min(44rem, 100% - 2rem); margin: clamp(1rem, 5vw, 3.75rem) auto; }
h1 { font-size: clamp(1.4rem, 1.2rem + 1.5vw, 2.2rem); line-height: 1.2; margin: 0 0 1em; padding-bottom: .4em; border-bottom: 3px dashed var(--stitch); }
h1 b { color: var(--denim); font-family: ui-monospace, monospace; margin-right: .3em; }
pre, code { font: .92em/1.5 ui-monospace, monospace; }
pre { background: var(--zone); border: 1px solid var(--edge); border-radius: 6px; padding: .7em .9em; overflow-x: auto; }
code, pre b { color: var(--thread); }
a { color: var(--denim); text-underline-offset: .2em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.5rem; margin: 1.5em 0; }
dt { color: var(--mute); }
dd { margin: 0; min-width: 0; }
";

pub(crate) fn text(error: &ErrorResponse) -> String {
    let ErrorResponse { status, section, right, .. } = error;
    let shown = error.excerpt().map_or(String::new(), |excerpt| {
        format!("\n    {}\n    {}\n\n", excerpt.line(), excerpt.marker())
    });
    let [rule, right] = [("Rule: ", *section), ("Right:", right)]
        .map(|(name, value)| unless_empty(value, |value| format!("{name} {value}\n")));
    format!("{status}\n\n{}\n{shown}{rule}{right}", sentence(error, &place(error)))
}

pub(crate) fn html(error: &ErrorResponse) -> String {
    let ErrorResponse { status, section, right, .. } = error;
    let shown = error.excerpt().map_or(String::new(), |excerpt| {
        let [line, marker] = [excerpt.line(), excerpt.marker()].map(|text| escape_html(&text));
        format!("<pre>{line}\n<b>{marker}</b></pre>\n")
    });
    let [what, rule, right, reason] =
        [&*sentence(error, &place(error)), section, right, status.reason()].map(escape_html);
    let rule = match link(section) {
        Some(url) => format!("<a href=\"{}\">{rule}</a>", escape_html(&url)),
        None => rule,
    };
    let rule = unless_empty(&rule, |rule| format!("<dt>Rule</dt><dd>{rule}</dd>\n"));
    let right =
        unless_empty(&right, |right| format!("<dt>Right</dt><dd><code>{right}</code></dd>\n"));
    let list = unless_empty(&format!("{rule}{right}"), |list| format!("<dl>\n{list}</dl>\n"));
    let code = status.code();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{code} {reason}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1><b>{code}</b> {reason}</h1>\n<p>{what}</p>\n{shown}{list}\
         </main>\n</body>\n</html>\n"
    )
}

/// Returns the members of RFC 9457, 3.1, and as extensions those that the other formats show.
pub(crate) fn json(error: &ErrorResponse) -> String {
    let ErrorResponse { status, section, right, place, .. } = error;
    let (code, detail) = (status.code(), quote_json(&sentence(error, "")));
    let [title, rule, right] = [("title", status.reason()), ("rule", *section), ("right", right)]
        .map(|(name, value)| unless_empty(value, |value| member(name, &quote_json(value))));
    let offset = place.as_ref().map(|place| member("offset", &place.offset.to_string()));
    let line = error.excerpt().map(|excerpt| member("line", &quote_json(&excerpt.line())));
    format!(
        "{{\"type\":\"about:blank\"{title},\"status\":{code},\"detail\":{detail}{rule}{right}{}{}}}\n",
        offset.unwrap_or_default(),
        line.unwrap_or_default()
    )
}

fn member(name: &str, value: &str) -> String {
    format!(",\"{name}\":{value}")
}

/// Returns `400: what was wrong (byte 19; RFC 9112, 5.1); right: Host: example.org; line: Host : x\r\n`
pub(crate) fn line(error: &ErrorResponse) -> String {
    let ErrorResponse { status, what, section, right, .. } = error;
    let byte = error.place.as_ref().map(|place| format!("byte {}", place.offset));
    let rule = Some((*section).to_owned()).filter(|section| !section.is_empty());
    let place: Vec<String> = byte.into_iter().chain(rule).collect();
    let place = unless_empty(&place.join("; "), |place| format!(" ({place})"));
    let right = unless_empty(right, |right| format!("; right: {right}"));
    let shown = error.excerpt().map(|excerpt| format!("; line: {excerpt}"));
    let text = format!("{}: {what}{place}{right}{}", status.code(), shown.unwrap_or_default());
    // The text of a handler may contain bytes of the client.
    escape_controls(&text)
}

fn unless_empty(text: &str, shown: impl FnOnce(&str) -> String) -> String {
    if text.is_empty() { String::new() } else { shown(text) }
}

/// Returns what was wrong, with a capital, its place and a full stop.
fn sentence(error: &ErrorResponse, place: &str) -> String {
    let mut chars = error.what.chars();
    let first = chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>());
    format!("{}{place}.", first.unwrap_or_default())
}

/// Returns ` (byte 19)`, if the error is at one place.
fn place(error: &ErrorResponse) -> String {
    let place = error.place.as_ref().map(|place| format!(" (byte {})", place.offset));
    place.unwrap_or_default()
}

/// Returns the URL of a section such as `RFC 9112, 5.1`.
fn link(section: &str) -> Option<String> {
    let rest = section.strip_prefix("RFC ")?;
    let (number, section) = rest.split_once(", ").unwrap_or((rest, ""));
    let part = if section.is_empty() { "" } else { "#section-" };
    Some(format!("https://www.rfc-editor.org/rfc/rfc{number}{part}{section}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::error::{Fault, Rule};
    use crate::proto::http::excerpt::Excerpt;
    use crate::proto::http::status::Status;

    fn spaced(line: &[u8]) -> ErrorResponse {
        let fault = Fault::new(Rule::SpaceBeforeColon, 20);
        ErrorResponse::of(fault, Some(&Excerpt::new(line, 4)))
    }

    #[test]
    fn text_for_people_at_a_prompt() {
        assert_eq!(
            text(&spaced(b"Host : <x>\x07\r\n")),
            "400 Bad Request\n\nThere is a space between a field name and its colon (byte 20).\n\
             \n    Host : <x>\\x07\\r\\n\n        ^\n\n\
             Rule:  RFC 9112, 5.1\nRight: Host: example.org\n"
        );
    }

    #[test]
    fn a_page_for_browsers() {
        let page = html(&spaced(b"Host : <x>\"'&\r\n"));
        for part in [
            "<title>400 Bad Request</title>",
            "<p>There is a space between a field name and its colon (byte 20).</p>",
            "<pre>Host : &lt;x&gt;&quot;&#39;&amp;\\r\\n\n<b>    ^</b></pre>",
            "<a href=\"https://www.rfc-editor.org/rfc/rfc9112#section-5.1\">RFC 9112, 5.1</a>",
            "<code>Host: example.org</code>",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }

    #[test]
    fn json_for_programs() {
        assert_eq!(
            json(&spaced(b"Host : <x>\x07\"\r\n")),
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\
             \"detail\":\"There is a space between a field name and its colon.\",\
             \"rule\":\"RFC 9112, 5.1\",\"right\":\"Host: example.org\",\
             \"offset\":20,\"line\":\"Host : <x>\\\\x07\\\"\\\\r\\\\n\"}\n"
        );
        let quoted = ErrorResponse::new(Status::CONFLICT, "", "\"a\\b\"\n\u{1}é", "");
        assert_eq!(
            json(&quoted),
            "{\"type\":\"about:blank\",\"title\":\"Conflict\",\"status\":409,\
             \"detail\":\"\\\"a\\\\b\\\"\\n\\u0001é.\"}\n"
        );
    }

    #[test]
    fn a_rule_and_what_is_right_may_be_missing() {
        let error = ErrorResponse::of_status(404, "there is no note 7");
        assert_eq!(text(&error), "404 Not Found\n\nThere is no note 7.\n");
        assert_eq!(line(&error), "404: there is no note 7");
        let page = html(&error);
        assert!(page.contains("<p>There is no note 7.</p>\n</main>"), "{page}");
        let error = ErrorResponse::new(Status::NOT_FOUND, "", "there is no note 7", "/notes/6");
        assert_eq!(text(&error), "404 Not Found\n\nThere is no note 7.\nRight: /notes/6\n");
        assert_eq!(line(&error), "404: there is no note 7; right: /notes/6");
        let page = html(&error);
        assert!(page.contains("<dl>\n<dt>Right</dt><dd><code>/notes/6</code>"), "{page}");
    }

    #[test]
    fn one_line_for_the_log_whoever_made_the_words() {
        assert_eq!(
            line(&spaced(b"Host : a\nB: c")),
            "400: there is a space between a field name and its colon (byte 20; RFC 9112, 5.1); \
             right: Host: example.org; line: Host : a\\n"
        );
        let forged =
            ErrorResponse::new(Status::CONFLICT, "RFC 9110, 15.5.10", "a\r\nb\u{1b}", "c\nd");
        assert_eq!(line(&forged), "409: a\\r\\nb\\u{1b} (RFC 9110, 15.5.10); right: c\\nd");
    }

    #[test]
    fn rules_can_be_read_at_their_source() {
        for (section, url) in [
            ("RFC 9112, 3", "https://www.rfc-editor.org/rfc/rfc9112#section-3"),
            ("RFC 9110, 15.5.14", "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14"),
            ("RFC 854", "https://www.rfc-editor.org/rfc/rfc854"),
        ] {
            assert_eq!(link(section).as_deref(), Some(url));
        }
        assert_eq!(link("the house rules"), None);
    }
}
