//! Each flag of `client`, by what it does.

use std::fs;

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, Server, masked, run};

/// The first request that a listener gets from this command line, where `~` is the listener.
fn sent(args: &[&str], stdin: &str) -> String {
    let fake = Fake::hello(1);
    let args: Vec<_> = args.iter().map(|arg| arg.replace('~', &fake.url(""))).collect();
    assert_eq!(run(&mut client(&args), stdin.as_bytes()).succeeded(), "hello");
    masked(fake.requests()[0].replace(&fake.address(), "a:1").as_bytes())
}

const DEFAULTS: &str = "Host: a:1\r\nUser-Agent: threadbare/(version)\r\nAccept: */*\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn a_page_arrives_byte_for_byte() {
    let folder = Folder::new();
    let every_byte: Vec<u8> = (0..=255).cycle().take(300_001).collect();
    for (name, bytes) in [("bytes.bin", &every_byte[..]), ("empty.txt", b""), ("n", b"\0\r\n\r")] {
        folder.write(name, bytes);
    }
    let server = Server::of(&folder, &[]);
    for (name, bytes) in [("bytes.bin", &every_byte[..]), ("empty.txt", b""), ("n", b"\0\r\n\r")] {
        let finished = fetch(&[server.url(&format!("/{name}"))]);
        assert!(finished.stdout == bytes, "{name} is not what it was");
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    }
    assert_eq!(fetch(&[server.url("/bytes/5000000")]).stdout.len(), 5_000_000);
}

#[test]
fn include_prints_the_head_and_head_prints_nothing_else() {
    let folder = Folder::with(&[("a.txt", "hello\n")]);
    let server = Server::of(&folder, &[]);
    let whole = server.exchange("GET /a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let whole = whole.replace("Connection: close\r\n", "");
    let url = &server.url("/a.txt");
    for flag in ["-i", "--include"] {
        assert_eq!(masked(fetched(&[flag, url]).as_bytes()), whole);
    }
    let head = whole.strip_suffix("hello\n").unwrap();
    for flag in ["-I", "--head"] {
        assert_eq!(masked(fetched(&[flag, url]).as_bytes()), head);
    }
    assert_eq!(masked(fetched(&["-i", "-I", url]).as_bytes()), head);
    assert_eq!(masked(fetched(&["-I", "-X", "GET", url]).as_bytes()), head, "whatever comes");
    let both = masked(fetched(&["-i", url, url]).as_bytes());
    assert_eq!(both, whole.repeat(2), "each head before its body");
}

#[test]
fn verbose_tells_all_of_it_and_the_connection_is_used_again() {
    let server = Server::start(&[]);
    let (address, port) = (server.address(), server.address().port());
    let finished = fetch(&["-v", &server.url("/-/health"), &server.url("/bytes/2")]);
    assert_eq!((finished.code, &finished.stdout[..]), (Some(0), &b"ok\nab"[..]));
    let story = |path: &str, kind: &str, length: u8| {
        format!(
            "> GET {path} HTTP/1.1\n> Host: {address}\n> User-Agent: threadbare/(version)\n\
             > Accept: */*\n> \n< HTTP/1.1 200 OK\n< Content-Type: {kind}\n\
             < Server: threadbare/(version)\n< Content-Length: {length}\n< \n\
             * Connection #0 to host 127.0.0.1 left intact\n"
        )
    };
    let want = format!(
        "*   Trying {address}...\n* Connected to 127.0.0.1 (127.0.0.1) port {port} (#0)\n{}\
         * Re-using existing connection #0 with host 127.0.0.1\n{}",
        story("/-/health", "text/plain; charset=utf-8", 3),
        story("/bytes/2", "application/octet-stream", 2),
    );
    let lines = finished.stderr.split_inclusive('\n');
    let told: String = lines
        .filter(|line| !line.starts_with("< Date: ") && !line.starts_with("< Server-Timing: queue"))
        .collect();
    assert_eq!(masked(told.as_bytes()), want);
}

#[test]
fn several_urls_share_one_connection() {
    let fake = Fake::hello(3);
    assert_eq!(fetched(&[fake.url("/a"), fake.url("/b"), fake.url("/c")]), "hellohellohello");
    assert_eq!(fake.connections(), 1);
    let lines = fake.requests();
    let lines: Vec<_> = lines.iter().filter_map(|request| request.lines().next()).collect();
    assert_eq!(lines, ["GET /a HTTP/1.1", "GET /b HTTP/1.1", "GET /c HTTP/1.1"]);
}

#[test]
fn the_nth_output_is_for_the_nth_url() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let (first, second) = (folder.join("first"), folder.join("second"));
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    folder.write("second", "what was there before, and is longer");
    let url = |count: u32| server.url(&format!("/bytes/{count}"));
    let args = ["-o", first, &url(1), &url(2), "--output", second, &url(3)];
    assert_eq!(fetched(&args), "abc", "the third has none");
    assert_eq!(fs::read_to_string(first).unwrap(), "a");
    assert_eq!(fs::read_to_string(second).unwrap(), "ab");
    assert_eq!(fetched(&["-o", "-", "-o", second, &url(3), &url(4)]), "abc");
    assert_eq!(fs::read_to_string(second).unwrap(), "abcd");
    assert_eq!(fetched(&["-i", "-o", first, &url(1)]), "");
    let text = fs::read_to_string(first).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\na"), "{text}");
}

