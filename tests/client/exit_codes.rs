//! How `client` ends: with curl's exit codes, and one line that names the error.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;

use super::fake::{Fake, Talk};
use super::{client, fetch, fetched};
use crate::support::{Finished, Folder, Server, run};

/// Returns a URL without a listener: its port was bound and released.
fn deserted() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    format!("http://{}/", listener.local_addr().expect("it is bound"))
}

/// Runs a line of shell in which `"$@"` is `client` with these arguments.
fn shell(line: &str, args: &[&str]) -> Finished {
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh", env!("CARGO_BIN_EXE_client")]).args(args);
    run(command.env_remove("RUST_LOG"), b"")
}

fn reset_before_the_body_is_out() -> Fake {
    Fake::new(Talk::ignore_request)
}

fn reset_in_the_body() -> Fake {
    Fake::new(|talk| {
        talk.ignore_request()?;
        talk.say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")
    })
}

/// Each exit code in the help occurs, with one line that says why.
#[test]
fn every_code_in_the_help_comes_up() {
    let server = Server::start(&[]);
    let (page, lost) = (&server.url("/-/health"), &server.url("/nowhere"));
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 32 << 20]);
    let large = &format!("@{}", folder.join("large").display());
    let nowhere = folder.join("no/such/file");
    let (nowhere, from_nowhere) =
        (nowhere.to_str().expect("UTF-8"), &format!("@{}", nowhere.display()));
    let label_too_long = &format!("http://{}.invalid/", "x".repeat(64));
    let (cut, garbage, doubtful, closing, silent) = (
        Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"),
        Fake::saying("220 mail.example.org ESMTP\r\n"),
        Fake::saying("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!"),
        Fake::saying(""),
        Fake::new(Talk::wait),
    );
    let moved = Fake::new(|talk| {
        talk.head()?;
        talk.say("HTTP/1.1 307 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")?;
        talk.rest().map(drop)
    });
    let moved = &moved.url("/");
    let coded =
        Fake::saying("HTTP/1.1 200 OK\r\nContent-Encoding: x\r\nContent-Length: 1\r\n\r\nx");
    let coded = &coded.url("/");
    let (cut, garbage, doubtful) = (&cut.url("/"), &garbage.url("/"), &doubtful.url("/"));
    let (closing, silent) = (&closing.url("/"), &silent.url("/"));
    let (unsendable, broken) = (reset_before_the_body_is_out(), reset_in_the_body());
    let (unsendable, broken) = (&unsendable.url("/"), &broken.url("/"));
    let mut seen = BTreeSet::from([0]);
    assert_eq!(fetched(&[page]), "ok\n");
    assert!(
        fetched(&["-i", lost]).starts_with("HTTP/1.1 404 Not Found\r\n"),
        "that is an answer too"
    );
    for (code, args, says) in [
        (1, &["ftp://127.0.0.1/"][..], "\"ftp\" is not a supported protocol"),
        (1, &["https://127.0.0.1/"], "\"https\" is not a supported protocol"),
        (1, &[garbage], "check that it is an HTTP server"),
        (2, &["--no-such-flag", page], "--no-such-flag"),
        (2, &["help"], "unknown command \"help\"; did you mean client --help?"),
        (2, &["bnch", page], "unknown command \"bnch\"; did you mean client bench?"),
        (2, &["--timeout", "1", page], "did you mean --max-time?"),
        (2, &["-v"], "no URL"),
        (2, &["-X"], "-X requires a value: METHOD"),
        (2, &["-X", "GET /", page], "is not a valid method name"),
        (2, &["-H", "no colon", page], "'Name: value'"),
        (2, &["-H", "a b: c", page], "the header field is not valid"),
        (2, &["-A", "a\r\nb: c", page], "the header field is not valid"),
        (2, &["-e", "a\nb", page], "the header field is not valid"),
        (2, &["-r", "0-1\r\nX: y", page], "-r: invalid value"),
        (2, &["-u", "ada", page], "right: user:password"),
        (2, &["-F", "x", page], "name=@FILE"),
        (2, &["-F", "x=y;z", page], "--form-string"),
        (2, &["-F", "x=y;type=a\r\nb", page], "right: type=text/plain"),
        (3, &["-G", "-d", "a\r\nb: c", page], "a line end, at byte"),
        (2, &["-m", "soon", page], "a number of seconds"),
        (2, &["-I", "-d", "x", page], "right: one of them"),
        (3, &["http://"], "the URL is not valid"),
        (3, &["http://127.0.0.1:99999/"], "is not a host and port"),
        (5, &["-x", label_too_long, page], "could not find the address of the proxy xxx"),
        (6, &[label_too_long], "could not find the address of xxx"),
        (7, &[&deserted()], "check that a server is running there"),
        (8, &[doubtful], "RFC 9112, 6.3) in \"Content-Length: 5, 6\\r\\n\""),
        (18, &[cut], "5 bytes received, 45 missing"),
        (22, &["-f", lost], "returned error: 404"),
        (22, &["--fail-with-body", "-o", "/dev/null", lost], "returned error: 404"),
        (23, &["-o", nowhere, page], "could not write"),
        (23, &["-o", "/", page], "could not write /"),
        (23, &["-O", "-C", "-", "http://127.0.0.1/a/.."], "right: -o FILE"),
        (33, &["-C", "3", &server.url("/sleep/1")], "cannot be continued"),
        (2, &["-C", "-", page], "right: -C - -o FILE"),
        (2, &["-w", "%{nonsense}", page], "\"nonsense\" is not a known figure"),
        (2, &["--limit-rate", "1x", page], "100k"),
        (25, &["-0", "-T", "-", page], "HTTP/1.0 has no chunked coding"),
        (26, &["-T", nowhere, page], "could not read"),
        (26, &["-T", "/", page], "is a directory"),
        (26, &["-w", from_nowhere, page], "could not read"),
        (26, &["-d", from_nowhere, page], "could not read"),
        (26, &["-F", &format!("a={from_nowhere}"), page], "could not read"),
        (26, &["--json", "@/", page], "could not read /"),
        (28, &["-m", "0.2", silent], "timed out after 200ms while waiting for the response"),
        (2, &["-T", nowhere, "-d", "x", page], "right: one"),
        (47, &["-L", "--max-redirs", "0", moved], "more than 0 redirects"),
        (49, &["--resolve", "a", page], "right: HOST:PORT:ADDRESS"),
        (61, &["--compressed", coded], "coding"),
        (63, &["--max-filesize", "2", page], "longer than --max-filesize permits"),
        (65, &["-L", "-H", "Expect:", "-T", "/dev/zero", moved], "requires the body again"),
        (52, &[closing], "closed the connection without a response"),
        (55, &["-d", large, "-H", "Expect:", unsendable], "could not send the request"),
        (56, &[broken], "could not receive the response"),
    ] {
        let case = format!("client {}", args.join(" "));
        let finished = fetch(args);
        let said = finished.failed(code, &case);
        assert!(said.contains(says), "{case}: {said}");
        seen.insert(code);
    }
    let help = fetched(&["--help", "all"]);
    let (_, table) = help.split_once("Exit codes").expect("a table of exit codes");
    let (table, _) = table.split_once("\n\n").expect("a blank line behind it");
    let words = table.split_whitespace();
    let documented: BTreeSet<u8> = words.filter_map(|word| word.parse().ok()).collect();
    assert_eq!(seen, documented);
}

