//! What the client sends, held to the rules for senders; and when it stops.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Finished, Folder, SOON, eventually, needs, run};

/// More than waits for a 100, and more than the sockets' buffers hold.
const LARGE: usize = 32 << 20;

/// Sends a large body.
fn send_large(args: &[&str], url: &str) -> Finished {
    let args = [args, &["-v", "-m", "9", "-d", "@-", url]].concat();
    run(&mut client(&args), "x".repeat(LARGE).as_bytes())
}

const REFUSAL: &str = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno";
const ACCEPTANCE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// RFC 9110, 10.1.1: the body waits for its 100, and is sent when that comes.
#[test]
fn a_large_body_waits_for_its_100() {
    let fake = Fake::new(|talk| {
        let head = talk.head()?;
        talk.keep(head);
        let silent = talk.is_silent_for(Duration::from_millis(200))?;
        talk.keep(if silent { "waits" } else { "does not wait" });
        talk.say("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")?;
        let all = talk.take(LARGE)?.iter().all(|&byte| byte == b'x');
        talk.keep(if all { "all came" } else { "something else came" });
        talk.say(ACCEPTANCE)
    });
    let finished = send_large(&[], &fake.url("/"));
    assert_eq!((&finished.stdout[..], finished.code), (&b"ok"[..], Some(0)), "{}", finished.stderr);
    assert!(
        finished.stderr.contains("\n< HTTP/1.1 103 Early Hints\n< \n< HTTP/1.1 100 Continue\n")
    );
    let requests = fake.requests();
    assert!(requests[0].contains("\r\nExpect: 100-continue\r\n"), "{requests:?}");
    assert_eq!(requests[1..], ["waits", "all came"]);
}

/// RFC 9110, 10.1.1: "a client […] SHOULD NOT wait for an indefinite period".
#[test]
fn a_server_that_knows_no_100_gets_the_body_all_the_same() {
    let fake = Fake::new(|talk| {
        talk.head()?;
        talk.take(LARGE)?;
        talk.say(ACCEPTANCE)
    });
    let finished = send_large(&[], &fake.url("/"));
    assert_eq!((&finished.stdout[..], finished.code), (&b"ok"[..], Some(0)), "{}", finished.stderr);
}

/// RFC 9110, 10.1.1: an answer in place of the 100 is the answer; the body stays here.
#[test]
fn a_body_that_waits_and_is_refused_is_not_sent() {
    for status in ["413 Content Too Large", "401 Unauthorized", "307 Elsewhere", "500 Oh"] {
        let answer = REFUSAL.replace("413 Content Too Large", status);
        let fake = Fake::new(move |talk| {
            talk.head()?;
            talk.say(&answer)?;
            let body = talk.rest()?.len();
            talk.keep(format!("{body} bytes"));
            Ok(())
        });
        let finished = send_large(&[], &fake.url("/"));
        assert_eq!((&finished.stdout[..], finished.code), (&b"no"[..], Some(0)), "{status}");
        assert!(
            finished
                .stderr
                .contains("* Closing connection #0: the body was shorter than announced\n")
        );
        assert_eq!(eventually(|| fake.requests().pop()).as_deref(), Some("0 bytes"), "{status}");
    }
}

/// RFC 9110, 10.1.1: "SHOULD repeat that request without a 100-continue expectation". Once.
#[test]
fn an_expectation_that_fails_is_given_up() {
    const FAILED: &str = "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 6\r\n\r\nfailed";
    for (again, printed) in [(ACCEPTANCE, "ok"), (FAILED, "failed")] {
        let fake = Fake::new(move |talk| {
            let head = talk.head()?;
            let expects = head.to_ascii_lowercase().contains("\r\nexpect:");
            talk.keep(if expects { "expects" } else { "does not" });
            if !expects {
                talk.take(5)?;
            }
            talk.say(if talk.number == 0 { FAILED } else { again })
        });
        let args = ["-H", "expect: 100-Continue", "-d", "hello", &fake.url("/")];
        assert_eq!(fetched(&args), printed);
        assert_eq!(fake.requests(), ["expects", "does not"]);
    }
}

