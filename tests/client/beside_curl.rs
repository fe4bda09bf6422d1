//! Side by side with curl: the same command line, the same output, exit code and request. Where we
//! differ on purpose, it stands here.

mod command_line;
#[cfg(feature = "inflate")]
pub(super) mod decoding;
mod output;
mod requests;

use std::process::Command;

use super::fake::{Fake, Talk};
use super::{client, fetch};
use crate::support::{Finished, Folder, Server, masked, needs, run};

/// curl, untouched by anybody's settings, with its errors in one line.
pub(super) fn curl<A: AsRef<str>>(args: &[A]) -> Command {
    let mut command = Command::new("curl");
    command.args(["-q", "-sS", "--noproxy", "*", "-m", "9"]);
    command.args(args.iter().map(AsRef::as_ref)).current_dir(crate::support::root());
    command
}

/// The arguments, with `~` at the beginning of one for this URL, and `@~` or `<~` for this folder.
pub(super) fn at(args: &[&str], url: &str, folder: &str) -> Vec<String> {
    let put = |arg: &&str| match arg.strip_prefix('~') {
        Some(path) => format!("{url}{path}"),
        None => arg.replace("@~", &format!("@{folder}")).replace("<~", &format!("<{folder}")),
    };
    args.iter().map(put).collect()
}

/// What can be compared: stdout but for the date, its length, and the exit code.
pub(super) fn comparable(finished: &Finished) -> (String, usize, Option<i32>) {
    (masked(&finished.stdout), finished.stdout.len(), finished.code)
}

fn files() -> Folder {
    let folder = Folder::with(&[("index.html", "<h1>Hello</h1>\n"), ("sub/a b.txt", "text\n")]);
    folder.write("form", "name=Ada\r\n&email=none\n");
    folder.write("user", "{\"name\":\"Ada\",\n\"email\":\"ada@example.org\"}\n");
    folder.write("over_a_megabyte", vec![b'x'; (1 << 20) + 1]);
    folder.write("bytes", (0..=255).cycle().take(200_000).collect::<Vec<u8>>());
    folder
}

fn place(folder: &Folder) -> String {
    folder.path().display().to_string()
}

/// No two answers took the same time.
const MUTE: &[&str] = &["--server-timing", "off"];

/// Who asks is all that tells them apart.
const ME: &[&str] = &["-H", "User-Agent: me"];

