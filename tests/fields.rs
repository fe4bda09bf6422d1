//! Fields of responses, and who may use a site from where: `--header`, `--cors`, `--redirect`, `--host`.

use std::path::Path;

use crate::support::{Answer, Folder, Server, ask, server_command};

fn get(server: &Server, target: &str, fields: &str) -> Answer {
    ask(&mut server.connect(), &format!("GET {target}"), fields)
}

const PREFLIGHT: &str =
    "Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type";

#[test]
fn headers() {
    let folder = Folder::with(&[("a.txt", "x"), ("docs/b.txt", "x"), ("docs2/c.txt", "x")]);
    let flags = [
        "--header",
        "X-Frame-Options: DENY",
        "--header",
        "/docs/ X-Doc: yes, really",
        "--header",
        "/docs/ X-Frame-Options:",
        "--header",
        "X-Content-Type-Options:",
    ];
    let server = Server::of(&folder, &flags);
    for (target, status, frame, doc) in [
        ("/a.txt", 200, Some("DENY"), None),
        ("/docs/b.txt", 200, None, Some("yes, really")),
        ("/d%6fcs/b.txt", 200, None, Some("yes, really")),
        ("/docs/none", 404, None, Some("yes, really")),
        ("/docs2/c.txt", 200, Some("DENY"), None),
        ("/docs", 301, Some("DENY"), None),
        ("/users", 200, Some("DENY"), None),
    ] {
        let answer = server.get(target);
        let got = (answer.status(), answer.field("X-Frame-Options"), answer.field("X-Doc"));
        assert_eq!(got, (status, frame, doc), "{target}");
        assert_eq!(answer.field("X-Content-Type-Options"), None, "{target}: removed");
    }
    let bad = server.exchange("NONSENSE\r\n\r\n");
    assert!(bad.starts_with("HTTP/1.1 400") && bad.contains("X-Frame-Options: DENY"), "{bad}");
    for wrong in [
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Date: now",
        "A: b\nC: d",
    ] {
        let output = server_command(&["--header", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn cors_for_named_origins() {
    let folder = Folder::with(&[("a.txt", "text")]);
    let server = Server::of(
        &folder,
        &["--cors", "https://app.example", "--cors", "http://localhost:3000", "--write"],
    );
    let origin = "Origin: https://app.example";
    for (target, fields, status) in [
        ("/a.txt", "", 200),
        ("/nowhere", "", 404),
        ("/a.txt", "Range: bytes=90-", 416),
        ("/users", "", 200),
    ] {
        let answer = get(&server, target, format!("{origin}\r\n{fields}").trim());
        assert_eq!(answer.status(), status, "{target}");
        assert_eq!(
            answer.field("Access-Control-Allow-Origin"),
            Some("https://app.example"),
            "{target}"
        );
        assert_eq!(answer.field("Access-Control-Allow-Credentials"), Some("true"), "{target}");
        assert!(
            answer.field("Access-Control-Expose-Headers").unwrap().contains("ETag"),
            "{target}"
        );
    }
    for other in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://app.example",
        "Accept: */*",
    ] {
        let answer = get(&server, "/a.txt", other);
        assert_eq!(answer.field("Access-Control-Allow-Origin"), None, "{other}");
        assert_eq!(answer.field("Vary"), Some("Origin"), "{other}: a cache keeps them apart");
    }
    let preflight =
        ask(&mut server.connect(), "OPTIONS /b.txt", &format!("{origin}\r\n{PREFLIGHT}"));
    assert_eq!(preflight.status(), 204);
    assert!(preflight.field("Access-Control-Allow-Methods").unwrap().contains("PUT"));
    assert_eq!(preflight.field("Access-Control-Allow-Headers"), Some("content-type"));
    assert_eq!(preflight.field("Access-Control-Max-Age"), Some("3600"));
    let foreign = format!("Origin: https://evil.example\r\n{PREFLIGHT}");
    let refused = ask(&mut server.connect(), "OPTIONS /b.txt", &foreign);
    assert_eq!(refused.field("Access-Control-Allow-Methods"), None);
    server.stderr_until(|text| {
        text.contains("refused: a preflight of a page of https://evil.example")
    });
    for (fields, status) in [(origin, 201), ("Origin: https://evil.example", 403)] {
        let put =
            ask(&mut server.connect(), "PUT /b.txt", &format!("{fields}\r\nContent-Length: 0"));
        assert_eq!(put.status(), status, "{fields}");
    }
    assert_eq!(
        ask(&mut server.connect(), "PATCH /a.txt", origin).field("Access-Control-Allow-Origin"),
        Some("https://app.example"),
        "a 405"
    );
}

#[test]
fn cors_for_all() {
    let server = Server::start(&["--cors", "*"]);
    for origin in ["Origin: https://any.example", "Origin: null", "Accept: */*"] {
        let answer = get(&server, "/users", origin);
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("*"), "{origin}");
        assert_eq!(answer.field("Access-Control-Allow-Credentials"), None, "{origin}");
    }
    let without = Server::start(&[]);
    let answer = get(&without, "/users", "Origin: https://any.example");
    assert_eq!(
        (
            answer.field("Access-Control-Allow-Origin"),
            answer.field("Vary").map(|vary| vary.contains("Origin"))
        ),
        (None, answer.field("Vary").map(|_| false))
    );
}

#[test]
fn redirects() {
    let flags = [
        "--redirect",
        "/old=/new",
        "--redirect",
        "/manual/=https://docs.example.org/v2/",
        "--redirect",
        "/top/=/",
    ];
    let server = Server::start(&flags);
    for (target, want) in [
        ("/old", Some("/new")),
        ("/old?a=b&c=%20", Some("/new?a=b&c=%20")),
        ("/old/x", None),
        ("/older", None),
        ("/manual/", Some("https://docs.example.org/v2/")),
        ("/manual/a/b%20c?q", Some("https://docs.example.org/v2/a/b%20c?q")),
        ("/manual", None),
        ("/top/x", Some("/x")),
        ("/top/%2f%2fevil.example", Some("/%2F%2Fevil.example")),
        ("/top/%5cevil.example", Some("/%5Cevil.example")),
    ] {
        let answer = server.get(target);
        assert_eq!(answer.status(), if want.is_some() { 308 } else { 404 }, "{target}");
        assert_eq!(answer.field("Location"), want, "{target}");
    }
    let evil = server.get("/top//evil.example");
    assert!(evil.field("Location").is_none_or(|to| !to.starts_with("//")), "{}", evil.text());
    let post = ask(&mut server.connect(), "POST /old", "Content-Length: 0");
    assert_eq!((post.status(), post.field("Location")), (308, Some("/new")));
    for wrong in
        [&["--redirect", "/a=/b", "--redirect", "/b=/a"][..], &["--redirect", "/a=//evil.example"]]
    {
        assert!(!server_command(wrong).output().unwrap().status.success(), "{wrong:?}");
    }
}

#[test]
fn hosts() {
    let main = Folder::with(&[("a", "main"), ("404.html", "main 404")]);
    let docs = Folder::with(&[("a", "docs"), ("404.html", "docs 404"), ("only", "docs")]);
    let flag = |folder: &Path| format!("docs.example={}", folder.display());
    let server = Server::of(&main, &["--host", &flag(docs.path()), "--write"]);
    let ask = |request: String| server.connect().send(request).answer();
    for (host, target, status, body) in [
        ("docs.example", "/a", 200, "docs"),
        ("DOCS.example.:99", "/a", 200, "docs"),
        ("docs.example", "/none", 404, "docs 404"),
        ("other.example", "/a", 200, "main"),
        ("other.example", "/only", 404, "main 404"),
        ("docs.example.evil", "/a", 200, "main"),
        ("other.example", "http://docs.example/a", 200, "docs"),
    ] {
        let answer = ask(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!((answer.status(), answer.text().as_str()), (status, body), "{host} {target}");
    }
    let put = "PUT /new HTTP/1.1\r\nHost: docs.example\r\nOrigin: http://docs.example\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(ask(put.to_owned()).status(), 201);
    assert!(docs.join("new").exists() && !main.join("new").exists(), "in its own folder");
    let output = server_command(&["--host", "a.example=/no/such/folder"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

/// What is for this machine only stays so: a page of another site in its browser may not read it.
#[test]
fn other_origins_do_not_read_what_is_for_this_machine() {
    let status_of = |server: &Server, target: &str, fields: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        server.connect().send(request).answer().status()
    };
    let server = Server::start(&["--cors", "*"]);
    for (target, fields, status) in [
        ("/", "Origin: http://other.example\r\n", 200),
        ("/-/metrics", "Origin: http://other.example\r\n", 403),
        ("/-/status", "Origin: http://other.example\r\n", 403),
        ("/-/status", "Origin: null\r\n", 403),
        ("/-/status", "", 200),
        ("/-/health", "Origin: http://other.example\r\n", 200),
    ] {
        assert_eq!(status_of(&server, target, fields), status, "{target} {fields}");
    }
    let open = Server::start(&["--cors", "*", "--metrics", "everyone"]);
    assert_eq!(status_of(&open, "/-/metrics", "Origin: http://other.example\r\n"), 200);
}
