//! Programs that people have do their whole work against the server, and what they get is equal byte for byte.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{Finished, Folder, Mounted, Server, ask, needs, run, set_modified};

/// A time that is long ago, so that the tags are strong ones.
fn long_ago(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + seconds)
}

/// Bytes that no two parts of which are equal by chance; another `seed` gives others.
fn bytes(seed: u32, count: usize) -> Vec<u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed), next).map(|state| (state >> 24) as u8).take(count).collect()
}

/// Runs a program in this folder, with nothing of the user's environment: no proxy, no configuration.
fn tried(here: &Path, program: &str, args: &[&str]) -> Finished {
    let mut command = Command::new(program);
    command.args(args).current_dir(here).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", here).env("LC_ALL", "C.UTF-8");
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("APT_CONFIG", here.join("apt.conf"));
    command.env("RCLONE_MULTI_THREAD_CHUNK_SIZE", "1M"); // older versions do not have it as a flag
    run(&mut command, b"")
}

/// As [`tried`], and it must succeed. Returns what it writes to stdout.
fn done(here: &Path, program: &str, args: &[&str]) -> String {
    let finished = tried(here, program, args);
    let stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
    assert_eq!(finished.code, Some(0), "{program} {args:?}: {stdout}{}", finished.stderr);
    stdout
}

/// Returns the status and length of each response to GET of this target, once they are enough.
fn answers(server: &Server, target: &str, enough: impl Fn(&[String]) -> bool) -> Vec<String> {
    let request = format!("\"GET {target} HTTP/1.1\" ");
    let of = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|line| line.split_once(&request));
        lines.filter_map(|(_, rest)| rest.rsplit_once(' ')).map(|(it, _)| it.to_owned()).collect()
    };
    of(&server.stderr_until(|text| enough(&of(text))))
}

/// Returns true if one of these responses begins in this way.
fn has(answers: &[String], start: &str) -> bool {
    answers.iter().any(|answer| answer.starts_with(start))
}

/// Asserts that the files below this folder are these.
fn assert_tree(folder: &Path, files: &[(&str, &[u8])]) {
    for (name, content) in files {
        let got = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(got == *content, "{name}: {} bytes, not {}", got.len(), content.len());
    }
}

/// Mounts an archive as a folder, if the system allows it.
fn mount(place: &Folder, archive: &str) -> Option<Mounted> {
    let at = place.join("site/mnt");
    fs::create_dir_all(&at).unwrap();
    let mut command = Command::new("archivemount");
    command.args(["-o", "nosave", archive, "site/mnt"]).current_dir(place);
    Mounted::by(&mut command, &at)
}

/// Its files have no ctime and new inode numbers at each mount, and whole seconds as times.
#[test]
fn an_archive_that_is_mounted_is_served_and_never_stale() {
    if !["archivemount", "tar", "gzip"].into_iter().all(needs) {
        return;
    }
    let place = Folder::new();
    for (name, seed) in [("one", 1), ("two", 2)] {
        place.write(&format!("{name}/large.bin"), bytes(seed, 700_000));
        place.write(&format!("{name}/text/page.html"), format!("<p>page {name}").repeat(99));
        done(&place.join(name), "gzip", &["-k", "text/page.html"]);
        for file in ["large.bin", "text/page.html", "text/page.html.gz"] {
            set_modified(&place.join(name).join(file), long_ago(seed.into()));
        }
        done(&place.join(name), "tar", &["cf", &format!("../{name}.tar"), "."]);
    }
    let Some(first) = mount(&place, "one.tar") else { return };
    let server_at = |folder: &str| Server::of(&place.join(folder), &[]);
    let servers = [(server_at("site"), "/mnt"), (server_at("site/mnt"), "")];
    for (server, base) in &servers {
        assert_served(server, base, &place.join("one"));
    }
    let old = servers[1].0.get("/large.bin");
    let old_tag = old.field("ETag").unwrap();
    drop(first);
    assert_eq!(servers[1].0.get("/large.bin").status(), 404, "the folder is empty again");
    let Some(second) = mount(&place, "two.tar") else { return };
    for (server, base) in &servers {
        assert_served(server, base, &place.join("two"));
        for fields in [
            format!("If-None-Match: {old_tag}"),
            format!("If-Modified-Since: {}", old.field("Last-Modified").unwrap()),
            format!("Range: bytes=9- | If-Range: {old_tag}"),
        ] {
            let new = ask(&mut server.connect(), &format!("GET {base}/large.bin"), &fields);
            assert!(new.status() == 200 && new.body == bytes(2, 700_000), "{fields}: {}", new.head);
        }
    }
    // Written through the mount, with the size that it had.
    let page = fs::read_to_string(place.join("two/text/page.html")).unwrap().replace("two", "new");
    fs::write(place.join("site/mnt/text/page.html"), &page).unwrap();
    for (server, base) in &servers {
        assert_eq!(server.get(&format!("{base}/text/page.html")).text(), page);
    }
    drop(second);
}

