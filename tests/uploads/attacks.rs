//! Attacks: names that lead out of the root or to what is hidden, links, devices, folders in the place of files, while
//! others move things about. Each is tried with `--write` and without; none changes a byte that it may not change, and
//! none is a 500.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

use super::forms::{form, post};
use super::{SECRET, names, send};
use crate::support::{Folder, Server};

/// A site and what lies around it. The folder beside it has the site's name as its beginning.
fn place() -> Folder {
    let place = Folder::with(&[
        ("www/index.html", "home\n"),
        ("www/page.txt", "page\n"),
        ("www/in/page.txt", "page\n"),
        ("www/.hidden", SECRET),
        ("www/.git/config", SECRET),
        ("www/in/.htaccess", SECRET),
        ("www/.well-known/token", SECRET),
        ("secret.txt", SECRET),
        ("outside/file.txt", SECRET),
        ("www-secret/page.txt", SECRET),
    ]);
    fs::create_dir(place.join("outside/empty")).unwrap();
    for (name, target) in [
        ("file", "page.txt"),
        ("folder", "in"),
        ("out.txt", "../secret.txt"),
        ("out", "../outside"),
        ("up", ".."),
        ("root", "/"),
        ("fd", "/proc/self/fd"),
        ("null", "/dev/null"),
        ("dangling", "nowhere"),
        ("dangling-out", "../new.txt"),
        ("round", "round"),
        ("in/out.txt", "../../secret.txt"),
    ] {
        symlink(target, place.join("www").join(name)).unwrap();
    }
    nix::unistd::mkfifo(&place.join("www/fifo"), Mode::S_IRWXU).unwrap();
    drop(UnixListener::bind(place.join("www/socket")).unwrap());
    place
}

/// All that lies below a folder: files with their contents, and what else there is, by its kind. Links as what they
/// lead to.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        let what = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_file() {
            fs::read_to_string(&path).unwrap()
        } else {
            format!("{kind:?}")
        };
        if kind.is_dir() {
            found.extend(snapshot(&path));
        }
        found.insert(path, what);
    }
    found
}

/// Paths at which nothing may be changed, by PUT, by DELETE and by a form. Each has a status below 500, and not one of
/// success.
const NOWHERE: &[&str] = &[
    // Up.
    "/..",
    "/../",
    "/../new.txt",
    "/../secret.txt",
    "/../../../../../../../../tmp/new.txt",
    "/../www-secret/page.txt",
    "/../www-secret/new.txt",
    "/../outside/empty/",
    "/in/../../secret.txt",
    "/nowhere/../../secret.txt",
    "/page.txt/../../secret.txt",
    "/...",
    "/.../a",
    "/....//secret.txt",
    "/..;/secret.txt",
    "/%2e%2e/secret.txt",
    "/%2E%2E/secret.txt",
    "/.%2e/secret.txt",
    "/%2e./secret.txt",
    "/..%2fsecret.txt",
    "/..%2Fsecret.txt",
    "/%2e%2e%2fsecret.txt",
    "/in%2f..%2f..%2fsecret.txt",
    "/in%2fnew.txt",
    "/%2ftmp%2fnew.txt",
    "/%2f",
    "//..//secret.txt",
    "//localhost/../../secret.txt",
    "http://a/../secret.txt",
    "http://a/%2e%2e/secret.txt",
    "file:///tmp/new.txt",
    "../secret.txt",
    "secret.txt",
    // NUL and backslashes.
    "/%00",
    "/new.txt%00",
    "/new.txt%00.html",
    "/../secret.txt%00.html",
    "/new.txt\0",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/in%5cnew.txt",
    "/%5c..%5csecret.txt",
    // What is no encoding.
    "/%",
    "/%2",
    "/%zz",
    "/%u002e%u002e/secret.txt",
    "/%%32%65%%32%65/secret.txt",
    // Hidden.
    "/.hidden",
    "/.new",
    "/%2enew",
    "/.git/config",
    "/.git/hooks/post-checkout",
    "/.git/",
    "/in/.htaccess",
    "/in/.new",
    "/.well-known/token",
    "/.well-known/new",
    "/.threadbare-0123456789abcdef.part",
    "/.part",
    // Links.
    "/file",
    "/file/",
    "/folder",
    "/folder/",
    "/folder/page.txt",
    "/folder/new.txt",
    "/out.txt",
    "/out",
    "/out/",
    "/out/new.txt",
    "/out/file.txt",
    "/out/empty/",
    "/up",
    "/up/",
    "/up/secret.txt",
    "/up/www/page.txt",
    "/root/",
    "/root/tmp/new.txt",
    "/fd/0",
    "/fd/3",
    "/null",
    "/dangling",
    "/dangling/",
    "/dangling/new.txt",
    "/dangling-out",
    "/round",
    "/round/new.txt",
    "/in/out.txt",
    // What is no file, and no folder.
    "/fifo",
    "/fifo/",
    "/fifo/new.txt",
    "/socket",
    "/socket/",
    "/page.txt/",
    "/page.txt/new.txt",
    "/page.txt/page.txt/",
    "/in",
    "/in/",
    "/",
    "/nowhere/new.txt",
    "/nowhere/",
    "/nowhere/in/new.txt",
    // Other forms, and other names of the same.
    "*",
    "/page.txt#new",
    "/users",
    "/users/1",
    "/-/health",
    "/-/status",
    "/sleep/1",
    "/PAGE.TXT/new",
    "/in/page.txt/",
    // Overlong UTF-8 of dots and slashes: names as others, in folders that do not exist.
    "/%c0%ae%c0%ae/secret.txt",
    "/..%c0%af/secret.txt",
    "/%ef%bc%8e%ef%bc%8e/secret.txt",
    "/%e0%80%ae%e0%80%ae/secret.txt",
    "/%252e%252e/secret.txt",
    "/%25252e%25252e/secret.txt",
];