/// RFC 9112, 9.5: who is refused while the body is going out sends no more of it. The answer may
/// stand behind interim ones, and the server may read nothing and stay.
#[test]
fn a_refusal_ends_the_body() {
    for interim in
        ["", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"]
    {
        for args in [&[][..], &["-H", "Expect:"]] {
            let answer = format!("{interim}{REFUSAL}");
            let fake = Fake::new(move |talk| {
                talk.head()?;
                talk.say(&answer)?;
                talk.is_silent_for(Duration::from_millis(1))?;
                std::thread::sleep(Duration::from_secs(2));
                Ok(())
            });
            let begun = Instant::now();
            let finished = send_large(args, &fake.url("/"));
            assert_eq!((&finished.stdout[..], finished.code), (&b"no"[..], Some(0)), "{interim:?}");
            assert!(
                finished.stderr.contains("the body was shorter than announced\n"),
                "{}",
                finished.stderr
            );
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
        }
    }
}

/// Who is answered kindly before the body is out goes on: the server may still be reading.
#[test]
fn a_kind_answer_does_not_end_the_body() {
    for expect in ["Expect: 100-continue", "Expect:"] {
        let fake = Fake::new(|talk| {
            for _ in 0..2 {
                talk.head()?;
                talk.say(ACCEPTANCE)?;
                let all = talk.take(LARGE)?.iter().all(|&byte| byte == b'x');
                talk.keep(if all { "all came" } else { "something else came" });
            }
            Ok(())
        });
        let finished = send_large(&["-H", expect, &fake.url("/")], &fake.url("/"));
        assert_eq!(finished.stdout, b"okok", "{}", finished.stderr);
        let kept = eventually(|| Some(fake.requests()).filter(|kept| kept.len() == 2));
        assert_eq!(kept.unwrap(), ["all came", "all came"]);
        assert_eq!(fake.connections(), 1);
    }
}

/// What is said to a body on its way is judged as any answer.
#[test]
fn nonsense_ends_the_body_too() {
    for (said, code) in [("220 smtp\r\n", 1), ("HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", 8), ("", 52)] {
        for args in [&[][..], &["-H", "Expect:"]] {
            let fake = Fake::new(move |talk| {
                talk.head()?;
                talk.say(said)?;
                match said {
                    "" => talk.close_writing(),
                    _ => Ok(()),
                }?;
                std::thread::sleep(Duration::from_secs(2));
                Ok(())
            });
            let begun = Instant::now();
            let finished = send_large(args, &fake.url("/"));
            assert_eq!(finished.code, Some(code), "{said:?}: {}", finished.stderr);
            assert!(begun.elapsed() < SOON, "{said:?}: {:?}", begun.elapsed());
        }
    }
}

/// RFC 9110, 8.6 and RFC 9112, 6.2: a request has one length, which is its body's, or one coding.
#[test]
fn no_request_leaves_its_end_in_doubt() {
    let fake = Fake::hello(9);
    for (args, says) in [
        (
            &["-d", "x", "-H", "Content-Length: 5"][..],
            "Content-Length is 5, but the body has 1 bytes",
        ),
        (&["-d", "x", "-H", "Content-Length: 0"], "but the body has 1 bytes"),
        (&["-H", "Content-Length: 5"], "but the body has 0 bytes"),
        (&["-I", "-H", "Content-Length: 5"], "but the body has 0 bytes"),
        (&["-d", "x", "-H", "Content-Length: +1"], "without a sign"),
        (&["-d", "x", "-H", "Content-Length: 1, 1"], "more than one Content-Length"),
        (
            &["-d", "x", "-H", "Content-Length: 1", "-H", "content-length: 1"],
            "more than one Content-Length",
        ),
        (
            &["-d", "x", "-H", "Content-Length: 1", "-H", "Transfer-Encoding: chunked"],
            "has both Content-Length and Transfer-Encoding",
        ),
        (&["-d", "x", "-H", "Transfer-Encoding: gzip"], "Transfer-Encoding"),
        (&["-d", "x", "-H", "Transfer-Encoding: gzip, chunked"], "chunked"),
        (&["-d", "x", "-H", "Transfer-Encoding: chunked, chunked"], "chunked is not the last"),
        (&["-d", "x", "-H", "Transfer-Encoding;"], "Transfer-Encoding"),
        (
            &["--http1.0", "-d", "x", "-H", "Transfer-Encoding: chunked"],
            "which HTTP/1.0 does not have",
        ),
        (&["-X", "TRACE", "-d", "x"], "RFC 9110, 9.3.8"),
        (&["-H", "Host: a", "-H", "Host: b"], "more than one Host"),
    ] {
        let finished = fetch(&[args, &[&*fake.url("/")]].concat());
        let said = finished.failed(2, &format!("{args:?}"));
        assert!(said.contains(says) && said.contains("right: "), "{args:?}: {said}");
    }
    assert_eq!(fake.connections(), 0, "it was refused before the wire");
}

/// RFC 9112, 7.1: chunks, where they are asked for.
#[test]
fn a_body_goes_out_in_chunks_where_that_is_asked_for() {
    for (data, body) in [("hello", "5\r\nhello\r\n0\r\n\r\n"), ("", "0\r\n\r\n")] {
        let fake = Fake::hello(1);
        let args = ["-H", "transfer-encoding: Chunked", "-d", data, &fake.url("/")];
        assert_eq!(fetched(&args), "hello");
        let request = fake.requests().concat();
        assert!(
            request.ends_with(&format!("\r\nTransfer-Encoding: chunked\r\n\r\n{body}")),
            "{request}"
        );
        assert!(!request.contains("Content-Length"), "{request}");
    }
    let fake = Fake::hello(2);
    let url = &*fake.url("/");
    let long = "x".repeat(200_000);
    let args = ["-H", "Transfer-Encoding: chunked", "-d", "@-", url, url];
    assert_eq!(run(&mut client(&args), long.as_bytes()).succeeded(), "hellohello");
    let sent = fake.requests()[0].split_once("\r\n\r\n").unwrap().1.to_owned();
    assert!(sent.starts_with("10000\r\nxxx") && sent.ends_with("xxx\r\n0\r\n\r\n"));
    assert_eq!(sent.matches('x').count(), 200_000);
    assert_eq!(fake.connections(), 1, "a chunked request is followed by another");
}

/// RFC 9112, 6.1: "unless it knows the server will handle HTTP/1.1 requests", which a server that answered
/// with 1.0 will not: whether a redirect, a retry, a 417 or the next URL leads to it.
#[test]
fn no_chunks_go_to_a_server_that_answered_with_1_0() {
    let folder = Folder::with(&[("f", "hello")]);
    let file = folder.join("f").display().to_string();
    let answers = |first: &'static str| {
        Fake::new(move |talk| {
            talk.request()?;
            talk.say(if talk.number == 0 { first } else { ACCEPTANCE })
        })
    };
    let rest = "Connection: close\r\nContent-Length: 2\r\n\r\nno";
    let chunked = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-T", &file];
    for (head, args, code, requests) in [
        ("HTTP/1.0 301 Elsewhere\r\nLocation: /y\r\n", &["-L"][..], 25, 1),
        ("HTTP/1.0 307 Elsewhere\r\nLocation: /y\r\n", &["-L"], 25, 1),
        ("HTTP/1.0 503 Busy\r\nRetry-After: 0\r\n", &["--retry", "1"], 25, 1),
        ("HTTP/1.1 301 Elsewhere\r\nLocation: /y\r\n", &["-L"], 0, 2),
        // Without a body there are no chunks.
        ("HTTP/1.0 303 Elsewhere\r\nLocation: /y\r\n", &["-L"], 0, 2),
    ] {
        let head: &'static str = format!("{head}{rest}").leak();
        let fake = answers(head);
        let finished = fetch(&[args, &chunked, &["-s", "-S", &*fake.url("/x")]].concat());
        assert_eq!(finished.code, Some(code), "{head:?}: {}", finished.stderr);
        assert_eq!(fake.requests().len(), requests, "{head:?}");
    }
    let fake = answers("HTTP/1.0 200 OK\r\n\r\nold");
    let second = ["-T", &*file, &*fake.url("/y")];
    let finished = fetch(&[&chunked[..], &[&*fake.url("/x")], &second].concat());
    assert!(finished.failed(25, "the next URL").contains("HTTP/1.1 at both ends"));
    assert_eq!((&*finished.stdout, fake.requests().len()), (&b"old"[..], 1));
    // A 417 is answered without the expectation, and the chunks with it.
    let fake = Fake::new(|talk| {
        talk.head()?;
        talk.say("HTTP/1.0 417 Expectation Failed\r\n\r\n")
    });
    let expects = ["-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-T", &file];
    fetch(&[&expects[..], &[&*fake.url("/")]].concat()).failed(25, "417");
    assert_eq!(fake.connections(), 1);
}

