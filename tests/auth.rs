//! `server --auth FILE`, in a program that is built with the feature `auth`.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::client;
use crate::support::{Folder, Server, eventually, needs, run};

/// `secret`, at the lowest cost, by htpasswd.
const ADA: &str = "ada:$2y$04$0uqMIY8yGhGTR37G6t7lnOr2oy77bdXZhZJ6S02C8wi0NI.oJKBqa\n";

fn place(passwords: &str) -> Folder {
    Folder::with(&[("www/index.html", "hello\n"), ("passwords", passwords)])
}

fn start(place: &Folder, flags: &[&str]) -> Server {
    let passwords = place.join("passwords").display().to_string();
    let www = place.join("www").display().to_string();
    Server::start(&[&["--auth", &passwords], flags, &[&www]].concat())
}

/// The status of a request with these lines in its head.
fn status(server: &Server, request: &str, lines: &str) -> String {
    let answer = server.exchange(format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"
    ));
    answer.get(9..12).unwrap_or_default().to_owned()
}

/// The line of a user with a password.
fn basic(user: &str) -> String {
    let base64 = run(Command::new("base64").arg("-w0"), user.as_bytes());
    format!("Authorization: Basic {}\r\n", String::from_utf8_lossy(&base64.stdout))
}

#[test]
fn only_a_right_user_with_the_right_password_gets_in() {
    let place = place(ADA);
    let server = start(&place, &["--write"]);
    for (request, lines, want) in [
        ("GET /", String::new(), "401"),
        ("GET /", basic("ada:secret"), "200"),
        ("GET /", basic("ada:secret"), "200"),
        ("GET /", basic("ada:Secret"), "401"),
        ("GET /", basic("ada:"), "401"),
        ("GET /", basic("ada:secret\n"), "401"),
        ("GET /", basic("Ada:secret"), "401"),
        ("GET /", basic("bob:secret"), "401"),
        ("GET /", basic(":secret"), "401"),
        ("GET /", basic("ada"), "401"),
        ("GET /", "Authorization: Basic !!!\r\n".into(), "401"),
        ("GET /", "Authorization: Bearer YWRhOnNlY3JldA==\r\n".into(), "401"),
        ("GET /", "Authorization: basic YWRhOnNlY3JldA==\r\n".into(), "200"),
        ("GET /nothing", String::new(), "401"),
        ("GET /users", String::new(), "401"),
        ("GET /-/status", String::new(), "401"),
        ("GET /-/metrics", String::new(), "401"),
        ("PUT /x", String::new(), "401"),
        ("GET /-/health", String::new(), "200"),
        // A browser asks for the methods without credentials.
        ("OPTIONS /", String::new(), "204"),
    ] {
        assert_eq!(status(&server, request, &lines), want, "{request} {lines:?}");
    }
    let answer = server.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(
        answer.contains("\nWWW-Authenticate: Basic realm=\"threadbare\", charset=\"UTF-8\"\r\n"),
        "{answer}"
    );
    let log =
        server.stderr_until(|text| text.contains("the user \"bob\" or the password is wrong"));
    assert!(log.contains(" ada [") && !log.contains(" bob ["), "only who has proved it: {log}");
    assert!(!log.contains("secret") && !log.contains("YWRhOnNlY3JldA"), "{log}");
}

/// A browser sends a preflight without credentials, and shows the refusal to the page.
#[test]
fn a_page_of_an_allowed_origin_asks_first_and_then_sends_its_password() {
    let place = place(ADA);
    let server = start(&place, &["--cors", "https://app.example"]);
    let ask = |request: &str, lines: &str| {
        let origin = "Origin: https://app.example\r\nConnection: close\r\n";
        server.exchange(format!("{request} HTTP/1.1\r\nHost: localhost\r\n{origin}{lines}\r\n"))
    };
    let wanted =
        "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: authorization\r\n";
    for (request, lines, status) in [
        ("OPTIONS /", wanted.to_owned(), "204"),
        ("GET /", String::new(), "401"),
        ("GET /", basic("ada:secret"), "200"),
    ] {
        let answer = ask(request, &lines);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
        assert!(
            answer.contains("\nAccess-Control-Allow-Origin: https://app.example\r\n"),
            "{request}: {answer}"
        );
    }
}

