//! httpbin from PyPI, on gunicorn: a server made to test clients. tests/httpbin installs it.

use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use threadbare::client::{Client, ErrorKind, Phase, Redirects, Response, Timeouts};
use threadbare::command::exit_code::exit_code;

use super::{client, fetch, fetched};
use crate::support::{Program, SOON, root, run, skipped};

/// Starts httpbin. Returns it with its URL.
pub(super) fn httpbin() -> Option<(Program, String)> {
    let gunicorn = root().join("tests/httpbin/venv/bin/gunicorn");
    if !gunicorn.exists() {
        skipped("httpbin is not installed");
        return None;
    }
    let mut command = Command::new(gunicorn);
    command.args(["-b", "127.0.0.1:0", "--threads", "8", "--keep-alive", "30", "httpbin:app"]);
    let program = Program::start(command.current_dir(std::env::temp_dir()));
    let said = program.stderr.until(|text| text.contains("Booting worker"));
    let (_, url) = said.split_once("Listening at: ").expect("it says where");
    let url = url.split(' ').next().expect("a URL").to_owned();
    Some((program, url))
}

fn json(text: impl AsRef<[u8]>) -> Value {
    let text = text.as_ref();
    serde_json::from_slice(text).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(text)))
}

/// The arguments, `~` being where it is; the exit code; what is in the output, with heads (`-i`).
const CASES: &[(&str, i32, &[&str])] = &[
    ("~/get?a=b&c=%20d", 0, &["\"a\": \"b\"", "\"c\": \" d\"", "\"Accept\": \"*/*\""]),
    ("~/status/200", 0, &["HTTP/1.1 200 OK\r\n"]),
    ("~/status/204", 0, &["HTTP/1.1 204 NO CONTENT\r\n"]),
    ("~/status/304", 0, &["HTTP/1.1 304 NOT MODIFIED\r\n"]),
    ("~/status/404", 0, &["HTTP/1.1 404 NOT FOUND\r\n"]),
    ("~/status/418", 0, &["-=[ teapot ]=-"]),
    ("~/status/500", 0, &["HTTP/1.1 500 "]),
    ("-f ~/status/500", 22, &[]),
    ("--fail-with-body ~/status/418", 22, &["-=[ teapot ]=-"]),
    // By default a redirect is returned.
    ("~/redirect/2", 0, &["HTTP/1.1 302 FOUND\r\n", "\r\nLocation: /relative-redirect/1\r\n"]),
    ("~/absolute-redirect/2", 0, &["HTTP/1.1 302 FOUND\r\n", "/absolute-redirect/1\r\n"]),
    ("-u me:secret ~/basic-auth/me/secret", 0, &["\"authenticated\": true"]),
    (
        "-u me:wrong ~/basic-auth/me/secret",
        0,
        &["401 UNAUTHORIZED", "\r\nWWW-Authenticate: Basic "],
    ),
    ("-f ~/basic-auth/me/secret", 22, &[]),
    ("-u me:secret ~/hidden-basic-auth/me/secret", 0, &["\"authenticated\": true"]),
    ("-H Authorization:Bearer\u{a0}x ~/bearer", 0, &["401 UNAUTHORIZED"]),
    ("~/stream/3", 0, &["\r\nTransfer-Encoding: chunked\r\n", "\"id\": 0", "\"id\": 2"]),
    ("--http1.0 ~/stream/3", 0, &["\"id\": 2"]),
    ("~/response-headers?X-One=1&X-One=2", 0, &["\r\nX-One: 1\r\nX-One: 2\r\n"]),
    ("-I ~/bytes/100", 0, &["\r\nContent-Length: 100\r\n"]),
    ("-r 10-15 ~/range/26", 0, &["206 PARTIAL CONTENT", "bytes 10-15/26\r\n", "\r\n\r\nklmnop"]),
    ("-r -3 ~/range/26", 0, &["\r\n\r\nxyz"]),
    ("-r 30-40 ~/range/26", 0, &["HTTP/1.1 416 "]),
    ("-H If-None-Match:abc ~/etag/abc", 0, &["HTTP/1.1 304 NOT MODIFIED\r\n", "\r\nETag: abc\r\n"]),
    ("-H If-Match:xyz ~/etag/abc", 0, &["HTTP/1.1 412 PRECONDITION FAILED\r\n"]),
    ("-H If-Modified-Since:x ~/cache", 0, &["HTTP/1.1 304 NOT MODIFIED\r\n"]),
    ("-X DELETE ~/delete", 0, &["\"url\": "]),
    ("-X PATCH -d a=1 ~/patch", 0, &["\"a\": \"1\""]),
    ("-X PURGE ~/anything", 0, &["HTTP/1.1 405 METHOD NOT ALLOWED\r\n", "\r\nAllow: "]),
    ("-X TRACE ~/anything/here", 0, &["\"method\": \"TRACE\""]),
    ("-d a=1 -d b=2 ~/post", 0, &["\"a\": \"1\"", "\"b\": \"2\""]),
    ("--data-urlencode a=b&c=d ~/post", 0, &["\"a\": \"b&c=d\""]),
    ("--json {\"a\":[1]} ~/post", 0, &["\"Content-Type\": \"application/json\"", "\"json\": {"]),
    ("-F a=1 -F f=@LICENSE-MIT;filename=m ~/post", 0, &["\"a\": \"1\"", "\"f\": \"MIT License"]),
    ("-G -d a=1 ~/get?b=2", 0, &["\"a\": \"1\"", "\"b\": \"2\""]),
    ("-A me ~/user-agent", 0, &["\"user-agent\": \"me\""]),
    ("-e there ~/headers", 0, &["\"Referer\": \"there\""]),
    ("~/encoding/utf8", 0, &["STARGΛ̊TE"]),
    ("~/links/2/0", 0, &["<a href='/links/2/1'>1</a>"]),
    // Time. What came is there.
    ("-m 0.5 ~/delay/5", 28, &[]),
    ("-m 5 ~/delay/1", 0, &["\"url\": "]),
    ("~/drip?numbytes=5&duration=1&delay=0", 0, &["\r\nContent-Length: 5\r\n", "\r\n\r\n*****"]),
    ("-m 1.5 ~/drip?numbytes=9&duration=9&delay=0", 28, &["\r\n\r\n*"]),
    ("~/drip?numbytes=2&duration=0&delay=0&code=503", 0, &["HTTP/1.1 503 ", "\r\n\r\n**"]),
];

