//! Many clients at once, servers that are killed, disks that are full.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::forms::{form, post};
use super::{names, place, send, status};
use crate::support::{Folder, Server, Wire, confined, eventually, needs, root, run, skipped};

/// A version of a file: each line says which, so that parts of two can be told from one.
fn version(number: usize) -> String {
    format!("version {number:06}\n").repeat(500 + number % 7 * 300)
}

/// Returns true if it is one whole version.
fn is_whole(text: &str) -> bool {
    let number = text.get(8..14).and_then(|number| number.parse().ok());
    number.is_some_and(|number| text == version(number))
}

#[test]
fn each_read_is_one_whole_version() {
    let place = place();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    assert_eq!(status(&server, "PUT /in/a", "", &version(0)), 201);
    let (written, read) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let end = Instant::now() + Duration::from_millis(2500);
    thread::scope(|scope| {
        for client in 0..50 {
            let (server, written) = (&server, &written);
            scope.spawn(move || {
                let mut wire = server.connect();
                for round in 1.. {
                    let body = version(client * 1000 + round);
                    let length = body.len();
                    wire.send(format!(
                        "PUT /in/a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
                    ));
                    assert_eq!(wire.answer().status(), 204);
                    written.fetch_add(1, Ordering::Relaxed);
                    if Instant::now() > end {
                        return;
                    }
                }
            });
        }
        for _ in 0..50 {
            let (server, read) = (&server, &read);
            scope.spawn(move || {
                let mut wire = server.connect();
                while Instant::now() < end {
                    let answer = wire.send("GET /in/a HTTP/1.1\r\nHost: a\r\n\r\n").answer();
                    assert_eq!(answer.status(), 200);
                    assert!(is_whole(&answer.text()), "{} bytes", answer.body.len());
                    read.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let (written, read) = (written.into_inner(), read.into_inner());
    assert!(written >= 50 && read >= 50, "{written} {read}");
    assert_eq!(names(&place.join("www/in")), ["a", "page.txt"]);
    assert_eq!(names(&place.join("www")), ["in", "index.html"], "no temporary name is left");
}

/// Puts and sends forms until the server goes away.
fn storm(server: &Server, client: usize, over: &AtomicBool) {
    for round in 0.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let body = version(client * 1000 + round % 1000);
        let name = format!("/in/f{}", (client + round) % 6);
        let length = body.len();
        let Ok(stream) = std::net::TcpStream::connect(server.address()) else { return };
        let head = format!("PUT {name} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        if Wire::over(stream).try_exchange(&(head + &body)).is_none() {
            return;
        }
    }
}

/// Twenty times: whatever is visible is whole, and after the next start there is nothing else.
#[test]
fn a_server_that_is_killed_leaves_nothing_half_done() {
    let place = place();
    if Server::confined(place.path(), &["--write"]).is_none() {
        return;
    }
    let www = place.join("www");
    let check = || {
        for name in names(&www.join("in")) {
            let text = fs::read_to_string(www.join("in").join(&name)).unwrap();
            assert!(name == "page.txt" || is_whole(&text), "{name}: {} bytes", text.len());
        }
    };
    let mut stored = 0;
    for round in 0..20 {
        let mut server =
            Server::confined(place.path(), &["--write", "--access-log", "off"]).unwrap();
        assert_eq!(names(&www), ["in", "index.html"], "round {round}: nothing is left");
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for client in 0..8 {
                let (server, over) = (&server, &over);
                scope.spawn(move || storm(server, client, over));
            }
            thread::sleep(Duration::from_millis(40 + 10 * (round % 5)));
            server.program.signal("KILL");
            over.store(true, Ordering::Relaxed);
        });
        server.program.exit_code();
        // Its parent is gone, and a moment later so is the server itself.
        let is_gone = || std::net::TcpStream::connect(server.address()).err();
        eventually(is_gone).expect("it is killed");
        check();
        stored = stored.max(names(&www.join("in")).len());
    }
    assert!(stored > 1, "some uploads succeeded");
    drop(Server::confined(place.path(), &["--write"]).unwrap());
    check();
    assert_eq!(names(&www), ["in", "index.html"]);
}

/// A temporary name that a killed server has left is removed by the next one; one of a server that lives is not, nor
/// is a name that only looks like one.
#[test]
fn what_a_killed_server_left_is_removed_by_the_next() {
    let place = place();
    let name = |number: usize| format!("www/.threadbare-{number:016x}.part");
    for number in 0..3 {
        place.write(&name(number), "left");
    }
    place.write("www/.threadbare-keep.part", "not ours");
    let living = fs::File::open(place.join(&name(1))).unwrap();
    living.lock().unwrap();
    let Some(server) = Server::confined(place.path(), &["--write"]) else { return };
    let left = [".threadbare-0000000000000001.part", ".threadbare-keep.part", "in", "index.html"];
    assert_eq!(names(&place.join("www")), left);
    for hidden in &left[..2] {
        assert_eq!(server.get(&format!("/{hidden}")).status(), 404);
    }
}

/// Starts a server confined to `place`, for the folder `www` in it, with these mounts as well: arguments of bwrap, in
/// which `@` stands for that folder.
fn with_mounts(place: &Folder, mounts: &[&str]) -> Option<Server> {
    confined(place.path(), "true")?;
    let www = place.join("www").to_string_lossy().into_owned();
    let command = |program: &str| {
        let mut command = Command::new("bwrap");
        command.args(["--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--bind-try"]);
        command.arg(place.path()).arg(place.path());
        command.args(mounts.iter().map(|mount| mount.replace('@', &www)));
        command.args(["--die-with-parent", program]).current_dir(root());
        command
    };
    let tried = run(&mut command("true"), b"");
    if tried.code != Some(0) {
        skipped(&format!("bwrap cannot mount {mounts:?}: {}", tried.stderr.trim()));
        return None;
    }
    let mut command = command(env!("CARGO_BIN_EXE_server"));
    command.args(["--write", "--access-log", "off", "--data", "off", &www]);
    Some(Server::run(command))
}

/// A file gets its temporary name where it can be renamed from: not in the root, if that is another mount.
#[test]
fn mounts_below_the_root() {
    let place = place();
    fs::create_dir(place.join("www/mount")).unwrap();
    let Some(server) = with_mounts(&place, &["--tmpfs", "@/mount"]) else { return };
    for want in [201, 204] {
        assert_eq!(status(&server, "PUT /mount/a", "", &want.to_string()), want);
        assert_eq!(server.get("/mount/a").text(), want.to_string());
    }
    assert_eq!(
        post(&server, "/mount/", "", &form(&[(None, ""), (Some("a"), "form")])).status(),
        201
    );
    assert_eq!(server.get("/mount/a").text(), "form");
    let listed = server
        .connect()
        .send("GET /mount/ HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n")
        .answer();
    assert_eq!(listed.text().matches("\"name\"").count(), 1, "{}", listed.text());
    assert_eq!(status(&server, "DELETE /mount/", "", ""), 409);
    assert_eq!(status(&server, "DELETE /mount/a", "", ""), 204);
    assert_eq!(status(&server, "DELETE /mount/", "", ""), 409, "it is in use");
}

/// A site that is read-only but for one folder, which has what a killed server left.
#[test]
fn a_root_that_cannot_be_written() {
    let place = place();
    place.write("www/in/.threadbare-0123456789abcdef.part", "left");
    let mounts = ["--ro-bind", "@", "@", "--bind", "@/in", "@/in"];
    let Some(server) = with_mounts(&place, &mounts) else { return };
    for (request, want) in [
        ("PUT /a", 403),
        ("PUT /index.html", 403),
        ("DELETE /index.html", 403),
        ("DELETE /in/", 403),
        ("PUT /in/a", 201),
        ("PUT /in/a", 204),
        ("PUT /in/page.txt", 204),
    ] {
        assert_eq!(status(&server, request, "", "new"), want, "{request}");
    }
    assert_eq!(names(&place.join("www")), ["in", "index.html"]);
    assert_eq!(names(&place.join("www/in")), ["a", "page.txt"], "what was left is gone");
    server.stderr_until(|said| said.contains("/a cannot be changed: Read-only file system"));
}

/// A tmpfs of 4 MB as the site: what does not fit is a 507, and leaves nothing.
#[test]
fn a_disk_that_is_full_is_a_507_until_there_is_room() {
    let place = Folder::with(&[("www/index.html", "home\n")]);
    let mounts = ["--size", "4194304", "--tmpfs", "@"];
    let Some(server) = with_mounts(&place, &mounts) else { return };
    let megabyte = "x".repeat(1 << 20);
    assert_eq!(status(&server, "PUT /kept", "", &megabyte), 201);
    // Known before it is sent; found while it arrives; and in a form.
    let head =
        "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n";
    assert_eq!(server.connect().send(head).answer().status(), 507);
    let mut wire = server.connect();
    wire.send("PUT /kept HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..6 {
        wire.try_send(format!("100000\r\n{megabyte}\r\n"));
    }
    assert_eq!(wire.answer().status(), 507);
    let large = form(&[(Some("b"), &megabyte), (Some("c"), &megabyte.repeat(4))]);
    let answer = post(&server, "/", "", &large);
    assert_eq!(answer.status(), 507);
    assert!(answer.text().contains("stored before that: b"), "{}", answer.text());
    assert!(server.get("/kept").text() == megabyte, "the old one is there");
    assert_eq!(server.get("/c").status(), 404);
    // What is complete and has not got its name yet takes room, too.
    assert_eq!(status(&server, "PUT /kept", "", &megabyte), 204);
    assert_eq!(status(&server, "PUT /d", "", &megabyte.repeat(3)), 507);
    assert_eq!(status(&server, "DELETE /b", "", ""), 204);
    assert_eq!(status(&server, "PUT /d", "", &(megabyte.clone() + &megabyte)), 201, "that fits");
}

/// A file that the process may not make longer (`ulimit -f`) is as a full disk.
#[test]
fn a_file_beyond_ulimit_f_is_a_507() {
    let place = place();
    let Some(mut command) = confined(place.path(), "sh") else { return };
    let script = "ulimit -f 100; exec \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_server"), "--write", "--data"]);
    command.arg(place.join("data")).arg(place.join("www"));
    let server = Server::run(command);
    assert_eq!(status(&server, "PUT /a", "", &"x".repeat(300_000)), 507);
    assert_eq!(post(&server, "/", "", &form(&[(Some("a"), &"x".repeat(300_000))])).status(), 507);
    assert_eq!(status(&server, "PUT /b", "", &"x".repeat(10_000)), 201);
    assert_eq!(names(&place.join("www")), ["b", "in", "index.html"]);
}

