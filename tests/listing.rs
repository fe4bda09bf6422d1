//! Folders without an `index.html`: as a page, as JSON, and as an archive.

use std::fs;
use std::time::{Duration, SystemTime};

use crate::support::{Answer, Folder, Server, ask, set_modified};

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
    for part in [
        "<a href=\"z/\"><bdi>z</bdi>/</a>",
        "<a href=\"a2.png\">",
        "1 folder, 3 files",
        "2001-09-09",
    ] {
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
    assert!(page.contains("<th scope=\"col\" class=\"n\" aria-sort=\"descending\">"), "{page}");
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