#[test]
fn the_command_reads_the_responses_of_httpbin() {
    let Some((_server, base)) = httpbin() else { return };
    let mut wrong = Vec::new();
    for (line, code, parts) in CASES {
        let args: Vec<String> = line.split(' ').map(|arg| arg.replace('~', &base)).collect();
        let finished = fetch(&[&["-i".to_owned()][..], &args].concat());
        let text = String::from_utf8_lossy(&finished.stdout);
        let missing: Vec<_> = parts.iter().filter(|part| !text.contains(**part)).collect();
        if finished.code != Some(*code) || !missing.is_empty() {
            wrong.push(format!("{line}: {finished:?}, without {missing:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Many on one connection, and all in order.
    let urls: Vec<String> = (0..9).map(|number| format!("{base}/anything/{number}")).collect();
    let mut args = vec!["-w".to_owned(), "%{num_connects}".to_owned()];
    args.extend(urls.iter().cloned());
    let all = fetched(&args);
    let seen: Vec<usize> =
        urls.iter().map(|url| all.find(&format!("\"{url}\"")).unwrap()).collect();
    assert!(seen.is_sorted(), "{all}");
    assert_eq!((all.matches("}\n1").count(), all.matches("}\n0").count()), (1, 8), "{all}");
    assert_eq!(fetch(&[format!("{base}/stream-bytes/100000?seed=1")]).stdout.len(), 100_000);
    assert_eq!(fetch(&[format!("{base}/bytes/99999")]).stdout.len(), 99_999);
}

/// The client requests no content coding and removes none: the bytes are those that were sent, as the head
/// says.
#[test]
fn a_content_coding_is_not_removed() {
    let Some((_server, base)) = httpbin() else { return };
    for (path, coding, start) in [
        ("/gzip", "gzip", &b"\x1f\x8b"[..]),
        ("/deflate", "deflate", b"\x78\x9c"),
        ("/brotli", "br", b""),
    ] {
        let finished = fetch(&["-i", &format!("{base}{path}")]);
        let at = finished.stdout.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let (head, body) = finished.stdout.split_at(at + 4);
        let head = String::from_utf8_lossy(head);
        assert!(head.contains(&format!("\r\nContent-Encoding: {coding}\r\n")), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
        assert!(body.starts_with(start) && json_of(body).is_none(), "{path}: {body:?}");
    }
    // To see it: a program that unpacks.
    let packed = fetch(&[format!("{base}/gzip")]).stdout;
    let plain = run(Command::new("gzip").arg("-dc").stderr(Stdio::null()), &packed).stdout;
    assert_eq!(json(plain)["gzipped"], true);
}

fn json_of(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

fn body(mut response: Response) -> Value {
    let mut text = Vec::new();
    response.read_to_end(&mut text).expect("a body");
    json(text)
}

#[test]
fn the_library_follows_the_redirects_of_httpbin() {
    let Some((_server, base)) = httpbin() else { return };
    let client = Client::new().max_time(Duration::from_secs(9));
    let get = |path: &str| client.get(&format!("{base}{path}"));
    for path in ["/redirect/5", "/relative-redirect/5", "/absolute-redirect/5"] {
        let response = get(path).send().expect(path);
        assert_eq!(response.url().to_string(), format!("{base}/get"));
        assert_eq!(body(response)["url"], format!("{base}/get"));
    }
    let error = get("/redirect/11").send().expect_err("one too many");
    assert_eq!((exit_code(&error), error.response().map(|it| it.status().code())), (47, Some(302)));
    // The method rules, with the body that goes with them.
    for (status, method) in [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
    {
        let to = format!("{base}/redirect-to?url=/anything&status_code={status}");
        let post = client.post(&to).body("a=1");
        let post = post.header("Content-Type", "application/x-www-form-urlencoded");
        let seen = body(post.send().expect("an answer"));
        let form = if method == "POST" { "1" } else { "" };
        assert_eq!(
            (seen["method"].as_str(), seen["form"]["a"].as_str().unwrap_or_default()),
            (Some(method), form)
        );
    }
    // No cookie is kept: what a redirect sets is not sent on, and what was for one host stays there.
    assert_eq!(body(get("/cookies/set/a/b").send().expect("an answer"))["cookies"], json("{}"));
    let own = |path: &str| get(path).header("Cookie", "a=b").send().expect(path);
    assert_eq!(body(own("/redirect-to?url=/cookies"))["cookies"], json("{\"a\": \"b\"}"));
    let other = base.replace("127.0.0.1", "localhost");
    assert_eq!(body(own(&format!("/redirect-to?url={other}/cookies")))["cookies"], json("{}"));
    let secret = |path: &str| {
        let get = get(path).header("Authorization", "Basic bWU6c2VjcmV0");
        get.send().expect(path).status().code()
    };
    assert_eq!(secret("/basic-auth/me/secret"), 200);
    assert_eq!(secret("/redirect-to?url=/basic-auth/me/secret"), 200);
    assert_eq!(secret(&format!("/redirect-to?url={other}/basic-auth/me/secret")), 401);
}

#[test]
fn the_library_reads_the_responses_of_httpbin() {
    let Some((_server, base)) = httpbin() else { return };
    let client = Client::new();
    let get = |path: &str| client.get(&format!("{base}{path}"));
    let error =
        get("/status/503").send().expect("an answer").error_for_status().expect_err("a 503");
    assert!(matches!(error.kind(), ErrorKind::Status(response) if response.status().code() == 503));
    let lines = get("/stream/20").send().expect("an answer");
    assert_eq!(io::BufRead::lines(lines).map_while(Result::ok).count(), 20);
    let part = get("/range/1024").header("Range", "bytes=0-9").send();
    assert_eq!(part.expect("an answer").status().code(), 206);
    // gunicorn takes chunks; what it was sent comes back.
    let text = "x".repeat(200_000);
    let put = client.put(&format!("{base}/put")).reader(text.as_bytes());
    assert_eq!(body(put.send().expect("an answer"))["data"], text);
    let sized = client.put(&format!("{base}/put")).sized_reader(5, &b"hello"[..]);
    assert_eq!(body(sized.send().expect("an answer"))["data"], "hello");

    let limit = Some(Duration::from_millis(300));
    for (path, timeouts, phase) in [
        ("/delay/9", Timeouts { first_byte: limit, ..Timeouts::NONE }, Phase::Head),
        (
            "/drip?numbytes=2&duration=9&delay=0",
            Timeouts { body_idle: limit, ..Timeouts::NONE },
            Phase::Body,
        ),
        (
            "/drip?numbytes=50&duration=9&delay=0",
            Timeouts { total: limit, ..Timeouts::NONE },
            Phase::Body,
        ),
    ] {
        let client = Client::with_config(threadbare::client::Config {
            timeouts,
            redirects: Redirects::Return,
            ..Default::default()
        });
        let begun = Instant::now();
        let asked = client.get(&format!("{base}{path}")).send();
        let ended = asked.and_then(|mut response| {
            while response.piece()?.is_some() {}
            Ok(())
        });
        assert!(
            matches!(ended.as_ref().unwrap_err().kind(), ErrorKind::Timeout { phase: at, .. } if *at == phase),
            "{path}: {ended:?}"
        );
        assert!(begun.elapsed() < SOON, "{path}: {:?}", begun.elapsed());
    }
}

/// `-v` shows each step with a server that was not written for this client.
#[test]
fn the_verbose_output_shows_each_step() {
    let Some((_server, base)) = httpbin() else { return };
    let url = format!("{base}/anything");
    let finished = run(&mut client(&["-v", "-s", "-o", "/dev/null", &url, &url]), b"");
    let said = &finished.stderr;
    for part in
        ["> GET /anything HTTP/1.1\n", "< HTTP/1.1 200 OK\n", "< Server: gunicorn\n", "* Re-using "]
    {
        assert!(said.contains(part), "{part:?}: {said}");
    }
}
