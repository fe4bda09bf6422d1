//! How the server starts: what it prints, what it refuses, and with which exit code.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::support::{
    Finished, Folder, Server, Wire, eventually, root, run, server_command, skipped,
};

/// Returns the exit code, stdout and stderr of a server that does not start.
fn ends(args: &[&str]) -> (Option<i32>, String, String) {
    let data = Folder::new();
    let mut command = server_command(&["--data", data.path().to_str().unwrap()]);
    let finished = run(command.args(args), b"");
    (finished.code, String::from_utf8(finished.stdout).unwrap(), finished.stderr)
}

/// Asserts that the server fails with `code` and prints `words` in one line on stderr.
fn fails(code: i32, args: &[&str], words: &[&str]) {
    let (ended, stdout, stderr) = ends(args);
    assert_eq!((ended, stdout.as_str()), (Some(code), ""), "{args:?}: {stderr}");
    assert!(stderr.starts_with("server: ") && stderr.ends_with('\n'), "{args:?}: {stderr:?}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{args:?}: {stderr}");
    }
}

#[test]
fn help_goes_to_stdout() {
    for flag in ["--help", "-h"] {
        let (code, stdout, stderr) = ends(&[flag]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.starts_with("Usage: server [FLAG]... [ROOT]\n"), "{stdout}");
        for word in ["--bind ADDR:PORT", "--workers N", "--access-log", "Exit codes:", "Examples:"]
        {
            assert!(stdout.contains(word), "{word}: {stdout}");
        }
    }
}

#[test]
fn version_goes_to_stdout() {
    for flag in ["--version", "-V"] {
        let want = concat!("server (threadbare) ", env!("CARGO_PKG_VERSION"), "\nFeatures: ");
        let (code, version, said) = ends(&[flag]);
        assert_eq!((code, version.lines().count(), said.as_str()), (Some(0), 2, ""));
        assert!(version.starts_with(want), "{version}");
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    for (args, words) in [
        (&["--no-such-flag"][..], &["unknown flag \"--no-such-flag\""][..]),
        (&["--port", "8080"], &["unknown flag \"--port\"; did you mean --bind?"]),
        (&["--wokers", "8"], &["unknown flag \"--wokers\"; did you mean --workers?"]),
        (&["--bind"], &["--bind requires a value: ADDR:PORT"]),
        (&["--bind", "8080"], &["\"8080\"", "127.0.0.1:8080"]),
        (&["--bind", "127.0.0.1"], &["127.0.0.1:8080"]),
        (&["--bind", "::1:80"], &["[::1]:8080"]),
        (&["--workers", "0"], &["\"0\"", "a number from 1 to 10000"]),
        (&["--workers", "99999999999"], &["\"99999999999\"", "a number from 1 to 10000"]),
        (&["--workers", "many"], &["\"many\"", "a number from 1 to 10000"]),
        (&["--server-name", "a\r\nb: c"], &["printable ASCII"]),
        (&["one", "two"], &["only one ROOT is accepted"]),
    ] {
        fails(2, args, words);
        fails(2, args, &["server --help lists the flags"]);
    }
}

#[test]
fn a_port_in_use_exits_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let held = format!("{address} is in use by process {} (", std::process::id());
    fails(1, &["--bind", &address], &[&held, "choose another port"]);
    let first = Server::start(&[]);
    let address = first.address().to_string();
    fails(1, &["--bind", "127.0.0.1:0", "--bind", &address], &["is in use"]);
}

/// Nothing is created before the first user, and there are none so far.
#[test]
fn the_folder_of_the_users_is_created_by_the_first_one() {
    let place = Folder::with(&[("www/index.html", "<p>hello")]);
    let script = "exec \"$0\" --bind 127.0.0.1:0 --access-log off";
    let mut command = std::process::Command::new("sh");
    // The flags that the support adds are the words of the script, which the server does not get.
    command.args(["-c", script, env!("CARGO_BIN_EXE_server"), "--bind", "--data"]);
    let server = Server::run({
        command.current_dir(place.path());
        command
    });
    assert_eq!(server.get("/users").text(), "{\"users\":[]}");
    assert_eq!(server.get("/users/1").status(), 404);
    assert!(!place.join("data").exists(), "nobody has written");
    let user = r#"{"name":"Ada","email":"ada@b.c"}"#;
    let head = "POST /users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{user}", user.len());
    let created = server.exchange(request);
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");
    assert!(place.join("data/users/1.json").exists());
}

#[test]
fn without_data_there_are_no_users_and_a_file_may_have_their_name() {
    let place = Folder::with(&[("users", "a file")]);
    let server = Server::of(&place, &["--data", "off"]);
    assert_eq!(server.get("/users").text(), "a file");
    assert_eq!(server.get("/users/1").status(), 404);
}

