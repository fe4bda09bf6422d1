//! Compressed siblings: by their times, and by their first bytes.

use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::support::{Folder, SOON, Server, Wire, ask, begun, needs, run, set_modified, text_of};

/// The coding and the text of what a browser gets.
fn get(wire: &mut Wire, target: &str) -> (String, String) {
    let answer = ask(wire, &format!("GET {target}"), "Accept-Encoding: gzip, br, zstd");
    let coding = answer.field("Content-Encoding").unwrap_or("none").to_owned();
    (coding, text_of(&answer.body))
}

/// The name, the times of file and sibling (milliseconds behind the whole second a minute ago), and
/// whether the sibling is sent.
const TIMES: &[(&str, i64, i64, bool)] = &[
    ("brotli: whole seconds of the file's time", 700, 0, true),
    ("gzip: the same time", 700, 700, true),
    ("tar: whole seconds of both", 0, 0, true),
    ("made later", 700, 900, true),
    ("older in the same second", 700, 300, false),
    ("older by a second, in whole seconds", 700, -1000, false),
    ("older, in whole seconds", 0, -1000, false),
    ("older, with a fraction", 0, -1, false),
];

#[test]
fn a_sibling_without_a_fraction_is_compared_in_whole_seconds() {
    let folder = Folder::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let minute_ago = i64::try_from(now - 60).unwrap() * 1000;
    let at = |millis: i64| {
        SystemTime::UNIX_EPOCH + Duration::from_millis((minute_ago + millis).try_into().unwrap())
    };
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    for (number, (name, file, sibling, sent)) in TIMES.iter().enumerate() {
        for (ending, coding) in [("gz", "gzip"), ("br", "br"), ("zst", "zstd")] {
            let target = format!("{number}-{coding}.js");
            let beside = format!("{target}.{ending}");
            folder.write(&target, "plain");
            folder.write(&beside, begun(&beside, "packed"));
            set_modified(&folder.join(&target), at(*file));
            set_modified(&folder.join(&beside), at(*sibling));
            let want = if *sent { (coding, "packed") } else { ("none", "plain") };
            for turn in ["first", "kept"] {
                let got = get(&mut wire, &format!("/{target}"));
                assert_eq!((got.0.as_str(), got.1.as_str()), want, "{name}, {turn}");
            }
        }
    }
}

/// What the tools do themselves, at their own times.
#[test]
fn siblings_that_tools_make_are_sent() {
    for (tool, ending, coding) in
        [("brotli", "br", "br"), ("gzip", "gz", "gzip"), ("zstd", "zst", "zstd")]
    {
        if !needs(tool) {
            continue;
        }
        let folder = Folder::new();
        let make = format!("seq 1 3000 > a.js; {tool} -k a.js");
        let made = run(Command::new("sh").args(["-c", &make]).current_dir(&folder), b"");
        assert_eq!(made.code, Some(0), "{tool}: {}", made.stderr);
        let server = Server::of(&folder, &[]);
        let mut wire = server.connect();
        let begun = std::time::Instant::now();
        while get(&mut wire, "/a.js").0 != coding {
            assert!(begun.elapsed() < SOON, "{tool}: a.js.{ending} is ignored");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A file that is edited keeps the second of its sibling for a moment.
#[test]
fn beside_a_file_that_has_just_changed_a_sibling_must_be_newer() {
    let folder = Folder::with(&[("a.js", "new")]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    let get = |wire: &mut Wire| get(wire, "/a.js").0;
    let sibling = folder.join("a.js.gz");
    folder.write("a.js.gz", begun("a.js.gz", "old"));
    let now = std::fs::metadata(folder.join("a.js")).unwrap().modified().unwrap();
    let whole = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for (name, time, coding) in [
        ("its second", SystemTime::UNIX_EPOCH + Duration::from_secs(whole), "none"),
        ("the same time", now, "none"),
        ("older", now - Duration::from_millis(1), "none"),
        ("newer", now + Duration::from_millis(1), "gzip"),
    ] {
        set_modified(&sibling, time);
        let got = get(&mut wire);
        let late = now.elapsed().unwrap() >= Duration::from_secs(2);
        assert!(late || got == coding, "{name}: {got}");
    }
}

/// The name of a sibling, its first bytes, and whether it is sent.
const STARTS: &[(&str, &[u8], bool)] = &[
    ("gzip.js.gz", b"\x1f\x8b\x08\x00", true),
    ("text.js.gz", b"not gzip", false),
    ("zip.js.gz", b"PK\x03\x04", false),
    ("empty.js.gz", b"", false),
    ("cut.js.gz", b"\x1f", false),
    ("zstd.js.zst", b"\x28\xb5\x2f\xfd\x24", true),
    ("skippable.js.zst", b"\x5a\x2a\x4d\x18\x00", true),
    ("gzip.css.zst", b"\x1f\x8b\x08\x00", false),
    ("text.js.zst", b"plain text", false),
    // Brotli has no bytes to know it by.
    ("any.js.br", b"\x1b\x0b\x00\x00", true),
    ("last.js.br", b"", false),
];

#[test]
fn a_sibling_that_is_not_what_its_name_says_is_ignored_and_said_once() {
    let folder = Folder::new();
    let before = SystemTime::now() - Duration::from_secs(60);
    for (name, start, _) in STARTS {
        let (file, _) = name.rsplit_once('.').unwrap();
        folder.write(file, "plain");
        folder.write(name, start);
        set_modified(&folder.join(file), before);
    }
    for lobby in ["on", "off"] {
        let server = Server::of(&folder, &["--lobby", lobby]);
        let mut wire = server.connect();
        for (name, start, sent) in STARTS {
            let (file, _) = name.rsplit_once('.').unwrap();
            for _ in 0..3 {
                let answer =
                    ask(&mut wire, &format!("GET /{file}"), "Accept-Encoding: gzip, zstd, br");
                let want = if *sent { *start } else { b"plain" };
                assert!(answer.body == want, "{name}: {answer:?}");
                assert_eq!(answer.field("Content-Encoding").is_some(), *sent, "{name}");
                // What is ignored is no other way to answer.
                assert_eq!(answer.field("Vary").is_some(), *sent, "{name}");
            }
        }
        let ignored = STARTS.iter().filter(|(_, _, sent)| !sent);
        let said = server.stderr_until(|text| text.contains("last.js.br is not br"));
        for (name, _, _) in ignored {
            assert_eq!(said.matches(&format!("WARN: {name} is not ")).count(), 1, "{name}: {said}");
        }
    }
}

/// Mended, it is sent, although its name has been said.
#[test]
fn a_sibling_that_is_mended_is_sent() {
    let folder = Folder::with(&[("a.js", "plain"), ("a.js.gz", "not gzip")]);
    set_modified(&folder.join("a.js"), SystemTime::now() - Duration::from_secs(60));
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    thread::sleep(Duration::from_millis(120)); // then it is kept
    for _ in 0..3 {
        assert_eq!(get(&mut wire, "/a.js").0, "none");
    }
    folder.write("a.js.gz", begun("a.js.gz", "mended"));
    assert_eq!(get(&mut wire, "/a.js"), ("gzip".to_owned(), "mended".to_owned()));
}