/// Names of files in a form, none of which is stored.
const NO_NAMES: &[&str] = &[
    "..",
    ".",
    "a/..",
    "../..",
    "a\\..",
    "in/",
    ".hidden",
    "../.hidden",
    ".git/.config",
    "a/.new",
    "C:\\.new",
    "in",
    "file",
    "folder",
    "out.txt",
    "out",
    "null",
    "dangling",
    "dangling-out",
    "round",
    "fifo",
    "socket",
    "index.html",
    "x/../page.txt",
    "../page.txt",
    "..\\page.txt",
    ".threadbare-0123456789abcdef.part",
];

/// Sends each attack, and checks after each that nothing has changed.
fn attack(flags: &[&str]) {
    let place = place();
    let Some(server) = Server::confined(place.path(), flags) else { return };
    let before = snapshot(place.path());
    let unchanged = |what: &str| {
        let now = snapshot(place.path());
        // The server keeps its users beside the site.
        let all =
            before.iter().chain(&now).filter(|(path, _)| !path.starts_with(place.join("data")));
        for (path, _) in all {
            assert_eq!(before.get(path), now.get(path), "{what}: {}", path.display());
        }
    };
    let mut wrong = Vec::new();
    let mut judge = |what: &str, status: u16| {
        if !(400..500).contains(&status) && status != 501 {
            wrong.push(format!("{what}: {status}"));
        }
        unchanged(what);
    };
    let long = "x".repeat(256);
    let deep = "a/".repeat(3000);
    let generated = [
        format!("/{long}"),
        format!("/in/{long}"),
        format!("/{long}/new"),
        format!("/{deep}new"),
        format!("/{}new", "in/../".repeat(500).replace("in/../", "%2e%2e/")),
        format!("/{}", "x".repeat(9000)),
    ];
    for target in NOWHERE.iter().copied().chain(generated.iter().map(String::as_str)) {
        // Requests for which these are the right names.
        if !matches!(target, "/users/1") {
            judge(
                &format!("PUT {target}"),
                send(&server, &format!("PUT {target}"), "", "x").status(),
            );
        }
        let delete = format!("DELETE {target}");
        judge(&delete, send(&server, &delete, "", "").status());
        // A form is right for a folder, which is no attack.
        if !matches!(target, "/" | "/in/" | "/users") {
            let form = form(&[(Some("new.txt"), "x")]);
            judge(&format!("POST {target}"), post(&server, target, "", &form).status());
        }
    }
    for name in NO_NAMES {
        let form = form(&[(Some(name), "x")]);
        judge(&format!("a form with {name}"), post(&server, "/", "", &form).status());
    }
    for (request, lines) in [
        ("PUT /new.txt", "Content-Range: bytes 0-0/1\r\n"),
        ("PUT /page.txt", "Content-Range: bytes 0-0/5\r\n"),
        ("PUT /page.txt", "Content-Encoding: gzip\r\n"),
        ("PUT /page.txt", "If-Match: \"x\"\r\n"),
        ("PUT /page.txt", "If-None-Match: *\r\n"),
        ("DELETE /page.txt", "If-Match: \"x\"\r\n"),
        ("DELETE /page.txt", "Origin: http://evil.example\r\n"),
        ("PUT /page.txt", "Origin: http://evil.example\r\n"),
        ("PUT /page.txt", "Origin: null\r\n"),
        ("DELETE /page.txt", "Sec-Fetch-Site: cross-site\r\n"),
        ("DELETE /page.txt", "Referer: http://evil.example/\r\n"),
        ("POST /page.txt", ""),
        ("PATCH /page.txt", ""),
        ("MOVE /page.txt", "Destination: /new.txt\r\n"),
        ("COPY /page.txt", "Destination: /new.txt\r\n"),
        ("MKCOL /new", ""),
        ("LOCK /page.txt", ""),
        ("PROPPATCH /page.txt", ""),
    ] {
        judge(&format!("{request} {lines}"), send(&server, request, lines, "x").status());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_attack_changes_anything() {
    attack(&["--write", "--access-log", "off"]);
}

#[test]
fn no_attack_changes_anything_where_nothing_may_be_written() {
    attack(&["--access-log", "off"]);
}

/// Odd names are names: they are stored as they are, and found again.
#[test]
fn odd_names_are_stored_as_they_are() {
    let place = Folder::with(&[("www/index.html", "home\n")]);
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let odd = [
        "/a..b",
        "/..;",
        "/~",
        "/-",
        "/%20",
        "/a%20",
        "/CON",
        "/page~1.txt",
        "/a.txt::$DATA",
        "/new.part",
        "/%2525",
        "/%0a",
        "/%7f",
        "/%ff%fe",
        "/%c0%ae",
        "/%e2%80%ae",
        "/*",
        "/$HOME",
        "/%60id%60",
        "/a%3Fb",
        "/a%23b",
        "/%22",
        "/%3Cb%3E",
        "/a+b",
        "/a;b",
        "/C:",
        "/%F0%9F%98%80",
        "/x.php",
        "/%25n",
    ];
    for (number, target) in odd.iter().enumerate() {
        // `..;` begins with a dot.
        let want = if *target == "/..;" { 403 } else { 201 };
        let put = send(&server, &format!("PUT {target}"), "", number.to_string());
        assert_eq!(put.status(), want, "{target}");
        if want == 201 {
            assert_eq!(server.get(target).text(), number.to_string(), "{target}");
            let delete = send(&server, &format!("DELETE {target}"), "", "");
            assert_eq!(delete.status(), 204, "{target}");
        }
    }
    assert_eq!(names(&place.join("www")), ["index.html"]);
}

/// While clients put and delete, others swap a folder for a link that leads out, and a file for another one: what lies
/// outside stays as it is.
#[test]
fn links_that_appear_during_a_request_lead_nowhere() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    place.write("outside/a", SECRET);
    place.write("outside/file", SECRET);
    let before = snapshot(&place.join("outside"));
    let www = place.join("www");
    let over = AtomicBool::new(false);
    let end = Instant::now() + Duration::from_millis(1500);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let swapped = www.join("swapped");
                let _ = fs::create_dir(&swapped);
                thread::yield_now();
                // A folder with files in it cannot be removed, but renamed.
                let _ = fs::rename(&swapped, place.join("kept")).is_ok()
                    && fs::remove_dir_all(place.join("kept")).is_ok();
                let _ = symlink("../outside", &swapped);
                thread::yield_now();
                let _ = fs::remove_file(&swapped);
                let _ = symlink("../outside/a", www.join("name"));
                thread::yield_now();
                let _ = fs::remove_file(www.join("name"));
            }
        });
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let server = &server;
                scope.spawn(move || {
                    let mut seen = BTreeMap::new();
                    while Instant::now() < end {
                        for request in [
                            "PUT /swapped/a",
                            "PUT /name",
                            "DELETE /swapped/a",
                            "DELETE /name",
                            "DELETE /swapped/empty/",
                            "DELETE /swapped/",
                            "POST /swapped/",
                        ] {
                            let status = if request.starts_with("POST") {
                                post(
                                    server,
                                    "/swapped/",
                                    "",
                                    &form(&[(None, ""), (Some("a"), "x")]),
                                )
                            } else {
                                send(server, request, "", format!("client {client}"))
                            };
                            let status = status.status();
                            assert!(status < 500, "{request}: {status}");
                            *seen.entry(status).or_insert(0) += 1;
                        }
                    }
                    seen
                })
            })
            .collect();
        let seen: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(seen.iter().any(|seen| seen.contains_key(&201)), "{seen:?}");
        assert!(seen.iter().any(|seen| seen.contains_key(&403)), "{seen:?}");
    });
    assert_eq!(snapshot(&place.join("outside")), before);
    assert_eq!(fs::read_to_string(place.join("secret.txt")).unwrap(), SECRET);
    assert!(!names(&www).iter().any(|name| name.ends_with(".part")));
}