/// Without a name server the client reports, in time, that the look-up failed; with one, that the host does
/// not exist.
#[test]
fn a_name_without_an_address() {
    let finished = fetch(&["--connect-timeout", "2", "http://nosuchhost.invalid/"]);
    let code = if finished.code == Some(28) { 28 } else { 6 };
    let said = finished.failed(code, "nosuchhost.invalid");
    assert!(said.contains("nosuchhost.invalid") || said.contains("looking up the host"), "{said}");
}

#[test]
fn silent_is_silent_unless_errors_are_to_be_shown() {
    let folder = Folder::new();
    let nowhere = folder.join("no/such/file");
    let nowhere = nowhere.to_str().expect("UTF-8");
    let server = Server::start(&[]);
    for (code, args) in [
        (7, &[&*deserted()][..]),
        (3, &["http://"]),
        (26, &["-d", &format!("@{nowhere}"), "127.0.0.1"]),
        (23, &["-o", nowhere, &server.url("/-/health")]),
    ] {
        for silent in [&["-s"][..], &["--silent"]] {
            let finished = fetch(&[silent, args].concat());
            assert_eq!((finished.code, finished.stderr.as_str()), (Some(code.into()), ""));
        }
        for shown in [&["-sS"][..], &["-S"], &["-s", "--show-error"]] {
            fetch(&[shown, args].concat()).failed(code, "-S");
        }
    }
}