#[test]
fn the_same_output_and_exit_code() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    let server = Server::of(&folder, MUTE);
    let mut differ = Vec::new();
    for args in [
        &["~/"][..],
        &["~/bytes"],
        &["~/bytes/0"],
        &["~/bytes/3000000"],
        &["~/sub"],
        &["-i", "~/sub"],
        &["~/sub/a%20b.txt"],
        &["~/nowhere"],
        &["-i", "~/nowhere"],
        &["-i", "~/"],
        &["-I", "~/"],
        &["-I", "~/", "~/form"],
        &["-I", "-X", "GET", "~/", "~/form"],
        &["-i", "-X", "OPTIONS", "~/"],
        &["-i", "-X", "BREW", "~/"],
        &["-i", "-X", "DELETE", "~/"],
        &["-i", "--http1.0", "~/"],
        &["--http1.0", "~/echo"],
        &["~/echo?a=b&c=d#e"],
        &["~/echo", "-H", "X: y", "-H", "x: z", "-H", "Accept:"],
        &["-d", "", "~/users"],
        &["-d", "name=x", "-d", "email=nonsense", "~/users"],
        &["-d", "@~/form", "~/users"],
        &["--json", "{", "~/users"],
        &["-i", "--json", "@~/form", "~/users"],
        &["-i", "~/users"],
        &["-i", "~/users/1"],
        &["-i", "-X", "DELETE", "~/users/1"],
        &["-H", "Host:", "~/"],
        &["-i", "-H", "If-None-Match: *", "~/"],
        &["-i", "-H", "Range: bytes=1-3", "~/form"],
        &["~/", "~/form", "~/nowhere", "~/"],
        &["-o", "/dev/null", "~/form", "~/"],
        &["-o", "/no/such/folder/file", "~/"],
        &["-o", "/dev/full", "~/bytes"],
        &["-m", "0.2", "~/sleep/600"],
        &["http://127.0.0.1:1/"],
        &["http://127.0.0.1:1/", "~/"],
        &["~/", "http://127.0.0.1:1/"],
        &["nonsense://127.0.0.1/"],
        &["http://127.0.0.1:99999/"],
        &["http://"],
        &["~/a\nb"],
        &["~/a\x1b"],
        &["~/a\x7fb"],
        &["--no-such-flag", "~/"],
        &["-m", "soon", "~/"],
        &["-I", "-d", "x", "~/"],
        &["-f", "~/"],
        &["-f", "~/nowhere"],
        &["-f", "~/nowhere", "~/"],
        &["-f", "~/", "~/nowhere"],
        &["-fi", "~/nowhere"],
        &["-fI", "~/nowhere"],
        &["--fail-with-body", "~/nowhere"],
        &["--fail-with-body", "-i", "~/nowhere"],
        &["-f", "-o", "/dev/full", "~/nowhere"],
        &["-r", "1-3", "~/form"],
        &["-i", "-r", "-3", "~/form"],
        &["-f", "-r", "999-", "~/form"],
        &["-G", "-d", "a=b", "~/echo"],
        &["-u", "a:b", "~/echo"],
        &["-F", "a=@no such file", "~/echo"],
        &["-F", "nothing", "~/echo"],
        &["-w", "%{http_code} %{size_download}\\n", "~/form"],
        &["-w", "%{response_code}|%{content_type}|%{method}|%{scheme}|%{http_version}\\t", "~/"],
        &["-w", "%{url_effective} %{url} %{urlnum} %%{x} %\\q\n", "~/form", "~/nowhere"],
        &["-w", "%{num_connects} %{remote_ip} %{exitcode} %{errormsg};", "~/", "~/", "~/"],
        &[
            "-w",
            "%{size_upload} %{size_header} %{num_headers}",
            "-o",
            "/dev/null",
            "-d",
            "a=b",
            "~/echo",
        ],
        &["-w", "%{redirect_url} %{num_connects} %{referer}", "-e", "x", "~/sub"],
        &["-w", "%{http_code} %{exitcode} %{size_download}", "-f", "~/nowhere"],
        &["-w", "%{http_code} %{exitcode} %{num_connects}", "http://127.0.0.1:1/"],
        &["-w", "%{header_json}", "-o", "/dev/null", "~/form"],
        &["-s", "-w", "%{filename_effective}%{stderr}x%{stdout}y", "-o", "/dev/null", "~/form"],
        &["-C", "3", "~/form"],
        &["-iC", "3", "~/form"],
        &["-C", "0", "~/form"],
        &["-C", "24", "~/form"],
        &["-C", "9999", "~/form"],
        &["-C", "3", "~/echo"],
        &["-fC", "3", "~/nowhere"],
        &["-O", "~/"],
        &["-O", "~/sub/"],
        &["--limit-rate", "1M", "~/bytes/1000"],
        &["--no-progress-meter", "~/form"],
    ] {
        let args = at(&[ME, args].concat(), &server.url(""), &place(&folder));
        let (theirs, ours) = (run(&mut curl(&args), b""), fetch(&args));
        if comparable(&ours) != comparable(&theirs) {
            differ.push(format!("{args:?}:\n{:?}\n{:?}", comparable(&ours), comparable(&theirs)));
        }
    }
    assert!(differ.is_empty(), "ours, and theirs: {}", differ.join("\n"));
}

/// One conversation each, from the first user to none.
#[test]
fn the_same_conversation_about_users() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    let (for_curl, for_us) = (Server::start(MUTE), Server::start(MUTE));
    for args in [
        &["-i", "-d", "name=Ada Lovelace", "-d", "email=ada@example.org", "~/users"][..],
        &["-i", "--json", "@~/user", "~/users"],
        &["-i", "~/users"],
        &["-i", "-X", "PUT", "--json", "@~/user", "~/users/1"],
        &["-i", "-X", "PUT", "--json", "@~/user", "-H", "If-Match: \"x\"", "~/users/1"],
        &["-i", "-X", "DELETE", "~/users/1", "~/users/2"],
        &["-i", "~/users"],
    ] {
        let args = [ME, args].concat();
        let theirs = run(&mut curl(&at(&args, &for_curl.url(""), &place(&folder))), b"");
        let ours = fetch(&at(&args, &for_us.url(""), &place(&folder)));
        assert_eq!(comparable(&ours), comparable(&theirs), "{args:?}");
    }
}

