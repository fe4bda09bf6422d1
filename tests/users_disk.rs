//! `/users` on real machines: files that are no users, full disks, limits, locks, two servers on a folder.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread;
use std::time::Instant;

use crate::support::{Folder, PATIENCE, SOON, Server, needs, root, run, server_command, skipped};
use crate::users::{ADA, FORM, JSON, ask, keeping};

const HTML: &str = "Accept: text/html\r\n";

/// Returns the ids in a list of users.
fn ids(list: &str) -> Vec<u64> {
    let json = list.strip_prefix("200 ").unwrap_or_else(|| panic!("{list}"));
    let value: serde_json::Value = serde_json::from_str(json).expect("the list is JSON");
    let users = value["users"].as_array().expect("users").iter();
    users.map(|user| user["id"].as_u64().expect("an id")).collect()
}

/// A server that keeps its users in `data`, started by this shell script, which ends with `exec "$0" "$@"`.
fn by_script(script: &str, data: &std::path::Path, flags: &[&str]) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_server")]).current_dir(root());
    command.args(flags).arg("--data").arg(data);
    Server::run(command)
}

/// A server that cannot make a file longer: each write is EFBIG, as a full disk is ENOSPC.
fn on_a_full_disk(data: &std::path::Path) -> Server {
    by_script("ulimit -f 0; exec \"$0\" \"$@\"", data, &["--access-log", "off"])
}

#[test]
fn a_file_that_holds_no_user_is_left_out_and_named_once() {
    let folder = Folder::new();
    let server = keeping(&folder);
    ask(&server, "POST /users", JSON, ADA);
    let large = format!("{{\"firstName\":\"{}\"", " ".repeat(70_000));
    let broken: [(u64, &[u8]); 6] = [
        (2, b""),
        (3, b"{\"id\":3,"),
        (4, b"[]"),
        (5, b"{\"id\":5,\"firstName\":\"A\xff\",\"lastName\":\"\",\"email\":\"a@b\"}"),
        (6, b"{\"id\":6,\"firstName\":\"A\"}"),
        (7, large.as_bytes()),
    ];
    for (id, content) in broken {
        folder.write(&format!("users/{id}.json"), content);
    }
    fs::remove_file(folder.join("users/last-id")).unwrap();
    let html = |target: &str| ask(&server, target, HTML, "");
    for _ in 0..3 {
        assert_eq!(ids(&ask(&server, "GET /users", "", "")), [1]);
        assert!(html("GET /users").starts_with("200 <!DOCTYPE html>"));
    }
    for (id, _) in broken {
        let got = ask(&server, &format!("GET /users/{id}"), "", "");
        assert!(got.starts_with(&format!("500 {{\"error\":\"{id}.json ")), "{got}");
        let line = format!("users/{id}.json ");
        server.stderr_until(|text| text.contains(&line));
        assert_eq!(server.program.stderr.text().matches(&line).count(), 1, "{id}");
    }
    assert!(html("GET /users/2").contains("2.json does not hold a user"));
    assert!(ask(&server, "PUT /users/2", JSON, ADA).starts_with("200 "), "it is repaired");
    assert!(ask(&server, "DELETE /users/3", "", "").starts_with("204 "));
    assert_eq!(ids(&ask(&server, "GET /users", "", "")), [1, 2]);
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":8,"));
}

