//! Ways out of the folder, and things in it that are no files. Each is 404 or 400, never 500, and no
//! byte from outside ever leaves, whoever moves things about meanwhile.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;

use crate::support::{Folder, SOON, Server};

/// Stands in every file that nobody may see, and nowhere else.
const SECRET: &str = "nobody may read this\n";

/// A site and what lies around it. The folder beside it has the site's name as its beginning.
fn place() -> Folder {
    let place = Folder::with(&[
        ("www/index.html", "home\n"),
        ("www/page.txt", "hello\n"),
        ("www/in/page.txt", "hello\n"),
        ("www/in/index.html", "in\n"),
        ("www/a..b/..c/page.txt", SECRET),
        ("www/a..b/page.txt", "hello\n"),
        ("www/...", SECRET),
        ("www/.hidden", SECRET),
        ("www/.git/config", SECRET),
        ("www/in/.htaccess", SECRET),
        ("secret.txt", SECRET),
        ("index.html", SECRET),
        ("www-secret/page.txt", SECRET),
        ("www-secret/index.html", SECRET),
    ]);
    for (name, target) in [
        ("file", "page.txt"),
        ("folder", "in"),
        ("up", "in/../page.txt"),
        ("out.txt", "../secret.txt"),
        ("out", ".."),
        ("neighbour", "../www-secret"),
        ("in/out.txt", "../../secret.txt"),
        ("in/over.txt", "../../www-secret/../secret.txt"),
        ("etc", "/etc"),
        ("root", "/"),
        ("passwd", "/etc/passwd"),
        ("fd", "/proc/self/fd"),
        ("round", "round"),
        ("to", "fro"),
        ("fro", "to"),
        ("dangling", "nowhere"),
        ("null", "/dev/null"),
    ] {
        symlink(target, place.join("www").join(name)).unwrap();
    }
    for (name, target) in [("absolute", "www/page.txt"), ("absolute-out", "secret.txt")] {
        symlink(place.join(target), place.join("www").join(name)).unwrap();
    }
    nix::unistd::mkfifo(&place.join("www/fifo"), Mode::S_IRWXU).unwrap();
    // Its descriptor is not needed: the name stays.
    drop(UnixListener::bind(place.join("www/socket")).unwrap());
    place
}

