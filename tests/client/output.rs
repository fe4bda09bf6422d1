//! What is told about a transfer, and about a request that is not sent; what JSON looks like.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use super::fake::Fake;
use super::{client, fetch, fetched};
use crate::support::{Folder, Server, run};

#[test]
fn a_line_of_json_about_each_transfer() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let lines = folder.join("lines");
    let (page, lost) = (server.url("/bytes/5"), server.url("/nowhere"));
    let args = ["-sf", "--json-out", lines.to_str().expect("UTF-8"), &page, &lost];
    assert_eq!(fetch(&args).code, Some(22));
    let text = fs::read_to_string(&lines).expect("it is there");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [first, second] = &lines[..] else { panic!("two lines: {text}") };
    assert_eq!((&first["url"], &first["http_code"]), (&page.clone().into(), &200.into()));
    assert_eq!((&first["size_download"], &first["num_connects"]), (&5.into(), &1.into()));
    assert_eq!((&first["exitcode"], first["errormsg"].is_null()), (&0.into(), true));
    assert_eq!((&second["exitcode"], &second["num_connects"]), (&22.into(), &0.into()));
    assert!(second["errormsg"].as_str().expect("a text").contains("404"), "{second}");
    let times: Vec<f64> = ["namelookup", "connect", "pretransfer", "starttransfer", "total"]
        .iter()
        .map(|name| first[format!("time_{name}")].as_f64().expect("a number"))
        .collect();
    assert!(times.is_sorted() && times[4] > 0.0, "{times:?}");
    assert_eq!(
        fetched(&["-w", "%{json}", "--json-out", "-", &page]).matches("\"url\":").count(),
        2
    );
}

/// Cases for [`the_same_request_three_ways`]: the arguments, `~` being a URL.
const REQUESTS: &[&[&str]] = &[
    &["~/"],
    &["~/a?b=c&d='e'#f"],
    &["-g", "~/{a,b}/../[c]"],
    &["-I", "~/"],
    &["-X", "DELETE", "~/"],
    &["-X", "POST", "~/"],
    &["--http1.0", "~/"],
    &["-A", "it's me", "~/"],
    &["-A", "", "~/"],
    &["-H", "Accept:", "-H", "X: %d \\n $HOME `x` \"y\" ü!", "~/"],
    &["-H", "Host: other", "-u", "a:b", "-e", "x", "~/"],
    &["-H", "Accept: a/b", "~/"],
    &["-d", "a=1&b='2'", "~/"],
    &["-d", "", "~/"],
    &["-d", "@-", "~/"],
    &["-d", "hello", "-H", "Transfer-Encoding: chunked", "-H", "X: y", "~/"],
    &["-X", "GET", "-d", "x", "~/"],
    &["-d", "x", "-H", "Content-Type:", "~/"],
    &["--json", "{\"a\": \"%s\\\\\"}", "~/"],
    &["--data-raw", "@x\r\ny\\", "~/"],
    &["--data-binary", "@~bytes", "~/"],
    &["-d", "@~over_a_megabyte", "~/"],
    &["--http1.0", "-d", "@~over_a_megabyte", "~/"],
    &["-X", "PATCH", "--data-raw", "-x", "-r", "0-4", "~/"],
];