#[test]
fn what_is_no_file_of_a_user_harms_no_other() {
    if !needs("mkfifo") {
        return;
    }
    let folder = Folder::new();
    let users = folder.join("users");
    fs::create_dir_all(users.join("3.json")).unwrap();
    let fifo = users.join("4.json");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    symlink(users.join("5.json"), users.join("5.json")).unwrap();
    for name in ["18446744073709551615", "18446744073709551614", "9007199254740992", "01", "x\ny"] {
        folder.write(&format!("users/{name}.json"), ADA);
    }
    let server = keeping(&folder);
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":6,"));
    assert!(ask(&server, "POST /users", FORM, "name=Bob&email=b@c").contains("\"id\":7,"));
    assert_eq!(ids(&ask(&server, "GET /users", "", "")), [6, 7]);
    for (id, why) in [(3, "is not a regular file"), (4, "is not a regular file"), (5, "cannot be")]
    {
        for request in ["GET", "PUT", "DELETE"] {
            let body = if request == "PUT" { ADA } else { "" };
            let got = ask(&server, &format!("{request} /users/{id}"), JSON, body);
            assert!(got.starts_with(&format!("500 {{\"error\":\"{id}.json {why}")), "{got}");
        }
    }
    for id in ["18446744073709551615", "9007199254740992", "01"] {
        let got = ask(&server, &format!("GET /users/{id}"), "", "");
        assert!(got.starts_with("404 "), "{id}: {got}");
    }
    let names = ["3", "4", "5", "18446744073709551615", "9007199254740992", "01", "x\\x0Ay"];
    let line = |name: &str| format!("users/{name}.json ");
    let said = server.stderr_until(|text| names.iter().all(|name| text.contains(&line(name))));
    for name in names {
        assert_eq!(said.matches(&line(name)).count(), 1, "{name}: {said}");
    }
}

#[test]
fn a_folder_that_is_made_anew_is_used_at_once() {
    let folder = Folder::new();
    let data = folder.join("data");
    let server = by_script("exec \"$0\" \"$@\"", &data, &["--access-log", "off"]);
    ask(&server, "POST /users", JSON, ADA);
    fs::remove_dir_all(&data).unwrap();
    assert!(ask(&server, "GET /users", "", "").starts_with("500 "));
    fs::create_dir_all(data.join("users")).unwrap();
    assert_eq!(ids(&ask(&server, "GET /users", "", "")), [0; 0]);
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":1,"));
    // A backup that is put back, without last-id.
    fs::rename(data.join("users"), data.join("old")).unwrap();
    folder.write("data/users/41.json", fs::read(data.join("old/1.json")).unwrap());
    assert!(ask(&server, "GET /users/41", "", "").starts_with("200 "));
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":42,"));
    assert!(ask(&server, "DELETE /users/42", "", "").starts_with("204 "));
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":43,"));
}

#[test]
fn a_full_disk_is_a_507_and_burns_no_id() {
    let folder = Folder::new();
    let writable = keeping(&folder);
    ask(&writable, "POST /users", JSON, ADA);
    let server = on_a_full_disk(folder.path());
    let bob = r#"{"name":"Bob","email":"bob@example.org"}"#;
    for _ in 0..3 {
        let got = ask(&server, "POST /users", JSON, bob);
        assert!(got.starts_with("507 "), "{got}");
        let got = ask(&server, "PUT /users/1", JSON, bob);
        assert!(got.starts_with("507 "), "{got}");
    }
    assert!(
        ask(&server, "POST /users", &format!("{JSON}{HTML}"), bob).starts_with("507 <!DOCTYPE")
    );
    assert!(ask(&server, "GET /users/1", "", "").contains("Ada"), "the old one is there");
    assert!(ask(&server, "DELETE /users/1", "", "").starts_with("204 "), "that makes room");
    assert_eq!(fs::read_dir(folder.join("users")).unwrap().count(), 1, "nothing is left behind");
    assert!(ask(&writable, "POST /users", JSON, bob).contains("\"id\":2,"));
}

/// A file system of its own with 16 KB, in a mount namespace.
#[test]
fn a_file_system_that_is_full_is_a_507_until_there_is_room() {
    let folder = Folder::new();
    let script = "mount -t tmpfs -o size=16k none \"$1\" && shift && exec \"$@\"";
    let in_namespace = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(folder.path()).arg(program);
        command
    };
    if !needs("unshare") || run(&mut in_namespace("true"), b"").code != Some(0) {
        skipped("there are no mount namespaces here");
        return;
    }
    let mut command = in_namespace(env!("CARGO_BIN_EXE_server"));
    command.args(["--access-log", "off", "--data"]).arg(folder.join("data")).current_dir(root());
    let server = Server::run(command);
    let statuses: Vec<String> =
        (0..6).map(|_| ask(&server, "POST /users", JSON, ADA)[..3].to_owned()).collect();
    let stored = statuses.iter().filter(|status| *status == "201").count();
    assert!(stored > 0, "{statuses:?}");
    assert!(statuses[stored..].iter().all(|status| status == "507"), "{statuses:?}");
    assert!(ask(&server, "DELETE /users/1", "", "").starts_with("204 "));
    let next = format!("\"id\":{},", stored + 1);
    assert!(ask(&server, "POST /users", JSON, ADA).contains(&next), "{statuses:?}");
}

