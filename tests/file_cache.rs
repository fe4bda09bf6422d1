//! What is kept of a file between two requests never hides what happened to it on the disk.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::support::{Folder, Mounted, Server, Wire, begun, set_modified, skipped, text_of};

/// From here on a change cannot fall into the tick of an earlier one, and so what was found is kept.
const SETTLED: Duration = Duration::from_millis(120);

/// Status, ETag and body as one line; the tag is there to be compared, too.
fn get(wire: &mut Wire, target: &str) -> (u16, String, String) {
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    let answer = wire.send(request).answer();
    let tag = answer.field("ETag").unwrap_or_default().trim_start_matches("W/").to_owned();
    let vary = if answer.field("Vary").is_some() { ", varies" } else { "" };
    let coding = answer.field("Content-Encoding").unwrap_or("as it is");
    match answer.status() {
        200 => (200, format!("{} ({coding}{vary})", text_of(&answer.body)), tag),
        status => (status, String::new(), tag),
    }
}

/// The name of a change, the change, and what `/d/page.txt` is then.
type Change = (&'static str, fn(&Path), Result<&'static str, u16>);

/// The name of a change, the change, and what `/page.txt` is then.
type SiblingChange = (&'static str, fn(&Folder), &'static str);

const PAGE: &str = "site/d/page.txt";

/// Each is made on a place of its own: `site/d/page.txt` with "one" in it, `site/d2/page.txt` with
/// "two", and `out/page.txt` with "out".
const CHANGES: &[Change] = &[
    ("nothing", |_| {}, Ok("one (as it is)")),
    ("edited in place", |at| fs::write(at.join(PAGE), "six").unwrap(), Ok("six (as it is)")),
    ("grown", |at| fs::write(at.join(PAGE), "one more").unwrap(), Ok("one more (as it is)")),
    ("emptied", |at| fs::write(at.join(PAGE), "").unwrap(), Ok(" (as it is)")),
    ("replaced", |at| rename(at, "site/d2/page.txt", PAGE), Ok("two (as it is)")),
    ("removed", |at| fs::remove_file(at.join(PAGE)).unwrap(), Err(404)),
    ("moved away", |at| rename(at, PAGE, "site/d/old.txt"), Err(404)),
    (
        "a folder instead",
        |at| {
            fs::remove_file(at.join(PAGE)).unwrap();
            fs::create_dir(at.join(PAGE)).unwrap();
        },
        Err(301),
    ),
    (
        "a sibling",
        |at| fs::write(at.join("site/d/page.txt.gz"), begun(".gz", "gz")).unwrap(),
        Ok("gz (gzip, varies)"),
    ),
    (
        "a sibling by link",
        |at| {
            symlink("../d2/page.txt", at.join("site/d/page.txt.gz")).unwrap();
            fs::write(at.join("site/d2/page.txt"), begun(".gz", "two")).unwrap();
        },
        Ok("two (gzip, varies)"),
    ),
    (
        "a link inside",
        |at| {
            fs::remove_file(at.join(PAGE)).unwrap();
            symlink("../d2/page.txt", at.join(PAGE)).unwrap();
        },
        Ok("two (as it is)"),
    ),
    (
        "a link outside",
        |at| {
            fs::remove_file(at.join(PAGE)).unwrap();
            symlink("../../out/page.txt", at.join(PAGE)).unwrap();
        },
        Err(404),
    ),
    // The very same file, by another way: no longer below the root.
    (
        "moved outside, and a link to it",
        |at| {
            rename(at, PAGE, "out/moved.txt");
            symlink("../../out/moved.txt", at.join(PAGE)).unwrap();
        },
        Err(404),
    ),
    (
        "its folder moved outside, and a link to it",
        |at| {
            rename(at, "site/d", "out/d");
            symlink("../out/d", at.join("site/d")).unwrap();
        },
        Err(404),
    ),
    (
        "its folder moved inside, and a link to it",
        |at| {
            rename(at, "site/d", "site/d3");
            symlink("d3", at.join("site/d")).unwrap();
        },
        Ok("one (as it is)"),
    ),
    (
        "its folder replaced",
        |at| {
            rename(at, "site/d", "site/d3");
            rename(at, "site/d2", "site/d");
        },
        Ok("two (as it is)"),
    ),
    ("its folder removed", |at| fs::remove_dir_all(at.join("site/d")).unwrap(), Err(404)),
    (
        "another root with the same file and a sibling",
        |at| {
            fs::create_dir_all(at.join("next/d")).unwrap();
            fs::hard_link(at.join(PAGE), at.join("next/d/page.txt")).unwrap();
            fs::write(at.join("next/d/page.txt.gz"), begun(".gz", "gz")).unwrap();
            rename(at, "site", "last");
            rename(at, "next", "site");
        },
        Ok("gz (gzip, varies)"),
    ),
    (
        "the root replaced by a link",
        |at| {
            rename(at, "site", "last");
            rename(at, "last/d2", "last/d3");
            fs::create_dir_all(at.join("next/d")).unwrap();
            fs::write(at.join("next/d/page.txt"), "next").unwrap();
            symlink("next", at.join("site")).unwrap();
        },
        Ok("next (as it is)"),
    ),
    ("the root removed", |at| fs::remove_dir_all(at.join("site")).unwrap(), Err(404)),
];