/// The bytes on the wire. Ours have the framing fields last; an empty value without the space.
#[test]
fn the_same_request() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    let compared = |request: &str| {
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        let (lengths, others): (Vec<_>, _) = head.lines().partition(|line: &&str| {
            line.starts_with("Content-Length") || line.starts_with("Transfer-Encoding")
        });
        let agent = |line: &&str| match line.strip_prefix("User-Agent: ") {
            Some(agent) if agent.contains('/') => "User-Agent: (its own)".to_owned(),
            _ => line.trim_end().to_owned(),
        };
        let head: Vec<_> = others.iter().chain(&lengths).map(agent).collect();
        // A boundary is another one each time: 24 dashes, and 16 digits.
        let boundary = head.iter().find_map(|line| line.split_once("; boundary="));
        let boundary = boundary.map_or("\0", |(_, boundary)| boundary).to_owned();
        let as_one = |text: &str| text.replace(&boundary, &"-".repeat(boundary.len()));
        (head.iter().map(|line| as_one(line)).collect::<Vec<_>>(), as_one(body))
    };
    let mut differ = Vec::new();
    for args in [
        &["~"][..],
        &["~/"],
        &["~?a=b"],
        &["~//a//b/?c=d&e=%41#f"],
        &["--http1.0", "~/"],
        &["-I", "~/"],
        &["-X", "DELETE", "~/"],
        &["-X", "brew", "~/"],
        &["-X", "OPTIONS", "~/*"],
        &["-H", "X: y", "-H", "x: z; q", "~/"],
        &["-H", "X;", "~/"],
        &["-H", "X:", "~/"],
        &["-H", "Accept: a/b", "-H", "Accept: c/d", "~/"],
        &["-H", "accept:", "-H", "User-Agent:", "~/"],
        &["-H", "Host: b", "~/"],
        &["-H", "Host:", "~/"],
        &["-H", "Connection: close", "~/"],
        &["-d", "", "~/"],
        &["-d", "a=1", "-d", "b=2", "~/"],
        &["-d", "@~/form", "-d", "x", "~/"],
        &["-d", "@-", "~/"],
        &["-d", "a\nb", "~/"],
        &["-d", "x", "-H", "Content-Type: text/plain", "~/"],
        &["-d", "x", "-H", "content-type:", "~/"],
        &["-X", "PUT", "-d", "x", "~/"],
        &["-X", "GET", "-d", "x", "~/"],
        &["--http1.0", "-d", "x", "~/"],
        &["--json", "{}", "~/"],
        &["--json", "@~/user", "~/"],
        &["--json", "[", "--json", "]", "~/"],
        &["--json", "{}", "-H", "Accept: a/b", "~/"],
        &["--json", "{}", "-H", "Content-Type: a/b", "~/"],
        &["--json", "{}", "-H", "Content-Type:", "-H", "Accept:", "~/"],
        &["-d", "a", "--json", "b", "-d", "c", "~/"],
        &["-d", "x", "-H", "Content-Length: 1", "~/"],
        &["-H", "Content-Length: 0", "~/"],
        &["-d", "x", "-H", "Transfer-Encoding: chunked", "~/"],
        &["-d", "@~/over_a_megabyte", "~/"],
        &["-d", "@~/over_a_megabyte", "-H", "Expect:", "~/"],
        &["--http1.0", "-d", "@~/over_a_megabyte", "~/"],
        &["-d", "x", "-H", "Expect: 100-continue", "~/"],
        &["--data-binary", "@~/form", "~/"],
        &["--data-binary", "@~/form", "-d", "@~/form", "--data-binary", "@-", "~/"],
        &["--data-raw", "@a", "--data-raw", "b\r\nc", "~/"],
        &["--data-urlencode", "a b&c=d/e?~", "~/"],
        &["--data-urlencode", "=a=b", "--data-urlencode", "n=ö", "~/"],
        &["--data-urlencode", "n@-", "--data-urlencode", "@-x=y", "-d", "z", "~/"],
        &["-G", "-d", "a=b", "--data-urlencode", "c=d e", "~/"],
        &["-G", "-d", "a=b", "~/x?y=z"],
        &["-G", "-d", "a=b", "~/x?y=z&"],
        &["-G", "-d", "a=b", "~/x?"],
        &["-G", "-d", "a=b", "~/x?y#z"],
        &["-G", "-I", "-d", "a=b", "~"],
        &["-G", "-X", "POST", "-d", "a=b", "-H", "Content-Length: 0", "~/"],
        &["-A", "me", "~/"],
        &["-A", "", "~/"],
        &["-A", "me", "-H", "User-Agent: you", "~/"],
        &["-e", "http://a/b", "~/"],
        &["-e", "http://a/b", "-H", "Referer: x", "~/"],
        &["-u", "ada:secret:x", "~/"],
        &["-u", "ada:", "-A", "me", "-e", "y", "-r", "0-4", "-H", "X: y", "~/"],
        &["-u", "a:b", "-H", "Authorization: Bearer x", "~/"],
        &["-u", "a:b", "-H", "Authorization:", "~/"],
        &["-r", "0-4", "~/"],
        &["-r", "0-4,-2", "-H", "Range: bytes=9-", "~/"],
        &["-X", "PUT", "--data-binary", "@~/form", "-H", "Content-Type: a/b", "~/"],
        &["-F", "a=b", "~/"],
        &["-F", "a=b", "-F", "c=@~/form", "-F", "d=<~/form", "~/"],
        &["-F", "a=b c;type=text/x", "-F", "f=@~/form;filename=x.html", "~/"],
        &["-F", "f=@~/form;type=text/x; charset=y;filename=\"a;b\\\"c\"", "~/"],
        &["-F", "f=@~/sub/a b.txt", "-F", "f=@-;filename=x", "~/"],
        &["-F", "a=\"b;c\"", "-F", "d=e,f", "-F", "g=", "~/"],
        &["--form-string", "a=@b;c", "--form-string", "d=<e", "~/"],
        &["-F", "a=b;filename=c.png", "-F", "f=@-", "~/"],
        &["-F", "a=b", "-X", "PUT", "-H", "X: y", "~/"],
        &["-F", "a=b", "-H", "Content-Type: multipart/form-data", "~/"],
        &["-F", "f=@~/over_a_megabyte", "~/"],
    ] {
        let fake = Fake::hello(1);
        let args = at(args, &fake.url(""), &place(&folder));
        let stdin = b"from\nstdin\n";
        run(&mut curl(&args), stdin);
        run(&mut client(&args), stdin).succeeded();
        let requests = fake.requests();
        let (theirs, ours) = (compared(&requests[0]), compared(&requests[1]));
        if ours != theirs {
            differ.push(format!("{args:?}:\n{ours:?}\n{theirs:?}"));
        }
    }
    assert!(differ.is_empty(), "ours, and theirs: {}", differ.join("\n"));
}