/// RFC 9110, 4.2.4 and 7.1; RFC 9112, 3.2: what of a URL is sent, and what is not.
#[test]
fn what_of_a_url_is_sent() {
    for (path, target) in [
        ("", "/"),
        ("?a=b", "/?a=b"),
        ("#part", "/"),
        ("/a#part?no", "/a"),
        ("/a?b#c", "/a?b"),
        ("/a b", "/a%20b"),
        ("/\u{fc}?\u{fc}", "/%C3%BC?%C3%BC"),
        ("/%zz", "/%25zz"),
        ("//a/./b/../c", "//a/./b/../c"),
    ] {
        let fake = Fake::hello(1);
        assert_eq!(fetched(&[fake.url(path)]), "hello");
        let want = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n", fake.address());
        assert!(fake.requests()[0].starts_with(&want), "{path}: {fake:?}");
    }
    fetch(&["http://\u{fc}.example/"]).failed(3, "a name beyond ASCII");
}

/// The user and the password of a URL go into one field, and into nothing that is printed.
#[test]
fn a_password_is_sent_and_never_shown() {
    let fake = Fake::hello(2);
    let with_user = fake.url("/x").replace("http://", "http://user:secret@");
    let folder = Folder::new();
    let json = folder.join("json").display().to_string();
    let finished =
        fetch(&["-w", "%{json}", "--json-out", &json, "--trace", "-o", "/dev/null", &with_user]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(
        fake.requests()[0].contains("\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n"),
        "{fake:?}"
    );
    let stdout = String::from_utf8_lossy(&finished.stdout).into_owned();
    let shown = [stdout, finished.stderr, fs::read_to_string(json).unwrap()].concat();
    assert!(shown.contains(&fake.url("/x")) && !shown.contains("secret"), "{shown}");
    for (typed, code) in [
        ("http://user:secret@127.0.0.1:1/", 7),
        ("http://user:secret@no such host/", 3),
        ("http://user:sec/secret@127.0.0.1/", 3),
        ("http://user:secret@127.0.0.1:99999/", 3),
        ("http://us@er:secret@127.0.0.1/", 3),
        ("http://user:secret%00@127.0.0.1/", 3),
        ("nonsense://user:secret@127.0.0.1/", 1),
        ("http://user:secret@h/{", 3),
    ] {
        let finished = fetch(&[typed]);
        assert!(!finished.failed(code, typed).contains("secret"), "{typed}: {}", finished.stderr);
    }
}

/// `$NETRC`, or `.netrc` in the folder of the user; a file that is wrong is named by its line, which is not shown.
#[test]
fn logins_of_the_usual_file() {
    let fake = Fake::hello(1);
    let folder = Folder::with(&[(".netrc", "machine 127.0.0.1 login ada password secret")]);
    folder.write("other", "default login bob password b");
    folder.write("wrong", "machine 127.0.0.1\nlogin ada password \"secret\n");
    let home = folder.path().display().to_string();
    let asked = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = client(&[args, &[&fake.url("/")]].concat());
        command.env("HOME", &home).env_remove("NETRC");
        for (name, value) in variables {
            command.env(name, value);
        }
        run(&mut command, b"")
    };
    let other = folder.join("other").display().to_string();
    for (variables, args, login) in [
        (&[][..], &["-n"][..], "Basic YWRhOnNlY3JldA=="),
        (&[], &["--netrc"], "Basic YWRhOnNlY3JldA=="),
        (&[], &["--netrc-optional"], "Basic YWRhOnNlY3JldA=="),
        (&[("NETRC", &other[..])], &["-n"], "Basic Ym9iOmI="),
        (&[("HOME", "/no/such/folder")], &["--netrc-optional"], ""),
        (&[], &[], ""),
    ] {
        asked(variables, args).succeeded();
        let request = fake.requests().pop().unwrap();
        let found = request.lines().find_map(|line| line.strip_prefix("Authorization: "));
        assert_eq!(found.unwrap_or_default(), login, "{variables:?} {args:?}");
    }
    asked(&[("HOME", "/no/such/folder")], &["-n"]).failed(26, "no file");
    let wrong = asked(&[], &["--netrc-file", &folder.join("wrong").display().to_string()]);
    let said = wrong.failed(26, "a file that is wrong");
    assert!(said.contains("line 2") && !said.contains("secret"), "{said}");
}

