//! `client bench`: that its figures are true, and that it does not call a failure a success. Times are
//! asserted coarsely.

use std::time::Duration;

use serde_json::Value;

use crate::client::fake::Fake;
use crate::client::{client, fetch};
use crate::support::{Finished, Folder, Program, Server};

/// Measures, and gives the exit code, the figures, and what was said on stderr.
fn figures(args: &[&str]) -> (Option<i32>, Value, String) {
    let Finished { code, stdout, stderr } = fetch(&[&["bench", "--json-out", "-"], args].concat());
    (code, serde_json::from_slice(&stdout).unwrap_or_default(), stderr)
}

fn seconds(figures: &Value, path: &str) -> f64 {
    figures.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {figures}"))
        / 1e6
}

#[test]
fn every_way_of_asking_is_answered_and_counted() {
    let server = Server::start(&["--access-log", "off"]);
    let (health, users) = (server.url("/-/health"), server.url("/echo"));
    for (name, args, connections) in [
        ("keep-alive", vec!["-n", "60", "-c", "4"], 4),
        ("two threads", vec!["-n", "61", "-c", "5", "--threads", "2"], 5),
        ("a connection each", vec!["-n", "60", "-c", "4", "--keep-alive", "off"], 60),
        ("ten each", vec!["-n", "60", "-c", "1", "--per-connection", "10"], 6),
        ("HTTP/1.0", vec!["-n", "60", "-c", "4", "--http1.0"], 4),
        ("HTTP/1.0, closed", vec!["-n", "9", "-c", "1", "--http1.0", "-H", "Connection: close"], 9),
        ("16 deep", vec!["-n", "160", "-c", "2", "--pipeline", "16"], 2),
        (
            "16 deep, 10 each",
            vec!["-n", "60", "-c", "1", "--pipeline", "16", "--per-connection", "10"],
            6,
        ),
        ("HEAD", vec!["-n", "60", "-c", "4", "-I"], 4),
        ("at a rate", vec!["-n", "60", "-c", "4", "--rate", "600"], 4),
        (
            "a connection each, at a rate",
            vec!["-n", "60", "-c", "40", "--rate", "600", "--keep-alive", "off"],
            60,
        ),
        ("rate and depth", vec!["-n", "60", "-c", "1", "--rate", "6000", "--pipeline", "4"], 1),
    ] {
        let (code, got, stderr) = figures(&[&args[..], &[&health]].concat());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{name}: {got}");
        let number: u64 = args[1].parse().unwrap();
        assert_eq!(got["answers"], number, "{name}: {got}");
        assert_eq!(got["statuses"]["200"], number, "{name}");
        assert_eq!(got["connections_made"], connections, "{name}");
        assert_eq!(got["errors"], 0, "{name}");
    }
    let (code, got, stderr) = figures(&["-n", "60", "-c", "4", &health, &server.url("/none")]);
    assert_eq!((code, &got["statuses"]), (Some(22), &serde_json::json!({"200": 30, "404": 30})));
    assert!(stderr.contains("30 of 60 requests failed"), "two URLs in turn: {stderr}");
    let (code, _, stderr) = figures(&["-n", "1", &health, "http://127.0.0.1:1/"]);
    assert_eq!(code, Some(2), "two servers: {stderr}");
    let body = "x".repeat(100_000);
    let (code, got, stderr) = figures(&["-n", "20", "-c", "2", "-d", &body, &users]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "a large body: {got}");
    assert!(got["bytes"].as_u64().unwrap() > 20 * 100_000, "it came back: {got}");
}

/// A server of the textbook has no worker to waste on a connection that has nothing to send yet.
#[test]
fn at_a_rate_a_connection_for_each_request_is_opened_when_the_request_is_due() {
    let server = Server::start(&["--pool", "single", "--access-log", "off"]);
    let args = ["-n", "20", "-c", "10", "--rate", "50", "--keep-alive", "off"];
    let (code, got, stderr) = figures(&[&args[..], &[&server.url("/-/health")]].concat());
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{got}");
    assert!(seconds(&got, "/latency_us/max") < 1.0, "no request waits for idle connections: {got}");
}

