//! `-o`, `-O`, `-C`: a file is whole or not there; what was cut short is gone on with, if the server
//! says that it is the same one still.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, Server, run, skipped};

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

/// RFC 9110, 13.1.5: the time of a local file was never a Last-Modified, so it is not sent as one. What
/// the server says of its version still counts, in the few ways in which it can.
#[test]
fn what_another_program_left_is_gone_on_with() {
    const REST: &str = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-11/12\r\n";
    let last_modified = |seconds: u32| {
        format!("{REST}Last-Modified: Sun, 06 Nov 1994 08:49:{seconds} GMT\r\n\r\n, world")
    };
    for (answer, code, want) in [
        (format!("{REST}\r\n, world"), 0, "HELLO, world"),
        (last_modified(36), 0, "HELLO, world"),
        (last_modified(37), 0, "HELLO, world"),
        (last_modified(38), 33, "HELLO"),
        ("HTTP/1.1 200 OK\r\n\r\nhello, world".to_owned(), 0, "hello, world"),
    ] {
        let server = Fake::saying(answer.clone());
        let folder = Folder::new();
        folder.write("file", "HELLO");
        let file = fs::File::options().write(true).open(folder.join("file")).expect("it is there");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(784_111_777)).expect("it is ours");
        let finished = fetch(&["-C", "-", "-o", &at(&folder, "file"), &server.url("/file")]);
        assert_eq!(finished.code, Some(code), "{answer}: {}", finished.stderr);
        let asked = &server.requests()[0];
        assert!(
            asked.contains("\r\nRange: bytes=5-\r\n") && !asked.contains("If-Range"),
            "{asked}"
        );
        assert_eq!((&*text(&at(&folder, "file")), names(&folder)), (want, vec!["file".to_owned()]));
    }
}

/// A Last-Modified that is no strong validator is not one later, either.
#[test]
fn only_what_a_server_gave_is_sent_back() {
    const WEAK: &str =
        "Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\nDate: Sun, 06 Nov 1994 08:49:36 GMT\r\n";
    for first in ["", WEAK, "ETag: W/\"one\"\r\n"] {
        let folder = Folder::new();
        let path = at(&folder, "file");
        fetch(&["-o", &path, &half(first).url("/")]).failed(18, "the first half");
        let server = Fake::saying(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\n\r\nWORLD",
        );
        fetched(&["-C", "-", "-o", &path, &server.url("/")]);
        assert!(!server.requests()[0].contains("If-Range"), "{server:?}");
        assert_eq!((&*text(&path), names(&folder)), ("helloWORLD", vec!["file".to_owned()]));
    }
}

#[test]
fn what_the_client_did_not_make_is_not_touched() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let path = at(&folder, "x");
    for other in ["x.part", "x.part.validator", "x.part.1", "x.part.1.validator"] {
        folder.write(other, "precious");
    }
    symlink("x.part", folder.join("x.part.2")).expect("a link");
    let before = names(&folder);
    assert_eq!(fetched(&["-o", &path, &server.url("/bytes/3")]), "");
    assert_eq!(text(&path), "abc");
    fs::remove_file(&path).expect("it is there");
    assert_eq!(names(&folder), before);
    let finished = fetch(&["-o", &path, &half(TAG).url("/")]);
    assert!(finished.failed(18, "half").contains("/x.part.3; -C - continues it"), "{finished:?}");
    let rest =
        Fake::saying("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\n\r\nWORLD");
    fetched(&["-C", "-", "-o", &path, &rest.url("/")]);
    assert!(rest.requests()[0].contains("If-Range: \"one\"\r\n"), "{rest:?}");
    assert_eq!(text(&path), "helloWORLD");
    fs::remove_file(&path).expect("it is there");
    assert_eq!(names(&folder), before);
    for other in &before {
        assert_eq!(text(&at(&folder, other)), "precious", "{other}");
    }
}