/// Asserts that the server gives what is in this folder, whole, in parts and compressed, and knows its tags.
fn assert_served(server: &Server, base: &str, folder: &Path) {
    let large = fs::read(folder.join("large.bin")).unwrap();
    let mut wire = server.connect();
    for round in 0..3 {
        let whole = ask(&mut wire, &format!("GET {base}/large.bin"), "");
        assert!(whole.status() == 200 && whole.body == large, "{round}: {}", whole.head);
        let tag = whole.field("ETag").unwrap();
        assert!(tag.starts_with('"'), "{tag}");
        let request = format!("GET {base}/large.bin");
        let part = ask(&mut wire, &request, &format!("Range: bytes=600000- | If-Range: {tag}"));
        assert!(part.status() == 206 && part.body == large[600_000..], "{}", part.head);
        let same = ask(&mut wire, &request, &format!("If-None-Match: {tag}"));
        assert_eq!((same.status(), same.field("ETag")), (304, Some(tag)));
        let since = format!("If-Modified-Since: {}", whole.field("Last-Modified").unwrap());
        assert_eq!(ask(&mut wire, &request, &since).status(), 304);
        for (accepted, name) in [("gzip", "page.html.gz"), ("identity", "page.html")] {
            let fields = format!("Accept-Encoding: {accepted}");
            let page = ask(&mut wire, &format!("GET {base}/text/page.html"), &fields);
            assert!(page.body == fs::read(folder.join("text").join(name)).unwrap(), "{name}");
            assert_eq!(page.field("Vary"), Some("Accept-Encoding"));
        }
    }
}

/// Builds a package of this version in the repository, and the list of all that it holds.
fn add_package(place: &Folder, version: &str) -> Vec<u8> {
    let control = format!(
        "Package: threadbare-sample\nVersion: {version}\nArchitecture: all\n\
         Maintainer: A Test <test@localhost>\nDescription: a package of a test\n"
    );
    place.write("package/DEBIAN/control", control);
    place.write("package/usr/share/sample", bytes(7, 200_000));
    let file = format!("flat/threadbare-sample_{version}_all.deb");
    fs::create_dir_all(place.join("site/flat")).unwrap();
    let path = format!("site/{file}");
    done(place.path(), "dpkg-deb", &["--root-owner-group", "--build", "package", &path]);
    let fields = done(place.path(), "dpkg-deb", &["-f", &path]);
    let sum = done(place.path(), "sha256sum", &[&path]);
    let package = fs::read(place.join(&path)).unwrap();
    let (sum, size) = (sum.split(' ').next().unwrap(), package.len());
    let name = file.strip_prefix("flat/").unwrap();
    let list = place.join("site/flat/Packages");
    let before = fs::read_to_string(&list).unwrap_or_default();
    let entry = format!("{fields}Filename: ./{name}\nSize: {size}\nSHA256: {sum}\n\n");
    place.write("site/flat/Packages", before + &entry);
    package
}

