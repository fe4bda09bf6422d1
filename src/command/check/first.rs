//! The first level: a browser shows the pages. It is what the first assignments ask for.

use super::expect::{answered, any, as_the_page, same, status, status_is};
use super::facts::Facts;
use super::head_rules::{
    content_type, empty_line, ends, field_lines, field_values, length_form, length_is_right,
    line_ends, status_line, type_fits, version,
};
use super::heard::Heard;
use super::table::{Check, Force, Sending, Until, Verdict, asked, must, should, skip, steps};
use super::talk::Talk;

const GET: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
const MISSING: &str = "GET {missing} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n";
const LENGTH: &str = "Content-Length: 1270";

/// Returns a request for a file of `--root`.
macro_rules! file {
    ($kind:literal) => {
        concat!("GET {", $kind, "} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
}

/// The checks.
pub(super) const CHECKS: &[Check] = &[
    asked("answers.comes", "RFC 9110, 3.4", GET, any)
        .asks("Each request gets an answer."),
    must("answers.status-line", "RFC 9112, 4", GET, status_line)
        .asks("The first line is the version, a space, three digits, a space, and words that may be missing."),
    must("answers.version", "RFC 9112, 2.3", GET, version)
        .asks("The version is HTTP/1.1, or HTTP/1.0 for a simple server."),
    asked("answers.status-200", "RFC 9110, 15.3.1", GET, |heard, _| status(heard, &[200]))
        .asks("A page that is there is answered 200."),
    must("answers.line-ends", "RFC 9112, 2.1", GET, line_ends)
        .asks("Each line of the head ends with two bytes, CR and LF (\\r\\n).")
        .right("HTTP/1.1 200 OK\\r\\n"),
    must("answers.empty-line", "RFC 9112, 2.1", GET, empty_line)
        .asks("An empty line ends the head; the body begins after it.")
        .right("Content-Length: 5\\r\\n\\r\\nhello"),
    must("answers.field-lines", "RFC 9112, 5", GET, field_lines)
        .asks("Each line after the first is a name, a colon and a value, without a space before the colon.")
        .right("Content-Type: text/html"),
    must("answers.field-values", "RFC 9110, 5.5", GET, field_values)
        .asks("A field value has visible characters, spaces and tabs only."),
    must("answers.ends", "RFC 9112, 6.3", GET, ends)
        .until(Until::Closed)
        .asks("A client sees where the body ends: by Content-Length, by chunks, or because the server closes.")
        .right(LENGTH),
    must("answers.length-form", "RFC 9110, 8.6", GET, length_form)
        .asks("Content-Length is digits, and is there once.")
        .right(LENGTH),
    must("answers.length", "RFC 9110, 8.6", GET, length_is_right)
        .until(Until::Quiet)
        .asks("Content-Length is the number of bytes in the body; letters such as é have two bytes in UTF-8.")
        .right(LENGTH),
    should("answers.content-type", "RFC 9110, 8.3", GET, content_type)
        .asks("An answer with a body says what it is.")
        .right("Content-Type: text/html; charset=utf-8"),
    should("answers.type-fits", "RFC 9110, 8.3", GET, type_of_page)
        .asks("The type is that of the file.")
        .right("Content-Type: text/html for .html, text/css for .css, image/png for .png"),
    asked("files.page", "RFC 9110, 15.3.1", GET, page_is_file)
        .asks("The body is the bytes of the file, all of them and no others."),
    asked("files.empty", "RFC 9110, 15.3.1", file!("empty-file"), |heard, _| {
        status(heard, &[200, 204])?;
        same(heard, b"", "an empty file")
    })
        .asks("An empty file is a page with an empty body.")
        .right("HTTP/1.1 200 OK, Content-Length: 0"),
    asked("files.large", "RFC 9110, 15.3.1", file!("large-file"), |heard, facts| is_file(heard, facts, "large-file"))
        .asks("A file of some megabytes arrives whole. One call of write or send may take a part of it only.")
        .right("call write again until all bytes are sent (write_all, sendall)"),
    asked("files.picture", "RFC 9110, 15.3.1", file!("picture"), |heard, facts| is_file(heard, facts, "picture"))
        .asks("A picture arrives byte for byte: it is read and sent as bytes, not as text.")
        .right("open the file in binary mode"),
    should("files.picture-type", "RFC 9110, 8.3", file!("picture"), |heard, facts| {
        let target = facts.root.as_ref().and_then(|root| root.target("picture")).unwrap_or_default();
        type_fits(heard, types_of(&target))
    })
        .asks("A picture is sent with its type.")
        .right("Content-Type: image/png"),
    should("files.css-type", "RFC 9110, 8.3", file!("css-file"), |heard, _| type_fits(heard, &["text/css"]))
        .asks("A style sheet is sent with its type; a browser ignores it otherwise.")
        .right("Content-Type: text/css"),
    should("files.text-type", "RFC 9110, 8.3", file!("text-file"), |heard, _| type_fits(heard, &["text/plain"]))
        .asks("A text is sent with its type.")
        .right("Content-Type: text/plain; charset=utf-8"),
    should("files.html-type", "RFC 9110, 8.3", file!("html-file"), |heard, _| {
        type_fits(heard, &["text/html", "application/xhtml+xml"])
    })
        .asks("A page is sent with its type.")
        .right("Content-Type: text/html; charset=utf-8"),
    asked("files.space", "RFC 3986, 2.1", file!("file-with-space"), |heard, facts| {
        is_file(heard, facts, "file-with-space")
    })
        .asks("In a path %20 is a space; the server decodes it before it opens the file."),
    asked("missing.404", "RFC 9110, 15.5.5", MISSING, |heard, _| status(heard, &[404]))
        .asks("A page that is not there is answered 404.")
        .right("HTTP/1.1 404 Not Found"),
    must("missing.ends", "RFC 9112, 6.3", MISSING, ends)
        .until(Until::Closed)
        .asks("The answer 404 has an end, too.")
        .right("Content-Length: 9"),
    must("missing.status-line", "RFC 9112, 4", MISSING, status_line)
        .asks("The answer 404 has a right status line, too.")
        .right("HTTP/1.1 404 Not Found"),
    must("missing.length", "RFC 9110, 8.6", MISSING, length_is_right)
        .until(Until::Quiet)
        .asks("The Content-Length of the answer 404 is right, too.")
        .right("Content-Length: 9, and 9 bytes after the empty line"),
    asked(
        "requests.query",
        "RFC 9110, 4.2.1",
        "GET {path}?x=1&y=a%20b HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        as_the_page,
    )
        .asks("What follows the ? is not part of the name of a file."),
    must("requests.in-pieces", "RFC 9112, 2.2", GET, as_the_page)
        .sent(Sending::Bytes)
        .asks("TCP carries bytes, not messages: a request may arrive in any pieces. Read until the empty line."),
    must("requests.in-halves", "RFC 9112, 2.2", GET, as_the_page)
        .sent(Sending::Halves)
        .asks("A head may arrive in two reads, with a pause between them. Read until the empty line."),
    should(
        "requests.unknown-field",
        "RFC 9110, 5.1",
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Unknown: a b, c: d\r\nConnection: close\r\n\r\n",
        as_the_page,
    )
        .asks("A field that the server does not know is ignored."),
    asked("requests.browser", "RFC 9110, 3.3", BROWSER, as_the_page)
        .asks("The request of a browser has a dozen fields and up to a thousand bytes or more."),
    asked(
        "requests.http10",
        "RFC 9110, 2.5",
        "GET {target} HTTP/1.0\r\n\r\n",
        as_the_page,
    )
        .asks("A request of HTTP/1.0, without any field, is answered."),
    steps("requests.second-client", Force::Asked, "RFC 9112, 9", second_client)
        .asks("After one client another one is served; the server goes on."),
];

const BROWSER: &str = "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
sec-ch-ua: \"Chromium\";v=\"130\", \"Not?A_Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n\
sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n\
Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes; seen=1,2,3,4,5,6,7,8,9,10\r\n\r\n";

/// Returns the types that go with the ending of a path; none if it says nothing.
fn types_of(path: &str) -> &'static [&'static str] {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("html" | "htm") => &["text/html", "application/xhtml+xml"],
        Some("css") => &["text/css"],
        Some("txt") => &["text/plain"],
        Some("js") => &["text/javascript", "application/javascript"],
        Some("json") => &["application/json"],
        Some("png") => &["image/png"],
        Some("jpg" | "jpeg") => &["image/jpeg"],
        Some("gif") => &["image/gif"],
        Some("svg") => &["image/svg+xml"],
        _ => &[],
    }
}