#[test]
fn fields_are_added_replaced_emptied_and_removed() {
    let agent = "User-Agent: threadbare/(version)\r\n";
    for (fields, want) in [
        (&[][..], DEFAULTS.to_owned()),
        (&["X-A: b", "x-a:c"], format!("{DEFAULTS}X-A: b\r\nx-a: c\r\n")),
        (&["X-A: b: c; d"], format!("{DEFAULTS}X-A: b: c; d\r\n")),
        (&["X: \u{e9}"], format!("{DEFAULTS}X: \u{e9}\r\n")),
        (&["accept: text/html"], format!("Host: a:1\r\n{agent}accept: text/html\r\n")),
        (&["Host: b"], format!("Host: b\r\n{agent}Accept: */*\r\n")),
        (&["X-A;"], format!("{DEFAULTS}X-A: \r\n")),
        (&["Accept:", "user-agent:"], "Host: a:1\r\n".to_owned()),
        (&["Host:"], format!("{agent}Accept: */*\r\n")),
        (&["X-Unknown:"], DEFAULTS.to_owned()),
        (&["Content-Length: 0"], format!("{DEFAULTS}Content-Length: 0\r\n")),
        (&["Expect: 100-continue"], DEFAULTS.to_owned()), // nothing is to be waited with
    ] {
        let mut args = vec!["~/"];
        fields.iter().for_each(|field| args.extend(["-H", field]));
        assert_eq!(sent(&args, ""), format!("GET / HTTP/1.1\r\n{want}\r\n"), "{fields:?}");
    }
}

#[test]
fn bodies_come_from_the_line_from_files_and_from_stdin() {
    let folder = Folder::with(&[("form", "a=1\r\n&b=2\n")]);
    let file = &format!("@{}", folder.join("form").display());
    for (args, body) in [
        (&["-d", "a=1"][..], "a=1"),
        (&["-d", "a=1", "--data", "b=2 3"], "a=1&b=2 3"),
        (&["-d", file], "a=1&b=2"),
        (&["-d", "@-"], "typed=in"),
        (&["-d", "x", "-d", file, "-d", "@-"], "x&a=1&b=2&typed=in"),
        (&["-d", ""], ""),
        (&["-d=@x"], "=@x"),
    ] {
        let request = sent(&[&["~/"], args].concat(), "typed=in\n");
        let length = format!("Content-Length: {}\r\n", body.len());
        let want = format!("POST / HTTP/1.1\r\n{DEFAULTS}{FORM}{length}\r\n{body}");
        assert_eq!(request, want, "{args:?}");
    }
    let request = sent(&["-d", "x", "-H", "content-type: text/plain", "~/"], "");
    assert!(request.contains("\r\ncontent-type: text/plain\r\n") && !request.contains(FORM));
    assert!(!sent(&["-d", "x", "-H", "Content-Type:", "~/"], "").contains("Content-Type"));
}