#[test]
fn a_folder_that_has_the_home_in_it_is_served_with_a_warning() {
    let place = Folder::with(&[("home/ada/private", "x"), ("site/index.html", "x")]);
    let said = |root: &str| {
        let mut command = server_command(&[]);
        command.arg(place.join(root)).env("HOME", place.join("home/ada"));
        let server = Server::run(command);
        server.get("/");
        server.stderr_until(|text| text.contains("GET /"))
    };
    for (root, warns) in [("", true), ("home", true), ("home/ada", true), ("site", false)] {
        assert_eq!(said(root).contains("is served, and the home "), warns, "{root}");
    }
}

#[test]
fn records_of_users_among_the_files_are_a_warning() {
    let place = Folder::with(&[
        ("site/index.html", "x"),
        ("site/data/users/last-id", "0"),
        ("apart/x", "x"),
    ]);
    for (data, warns) in [("site/data", true), ("apart", false), ("off", false)] {
        let data =
            if data == "off" { data.to_owned() } else { place.join(data).display().to_string() };
        let server = Server::of(&place.join("site"), &["--data", &data]);
        server.get("/");
        let said = server.stderr_until(|text| text.contains("GET /"));
        assert_eq!(said.contains("the records of /users are in "), warns, "{data}: {said}");
    }
}

/// On a machine without a network there is nothing to say.
#[test]
fn the_addresses_for_other_machines_are_logged() {
    let server = Server::start(&["--bind", "0.0.0.0:0"]);
    let all = std::process::Command::new("ip").args(["-4", "-o", "addr"]).output();
    let listed = all.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let listed = listed.unwrap_or_default();
    let outside = listed.lines().filter_map(|line| line.split_whitespace().nth(3));
    let mut outside = outside
        .filter_map(|ip| ip.split('/').next())
        .filter(|ip| !ip.starts_with("127.") && !ip.starts_with("169.254."));
    let Some(ip) = outside.next() else {
        skipped("this machine is in no network");
        return;
    };
    let url = format!("http://{ip}:{}/", server.address().port());
    let said = server.stderr_until(|text| text.contains("for other machines"));
    assert!(said.contains(&url), "{url}: {said}");
}

#[test]
fn an_address_of_another_machine_exits_with_1() {
    fails(1, &["--bind", "192.0.2.1:8080"], &["192.0.2.1:8080 is not an address of this machine"]);
    fails(1, &["--bind", "nowhere.invalid:80"], &["cannot listen on nowhere.invalid:80"]);
}

#[test]
fn a_root_that_is_not_a_folder_exits_with_1() {
    let folder = Folder::with(&[("file", "x")]);
    let [missing, file] = ["missing", "file"].map(|name| folder.join(name).display().to_string());
    fails(1, &[&missing], &[&missing, "cannot be served", "right: server FOLDER"]);
    fails(1, &[&file], &[&file, "cannot be served", "not a directory", "right: server FOLDER"]);
    for (word, meant) in [("help", "server --help"), ("bnch", "client bench"), ("ww", "server www")]
    {
        fails(1, &[word], &["cannot be served", &format!("did you mean {meant}?")]);
    }
}

#[test]
fn an_access_log_that_cannot_be_written_exits_with_1() {
    let folder = Folder::new();
    let log = folder.join("missing/access.log").display().to_string();
    let words = [&log, "cannot be written", "right: --access-log FILE, - or off"];
    fails(1, &["--bind", "127.0.0.1:0", "--access-log", &log], &words);
    let itself = folder.path().display().to_string();
    fails(1, &["--bind", "127.0.0.1:0", "--access-log", &itself], &["cannot be written"]);
}

#[test]
fn data_that_cannot_be_stored_exits_with_1() {
    let folder = Folder::with(&[("file", "x")]);
    let file = folder.join("file").display().to_string();
    fails(1, &["--data", &file], &[&file, "cannot store users", "right: --data FOLDER"]);
}