/// Four requests wait for one worker when the time is up. To divide by the time that they still take would be 2.9/s.
#[test]
fn what_comes_in_after_the_end_makes_no_server_look_slower() {
    let server = Server::start(&["--pool", "single", "--access-log", "off"]);
    let args = ["-t", "1", "--warm-up", "0.5", "-c", "5", "--keep-alive", "off"];
    let (code, got, _) = figures(&[&args[..], &[&server.url("/sleep/200")]].concat());
    assert_eq!(code, Some(0), "{got}");
    let rate = got["requests_per_s"].as_f64().unwrap();
    assert!((3.5..=6.0).contains(&rate), "of 5/s: {got}");
}

#[test]
fn the_page_is_80_columns_and_says_what_it_is() {
    let server = Server::start(&["--access-log", "off"]);
    for (flag, said) in [
        (&["-t", "0.2"][..], "closed loop"),
        (&["-t", "0.2", "--rate", "500", "--warm-up", "0.1"], "uncorrected"),
    ] {
        let url = server.url("/-/health");
        let Finished { code, stdout, stderr } = fetch(&[&["bench"], flag, &[&url]].concat());
        let page = String::from_utf8(stdout).unwrap();
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{page}");
        assert!(page.contains(said) && page.contains("99.99%"), "{page}");
        for line in page.lines() {
            assert!(line.chars().count() <= 80 && line == line.trim_end(), "{line:?}");
        }
    }
}

/// Fact 9 about the others: a server that stands still for 2 of 6 s, and a p99 of 2.7 ms.
#[test]
fn a_frozen_server_is_felt() {
    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    let args = ["bench", "--json-out", "-", "--rate", "200", "-c", "10", "-t", "2.5", &url];
    let measuring = Program::start(&mut client(&args));
    std::thread::sleep(Duration::from_millis(300));
    server.program.signal("STOP");
    std::thread::sleep(Duration::from_secs(2));
    server.program.signal("CONT");
    let Finished { code, stdout, stderr } = measuring.finish();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let got: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(got["answers"], 500, "whatever was due was asked: {got}");
    for (path, least) in [("p50", 0.3), ("p99", 1.5), ("max", 1.5)] {
        let corrected = seconds(&got, &format!("/latency_us/{path}"));
        assert!((least..10.0).contains(&corrected), "{path}: {corrected} s");
    }
    let hidden = seconds(&got, "/uncorrected_latency_us/p75");
    assert!(hidden < 0.5, "most of them had not even been sent: {hidden} s");
    let worst = got["timeline"]["worst_us"].as_array().unwrap();
    let long = worst.iter().filter(|worst| worst.as_f64().unwrap() > 500_000.0).count();
    assert!((20..60).contains(&long), "the picture shows when: {worst:?}");
}

