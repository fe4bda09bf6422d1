//! `server --write`: PUT, DELETE, and forms. All servers here are confined: they can change one folder only.

mod attacks;
mod forms;
mod storms;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use threadbare::server::{ErrorResponse, Router, Uploads};

use crate::client::client;
use crate::support::{Answer, Folder, Served, Server, Wire, needs, run};

/// Stands in every file that nobody may change, and nowhere else.
const SECRET: &str = "nobody may change this\n";

/// A site, and a file beside it.
fn place() -> Folder {
    Folder::with(&[
        ("www/index.html", "home\n"),
        ("www/in/page.txt", "hello\n"),
        ("secret.txt", SECRET),
    ])
}

/// Sends a request with this body, and with these lines in its head, on a connection of its own.
fn send(server: &Server, request: &str, lines: &str, body: impl AsRef<[u8]>) -> Answer {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut wire = server.connect();
    wire.try_send([head.as_bytes(), body].concat());
    wire.answer()
}

fn status(server: &Server, request: &str, lines: &str, body: &str) -> u16 {
    send(server, request, lines, body).status()
}

/// Returns the names in a folder, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_put_replaced_and_deleted() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let file = place.join("www/in/a b+ü.bin");
    let target = "/in/a%20b+%C3%BC.bin";
    let first: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let put = send(&server, &format!("PUT {target}"), "", &first);
    assert_eq!((put.status(), put.body.len()), (201, 0));
    assert!(fs::read(&file).unwrap() == first);
    let got = server.get(target);
    assert!(got.body == first);
    assert_eq!(got.field("ETag"), put.field("ETag"), "it is the tag that a GET has at once");
    assert!(put.field("ETag").unwrap().starts_with('"'), "and a strong one");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o111, 0);
    let put = send(&server, &format!("PUT {target}"), "", "second");
    assert_eq!((put.status(), put.body.len()), (204, 0));
    let got = server.get(target);
    assert_eq!((got.text().as_str(), got.field("ETag")), ("second", put.field("ETag")));
    assert_eq!(status(&server, "PUT /empty", "", ""), 201);
    assert_eq!(server.get("/empty").body, b"");
    assert_eq!(status(&server, &format!("DELETE {target}"), "", ""), 204);
    assert_eq!(status(&server, &format!("DELETE {target}"), "", ""), 404);
    assert_eq!(server.get(target).status(), 404);
    // In chunks.
    let chunked = "PUT /in/c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(server.connect().send(chunked).answer().status(), 201);
    assert_eq!(server.get("/in/c").text(), "abcde");
    assert_eq!(names(&place.join("www/in")), ["c", "page.txt"]);
    assert_eq!(names(&place.join("www")), ["empty", "in", "index.html"], "nothing else is left");
}

#[test]
fn without_the_flag_nothing_can_be_changed() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &[]) else { return };
    for request in ["PUT /a", "PUT /index.html", "DELETE /index.html", "DELETE /in/", "POST /"] {
        let answer = send(&server, request, "", "x");
        assert_eq!(answer.status(), 405, "{request}");
        assert_eq!(answer.field("Allow"), Some("GET, HEAD, OPTIONS"), "{request}");
    }
    assert_eq!(names(&place.join("www")), ["in", "index.html"]);
}

/// A PUT of /users is no PUT of a file, though a file of this name could be put.
#[test]
fn routes_keep_their_methods() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    for (request, want, allow) in [
        ("OPTIONS /", 204, "GET, HEAD, PUT, DELETE, POST, OPTIONS"),
        ("OPTIONS /a/b", 204, "GET, HEAD, PUT, DELETE, POST, OPTIONS"),
        ("PATCH /a", 405, "GET, HEAD, PUT, DELETE, POST, OPTIONS"),
        ("PUT /in/", 405, "GET, HEAD, DELETE, POST, OPTIONS"),
        ("POST /index.html", 405, "GET, HEAD, PUT, DELETE, OPTIONS"),
        ("OPTIONS /users", 204, "POST, GET, HEAD, OPTIONS"),
        ("PUT /users", 405, "POST, GET, HEAD, OPTIONS"),
        ("PUT /%75sers", 405, "POST, GET, HEAD, OPTIONS"),
        ("DELETE /users", 405, "POST, GET, HEAD, OPTIONS"),
        ("DELETE /-/health", 405, "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(&server, request, "", if request.starts_with('O') { "" } else { "x" });
        assert_eq!((answer.status(), answer.field("Allow")), (want, Some(allow)), "{request}");
    }
    assert_eq!(names(&place.join("www")), ["in", "index.html"]);
}