fn rename(at: &Path, from: &str, to: &str) {
    fs::rename(at.join(from), at.join(to)).unwrap();
}

fn touch(path: &Path) {
    set_modified(path, SystemTime::now());
}

fn place() -> Folder {
    let place = Folder::with(&[
        ("site/d/page.txt", "one"),
        ("site/d2/page.txt", "two"),
        ("out/page.txt", "out"),
    ]);
    // Files of the same size are known by their times.
    set_modified(&place.join("site/d2/page.txt"), SystemTime::now() - Duration::from_secs(60));
    place
}

/// Once for what has long been as it was, and is kept; once in a row with no pause at all.
#[test]
fn the_next_request_sees_each_change() {
    for (lobby, pause) in [("on", SETTLED), ("off", SETTLED), ("on", Duration::ZERO)] {
        for (name, change, want) in CHANGES {
            let place = place();
            let server = Server::of(&place.join("site"), &["--lobby", lobby]);
            let mut wire = server.connect();
            thread::sleep(pause);
            let mut before = String::new();
            for _ in 0..3 {
                let (_, text, tag) = get(&mut wire, "/d/page.txt");
                assert_eq!(text, "one (as it is)", "{name}");
                before = tag;
            }
            change(place.path());
            for _ in 0..3 {
                let (status, text, tag) = get(&mut wire, "/d/page.txt");
                // Within a tick the tags are weak, and may be the same.
                let others = status == 200 && text != "one (as it is)" && pause > Duration::ZERO;
                assert!(!others || tag != before, "{name}: other bytes, and the tag {tag}");
                let got = if status == 200 { Ok(text.as_str()) } else { Err(status) };
                assert_eq!(got, *want, "{name}, lobby {lobby}, after {pause:?}");
            }
        }
    }
}

/// Siblings that are there change, too: each is looked at for itself.
#[test]
fn a_sibling_that_changes_is_seen() {
    let gz = "page.txt.gz";
    let changes: &[SiblingChange] = &[
        ("edited", |at| at.write("page.txt.gz", begun(".gz", "new")), "new (gzip, varies)"),
        ("removed", |at| fs::remove_file(at.join("page.txt.gz")).unwrap(), "one (as it is)"),
        (
            "too old",
            |at| {
                thread::sleep(Duration::from_millis(20));
                touch(&at.join("page.txt"));
            },
            "one (as it is)",
        ),
        (
            "no longer too old",
            |at| {
                thread::sleep(Duration::from_millis(20));
                touch(&at.join("page.txt.gz"));
            },
            "gz (gzip, varies)",
        ),
    ];
    let folder = Folder::with(&[("page.txt", "one")]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    for (name, change, want) in changes {
        if *name != "no longer too old" {
            let before = SystemTime::now() - Duration::from_secs(60);
            set_modified(&folder.join("page.txt"), before);
            folder.write(gz, begun(gz, "gz"));
        }
        thread::sleep(SETTLED);
        get(&mut wire, "/page.txt");
        get(&mut wire, "/page.txt");
        change(&folder);
        assert_eq!(get(&mut wire, "/page.txt").1, *want, "{name}");
    }
}

/// Many changes within a tick of the clock, a request behind each: none is missed, and no tag that was
/// a strong one comes with other bytes.
#[test]
fn changes_in_one_tick_are_all_seen() {
    let folder = Folder::with(&[("page.txt", "0000"), ("d/a.txt", "a"), ("e/a.txt", "e")]);
    let server = Server::of(&folder, &[]);
    let mut wire = server.connect();
    let page = folder.join("page.txt");
    for round in 0..400 {
        if round % 50 == 0 {
            thread::sleep(SETTLED);
            get(&mut wire, "/page.txt");
            get(&mut wire, "/d/a.txt");
        }
        let text = format!("{round:04}");
        match round % 4 {
            0 => fs::write(&page, &text).unwrap(),
            1 => {
                folder.write("new.txt", &text);
                fs::rename(folder.join("new.txt"), &page).unwrap();
            }
            2 => {
                fs::remove_file(&page).unwrap();
                assert_eq!(get(&mut wire, "/page.txt").0, 404, "{round}");
                fs::write(&page, &text).unwrap();
            }
            _ => {
                folder.write("page.txt.gz", begun(".gz", &text));
                // Beside a file that has just changed, only a later time counts.
                set_modified(&folder.join("page.txt.gz"), SystemTime::now() + SETTLED);
                let answer = get(&mut wire, "/page.txt").1;
                assert_eq!(answer, format!("{text} (gzip, varies)"), "{round}");
                fs::remove_file(folder.join("page.txt.gz")).unwrap();
                fs::write(&page, &text).unwrap();
            }
        }
        assert_eq!(get(&mut wire, "/page.txt").1, format!("{text} (as it is)"), "{round}");
        // Two folders change places.
        let (now, then) = if round % 2 == 0 { ("e", "a") } else { ("a", "e") };
        fs::rename(folder.join("d"), folder.join("x")).unwrap();
        fs::rename(folder.join("e"), folder.join("d")).unwrap();
        fs::rename(folder.join("x"), folder.join("e")).unwrap();
        assert_eq!(
            get(&mut wire, "/d/a.txt").1,
            format!("{now} (as it is)"),
            "{round}, was {then}"
        );
    }
}

/// What may no longer be read, or entered, is no longer served, though it is open.
#[test]
fn a_right_that_is_taken_away_counts_at_once() {
    for (name, mode) in
        [("site/d/page.txt", 0o644), ("site/d", 0o755), ("site", 0o755), ("", 0o755)]
    {
        let place = place();
        let site = place.join("site");
        let Some(server) = Server::of_as_user_nobody(&site) else {
            skipped("root may read everything, and nobody may not run the server");
            return;
        };
        let mut wire = server.connect();
        thread::sleep(SETTLED);
        for _ in 0..3 {
            assert_eq!(get(&mut wire, "/d/page.txt").0, 200, "{name}");
        }
        let permit = |mode| fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode));
        permit(0o000).unwrap();
        let refused = get(&mut wire, "/d/page.txt").0;
        permit(mode).unwrap();
        assert_eq!((refused, get(&mut wire, "/d/page.txt").0), (403, 200), "{name}");
    }
}