/// As with `ulimit -u`, which does not hold for root: no room for the stacks of so many threads. Where the
/// room ends, in the stack of a thread or in what it allocates first, is another place for each limit.
#[test]
fn too_few_threads_exit_with_1_before_the_ready_line() {
    let limits = (400_000..404_000).step_by(100);
    for (at, memory) in limits.enumerate() {
        let (lobby, workers) = [("on", "2000"), ("off", "2000"), ("on", "500")][at % 3];
        let data = Folder::new();
        let mut command = std::process::Command::new("sh");
        let limited = format!("ulimit -v {memory}; exec \"$0\" \"$@\"");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_server"), "--bind", "127.0.0.1:0"]);
        command.args(["--lobby", lobby, "--workers", workers, "--data"]).arg(data.path());
        let finished = run(command.current_dir(root()), b"");
        let stderr = finished.stderr;
        assert_eq!((finished.code, finished.stdout.as_slice()), (Some(1), &b""[..]), "{stderr}");
        assert!(stderr.contains(&format!("of {workers} cannot be started: ")), "{stderr}");
        assert!(stderr.contains("ulimit -u") && stderr.contains("fewer workers"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn too_few_processes_exit_with_1_and_say_which_limit_to_raise() {
    let place = Folder::for_everybody();
    place.write("index.html", "home");
    let mut command = std::process::Command::new("sh");
    let limited = "ulimit -p 20 2>/dev/null || ulimit -u 20; exec \"$0\" \"$@\"";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_server"), "--bind", "127.0.0.1:0"]);
    command.args(["--workers", "100", "--data"]).arg(place.join("data")).arg(place.path());
    command.current_dir("/").uid(65534).gid(65534);
    if std::process::Command::new("true").uid(65534).gid(65534).output().is_err() {
        skipped("only root can run a program as another user, whose processes are limited");
        return;
    }
    let Finished { code, stdout, stderr } = run(&mut command, b"");
    assert_eq!((code, stdout.as_slice()), (Some(1), &b""[..]), "{stderr}");
    assert!(stderr.contains("ulimit -u"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// The log is written by a thread, too: the very first one.
#[test]
fn without_any_thread_it_says_so() {
    let mut command = std::process::Command::new("sh");
    let limited = "ulimit -p 1 2>/dev/null || ulimit -u 1; exec \"$0\" \"$@\"";
    command.args(["-c", limited, env!("CARGO_BIN_EXE_server"), "--version"]);
    if std::process::Command::new("true").uid(65534).gid(65534).output().is_err() {
        skipped("only root can run a program as another user, whose processes are limited");
        return;
    }
    let finished = run(command.current_dir("/").uid(65534).gid(65534), b"");
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("ulimit -u"), "{}", finished.stderr);
}

#[test]
fn one_line_on_stdout_names_the_address() {
    let server = Server::start(&["--workers", "3"]);
    let port = server.address().port();
    assert_ne!(port, 0, "the real one");
    let want = format!("listening on http://127.0.0.1:{port}/ serving www with 3 workers");
    assert_eq!(server.ready, want);
    server.get("/");
    server.stderr_until(|text| text.contains("GET /"));
    assert_eq!(server.program.stdout.text(), want + "\n", "and no other line");
}

#[test]
fn the_server_listens_on_every_given_address() {
    let server = Server::start(&["--bind", "127.0.0.1:0", "--bind", "localhost:0"]);
    assert!(server.addresses.len() >= 2, "{}", server.ready);
    for &address in &server.addresses {
        let mut wire = Wire::to(address);
        assert_eq!(wire.send("GET /-/health HTTP/1.0\r\n\r\n").answer().text(), "ok\n");
    }
}

#[test]
fn the_server_listens_on_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        skipped("there is no IPv6 here");
        return;
    }
    let server = Server::start(&["--bind", "[::1]:0"]);
    let port = server.address().port();
    assert!(server.ready.starts_with(&format!("listening on http://[::1]:{port}/ ")));
    assert_eq!(server.get("/-/health").text(), "ok\n");
    server.stderr_until(|text| text.starts_with("::1 - - ["));
}

#[test]
fn a_port_can_be_bound_again_at_once() {
    let mut first = Server::start(&[]);
    let address = first.address().to_string();
    // The server closes first, so that its end of the connection stays in TIME_WAIT.
    first.get("/-/health");
    first.program.signal("TERM");
    assert_eq!(first.program.exit_code(), Some(0));
    let second = Server::start(&["--bind", &address]);
    assert_eq!(second.get("/-/health").text(), "ok\n");
}

#[test]
fn the_server_serves_though_its_stdout_is_not_read() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let data = Folder::new();
    let mut command = server_command(&["--bind", &free.to_string(), "--access-log", "off"]);
    command.arg("--data").arg(data.path());
    let mut server =
        command.stdout(writer).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let answer = eventually(|| {
        let served = TcpStream::connect(free).is_ok() || server.try_wait().unwrap().is_some();
        served.then(|| {
            TcpStream::connect(free)
                .map(|_| Wire::to(free).send("GET /-/health HTTP/1.0\r\n\r\n").answer().text())
        })
    });
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(answer.unwrap().unwrap(), "ok\n");
}

/// A descriptor table that grows while a thousand clients connect makes them wait.
#[test]
fn the_descriptor_table_is_large_enough_before_clients_connect() {
    let server = Server::start(&["--max-connections", "700"]);
    let status = format!("/proc/{}/status", server.program.id());
    if !std::path::Path::new(&status).exists() {
        skipped("there is no /proc here");
        return;
    }
    let room = || {
        let status = std::fs::read_to_string(&status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        line.trim().parse::<usize>().unwrap()
    };
    assert!(eventually(|| (room() >= 700).then_some(())).is_some(), "{}", room());
}
