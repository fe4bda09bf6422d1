//! ETag and Last-Modified of files: what changes them, and what does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{Answer, Folder, Server, ask, eventually, needs, run, set_modified};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn tag(answer: &Answer) -> &str {
    answer.field("ETag").unwrap()
}

/// The name, and the time of the second file, which has the size of the first one, by that of the first.
type OtherTime = (&'static str, fn(SystemTime) -> SystemTime);

const OTHER_TIMES: &[OtherTime] = &[
    ("17 months apart", |time| time + 517 * DAY),
    ("older, from a backup", |time| time - DAY),
    ("a second apart", |time| time + Duration::from_secs(1)),
    ("a nanosecond apart", |time| time + Duration::from_nanos(1)),
    ("in the future", |time| time + 10_000 * DAY),
];

/// Some file systems have no ctime, or hand out inode numbers anew: size and mtime must be enough.
#[test]
fn another_file_of_the_same_size_is_known_by_its_time() {
    let before = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (name, other_time) in OTHER_TIMES {
        let folder = Folder::with(&[("disk.img", "first")]);
        let image = folder.join("disk.img");
        set_modified(&image, before);
        let server = Server::of(&folder, &[]);
        let mut wire = server.connect();
        let first = ask(&mut wire, "GET /disk.img", "");
        assert!(tag(&first).starts_with('"'), "{name}: {}", tag(&first));
        fs::write(&image, "other").unwrap();
        set_modified(&image, other_time(before));
        let if_none_match = format!("If-None-Match: {}", tag(&first));
        let second = ask(&mut wire, "GET /disk.img", &if_none_match);
        assert_eq!((second.status(), second.text().as_str()), (200, "other"), "{name}");
        assert_ne!(tag(&second), tag(&first), "{name}");
        let rest = format!("Range: bytes=2- | If-Range: {}", tag(&first));
        let rest = ask(&mut wire, "GET /disk.img", &rest);
        assert_eq!((rest.status(), rest.text().as_str()), (200, "other"), "{name}");
        let rest = format!("Range: bytes=2- | If-Range: {}", tag(&second));
        let rest = ask(&mut wire, "GET /disk.img", &rest);
        assert_eq!((rest.status(), rest.text().as_str()), (206, "her"), "{name}");
    }
}

/// The name, a command in the folder, and the file that is then as the first one was.
const SAME_BYTES: &[(&str, &str, &str)] = &[
    ("a link", "ln disk.img g", "g"),
    ("linked by another name", "ln disk.img g", "disk.img"),
    ("another mode", "chmod 600 disk.img", "disk.img"),
    ("renamed", "mv disk.img g", "g"),
    ("a copy with its time", "cp -p disk.img g", "g"),
    ("on another machine", "cp -pr . ../copy; mv ../copy copy", "copy/disk.img"),
    ("unlinked and put back", "cp -p disk.img g; rm disk.img; cp -p g disk.img", "disk.img"),
];

/// A download is resumed, whatever happened to the inode.
#[test]
fn the_same_bytes_with_the_same_time_keep_their_tag() {
    for (name, command, target) in SAME_BYTES {
        let place = Folder::with(&[("site/disk.img", "the same bytes")]);
        let site = place.join("site");
        set_modified(&site.join("disk.img"), SystemTime::now() - DAY);
        let server = Server::of(&site, &[]);
        let first = server.get("/disk.img");
        let done = run(Command::new("sh").args(["-c", command]).current_dir(&site), b"");
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{name}");
        let rest = format!("Range: bytes=4- | If-Range: {}", tag(&first));
        let rest = ask(&mut server.connect(), &format!("GET /{target}"), &rest);
        assert_eq!((rest.status(), rest.text().as_str()), (206, "same bytes"), "{name}");
        assert_eq!(tag(&rest), tag(&first), "{name}");
        assert_eq!(rest.field("Accept-Ranges"), Some("bytes"), "{name}");
    }
}

/// Two servers with the same files: the second half of a download comes from the other one.
#[test]
fn a_download_is_resumed_at_another_server() {
    if !needs("curl") {
        return;
    }
    let place = Folder::with(&[("one/disk.img", "the same bytes"), ("other/a", "")]);
    let image = place.join("one/disk.img");
    set_modified(&image, SystemTime::now() - DAY);
    let copied = Command::new("cp").arg("-p").arg(&image).arg(place.join("other")).status();
    assert!(copied.unwrap().success());
    let [one, other] = ["one", "other"].map(|name| Server::of(&place.join(name), &[]));
    let tags = place.join("tag");
    let curl = |args: &[&str], url: String| {
        run(Command::new("curl").args(["-sS"]).args(args).arg(url), b"").stdout
    };
    let save = ["-r", "0-7", "--etag-save", tags.to_str().unwrap()];
    let mut received = curl(&save, one.url("/disk.img"));
    let if_range = format!("If-Range: {}", fs::read_to_string(&tags).unwrap().trim());
    received.extend(curl(&["-r", "8-", "-H", &if_range], other.url("/disk.img")));
    assert_eq!(String::from_utf8(received).unwrap(), "the same bytes");
}

/// Whole seconds may be all that a program or a file system stores.
#[test]
fn a_tag_is_weak_for_two_ticks_of_its_clock() {
    let folder = Folder::with(&[("page.txt", "one"), ("private.txt", "one")]);
    let page = folder.join("page.txt");
    let seconds = |ago: u64| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        SystemTime::UNIX_EPOCH + Duration::from_secs(now - ago)
    };
    let server = Server::of(&folder, &[]);
    let is_weak = || tag(&server.get("/page.txt")).starts_with("W/");
    set_modified(&page, seconds(3));
    assert!(!is_weak(), "a time of whole seconds, long ago");
    set_modified(&page, seconds(3) + Duration::from_millis(10));
    assert!(!is_weak(), "a time with a fraction, long ago");
    set_modified(&page, seconds(0));
    assert!(is_weak(), "whole seconds, this one");
    assert!(eventually(|| (!is_weak()).then_some(())).is_some(), "it becomes a strong one");
    // A new mode is no change of the bytes.
    let private = folder.join("private.txt");
    set_modified(&private, seconds(9));
    fs::set_permissions(&private, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(tag(&server.get("/private.txt")).starts_with('"'));
}