/// Where our request is another one, on purpose: what stands in ours and not in curl's.
#[test]
fn another_request() {
    if !needs("curl") {
        return;
    }
    for (args, ours) in [
        // RFC 9110, 8.6 wants a length where a method usually has a body.
        (&["-X", "POST", "~/"][..], "Content-Length: 0\r\n"),
        (&["-X", "PUT", "~/"], "Content-Length: 0\r\n"),
        // What was typed is asked for: servers are tested with it. curl has --path-as-is.
        (&["~/a/../b/./c"], "GET /a/../b/./c HTTP/1.1\r\n"),
        // A space is encoded; curl does not take it.
        (&["~/a b"], "GET /a%20b HTTP/1.1\r\n"),
        // Digits of an encoding are capitals (RFC 3986, 2.1).
        (&["~/\u{fc}"], "GET /%C3%BC HTTP/1.1\r\n"),
        // These may stand in no URL as they are.
        (&["~/\"<>\\"], "GET /%22%3C%3E%5C HTTP/1.1\r\n"),
        // A value has one space before it and none behind it.
        (&["-H", "X:y", "~/"], "X: y\r\n"),
        (&["-H", "X: y  ", "~/"], "X: y\r\n"),
        (&["-H", "X;", "~/"], "X: \r\n"),
        // Names of fields are sent as typed, Host's included.
        (&["-H", "hOST: a", "~/"], "hOST: a\r\n"),
    ] {
        let (for_curl, for_us) = (Fake::hello(1), Fake::hello(1));
        run(&mut curl(&at(args, &for_curl.url(""), "")), b"");
        run(&mut client(&at(args, &for_us.url(""), "")), b"").succeeded();
        assert!(for_us.requests().concat().contains(ours), "{args:?}: {for_us:?}");
        assert!(!for_curl.requests().concat().contains(ours), "{args:?}: {for_curl:?}");
    }
}