#[test]
fn json_is_sent_as_it_is_and_asked_for() {
    let folder = Folder::with(&[("json", "[1,\n2]\n")]);
    let file = &format!("@{}", folder.join("json").display());
    let agent = "Host: a:1\r\nUser-Agent: threadbare/(version)\r\n";
    let kinds = "Content-Type: application/json\r\nAccept: application/json\r\n";
    for (args, body) in [
        (&["--json", "{}"][..], "{}"),
        (&["--json", file], "[1,\n2]\n"),
        (&["--json", "@-"], "{\"typed\":\n1}\n"),
        (&["--json", "[", "--json", "]"], "[]"),
    ] {
        let request = sent(&[&["~/"], args].concat(), "{\"typed\":\n1}\n");
        let length = format!("Content-Length: {}\r\n", body.len());
        let want = format!("POST / HTTP/1.1\r\n{agent}{kinds}{length}\r\n{body}");
        assert_eq!(request, want, "{args:?}");
    }
}

#[test]
fn any_method_and_both_versions() {
    for (args, want) in [
        (&["-X", "DELETE"][..], format!("DELETE / HTTP/1.1\r\n{DEFAULTS}\r\n")),
        (&["--request", "BREW"], format!("BREW / HTTP/1.1\r\n{DEFAULTS}\r\n")),
        (&["-XPUT"], format!("PUT / HTTP/1.1\r\n{DEFAULTS}Content-Length: 0\r\n\r\n")),
        (
            &["-X", "PUT", "-d", "x"],
            format!("PUT / HTTP/1.1\r\n{DEFAULTS}{FORM}Content-Length: 1\r\n\r\nx"),
        ),
        (&["--http1.0"], format!("GET / HTTP/1.0\r\n{DEFAULTS}\r\n")),
    ] {
        assert_eq!(sent(&[&["~/"], args].concat(), ""), want);
    }
    let server = Server::start(&[]);
    let (first, second) = (server.url("/bytes/1"), server.url("/bytes/2"));
    assert_eq!(fetched(&["--http1.0", &first, &second]), "aab", "each on its connection");
}

/// What was typed means what curl takes it for, or is refused: it never quietly means something else.
#[test]
fn what_was_typed_is_what_is_sent_or_is_refused() {
    for (range, sends) in [
        ("4", "4-"),
        ("0", "0-"),
        ("4-", "4-"),
        ("-4", "-4"),
        ("0-1,3-", "0-1,3-"),
        ("0-1, -3", "0-1, -3"),
    ] {
        let request = sent(&["-r", range, "~/"], "");
        assert!(request.contains(&format!("\r\nRange: bytes={sends}\r\n")), "{range}: {request}");
    }
    let fake = Fake::hello(9);
    let url = &*fake.url("/");
    for range in ["", "-", "x", "4x", "+4", "1-2,4", "5-3", "bytes=0-1", "1-2-3", "1,", "1-2;3-4"] {
        let finished = fetch(&["-r", range, url]);
        assert!(finished.failed(2, range).contains("right: 0-99, 100- or -100"), "{range}");
    }
    let one_slash = fake.url("/one").replace("http://", "http:/");
    for url in [&*one_slash, &one_slash.replace("http:", "HTTP:")] {
        assert_eq!(fetched(&[url]), "hello");
    }
    assert_eq!(fetched(&["-x", &fake.url("").replace("http://", "http:/"), "http:/a/"]), "hello");
    let want = ["GET /one HTTP/1.1", "GET /one HTTP/1.1", "GET http://a/ HTTP/1.1"];
    for (request, want) in fake.requests().iter().zip(want) {
        assert!(request.starts_with(want), "{request}");
    }
    for (url, code) in [("https:/127.0.0.1/", 1), ("ftp:/127.0.0.1/", 1), ("http:/", 3)] {
        fetch(&[url]).failed(code, url);
    }
    let folder = Folder::with(&[("a.txt", "a"), ("b.txt", "b")]);
    let name = |name: &str| folder.join(name).display().to_string();
    let (a, b) = (&name("a.txt"), &name("b.txt"));
    let wrong = format!("f=@{a};type=text");
    let finished = fetch(&["-F", &wrong, url]);
    assert!(finished.failed(2, &wrong).contains("right: type=text/plain"), "{}", finished.stderr);
    let both = [format!("f=@{a};type=m/f"), format!("f=@{b}")];
    let form = sent(&["-F", &both[0], "-F", &both[1], "~/"], "");
    for part in ["filename=\"a.txt\"\r\nContent-Type: m/f\r\n\r\na\r\n", "filename=\"b.txt\"\r\n"] {
        assert!(form.contains(part), "{form}");
    }
}

