//! `--next`: several operations, each with its own options.

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, Server, needs, run};

/// Returns the first line of each request.
fn lines(fake: &Fake) -> Vec<String> {
    let first = |request: &String| request.lines().next().unwrap_or_default().to_owned();
    fake.requests().iter().map(first).collect()
}

#[test]
fn each_operation_has_its_own_options_and_the_connection_is_kept() {
    let fake = Fake::hello(9);
    let (a, b, c) = (fake.url("/a"), fake.url("/b"), fake.url("/c"));
    let args =
        ["-d", "x", "-H", "X: y", &a, "--next", "-X", "DELETE", &b, "-:", "-X", "PUT", "-i", &c];
    let args = [&["-w", "%{num_connects}"], &args[..]].concat();
    assert!(fetched(&args).starts_with("hello1helloHTTP/1.1 200 OK\r\n"), "-w and -i of their own");
    assert_eq!(
        lines(&fake),
        ["POST /a HTTP/1.1", "DELETE /b HTTP/1.1", "PUT /c HTTP/1.1"].map(String::from)
    );
    let with_field = fake.requests().iter().map(|one| one.contains("X: y")).collect::<Vec<_>>();
    assert_eq!(with_field, [true, false, false]);
    assert_eq!(fake.connections(), 1);
}

#[test]
fn what_holds_for_the_whole_run_is_said_anywhere() {
    let fake = Fake::hello(9);
    let (a, b) = (fake.url("/a"), fake.url("/b"));
    let said = fetch(&[&a, "--next", "-v", &b]).stderr;
    assert!(said.contains("> GET /a ") && said.contains("> GET /b "), "{said}");
    let refused = "http://127.0.0.1:1/";
    let early = fetch(&[refused, "--next", &a, "--fail-early", "-s"]);
    assert_eq!((early.code, early.stdout, early.stderr), (Some(7), vec![], String::new()));
    let folder = Folder::new();
    let json = folder.join("lines.json").display().to_string();
    fetched(&["-o", "/dev/null", &a, "--next", "--json-out", &json, "-o", "/dev/null", &b]);
    let written = std::fs::read_to_string(json).unwrap();
    assert_eq!(written.lines().count(), 2, "{written}");
}

#[test]
fn operations_run_in_parallel_too() {
    let server = Server::start(&[]);
    let (slow, quick) = (server.url("/sleep/600"), server.url("/-/health"));
    let args =
        ["-Z", "-w", "\n%{time_total}", "-o", "/dev/null", &slow, "--next", &quick, "--next"];
    let printed = fetched(&[&args[..], &["-d", "x", &server.url("/echo")]].concat());
    assert!(printed.contains("ok\n") && printed.contains("POST /echo"), "{printed}");
    assert!(printed.lines().last().unwrap().parse::<f64>().unwrap() >= 0.6, "{printed}");
}

/// Connections are shared only by operations that connect in the same way.
#[test]
fn another_way_is_another_connection() {
    let (one, other) = (Fake::hello(9), Fake::hello(9));
    let to = |fake: &Fake| format!("a:1:127.0.0.1:{}", fake.port());
    let (to_one, to_other) = (to(&one), to(&other));
    let url = "http://a:1/";
    let args = ["-v", "--connect-to", &to_one, url, "--next", "--connect-to", &to_other, url];
    let finished = fetch(&[&args[..], &["--next", "--connect-to", &to_one, url]].concat());
    assert_eq!(finished.stdout, b"hellohellohello");
    assert_eq!((one.connections(), other.connections()), (1, 1));
    let numbers = finished.stderr.lines().filter(|line| line.starts_with("* Connected to"));
    let numbers: Vec<_> = numbers.map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(numbers, ["(#0)", "(#1)"]);
}

#[test]
fn cookies_are_shared_by_the_operations_that_keep_some() {
    let fake = Fake::saying("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
    let folder = Folder::new();
    let jar = folder.join("jar").display().to_string();
    let url = fake.url("/");
    fetched(&["-c", &jar, &url, "--next", &url, "--next", "-b", &jar, &url]);
    let sent = fake.requests().iter().map(|one| one.contains("Cookie: a=b")).collect::<Vec<_>>();
    assert_eq!(sent, [false, false, true]);
}

#[test]
fn what_is_wrong_in_one_operation_is_said_before_the_first_transfer() {
    let fake = Fake::hello(9);
    let url = fake.url("/");
    for (args, code, said) in [
        (&[&url, "--next"][..], 2, "no URL"),
        (&["--next", &url], 2, "no URL"),
        (&[&url, "--next", "-I", "-d", "x", &url], 2, "-I and -d"),
        (&[&url, "--next", "-d", "@no such file", &url], 26, "no such file"),
        (&[&url, "--next", "-w", "%{nonsense}", &url], 2, "nonsense"),
        (&[&url, "--next", "--misbehave", "garbage", &url], 2, "two commands"),
    ] {
        let finished = fetch(args);
        assert!(finished.failed(code, said).contains(said), "{args:?}: {}", finished.stderr);
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn output_and_exit_code_are_those_of_curl() {
    if !needs("curl") {
        return;
    }
    let fake = Fake::hello(9);
    let (url, refused) = (fake.url("/"), "http://127.0.0.1:1/");
    for args in [
        &["-s", &url, "--next", "-s", "-d", "x", &url][..],
        &["-s", &url, "-:", "-s", refused],
        &["-s", refused, "-:", "-s", &url],
        &["-s", "-w", "%{urlnum}", &url, &url, "--next", "-w", "%{urlnum}", &url],
        &["-s", "-o", "/dev/null", &url, "--next", "-i", &url],
    ] {
        let mut curl = std::process::Command::new("curl");
        let theirs = run(curl.arg("-q").args(args), b"");
        let ours = run(&mut client(args), b"");
        assert_eq!((ours.code, ours.stdout), (theirs.code, theirs.stdout), "{args:?}");
    }
}

/// With one URL it is clear which one failed.
#[test]
fn of_several_urls_the_error_names_the_one_that_failed() {
    let fake = Fake::new(|talk| {
        talk.request()?;
        talk.say(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/moved\r\nContent-Length: 0\r\n\r\n",
        )
    });
    let (moved, refused) = (fake.url("/"), "http://127.0.0.1:1/x");
    let one = fetch(&["http://127.0.0.1:1/"]);
    assert!(one.failed(7, "one").starts_with("could not connect to 127.0.0.1"), "{}", one.stderr);
    for args in [
        &["-L", &moved, refused][..],
        &["-L", &moved, "--next", refused],
        &["-Z", "--parallel-max", "1", "-L", &moved, refused],
    ] {
        let finished = fetch(args);
        let lines: Vec<_> = finished.stderr.lines().collect();
        assert_eq!((finished.code, lines.len()), (Some(7), 2), "{args:?}: {}", finished.stderr);
        assert!(lines[0].starts_with("client: (7) http://127.0.0.1:1/moved: could not connect"));
        assert!(lines[1].starts_with("client: (7) http://127.0.0.1:1/x: could not connect"));
    }
}
