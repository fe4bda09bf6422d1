//! The charset that is sent with a text, and what the text says of itself.

use std::thread;
use std::time::{Duration, SystemTime};

use crate::support::{Folder, Server, ask, begun, set_modified};

/// A file, how it begins, the type that is sent, and whether that says UTF-8.
const TEXTS: &[(&str, &[u8], &str, bool)] = &[
    ("meta.html", b"<meta charset=iso-8859-1><p>gr\xfcn", "text/html", false),
    (
        "equiv.htm",
        b"<META HTTP-EQUIV=Content-Type CONTENT=\"text/html; charset=koi8-r\">",
        "text/html",
        false,
    ),
    (
        "declared.xml",
        b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>gr\xfcn</a>",
        "text/xml",
        false,
    ),
    ("declared.html", b"<?xml version='1.0' encoding='utf-8'?><html>", "text/html", false),
    ("says-so.html", b"<!doctype html><meta charset=\"utf-8\">gr\xc3\xbcn", "text/html", false),
    ("silent.html", b"<p>gr\xc3\xbcn", "text/html", true),
    ("silent.xml", b"<?xml version=\"1.0\"?><a>gr\xc3\xbcn</a>", "text/xml", true),
    ("ascii.html", b"<p>green", "text/html", true),
    ("empty.html", b"", "text/html", true),
    ("mark.html", b"\xef\xbb\xbf<p>gr\xc3\xbcn", "text/html", true),
    ("latin.html", b"<p>gr\xfcn", "text/html", false),
    ("latin.txt", b"gr\xfcn", "text/plain", false),
    ("utf16.txt", b"\xff\xfeg\0r\0", "text/plain", false),
    ("utf16.xml", b"<\0?\0x\0m\0l\0", "text/xml", false),
    ("meta.txt", b"<meta charset=iso-8859-1>", "text/plain", true),
    ("latin.css", b"@charset \"iso-8859-1\";", "text/css", false),
    ("code.js", b"let green = 'gr\xc3\xbcn'", "text/javascript", true),
    ("data.json", b"\"gr\xfcn\"", "application/json", false),
    ("page.xhtml", b"<?xml version='1.0' encoding='latin1'?>", "application/xhtml+xml", false),
];

/// GET, HEAD and a range, of a file that has just been written and of one that is kept, say the same.
#[test]
fn a_charset_is_sent_only_with_text_that_is_utf8_and_declares_none() {
    let folder = Folder::new();
    for (name, bytes, ..) in TEXTS {
        folder.write(name, bytes);
    }
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    for turn in ["first", "kept"] {
        for (name, bytes, media_type, utf8) in TEXTS {
            let want =
                if *utf8 { format!("{media_type}; charset=utf-8") } else { (*media_type).into() };
            for (method, fields) in [("GET", ""), ("HEAD", ""), ("GET", "Range: bytes=0-2")] {
                let answer = ask(&mut wire, &format!("{method} /{name}"), fields);
                let kind = answer.field("Content-Type");
                assert_eq!(kind, Some(want.as_str()), "{turn} {method} {name} {fields}");
                assert!(bytes.starts_with(&answer.body), "{name}");
            }
        }
        thread::sleep(Duration::from_millis(120)); // then they are kept
        TEXTS.iter().for_each(|(name, ..)| drop(server.get(&format!("/{name}"))));
    }
}

/// Only the first 1,024 bytes count, and a character may lie across their end.
#[test]
fn a_character_that_is_cut_by_the_first_1024_bytes_is_whole() {
    let long = |before: usize, bytes: &[u8]| [&vec![b'x'; before], bytes, &[b'x'; 3000]].concat();
    let folder = Folder::new();
    let rows: [(&str, Vec<u8>, bool); 6] = [
        ("two", long(1023, "ü".as_bytes()), true),
        ("three", long(1022, "日".as_bytes()), true),
        ("four", long(1021, "😀".as_bytes()), true),
        ("wrong", long(1022, b"\xc3"), false),
        ("later", long(1024, b"<meta charset=latin1>\xfc"), true),
        ("across", long(1020, b"<meta charset=latin1>"), true),
    ];
    for (name, bytes, _) in &rows {
        folder.write(&format!("{name}.html"), bytes);
    }
    let server = Server::of(&folder, &[]);
    for (name, bytes, utf8) in &rows {
        let answer = server.get(&format!("/{name}.html"));
        let want = if *utf8 { "text/html; charset=utf-8" } else { "text/html" };
        assert_eq!(answer.field("Content-Type"), Some(want), "{name}");
        assert!(answer.body == *bytes, "{name}");
    }
}

/// A coding changes nothing about the text, nor does a status.
#[test]
fn variants_and_the_404_page_say_what_the_plain_file_says() {
    let folder = Folder::with(&[("404.html.gz", ""), ("a.html", "plain")]);
    folder.write("404.html", b"<p>gr\xfcn");
    for name in ["404.html.gz", "a.html.gz"] {
        folder.write(name, begun(name, "packed"));
    }
    let before = SystemTime::now() - Duration::from_secs(60);
    for name in ["404.html", "a.html"] {
        set_modified(&folder.join(name), before);
    }
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    for (target, want) in [("/a.html", "text/html; charset=utf-8"), ("/nowhere", "text/html")] {
        for coding in ["gzip", "identity"] {
            let answer =
                ask(&mut wire, &format!("GET {target}"), &format!("Accept-Encoding: {coding}"));
            assert_eq!(answer.field("Content-Type"), Some(want), "{target} {coding}");
        }
    }
}
