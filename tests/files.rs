//! What is served from a folder, and what is not.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant, SystemTime};

use crate::support::{
    Folder, SOON, Server, ask, begun, eventually, masked, root, set_modified, skipped, text_of,
};

#[test]
fn the_demo_site_is_served_as_it_is() {
    let server = Server::start(&[]);
    for (target, file, kind) in [
        // The pages say themselves that they are UTF-8.
        ("/", "index.html", "text/html"),
        ("/index.html", "index.html", "text/html"),
        ("/about/", "about/index.html", "text/html"),
        ("/style.css", "style.css", "text/css; charset=utf-8"),
        ("/picture.svg?v=1", "picture.svg", "image/svg+xml"),
        ("/favicon.ico", "favicon.ico", "image/vnd.microsoft.icon"),
    ] {
        let answer = server.get(target);
        assert_eq!((answer.status(), answer.field("Content-Type")), (200, Some(kind)), "{target}");
        assert!(answer.body == fs::read(root().join("www").join(file)).unwrap(), "{target}");
    }
}

#[test]
fn the_type_follows_from_the_name() {
    let names = [
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.PNG", "image/png"),
        ("a.tar.gz", "application/gzip"),
        ("README", "application/octet-stream"),
    ];
    let folder = Folder::with(&names.map(|(name, _)| (name, "x")));
    let server = Server::of(&folder, &[]);
    for (name, kind) in names {
        assert_eq!(server.get(&format!("/{name}")).field("Content-Type"), Some(kind), "{name}");
    }
}

#[test]
fn a_folder_without_its_slash_is_redirected_with_its_query() {
    let folder = Folder::with(&[("a b/ü/index.html", "here"), ("a b/index.html", "there")]);
    let server = Server::of(&folder, &[]);
    for (target, location) in [
        ("/a%20b", "/a%20b/"),
        ("/a%20b?q=1&r=%2F", "/a%20b/?q=1&r=%2F"),
        ("/%61%20b/%C3%BC?", "/a%20b/%C3%BC/?"),
    ] {
        let answer = server.get(target);
        assert_eq!((answer.status(), answer.field("Location")), (301, Some(location)), "{target}");
    }
    assert_eq!(server.get("/a%20b/%C3%BC/").text(), "here");
}

#[test]
fn a_folder_without_an_index_is_not_there_if_it_is_not_listed() {
    let folder = Folder::with(&[("a/b.txt", "x")]);
    let server = Server::of(&folder, &["--listing", "off"]);
    assert_eq!(server.get("/a").status(), 301);
    assert_eq!(server.get("/a/").status(), 404);
    assert_eq!(server.get("/").status(), 404);
    assert_eq!(server.get("/a/b.txt/").status(), 404);
    assert_eq!(server.get("/a/b.txt/c").status(), 404);
}

#[test]
fn without_a_404_page_there_is_one_built_in() {
    let folder = Folder::new();
    let server = Server::of(&folder, &[]);
    let answer = server.get("/nowhere%0A");
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(
        answer.text(),
        "404 Not Found\n\nNothing exists at /nowhere%0A.\n\
         Rule:  RFC 9110, 15.5.5\nRight: a path that exists, such as /\n"
    );
    folder.write("404.html", "<h1>Lost</h1>");
    let answer = server.get("/nowhere");
    assert_eq!((answer.status(), answer.text().as_str()), (404, "<h1>Lost</h1>"));
    assert_eq!(server.get("/404.html").status(), 200);
    let answer = ask(&mut server.connect(), "GET /nowhere", "Accept: application/json");
    let kind = answer.field("Content-Type");
    assert_eq!((answer.status(), kind), (404, Some("application/problem+json")));
}