/// A client that was killed before it wrote down the validator leaves an empty file.
#[test]
fn an_empty_validator_is_ours_and_a_folder_is_no_file() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    folder.write("x.part.validator", "");
    fetched(&["-o", &at(&folder, "x"), &server.url("/bytes/3")]);
    assert_eq!((&*text(&at(&folder, "x")), names(&folder)), ("abc", vec!["x".to_owned()]));
    let finished = fetch(&["-o", &at(&folder, "new/"), &server.url("/bytes/3")]);
    finished.failed(23, "a folder");
    assert_eq!(names(&folder), ["x"]);
}

#[test]
fn the_longest_names_work() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    for name in ["x".repeat(255), "y".repeat(238), "é".repeat(127)] {
        let path = at(&folder, &name);
        fetched(&["-o", &path, &server.url("/bytes/1")]);
        assert_eq!(text(&path), "a");
        fetch(&["-o", &path, &half(TAG).url("/")]).failed(18, "half");
        let rest = Fake::saying(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\n\r\nWORLD",
        );
        fetched(&["-C", "-", "-o", &path, &rest.url("/")]);
        assert_eq!(text(&path), "helloWORLD");
        fs::remove_file(&path).expect("it is there");
        assert_eq!(names(&folder), [""; 0]);
    }
}

/// A link that leads to a file that is not there yet, and another name of the same file.
#[test]
fn links_stay_links() {
    let server = Server::start(&[]);
    let folder = Folder::with(&[("file", "before")]);
    fs::create_dir(folder.join("sub")).expect("a folder");
    for (link, to) in [("one", "sub/new"), ("two", "one")] {
        symlink(to, folder.join(link)).expect("a link");
    }
    fetched(&["-o", &at(&folder, "two"), &server.url("/bytes/2")]);
    assert_eq!(text(&at(&folder, "sub/new")), "ab");
    for link in ["one", "two"] {
        assert!(fs::symlink_metadata(folder.join(link)).expect("it is there").is_symlink());
    }
    fs::hard_link(folder.join("file"), folder.join("same")).expect("another name");
    fetched(&["-o", &at(&folder, "file"), &server.url("/bytes/3")]);
    assert_eq!((&*text(&at(&folder, "file")), &*text(&at(&folder, "same"))), ("abc", "abc"));
    // Until the body is complete, the file stays as it was.
    fetch(&["-o", &at(&folder, "file"), &half("").url("/")]).failed(18, "half");
    assert_eq!(text(&at(&folder, "same")), "abc");
    fs::remove_file(folder.join("file.part")).expect("it is there");
    fs::remove_file(folder.join("file.part.validator")).expect("it is there");
    assert_eq!(names(&folder), ["file", "one", "same", "sub", "two"]);
}

#[test]
fn a_file_keeps_its_owner() {
    let folder = Folder::with(&[("file", "before")]);
    let file = folder.join("file");
    if chown(&file, Some(65534), Some(65534)).is_err() {
        skipped("only root may give a file away");
        return;
    }
    let server = Server::start(&[]);
    fetched(&["-o", &at(&folder, "file"), &server.url("/bytes/1")]);
    let about = fs::metadata(&file).expect("it is there");
    assert_eq!((about.uid(), about.gid(), &*text(&at(&folder, "file"))), (65534, 65534, "a"));
    assert_eq!(names(&folder), ["file"]);
}

/// Runs this line of shell, in which `client` is ours, with mounts of its own; `None` if they are not
/// permitted.
fn with_mounts(line: &str) -> Option<crate::support::Finished> {
    let line = line.replace("client ", concat!(env!("CARGO_BIN_EXE_client"), " "));
    let mut command = Command::new("unshare");
    let permitted = Command::new("unshare").args(["-m", "true"]).status();
    if !permitted.is_ok_and(|status| status.success()) {
        skipped("only root may mount");
        return None;
    }
    Some(run(command.args(["-m", "sh", "-ec", &line]).env_remove("RUST_LOG"), b""))
}

