//! `-o`, `-O`, `-C`: a file is whole or not there; what was cut short is gone on with, if the server
//! says that it is the same one still.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, Server, run};

/// The path of a file, as text.
fn at(folder: &Folder, name: &str) -> String {
    folder.join(name).to_str().expect("UTF-8").to_owned()
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).expect("it is there");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("it is there").file_name().into_string().expect("UTF-8")
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Half an answer, of which the fields are these.
fn half(fields: &str) -> Fake {
    Fake::saying(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 10\r\n\r\nhello"))
}

const TAG: &str = "ETag: \"one\"\r\n";

#[test]
fn what_is_cut_short_is_not_there_under_its_name() {
    let folder = Folder::new();
    let file = at(&folder, "file");
    folder.write("file", "what was there before");
    let finished = fetch(&["-o", &file, &half("").url("/")]);
    let said = finished.failed(18, "the body is incomplete");
    assert!(
        said.ends_with(&format!("the part that was received is in {file}.part; -C - continues it")),
        "{said}"
    );
    assert_eq!(text(&file), "what was there before");
    assert_eq!(text(&(file.clone() + ".part")), "hello");
    let server = Server::start(&[]);
    assert_eq!(fetched(&["-o", &file, &server.url("/bytes/3")]), "");
    assert_eq!((text(&file).as_str(), names(&folder)), ("abc", vec!["file".to_owned()]));
    // Nothing came, so nothing is kept.
    let finished = fetch(&[
        "-o",
        &file,
        &Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n").url("/"),
    ]);
    assert_eq!((finished.code, names(&folder)), (Some(18), vec!["file".to_owned()]));
    fetch(&["-fo", &file, &server.url("/nowhere")]).failed(22, "-f leaves the file alone");
    assert_eq!(text(&file), "abc");
}

#[test]
fn a_file_keeps_its_permissions_and_its_links() {
    let folder = Folder::new();
    let (file, link) = (at(&folder, "file"), at(&folder, "link"));
    folder.write("file", "before");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("it is ours");
    symlink("file", &link).expect("a link");
    let server = Server::start(&[]);
    fetched(&["-o", &link, &server.url("/bytes/1")]);
    assert_eq!(text(&file), "a");
    assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
}

#[test]
fn names_come_from_the_url_and_never_lead_elsewhere() {
    let folder = Folder::new();
    let site = Folder::with(&[("a b.txt", "text\n")]);
    let server = Server::of(&site, &[]);
    let in_folder = |url: &str| {
        let mut command: Command = client(&["-O", url]);
        run(command.current_dir(folder.path()), b"")
    };
    assert_eq!(in_folder(&server.url("/a%20b.txt?x=/y#z")).code, Some(0));
    assert_eq!(text(&at(&folder, "a%20b.txt")), "text\n");
    for path in ["/", "/sub/", "/..", "/x/.", "", "?/x/.."] {
        let finished = in_folder(&server.url(path));
        assert!(finished.failed(23, path).contains("right: -o FILE"), "{path}");
    }
    assert_eq!(names(&folder), ["a%20b.txt"]);
}

/// Each server says what it is asked; the file at the end.
#[test]
fn the_rest_is_asked_for_with_the_validator_of_what_is_there() {
    const OLD: &str =
        "Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\nDate: Sun, 06 Nov 1994 09:00:00 GMT\r\n";
    const REST: &str =
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n";
    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother";
    for (first, if_range, answer, code, file) in [
        (TAG, "\"one\"", format!("{REST}{TAG}\r\nWORLD"), 0, Some("helloWORLD")),
        (TAG, "\"one\"", format!("{REST}\r\nWORLD"), 0, Some("helloWORLD")),
        (OLD, "Sun, 06 Nov 1994 08:49:36 GMT", format!("{REST}\r\nWORLD"), 0, Some("helloWORLD")),
        (TAG, "\"one\"", WHOLE.to_owned(), 0, Some("other")),
        // A server that knows ranges, and not If-Range.
        (TAG, "\"one\"", format!("{REST}ETag: \"two\"\r\n\r\nWORLD"), 33, None),
        (TAG, "\"one\"", REST.replace("5-9", "4-9") + "\r\nWORLD", 33, None),
        (
            TAG,
            "\"one\"",
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n".into(),
            0,
            Some("hello"),
        ),
        (
            TAG,
            "\"one\"",
            "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n".into(),
            33,
            None,
        ),
        (TAG, "\"one\"", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nlost".to_owned(), 22, None),
    ] {
        let folder = Folder::new();
        let path = at(&folder, "file");
        fetch(&["-o", &path, &half(first).url("/")]).failed(18, "the first half");
        let server = Fake::saying(answer.clone());
        let finished = fetch(&["-C", "-", "-o", &path, &server.url("/")]);
        assert_eq!(finished.code, Some(code), "{answer}: {}", finished.stderr);
        let asked = format!("\r\nRange: bytes=5-\r\nIf-Range: {if_range}\r\n");
        assert!(server.requests()[0].contains(&asked), "{server:?}");
        match file {
            Some(want) => {
                assert_eq!((text(&path).as_str(), names(&folder)), (want, vec!["file".to_owned()]));
            }
            None => {
                assert_eq!(text(&(path.clone() + ".part")), "hello", "it is as it was");
                assert_eq!(names(&folder), ["file.part", "file.part.validator"]);
            }
        }
    }
}

/// Without a validator that was kept, the time of the file is one, for what curl -R left.
#[test]
fn what_another_program_left_is_gone_on_with() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let old = UNIX_EPOCH + Duration::from_secs(784_111_777);
    for (time, want) in [(old, "HELLO, world"), (old + Duration::from_secs(1), "hello, world")] {
        let server = Fake::new(|talk| {
            let same = talk.request()?.contains(&format!("\r\nIf-Range: {DATE}\r\n"));
            talk.say(match same {
                true => {
                    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-11/12\r\n\r\n, world"
                }
                false => "HTTP/1.1 200 OK\r\n\r\nhello, world",
            })
        });
        let folder = Folder::new();
        folder.write("file", "HELLO");
        let file = fs::File::options().write(true).open(folder.join("file")).expect("it is there");
        file.set_modified(time).expect("it is ours");
        fetched(&["-C", "-", "-o", &at(&folder, "file"), &server.url("/file")]);
        assert_eq!(text(&at(&folder, "file")), want);
        assert_eq!(names(&folder), ["file"]);
    }
}

#[test]
fn where_nothing_is_missing_nothing_comes() {
    let site = Folder::with(&[("file", "hello, world")]);
    let server = Server::of(&site, &[]);
    let folder = Folder::new();
    for _ in 0..2 {
        fetched(&["-C", "-", "-o", &at(&folder, "file"), &server.url("/file")]);
        assert_eq!(text(&at(&folder, "file")), "hello, world");
        assert_eq!(names(&folder), ["file"]);
    }
}