#[test]
fn an_upload_or_a_log_beyond_ulimit_f_ends_nothing() {
    let folder = Folder::new();
    let log = folder.join("access.log");
    let flags = ["--access-log", log.to_str().unwrap()];
    let mut server = by_script("ulimit -f 1; exec \"$0\" \"$@\"", &folder.join("data"), &flags);
    let large = "x".repeat(100_000);
    for _ in 0..2 {
        let got = ask(&server, "POST /echo", "", &large);
        assert!(got.starts_with("507 "), "{got}");
    }
    for _ in 0..50 {
        assert_eq!(server.get("/-/health").text(), "ok\n");
    }
    server.stderr_until(|text| text.contains("the log cannot be written"));
    assert!(fs::metadata(&log).unwrap().len() <= 1024);
    assert!(ask(&server, "POST /users", JSON, ADA).starts_with("201 "), "a small file is below it");
    server.program.signal("TERM");
    assert_eq!(server.program.exit_code(), Some(0));
}

#[test]
fn a_folder_without_link_stores_users() {
    if !needs("strace") {
        return;
    }
    if run(Command::new("strace").args(["-f", "true"]), b"").code != Some(0) {
        skipped("strace may not trace here");
        return;
    }
    let folder = Folder::new();
    let strace = "exec strace -D -f -qq -o /dev/null -e trace=link,linkat -e inject=link,linkat:error=EPERM \
                  \"$0\" \"$@\"";
    let server = by_script(strace, folder.path(), &["--access-log", "off"]);
    assert!(ask(&server, "POST /users", JSON, ADA).starts_with("201 "));
    assert!(ask(&server, "PUT /users/1", JSON, ADA).starts_with("200 "));
    assert!(ask(&server, "DELETE /users/1", "", "").starts_with("204 "));
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":2,"));
}

#[test]
fn a_stopped_server_that_has_the_lock_stops_no_other() {
    let folder = Folder::new();
    let server = keeping(&folder);
    ask(&server, "POST /users", JSON, ADA);
    // The lock as a server has it that is stopped (SIGSTOP) during a change.
    let stopped = File::open(folder.join("users/last-id")).unwrap();
    stopped.lock().unwrap();
    let begun = Instant::now();
    thread::scope(|scope| {
        let changes: Vec<_> = (0..100)
            .map(|number| {
                let server = &server;
                scope.spawn(move || {
                    let (request, body) = match number % 3 {
                        0 => ("POST /users", ADA),
                        1 => ("PUT /users/1", ADA),
                        _ => ("DELETE /users/1", ""),
                    };
                    let length = body.len();
                    let head = format!(
                        "{request} HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: {length}\r\n\r\n"
                    );
                    let answer = server.connect().send(head + body).answer();
                    (answer.status(), answer.field("Retry-After").map(str::to_owned))
                })
            })
            .collect();
        for target in ["/-/health", "/users", "/users/1", "/"] {
            assert_eq!(server.get(target).status(), 200, "{target}");
        }
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        for change in changes {
            assert_eq!(change.join().unwrap(), (503, Some("1".to_owned())));
        }
    });
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let data = folder.path().to_str().unwrap();
    let second = run(server_command(&["--bind", "127.0.0.1:0"]).args(["--data", data]), b"");
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("hangs or is stopped; right: --data FOLDER"), "{second:?}");
    drop(stopped);
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":2,"));
}

