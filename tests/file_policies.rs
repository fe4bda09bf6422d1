//! Which files are served, and with which type: `--links`, `--dotfiles`, `--precompressed`, `--mime`, `--charset`,
//! `--spa`, `--cache-control`, and the pages for errors.

use std::os::unix::fs::symlink;

use crate::support::{Answer, Folder, Server, ask, server_command};

/// The status of a GET.
fn status(server: &Server, target: &str) -> u16 {
    server.get(target).status()
}

/// A folder with links, and the folder that one of them leads to.
fn with_links() -> (Folder, Folder) {
    let (outside, folder) = (Folder::with(&[("page", "out")]), Folder::with(&[("d/page", "in")]));
    symlink("d/page", folder.join("inner")).unwrap();
    symlink("d", folder.join("folder")).unwrap();
    symlink(outside.path(), folder.join("outer")).unwrap();
    (folder, outside)
}

#[test]
fn links() {
    let (folder, outside) = with_links();
    let targets = ["/d/page", "/inner", "/folder/page", "/outer/page"];
    for (flags, want, listed) in [
        (&[][..], [200, 200, 200, 404], [true, true, false]),
        (&["--links", "inside"], [200, 200, 200, 404], [true, true, false]),
        (&["--links", "all"], [200, 200, 200, 200], [true, true, true]),
        (&["--links", "off"], [200, 404, 404, 404], [false, false, false]),
    ] {
        let server = Server::of(&folder, flags);
        for _ in 0..2 {
            assert_eq!(targets.map(|target| status(&server, target)), want, "{flags:?}");
        }
        let listing = server.get("/").text();
        let names = ["inner", "folder", "outer"];
        assert_eq!(names.map(|name| listing.contains(&format!(">{name}"))), listed, "{flags:?}");
        if want.contains(&404) {
            server.stderr_until(|text| text.contains("refused:") && text.contains("see --links"));
        } else {
            server.stderr_until(|text| text.contains("WARN: --links all"));
            outside.write("page", "new");
            assert_eq!(server.get("/outer/page").text(), "new", "not from a cache");
        }
    }
}

#[test]
fn dotfiles() {
    let folder = Folder::with(&[(".secret", "s"), ("a/.b/c", "c"), (".well-known/x", "x")]);
    for (flags, want) in
        [(&[][..], 404), (&["--dotfiles", "hide"], 404), (&["--dotfiles", "show"], 200)]
    {
        let server = Server::of(&folder, flags);
        assert_eq!(
            [status(&server, "/.secret"), status(&server, "/a/.b/c")],
            [want; 2],
            "{flags:?}"
        );
        assert_eq!(status(&server, "/.well-known/x"), 200);
        assert_eq!(server.get("/").text().contains(".secret"), want == 200, "{flags:?}");
        for outside in
            ["/%2e%2e/etc/passwd", "/a/%2e%2e%2f%2e%2e/etc/passwd", "/a/%2e%2e%2f.secret"]
        {
            assert_eq!(status(&server, outside), 404, "{outside}");
        }
        if want == 404 {
            server.stderr_until(|text| text.contains("see --dotfiles"));
        }
    }
}

#[test]
fn precompressed() {
    let folder = Folder::with(&[("a.txt", "plain")]);
    folder.write("a.txt.gz", b"\x1f\x8bpacked");
    for (flags, coding) in [
        (&[][..], Some("gzip")),
        (&["--precompressed", "on"], Some("gzip")),
        (&["--precompressed", "off"], None),
    ] {
        let server = Server::of(&folder, flags);
        for _ in 0..2 {
            let answer = ask(&mut server.connect(), "GET /a.txt", "Accept-Encoding: gzip");
            assert_eq!(
                (answer.status(), answer.field("Content-Encoding")),
                (200, coding),
                "{flags:?}"
            );
            assert_eq!(answer.field("Vary"), coding.map(|_| "Accept-Encoding"), "{flags:?}");
        }
        assert_eq!(status(&server, "/a.txt.gz"), 200);
    }
}