/// A flat repository, as its owner writes it: `deb http://host/flat ./`. Nothing outside the folder is touched.
#[test]
fn apt_updates_from_a_flat_repository_and_downloads() {
    if !["apt-get", "dpkg-deb", "sha256sum"].into_iter().all(needs) {
        return;
    }
    let place = Folder::new();
    let package = add_package(&place, "1.0+b~rc1");
    set_modified(&place.join("site/flat/Packages"), long_ago(0));
    let server = Server::of(&place.join("site"), &[]);
    let (here, base) = (place.path().display(), server.url("/flat"));
    place.write("etc/apt/sources.list", format!("deb [trusted=yes] {base} ./\n"));
    place.write("var/lib/dpkg/status", "");
    place.write("var/lib/apt/lists/partial/.keep", "");
    place.write("var/cache/apt/archives/partial/.keep", "");
    place.write("etc/apt/preferences.d/.keep", "");
    place.write("apt.conf", format!("Dir \"{here}/\";\nAPT::Sandbox::User \"root\";\n"));
    let download = ["-q", "download", "threadbare-sample"];
    for _ in 0..2 {
        done(place.path(), "apt-get", &["-q", "update"]);
    }
    answers(&server, "/flat/./Packages", |all| has(all, "200 ") && has(all, "304 "));
    done(place.path(), "apt-get", &download);
    assert_tree(place.path(), &[("threadbare-sample_1.0+b~rc1_all.deb", &package)]);
    let newer = add_package(&place, "1:2.0");
    done(place.path(), "apt-get", &["-q", "update"]);
    done(place.path(), "apt-get", &download);
    assert_tree(place.path(), &[("threadbare-sample_1%3a2.0_all.deb", &newer)]);
}

fn git(here: &Path, args: &[&str]) -> String {
    let always = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "gc.auto=0"];
    done(here, "git", &[&always[..], args].concat())
}

/// A bare repository as files, without a program behind it: Git calls this protocol dumb.
#[test]
fn git_clones_a_folder_and_fetches_what_is_new() {
    if !needs("git") {
        return;
    }
    let place = Folder::new();
    let (here, work) = (place.path(), place.join("work"));
    git(here, &["init", "-q", "-b", "main", "work"]);
    place.write("work/large.bin", bytes(1, 400_000));
    place.write("work/é ü/100%.txt", "names");
    git(&work, &["add", "."]);
    git(&work, &["commit", "-q", "-m", "one"]);
    git(here, &["clone", "-q", "--bare", "work", "site/repo.git"]);
    let bare = place.join("site/repo.git");
    git(&bare, &["repack", "-adq"]);
    git(&bare, &["update-server-info"]);
    let server = Server::of(&place.join("site"), &[]);
    git(here, &["clone", "-q", &server.url("/repo.git"), "copy"]);
    let (first, names) = (bytes(1, 400_000), ("é ü/100%.txt", &b"names"[..]));
    assert_tree(&place.join("copy"), &[("large.bin", &first), names]);
    // The next commits are single objects, not a pack.
    for seed in [2, 3] {
        place.write("work/large.bin", bytes(seed, 300_000));
        git(&work, &["commit", "-q", "-a", "-m", "next"]);
        git(&work, &["push", "-q", bare.to_str().unwrap(), "main"]);
        git(&bare, &["update-server-info"]);
        git(&place.join("copy"), &["pull", "-q", "--ff-only"]);
        assert_tree(&place.join("copy"), &[("large.bin", &bytes(seed, 300_000)), names]);
    }
    let heads = git(&work, &["rev-parse", "HEAD"]);
    assert_eq!(git(&place.join("copy"), &["rev-parse", "origin/main"]), heads);
    git(&place.join("copy"), &["fsck", "--strict"]);
}

/// A site of three folders, with names that have to be encoded in its links.
fn linked_site(site: &Folder) -> Vec<(&'static str, Vec<u8>)> {
    let html = |text: &str| text.as_bytes().to_vec();
    let files = vec![
        (
            "index.html",
            html("<a href='a/'>a</a> <a href='large.bin'>l</a> <a href='100%25.txt'>p</a>"),
        ),
        ("100%.txt", html("per cent")),
        ("large.bin", bytes(1, 3_000_000)),
        (
            "a/index.html",
            html("<a href='b/'>b</a> <a href='two%20words.txt'>t</a> <a href='../'>up</a>"),
        ),
        ("a/two words.txt", html("two words")),
        (
            "a/b/index.html",
            html("<a href='%C3%A9.bin'>e</a> <a href='empty'>empty</a> <a href='a+b'>+</a>"),
        ),
        ("a/b/é.bin", bytes(2, 30_000)),
        ("a/b/empty", Vec::new()),
        ("a/b/a+b", html("plus")),
    ];
    for (name, content) in &files {
        site.write(name, content);
        set_modified(&site.join(name), long_ago(0));
    }
    files
}