/// In two containers, both servers are process 1.
#[test]
fn two_servers_with_the_same_process_number_do_not_disturb_each_other() {
    let unshare = ["-rp", "--fork", "--kill-child", "true"];
    if !needs("unshare") || run(Command::new("unshare").args(unshare), b"").code != Some(0) {
        skipped("there are no process namespaces here");
        return;
    }
    let folder = Folder::new();
    let script = "exec unshare -rp --fork --kill-child \"$0\" \"$@\"";
    let flags = ["--access-log", "off"];
    let servers = [(); 2].map(|()| by_script(script, folder.path(), &flags));
    ask(&servers[0], "POST /users", JSON, ADA);
    thread::scope(|scope| {
        for client in 0..8 {
            let server = &servers[client % 2];
            scope.spawn(move || {
                for _ in 0..20 {
                    let got = ask(server, "PUT /users/1", JSON, ADA);
                    assert!(got.starts_with("200 "), "{got}");
                    let got = ask(server, "POST /users", JSON, ADA);
                    assert!(got.starts_with("201 "), "{got}");
                }
            });
        }
    });
    let names = fs::read_dir(folder.join("users")).unwrap().count();
    assert_eq!(names, 1 + 1 + 160, "each has its file, and nothing else is there");
}

#[test]
fn files_are_served_where_users_cannot_be_stored() {
    let place = Folder::with(&[("www/index.html", "<p>hello"), ("data", "a file")]);
    let served = |server: &Server| {
        assert!(server.get("/").text().contains("hello"));
        assert_eq!(ask(server, "POST /users", JSON, ADA)[..4], *"500 ");
        let said = server.stderr_until(|text| text.contains("ERROR: POST /users: "));
        assert_eq!(said.lines().count(), 1, "nothing is said before somebody writes: {said}");
    };
    // The flags that the test adds by itself are not for the server.
    let script = "exec \"$0\" --bind 127.0.0.1:0 --access-log off";
    let here = |place: &Folder| {
        let mut command = Command::new("sh");
        command.args(["-c", script, env!("CARGO_BIN_EXE_server"), "--bind", "--data"]);
        command.current_dir(place.path());
        command
    };
    served(&Server::run(here(&place)));

    let place = Folder::with(&[("www/index.html", "<p>hello")]);
    place.write("data/users/1.json", r#"{"id":1,"firstName":"A","lastName":"","email":"a@b"}"#);
    let modes = |mode| {
        for folder in ["", "data", "data/users"] {
            fs::set_permissions(place.join(folder), fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    modes(0o555);
    let mut nobody = here(&place);
    nobody.uid(65534).gid(65534);
    let mut version = Command::new(env!("CARGO_BIN_EXE_server"));
    if version.arg("--version").uid(65534).gid(65534).output().is_err() {
        modes(0o755);
        skipped("another user cannot run the server here");
        return;
    }
    let server = Server::run(nobody);
    served(&server);
    let got = ask(&server, "POST /users", JSON, ADA);
    assert!(got.contains("no permission to store"), "{got}");
    assert!(ask(&server, "PUT /users/1", JSON, ADA).starts_with("500 "));
    assert_eq!(ids(&ask(&server, "GET /users", "", "")), [1], "what is there can be read");
    modes(0o777);
    assert!(ask(&server, "POST /users", JSON, ADA).contains("\"id\":2,"), "without a restart");
}

#[test]
fn a_list_costs_what_is_in_it_and_not_what_was_deleted() {
    let folder = Folder::new();
    let ada = r#"{"id":7000000,"firstName":"Ada","lastName":"","email":"a@b"}"#;
    folder.write("users/7000000.json", ada);
    folder.write("users/last-id", "00000000000009000000\n");
    let server = keeping(&folder);
    let begun = Instant::now();
    for (target, want) in [
        ("/users", &[7_000_000][..]),
        ("/users?limit=1", &[7_000_000]),
        ("/users?after=6999999", &[7_000_000]),
        ("/users?after=7000000", &[]),
    ] {
        let got = ask(&server, &format!("GET {target}"), "", "");
        assert_eq!(ids(&got), want, "{target}");
        assert!(!got.contains("next"), "{target}: {got}");
    }
    assert!(begun.elapsed() < SOON);
}