#[test]
fn types_and_charsets() {
    let folder = Folder::with(&[("a.txt", "x"), ("a.gmi", "x"), ("a.foo", "x"), ("a.png", "x")]);
    let types = Folder::with(&[("types", "# system\nx-own/foo\tfoo FOO2\ntext/x-png png\n")]);
    let path = types.join("types");
    let path = path.to_str().unwrap();
    let octets = "application/octet-stream";
    for (flags, want) in [
        (&[][..], ["text/plain; charset=utf-8", octets, octets, "image/png"]),
        (&["--charset", "off"], ["text/plain", octets, octets, "image/png"]),
        (
            &["--charset", "iso-8859-1"],
            ["text/plain; charset=iso-8859-1", octets, octets, "image/png"],
        ),
        (
            &["--mime", "gmi=text/gemini", "--mime", ".png=image/x-png", "--mime-types", path],
            ["text/plain; charset=utf-8", "text/gemini; charset=utf-8", "x-own/foo", "image/x-png"],
        ),
    ] {
        let server = Server::of(&folder, flags);
        let of = |target| server.get(target).field("Content-Type").map(str::to_owned);
        let got = ["/a.txt", "/a.gmi", "/a.foo", "/a.png"].map(|target| of(target).unwrap());
        assert_eq!(got, want, "{flags:?}");
        assert_eq!(server.get("/a.png").field("X-Content-Type-Options"), Some("nosniff"));
    }
    let wrong = Folder::with(&[("types", "nonsense txt\n")]);
    for path in [wrong.join("types"), wrong.join("absent")] {
        let mut command = server_command(&["--bind", "127.0.0.1:0", "--mime-types"]);
        let output = command.arg(&path).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("--mime-types"), "{error}");
    }
}

#[test]
fn the_page_of_an_application() {
    let folder = Folder::with(&[("index.html", "app"), ("a.js", "x"), ("404.html", "own 404")]);
    let server = Server::of(&folder, &["--spa", "index.html"]);
    let html = "Accept: text/html,application/xhtml+xml,*/*;q=0.8";
    let ask =
        |request: &str, fields: &str| -> Answer { ask(&mut server.connect(), request, fields) };
    for (request, fields, status, body) in [
        ("GET /users/7/edit", html, 200, "app"),
        ("GET /users/7/edit?tab=2", html, 200, "app"),
        ("HEAD /deep/", html, 200, ""),
        ("GET /a.js", html, 200, "x"),
        ("GET /missing.js", html, 404, "own 404"),
        ("GET /users/7/edit", "Accept: */*", 404, "own 404"),
        ("GET /users/7/edit", "Accept: image/avif,image/webp,*/*", 404, "own 404"),
    ] {
        let answer = ask(request, fields);
        assert_eq!(
            (answer.status(), answer.text().as_str()),
            (status, body),
            "{request}, {fields}"
        );
    }
    let page = ask("GET /users/7/edit", html);
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(ask("POST /deep/x", html).status(), 405);
    assert_eq!(ask("GET /deep/x", "Accept: application/json").status(), 404);
}

#[test]
fn the_cache_control_of_files() {
    let folder = Folder::with(&[("a.txt", "x"), ("404.html", "none"), ("d/b", "x")]);
    let server = Server::of(&folder, &["--cache-control", "public, max-age=60"]);
    let value = |answer: Answer| answer.field("Cache-Control").map(str::to_owned);
    let file = server.get("/a.txt");
    let tag = format!("If-None-Match: {}", file.field("ETag").unwrap());
    assert_eq!(value(file).as_deref(), Some("public, max-age=60"));
    let unchanged = ask(&mut server.connect(), "GET /a.txt", &tag);
    assert_eq!(
        (unchanged.status(), value(unchanged).as_deref()),
        (304, Some("public, max-age=60"))
    );
    assert_eq!(value(server.get("/nowhere")), None, "an error is not to be kept");
    assert_eq!(value(server.get("/d/")).as_deref(), Some("no-cache"), "a listing");
    assert_eq!(value(Server::of(&folder, &[]).get("/a.txt")), None);
}

#[test]
fn the_page_for_errors_of_the_server() {
    let folder = Folder::with(&[("50x.html", "<p>we are sorry"), ("d/a", "x"), ("d/b", "x")]);
    let server = Server::of(&folder, &["--max-listings-memory", "1"]);
    let page = server.get("/d/");
    assert_eq!((page.status(), page.text().as_str()), (503, "<p>we are sorry"));
    assert_eq!(page.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.field("Retry-After"), Some("1"));
    let json = ask(&mut server.connect(), "GET /d/", "Accept: application/json");
    assert_eq!(
        (json.status(), json.field("Content-Type")),
        (503, Some("application/problem+json"))
    );
    let absent = server.get("/nowhere");
    assert_eq!((absent.status(), absent.text().contains("sorry")), (404, false));
}

/// As when the disk with the users fails: the error is not the file server's.
#[test]
fn the_same_page_for_other_handlers() {
    let folder = Folder::with(&[("50x.html", "<p>we are sorry")]);
    let data = Folder::with(&[("data/a", "")]);
    let place = data.path().join("data");
    let server = Server::of(&folder, &["--data", &place.display().to_string()]);
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::write(&place, "no folder").unwrap();
    let user = r#"{"name":"Ada","email":"ada@example.org"}"#;
    let head = format!("Content-Type: application/json\r\nContent-Length: {}", user.len());
    let mut connection = server.connect();
    connection.send(format!("POST /users HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n{user}"));
    let page = connection.answer();
    assert_eq!((page.status(), page.text().as_str()), (500, "<p>we are sorry"));
}
