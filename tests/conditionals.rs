//! Asking again, and asking before a change: ETag, Last-Modified and the conditions made of them
//! (RFC 9110, 13). Files through the binary; handlers of a program's own through the library.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use threadbare::server::{Body, Request, Response, Router, Status, Validators};

use crate::support::{Folder, Served, Server, Wire, ask};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// One resource each way: bytes, a reader, and nothing to know it by.
fn resources() -> Served {
    let page = |_: &mut Request| {
        Response::text("a page\n")
            .field("ETag", "\"v7\"")
            .field("Last-Modified", DATE)
            .field("Vary", "Accept")
            .field("Cache-Control", "max-age=60")
            .field("Content-Location", "/page.en")
            .field("Content-Language", "en")
            .field("Expires", DATE)
            .field("Set-Cookie", "a=b")
    };
    let read = |_: &mut Request| {
        let reader = Box::new(&b"read once\n"[..]);
        Response::text("").field("ETag", "\"v7\"").body(Body::Read(reader, Some(10)))
    };
    Served::start(
        Router::new()
            .get("/page", page)
            .get("/read", read)
            .get("/dated", |_: &mut Request| Response::text("x").field("Last-Modified", DATE))
            .get("/weak", |_: &mut Request| Response::text("x").field("ETag", "W/\"v7\""))
            .get("/plain", |_: &mut Request| Response::text("x"))
            .get("/wrong", |_: &mut Request| Response::text("x").field("ETag", "v7"))
            .get("/gone", |_: &mut Request| {
                Response::text("x").status(Status::GONE).field("ETag", "\"v7\"")
            })
            .post("/page", |_: &mut Request| Response::text("done").field("ETag", "\"v7\"")),
    )
}