/// What is asked for, byte by byte, and the status of the answer.
const TABLE: &[(&str, u16)] = &[
    // What is there.
    ("/", 200),
    ("/page.txt", 200),
    ("/in/", 200),
    ("/in", 301),
    ("/%69n/page%2Etxt", 200),
    ("/page.txt?/../../secret.txt", 200),
    ("/?../secret.txt", 200),
    ("/a..b/page.txt", 200),
    ("/file", 200),
    ("/folder/page.txt", 200),
    ("/up", 200),
    ("/absolute", 200),
    // Up.
    ("/..", 404),
    ("/../", 404),
    ("/../secret.txt", 404),
    ("/../../../../../../../../etc/passwd", 404),
    ("/in/..", 200),
    ("/in/../page.txt", 200),
    ("/nowhere/../page.txt", 200),
    ("/in/%2e%2E/page.txt", 200),
    ("/in/../../secret.txt", 404),
    ("/nowhere/../../secret.txt", 404),
    ("/page.txt/../../secret.txt", 404),
    ("/.", 200),
    ("/./", 200),
    ("/./page.txt", 200),
    ("/in/./page.txt", 200),
    ("/in/.", 200),
    ("/...", 404),
    ("/.../secret.txt", 404),
    ("/....//secret.txt", 404),
    ("/a..b/..c/page.txt", 404),
    ("/..;/secret.txt", 404),
    ("/..;a=b/secret.txt", 404),
    ("/;/../secret.txt", 404),
    // Up, encoded once.
    ("/%2e%2e/secret.txt", 404),
    ("/%2E%2E/secret.txt", 404),
    ("/.%2e/secret.txt", 404),
    ("/%2e./secret.txt", 404),
    ("/%2e/page.txt", 200),
    ("/..%2fsecret.txt", 404),
    ("/..%2Fsecret.txt", 404),
    ("/%2e%2e%2fsecret.txt", 404),
    ("/in%2f..%2f..%2fsecret.txt", 404),
    ("/in%2fpage.txt", 404),
    ("/%2f", 404),
    ("/%2fetc%2fpasswd", 404),
    ("/%2f%2fetc%2fpasswd", 404),
    // Twice, and in other ways.
    ("/%252e%252e/secret.txt", 404),
    ("/%252e%252e%252fsecret.txt", 404),
    ("/..%252fsecret.txt", 404),
    ("/%25252e%25252e/secret.txt", 404),
    ("/%%32%65%%32%65/secret.txt", 400),
    ("/%2%65%2%65/secret.txt", 400),
    ("/%u002e%u002e/secret.txt", 400),
    ("/%uff0e%uff0e/secret.txt", 400),
    ("/&#46;&#46;/secret.txt", 400),
    ("/0x2e0x2e/secret.txt", 404),
    ("/%", 400),
    ("/%2", 400),
    ("/%zz", 400),
    ("/%-1", 400),
    // NUL and other controls.
    ("/%00", 404),
    ("/page.txt%00", 404),
    ("/page.txt%00.html", 404),
    ("/../secret.txt%00.html", 404),
    ("/in/%00/../../secret.txt", 404),
    ("/page.txt%0a", 404),
    ("/page.txt%0d%0aX:%20y", 404),
    ("/page.txt%7f", 404),
    ("/page.txt\0", 400),
    ("/page.txt\t", 400),
    ("/page.txt\u{7f}", 400),
    ("/page.txt\r", 400),
    // Backslashes and drives.
    ("/..\\secret.txt", 400),
    ("\\..\\secret.txt", 400),
    ("/in\\page.txt", 400),
    ("/..%5csecret.txt", 404),
    ("/..%5Csecret.txt", 404),
    ("/%5c..%5csecret.txt", 404),
    ("/in%5cpage.txt", 404),
    ("/..%255csecret.txt", 404),
    ("/C:/secret.txt", 404),
    ("/C:%5csecret.txt", 404),
    ("/page.txt::$DATA", 404),
    ("/page.txt:secret", 404),
    ("/con", 404),
    ("/page~1.txt", 404),
    // Overlong UTF-8 of dot and slash, fullwidth ones, and bytes that are no UTF-8.
    ("/%c0%ae%c0%ae/secret.txt", 404),
    ("/%c0%ae%c0%ae%c0%afsecret.txt", 404),
    ("/..%c0%afsecret.txt", 404),
    ("/..%e0%80%afsecret.txt", 404),
    ("/..%f0%80%80%afsecret.txt", 404),
    ("/..%c1%9csecret.txt", 404),
    ("/%ef%bc%8e%ef%bc%8e/secret.txt", 404),
    ("/%ef%bc%8fetc%ef%bc%8fpasswd", 404),
    ("/%e2%80%a5/secret.txt", 404),
    ("/%ff", 404),
    ("/%80%ae", 404),
    ("/．．/secret.txt", 404),
    // Hosts, absolute parts, other forms.
    ("//", 200),
    ("//page.txt", 200),
    ("//localhost/page.txt", 404),
    ("//etc/passwd", 404),
    ("///etc/passwd", 404),
    ("/in//page.txt", 200),
    ("/in//../page.txt", 200),
    ("/in//../../secret.txt", 404),
    ("/in//", 200),
    ("/etc/passwd", 404),
    ("/~root/secret.txt", 404),
    ("/~", 404),
    ("/-", 404),
    ("/*", 404),
    ("/$HOME/secret.txt", 404),
    ("/`id`", 404),
    ("http://a/page.txt", 200),
    ("http://a/../secret.txt", 404),
    ("http://a/%2e%2e/secret.txt", 404),
    ("http://a//etc/passwd", 404),
    ("http://a", 200),
    ("file:///etc/passwd", 400),
    ("../secret.txt", 400),
    ("..", 400),
    ("page.txt", 400),
    ("etc/passwd", 400),
    ("/page.txt#", 400),
    ("/page.txt#/../secret.txt", 400),
    ("/page.txt%23", 404),
    ("/page.txt%3f", 404),
    // Neighbours, whose names begin like the site's.
    ("/../www-secret/page.txt", 404),
    ("/../www/page.txt", 404),
    ("-secret/page.txt", 400),
    ("/-secret/page.txt", 404),
    ("/neighbour", 404),
    ("/neighbour/", 404),
    ("/neighbour/page.txt", 404),
    // Links.
    ("/out.txt", 404),
    ("/out", 404),
    ("/out/", 404),
    ("/out/secret.txt", 404),
    ("/out/www/page.txt", 404),
    ("/in/out.txt", 404),
    ("/in/over.txt", 404),
    ("/folder/out.txt", 404),
    ("/absolute-out", 404),
    ("/etc/", 404),
    ("/root/etc/passwd", 404),
    ("/passwd", 404),
    ("/fd/0", 404),
    ("/fd/3", 404),
    ("/round", 404),
    ("/round/page.txt", 404),
    ("/to", 404),
    ("/dangling", 404),
    ("/dangling/", 404),
    ("/null", 404),
    // What is no file, and what is hidden.
    ("/fifo", 404),
    ("/fifo/", 404),
    ("/socket", 404),
    ("/page.txt/", 404),
    ("/page.txt/page.txt", 404),
    ("/page.txt//", 404),
    ("/.hidden", 404),
    ("/%2ehidden", 404),
    ("/.git", 404),
    ("/.git/", 404),
    ("/.git/config", 404),
    ("/in/.htaccess", 404),
    // Almost the right name.
    ("/page.txt.", 404),
    ("/page.txt%20", 404),
    ("/%20page.txt", 404),
    ("/page.txt+", 404),
    ("/PAGE.TXT", 404),
    ("/Page.txt", 404),
    ("/page.txt;", 404),
    ("/page.txt;v=1", 404),
    ("/in;a=b/page.txt", 404),
    ("/in/index.htm", 404),
    ("/page.txt,v", 404),
    ("/page.txt~", 404),
];