/// A client that waits for 100 Continue does not send its body in vain.
#[test]
fn a_body_is_refused_before_it_is_sent() {
    let place = place(ADA);
    let server = start(&place, &["--write"]);
    let mut wire = server.connect();
    wire.send(
        "PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(wire.answer().status(), 401);
    assert!(!place.join("www/x").exists());
}

#[test]
fn curl_and_our_client_send_what_the_file_of_htpasswd_wants() {
    let place = Folder::with(&[("www/index.html", "hello\n")]);
    if !needs("htpasswd") || !needs("curl") {
        return;
    }
    let file = place.join("passwords").display().to_string();
    let made = run(
        Command::new("htpasswd").args(["-B", "-C", "5", "-c", "-b", &file, "grace", "pa:ss wörd"]),
        b"",
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let server = start(&place, &[]);
    let url = server.url("/");
    for mut command in [Command::new("curl"), client::<&str>(&[])] {
        let output = command.args(["-s", "-u", "grace:pa:ss wörd", &url]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\n", "{output:?}");
    }
}

#[test]
fn the_file_is_read_again_and_a_wrong_one_changes_nothing() {
    let place = place(ADA);
    let server = start(&place, &[]);
    let ada = || status(&server, "GET /", &basic("ada:secret"));
    assert_eq!(ada(), "200");
    fs::write(place.join("passwords"), "ada:plain text\n").unwrap();
    let told = eventually(|| {
        ada();
        let log = server.stderr_until(|_| true);
        log.contains("the users stay as they were").then_some(log)
    });
    assert!(told.unwrap().contains("line 1: this is not a hash of bcrypt"));
    assert_eq!(ada(), "200");
    fs::write(place.join("passwords"), ADA.replace("ada", "eve")).unwrap();
    eventually(|| (ada() == "401").then_some(())).expect("ada is locked out");
    assert_eq!(status(&server, "GET /", &basic("eve:secret")), "200");
}

/// At cost 10 a hash takes tens of milliseconds, also for a user that does not exist; once right, none.
#[test]
fn a_failed_attempt_takes_as_long_as_a_good_one_and_a_known_password_no_time() {
    let place = place("ada:$2y$10$HlAOx9Ek4IvyYxCx7ZmsquPoXlF68WNgrl3XeD4vm0ZmAt4OjOM6G\n");
    let server = start(&place, &[]);
    let time = |user: &str, want: &str| {
        let lines = basic(user);
        let begun = Instant::now();
        assert_eq!(status(&server, "GET /", &lines), want, "{user}");
        begun.elapsed()
    };
    let best = |user: &str| (0..5).map(|_| time(user, "401")).min().unwrap();
    let (wrong, unknown) = (best("ada:wrong"), best("nobody:wrong"));
    let first = time("ada:secret", "200");
    let known = (0..5).map(|_| time("ada:secret", "200")).min().unwrap();
    assert!(unknown > wrong / 2 && wrong > unknown / 2, "{wrong:?} {unknown:?}");
    assert!(first > wrong / 2, "{first:?} {wrong:?}");
    assert!(known < wrong / 3, "{known:?} {wrong:?}");
}

/// A browser opens several connections at once: they wait for one hash, and none is turned away.
#[test]
fn several_first_requests_with_the_right_password_get_in_together() {
    let place = place("ada:$2y$10$HlAOx9Ek4IvyYxCx7ZmsquPoXlF68WNgrl3XeD4vm0ZmAt4OjOM6G\n");
    let server = start(&place, &[]);
    let lines = basic("ada:secret");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(status(&server, "GET /", &lines), "200"));
        }
    });
}

/// 40 clients try passwords without a pause. The health of the server is told at once all the same, and who is known
/// gets in.
#[test]
fn those_who_guess_keep_no_other_client_waiting() {
    let place = place("ada:$2y$10$HlAOx9Ek4IvyYxCx7ZmsquPoXlF68WNgrl3XeD4vm0ZmAt4OjOM6G\n");
    let server = start(&place, &["--access-log", "off"]);
    assert_eq!(status(&server, "GET /", &basic("ada:secret")), "200");
    let (done, known) = (AtomicBool::new(false), basic("ada:secret"));
    thread::scope(|scope| {
        for guess in 0..40 {
            let lines = basic(&format!("ada:{guess}"));
            let (server, done) = (&server, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let got = status(server, "GET /", &lines);
                    assert!(got == "401" || got == "503", "{got}");
                }
            });
        }
        thread::sleep(Duration::from_millis(300));
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            for (request, lines) in [("GET /-/health", ""), ("GET /", known.as_str())] {
                let begun = Instant::now();
                assert_eq!(status(&server, request, lines), "200");
                slowest = slowest.max(begun.elapsed());
            }
        }
        done.store(true, Ordering::Relaxed);
        assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    });
}

#[test]
fn a_wrong_file_ends_the_start_and_says_which_line() {
    for (passwords, teaches) in [
        ("", "it has no users"),
        ("ada:secret\n", "line 1: this is not a hash of bcrypt"),
        ("ada:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n", "right: a line of htpasswd -B"),
    ] {
        let place = place(passwords);
        let file = place.join("passwords").display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.args(["--bind", "127.0.0.1:0", "--auth", &file]).current_dir(place.path());
        let finished = run(&mut command, b"");
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(
            finished.stderr.contains(teaches) && finished.stderr.contains(&file),
            "{}",
            finished.stderr
        );
        assert!(!finished.stderr.contains("secret"), "{}", finished.stderr);
    }
}