#[test]
fn urls_may_be_short() {
    let server = Server::start(&[]);
    let port = server.address().port();
    for (url, target, host) in [
        (format!("http://127.0.0.1:{port}/echo?x=1#y"), "/echo?x=1", "127.0.0.1"),
        (format!("127.0.0.1:{port}/echo"), "/echo", "127.0.0.1"),
        (format!(":{port}/echo"), "/echo", "localhost"),
        (format!("HTTP://LOCALHOST:{port}/echo"), "/echo", "localhost"),
        (format!("127.0.0.1:{port}/echo?a b"), "/echo?a%20b", "127.0.0.1"),
    ] {
        let head = fetched(&[&url]);
        let want = format!("GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\n");
        assert!(head.starts_with(&want), "{url}: {head}");
    }
}

#[test]
fn users_are_made_changed_and_deleted() {
    let server = Server::start(&[]);
    let (users, first) = (&server.url("/users"), &server.url("/users/1"));
    let made = fetched(&["-d", "name=Ada Lovelace", "-d", "email=ada@example.org", users]);
    assert!(made.contains(r#""firstName":"Ada","lastName":"Lovelace""#), "{made}");
    let bob = r#"{"name":"Bob","email":"bob@example.org"}"#;
    assert!(fetched(&["--json", bob, users]).contains(r#""id":2"#));
    let replaced = fetched(&["-X", "PUT", "--json", bob, first]);
    assert!(replaced.contains(r#""id":1,"firstName":"Bob""#), "{replaced}");
    assert!(fetched(&["-iX", "DELETE", first]).starts_with("HTTP/1.1 204 No Content\r\n"));
    assert!(fetched(&["-I", first]).starts_with("HTTP/1.1 404 Not Found\r\n"));
    assert!(fetched(&[users]).contains(r#"{"users":[{"id":2,"#));
}

#[test]
fn help_version_and_no_arguments() {
    let help = fetched(&["--help"]);
    assert!(help.starts_with("Usage: client [FLAG]... URL...\n"), "{help}");
    assert_eq!(fetched(&["-h"]), help);
    assert_eq!(fetched(&["-v", "--help", "-o"]), help, "help comes first");
    let version = fetched(&["--version"]);
    let start = concat!("client (threadbare) ", env!("CARGO_PKG_VERSION"), "\nFeatures: ");
    assert!(version.starts_with(start) && version.lines().count() == 2, "{version}");
    assert_eq!(fetched(&["-V"]), version);
    let nothing = fetch::<&str>(&[]);
    assert_eq!((nothing.code, nothing.stdout.is_empty()), (Some(2), true));
    assert_eq!(nothing.stderr, help, "on stderr, as nothing was done");
}

/// A range of a billion is asked for one by one, also by several threads.
#[test]
fn globs_are_several_urls() {
    let fake = Fake::hello(9);
    let url = fake.url("/[1-1000000000]");
    let folder = Folder::new();
    let name = |number: u8| folder.join(&format!("f{number}")).display().to_string();
    assert_eq!(
        fetched(&["-o", &folder.join("f#1").display().to_string(), &fake.url("/{1,2}")]),
        ""
    );
    for number in [1, 2] {
        assert_eq!(fs::read_to_string(name(number)).unwrap(), "hello");
    }
    for args in
        [&["--fail-early", "-f", "-m", "0.5"][..], &["-Z", "--fail-early", "-f", "-m", "0.5"]]
    {
        let nowhere = url.replace(&fake.port().to_string(), "1");
        assert_eq!(fetch(&[args, &["-s", &nowhere]].concat()).code, Some(7));
    }
    let said = fetch(&["http://ada:secret@h/{a"]);
    let said = said.failed(3, "an open brace");
    assert!(
        said.starts_with("http://h/{a: unmatched brace in URL position 21; right: {one,two}"),
        "{said}"
    );
    assert_eq!(fetched(&["-g", &fake.url("/{a,b}")]), "hello");
    assert!(fake.requests().concat().contains("GET /{a,b} HTTP/1.1"), "{fake:?}");
}