#[test]
fn nothing_outside_the_root_and_nothing_hidden_is_served() {
    let outside = Folder::with(&[
        ("secret.txt", "secret"),
        ("site/index.html", "hello"),
        ("site/in/page.txt", "hello"),
        ("site/.hidden", "secret"),
        ("site/.git/config", "secret"),
        ("site/in/.htaccess", "secret"),
        ("site2/secret.txt", "secret"),
    ]);
    let server = Server::of(&outside.join("site"), &[]);
    assert_eq!(server.get("/in/page.txt").text(), "hello");
    for target in [
        "/../secret.txt",
        "/in/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2E/secret.txt",
        "/in/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/in%5c..%5c..%5csecret.txt",
        "/in%2fpage.txt",
        "/%252e%252e/secret.txt",
        "/..%c0%afsecret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/../site2/secret.txt",
        "//secret.txt",
        "/in/page.txt%00.html",
        "/index.html%00",
        "/.hidden",
        "/%2ehidden",
        "/.git/config",
        "/.git/",
        "/.git",
        "/in/.htaccess",
        "/..",
        "/~root",
        "/etc/passwd",
        "/-",
        "http://localhost/../secret.txt",
    ] {
        let answer = server.get(target);
        assert_eq!(answer.status(), 404, "{target}");
        assert!(!answer.text().contains("secret\n") && answer.text() != "secret", "{target}");
    }
    for target in ["/..\\secret.txt", "/in/page.txt\0", "../secret.txt", "file:///etc/passwd"] {
        let answer = server.exchange(format!("GET {target} HTTP/1.0\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
    }
}

#[test]
fn links_are_followed_inside_the_root_only() {
    let folder = Folder::with(&[
        ("secret.txt", "secret"),
        ("site/page.txt", "hello"),
        ("site/in/page.txt", "hello"),
        ("site2/page.txt", "secret"),
    ]);
    for (target, name) in [
        ("page.txt", "inside.txt"),
        ("in", "folder"),
        ("../secret.txt", "out.txt"),
        ("../site2", "neighbour"),
        ("/etc", "etc"),
        ("round.txt", "round.txt"),
        ("nothing", "dangling.txt"),
    ] {
        symlink(target, folder.join("site").join(name)).unwrap();
    }
    let server = Server::of(&folder.join("site"), &[]);
    for target in ["/inside.txt", "/folder/page.txt"] {
        assert_eq!(server.get(target).text(), "hello", "{target}");
    }
    for target in [
        "/out.txt",
        "/neighbour/page.txt",
        "/neighbour",
        "/etc/passwd",
        "/round.txt",
        "/dangling.txt",
    ] {
        assert_eq!(server.get(target).status(), 404, "{target}");
    }
}

#[test]
fn a_path_that_is_not_a_regular_file_is_404_at_once() {
    let folder = Folder::with(&[("page.txt", "hello")]);
    nix::unistd::mkfifo(&folder.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    let server = Server::of(&folder, &["--workers", "1"]);
    let begun = Instant::now();
    for target in ["/fifo", "/socket"] {
        assert_eq!(server.get(target).status(), 404, "{target}");
    }
    assert_eq!(server.get("/page.txt").text(), "hello");
    assert!(begun.elapsed() < SOON);
}

#[test]
fn a_file_of_any_size_arrives_whole() {
    let folder = Folder::new();
    let pattern: Vec<u8> = (0..=250).cycle().take(5_000_000).collect();
    let sizes = [0, 1, 65_535, 65_536, 65_537, 131_072, 5_000_000];
    for size in sizes {
        folder.write(&size.to_string(), &pattern[..size]);
    }
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    for size in sizes {
        let answer = wire.send(format!("GET /{size} HTTP/1.1\r\nHost: a\r\n\r\n")).answer();
        assert_eq!(answer.field("Content-Length"), Some(size.to_string().as_str()));
        assert!(answer.body == pattern[..size], "{size}");
        let head = wire.send(format!("HEAD /{size} HTTP/1.1\r\nHost: a\r\n\r\n")).head();
        assert!(head.contains(&format!("\r\nContent-Length: {size}\r\n")), "{head}");
    }
}

#[test]
fn a_reader_in_no_hurry_gets_all_of_it() {
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 20 << 20]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    wire.send("GET /large HTTP/1.0\r\n\r\n").head();
    std::thread::sleep(Duration::from_millis(500)); // several times the server's look-up
    assert_eq!(wire.rest().len(), 20 << 20);
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_breaks_off_and_is_named_in_the_log() {
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 20 << 20]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    wire.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    folder.write("large", "x");
    let rest = wire.rest();
    assert!(rest.len() < 20 << 20 && rest.iter().all(|&byte| byte == b'x'), "no second answer");
    let text = server.stderr_until(|text| text.contains("ERROR"));
    assert!(text.contains(": the body of /large ended early, after "), "{text}");
}

#[test]
fn of_a_file_that_grows_while_it_is_sent_no_more_comes_than_was_said() {
    let folder = Folder::new();
    folder.write("large", vec![b'x'; (20 << 20) + 1]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    wire.send("GET /large HTTP/1.0\r\n\r\n").head();
    let mut large = fs::File::options().append(true).open(folder.join("large")).unwrap();
    large.write_all(&[b'y'; 1 << 20]).unwrap();
    assert_eq!(wire.rest().len(), (20 << 20) + 1);
    server.stderr_until(|text| text.contains(" 200 20971521 "));
}

#[test]
fn names_may_have_spaces_and_any_letters() {
    let folder = Folder::with(&[
        ("a b.txt", "space"),
        ("grün/日本.txt", "letters"),
        ("100%.txt", "percent"),
    ]);
    let server = Server::of(&folder, &[]);
    assert_eq!(server.get("/a%20b.txt").text(), "space");
    assert_eq!(server.get("/gr%C3%BCn/%e6%97%a5%e6%9c%ac.txt").text(), "letters");
    assert_eq!(server.get("/100%25.txt").text(), "percent");
    assert_eq!(server.get("/a+b.txt").status(), 404, "+ is a space in queries only");
    assert_eq!(server.get(&format!("/{}", "x".repeat(300))).status(), 404, "no name is that long");
}

#[test]
fn a_file_is_read_anew_for_each_request() {
    let folder = Folder::with(&[("page.txt", "one")]);
    let server = Server::of(&folder, &[]);
    assert_eq!(server.get("/page.txt").text(), "one");
    folder.write("page.txt", "twice as long");
    assert_eq!(server.get("/page.txt").text(), "twice as long");
    folder.write("new.txt", "three");
    fs::rename(folder.join("new.txt"), folder.join("page.txt")).unwrap();
    assert_eq!(server.get("/page.txt").text(), "three");
    fs::remove_file(folder.join("page.txt")).unwrap();
    assert_eq!(server.get("/page.txt").status(), 404);
}

#[test]
fn a_file_that_may_not_be_read_is_403_and_named_in_the_log() {
    let folder = Folder::with(&[("page.txt", "secret")]);
    let page = folder.join("page.txt");
    fs::set_permissions(&page, fs::Permissions::from_mode(0o000)).unwrap();
    let we_are_root = fs::read(&page).is_ok();
    let server = if we_are_root {
        Server::of_as_user_nobody(&folder)
    } else {
        Some(Server::of(&folder, &[]))
    };
    let Some(server) = server else {
        skipped("root may read everything, and nobody may not run the server");
        return;
    };
    let answer = server.get("/page.txt");
    assert_eq!(answer.status(), 403);
    assert!(
        answer.text().contains("The server has no permission to read /page.txt."),
        "{}",
        answer.text()
    );
    server.stderr_until(|text| text.contains("WARN: /page.txt"));
}

/// A site whose files say how they are coded, where no bytes have to be right.
fn coded() -> Folder {
    let files = [
        ("secret", "secret"),
        ("www/linked.css", "identity"),
        ("www/all.css", "identity"),
        ("www/all.css.gz", "gzip"),
        ("www/all.css.zst", "zstd"),
        ("www/all.css.br", "br"),
        ("www/one.js", "identity"),
        ("www/one.js.gz", "gzip"),
        ("www/none.txt", "identity"),
        ("www/stale.css", "identity"),
        ("www/stale.css.br", "br"),
        ("www/stale.css.gz", "gzip"),
        ("www/same.css", "identity"),
        ("www/same.css.gz", "gzip"),
        ("www/alone.css.gz", "gzip"),
        ("www/folder.css", "identity"),
        ("www/folder.css.gz/index.html", "in it"),
        ("www/out.css", "identity"),
        ("www/in/index.html", "identity"),
        ("www/in/index.html.gz", "gzip"),
        ("www/dir/index.html.gz", "gzip"),
        ("www/404.html", "lost: identity"),
        ("www/404.html.gz", "lost: gzip"),
    ];
    let folder = Folder::with(&files);
    let www = folder.join("www");
    // Each was made with its sibling, a while ago.
    let before = SystemTime::now() - Duration::from_secs(60);
    for (name, text) in files.iter().filter(|(name, _)| name.starts_with("www/")) {
        folder.write(name, begun(name, text));
        set_modified(&folder.join(name), before);
    }
    symlink("../secret", www.join("out.css.gz")).unwrap();
    symlink("all.css.gz", www.join("linked.css.gz")).unwrap();
    set_modified(&www.join("stale.css.br"), before - Duration::from_secs(1));
    folder
}

#[test]
fn a_precompressed_sibling_is_sent_to_clients_that_prefer_it() {
    let folder = coded();
    let server = Server::of(&folder.join("www"), &[]);
    let mut wire = server.connect();
    let browser = "Accept-Encoding: gzip, deflate, br, zstd\r\n";
    for (name, target, fields, want) in [
        ("a browser", "/all.css", browser, "br"),
        ("nothing said", "/all.css", "", "identity"),
        ("an empty field", "/all.css", "Accept-Encoding:\r\n", "identity"),
        ("anything", "/all.css", "Accept-Encoding: *\r\n", "br"),
        ("by weight", "/all.css", "Accept-Encoding: br;q=0.5, gzip;q=0.8, zstd;q=0.7\r\n", "gzip"),
        ("by order", "/all.css", "Accept-Encoding: gzip;q=0.5, zstd;q=0.5\r\n", "zstd"),
        ("little", "/all.css", "Accept-Encoding: gzip;q=0.001\r\n", "gzip"),
        ("not that one", "/all.css", "Accept-Encoding: br;q=0, gzip\r\n", "gzip"),
        ("all but that", "/all.css", "Accept-Encoding: *, br;q=0\r\n", "zstd"),
        ("rather plain", "/all.css", "Accept-Encoding: gzip;q=0.5, identity\r\n", "identity"),
        ("not plain", "/all.css", "Accept-Encoding: gzip;q=0.5, identity;q=0\r\n", "gzip"),
        ("two lines", "/all.css", "Accept-Encoding: x\r\naccept-encoding: GZIP\r\n", "gzip"),
        ("others", "/all.css", "Accept-Encoding: deflate, compress\r\n", "identity"),
        ("malformed", "/all.css", "Accept-Encoding: br;q=2, gzip;level=9\r\n", "identity"),
        ("what there is", "/one.js", browser, "gzip"),
        ("what there is not", "/one.js", "Accept-Encoding: br\r\n", "identity"),
        ("of the same age", "/same.css", browser, "gzip"),
        ("one is stale", "/stale.css", browser, "gzip"),
        ("a link", "/linked.css", browser, "gzip"),
        ("an index", "/in/", browser, "gzip"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let answer = wire.send(&request).answer();
        assert_eq!((answer.status(), text_of(&answer.body).as_str()), (200, want), "{name}");
        let coding = Some(want).filter(|&coding| coding != "identity");
        assert_eq!(answer.field("Content-Encoding"), coding, "{name}");
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"), "{name}");
        let kind = match target {
            "/one.js" => "text/javascript; charset=utf-8",
            "/in/" => "text/html; charset=utf-8",
            _ => "text/css; charset=utf-8",
        };
        assert_eq!(answer.field("Content-Type"), Some(kind), "{name}");
        let head = wire.send(request.replacen("GET", "HEAD", 1)).head();
        // The tag may have become a strong one meanwhile.
        let but_time = |head: &str| masked(head.as_bytes());
        assert_eq!(but_time(&head), but_time(&answer.head), "{name}: HEAD");
    }
    // No sibling that counts: one way only to answer.
    for target in ["/none.txt", "/folder.css", "/out.css"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{browser}\r\n");
        let answer = wire.send(request).answer();
        assert_eq!(answer.text(), "identity", "{target}");
        assert_eq!(answer.field("Vary").or(answer.field("Content-Encoding")), None, "{target}");
    }
    // Without the file itself there is no variant of it; a sibling is a file, too.
    for (target, status, kind, body) in [
        ("/alone.css", 404, "text/html; charset=utf-8", "lost: gzip"),
        ("/all.css.gz", 200, "application/gzip", "gzip"),
        ("/all.css.br", 200, "application/octet-stream", "br"),
        ("/all.css.zst", 200, "application/zstd", "zstd"),
        ("/alone.css.gz", 200, "application/gzip", "gzip"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{browser}\r\n");
        let answer = wire.send(request).answer();
        assert_eq!((answer.status(), text_of(&answer.body).as_str()), (status, body), "{target}");
        assert_eq!(answer.field("Content-Type"), Some(kind), "{target}");
        let coding = Some("gzip").filter(|_| status == 404);
        assert_eq!(answer.field("Content-Encoding"), coding, "{target}");
    }
    // A sibling that appears, or is outdated, counts from then on.
    folder.write("www/none.txt.br", "br");
    let request = format!("GET /none.txt HTTP/1.1\r\nHost: a\r\n{browser}\r\n");
    assert_eq!(wire.send(&request).answer().text(), "br");
    set_modified(&folder.join("www/none.txt"), SystemTime::now() + Duration::from_secs(9));
    assert_eq!(wire.send(&request).answer().text(), "identity");
}

#[test]
fn a_client_that_accepts_no_existing_coding_gets_406_with_the_reason() {
    let folder = coded();
    let server = Server::of(&folder.join("www"), &[]);
    let mut wire = server.connect();
    for (target, codings) in [
        ("/none.txt", "identity;q=0"),
        ("/none.txt", "gzip, *;q=0"),
        ("/one.js", "br, identity;q=0"),
        ("/all.css", "*;q=0"),
    ] {
        let fields = format!("Host: a\r\nAccept-Encoding: {codings}\r\n");
        let answer = wire.send(format!("GET {target} HTTP/1.1\r\n{fields}\r\n")).answer();
        assert_eq!(answer.status(), 406, "{target}: {codings}");
        assert_eq!(answer.field("Vary"), Some("Accept, Accept-Encoding"));
        assert!(answer.text().contains("\nRule:  RFC 9110, 12.5.3\n"), "{}", answer.text());
        assert_eq!(answer.field("ETag"), None);
        // The page for what is not there is none of what was asked for: it is better than nothing.
        let lost = wire.send(format!("GET /nowhere HTTP/1.1\r\n{fields}\r\n")).answer();
        assert_eq!(lost.status(), 404);
        let text = text_of(&lost.body);
        assert!(text.starts_with("lost: "), "{text}");
    }
}

#[test]
fn the_404_page_has_variants_and_no_validators() {
    let folder = coded();
    let server = Server::of(&folder.join("www"), &[]);
    for (codings, body, coding) in
        [("gzip", "lost: gzip", Some("gzip")), ("br", "lost: identity", None)]
    {
        let request =
            format!("GET /nowhere HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {codings}\r\n\r\n");
        let answer = server.connect().send(request).answer();
        assert_eq!((answer.status(), text_of(&answer.body).as_str()), (404, body));
        assert_eq!(answer.field("Content-Encoding"), coding);
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.field("ETag").or(answer.field("Last-Modified")), None);
    }
}

#[test]
fn each_variant_has_its_own_tag_and_is_revalidated_by_it() {
    let folder = coded();
    let server = Server::of(&folder.join("www"), &[]);
    let mut wire = server.connect();
    let mut tags = Vec::new();
    for coding in ["identity", "gzip", "zstd", "br"] {
        let fields = format!("Host: a\r\nAccept-Encoding: {coding}\r\n");
        let request = format!("GET /all.css HTTP/1.1\r\n{fields}");
        let answer = wire.send(format!("{request}\r\n")).answer();
        let tag = answer.field("ETag").unwrap().to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        let again = wire.send(format!("{request}If-None-Match: {tag}\r\n\r\n")).answer();
        assert_eq!((again.status(), again.field("ETag")), (304, Some(tag.as_str())));
        assert_eq!(again.field("Vary"), Some("Accept-Encoding"));
        for other in &tags {
            assert_ne!(&tag, other);
            let request = format!("{request}If-None-Match: {other}\r\n\r\n");
            assert_eq!(text_of(&wire.send(request).answer().body), coding);
        }
        let part = wire.send(format!("{request}Range: bytes=-1\r\nIf-Range: {tag}\r\n\r\n"));
        let part = part.answer();
        assert_eq!((part.status(), part.text().as_str()), (206, &coding[coding.len() - 1..]));
        assert_eq!(part.field("Vary"), Some("Accept-Encoding"));
        tags.push(tag);
    }
}

#[test]
fn a_file_that_has_just_changed_has_a_weak_tag_and_one_that_has_not_a_strong_one() {
    let folder = Folder::with(&[("page.txt", "one")]);
    let server = Server::of(&folder, &[]);
    let tag = || server.get("/page.txt").field("ETag").unwrap().to_owned();
    let first = eventually(|| Some(tag()).filter(|tag| tag.starts_with('"'))).unwrap();
    assert_eq!(tag(), first);
    folder.write("page.txt", "two");
    let second = tag();
    assert_ne!(second.trim_start_matches("W/"), first);
    let settled = eventually(|| Some(tag()).filter(|tag| tag.starts_with('"'))).unwrap();
    assert_eq!(settled, second.trim_start_matches("W/"), "the same tag, once it is a strong one");
}

#[test]
fn last_modified_is_never_in_the_future() {
    let folder = Folder::with(&[("past", "x"), ("future", "x"), ("ancient", "x")]);
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    set_modified(&folder.join("past"), at(784_111_777));
    set_modified(&folder.join("future"), at(4_000_000_000));
    set_modified(&folder.join("ancient"), SystemTime::UNIX_EPOCH - Duration::from_secs(9));
    let server = Server::of(&folder, &[]);
    let past = server.get("/past");
    assert_eq!(past.field("Last-Modified"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    let future = eventually(|| {
        let answer = server.get("/future");
        // Between the two there may be the turn of a second.
        (answer.field("Last-Modified") == answer.field("Date")).then_some(answer)
    });
    assert_eq!(future.unwrap().status(), 200);
    let ancient = server.get("/ancient");
    assert_eq!(ancient.field("Last-Modified"), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
}