fn type_of_page(heard: &Heard, facts: &Facts) -> Verdict {
    match types_of(facts.path()) {
        [] => skip("the path of the page says nothing of its type"),
        _ if answered(heard)?.body.is_empty() => skip("the page is empty"),
        _ if heard.field(answered(heard)?, "content-type").is_none() => {
            skip("there is no Content-Type")
        }
        types => type_fits(heard, types),
    }
}

fn is_file(heard: &Heard, facts: &Facts, kind: &str) -> Verdict {
    status(heard, &[200])?;
    let content = facts.root.as_ref().and_then(|root| root.content(kind));
    content.map_or_else(|| skip("the file is gone"), |content| same(heard, &content, "the file"))
}

fn page_is_file(heard: &Heard, facts: &Facts) -> Verdict {
    let Some(root) = &facts.root else { return skip("no --root") };
    match root.content_of(facts.path()) {
        Some(content) => same(heard, &content, "the file"),
        None => skip("the page is not a file of --root"),
    }
}

fn second_client(talk: &mut Talk<'_>) -> Verdict {
    for _ in 0..3 {
        let heard = talk.ask(GET, Until::Answers(1))?;
        status_is(&heard, "the same as before", |status| status == talk.facts.page.status)?;
    }
    Ok("three in a row".to_owned())
}
