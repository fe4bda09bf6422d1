//! Folders without an `index.html`: as a page, as JSON, and as an archive.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::support::{
    Answer, Folder, PATIENCE, Server, ask, eventually, needs, set_modified, skipped,
};

/// The files of a folder that is listed, with times that differ.
fn some() -> Folder {
    let folder =
        Folder::with(&[("b.txt", "12"), ("a10.png", "1"), ("a2.png", "123"), ("z/x.txt", "x")]);
    for (name, seconds) in
        [("b.txt", 2_000_000_000), ("a10.png", 1_000_000_000), ("a2.png", 1_500_000_000)]
    {
        set_modified(&folder.join(name), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    }
    folder
}

/// Asks for this target as a program that prefers JSON.
fn json(server: &Server, target: &str) -> Answer {
    ask(&mut server.connect(), &format!("GET {target}"), "Accept: application/json")
}

/// The values of a member in the JSON of a listing.
fn members(answer: &Answer, name: &str) -> Vec<String> {
    let listing: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let entries = listing.as_array().unwrap().iter();
    entries
        .map(|entry| entry[name].as_str().map_or_else(|| entry[name].to_string(), str::to_owned))
        .collect()
}

#[test]
fn a_folder_is_a_page_or_json() {
    let folder = some();
    let server = Server::of(&folder, &[]);
    let page = server.get("/");
    assert_eq!(
        (page.status(), page.field("Content-Type")),
        (200, Some("text/html; charset=utf-8"))
    );
    for (name, value) in
        [("Vary", "Accept"), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")]
    {
        assert_eq!(page.field(name), Some(value), "{name}");
    }
    for name in ["ETag", "Last-Modified", "Accept-Ranges"] {
        assert_eq!(page.field(name), None, "{name}: no validator would be honest");
    }
    let policy = page.field("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let text = page.text();
    for part in ["<a href=\"z/\">z/</a>", "<a href=\"a2.png\">", "1 folder, 3 files", "2001-09-09"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("<script"), "{text}");

    let listing = json(&server, "/");
    assert_eq!((listing.status(), listing.field("Content-Type")), (200, Some("application/json")));
    assert_eq!(listing.field("Vary"), Some("Accept"));
    let text = listing.text();
    assert!(
        text.contains("\n{\"name\":\"a2.png\",\"type\":\"file\",\"size\":3,\"mtime\":\"2017-07-14T02:40:00Z\",\"url\":\"a2.png\"},\n"),
        "{text}"
    );
    assert_eq!(members(&json(&server, "/z/"), "name"), ["x.txt"]);
    assert_eq!(server.get("/z").field("Location"), Some("/z/"));
    fs::create_dir(folder.join("empty")).unwrap();
    assert_eq!(json(&server, "/empty/").text(), "[\n]\n");
    assert!(server.get("/empty/").text().contains("This folder is empty."));
}

#[test]
fn the_query_says_the_order() {
    let folder = some();
    let server = Server::of(&folder, &[]);
    for (query, want) in [
        ("", ["z", "a2.png", "a10.png", "b.txt"]),
        ("?sort=name&order=desc", ["z", "b.txt", "a10.png", "a2.png"]),
        ("?sort=size", ["z", "a10.png", "b.txt", "a2.png"]),
        ("?sort=size&order=desc", ["z", "a2.png", "b.txt", "a10.png"]),
        ("?sort=date&order=asc", ["z", "a10.png", "a2.png", "b.txt"]),
        ("?order=desc&sort=date", ["z", "b.txt", "a2.png", "a10.png"]),
        ("?sort=colour&order=sideways&download=zip", ["z", "a2.png", "a10.png", "b.txt"]),
    ] {
        assert_eq!(members(&json(&server, &format!("/{query}")), "name"), want, "{query}");
    }
    let page = server.get("/?sort=size&order=desc").text();
    assert!(page.contains("<th scope=\"col\" aria-sort=\"descending\">"), "{page}");
}

#[test]
fn listing_off_hides_folders_and_archives() {
    let folder = some();
    let server = Server::of(&folder, &["--listing", "off"]);
    for target in ["/", "/z/", "/?download=tar", "/z/?download=tar"] {
        assert_eq!(server.get(target).status(), 404, "{target}");
    }
    assert_eq!(json(&server, "/").status(), 404);
    assert_eq!(server.get("/z/x.txt").text(), "x");
    assert_eq!(server.get("/z").status(), 301);
    let server = Server::of(&folder, &["--listing", "on"]);
    assert_eq!(server.get("/").status(), 200);
}

/// Also where a folder is not read as one, and where an `index.html` is no file.
#[test]
fn an_index_is_served_instead() {
    let folder = some();
    let server = Server::of(&folder, &[]);
    folder.write("index.html", "index");
    for target in ["/", "/?sort=size", "/?download=tar"] {
        assert_eq!(server.get(target).text(), "index", "{target}");
    }
    folder.write("z/index.html/x", "");
    assert_eq!(members(&json(&server, "/z/"), "name"), ["index.html", "x.txt"]);
    assert_eq!(server.get("/b.txt/").status(), 404);
    assert_eq!(server.get("/nowhere/").status(), 404);
    assert_eq!(server.get("/.hidden/").status(), 404);
}

/// Names that mean something in a URL, in HTML, in a shell or on a terminal, and some that are not UTF-8.
const ODD: &[&[u8]] = &[
    b"a b.txt",
    b"100%",
    b"a%20b",
    b"a%2Fb",
    b"h#x?y&z=1+2",
    b"q\"'<b>&amp;.html",
    b"a:b",
    b"javascript:alert(1)",
    b"-rf",
    b"~",
    b"line\nend",
    b"tab\there",
    b"bell\x07",
    b"[x]{y}|^`!$()*;=,@",
    "gr\u{fc}n".as_bytes(),
    "\u{5d0}\u{5d1}\u{5d2}".as_bytes(),
    "\u{65e5}\u{672c}\u{1f40c}".as_bytes(),
    "exe\u{202e}txt.js".as_bytes(),
    b"caf\xe9",
    b"\xff\xfe",
    b"...",
    &[b'n'; 255],
];

/// A folder with a file and a folder of each odd name, a link to another one, and what is not served.
fn odd() -> Folder {
    let folder = Folder::new();
    fs::create_dir_all(folder.join("files")).unwrap();
    for name in ODD {
        let name = OsStr::from_bytes(name);
        fs::write(folder.join("files").join(name), [name.as_bytes(), b"\n"].concat()).unwrap();
        fs::create_dir_all(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join(name), name.as_bytes()).unwrap();
    }
    folder
}

/// The names of [`ODD`] that are served.
fn served() -> Vec<&'static OsStr> {
    ODD.iter().filter(|name| !name.starts_with(b".")).map(|name| OsStr::from_bytes(name)).collect()
}

#[test]
fn every_name_can_be_followed_and_harms_nothing() {
    let folder = odd();
    let server = Server::of(&folder, &[]);
    let (listing, page) = (json(&server, "/files/"), server.get("/files/").text());
    let urls = members(&listing, "url");
    assert_eq!(urls.len(), served().len());
    let mut contents: Vec<Vec<u8>> = Vec::new();
    for url in &urls {
        assert!(page.contains(&format!("<a href=\"{url}\">")), "{url}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        assert!(url.bytes().all(plain), "{url}");
        contents.push(server.get(&format!("/files/{url}")).body);
    }
    contents.sort();
    let mut want: Vec<Vec<u8>> =
        served().iter().map(|name| [name.as_bytes(), b"\n"].concat()).collect();
    want.sort();
    assert_eq!(contents, want);
    let bad =
        |char: char| char.is_control() && char != '\n' || ('\u{202a}'..='\u{202e}').contains(&char);
    assert!(!page.contains(bad) && !page.contains("<b>") && !page.contains("\nend"), "{page}");
    for part in [
        "q&quot;&#39;&lt;b&gt;&amp;amp;.html",
        "line\\x0Aend",
        "caf\\xE9",
        "exe\\xE2\\x80\\xAEtxt.js",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // A folder's own name is in its page as well.
    for url in members(&json(&server, "/"), "url").iter().filter(|url| *url != "files/") {
        let page = server.get(&format!("/{url}")).text();
        assert!(
            page.contains("1 file<") && !page.contains(bad) && !page.contains("<b>"),
            "{url}: {page}"
        );
    }
}

/// Compares two folders, with all that is in them. GNU diff knows names of any bytes.
fn assert_same(one: &Path, other: &Path) {
    let diff =
        Command::new("diff").args(["-r", "--no-dereference"]).args([one, other]).output().unwrap();
    let said = String::from_utf8_lossy(&diff.stdout);
    assert!(diff.status.success(), "{said}{}", String::from_utf8_lossy(&diff.stderr));
}

#[test]
fn what_is_not_served_is_not_listed() {
    let folder = Folder::with(&[
        ("secret", "secret"),
        ("site/shown", ""),
        ("site/.hidden", ""),
        ("site/.git/config", ""),
        ("site/.well-known/x", ""),
        ("site/in/.well-known", ""),
        ("site/in/real", "real"),
        ("site/back\\slash", ""),
    ]);
    for (name, target) in [
        ("to-file", "in/real"),
        ("to-folder", "in"),
        ("in/up", "../shown"),
        ("out", "../secret"),
        ("out-folder", ".."),
        ("etc", "/etc"),
        ("dangling", "nowhere"),
        ("self", "self"),
    ] {
        symlink(target, folder.join("site").join(name)).unwrap();
    }
    let _socket = UnixListener::bind(folder.join("site/socket")).unwrap();
    let server = Server::of(&folder.join("site"), &[]);
    let of = |target| {
        let answer = json(&server, target);
        members(&answer, "name")
            .into_iter()
            .zip(members(&answer, "type"))
            .map(|(name, kind)| format!("{name} {kind}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("/"),
        [
            ".well-known directory",
            "in directory",
            "to-folder directory",
            "shown file",
            "to-file file"
        ]
    );
    assert_eq!(of("/in/"), ["real file", "up file"]);
    assert_eq!(of("/to-folder/"), ["real file", "up file"]);
    assert_eq!(server.get("/out-folder/").status(), 404);
    let said = server.stderr_until(|text| text.contains("/out-folder/"));
    assert_eq!(said.matches("leads out of").count(), 1, "a listing is no request: {said}");
    let archive = names_in(&server.get("/?download=tar").body);
    assert_eq!(
        archive,
        [
            "files/",
            "files/.well-known/",
            "files/.well-known/x",
            "files/in/",
            "files/in/real",
            "files/in/up -> ../shown",
            "files/to-folder -> in",
            "files/shown",
            "files/to-file -> in/real"
        ]
    );
    let archive = names_in(&server.get("/in/?download=tar").body);
    assert_eq!(
        archive,
        ["in/", "in/real", "in/up"],
        "a link out of the archive is the file that it leads to"
    );
}

/// The names that tar(1) finds in an archive.
fn names_in(archive: &[u8]) -> Vec<String> {
    let mut tar = Command::new("tar")
        .arg("tvf")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(archive).unwrap();
    let output = tar.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    // The columns before it: mode, owner, size, date, time.
    let name = |line: &str| line.split_whitespace().skip(5).collect::<Vec<_>>().join(" ");
    text.lines().map(name).collect()
}

/// Unpacks an archive of the server with this program, below a new folder.
fn unpacked(archive: &[u8], program: &[&str]) -> Folder {
    let folder = Folder::new();
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).current_dir(folder.path()).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(archive).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program:?}");
    folder
}

#[test]
fn an_archive_unpacks_to_the_same_tree() {
    if !["tar", "diff"].into_iter().all(needs) {
        return;
    }
    let folder = odd();
    fs::remove_dir_all(folder.join("...")).unwrap();
    fs::remove_file(folder.join("files/...")).unwrap();
    let deep = format!("{}/{}", "d".repeat(90), "e/".repeat(60));
    folder.write(&format!("{deep}file"), "deep");
    folder.write(&format!("{deep}{}", "l".repeat(200)), "long name");
    folder.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(folder.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    folder.write("large", vec![b'x'; 300_001]);
    folder.write("empty", "");
    folder.write("old", "old");
    set_modified(&folder.join("old"), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    fs::create_dir(folder.join("nothing in it")).unwrap();
    symlink("files/100%", folder.join("link")).unwrap();
    symlink("d".repeat(90), folder.join("long link")).unwrap();
    let server = Server::of(&folder, &[]);
    let archive = server.get("/?download=tar");
    assert_eq!(archive.field("Content-Type"), Some("application/x-tar"));
    assert_eq!(archive.field("Content-Disposition"), Some("attachment; filename=\"files.tar\""));
    assert_eq!(archive.field("X-Content-Type-Options"), Some("nosniff"));
    for program in [&["tar", "xf", "-"][..], &["bsdtar", "xf", "-"], &["python3", "-c", PYTHON]] {
        if !needs(program[0]) {
            continue;
        }
        let here = unpacked(&archive.body, program);
        assert_same(folder.path(), &here.join("files"));
        let metadata = |name: &str| fs::metadata(here.join("files").join(name)).unwrap();
        assert_eq!(metadata("run.sh").permissions().mode() & 0o777, 0o755, "{program:?}");
        let old = metadata("old").modified().unwrap();
        assert_eq!(old, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000), "{program:?}");
    }
    let part = server.get("/a%20b.txt/?download=tar");
    assert_eq!(part.field("Content-Disposition"), Some("attachment; filename=\"a b.txt.tar\""));
    assert_same(
        &folder.join("a b.txt"),
        &unpacked(&part.body, &["tar", "xf", "-"]).join("a b.txt"),
    );
}

/// Python reads archives with code of its own.
const PYTHON: &str = "import sys, tarfile\n\
    tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('.', filter='fully_trusted')";

#[test]
fn a_large_file_in_an_archive_is_announced_as_it_is() {
    let folder = Folder::new();
    let size: u64 = (8 << 30) + 5;
    fs::File::create(folder.join("large")).unwrap().set_len(size).unwrap(); // a hole, which takes no space
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    wire.send("GET /?download=tar HTTP/1.0\r\n\r\n");
    wire.head();
    let start = wire.take(4 * 512 + 512);
    assert!(start[512..].starts_with(b"PaxHeaders/entry\0"));
    assert!(start[1024..].starts_with(b"19 size=8589934597\n"), "{:?}", &start[1024..1060]);
    assert!(start[1536..].starts_with(b"large\0") || start[1536..].starts_with(b"files/large\0"));
}

/// Bytes that come and are not read: the server waits, and what becomes of the file meanwhile is noticed.
#[test]
fn a_file_that_changes_while_it_is_sent_breaks_the_archive_off_or_is_whole() {
    const SIZE: usize = 30 << 20;
    for (change, is_whole) in
        [("grow", true), ("shrink", false), ("replace", false), ("remove", false)]
    {
        let folder = Folder::new();
        folder.write("sub/file", vec![b'x'; SIZE]);
        let server = Server::of(&folder, &[]);
        let mut wire = server.connect();
        wire.send("GET /sub/?download=tar HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        wire.head();
        wire.take(5000);
        let path = folder.join("sub/file");
        match change {
            "grow" => {
                fs::File::options().append(true).open(&path).unwrap().write_all(b"more").unwrap()
            }
            "shrink" => fs::File::options().write(true).open(&path).unwrap().set_len(10).unwrap(),
            "remove" => fs::remove_file(&path).unwrap(),
            _ => {
                folder.write("other", vec![b'y'; SIZE]);
                fs::rename(folder.join("other"), &path).unwrap();
            }
        }
        let rest = wire.rest();
        assert_eq!(rest.ends_with(b"0\r\n\r\n"), is_whole, "{change}: {} bytes", rest.len());
        if !is_whole {
            let said =
                server.stderr_until(|text| text.contains("sub/file") || text.contains("broke off"));
            assert!(!said.contains("panicked"), "{said}");
        }
        assert_eq!(server.get("/").status(), 200);
    }
}

#[test]
fn programs_that_mirror_a_listing_get_the_same_tree() {
    if !needs("diff") {
        return;
    }
    let folder = odd();
    let remove = |name: &[u8]| {
        fs::remove_dir_all(folder.path().join(OsStr::from_bytes(name))).unwrap();
        fs::remove_file(folder.join("files").join(OsStr::from_bytes(name))).unwrap();
    };
    remove(b"...");
    let server = Server::of(&folder, &[]);
    let got = |program: &str, args: &[&str]| {
        let here = Folder::new();
        let mut command = Command::new(program);
        let output =
            command.args(args).current_dir(here.path()).env("LC_ALL", "C").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}");
        here
    };
    // A folder with a colon in its name is empty for rclone, whatever server it is on.
    for name in ["a:b", "javascript:alert(1)"] {
        fs::remove_dir_all(folder.join(name)).unwrap();
    }
    if needs("rclone") {
        let url = server.url("/");
        let args = ["copy", "--http-url", &url, ":http:", ".", "--local-encoding", "None"];
        assert_same(
            folder.path(),
            got("rclone", &[&args[..], &["--config", "/dev/null"]].concat()).path(),
        );
    }
    if needs("wget") {
        // Of a name it decodes %HH twice, and it shortens long ones.
        for name in [&b"a%20b"[..], b"a%2Fb", &[b'n'; 255]] {
            remove(name);
        }
        let url = server.url("/");
        let args = [
            "--mirror",
            "-nH",
            "--restrict-file-names=nocontrol",
            "-nv",
            "--no-config",
            "--no-iri",
            &url,
        ];
        let here = got("wget", &args);
        remove_listings(here.path());
        assert_same(folder.path(), here.path());
        let log = server.program.stderr.text();
        assert!(
            !log.contains("?sort") && !log.contains("?download"),
            "it follows no button: {log}"
        );
    }
}

/// Removes the pages that wget has kept of the listings.
fn remove_listings(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove_listings(&path);
        } else if path.file_name().unwrap() == "index.html" {
            fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn head_conditions_and_ranges_of_a_listing() {
    let folder = some();
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    let get = ask(&mut wire, "GET /", "");
    let head = ask(&mut wire, "HEAD /", "");
    assert_eq!(head.status(), 200);
    assert_eq!(head.field("Content-Length"), get.field("Content-Length"));
    for fields in [
        "If-None-Match: \"x\"",
        "If-Modified-Since: Tue, 01 Dec 2026 00:00:00 GMT",
        "Range: bytes=0-9",
    ] {
        let answer = ask(&mut wire, "GET /", fields);
        assert_eq!((answer.status(), answer.body == get.body), (200, true), "{fields}");
    }
    let head = ask(&mut wire, "HEAD /?download=tar", "");
    assert_eq!((head.status(), head.field("Content-Type")), (200, Some("application/x-tar")));
    assert_eq!(ask(&mut wire, "POST /", "Content-Length: 0").status(), 405);
    let options = ask(&mut wire, "OPTIONS /", "");
    assert_eq!(options.field("Allow"), Some("GET, HEAD, OPTIONS"));
    folder.write("404.html", "lost");
    assert_eq!(ask(&mut wire, "GET /nowhere/", "").text(), "lost");
}

#[test]
fn a_folder_that_may_not_be_read_is_403() {
    let folder = Folder::for_everybody();
    folder.write("closed/file", "x");
    folder.write("open/closed/file", "x");
    folder.write("open/closed-file", "x");
    folder.write("open/file", "x");
    for name in ["closed", "open/closed", "open/closed-file"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o300)).unwrap();
    }
    for name in ["", "open"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let Some(server) = Server::of_as_user_nobody(&folder) else {
        skipped("another user cannot be taken on");
        return;
    };
    assert_eq!(server.get("/closed/").status(), 403);
    assert_eq!(server.get("/closed/?download=tar").status(), 403);
    assert_eq!(members(&json(&server, "/open/"), "name"), ["closed", "closed-file", "file"]);
    let archive = server.get("/open/?download=tar");
    assert_eq!(names_in(&archive.body), ["open/", "open/file"]);
    server
        .stderr_until(|text| text.contains("open/closed: ") && text.contains("open/closed-file: "));
    for name in ["closed", "open/closed"] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Files and folders come and go while they are listed and archived.
#[test]
fn what_goes_while_it_is_listed_is_no_error() {
    let folder = Folder::new();
    let server = Server::of(&folder, &[]);
    let end = Instant::now() + Duration::from_secs(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while Instant::now() < end {
                for at in 0..20 {
                    folder.write(&format!("in/{at}/file"), "x");
                }
                fs::remove_dir_all(folder.join("in")).unwrap();
            }
        });
        for target in ["/in/", "/?download=tar", "/in/?sort=size", "/in/?download=tar"] {
            let server = &server;
            scope.spawn(move || {
                let mut wire = server.connect();
                while Instant::now() < end {
                    let answer = ask(&mut wire, &format!("GET {target}"), "");
                    assert!([200, 404].contains(&answer.status()), "{target}: {}", answer.head);
                }
            });
        }
    });
}

/// The figures of a release build are far below these bounds: see the manual, `serving`.
#[test]
fn a_folder_of_100_000_files() {
    let folder = Folder::new();
    for at in 0..100_000 {
        fs::File::create(folder.join(&format!("a file of a certain length {at:06}"))).unwrap();
    }
    let server = Server::of(&folder, &[]);
    for target in ["/", "/?sort=date", "/?download=tar"] {
        let mut wire = server.connect();
        let begun = Instant::now();
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        wire.head();
        wire.take(1);
        let first = begun.elapsed();
        assert!(first < PATIENCE, "{target}: {first:?}");
        if target == "/" {
            let page = wire.rest();
            assert!(page.ends_with(b"0\r\n\r\n") && page.len() > 5_000_000, "{}", page.len());
        }
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.program.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 40_000, "{peak} kB");
}

/// Each listing that is not read keeps its names; all together have a limit, and come back.
#[test]
fn listings_that_are_not_read_have_a_limit() {
    let folder = Folder::new();
    for at in 0..20_000 {
        fs::File::create(folder.join(&format!("a file of a certain length {at:06}"))).unwrap();
    }
    let server = Server::of(&folder, &["--max-listings-memory", "6000000"]);
    let mut held = Vec::new();
    let full = (0..20).any(|_| {
        let mut wire = server.connect();
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let is_full = wire.head().starts_with("HTTP/1.1 503 ");
        held.push(wire);
        is_full
    });
    assert!(full && held.len() > 2, "{} are held", held.len());
    let answer = server.get("/");
    assert_eq!((answer.status(), answer.field("Retry-After")), (503, Some("1")));
    assert_eq!(server.get("/a%20file%20of%20a%20certain%20length%20000000").status(), 200);
    drop(held);
    assert!(eventually(|| (server.get("/").status() == 200).then_some(())).is_some());
    let server = Server::of(&folder, &["--max-listings-memory", "100000"]);
    assert_eq!(server.get("/").status(), 503);
    assert_eq!(server.get("/?download=tar").status(), 503);
}

/// Nothing is open between two pieces.
#[test]
fn clients_that_do_not_read_an_archive_hold_no_descriptors() {
    let folder = Folder::new();
    folder.write("file", vec![b'x'; 30 << 20]);
    let server = Server::of(&folder, &[]);
    let open = || fs::read_dir(format!("/proc/{}/fd", server.program.id())).unwrap().count();
    let before = open();
    let held: Vec<_> = (0..50)
        .map(|_| {
            let mut wire = server.connect();
            wire.send("GET /?download=tar HTTP/1.1\r\nHost: a\r\n\r\n");
            wire.take(1000);
            wire
        })
        .collect();
    let settled = eventually(|| (open() <= before + held.len() + 2).then_some(()));
    assert!(settled.is_some(), "{} descriptors, {before} before", open());
}

/// What the browser checks: the policy of the page names the hash of its style.
#[test]
fn the_policy_names_the_style() {
    let folder = some();
    let server = Server::of(&folder, &[]);
    let page = server.get("/");
    let text = page.text();
    let style = text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let mut sha =
        Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    sha.stdin.take().unwrap().write_all(style.as_bytes()).unwrap();
    let said = String::from_utf8(sha.wait_with_output().unwrap().stdout).unwrap();
    let digest = said.split(' ').next().unwrap();
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap()).collect();
    let source = format!("'sha256-{}'", base64(&bytes));
    let policy = page.field("Content-Security-Policy").unwrap();
    assert!(policy.contains(&source), "right in src/server/files/listing/html.rs: {source}");
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group
            .iter()
            .chain([&0; 2])
            .take(3)
            .fold(0, |bits, byte| bits << 8 | usize::from(*byte));
        let digit = |at: usize| {
            if at <= group.len() { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) } else { '=' }
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}
