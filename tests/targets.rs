//! Targets as real programs send them, which take a path as people do: apt, curl, browsers, joined names.

use crate::support::{Folder, Server};

/// Sends GET with each target, and compares the status, and the body of a 200.
fn get_all(server: &Server, table: &[(&str, u16, &str)]) {
    let mut wrong = Vec::new();
    for (target, status, text) in table {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = server.connect().send(request).answer();
        let is_right = answer.status() == *status && (*status != 200 || answer.text() == *text);
        if !is_right {
            wrong.push(format!("{target}: {} {:?}", answer.status(), answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn site() -> Folder {
    Folder::with(&[
        ("index.html", "home"),
        ("hello.txt", "hello"),
        ("flat/Packages", "packages"),
        ("sub/deep/f.txt", "deep"),
        ("é.txt", "accent"),
    ])
}

/// apt asks for `/flat/./Packages` in a flat repository.
#[test]
fn dot_segments_are_resolved_before_the_files_and_the_routes() {
    let site = site();
    let server = Server::of(&site, &[]);
    get_all(
        &server,
        &[
            ("/flat/./Packages", 200, "packages"),
            ("/nosuch/../hello.txt", 200, "hello"),
            ("/sub/deep/%2e%2E/../flat/%2e/Packages", 200, "packages"),
            ("/nosuch/../-/health", 200, "ok\n"),
            ("/-/./health", 200, "ok\n"),
            ("/sub/..", 200, "home"),
            ("http://a/flat/./Packages", 200, "packages"),
            ("/../hello.txt", 404, ""),
            ("/%2e%2e/-/health", 404, ""),
            ("/sub/../../hello.txt", 404, ""),
        ],
    );
    server.stderr_until(|text| text.contains("\"GET /flat/./Packages HTTP/1.1\" 200"));
}

/// A certificate authority asks for `/.well-known/acme-challenge/token` (RFC 8555, 8.3).
#[test]
fn well_known_names_are_public_and_other_dotfiles_are_refused_in_the_log() {
    let site = Folder::with(&[
        (".well-known/acme-challenge/token", "key"),
        (".well-known/security.txt", "contact"),
        (".well-known/.git/config", "secret"),
        ("sub/.well-known/x", "secret"),
        (".git/config", "secret"),
    ]);
    std::os::unix::fs::symlink("/etc", site.join("out")).unwrap();
    let server = Server::of(&site, &[]);
    get_all(
        &server,
        &[
            ("/.well-known/acme-challenge/token", 200, "key"),
            ("/%2ewell-known/security.txt", 200, "contact"),
            ("/.well-known/.git/config", 404, ""),
            ("/sub/.well-known/x", 404, ""),
            ("/.git/config", 404, ""),
            ("/sub%5cx", 404, ""),
            ("/out/passwd", 404, ""),
        ],
    );
    let log = server.stderr_until(|text| text.contains("\"GET /out/passwd"));
    let refused = |line: &&str| line.starts_with("server: INFO: ") && line.contains("refused: ");
    let lines: Vec<_> = log.lines().filter(refused).collect();
    assert_eq!(lines.len(), 5, "{log}");
    assert!(lines[2].contains("refused: /.git/config: a name that begins with a dot"), "{log}");
    assert!(lines[4].contains("refused: out/passwd: a symbolic link leads out of"), "{log}");
}

#[test]
fn a_run_of_slashes_is_one() {
    let site = site();
    let server = Server::of(&site, &[]);
    get_all(
        &server,
        &[
            ("//hello.txt", 200, "hello"),
            ("/sub//deep/f.txt", 200, "deep"),
            ("///", 200, "home"),
            ("/sub///deep//f.txt?a//b", 200, "deep"),
            ("//-//health", 200, "ok\n"),
            ("//nosuch/hello.txt", 404, ""),
        ],
    );
    let head = server.connect().send("GET //sub HTTP/1.0\r\n\r\n").head();
    assert!(head.contains("\r\nLocation: /sub/\r\n"), "{head}");
}

/// Chromium and fetch send a lone `%`, curl sends bytes as they were typed.
#[test]
fn a_query_is_taken_as_it_comes() {
    let site = site();
    let server = Server::of(&site, &[]);
    get_all(
        &server,
        &[
            ("/hello.txt?q=100%", 200, "hello"),
            ("/hello.txt?q=%zz&r=%4", 200, "hello"),
            ("/hello.txt?\"<q>\"='é'\\", 200, "hello"),
            ("/é.txt?é", 200, "accent"),
            ("/%C3%A9.txt", 200, "accent"),
            ("/hello.txt?a#b", 400, ""),
            ("/hello.txt%", 400, ""),
            ("/hello.txt?a b", 400, ""),
            ("/hello.txt?\u{7f}", 400, ""),
        ],
    );
    let echoed = server.get("/echo?q=100%\"<é>").text();
    assert!(echoed.contains("/echo?q=100%\"<é>"), "{echoed}");
    // No quote of a client ends the column of a log.
    server.stderr_until(|text| text.contains("\"GET /hello.txt?\\x22<q>\\x22='\\xC3\\xA9'"));
    let request = b"GET /hello.txt?\xFF HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(server.connect().send(request).answer().status(), 400, "it is no UTF-8");
}