#[test]
fn folders() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    fs::create_dir_all(place.join("www/empty/inner")).unwrap();
    fs::create_dir_all(place.join("www/hidden")).unwrap();
    place.write("www/hidden/.file", "x");
    for (request, want, words) in [
        ("PUT /nowhere/a", 409, "the folder /nowhere does not exist"),
        ("PUT /in/nowhere/a", 409, "the folder /in/nowhere does not exist"),
        ("PUT /index.html/a", 409, "/index.html is not a folder"),
        ("PUT /in", 409, "/in is a folder"),
        ("DELETE /in", 409, "/in is a folder"),
        ("DELETE /in/", 409, "the folder /in is not empty"),
        ("DELETE /hidden/", 409, "the folder /hidden is not empty"),
        ("DELETE /empty/", 409, "the folder /empty is not empty"),
        ("DELETE /", 403, "this is the folder that is served"),
        ("DELETE /nowhere/", 404, "nothing exists"),
        ("DELETE /nowhere/a", 404, "nothing exists"),
        ("DELETE /index.html/", 404, "nothing exists"),
        ("DELETE /index.html/a", 404, "nothing exists"),
        ("DELETE /empty/inner/", 204, ""),
        ("DELETE /empty/", 204, ""),
    ] {
        let answer = send(&server, request, "", "");
        assert_eq!(answer.status(), want, "{request}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.to_lowercase().contains(words), "{request}: {text}");
    }
    assert_eq!(names(&place.join("www")), ["hidden", "in", "index.html"]);
    assert_eq!(names(&place.join("www/in")), ["page.txt"]);
}

#[test]
fn what_is_refused_by_the_head() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write", "--max-upload", "100000"])
    else {
        return;
    };
    // The client waits for 100: it gets the refusal, and sends nothing.
    for (request, lines, want) in [
        ("PUT /a", "Content-Length: 100001\r\n", 413),
        ("POST /", "Content-Length: 100001\r\n", 413),
        ("PUT /nowhere/a", "Content-Length: 5\r\n", 409),
        ("PUT /.a", "Content-Length: 5\r\n", 403),
        ("PUT /in/", "Content-Length: 5\r\n", 405),
        ("PUT /a", "Content-Length: 5\r\nContent-Range: bytes 0-4/9\r\n", 400),
        ("PUT /a", "Content-Length: 5\r\nContent-Encoding: gzip\r\n", 415),
        ("PUT /a", "Content-Length: 5\r\nIf-Match: \"x\"\r\n", 412),
        ("PUT /index.html", "Content-Length: 5\r\nIf-None-Match: *\r\n", 412),
        ("POST /", "Content-Length: 5\r\nContent-Type: text/plain\r\n", 415),
        (
            "POST /nowhere/",
            "Content-Length: 5\r\nContent-Type: multipart/form-data; boundary=x\r\n",
            404,
        ),
    ] {
        let mut wire = server.connect();
        let head = format!("{request} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{lines}\r\n");
        assert_eq!(wire.send(head).answer().status(), want, "{request} {lines}");
    }
    assert_eq!(
        server.connect().send("PUT /a HTTP/1.1\r\nHost: a\r\n\r\n").answer().status(),
        411,
        "an empty file is not made by a forgotten field"
    );
    // What is too long without saying so.
    let mut wire = server.connect();
    wire.send("PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..3 {
        wire.try_send(format!("8000\r\n{}\r\n", "x".repeat(0x8000)));
    }
    wire.try_send(format!("800\r\n{}\r\n", "x".repeat(0x800)));
    assert_eq!(wire.answer().status(), 413);
    assert_eq!(names(&place.join("www")), ["in", "index.html"]);
    assert_eq!(status(&server, "PUT /a", "", &"x".repeat(100_000)), 201);
}

/// The limit for uploads is not that for other bodies, nor that for what is kept of them on the disk.
#[test]
fn an_upload_may_be_longer_than_other_bodies() {
    let place = place();
    let flags =
        ["--write", "--max-body", "10", "--max-bodies-disk", "20", "--max-body-memory", "5"];
    let Some(server) = Server::confined(place.path(), &flags) else { return };
    assert_eq!(status(&server, "PUT /a", "", &"x".repeat(200_000)), 201);
    assert_eq!(fs::metadata(place.join("www/a")).unwrap().len(), 200_000);
    assert_eq!(status(&server, "POST /echo", "", "12345678901"), 413);
}