/// Python reads the same files; where it does not, curl's users expect something else.
#[test]
fn logins_as_python_reads_them() {
    if !needs("python3") {
        return;
    }
    for text in [
        "machine 127.0.0.1 login ada password secret",
        "machine other login a password b\nmachine 127.0.0.1\n  login ada\n  password c",
        "# a comment\nmachine 127.0.0.1 login ada password b\n",
        "default login d password e",
        "machine other login a password b default login d password e",
        "macdef init\ncd /pub\n\nmachine 127.0.0.1 login ada password b",
        "machine 127.0.0.1 login ada account x password b",
        "machine 127.0.0.1 login ada password \"a b\"",
        "machine 127.0.0.1 login ada password \"a\\\"b\"",
        "machine 127.0.0.1 login ada password a#b",
        "machine other login a password b",
    ] {
        let folder = Folder::with(&[("netrc", text)]);
        let path = folder.join("netrc").display().to_string();
        let script = "import base64, netrc, sys\nfound = netrc.netrc(sys.argv[1]).authenticators('127.0.0.1')\n\
                      print(base64.b64encode((found[0] + ':' + found[2]).encode()).decode() if found else '')";
        let theirs = run(Command::new("python3").args(["-c", script, &path]), b"").succeeded();
        let fake = Fake::hello(1);
        fetched(&["--netrc-file", &path, &fake.url("/")]);
        let request = fake.requests().pop().unwrap();
        let ours = request.lines().find_map(|line| line.strip_prefix("Authorization: Basic "));
        assert_eq!(ours.unwrap_or_default(), theirs.trim_end(), "{text}");
    }
}

