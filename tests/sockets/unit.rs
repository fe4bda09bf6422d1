//! The files for systemd on the page `running` of the manual.

use std::net::TcpListener;
use std::process::Command;

use super::ready_line;
use crate::support::{Folder, Program, Wire, needs, root, run, skipped};

/// The unit files of the page, in a folder, with the built server in the place of the installed one.
fn unit_files() -> Folder {
    let page = std::fs::read_to_string(root().join("src/manual/running.md")).unwrap();
    let folder = Folder::new();
    for block in page.split("```ini\n").skip(1) {
        let (text, _) = block.split_once("```").expect("a block ends");
        let (name, _) = text.strip_prefix("# ").unwrap().split_once('\n').unwrap();
        folder.write(name, text.replace("/usr/local/bin/server", env!("CARGO_BIN_EXE_server")));
    }
    folder
}

fn analyze(folder: &Folder, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("systemd-analyze");
    let finished = run(command.args(args).current_dir(folder), b"");
    (finished.code, String::from_utf8(finished.stdout).unwrap() + &finished.stderr)
}

#[test]
fn systemd_finds_no_fault_in_it() {
    if !needs("systemd-analyze") {
        return;
    }
    let files = ["verify", "./threadbare.service", "./threadbare.socket"];
    assert_eq!(analyze(&unit_files(), &files), (Some(0), String::new()));
}

/// The scale of systemd ends at 10; a service without any such line has 9.6.
#[test]
fn systemd_counts_it_as_hardened() {
    if !needs("systemd-analyze") {
        return;
    }
    let args =
        ["security", "--offline=yes", "--threshold=20", "--no-pager", "./threadbare.service"];
    let (code, said) = analyze(&unit_files(), &args);
    if said.contains("unrecognized option") || said.contains("unknown option") {
        skipped("systemd-analyze is older than 250");
        return;
    }
    assert_eq!(code, Some(0), "{said}");
    for line in ["User=/DynamicUser=", "NoNewPrivileges=", "ProtectSystem="] {
        assert!(said.contains(&format!("✓ {line}")), "{line}: {said}");
    }
}

/// Without systemd, what its lines do: a read-only file system but for the folder of the users and a `/tmp` of its own,
/// a user without any privilege, and a given socket.
#[test]
fn it_serves_stores_and_stops_when_all_else_is_read_only() {
    if !needs("bwrap") || !needs("setpriv") {
        return;
    }
    let data = Folder::for_everybody();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let www = root().join("www");
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 exec bwrap \"$@\"", "sh"]);
    shell.args([
        "--die-with-parent",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--perms",
        "1777",
    ]);
    shell.args(["--dir", "/tmp/own", "--ro-bind", env!("CARGO_BIN_EXE_server"), "/tmp/server"]);
    shell.arg("--ro-bind").arg(www).arg("/tmp/www").arg("--bind").arg(data.path()).arg("/tmp/data");
    shell.args(["--chdir", "/", "--setenv", "TMPDIR", "/tmp/own"]);
    if nix::unistd::geteuid().is_root() {
        shell.args([
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=-all",
        ]);
    } else {
        shell.arg("setpriv");
    }
    shell.args(["--no-new-privs", "/tmp/server", "--data", "/tmp/data", "/tmp/www"]);
    let mut program = Program::start_on(&mut shell, std::os::fd::OwnedFd::from(socket)).0;
    if program
        .stderr
        .until(|text| !text.is_empty() || program.stdout.text().contains('\n'))
        .starts_with("bwrap: ")
    {
        skipped(program.stderr.text().trim());
        return;
    }
    assert!(ready_line(&program).starts_with(&format!("listening on http://{address}/ ")));
    // bwrap waits for the server, which is its child.
    let children = format!("/proc/{0}/task/{0}/children", program.id());
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let server = children.split_whitespace().next().expect("a child").to_owned();
    let status = std::fs::read_to_string(format!("/proc/{server}/status")).unwrap();
    assert!(
        status.contains("NoNewPrivs:\t1") && status.contains("CapEff:\t0000000000000000"),
        "{status}"
    );

    let mut wire = Wire::to(address);
    assert_eq!(wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer().status(), 200);
    let user = crate::users::ADA;
    let post = |target: &str, kind: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let created = wire.send(post("/users", "application/json", user)).answer();
    assert_eq!(created.status(), 201, "{}", created.text());
    assert!(std::fs::read_dir(data.path()).unwrap().count() > 0);
    let large = "x".repeat(1 << 20); // goes to a file without a name
    assert_eq!(wire.send(post("/echo", "text/plain", &large)).answer().status(), 200);
    let kill = format!("kill -s TERM {server}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(program.exit_code(), Some(0));
    assert!(!program.stderr.text().contains("WARN"), "{}", program.stderr.text());
}