#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    let folder = Folder::with(&[("file", "mounted"), ("d/place", "below")]);
    let server = Server::start(&[]);
    let (file, place) = (at(&folder, "file"), at(&folder, "d/place"));
    let begun = format!("mount --bind {file} {place}; client -so {place} ");
    let Some(finished) = with_mounts(&(begun.clone() + &server.url("/bytes/2"))) else { return };
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!((&*text(&file), &*text(&place)), ("ab", "below"));
    let rest = Fake::saying("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/4\r\n\r\ncd");
    let finished = with_mounts(&(begun + "-C - " + &rest.url("/"))).expect("it may");
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!((&*text(&file), names(&folder).len()), ("abcd", 2));
}

#[test]
fn a_file_in_a_folder_that_cannot_be_written_is_written_in_place() {
    let folder = Folder::for_everybody();
    folder.write("d/file", "what was there before");
    let file = folder.join("d/file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let binary = folder.join("client");
    fs::copy(env!("CARGO_BIN_EXE_client"), &binary).expect("a copy");
    let server = Server::start(&[]);
    let as_nobody = |args: &[&str]| {
        let mut command = Command::new(&binary);
        command.args(args).uid(65534).gid(65534).current_dir("/").env_remove("RUST_LOG");
        run(&mut command, b"")
    };
    let may = Command::new(&binary).arg("--version").uid(65534).gid(65534).output();
    if may.is_err() {
        skipped("only root may be somebody else");
        return;
    }
    let path = at(&folder, "d/file");
    let finished = as_nobody(&["-o", &path, &server.url("/bytes/2")]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!(text(&path), "ab");
    let rest = Fake::saying("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-3/4\r\n\r\ncd");
    let finished = as_nobody(&["-C", "-", "-o", &path, &rest.url("/")]);
    assert_eq!((finished.code, &*text(&path)), (Some(0), "abcd"), "{}", finished.stderr);
    let finished = as_nobody(&["-o", &at(&folder, "d/new"), &server.url("/bytes/2")]);
    finished.failed(23, "a new file");
}

/// A body that is not the rest is not put behind the beginning, whatever it is.
#[test]
fn an_error_is_no_rest() {
    const HEAD: &str = "Content-Length: 4\r\n\r\nlost";
    for (status, args, code) in [
        ("404 Not Found", &[][..], 33),
        ("404 Not Found", &["-i"], 33),
        ("404 Not Found", &["-f"], 22),
        ("404 Not Found", &["--fail-with-body"], 22),
        ("500 Internal Server Error", &[], 33),
        ("503 Service Unavailable", &["-f"], 22),
        ("302 Found", &[], 33),
        ("200 OK", &[], 33),
    ] {
        let fake = Fake::saying(format!("HTTP/1.1 {status}\r\n{HEAD}"));
        let finished = fetch(&[args, &["-C", "100", &fake.url("/")]].concat());
        finished.failed(code, status);
        assert_eq!(finished.stdout, b"", "{status} {args:?}");
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

/// A device or a pipe holds nothing that could be lost, and is never removed.
#[test]
fn what_is_no_file_stays_what_it_is() {
    for flags in [&["--remove-on-error"][..], &["--no-clobber"], &["-R"], &["--skip-existing"]] {
        let folder = Folder::new();
        let pipe = at(&folder, "pipe");
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "a pipe");
        let path = pipe.clone();
        let reader = std::thread::spawn(move || fs::read(path).expect("the pipe"));
        let finished = fetch(&[flags, &["-o", &pipe, &half("").url("/")]].concat());
        finished.failed(18, "half of it");
        assert_eq!(reader.join().expect("a reader"), b"hello", "{flags:?}");
        assert_eq!(names(&folder), ["pipe"], "{flags:?}");
    }
}
