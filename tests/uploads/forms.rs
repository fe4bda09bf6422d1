//! Forms with files, as browsers and curl send them to a folder.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::{names, place, send};
use crate::support::{Answer, Server, needs, run};

pub const TYPE: &str = "Content-Type: multipart/form-data; boundary=xyz\r\n";

/// A form of these parts: file names, or none for another field, and contents.
pub fn form(parts: &[(Option<&str>, &str)]) -> String {
    let mut body = String::new();
    for (file, content) in parts {
        let name = file.map_or("name=\"replace\"".to_owned(), |file| {
            format!("name=\"files\"; filename=\"{file}\"")
        });
        write!(body, "--xyz\r\nContent-Disposition: form-data; {name}\r\n\r\n{content}\r\n")
            .unwrap();
    }
    body + "--xyz--\r\n"
}

pub fn post(server: &Server, target: &str, lines: &str, body: &str) -> Answer {
    send(server, &format!("POST {target}"), &format!("{TYPE}{lines}"), body)
}

#[test]
fn a_form_stores_its_files() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let long = "0123456789\r\n--xy".repeat(50_000);
    let two = form(&[(Some("a b.txt"), "first"), (Some(""), ""), (Some("ü?.bin"), &long)]);
    let answer = post(&server, "/in/", "", &two);
    assert_eq!((answer.status(), answer.field("Location")), (201, None));
    assert_eq!(answer.text(), "/in/a%20b.txt\n/in/%C3%BC%3F.bin\n");
    assert_eq!(fs::read_to_string(place.join("www/in/a b.txt")).unwrap(), "first");
    assert_eq!(fs::read_to_string(place.join("www/in/ü?.bin")).unwrap(), long);
    let one = form(&[(Some("C:\\x\\c.txt"), "1"), (None, "")]);
    let answer = post(&server, "/", "Accept: application/json\r\n", &one);
    assert_eq!((answer.status(), answer.field("Location")), (201, Some("/c.txt")));
    assert_eq!(answer.text(), "{\"stored\":[\"/c.txt\"]}\n");
    // A browser is sent to the folder, which shows what is there now.
    let again = form(&[(Some("d.txt"), "2")]);
    let answer = post(&server, "/in/", "Accept: text/html\r\n", &again);
    assert_eq!((answer.status(), answer.field("Location")), (303, Some("./")));
    assert_eq!(names(&place.join("www/in")), ["a b.txt", "d.txt", "page.txt", "ü?.bin"]);
}

/// In a real browser: tests/site/upload.mjs.
#[test]
fn a_listing_has_the_form_where_it_can_be_used() {
    let place = place();
    for (flags, want) in [(&["--write", "--max-upload", "5000"][..], true), (&[], false)] {
        let Some(server) = Server::confined(place.path(), flags) else { return };
        let page = server.get("/in/").text();
        assert_eq!(
            page.contains(" method=\"post\" enctype=\"multipart/form-data\""),
            want,
            "{page}"
        );
        assert_eq!(page.contains("Upload files, 5.00 kB at most"), want, "{page}");
    }
}

#[test]
fn a_file_that_exists_stays_unless_the_form_says_replace() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let files = [(Some("new.txt"), "new"), (Some("index.html"), "other"), (Some("more"), "x")];
    let answer = post(&server, "/", "", &form(&files));
    assert_eq!(answer.status(), 409);
    let text = answer.text();
    assert!(text.contains("/index.html exists; stored before that: new.txt"), "{text}");
    assert_eq!(server.get("/").text(), "home\n");
    assert_eq!(names(&place.join("www")), ["in", "index.html", "new.txt"]);
    let files = [(None, "on"), (Some("index.html"), "other")];
    assert_eq!(post(&server, "/", "", &form(&files)).status(), 201);
    assert_eq!(server.get("/").text(), "other");
    // Twice in one form is once too often.
    let files = [(Some("twice"), "1"), (Some("twice"), "2")];
    assert_eq!(post(&server, "/", "", &form(&files)).status(), 409);
    assert_eq!(server.get("/twice").text(), "1");
}

#[test]
fn forms_that_are_refused_leave_nothing() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    for (body, want) in [
        (form(&[]), 400),
        (form(&[(Some(""), "")]), 400),
        (form(&[(None, "x")]), 400),
        (String::new(), 400),
        ("no form".to_owned(), 400),
        (form(&[(Some("a"), "x")]).replace("--xyz--", ""), 400),
        (form(&[(Some("a"), "x")]).replace("; name", "; eman"), 400),
        (form(&[(Some(".a"), "x")]), 403),
        (form(&[(Some(".."), "x")]), 403),
        (form(&[(Some("a/.."), "x")]), 403),
        (form(&[(Some("in/"), "x")]), 403),
        (form(&[(Some("in"), "x")]), 409),
        (form(&[(Some(&"x".repeat(256)), "x")]), 414),
    ] {
        assert_eq!(post(&server, "/", "", &body).status(), want, "{body}");
    }
    let coded = format!("{TYPE}Content-Encoding: gzip\r\n");
    let body = form(&[(Some("a"), "x")]);
    assert_eq!(send(&server, "POST /", &coded, &body).status(), 415);
    assert_eq!(send(&server, "POST /", "Content-Type: text/plain\r\n", &body).status(), 415);
    assert_eq!(names(&place.join("www")), ["in", "index.html"]);
}

#[test]
fn curl_sends_several_files() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    if !needs("curl") {
        return;
    }
    let content: Vec<u8> = b"\r\n--0123456789abcdef\r\r\n".repeat(100_000);
    place.write("large.bin", &content);
    place.write("empty", "");
    let part = |name: &str| format!("file=@{}", place.join(name).display());
    let parts = ["-F", &part("large.bin"), "-F", &part("empty")];
    let sent = run(Command::new("curl").arg("-sS").args(parts).arg(server.url("/in/")), b"");
    assert_eq!(String::from_utf8(sent.stdout).unwrap(), "/in/large.bin\n/in/empty\n");
    assert!(fs::read(place.join("www/in/large.bin")).unwrap() == content);
    assert_eq!(fs::read(place.join("www/in/empty")).unwrap(), b"");
}