#[test]
fn a_failed_transfer_does_not_stop_the_others() {
    let server = Server::start(&[]);
    let (page, dead) = (&server.url("/-/health"), &deserted());
    let finished = fetch(&[dead, page]);
    assert_eq!((finished.code, &finished.stdout[..]), (Some(0), &b"ok\n"[..]), "as curl has it");
    assert!(finished.stderr.starts_with("client: (7) "), "{}", finished.stderr);
    let finished = fetch(&[page, dead, page, "http://"]);
    assert_eq!(finished.stdout, b"ok\nok\n");
    assert_eq!((finished.code, finished.stderr.lines().count()), (Some(3), 2));
}

#[test]
fn an_output_that_cannot_be_written_is_23() {
    let server = Server::start(&[]);
    let (small, large) = (&server.url("/bytes/1"), &server.url("/bytes/1000000"));
    for (line, args) in [
        ("\"$@\" > /dev/full", &[&**small][..]),
        ("\"$@\" > /dev/full", &[large]),
        ("\"$@\" > /dev/full", &["-I", small]),
        ("\"$@\" > /dev/full", &["--help"]),
        ("\"$@\"", &["-o", "/dev/full", large]),
    ] {
        let finished = shell(line, args);
        finished.failed(23, &format!("{args:?}"));
    }
}

#[test]
fn a_closed_stdout_is_not_an_error() {
    let server = Server::start(&[]);
    let line = "{ \"$@\"; echo $? >&2; } | head -c 1";
    let finished = shell(line, &[&server.url("/bytes/10000000000")]);
    assert_eq!((&finished.stdout[..], finished.stderr.as_str()), (&b"a"[..], "0\n"));
    let finished = shell("{ sleep 0.2; \"$@\"; echo $? >&2; } | true", &["--help"]);
    assert_eq!(finished.stderr, "0\n");
    let gone = "{ sleep 0.2; \"$@\" 2>&1 >/dev/null; echo $? >&3; } 3>&2 | true";
    let finished = shell(gone, &["-v", &server.url("/-/health")]);
    assert_eq!(finished.stderr, "0\n", "nobody reads what -v says");
}

/// Runs `client` with these arguments, `~` being the server; the reader of its stdout leaves after a
/// byte. Returns the exit code and stderr.
fn abandoned(server: &Server, args: &[&str]) -> (String, String) {
    let args: Vec<String> = args.iter().map(|arg| arg.replace('~', &server.url(""))).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let finished = shell("{ \"$@\"; echo \"exit $?\" >&2; } | head -c 1", &args);
    let (said, code) = finished.stderr.rsplit_once("exit ").expect("it ended");
    (code.trim_end().to_owned(), said.to_owned())
}

/// Two outputs go elsewhere, and the exit code tells that the third one is lost.
#[test]
fn a_reader_that_leaves_takes_no_other_transfer_with_it() {
    let server = Server::start(&[]);
    let large = "~/bytes/10000000";
    for flags in [&["-s"][..], &["-sZ"], &["-sw", "%{http_code}\n"], &["-s", "--pipeline"]] {
        let folder = Folder::new();
        let [two, three] = ["two", "three"].map(|name| folder.join(name).display().to_string());
        let files = ["-o", "-", large, "-o", &two, "~/bytes/20", "-o", &three, "~/bytes/30"];
        let (code, said) = abandoned(&server, &[flags, &files].concat());
        assert_eq!((code.as_str(), said.as_str()), ("23", ""), "{flags:?}");
        for (path, length) in [(&two, 20), (&three, 30)] {
            assert_eq!(std::fs::read(path).expect("it is there").len(), length, "{flags:?}");
        }
    }
    let (code, said) = abandoned(&server, &[large, "~/-/health"]);
    assert!(code == "23" && said.contains("/bytes/10000000: could not write stdout: "), "{said}");
    // The figures of a transfer whose output is a file are lost; the file is not.
    let folder = Folder::new();
    let [one, two] = ["one", "two"].map(|name| folder.join(name).display().to_string());
    folder.write("figures", "x".repeat(1 << 20));
    let figures = format!("@{}", folder.join("figures").display());
    let args = ["-s", "-w", &figures, "-o", &one, "~/bytes/20", "-o", &two, "~/bytes/30"];
    assert_eq!(abandoned(&server, &args).0, "23");
    assert_eq!(std::fs::read(&two).expect("it is there").len(), 30);
}

#[test]
fn a_lone_transfer_whose_reader_leaves_is_silent() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let lines = folder.join("lines").display().to_string();
    for flags in [&[][..], &["-w", "%{http_code}"], &["--json-out", &lines], &["-i"]] {
        let (code, said) = abandoned(&server, &[flags, &["~/bytes/10000000"]].concat());
        assert_eq!((code.as_str(), said.as_str()), ("0", ""), "{flags:?}");
    }
    let line = std::fs::read_to_string(&lines).expect("it is there");
    assert!(line.contains("\"exitcode\":0,\"errormsg\":null"), "{line}");
}