/// Fact 10: exit code 0 though nothing worked.
#[test]
fn failures_are_counted_named_and_no_success() {
    let status =
        |line: &str| format!("HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell";
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let more = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello";
    for (name, server, failure) in [
        ("500", Fake::saying(status("500 No")), Err("500")),
        ("301", Fake::saying(status("301 There")), Err("301")),
        ("cut short", Fake::saying(short), Ok("the answer was cut short")),
        ("last chunk missing", Fake::saying(chunks), Ok("the answer was cut short")),
        ("half a head", Fake::saying("HTTP/1.1 200"), Ok("the answer was cut short")),
        ("nothing", Fake::saying(""), Ok("closed without an answer")),
        ("no HTTP", Fake::saying("SSH-2.0-x\r\n"), Ok("not understood: ")),
        (
            "two lengths",
            Fake::saying(more.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n")),
            Ok("not understood: "),
        ),
        ("reset", Fake::new(|talk| talk.ignore_request()), Ok("could not receive: ")),
        (
            "silence",
            Fake::new(|talk| {
                talk.request()?;
                talk.wait()
            }),
            Ok("not answered in time"),
        ),
    ] {
        let (code, got, stderr) = figures(&["-n", "3", "-c", "1", "-m", "0.2", &server.url("/")]);
        assert_eq!(code, Some(22), "{name}: {got}");
        assert_eq!(stderr, "client: (22) 3 of 3 requests failed\n", "{name}");
        assert_eq!(got["errors"], 3, "{name}: {got}");
        match failure {
            Err(status) => assert_eq!(got["statuses"][status], 3, "{name}: {got}"),
            Ok(failure) => {
                let failures = got["failures"].as_object().unwrap();
                assert_eq!(failures.len(), 1, "{name}: {got}");
                let (named, count) = failures.iter().next().unwrap();
                assert!(named.starts_with(failure) && count == 3, "{name}: {got}");
            }
        }
    }
    let (_, got, _) = figures(&["-n", "2", "-c", "1", &Fake::saying(more).url("/")]);
    assert!(got["failures"]["more came than was asked for"].as_u64() > Some(0), "{got}");
}

#[test]
fn nothing_listening_is_no_success_at_the_beginning_or_later() {
    let deserted = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, _, stderr) = figures(&["-t", "1", &deserted.to_string()]);
    assert_eq!(code, Some(7));
    assert!(stderr.starts_with("client: (7) could not connect to 127.0.0.1 port "), "{stderr}");

    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    let args = ["bench", "--json-out", "-", "-t", "1", "-m", "1", "--rate", "500", &url];
    let measuring = Program::start(&mut client(&args));
    std::thread::sleep(Duration::from_millis(400));
    server.program.signal("KILL");
    let Finished { code, stdout, .. } = measuring.finish();
    let got: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(code, Some(22), "{got}");
    assert!(got["failures"]["could not connect: Connection refused"].as_u64() > Some(0), "{got}");
    assert!(seconds(&got, "/latency_us/max") > 0.5, "who was never served has waited: {got}");
}

#[test]
fn conditions_decide_and_wrong_ones_are_refused() {
    let (server, broken) =
        (Server::start(&["--access-log", "off"]), Fake::saying("HTTP/1.1 500 No\r\n\r\n"));
    let (good, bad) = (server.url("/-/health"), broken.url("/"));
    for (conditions, url, code, said) in [
        ("max<1us", &good, 0, ""),
        ("p99>30s,errors>0", &good, 0, ""),
        ("max<1us,p50>0us,rps<1", &good, 99, "client: (99) --fail-if: p50 is "),
        ("rps<1000000000", &good, 99, "client: (99) --fail-if: rps is "),
        ("errors>100%", &bad, 22, "client: (22) 10 of 10 requests failed"),
        (
            "p99>50",
            &good,
            2,
            "client: (2) --fail-if: \"p99>50\" is not a condition; right: p99>50ms",
        ),
    ] {
        let Finished { code: got, stderr, .. } =
            fetch(&["bench", "-n", "10", "-c", "1", "--fail-if", conditions, url]);
        assert_eq!(got, Some(code), "{conditions}: {stderr}");
        assert!(stderr.starts_with(said), "{conditions}: {stderr}");
    }
    let half = Fake::new(|talk| {
        talk.hello(1)?;
        talk.request()?;
        talk.say("HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    });
    for (conditions, code) in
        [("p99>30s", 22), ("errors>60%", 0), ("errors>40%", 99), ("errors>4", 99)]
    {
        let args = ["bench", "-n", "10", "-c", "1", "--fail-if", conditions, &half.url("/")];
        assert_eq!(fetch(&args).code, Some(code), "{conditions}");
    }
}

#[test]
fn two_runs_are_compared() {
    let (server, folder) = (Server::start(&["--access-log", "off"]), Folder::new());
    let (url, old) = (server.url("/-/health"), folder.path().join("old.json"));
    let old = old.to_str().unwrap();
    let first = fetch(&["bench", "-n", "50", "-c", "2", "--json-out", old, &url]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let second = fetch(&["bench", "-n", "50", "-c", "3", "--baseline", old, &url]);
    let page = String::from_utf8(second.stdout).unwrap();
    assert!(page.contains("\ncompared with ") && page.contains("p99.99, us"), "{page}");
    assert!(page.contains("not the same work: connections 2 then, 3 now"), "{page}");
    for (content, said) in [("", "not JSON"), ("{}", "not of schema threadbare-bench/1")] {
        std::fs::write(old, content).unwrap();
        let wrong = fetch(&["bench", "-n", "1", "--baseline", old, &url]);
        assert_eq!(wrong.code, Some(26));
        assert!(
            wrong.stderr.contains(said) && wrong.stderr.contains("; right: "),
            "{}",
            wrong.stderr
        );
    }
}

#[test]
fn warm_up_is_left_out() {
    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    let args = ["--rate", "200", "--warm-up", "0.5", "-t", "0.5", &url];
    let (code, got, stderr) = figures(&args);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert_eq!(got["answers"], 100, "{got}");
    assert!((0.5..0.9).contains(&got["took_s"].as_f64().unwrap()), "{got}");
}

/// What was not measured is not printed: no time of 0, no rate of 0.
#[test]
fn without_an_answer_there_are_no_figures() {
    let silent = Fake::saying("");
    let folder = Folder::new();
    let file = folder.join("figures").display().to_string();
    for args in [&["-n", "3", "-c", "1"][..], &["-n", "3", "-c", "1", "--rate", "100"]] {
        let finished =
            fetch(&[&["bench", "--json-out", &file], args, &[&silent.url("/")]].concat());
        let page = String::from_utf8(finished.stdout).expect("UTF-8");
        assert_eq!(finished.code, Some(22), "{page}");
        assert!(page.contains("no responses; 3 errors (100.0%)"), "{page}");
        assert!(!page.contains("0.00") && !page.contains("p50") && !page.contains("/s:"), "{page}");
        let kept = std::fs::read_to_string(&file).expect("it is there");
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        assert!(kept["latency_us"].is_null() && kept["answers"] == 0, "{kept}");
    }
    // Beside an earlier run, there is nothing to compare.
    let server = Server::start(&[]);
    let then = folder.join("then").display().to_string();
    fetch(&["bench", "-n", "3", "-c", "1", "--json-out", &then, &server.url("/-/health")]);
    let args = ["bench", "-n", "3", "-c", "1", "--baseline", &then, &silent.url("/")];
    let page = String::from_utf8(fetch(&args).stdout).expect("UTF-8");
    let row = page.lines().find(|line| line.starts_with("p99, us")).expect("a row");
    assert!(row.split_whitespace().rev().take(2).all(|cell| cell == "-"), "{row}");
}

#[test]
fn the_figures_say_when_where_and_what_the_server_has_used() {
    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    let secret = ["-n", "50", "-c", "2", "--keep-alive", "off", "-H", "Cookie: c2VjcmV0", &url];
    let (code, got, stderr) = figures(&secret);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{got}");
    let command = got["command"].as_str().unwrap();
    let shown = format!("client bench --json-out - -n 50 -c 2 --keep-alive off -H *** {url}");
    assert_eq!(command, shown);
    assert!(got["when"].as_str().is_some_and(|when| when.starts_with("20") && when.ends_with('Z')));
    assert_eq!((&got["keep_alive"], &got["server"]["answers"]), (&false.into(), &50.into()));
    assert!(got["machine"]["cores"].as_u64() >= Some(1), "{got}");
    let used = &got["server"];
    assert!(
        used["threads"].as_u64() > Some(1) && used["peak_rss_kb"].as_u64() > Some(1000),
        "{used}"
    );
}

#[test]
fn times_have_units() {
    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    for (time, warm_up) in [("300ms", "0.1"), (".3s", "100ms"), ("0.005m", "0s")] {
        let args = ["-t", time, "--warm-up", warm_up, "-m", "5s", "-c", "2", &url];
        let (code, got, stderr) = figures(&args);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{time}");
        assert!((0.25..3.0).contains(&got["took_s"].as_f64().unwrap()), "{time}: {got}");
    }
    for wrong in ["10x", "2d", "1us", "-1s", "0s"] {
        let (code, _, stderr) = figures(&["-t", wrong, &url]);
        assert_eq!(code, Some(2), "{wrong}");
        assert!(stderr.contains("; right: ") && stderr.contains("500ms"), "{stderr}");
    }
}

#[test]
fn requests_go_through_a_proxy_to_another_server_or_to_a_socket() {
    let proxy = Fake::hello(9);
    let through = format!("http://me:secret@{}", proxy.address());
    let (code, got, stderr) =
        figures(&["-n", "4", "-c", "1", "-x", &through, "http://a.example/x", "http://b.example/"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{got}");
    let asked = proxy.requests();
    let (one, other) =
        ("GET http://a.example/x HTTP/1.1\r\n", "GET http://b.example/ HTTP/1.1\r\n");
    for (request, line) in asked.iter().zip([one, other, one, other]) {
        assert!(request.starts_with(line), "{request}");
        assert!(request.contains("\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"), "{request}");
    }
    assert_eq!(asked.len(), 4);
    assert!(!got["command"].as_str().unwrap().contains("secret"), "{got}");

    let server = Server::start(&["--access-log", "off"]);
    let (address, port) = (server.address(), server.address().port());
    let health = format!("http://a.example:{port}/-/health");
    for way in [
        &["--connect-to", &format!("a.example:{port}:127.0.0.1:{port}")][..],
        &["--connect-to", &format!("::{address}")],
        &["--resolve", &format!("a.example:{port}:127.0.0.1")],
        &["--resolve", &format!("*:{port}:127.0.0.1"), "-4"],
    ] {
        let args = [&["-n", "5", "-c", "1", "-H", "Host: localhost"], way, &[&health]].concat();
        let (code, got, stderr) = figures(&args);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{way:?}: {got}");
        assert_eq!(got["answers"], 5, "{way:?}: {got}");
    }
    let (code, _, stderr) = figures(&["-n", "1", "-6", &server.url("/")]);
    assert_eq!(code, Some(7), "an address of the other family: {stderr}");
    let (code, _, stderr) = figures(&["-n", "1", "-x", "socks5://127.0.0.1:1", &server.url("/")]);
    assert_eq!(code, Some(7), "{stderr}");

    let folder = Folder::new();
    let socket = folder.join("socket").display().to_string();
    let _server = Server::start(&["--access-log", "off", "--bind", &format!("unix:{socket}")]);
    for more in [&[][..], &["--keep-alive", "off"], &["--rate", "200"], &["--pipeline", "4"]] {
        let url = "http://localhost/-/health";
        let args = [&["-n", "40", "-c", "4", "--unix-socket", &socket], more, &[url]].concat();
        let (code, got, stderr) = figures(&args);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{more:?}: {got}");
        assert_eq!((&got["answers"], &got["server"]), (&40.into(), &Value::Null), "{more:?}");
    }
    let (code, _, stderr) = figures(&["-n", "1", "--unix-socket", "/nowhere", "http://localhost/"]);
    assert_eq!(code, Some(7), "{stderr}");
}

#[test]
fn what_is_not_measured_is_refused_with_the_reason() {
    for (flag, reason) in [
        (
            "-L",
            "-L is not available: each response is measured by itself, a redirect, too; right: ",
        ),
        ("--location", "--location is not available: each response"),
        ("--compressed", "--compressed is not available: nothing is decoded; right: -H"),
        ("-O", "-O is not available: bodies are read to their end"),
    ] {
        let refused = fetch(&["bench", flag, ":8080/"]);
        assert!(refused.failed(2, flag).starts_with(reason), "{}", refused.stderr);
    }
}

#[test]
fn several_urls_have_weights_and_a_row_each() {
    let (server, folder) = (Server::start(&["--access-log", "off"]), Folder::new());
    let (good, bad) = (server.url("/-/health"), server.url("/nowhere"));
    let list = format!("# three to one\n3 {good}\n\n{bad}\n");
    folder.write("urls", &list);
    let file = folder.join("urls").display().to_string();
    for threads in ["1", "2"] {
        let args = ["-n", "80", "-c", "4", "--threads", threads, "--urls", &file];
        let (code, got, stderr) = figures(&args);
        assert_eq!(code, Some(22));
        assert!(stderr.contains("20 of 80 requests failed"), "{stderr}");
        let rows = got["urls"].as_array().unwrap();
        let row = |at: usize| {
            (
                rows[at]["answers"].as_u64(),
                rows[at]["not_2xx"].as_u64(),
                rows[at]["weight"].as_u64(),
            )
        };
        assert_eq!((row(0), row(1)), ((Some(60), Some(0), Some(3)), (Some(20), Some(20), Some(1))));
        assert_eq!(rows[0]["asked"], format!("GET {good}"));
        assert!(rows[0]["latency_us"]["p50"].as_f64() > Some(1.0), "{got}");
    }
    // From stdin, with a URL of the command line.
    let args = ["bench", "-n", "40", "-c", "1", "--urls", "-", &good];
    let page = crate::support::run(&mut client(&args), list.as_bytes());
    let text = String::from_utf8(page.stdout).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.ends_with("  /-/health")).collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(text.contains("\n  responses  errors     50%     99%     max\n"), "{text}");
    assert!(
        text.lines().any(|row| row.ends_with("  /nowhere") && row.contains(" 8       8 ")),
        "{text}"
    );
    assert!(
        text.lines().all(|line| line.chars().count() <= 80 || line.starts_with("GET ")),
        "{text}"
    );
    let (_, one, _) = figures(&["-n", "2", "-c", "1", &good]);
    assert!(one["urls"].is_null(), "{one}");

    for (list, code, said) in [
        ("x y z\n", 2, "urls:1: \"x y z\" is wrong; right: a URL, or a weight"),
        ("# a\n\n0 http://a/\n", 2, "urls:3: "),
        ("http://127.0.0.1:1/\nhttps://a/\n", 1, "urls:2: "),
        ("http://127.0.0.1:1/\nhttp://127.0.0.1:2/\n", 2, "the URLs are of several servers"),
        ("1000000 http://a/\n999999 http://a/\n", 2, "the weights add up to 1999999"),
        ("\n", 2, "urls: there is no URL"),
    ] {
        folder.write("urls", list);
        let failed = fetch(&["bench", "-n", "1", "--urls", &file]);
        assert!(failed.failed(code, list).contains(said), "{list:?}: {}", failed.stderr);
    }
    assert_eq!(fetch(&["bench", "-n", "1", "--urls", "/nowhere"]).code, Some(26));
    assert_eq!(fetch(&["bench", "-n", "1"]).code, Some(2));
}

/// The 99.99th percentile takes ten thousand responses.
#[test]
fn a_percentile_of_too_few_responses_is_not_shown() {
    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    let folder = Folder::new();
    let file = folder.join("figures").display().to_string();
    let page = fetch(&["bench", "-n", "120", "-c", "2", "--json-out", &file, &url]).succeeded();
    let row = page.lines().find(|line| line.starts_with("latency   ")).expect("a row");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!((cells.len(), &cells[6..8]), (9, &["-", "-"][..]), "{row}");
    assert!(cells[1..6].iter().chain(&cells[8..]).all(|cell| *cell != "-"), "{row}");
    let got: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(got["latency_us"]["p99.9"].is_null() && got["latency_us"]["p99"].is_number(), "{got}");
    assert!(got["generator"]["late"].is_null(), "a closed loop is never late: {got}");
    // Beside such a file, there is nothing to compare.
    let args = ["bench", "-n", "10", "-c", "1", "--baseline", &file, &url];
    let page = fetch(&args).succeeded();
    let row = page.lines().find(|line| line.starts_with("p99.99, us")).expect("a row");
    assert!(row.split_whitespace().skip(2).all(|cell| cell == "-"), "{row}");
}

#[test]
fn long_names_say_how_many_and_how_long() {
    let server = Server::start(&["--access-log", "off"]);
    let url = server.url("/-/health");
    let made = ["--connections", "3", "--requests", "30", "--max-time", "5", "--silent", &url];
    let (code, got, stderr) = figures(&made);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{got}");
    let (code, limited, _) = figures(&["--connections", "1", "--duration", "0.2", &url]);
    assert_eq!(code, Some(0), "{limited}");
    let answers =
        |figures: &Value| figures["answers"].as_u64().unwrap_or_else(|| panic!("{figures}"));
    assert_eq!(answers(&got), 30);
    assert!(answers(&limited) > 1, "{limited}");
}
