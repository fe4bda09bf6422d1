//! `client check`: our server passes every check; servers with one fault each fail exactly the checks that name it.

mod faulty;
mod packs;

use std::sync::mpsc;
use std::thread;

use self::faulty::Faulty;
use crate::client::client;
use crate::support::{Folder, Server};

/// The names of the checks that fail.
fn failed(args: &[&str]) -> Vec<String> {
    let (_, stdout, stderr) = check(&[&["-s"], args].concat()); // its own limits end it
    assert!(stdout.contains(" checks: "), "{args:?}: {stdout}{stderr}");
    failures(&stdout)
}

/// The names of the checks that fail, of a report for people.
fn failures(report: &str) -> Vec<String> {
    let lines = report.lines().filter(|line| line.contains(" FAIL  "));
    lines.map(|line| line.split_whitespace().nth(2).unwrap_or_default().to_owned()).collect()
}

/// Runs `client check`, and gives its exit code, stdout and stderr.
fn check(args: &[&str]) -> (Option<i32>, String, String) {
    let output = client(&[&["check"], args].concat()).output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn our_server_passes_every_check_with_both_drivers() {
    for flags in [&[][..], &["--lobby", "off"]] {
        let server = Server::start(flags);
        let url = server.url("/index.html");
        let failed = failed(&[
            "--level",
            "secure",
            "--root",
            "www",
            "--post",
            "/echo",
            "--slow",
            "/sleep/300",
            &url,
        ]);
        assert_eq!(failed, [""; 0], "{flags:?}");
    }
}

/// A fault, and the checks that fail.
const FAULTS: &[(&str, &[&str])] = &[
    ("none", &[]),
    ("lf-lines", &["answers.line-ends"]),
    ("no-empty-line", &["answers.empty-line", "answers.field-lines"]),
    ("status-behind-words", &["answers.status-line"]),
    ("version-2", &["answers.version"]),
    ("no-colon", &["answers.field-lines"]),
    ("control-in-value", &["answers.field-values"]),
    ("length-too-small", &["answers.length"]),
    ("length-too-large", &["answers.length"]),
    ("length-with-unit", &["answers.length-form"]),
    ("no-type", &["answers.content-type"]),
    ("wrong-type", &["answers.type-fits"]),
    ("missing-is-200", &["missing.404"]),
    ("missing-without-end", &["missing.ends"]),
    ("one-read", &["requests.in-pieces", "requests.in-halves"]),
    ("query-is-name", &["requests.query"]),
    ("no-http10", &["requests.http10"]),
    ("http10-stays", &["close.http10"]),
    ("head-with-body", &["methods.head-no-body"]),
    ("head-length-0", &["methods.head-length"]),
    ("brew-is-get", &["methods.unknown"]),
    ("any-case", &["methods.case"]),
    ("no-allow", &["methods.allow", "methods.allow-delete"]),
    ("delete-without-allow", &["methods.allow-delete"]),
    ("options-without-allow", &["options.allow"]),
    ("noise-closes", &["line.noise", "line.no-version", "line.two-spaces", "line.space-in-target"]),
    ("long-line-closes", &["line.endless"]),
    ("long-field-500", &["fields.endless"]),
    ("case-sensitive-fields", &["fields.case"]),
    ("silent-on-lf", &["line.lf-alone"]),
    ("short-line", &["line.8000"]),
    ("no-host-is-fine", &["host.missing"]),
    ("two-hosts-are-fine", &["host.two", "host.twice"]),
    ("any-host", &["host.space", "host.user"]),
    ("no-absolute", &["target.absolute", "target.absolute-wins"]),
    ("closes-silently", &["keep.says-close", "keep.two", "keep.close-said"]),
    (
        "close-is-ignored",
        &["keep.close", "keep.close-in-list", "keep.close-said", "keep.close-ends"],
    ),
    ("close-not-said", &["keep.close-said"]),
    (
        "drops-pipeline",
        &["pipeline.two", "pipeline.order", "body.post-is-read", "body.chunks-are-read"],
    ),
    ("no-date", &["date.there", "date.in-errors", "date.in-refusals"]),
    ("refusals-without-date", &["date.in-refusals"]),
    ("date-in-own-form", &["date.form"]),
    ("clock-is-wrong", &["date.now"]),
    ("modified-in-future", &["modified.past"]),
    ("tag-without-quotes", &["etag.form"]),
    ("both-framings", &["framing.one"]),
    ("bad-chunk", &["framing.chunks"]),
    ("chunks-to-http10", &["framing.not-to-http10"]),
    ("no-continue", &["expect.held-back"]),
    ("continue-to-http10", &["expect.not-to-http10"]),
    ("upgrades-http10", &["upgrade.http10"]),
    ("body-is-next-request", &["body.post-is-read"]),
    ("304-with-body", &["conditions.304-no-body"]),
    ("wrong-range", &["ranges.first"]),
    ("unknown-range-unit-is-416", &["ranges.unknown-unit"]),
    ("first-length", &["framing.two-lengths"]),
    (
        "bad-length-is-0",
        &[
            "framing.length-list",
            "framing.length-minus",
            "framing.length-hex",
            "framing.length-space",
            "framing.length-empty",
            "framing.length-huge",
        ],
    ),
    ("signed-length", &["framing.length-plus"]),
    ("both-by-length", &["framing.both"]),
    ("both-by-chunks", &["framing.both"]),
    (
        "coding-ignored",
        &[
            "framing.both",
            "framing.coding-gzip",
            "framing.coding-behind",
            "framing.coding-unknown",
            "framing.coding-not-known",
            "framing.coding-twice",
            "framing.coding-tab",
        ],
    ),
    ("coding-is-400", &["framing.coding-not-known"]),
    ("sloppy-chunk-sizes", &["framing.chunk-plus", "framing.chunk-hex"]),
    ("chunk-size-overflows", &["framing.chunk-huge"]),
    ("chunk-rest-is-skipped", &["framing.chunk-longer"]),
    ("bare-lf-in-chunks", &["framing.chunk-lf"]),
    ("dots-lead-out", &["paths.dots", "paths.dots-below", "paths.absolute"]),
    ("percent-dots-lead-out", &["paths.percent-dots", "paths.percent-slash"]),
    ("two-slashes-lead-out", &["paths.two-slashes"]),
    ("trace-echoes", &["trace.secrets"]),
    (
        "one-at-a-time",
        &["silent.one", "silent.many", "silent.half-head", "silent.half-body", "silent.kept"],
    ),
    (
        "gzip-always",
        &[
            "codings.none",
            "codings.zeros",
            "codings.star",
            "codings.empty",
            "codings.not-asked",
            "codings.vary",
        ],
    ),
];

/// Each fault is found by the checks that name it, and by no others, of any level.
#[test]
fn a_fault_is_found_by_the_checks_that_name_it() {
    let (give, take) = mpsc::channel();
    let threads: Vec<_> = (0..8)
        .map(|worker| {
            let give = give.clone();
            thread::spawn(move || {
                for (fault, wanted) in FAULTS.iter().skip(worker).step_by(8) {
                    let server = Faulty::start(fault);
                    let url = format!("http://{}/page.html", server.address);
                    let failed =
                        failed(&["--level", "secure", "--skip", "hangups", "-m", "1.5", &url]);
                    if failed != *wanted {
                        let _ = give.send(format!("{fault}: {failed:?}, not {wanted:?}"));
                    }
                }
            })
        })
        .collect();
    drop(give);
    threads.into_iter().for_each(|thread| thread.join().expect("it does not panic"));
    let wrong: Vec<String> = take.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is sent and received, a caret under the byte, the rule, and what is right.
#[test]
fn a_failure_is_shown_with_its_byte_its_rule_and_what_is_right() {
    let server = Faulty::start("lf-lines");
    let url = format!("http://{}/page.html", server.address);
    let (code, stdout, stderr) = check(&["-s", "--only", "answers.line-ends", &url]);
    assert_eq!(code, Some(99), "{stderr}");
    assert_eq!(stderr, "", "-s");
    let shown: Vec<&str> = stdout.lines().filter(|line| !line.contains(" > ")).collect();
    let wanted = [
        "first      FAIL  answers.line-ends          MUST   RFC 9112, 2.1",
        "        A line of the head ends with LF alone.",
        "        < HTTP/1.1 200 OK\\n",
        "                         ^^",
    ];
    assert_eq!(shown[..4], wanted, "{stdout}");
    let rule = "        rule:  Each line of the head ends with two bytes, CR and LF (\\r\\n).";
    assert!(
        stdout.contains(rule) && stdout.contains("        right: HTTP/1.1 200 OK\\r\\n"),
        "{stdout}"
    );
    assert!(stdout.ends_with(
        "1 checks: 0 passed, 1 failed (1 MUST), 0 skipped; 0 of 1 points; level reached: none\n"
    ));
}

#[test]
fn the_report_for_machines() {
    let server = Faulty::start("lf-lines");
    let url = format!("http://{}/page.html", server.address);
    let forms = |format: &str| {
        check(&["--format", format, "--level", "first", "--fail-if", "failed>1", &url])
    };
    let (code, tap, _) = forms("tap");
    assert_eq!(code, Some(0));
    assert!(
        tap.starts_with("TAP version 14\n1..")
            && tap.contains("\nnot ok 5 - answers.line-ends\n  ---\n"),
        "{tap}"
    );
    assert!(tap.contains(" - files.large # SKIP no --root\n"), "{tap}");
    let (_, json, _) = forms("json");
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["schema"], "threadbare-check/1");
    assert_eq!(value["sums"]["must"], 1);
    let failed = value["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["outcome"] == "failed")
        .unwrap();
    assert_eq!(failed["name"], "answers.line-ends");
    assert!(failed["got"].as_str().unwrap().starts_with("HTTP/1.1 200 OK\\n"), "{failed}");
    let (_, junit, _) = forms("junit");
    assert!(junit.contains("<failure type=\"MUST\" message=\"a line of the head"), "{junit}");
    assert!(junit.ends_with("</testsuites>\n"));
}

#[test]
fn points_and_conditions() {
    let folder =
        Folder::with(&[("points", "# one\n* 0\nanswers.line-ends 3\nanswers.version 1\n")]);
    let points = folder.join("points").display().to_string();
    let server = Faulty::start("lf-lines");
    let url = format!("http://{}/page.html", server.address);
    let with = |condition: &str| {
        check(&["--points", &points, "--fail-if", condition, "--level", "first", &url])
    };
    let (code, stdout, stderr) = with("points<30%");
    assert_eq!(
        (code, &*stderr),
        (Some(99), "client: (99) the share of points is 25 %, below 30 %\n")
    );
    assert!(stdout.contains("; 1 of 4 points; "), "{stdout}");
    assert_eq!(with("points<25%,must>1").0, Some(0));
    folder.write("points", "no.such 1\n");
    assert_eq!(with("must>9").0, Some(26));
    for (args, code) in [
        (&["--only", "no.such", "http://a/"][..], 2),
        (&["--fail-if", "p99>1s", "http://a/"], 2),
        (&["http://127.0.0.1:1/"], 7),
        (&["--server", "exit 3", "http://127.0.0.1:{port}/"], 7),
        (&[], 2),
    ] {
        assert_eq!(check(args).0, Some(code), "{args:?}");
    }
}

#[test]
fn the_routes_of_expect_can_be_all_that_is_checked() {
    let (server, folder) = (Server::start(&[]), Folder::new());
    folder.write("routes", "GET /-/health 200 @ok\\n\nGET /absent 404\n");
    let (routes, url) = (folder.join("routes"), server.url("/"));
    let (code, stdout, stderr) =
        check(&["--expect", routes.to_str().unwrap(), "--only", "routes", &url]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("\n2 checks: 2 passed, "), "{stdout}");
}

/// It is started, with a folder of its own; ended by a signal, it is started again; and its figures are told.
#[test]
fn a_server_is_started_and_started_again() {
    let binary = env!("CARGO_BIN_EXE_server");
    let data = Folder::new();
    let run = |prefix: &str, level: &str| {
        let command = format!(
            "{prefix}{binary} --bind 127.0.0.1:{{port}} --workers {{workers}} --data {} --access-log off {{root}}",
            data.path().display()
        );
        check(&["-s", "--level", level, "--server", &command, "http://127.0.0.1:{port}/hello.html"])
    };
    let (code, stdout, stderr) = run("exec ", "secure");
    assert_eq!((code, failures(&stdout)), (Some(0), vec![]), "{stdout}{stderr}");
    assert!(stdout.contains("; 0 crashes; at the end "), "{stdout}");
    let (code, stdout, _) = run("timeout -s KILL 1.5 ", "secure");
    let crashed = stdout.contains("The server ended during this check, with ");
    assert!(code == Some(99) && crashed && !stdout.contains("; 0 crashes"), "{stdout}");
}

#[test]
fn many_servers_are_graded_in_one_run() {
    let servers = ["none", "hangs", "never-ends", "floods", "lf-lines"]
        .map(|fault| (fault, Faulty::start(fault)));
    let lines = servers
        .iter()
        .map(|(fault, server)| format!("{fault} http://{}/page.html\n", server.address));
    let class = lines.collect::<String>() + "nobody http://127.0.0.1:1/\n";
    let folder = Folder::with(&[("class", &class)]);
    let file = folder.join("class").display().to_string();
    let (code, stdout, stderr) = check(&["--each", &file, "-m", "1"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    let rows: Vec<Vec<&str>> = stdout.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 7, "{stdout}");
    let levels: Vec<(&str, &str)> = rows[1..].iter().map(|row| (row[0], row[2])).collect();
    let none = ["hangs", "never-ends", "floods", "lf-lines", "nobody"].map(|name| (name, "none"));
    assert_eq!(levels, [&[("none", "http11")][..], &none].concat(), "{stdout}");
    for row in &rows[2..5] {
        assert!(row[13].starts_with("stopped answering during "), "{row:?}");
    }
    assert_eq!(rows[5][14], "answers.line-ends");
}

#[test]
fn a_missing_path_may_be_named_and_the_report_may_be_wordy_or_json() {
    let server = Server::start(&[]);
    let url = server.url("/index.html");
    let only = ["--only", "missing.404", "--missing"];
    let (code, stdout, _) =
        check(&[&only[..], &["/no/such/page", "--json-out", "-", &url]].concat());
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &report["checks"][0]["outcome"]), (Some(0), &"passed".into()), "{stdout}");
    let (code, stdout, _) =
        check(&[&only[..], &["/index.html", "--verbose", "--explain", &url]].concat());
    assert_eq!(code, Some(99), "{stdout}");
    for line in [
        "> GET /index.html HTTP/1.1",
        "  ^ GET: asks for",
        "< HTTP/1.1 200 OK",
        "^ 200: here it is",
    ] {
        assert!(stdout.contains(line), "no {line:?} in {stdout}");
    }
}