/// A full disk below one output is no reason to drop the others.
#[test]
fn an_output_that_is_lost_is_told_in_the_end() {
    let server = Server::start(&[]);
    let (one, two) = (&server.url("/bytes/10"), &server.url("/bytes/20"));
    let folder = Folder::new();
    let file = folder.join("two").display().to_string();
    for args in [
        &["-o", "/dev/full", one, "-o", &file, two][..],
        &["-w", "x", "-o", "/dev/null", one, "-o", &file, two],
        &["--json-out", "/dev/full", "-o", "/dev/null", one, "-o", &file, two],
    ] {
        let finished = shell("\"$@\" > /dev/full", args);
        assert_eq!(finished.code, Some(23), "{args:?}: {}", finished.stderr);
        assert_eq!(std::fs::read(&file).expect("it is there").len(), 20, "{args:?}");
        std::fs::remove_file(&file).expect("it is ours");
    }
}

#[test]
fn logs_go_to_stderr_only() {
    let server = Server::start(&[]);
    let finished = run(client(&[server.url("/-/health")]).env("RUST_LOG", "trace"), b"");
    assert_eq!((finished.code, &finished.stdout[..]), (Some(0), &b"ok\n"[..]));
    assert!(finished.stderr.contains("> GET /-/health HTTP/1.1"), "{}", finished.stderr);
}

/// A password, a token or a form's content is in no text, whatever is wrong with the argument that has it:
/// neither in an error, nor in a report, nor in a log.
#[test]
fn no_secret_is_in_any_text() {
    let dead = &*deserted();
    let check = |args: &[&str], variable: Option<&str>| {
        let mut command = client(args);
        command.env("RUST_LOG", "debug");
        if let Some(proxy) = variable {
            command.env("http_proxy", proxy);
        }
        let finished = run(&mut command, b"");
        let text = String::from_utf8_lossy(&finished.stdout) + &*finished.stderr;
        assert_ne!(finished.code, Some(0), "{args:?}");
        for secret in ["s3cret", "98765"] {
            assert!(!text.contains(secret), "{args:?} {variable:?}: {text}");
        }
        assert!(text.contains("client: ("), "{args:?}: {text}");
    };
    for proxy in [
        "http://u:s3cret#w@h:1",
        "http://u:s3cret/w@h:1",
        "http://u:s3cret?w@h:1",
        "http://u:987654#w@h:1",
        "http://u:9876#98765@127.0.0.1:1",
        "u:s3cret",
        "u:s3cret@h:x",
        "u:p@s3cret@h:1",
        "u:s3cret://h",
        "socks5://u:s3cret@h:1",
        "http://u:s3cret%0a@h:1",
    ] {
        check(&["-x", proxy, dead], None);
        check(&[dead], Some(proxy));
    }
    check(&["-x", "127.0.0.1:1", "-U", "u:s3cret%00", dead], None);
    for url in [
        "http://u:s3cret@127.0.0.1:1/",
        "http://u:s3cret#w@127.0.0.1:1/",
        "http://u:s3cret/w@127.0.0.1:1/",
        "http://u:s3cret?w@127.0.0.1:1/",
        "http://u:987654#w@127.0.0.1:1/",
        "http://u:s3cret@127.0.0.1:99999/",
        "https://u:s3cret@127.0.0.1:1/",
        "u:s3cret@127.0.0.1:1",
    ] {
        for args in [&["-w", "%{errormsg} %{url}"][..], &["--json-out", "-"], &["where"], &["-v"]] {
            check(&[args, &[url]].concat(), None);
        }
        check(&["bench", "-n", "1", url], None);
    }
    check(&["u:s3cret"], None);
    check(&["u:s3cret://127.0.0.1:1"], None);
    for args in [
        &["-u", "s3cret"][..],
        &["-U", "s3cret"],
        &["-H", "Authorization Basic s3cret"],
        &["-H", "Authorization Basic s3cret: x"],
        &["-H", "Authorization: Basic s3cret\r\n"],
        &["-H", "Cookie=s3cret: x"],
        &["-F", "password=s3cret;x"],
        &["-F", "password=\"s3cret\"x"],
        &["-F", "s3cret"],
        &["--form-string", "s3cret"],
        &["--usr=u:s3cret"],
        &["--silent=u:s3cret"],
        &["-u", "u:s3cret", "-H", "X: \u{1}"],
    ] {
        check(&[args, &[dead]].concat(), None);
    }
}