#[test]
fn conditions_guard_against_lost_updates() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let put = |lines: &str, body: &str| {
        let answer = send(&server, "PUT /a", lines, body);
        (answer.status(), answer.field("ETag").unwrap_or_default().to_owned())
    };
    assert_eq!(put("If-Match: *\r\n", "x").0, 412);
    let (status_of_new, one) = put("If-None-Match: *\r\n", "one");
    assert_eq!(status_of_new, 201);
    assert_eq!(put("If-None-Match: *\r\n", "x").0, 412);
    // At once, with a body of the same length: each state has a tag of its own.
    let (replaced, two) = put(&format!("If-Match: {one}\r\n"), "two");
    assert_eq!((replaced, one == two), (204, false));
    assert_eq!(put(&format!("If-Match: {one}\r\n"), "x").0, 412);
    assert_eq!(put(&format!("If-None-Match: {two}\r\n"), "x").0, 412);
    assert_eq!(put("If-Match: two\r\n", "x").0, 412, "a condition that cannot be read is false");
    assert_eq!(put("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "x").0, 412);
    assert_eq!(server.get("/a").text(), "two");
    let delete = |lines: &str| status(&server, "DELETE /a", lines, "");
    assert_eq!(delete(&format!("If-Match: {one}\r\n")), 412);
    assert_eq!(delete("If-None-Match: *\r\n"), 412);
    assert_eq!(delete(&format!("If-Match: {two}\r\n")), 204);
    assert_eq!(delete("If-Match: *\r\n"), 404);
    fs::create_dir(place.join("www/empty")).unwrap();
    assert_eq!(status(&server, "DELETE /empty/", "If-Match: \"x\"\r\n", ""), 412);
    assert_eq!(status(&server, "DELETE /empty/", "If-Match: *\r\n", ""), 204);
}

/// Both hold the tag of the same state; one of them wins.
#[test]
fn of_clients_with_the_same_tag_one_wins() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let mut etag = send(&server, "PUT /a", "", "start").field("ETag").unwrap().to_owned();
    for round in 0..20 {
        let lines = format!("If-Match: {etag}\r\n");
        let answers: Vec<Answer> = thread::scope(|scope| {
            let put = |client: usize| {
                let (server, lines) = (&server, &lines);
                scope.spawn(move || send(server, "PUT /a", lines, format!("client {client}")))
            };
            let clients: Vec<_> = (0..8).map(put).collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let winners: Vec<_> = (0..8).filter(|client| answers[*client].status() == 204).collect();
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert!(answers.iter().all(|answer| [204, 412].contains(&answer.status())));
        assert_eq!(server.get("/a").text(), format!("client {}", winners[0]));
        etag = answers[winners[0]].field("ETag").unwrap().to_owned();
        // And of those that want to be the first one.
        let request = format!("PUT /new{round}");
        let created = thread::scope(|scope| {
            let put = |_| {
                let (server, request) = (&server, &request);
                scope.spawn(move || send(server, request, "If-None-Match: *\r\n", "x").status())
            };
            let clients: Vec<_> = (0..8).map(put).collect();
            clients.into_iter().filter(|_| true).map(|client| client.join().unwrap()).collect()
        });
        let created: Vec<u16> = created;
        assert_eq!(created.iter().filter(|status| **status == 201).count(), 1, "{created:?}");
    }
}

/// The cache has the file open; it is another one from the moment on in which the PUT is answered.
#[test]
fn a_reader_gets_what_was_put_at_once() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    for round in 0..5 {
        assert!([201, 204].contains(&status(&server, "PUT /a", "", &format!("round {round}"))));
        let mut wire = server.connect();
        let mut get = || wire.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n").answer().text();
        assert_eq!(get(), format!("round {round}"));
        thread::sleep(Duration::from_millis(150)); // then it may be cached
        assert_eq!((get(), get()), (format!("round {round}"), format!("round {round}")));
    }
    let old = server.get("/a").text();
    assert_eq!(status(&server, "DELETE /a", "", ""), 204);
    assert_eq!(server.get("/a").status(), 404, "{old} is gone");
}

/// What has begun to read the old file reads all of it.
#[test]
fn a_download_that_has_begun_ends_with_the_old_file() {
    let place = place();
    let old: Vec<u8> = (0..=255).cycle().take(20_000_000).collect();
    place.write("www/a", &old);
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let mut wire = server.connect();
    wire.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    wire.head();
    let begun = wire.take(1000);
    assert_eq!(status(&server, "PUT /a", "", "new"), 204);
    let rest = wire.take(old.len() - 1000);
    assert!([begun, rest].concat() == old);
    assert_eq!(server.get("/a").text(), "new");
}

#[test]
fn who_may_read_a_file_stays_the_same() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let page = place.join("www/in/page.txt");
    fs::set_permissions(&page, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(status(&server, "PUT /in/page.txt", "", "new"), 204);
    assert_eq!(fs::metadata(&page).unwrap().mode() & 0o7777, 0o600);
}

/// Eight clients that send nothing more hold no worker of the two that there are.
#[test]
fn a_slow_upload_holds_no_worker() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write", "--workers", "2"]) else {
        return;
    };
    let mut slow: Vec<Wire> = (0..8)
        .map(|number| {
            let mut wire = server.connect();
            let length = 200_000;
            let head = format!(
                "PUT /slow{number} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
            );
            wire.send(head + &"x".repeat(100_000));
            wire
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(server.get("/index.html").text(), "home\n");
    }
    assert_eq!(names(&place.join("www")), ["in", "index.html"], "none is visible yet");
    for wire in &mut slow {
        assert_eq!(wire.send("x".repeat(100_000)).answer().status(), 201);
    }
    assert_eq!(fs::metadata(place.join("www/slow7")).unwrap().len(), 200_000);
}