/// RFC 9110, 10.1.1: how long a body waits is the user's to say.
#[test]
fn a_body_waits_for_its_100_as_long_as_is_said() {
    for (time, least) in [("0", 0), ("0.1", 100), ("2.5", 2500)] {
        let fake = Fake::new(|talk| {
            talk.head()?;
            talk.take(LARGE)?;
            talk.say(ACCEPTANCE)
        });
        let begun = Instant::now();
        send_large(&["-s", "--expect100-timeout", time], &fake.url("/"));
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(least), "{time}: {took:?}");
    }
}

/// An ETag is kept only of a body that is complete, and an unchanged body does not replace what is there.
#[test]
fn etags_and_times_of_what_is_there() {
    let folder = Folder::with(&[("etag", "\"old\"\n"), ("file", "what is there")]);
    let (etag, file) =
        (folder.join("etag").display().to_string(), folder.join("file").display().to_string());
    let both = ["--etag-save", &etag, "--etag-compare", &etag, "-o", &file];
    let short = Fake::saying("HTTP/1.1 200 OK\r\nETag: \"new\"\r\nContent-Length: 9\r\n\r\nhello");
    fetch(&[&both[..], &["-s", &short.url("/")]].concat());
    assert_eq!(fs::read_to_string(&etag).unwrap(), "\"old\"\n", "the body is not complete");
    let same = Fake::saying("HTTP/1.1 304 Not Modified\r\nETag: \"old\"\r\n\r\n");
    fetched(&[&both[..], &[&same.url("/")]].concat());
    assert_eq!(fs::read_to_string(&file).unwrap(), "what is there");
    assert!(same.requests()[0].contains("\r\nIf-None-Match: \"old\"\r\n"));
    let new = Fake::saying("HTTP/1.1 200 OK\r\nETag: \"new\"\r\nContent-Length: 5\r\n\r\nhello");
    fetched(&[&both[..], &[&new.url("/")]].concat());
    assert_eq!(fs::read_to_string(&etag).unwrap(), "\"new\"\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), "hello");
    let failing = Fake::saying("HTTP/1.1 404 No\r\nETag: \"x\"\r\nContent-Length: 0\r\n\r\n");
    fetched(&[&both[..], &[&failing.url("/")]].concat());
    assert_eq!(fs::read_to_string(&etag).unwrap(), "\"new\"\n", "it is of an error");
    let timed = Fake::hello(1);
    fetched(&["-z", &file, &timed.url("/")]);
    assert!(timed.requests()[0].contains("\r\nIf-Modified-Since: "), "{timed:?}");
    let finished = fetch(&["-z", "no such file", &timed.url("/")]);
    assert!(
        finished.code == Some(0) && finished.stderr.contains("has no condition"),
        "{}",
        finished.stderr
    );
    assert!(!timed.requests()[1].contains("If-Modified-Since"), "{timed:?}");
}

/// `-H @FILE`: a wrong line is named by its number, as it may be a password.
#[test]
fn fields_of_a_file_are_checked() {
    let folder = Folder::with(&[("fields", "X: y\r\n# c\n\nsecret\n")]);
    let said =
        fetch(&["-H", &format!("@{}", folder.join("fields").display()), "http://127.0.0.1:1/"]);
    let said = said.failed(2, "a line that is no field");
    assert!(said.contains("fields, line 4: no field") && !said.contains("secret"), "{said}");
    let fake = Fake::hello(1);
    run(&mut client(&["-H", "@-", &fake.url("/")]), b"X: y\nAccept:\n").succeeded();
    assert!(fake.requests()[0].contains("\r\nX: y\r\n") && !fake.requests()[0].contains("Accept"));
}

/// `-T .`: what is there is sent, and does not wait for more.
#[test]
fn what_is_there_is_sent_as_it_comes() {
    for stdin in [".", "-"] {
        let fake = Fake::new(|talk| {
            talk.head()?;
            let first = talk.take(10)?;
            talk.keep(String::from_utf8_lossy(&first).into_owned());
            talk.rest().map(drop)
        });
        let mut command = client(&["-s", "-T", stdin, "-H", "Expect:", &fake.url("/")]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut pipe, b"hello").unwrap();
        let came = eventually(|| fake.requests().pop());
        assert_eq!(came.as_deref(), Some("5\r\nhello\r\n"), "-T {stdin}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// `-C OFFSET` with a file: the rest is appended where it belongs, and nowhere else.
#[test]
fn a_rest_is_appended_where_it_belongs() {
    let folder = Folder::with(&[("four", "0123"), ("ten", "0123456789")]);
    let path = |name: &str| folder.join(name).display().to_string();
    let rest = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789";
    for (name, code, content) in
        [("four", 0, "0123456789"), ("new", 0, "456789"), ("ten", 33, "0123456789")]
    {
        let fake = Fake::saying(rest);
        let finished = fetch(&["-C", "4", "-o", &path(name), &fake.url("/")]);
        assert_eq!(finished.code, Some(code), "{name}: {}", finished.stderr);
        assert_eq!(fs::read_to_string(path(name)).unwrap(), content, "{name}");
        assert_eq!(fake.requests().len(), usize::from(code == 0), "{name}");
    }
    folder.write("four", "0123");
    let whole = Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    fetch(&["-C", "4", "-o", &path("four"), &whole.url("/")]).failed(33, "no range");
    assert_eq!(fs::read_to_string(path("four")).unwrap(), "0123");
}