/// What is sent, what `--offline` prints, and what the commands of `--as` send are the same bytes.
#[test]
fn the_same_request_three_ways() {
    let folder = Folder::new();
    folder.write("bytes", (0..=255).chain(*b"-\\0%%\r\n").collect::<Vec<u8>>());
    folder.write("over_a_megabyte", vec![b'x'; (1 << 20) + 1]);
    let has_curl = crate::support::needs("curl");
    let mut differ = Vec::new();
    for args in REQUESTS {
        let fake = Fake::hello(1);
        let place = folder.path().display();
        let put = |arg: &&str| match (arg.strip_prefix('~'), arg.strip_prefix("@~")) {
            (Some(path), _) => fake.url(path),
            (_, Some(file)) => format!("@{place}/{file}"),
            (None, None) => (*arg).to_owned(),
        };
        let args: Vec<String> = args.iter().map(put).collect();
        let with = |more: &[&str]| {
            let args: Vec<&str> =
                more.iter().copied().chain(args.iter().map(String::as_str)).collect();
            run(&mut client(&args), b"from 'stdin'\n\0")
        };
        let printed = String::from_utf8_lossy(&with(&["--offline"]).stdout).into_owned();
        let (as_nc, as_curl) =
            (with(&["--as", "nc"]).succeeded(), with(&["--as", "curl"]).succeeded());
        with(&["-s"]);
        // nc is not everywhere; what it is given is all that matters.
        let as_nc = run(&mut Command::new("sh"), format!("nc() {{ cat; }}; {as_nc}").as_bytes());
        let as_nc = String::from_utf8_lossy(&as_nc.stdout).into_owned();
        if has_curl {
            let line = format!("curl() {{ command curl -q -s --noproxy '*' \"$@\"; }}; {as_curl}");
            run(&mut Command::new("sh"), line.as_bytes());
        }
        for (way, bytes) in [
            Some(("nc", &as_nc)),
            Some(("sent", &fake.requests()[0])),
            fake.requests().get(1).map(|it| ("curl", it)),
        ]
        .into_iter()
        .flatten()
        {
            if *bytes != printed {
                let short = |text: &str| text.chars().take(600).collect::<String>();
                differ.push(format!(
                    "{way} {args:?}: {as_curl}\n{:?}\n{:?}",
                    short(bytes),
                    short(&printed)
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn json_is_made_pretty_when_asked_for() {
    let json = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"a\": [1,{}]}";
    let lines = "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n";
    let asked = |args: &[&str], colours: Option<&str>| {
        let fake = Fake::saying(json);
        let url = fake.url("/");
        let mut command = client(&[args, &[&url]].concat());
        command.env_remove("NO_COLOR");
        if let Some(value) = colours {
            command.env("NO_COLOR", value);
        }
        run(&mut command, b"").succeeded()
    };
    assert_eq!(asked(&[], None), "{\"a\": [1,{}]}", "no terminal, no change");
    assert_eq!(asked(&["--pretty", "never"], None), "{\"a\": [1,{}]}");
    assert_eq!(asked(&["--pretty", "always"], Some("1")), lines);
    assert!(asked(&["--pretty", "always"], Some("")).contains("\x1b[1;34m\"a\"\x1b[0m: ["));
    let with_head = asked(&["-i", "--pretty", "always"], Some("1"));
    assert!(
        with_head.starts_with("HTTP/1.1 200 OK\r\n") && with_head.ends_with(lines),
        "{with_head}"
    );
    let cut = Fake::saying(json.replace("13", "14"));
    let finished = fetch(&["--pretty", "always", &cut.url("/")]);
    finished.failed(18, "the body is incomplete");
    assert_eq!(finished.stdout, b"{\"a\": [1,{}]}", "what came, as it came");
}

/// What a server says is shown, and no byte of it is a command to a terminal: not ESC, and not the C1
/// controls, as a byte or in UTF-8 (ECMA-48, 5.3).
#[test]
fn what_a_server_says_does_not_control_the_terminal() {
    const FIELDS: &[u8] = b"Content-Type: \xc2\x9b31m;a=\x9b2J\r\nETag: \"\xc2\x9b2J\"\r\n\
        Location: \xc2\x9b\r\nServer-Timing: x;desc=\"\xc2\x9b2J\"\r\n";
    let answer = |line: &[u8], more: &[u8]| [line, FIELDS, more, b"\r\n"].concat();
    let fine = Fake::saying(answer(b"HTTP/1.1 302 O\xc2\x9bK \x9b\r\n", b"Content-Length: 0\r\n"));
    let rest = Fake::saying(answer(
        b"HTTP/1.1 206 OK\r\n",
        b"Content-Range: bytes 5-5/6\r\nContent-Length: 1\r\n",
    ));
    let folder = Folder::new();
    let (part, lines) = (folder.join("part"), folder.join("lines"));
    let (path, lines_path) = (part.display().to_string(), lines.display().to_string());
    fs::write(folder.join("part.part"), "hello").expect("it is ours");
    fs::write(folder.join("part.part.validator"), "\"one\"\n").expect("it is ours");
    let figures = "%{content_type} %{redirect_url} %{header_json} %{json} %{stderr}%{content_type}";
    for (args, shown) in [
        (&["-v", &fine.url("/")][..], "< HTTP/1.1 302 O\\xC2\\x9BK \\x9B\n"),
        (&["--explain", &fine.url("/")], "< ETag: \"\\xC2\\x9B2J\"\n"),
        (&["-w", figures, &fine.url("/")], "\\xC2\\x9B31m;a="),
        (&["-w", figures, &fine.url("/")], "\"etag\":[\"\\\"\\u009b2J\\\"\"]"),
        (&["--json-out", &lines_path, &fine.url("/")], ""),
        (&["--trace", &fine.url("/")], ""),
        (&["-L", &fine.url("/")], ""),
        (&["-C", "-", "-o", &path, &rest.url("/")], "it is \"\\xC2\\x9B2J\", but"),
    ] {
        let finished = fetch(args);
        let said = [String::from_utf8(finished.stdout).expect("UTF-8"), finished.stderr].concat();
        assert!(said.contains(shown), "{args:?}: {said}");
        let is_harmless = |char: char| !char.is_control() || "\n\r".contains(char);
        assert!(said.chars().all(is_harmless), "{args:?}: {said:?}");
    }
    let line = fs::read_to_string(&lines).expect("UTF-8");
    assert!(line.contains("\\u009b31m") && !line.contains('\u{9b}'), "{line:?}");
    let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert!(value["content_type"].as_str().expect("a text").starts_with("\u{9b}31m"), "{line}");
}

/// What is kept in a file, and what is told to a server, has no password in it that is not meant to be
/// there, or is for the owner's eyes.
#[test]
fn secrets_are_kept() {
    let folder = Folder::with(&[("old", "an older one")]);
    let (new, old) = (folder.join("new"), folder.join("old"));
    fs::set_permissions(&old, fs::Permissions::from_mode(0o644)).expect("it is ours");
    for file in [&new, &old] {
        let fake = Fake::hello(1);
        let path = file.display().to_string();
        fetched(&["--transcript", &path, "-u", "ada:secret", &fake.url("/")]);
        let mode = fs::metadata(file).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path}");
        assert!(fs::read_to_string(file).expect("UTF-8").contains("Authorization: Basic "));
    }
    fetched(&["--transcript", "/dev/null", &Fake::hello(1).url("/")]);
    let mode = fs::metadata("/dev/null").expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o666, "a device keeps its mode");

    // RFC 9110, 10.1.3
    for (typed, sent) in
        [("http://ada:secret@h/x?y#z", "http://h/x?y"), ("http://h/a@b", "http://h/a@b")]
    {
        let fake = Fake::hello(1);
        assert_eq!(
            fetched(&["-e", typed, "-w", "%{referer}", &fake.url("/")]),
            format!("hello{sent}")
        );
        assert!(fake.requests()[0].contains(&format!("\r\nReferer: {sent}\r\n")), "{fake:?}");
    }

    let lines = folder.join("lines").display().to_string();
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://ada:secret@h/\r\nContent-Length: 0\r\n\r\n";
    for url in ["http://ada:secret@127.0.0.1:1/", "ada:secret@h", &Fake::saying(moved).url("/")] {
        let finished = fetch(&["-L", "-w", "%{url} %{json}", "--json-out", &lines, url]);
        let kept = fs::read_to_string(&lines).expect("UTF-8");
        let said = [String::from_utf8_lossy(&finished.stdout), finished.stderr.into()].concat();
        assert!(!said.contains("secret") && !kept.contains("secret"), "{url}: {said} {kept}");
    }
    let moved = fetched(&["-w", "%{redirect_url}", &Fake::saying(moved).url("/")]);
    assert_eq!(moved, "http://h/");
    let fake = Fake::hello(1);
    let url = fake.url("/@scope/x");
    assert_eq!(fetched(&["-w", "%{url}", &url]), format!("hello{url}"), "that is no user");
}

#[test]
fn a_body_is_held_back() {
    let server = Server::start(&[]);
    let begun = Instant::now();
    assert_eq!(fetched(&["--limit-rate", "1k", &server.url("/bytes/600")]).len(), 600);
    assert!(begun.elapsed() > Duration::from_millis(500), "{:?}", begun.elapsed());
    fetch(&["--limit-rate", "1", "-m", "0.5", &server.url("/bytes/10000000")])
        .failed(28, "-m holds");
}

#[test]
fn messages_go_where_they_are_sent() {
    let folder = Folder::new();
    let path = folder.join("messages").display().to_string();
    let nobody = "http://127.0.0.1:1/";
    let finished = fetch(&["--stderr", &path, nobody]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(7), ""));
    let kept = fs::read_to_string(&path).expect("it is there");
    assert!(kept.starts_with("client: (7) "), "{kept}");
    let finished = fetch(&["-v", "--stderr", "-", "-s", nobody]);
    let said = String::from_utf8_lossy(&finished.stdout);
    assert!(said.contains("Trying 127.0.0.1:1") && finished.stderr.is_empty(), "{said}");
    fetch(&["--stderr", "/no/such/file", nobody]).failed(23, "it cannot be written");
    fetch(&["--stderr", "", nobody]).failed(2, "no file");
}

/// Time and connections, which are others each time.
#[test]
fn figures_that_are_others_each_time() {
    let fake = Fake::hello(1);
    let told = fetched(&[
        "-w",
        "%{time_pretransfer} %{time_posttransfer} %{time_starttransfer}",
        &fake.url("/"),
    ]);
    let times = told.strip_prefix("hello").expect("the body").split(' ');
    let times: Vec<f64> = times.map(|time| time.parse().expect("a number")).collect();
    assert!(times.is_sorted() && times[1] > 0.0, "{told}");
    let proxy = Fake::hello(1);
    let through = ["-x", &proxy.address(), "-w", "%{proxy_used}", "http://example.invalid/"];
    assert_eq!(fetched(&through), "hello1");
    let busy = Fake::saying("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let again =
        ["-s", "--retry", "2", "--retry-delay", "0", "-w", "%{num_retries}", &busy.url("/")];
    assert_eq!(fetched(&again), "2");
}