/// A client that leaves in the middle leaves nothing.
#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    for number in 0..10 {
        let mut wire = server.connect();
        let head = "PUT /index.html HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
        wire.send(head.to_owned() + &"x".repeat(number * 10_000));
        drop(wire);
    }
    assert_eq!(server.get("/").text(), "home\n");
    assert_eq!(names(&place.join("www")), ["in", "index.html"]);
}

#[test]
fn programs_that_upload() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let content: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    place.write("large.bin", &content);
    let file = place.join("large.bin").to_string_lossy().into_owned();
    let stored =
        |name: &str| assert!(fs::read(place.join("www/in").join(name)).unwrap() == content);
    // Our client adds the file's name behind a slash, as curl does.
    let sent = run(&mut client(&["-T", &file, &server.url("/in/")]), b"");
    assert_eq!(sent.code, Some(0), "{sent:?}");
    stored("large.bin");
    let sent = run(&mut client(&["-T", "-", &server.url("/in/piped.bin")]), &content);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    stored("piped.bin");
    if needs("curl") {
        let curl = |args: &[&str], input: &[u8]| {
            let sent = run(Command::new("curl").args(["-sSf"]).args(args), input);
            assert_eq!(sent.code, Some(0), "{sent:?}");
        };
        fs::remove_file(place.join("www/in/large.bin")).unwrap();
        curl(&["-T", &file, &server.url("/in/")], b"");
        stored("large.bin");
        curl(&["-T", "-", &server.url("/in/piped2.bin")], &content);
        stored("piped2.bin");
        curl(&["-X", "DELETE", &server.url("/in/piped2.bin")], b"");
        assert!(!place.join("www/in/piped2.bin").exists());
    }
}

/// Neither a page of another site, nor a browser that only says where a request comes from.
#[test]
fn pages_of_other_sites_change_nothing() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write", "--allow-host", "example.org"])
    else {
        return;
    };
    let here = server.address();
    let form = "Content-Type: multipart/form-data; boundary=x\r\n";
    let body = "--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nx\r\n--x--\r\n";
    for (lines, allowed) in [
        ("Origin: http://evil.example\r\n".to_owned(), false),
        ("Origin: null\r\n".to_owned(), false),
        ("Sec-Fetch-Site: cross-site\r\n".to_owned(), false),
        ("Sec-Fetch-Site: same-site\r\n".to_owned(), false),
        ("Referer: http://evil.example/page\r\n".to_owned(), false),
        (format!("Referer: http://evil.example/http://{here}/\r\n"), false),
        ("Referer: http://127.0.0.1:1/\r\n".to_owned(), false),
        (format!("Origin: http://{here}\r\nReferer: http://{here}/\r\n"), true),
        (format!("Referer: http://{here}/in/\r\n"), true),
        ("Referer: https://example.org/a?b\r\n".to_owned(), true),
        ("Sec-Fetch-Site: same-origin\r\n".to_owned(), true),
        ("Sec-Fetch-Site: none\r\n".to_owned(), true),
        (String::new(), true),
    ] {
        let lines = format!("Host: {here}\r\n{lines}");
        let ask = |request: &str, more: &str, body: &str| {
            let length = body.len();
            let head = format!(
                "{request} HTTP/1.1\r\n{lines}{more}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            server.connect().send(head + body).answer().status()
        };
        let want = |status: u16| if allowed { status } else { 403 };
        assert_eq!(ask("PUT /new", "", "x"), want(201), "{lines}");
        assert_eq!(ask("POST /", form, body), want(201), "{lines}");
        let left = place.join("www/new").exists() || place.join("www/f").exists();
        assert_eq!(left, allowed, "{lines}");
        for name in ["new", "f"] {
            assert_eq!(ask(&format!("DELETE /{name}"), "", ""), want(204), "{lines}");
        }
    }
}