#[test]
fn a_handler_that_sets_a_validator_gets_conditional_requests() {
    let served = resources();
    for (target, fields, want) in [
        ("/page", "", 200),
        ("/page", "If-None-Match: \"v7\"", 304),
        ("/page", "If-None-Match: W/\"v7\"", 304),
        ("/page", "If-None-Match: \"v6\", \"a,b\" | If-None-Match: \"v7\"", 304),
        ("/page", "If-None-Match: *", 304),
        ("/page", "If-None-Match: \"v6\"", 200),
        ("/page", "If-None-Match: v7", 200),
        ("/page", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("/page", "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", 304),
        ("/page", "If-Modified-Since: Sun Nov  6 08:49:37 1994", 304),
        ("/page", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200),
        ("/page", "If-Modified-Since: 784111777", 200),
        ("/page", "If-None-Match: \"v6\" | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("/page", "If-Match: \"v7\"", 200),
        ("/page", "If-Match: *", 200),
        ("/page", "If-Match: \"v6\"", 412),
        ("/page", "If-Match: W/\"v7\"", 412),
        ("/page", "If-Match: v7", 412),
        ("/page", "If-Match: \"v6\" | If-None-Match: \"v7\"", 412),
        ("/page", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200),
        ("/page", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 412),
        ("/read", "If-None-Match: \"v7\"", 304),
        ("/dated", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304),
        ("/dated", "If-Match: \"v7\"", 412),
        ("/weak", "If-None-Match: \"v7\"", 304),
        ("/weak", "If-Match: W/\"v7\"", 412),
        ("/plain", "If-None-Match: \"v7\"", 200),
        ("/plain", "If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT", 200),
        ("/wrong", "If-None-Match: v7", 200),
        ("/gone", "If-None-Match: \"v7\"", 410),
        ("/gone", "If-Match: \"v6\"", 410),
        ("/nowhere", "If-Match: \"v7\"", 404),
        ("/nowhere", "If-None-Match: *", 404),
    ] {
        let mut wire = Wire::to(served.address);
        let got = ask(&mut wire, &format!("GET {target}"), fields);
        assert_eq!(got.status(), want, "GET {target}; {fields}");
        let head = ask(&mut wire, &format!("HEAD {target}"), fields);
        assert_eq!(head.status(), want, "HEAD {target}; {fields}");
        assert_eq!(ask(&mut wire, "GET /plain", "").text(), "x", "and the next one on it is fine");
    }
}

#[test]
fn a_304_says_what_a_cache_needs_and_no_more() {
    let served = resources();
    let answer = served.ask("GET /page", "If-None-Match: \"v7\"");
    let mut names: Vec<&str> =
        answer.head.lines().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    names.sort_unstable();
    let want = [
        "Cache-Control",
        "Content-Location",
        "Date",
        "ETag",
        "Expires",
        "Last-Modified",
        "Server",
        "Server-Timing",
        "Set-Cookie",
        "Vary",
    ];
    assert_eq!(names, want, "{}", answer.head);
    let full = served.ask("GET /page", "");
    for name in want.iter().filter(|name| !["Date", "Server-Timing"].contains(name)) {
        assert_eq!(answer.field(name), full.field(name), "{name}");
    }
}

#[test]
fn a_412_explains_itself() {
    let served = resources();
    let answer = served.ask("GET /page", "If-Match: \"v6\"");
    assert_eq!(
        answer.text(),
        "412 Precondition Failed\n\nIf-Match is false for the current state.\n\
         Rule:  RFC 9110, 13.1\n\
         Right: a new GET, and If-Match with the ETag of its response\n"
    );
    let answer = served.ask("GET /page", "If-Match: \"v6\" | Accept: text/html");
    assert!(answer.text().starts_with("<!DOCTYPE html>"), "{}", answer.text());
}

#[test]
fn preconditions_of_other_methods_are_left_to_the_handler() {
    let served = resources();
    let fields = "If-Match: \"v6\" | If-None-Match: \"v7\" | Content-Length: 0";
    assert_eq!(served.ask("POST /page", fields).text(), "done");
    assert_eq!(served.ask("OPTIONS /page", "If-Match: \"v6\"").status(), 204);
}

/// A counter that two clients raise at once: with If-Match no update is lost, without it some are.
#[test]
fn a_handler_checks_preconditions_before_it_acts() {
    let state = Arc::new(Mutex::new(None::<u32>));
    let tag = |count: u32| format!("\"{count}\"");
    let (reading, writing) = (Arc::clone(&state), Arc::clone(&state));
    let served = Served::start(
        Router::new()
            .get("/count", move |_: &mut Request| match *reading.lock().unwrap() {
                Some(count) => Response::text(count.to_string()).field("ETag", tag(count)),
                None => Response::new(Status::NOT_FOUND),
            })
            .put("/count", move |request: &mut Request| {
                let wanted = String::from_utf8(request.body.read_all(10).unwrap()).unwrap();
                let mut state = writing.lock().unwrap();
                let etag = state.map(tag);
                let current = etag.as_deref().map(Validators::tagged);
                if let Err(refusal) = request.precondition(current.as_ref()) {
                    return refusal.response(Some(&request.head));
                }
                *state = wanted.parse().ok();
                Response::new(Status::NO_CONTENT)
            }),
    );
    let put = |count: u32, fields: &str| {
        let mut wire = Wire::to(served.address);
        let body = count.to_string();
        let lines: String =
            fields.split_terminator(" | ").map(|line| format!("{line}\r\n")).collect();
        wire.send(format!(
            "PUT /count HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        wire.answer().status()
    };
    for (count, fields, want) in [
        (0, "If-Match: *", 412),
        (0, "If-Match: \"0\"", 412),
        (0, "If-None-Match: *", 204),
        (1, "If-None-Match: *", 412),
        (1, "If-None-Match: nonsense", 412),
        (1, "If-Match: \"7\"", 412),
        (1, "If-Match: 0", 412),
        (1, "If-Match: \"0\", nonsense", 412),
        (1, "If-Match: W/\"0\"", 412),
        (1, "If-Match: \"0\"", 204),
        (1, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 204),
    ] {
        assert_eq!(put(count, fields), want, "{fields}");
    }

    let raise = || {
        let mut raised = 0;
        while raised < 25 {
            let seen: u32 = served.ask("GET /count", "").text().parse().unwrap();
            if put(seen + 1, &format!("If-Match: \"{seen}\"")) == 204 {
                raised += 1;
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(raise))));
    assert_eq!(served.ask("GET /count", "").text(), "51");
}

#[test]
fn a_file_is_sent_again_when_it_has_changed() {
    let folder = Folder::with(&[("page.txt", "one"), ("404.html", "not here")]);
    folder.write("large", vec![b'x'; 1 << 20]);
    // A file that has just changed has a weak tag, for a moment.
    for name in ["page.txt", "large"] {
        let file = std::fs::File::options().append(true).open(folder.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(10)).unwrap();
    }
    let server = Server::of(&folder, &[]);
    for target in ["/page.txt", "/large"] {
        let first = server.get(target);
        let field = |name: &str| first.field(name).unwrap_or_else(|| panic!("{}", first.head));
        let known = format!("If-None-Match: {}", field("ETag"));
        let dated = format!("If-Modified-Since: {}", field("Last-Modified"));
        let get = |fields: &str| ask(&mut server.connect(), &format!("GET {target}"), fields);
        for fields in [&known, &dated, &format!("{known} | {dated}")] {
            let again = get(fields);
            assert_eq!(again.status(), 304, "{target}; {fields}");
            assert_eq!(again.field("ETag"), first.field("ETag"));
            assert_eq!(again.field("Content-Type").or(again.field("Content-Length")), None);
        }
        let head = ask(&mut server.connect(), &format!("HEAD {target}"), &known);
        assert_eq!(head.status(), 304);
        folder.write(target.trim_start_matches('/'), "two");
        let changed = get(&known);
        assert_eq!((changed.status(), changed.text().as_str()), (200, "two"), "{target}");
    }
    let missing = ask(&mut server.connect(), "GET /nowhere", "If-None-Match: *");
    assert_eq!((missing.status(), missing.text().as_str()), (404, "not here"));
}