#[test]
fn each_way_out_is_refused() {
    let place = place();
    let server = Server::of(&place.join("www"), &[]);
    let mut wire = server.connect();
    let mut wrong = Vec::new();
    let long = "x".repeat(255);
    let generated = [
        (format!("/{long}"), 404),
        (format!("/{long}x"), 404),
        (format!("/{}", "x".repeat(4096)), 404),
        (format!("/{}", "a/".repeat(2000)), 404),
        (format!("/{}page.txt", "../".repeat(1000)), 404),
        (format!("/{}page.txt", "in/".repeat(1300)), 404),
        (format!("/{}page.txt", "itself/".repeat(30)), 404),
        (format!("/{}", "/".repeat(4000)), 200),
        (format!("/{}", "%2e".repeat(2000)), 404),
        (format!("/{}", "x".repeat(9000)), 414),
    ];
    let generated = generated.iter().map(|(target, status)| (target.as_str(), *status));
    for (target, want) in TABLE.iter().copied().chain(generated) {
        let answer = wire.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).answer();
        if answer.status() != want {
            wrong.push(format!("{target:?}: {}, not {want}", answer.status()));
        }
        assert!(!contains(&answer.body, SECRET) && !contains(&answer.body, "root:"), "{target:?}");
        // After a 404 the connection goes on; after a 400 it does not.
        if want >= 400 && want != 404 {
            assert_eq!(wire.rest(), b"", "{target:?}");
            wire = server.connect();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bodies of these are right, too, and a redirect leads to this host, wherever it is sent to.
#[test]
fn a_path_that_looks_like_another_host_stays_here() {
    let place = place();
    let server = Server::of(&place.join("www"), &[]);
    for (target, location) in [
        ("/in", Some("/in/")),
        ("/in?a=//b&c=%0d%0a", Some("/in/?a=//b&c=%0d%0a")),
        ("/in?\\\\b", Some("/in/?\\\\b")),
        ("/folder", Some("/folder/")),
        ("http://other.example/in", Some("/in/")),
        ("//in", Some("/in/")),
        ("//in?<a>=ü", Some("/in/?%3Ca%3E=%C3%BC")),
        ("/nowhere/..//in", Some("/in/")),
        ("//other.example/in", None),
        ("//other.example/%2e%2e/in", Some("/in/")),
        ("/%2fother.example/in", None),
        ("/%5cother.example/in", None),
        ("/%09/other.example/in", None),
    ] {
        for method in ["GET", "HEAD"] {
            let request = format!("{method} {target} HTTP/1.0\r\n\r\n");
            let head = server.connect().send(request).head();
            let line = head.lines().find_map(|line| line.strip_prefix("Location: "));
            assert_eq!(line, location, "{method} {target}: {head}");
        }
    }
}

/// Names that are a file of the site in one moment and lead out of it in the next.
#[test]
fn what_is_swapped_during_the_request_leaks_nothing() {
    let place = place();
    let site = place.join("www");
    let server = Server::of(&site, &["--access-log", "off"]);
    // Each of these is put in place of the other, again and again.
    symlink("../secret.txt", site.join("file-2")).unwrap();
    fs::create_dir(site.join("dir")).unwrap();
    fs::write(site.join("dir/page.txt"), "hello\n").unwrap();
    fs::create_dir(site.join("dir/deep")).unwrap();
    symlink("../page.txt", site.join("dir/deep/page.txt")).unwrap();
    symlink("../www-secret", site.join("dir-2")).unwrap();
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                swap(&site, "file");
                swap(&site, "dir");
            }
        });
        let asking: Vec<_> = ["/file", "/dir/page.txt", "/dir/deep/page.txt", "/dir/index.html"]
            .map(|target| {
                let server = &server;
                scope.spawn(move || {
                    let mut wire = server.connect();
                    let (mut served, mut refused) = (0, 0);
                    while begun.elapsed() < Duration::from_millis(1500) {
                        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
                        let answer = wire.send(request).answer();
                        assert!(!contains(&answer.body, SECRET), "{target}");
                        match answer.status() {
                            200 => served += 1,
                            404 => refused += 1,
                            other => panic!("{target}: {other}"),
                        }
                    }
                    (served, refused)
                })
            })
            .into_iter()
            .collect();
        let counts: Vec<_> = asking.into_iter().map(|thread| thread.join()).collect();
        over.store(true, Ordering::Relaxed);
        let counts: Vec<_> = counts.into_iter().map(Result::unwrap).collect();
        for (served, refused) in &counts[..3] {
            assert!(*served > 0 && *refused > 0, "both were met: {counts:?}");
        }
    });
}