/// The library has the same.
#[test]
fn a_program_lets_its_clients_upload() {
    let folder = Folder::with(&[("a.txt", "a\n"), ("in/b.txt", "b\n")]);
    let uploads = Uploads::new(&folder).unwrap().limit(10);
    let routes = Router::new().files("/pub", &folder).uploads("/pub", uploads);
    let served = Served::start(routes.get("/pub/fixed", |_| "fixed\n"));
    let ask = |request: &str, body: &str| {
        let length = body.len();
        let head =
            format!("{request} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
        Wire::to(served.address).send(head).answer().status()
    };
    assert_eq!(ask("PUT /pub/in/c.txt", "c\n"), 201);
    assert_eq!(served.ask("GET /pub/in/c.txt", "").text(), "c\n");
    assert_eq!(ask("PUT /pub/in/c.txt", "01234567890"), 413);
    assert_eq!(ask("PUT /pub/fixed", "x"), 405);
    assert_eq!(ask("PUT /other", "x"), 404);
    assert_eq!(ask("DELETE /pub/a.txt", ""), 204);
    assert_eq!(names(folder.path()), ["in"]);
}

/// Whatever comes before the handler decides first: a form is stored part by part, and not a part of it is stored for
/// a client that is refused.
#[test]
fn a_client_that_is_refused_stores_nothing() {
    let has_key = |key: Option<&str>| key == Some("1234");
    let folder = Folder::new();
    let uploads = || Router::new().uploads("/", Uploads::new(&folder).unwrap());
    let wrapped = uploads().wrap(move |request, next| match has_key(request.header("X-Key")) {
        true => Ok(next.run(request)),
        false => Err((403, "no key\n")),
    });
    let checked = uploads().check(move |head| match has_key(head.headers.text("X-Key")) {
        true => Ok(()),
        false => Err(ErrorResponse::of_status(403, "no key")),
    });
    for routes in [wrapped, checked] {
        let served = Served::start(routes);
        let ask = |request: &str, lines: &str, body: &str| {
            let length = body.len();
            let head = format!(
                "{request} HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
            );
            Wire::to(served.address).send(head).answer().status()
        };
        let content = "x".repeat(200_000);
        let form = forms::form(&[(Some("b"), &content)]);
        let (key, kind) = ("X-Key: 1234\r\n", forms::TYPE);
        assert_eq!(ask("PUT /a", "", &content), 403);
        assert_eq!(ask("POST /", kind, &form), 403);
        assert_eq!(names(folder.path()), [""; 0]);
        assert_eq!(ask("PUT /a", key, &content), 201);
        assert_eq!(ask("POST /", &format!("{kind}{key}"), &form), 201);
        assert_eq!(names(folder.path()), ["a", "b"]);
        for name in ["a", "b"] {
            assert!(fs::read_to_string(folder.join(name)).unwrap() == content);
            assert_eq!(ask(&format!("DELETE /{name}"), "", ""), 403);
            assert_eq!(ask(&format!("DELETE /{name}"), key, ""), 204);
        }
    }
}

/// `--stat-fields` wraps handlers; an upload may be as long as without it.
#[test]
fn stat_fields_do_not_shorten_uploads() {
    let place = place();
    let flags = ["--write", "--stat-fields", "--max-body", "10"];
    let Some(server) = Server::confined(place.path(), &flags) else { return };
    assert_eq!(status(&server, "PUT /a", "", &"x".repeat(200_000)), 201);
    assert!(server.get("/a").field("Stat-Req-Arrival").is_some());
    assert_eq!(status(&server, "PUT /users", "", "x"), 405);
}