/// Where we end another way, on purpose: our code, and curl's.
#[test]
fn another_end() {
    if !needs("curl") {
        return;
    }
    let folder = files();
    let server = Server::of(&folder, &[]);
    for (args, ours, theirs) in [
        // What cannot be read is not sent as if it were empty.
        (&["-d", "@no such file", "~/echo"][..], 26, &[0, 26][..]),
        (&["--data-urlencode", "x@no such file", "~/echo"], 26, &[0, 26]),
        // What is not understood is not left away.
        (&["-F", "a=b;c", "~/echo"], 2, &[0]),
        (&["-w", "%{nonsense}", "~/"], 2, &[0]),
        (&["-F", "a=<@~/form;filename=x", "~/echo"], 2, &[0, 26]),
        // A body that is another by now comes whole, in place of what is at hand.
        (&["-C", "-", "-o", "/part", "~/echo"], 0, &[33]),
        // No limit is said by not saying one.
        (&["--limit-rate", "0", "~/"], 2, &[0]),
    ] {
        let mut args = at(args, &server.url(""), &place(&folder));
        folder.write("part", "what is there");
        for arg in args.iter_mut().filter(|arg| *arg == "/part") {
            *arg = place(&folder) + arg;
        }
        let (curls, code) = (run(&mut curl(&args), b"").code, fetch(&args).code);
        assert_eq!(code, Some(ours), "{args:?}");
        assert!(curls.is_some_and(|code| theirs.contains(&code)), "{args:?}: {curls:?}");
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What both print of an answer, and the code.
fn ends(answer: &str) -> [(String, usize, Option<i32>); 2] {
    let fake = Fake::saying(answer);
    let (theirs, ours) = (run(&mut curl(&[fake.url("/")]), b""), fetch(&[fake.url("/")]));
    [comparable(&ours), comparable(&theirs)]
}

#[test]
fn the_same_end_of_an_odd_answer() {
    if !needs("curl") {
        return;
    }
    for answer in [
        String::new(),
        "<html>hello".to_owned(),
        "\r\nHTTP/1.1 200 OK\r\n\r\nhello".to_owned(),
        "junk\r\nHTTP/1.1 200 OK\r\n\r\nhello".to_owned(),
        "HTTP/3.0 200 OK\r\n\r\nhello".to_owned(),
        "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        format!("HTTP/1.1 199 Odd\r\n\r\n{OK}\r\nhello"),
        "HTTP/1.1 600 Odd\r\n\r\nhello".to_owned(),
        "HTTP/1.1 999 Odd\r\n\r\nhello".to_owned(),
        format!("{OK}Content-Length: 5\r\n"),
        format!("{OK}Content-Length: -5\r\n\r\nhello"),
        format!("{OK}Content-Length:\r\n\r\nhello"),
        "HTTP/1.1 200\r\n\r\nhello".to_owned(),
        "HTTP/1.1 200 OK\n\nhello".to_owned(),
        "HTTP/1.0 200 OK\r\n\r\nhello".to_owned(),
        "HTTP/1.1 204 No Content\r\n\r\nhello".to_owned(),
        format!("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n{OK}\r\nhello"),
        format!("{OK}Content-Length: 50\r\n\r\nhello"),
        format!("{OK}Content-Length: 5\r\n\r\nhello, and more"),
        format!("{OK}Content-Length: x\r\n\r\nhello"),
        format!("{OK}no colon\r\n\r\nhello"),
        format!("{OK}Nul: \0\r\n\r\nhello"),
        format!("{OK}Folded: a\r\n b\r\n\r\nhello"),
        format!("{CHUNKED}5;a=b\r\nhello\r\n0\r\nSum: 1\r\n\r\n"),
        format!("{CHUNKED}5\r\nhello\r\n"),
        format!("{CHUNKED}50\r\nhello"),
        format!("{CHUNKED}5\r\nhello\r\n0\r\n"),
        format!("{CHUNKED}hello\r\n"),
        format!("{CHUNKED}5\r\nhelloworld\r\n0\r\n\r\n"),
        format!("{CHUNKED}FFFFFFFFFFFFFFFFF\r\nhello"),
        format!("{OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
        format!("{OK}Space : x\r\n\r\nhello"),
        format!("{OK}X: {}\r\n\r\nhello", "x".repeat(90_000)),
        format!("{OK}{}\r\nhello", "X: y\r\n".repeat(101)),
        format!("{OK}Content-Length: 5, 5\r\n\r\nhello, and more"),
        format!("{CHUNKED}5 \r\nhello\r\n0\r\n\r\n"),
    ] {
        let [ours, theirs] = ends(&answer);
        assert_eq!(ours, theirs, "{answer:?}");
    }
    let reset = Fake::new(Talk::ignore_request);
    let (theirs, ours) = (run(&mut curl(&[reset.url("/")]), b""), fetch(&[reset.url("/")]));
    assert_eq!((ours.code, theirs.code), (Some(56), Some(56)));
}

/// What curl (7.88) makes something of, or calls by another number, and we call 8, or 56 in a body,
/// 1 where it is another protocol, 18 where an end is missing: no answer at all, or one that another
/// reader could understand in another way. A later curl that
/// comes to see it as we do is welcome.
#[test]
fn what_is_refused_here_only() {
    if !needs("curl") {
        return;
    }
    for (answer, code, curls) in [
        ("HTTP/1.1 200 OK".to_owned(), 18, 52),
        (OK.to_owned(), 18, 0),
        (format!("{OK}X: y\r\n"), 18, 0),
        ("HTTP/1.1 20 OK\r\n\r\n".to_owned(), 8, 1),
        ("HTTP/1.1 099 OK\r\n\r\n".to_owned(), 8, 1),
        ("HTTP/1.1  200 OK\r\n\r\n".to_owned(), 8, 0),
        ("http/1.1 200 OK\r\n\r\n".to_owned(), 1, 0),
        ("HTTP/2.0 200 OK\r\n\r\n".to_owned(), 1, 0),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello".to_owned(), 8, 0),
        (format!("{OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), 8, 0),
        (format!("{OK}Content-Length: 5, 6\r\n\r\nhello"), 8, 0),
        (format!("{OK}Content-Length: +5\r\n\r\nhello"), 8, 0),
        (format!("{OK}Content-Length: 0x5\r\n\r\nhello"), 8, 0),
        (format!("{OK}Transfer-Encoding: x\r\n\r\nhello"), 8, 61),
        (format!("{OK}Transfer-Encoding: x, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 8, 61),
        (CHUNKED.replace("1.1", "1.0") + "5\r\nhello\r\n0\r\n\r\n", 8, 0),
        (format!("{OK} X: y\r\n\r\nhello"), 8, 43),
        (format!("{OK}X: a\rb\r\n\r\nhello"), 8, 0),
        (format!("{OK}Content-Length: 99999999999999999999999\r\n\r\nhello"), 8, 0),
        (CHUNKED.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), 8, 0),
        (format!("{OK}Bad Name: x\r\n\r\nhello"), 8, 0),
        (format!("{OK}Escape: \x1b[2J\r\n\r\nhello"), 8, 0),
        ("HTTP/1.1 100 Continue\r\n\r\n".repeat(101) + OK + "\r\nhello", 8, 0),
        (format!("{CHUNKED}5\nhello\n0\n\n"), 56, 0),
    ] {
        let start: String = answer.chars().take(99).collect();
        let [ours, theirs] = ends(&answer);
        assert_eq!(ours, (String::new(), 0, Some(code)), "{start:?}");
        assert!([Some(curls), ours.2].contains(&theirs.2), "{start:?}: {theirs:?}");
    }
}