/// `name` and `name-2` change places, so that there is always something of the name, or nearly.
fn swap(site: &Path, name: &str) {
    let [one, two, aside] = ["", "-2", "-3"].map(|end| site.join(format!("{name}{end}")));
    fs::rename(&one, &aside).unwrap();
    fs::rename(&two, &one).unwrap();
    fs::rename(&aside, &two).unwrap();
}

/// A release that takes the place of another one, by name or by link, is served from then on.
#[test]
fn the_root_is_what_has_its_name() {
    let place = Folder::with(&[("one/page.txt", "one"), ("two/page.txt", "two")]);
    let (one, two, www) = (place.join("one"), place.join("two"), place.join("www"));
    fs::rename(&one, &www).unwrap();
    let server = Server::of(&www, &[]);
    assert_eq!(server.get("/page.txt").text(), "one");
    fs::rename(&www, &one).unwrap();
    assert_eq!(server.get("/page.txt").status(), 404);
    fs::rename(&two, &www).unwrap();
    assert_eq!(server.get("/page.txt").text(), "two");
    fs::rename(&www, &two).unwrap();
    symlink("one", &www).unwrap();
    assert_eq!(server.get("/page.txt").text(), "one");
    symlink("two", place.join("new")).unwrap();
    fs::rename(place.join("new"), &www).unwrap();
    assert_eq!(server.get("/page.txt").text(), "two");
    fs::remove_file(&www).unwrap();
    fs::write(&www, "a file").unwrap();
    assert_eq!(server.get("/page.txt").status(), 404);
}

/// One worker, and nothing of what is no file holds it.
#[test]
fn no_file_no_wait() {
    let place = place();
    let server = Server::of(&place.join("www"), &["--workers", "1"]);
    let begun = Instant::now();
    for target in ["/fifo", "/socket", "/null", "/fifo"] {
        assert_eq!(server.get(target).status(), 404, "{target}");
    }
    assert_eq!(server.get("/page.txt").text(), "hello\n");
    assert!(begun.elapsed() < SOON);
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