fn is_tree(folder: &Path, files: &[(&str, Vec<u8>)]) {
    let files: Vec<_> = files.iter().map(|(name, content)| (*name, &content[..])).collect();
    assert_tree(folder, &files);
}

#[test]
fn wget_mirrors_a_site_and_then_what_has_changed() {
    if !needs("wget") {
        return;
    }
    let (site, here) = (Folder::new(), Folder::new());
    let mut files = linked_site(&site);
    let server = Server::of(&site, &[]);
    let url = server.url("/");
    let names = ["-nH", "-np", "--restrict-file-names=nocontrol"];
    // A page that is a 304 ends the mirroring, at other servers too; HEAD does not.
    let always = ["-nv", "-m", "--no-if-modified-since", "--tries=1", &url];
    let mirror = || {
        done(here.path(), "wget", &[&names[..], &always].concat());
    };
    for _ in 0..2 {
        mirror();
        is_tree(here.path(), &files);
    }
    files[2].1 = bytes(3, 3_000_000);
    site.write("large.bin", &files[2].1);
    mirror();
    is_tree(here.path(), &files);
    let answers = answers(&server, "/large.bin", |all| all.len() >= 2);
    assert_eq!(answers, ["200 3000000", "200 3000000"], "the second run takes nothing");
}

#[test]
fn aria2_takes_a_file_in_parts_and_resumes_it() {
    if !needs("aria2c") {
        return;
    }
    let (site, here) = (Folder::new(), Folder::new());
    let large = bytes(1, 8_000_000);
    site.write("large.bin", &large);
    set_modified(&site.join("large.bin"), long_ago(0));
    let server = Server::of(&site, &[]);
    let url = server.url("/large.bin");
    let aria2 = |args: &[&str]| {
        let always = ["--no-conf", "-q", "--file-allocation=none", "-R", &url];
        done(here.path(), "aria2c", &[args, &always].concat());
        assert_tree(here.path(), &[("large.bin", &large)]);
    };
    aria2(&["-x4", "-s4", "-k1M"]);
    answers(&server, "/large.bin", |all| has(all, "206 "));
    here.write("large.bin", &large[..5_000_000]);
    aria2(&["-c", "-s1"]);
    answers(&server, "/large.bin", |all| has(all, "206 30"));
    set_modified(&here.join("large.bin"), long_ago(9));
    aria2(&["--conditional-get=true", "--allow-overwrite=true"]);
    answers(&server, "/large.bin", |all| has(all, "304 "));
}

/// It reads the links of index.html as a listing.
#[test]
fn rclone_copies_a_folder_that_lists_its_files() {
    if !needs("rclone") {
        return;
    }
    let (site, here) = (Folder::new(), Folder::new());
    let mut files = linked_site(&site);
    let server = Server::of(&site, &[]);
    // An index is a listing for it, and no file.
    files.retain(|(name, _)| !name.ends_with("index.html"));
    let url = server.url("/");
    let rclone = |args: &[&str]| {
        let always = ["--config", "", "--retries=1", "--low-level-retries=1", "--http-url", &url];
        done(here.path(), "rclone", &[args, &always].concat())
    };
    let streams = ["--multi-thread-cutoff=1M", "--multi-thread-streams=4"];
    rclone(&[&["copy", ":http:", "copy"], &streams[..]].concat());
    is_tree(&here.join("copy"), &files);
    answers(&server, "/large.bin", |all| {
        all.len() >= 2 && all.iter().all(|it| it.starts_with("206 "))
    });
    rclone(&["check", "--download", ":http:", "copy"]);
    let said = rclone(&["copy", "-v", "--log-file=log", ":http:", "copy"]);
    let log = fs::read_to_string(here.join("log")).unwrap() + &said;
    assert!(!log.contains("Copied ("), "nothing is newer: {log}");
    rclone(&["copyurl", &server.url("/a/b/%C3%A9.bin"), "one.bin"]);
    assert_tree(here.path(), &[("one.bin", &bytes(2, 30_000))]);
}
