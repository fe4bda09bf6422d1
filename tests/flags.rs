//! Each flag of both programs has a test against the program: this walks the flags, and looks for each in the tests.

use std::fs;
use std::path::Path;

use crate::client::client;
use crate::support::{Folder, Server, root, server_command};

/// All tests that run a program, as one text.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// True if this long name is in the text, and not only as the start of a longer one.
fn is_typed(flag: &str, text: &str) -> bool {
    text.match_indices(flag).any(|(at, _)| {
        let next = text.as_bytes().get(at + flag.len());
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'-')
    })
}

/// The rows of a help text that begin with a flag: `  -h, --help` or `      --links`; what is further to the right
/// describes it.
fn rows_of(help: &str) -> impl Iterator<Item = &str> {
    help.lines().filter(|line| {
        let short = line.get(2..6).unwrap_or_default();
        (short.trim().is_empty() || short.ends_with(", "))
            && line.get(6..9).is_some_and(|long| long.starts_with("--") && !long.ends_with(' '))
    })
}

/// Returns the long name of a row, and the short one, if there is one: `--help` and `-h`.
fn names_of(row: &str) -> (&str, Option<&str>) {
    let long = row[6..].split(' ').next().unwrap_or_default();
    (long, Some(&row[2..4]).filter(|short| short.starts_with('-')))
}

#[test]
fn each_flag_of_the_server_has_a_test() {
    let help = server_command(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags: Vec<_> = rows_of(&help).map(|row| names_of(row).0).collect();
    assert!(flags.len() > 60 && flags.contains(&"--cors"), "{flags:?}");
    let mut text = String::new();
    sources(&root().join("tests"), &mut text);
    let missing: Vec<_> = flags.into_iter().filter(|flag| !is_typed(flag, &text)).collect();
    assert!(missing.is_empty(), "no test types {missing:?}");
}

/// The commands of the client, and the tests that type their flags.
const COMMANDS: &[(&str, &[&str])] = &[
    ("", &["client", "client.rs", "command_line.rs", "dns_client", "misbehave.rs"]),
    ("bench", &["bench.rs"]),
    ("check", &["check", "check.rs"]),
    ("dns", &["dns_client", "manual.rs"]),
    ("experiment", &["experiment.rs"]),
    ("ping", &["ping.rs"]),
    ("watch", &["client/watch.rs"]),
    ("where", &["client/resolve_only.rs", "dns_client"]),
];

/// The tests of `client` count for a row that another command has, too: it is the same in the table.
#[test]
fn each_flag_of_the_client_has_a_test() {
    let (mut missing, mut shared) = (Vec::new(), String::new());
    for (command, tests) in COMMANDS {
        let words = [*command, "--help", "all"].into_iter().filter(|word| !word.is_empty());
        let help = client(&words.collect::<Vec<_>>()).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let mut text = String::new();
        for test in *tests {
            let path = root().join("tests").join(test);
            match path.is_dir() {
                true => sources(&path, &mut text),
                false => text.push_str(&fs::read_to_string(&path).unwrap()),
            }
        }
        assert!(rows_of(&help).count() >= 5, "{help}");
        for row in rows_of(&help).filter(|row| !shared.contains(row)) {
            let (long, short) = names_of(row);
            if !command.is_empty() && ["--help", "--version"].contains(&long) {
                continue; // below
            }
            let by_short = short.is_some_and(|short| {
                [format!("\"{short}"), format!(" {short}")].iter().any(|it| text.contains(it))
            });
            if !by_short && !is_typed(long, &text) {
                missing.push(format!("client {command} {long}"));
            }
        }
        shared.push_str(if command.is_empty() { &help } else { "" });
    }
    assert!(missing.is_empty(), "no test types {missing:#?}");
}

#[test]
fn each_command_prints_its_help_and_the_version() {
    for (command, _) in COMMANDS.iter().skip(1) {
        let printed = |flag: &str| {
            let output = client(&[command, flag]).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{command} {flag}");
            String::from_utf8(output.stdout).unwrap()
        };
        let start = format!("Usage: client {command} ");
        assert!(printed("--help").starts_with(&start) && printed("-h").starts_with(&start));
        assert!(printed("--version").starts_with(&format!("client {command} (threadbare) ")));
        assert_eq!(printed("-V"), printed("--version"));
    }
}

#[test]
fn limits_of_the_parts_of_a_request() {
    let long = "x".repeat(200);
    for (flag, value, request, want) in [
        ("--max-request-line", "100", format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), "414"),
        ("--max-field", "100", format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}\r\n\r\n"), "431"),
        ("--max-head", "150", format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}\r\n\r\n"), "431"),
        (
            "--max-fields",
            "2",
            "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\n\r\n".to_owned(),
            "431",
        ),
        (
            "--max-chunk-overhead",
            "50",
            format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;{long}\r\nx\r\n0\r\n\r\n"
            ),
            "4",
        ),
    ] {
        let (limited, usual) = (Server::start(&[flag, value]), Server::start(&[]));
        let status =
            |server: &Server| server.connect().send(&request).answer().status().to_string();
        assert!(status(&limited).starts_with(want), "{flag}: {}", status(&limited));
        assert!(!status(&usual).starts_with(want) || want == "4", "{flag}");
    }
}

#[test]
fn memory_of_the_kernel_for_fast_clients() {
    let folder = Folder::new();
    folder.write("large", vec![b'x'; 8 << 20]);
    let server = Server::of(&folder, &["--max-unsent-memory", "1"]);
    assert_eq!(server.get("/large").body.len(), 8 << 20);
}