/// What the system does not have is done in another way: no unnamed files, no renames that keep what is there, no /proc.
#[test]
fn file_systems_that_can_do_less() {
    let strace = |inject: &[&str], place: &Folder| {
        let mut command = confined(place.path(), "strace")?;
        command.args(["-D", "-f", "-qq", "-o", "/dev/null"]);
        command.args(inject.iter().flat_map(|what| ["-e", what]));
        command.args([env!("CARGO_BIN_EXE_server"), "--write", "--workers", "2", "--data"]);
        Some(Server::run({
            command.arg(place.join("data")).arg(place.join("www"));
            command
        }))
    };
    if !needs("strace") {
        return;
    }
    if run(Command::new("strace").args(["-f", "true"]), b"").code != Some(0) {
        skipped("strace may not trace here");
        return;
    }
    for inject in [
        // linkat(2) of an unnamed file fails, as on another mount: it is copied.
        &["trace=linkat", "inject=linkat:error=EXDEV:when=1"][..],
        &["trace=renameat2", "inject=renameat2:error=EINVAL"],
        &["trace=fsync", "inject=fsync:error=EINVAL:when=2+2"],
    ] {
        let place = place();
        let Some(server) = strace(inject, &place) else { return };
        for (request, want) in
            [("PUT /a", 201), ("PUT /a", 204), ("PUT /in/a", 201), ("PUT /in/a", 204)]
        {
            let answer = send(&server, request, "", "x".repeat(100_000));
            assert_eq!(answer.status(), want, "{inject:?}: {request}");
        }
        assert_eq!(server.get("/in/a").body.len(), 100_000);
        assert_eq!(status(&server, "DELETE /a", "", ""), 204);
        drop(server);
        assert_eq!(names(&place.join("www")), ["in", "index.html"], "{inject:?}");
    }
}