/// How soon what is not used is closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// How many files below this path the server has open.
fn open_below(server: &Server, path: &Path) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", server.program.id())).unwrap();
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.starts_with(path)).count()
}

/// Waits until the server has none of them open; it must not take long.
fn wait_until_closed(server: &Server, path: &Path, name: &str) {
    let begun = Instant::now();
    while open_below(server, path) > 0 {
        assert!(begun.elapsed() < CLOSED_WITHIN, "{name}: open for {:?}", begun.elapsed());
        thread::sleep(Duration::from_millis(50));
    }
}

/// A name, and what happens to the folder of the files that were requested.
type End = (&'static str, fn(&Path));

const ENDS: &[End] = &[
    ("deleted", |folder| fs::remove_dir_all(folder).unwrap()),
    ("replaced", |folder| {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            fs::write(folder.with_extension("new"), "new").unwrap();
            fs::rename(folder.with_extension("new"), path).unwrap();
        }
    }),
    ("moved away", |folder| fs::rename(folder, folder.with_extension("old")).unwrap()),
    ("left alone", |_| {}),
];

/// No request comes, and no connection: the space of a deleted file is free all the same.
#[test]
fn idle_files_are_let_go_of() {
    for lobby in ["on", "off"] {
        let place = Folder::new();
        for (name, _) in ENDS {
            for number in 0..10 {
                place.write(&format!("{name}/{number}"), vec![b'x'; 100 << 10]);
            }
        }
        thread::sleep(SETTLED);
        let server = Server::of(&place, &["--lobby", lobby]);
        let mut wire = server.connect();
        for (name, end) in ENDS {
            for number in 0..10 {
                assert_eq!(
                    get(&mut wire, &format!("/{}/{number}", name.replace(' ', "%20"))).0,
                    200
                );
            }
            end(&place.join(name));
        }
        wait_until_closed(&server, place.path(), lobby);
    }
}

/// A file that is requested again and again stays open, and is let go of once it is deleted.
#[test]
fn a_busy_file_stays_open_until_it_is_deleted() {
    let place = Folder::with(&[("site/busy", "busy")]);
    thread::sleep(SETTLED);
    let server = Server::of(&place.join("site"), &[]);
    let mut wire = server.connect();
    let begun = Instant::now();
    let mut kept = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        assert_eq!(get(&mut wire, "/busy").0, 200);
        kept += open_below(&server, place.path());
        thread::sleep(Duration::from_millis(100));
    }
    // Not on every file system are files kept.
    assert!(kept == 0 || kept > 40, "open at {kept} of 50 looks");
    fs::remove_file(place.join("site/busy")).unwrap();
    assert_eq!(get(&mut wire, "/busy").0, 404);
    assert_eq!(open_below(&server, place.path()), 0, "at the next request, at the latest");
}

/// A file system that is served can be unmounted once it has been left alone.
#[test]
fn a_file_system_can_be_unmounted_while_the_server_runs() {
    for lobby in ["on", "off"] {
        let place = Folder::with(&[("disk/a", ""), ("site/b", "")]);
        let disk = place.join("disk");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "none"]).arg(&disk);
        let Some(mounted) = Mounted::by(&mut mount, &disk) else { return };
        fs::write(disk.join("page.txt"), "on the disk").unwrap();
        thread::sleep(SETTLED);
        let server = Server::of(&disk, &["--lobby", lobby]);
        let mut wire = server.connect();
        for _ in 0..3 {
            assert_eq!(get(&mut wire, "/page.txt").1, "on the disk (as it is)");
        }
        let begun = Instant::now();
        while !mounted.unmount() {
            assert!(begun.elapsed() < CLOSED_WITHIN, "lobby {lobby}: the file system is busy");
            thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(get(&mut wire, "/page.txt").0, 404);
    }
}
