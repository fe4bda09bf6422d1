//! Each flag of the server has a test against the program: this walks the flags, and looks for each in the tests.

use std::fs;
use std::path::Path;

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

/// True if this flag is in the text, and not only as the start of a longer one.
fn is_typed(flag: &str, text: &str) -> bool {
    text.match_indices(flag).any(|(at, _)| {
        let next = text.as_bytes().get(at + flag.len());
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'-')
    })
}

#[test]
fn each_flag_of_the_server_has_a_test() {
    let help = server_command(&["--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    // A row begins with `  -h, --help` or `      --links`; what is further to the right describes it.
    let rows = help.lines().filter_map(|line| line.get(2..6).map(|short| (short, &line[6..])));
    let rows = rows.filter(|(short, _)| short.trim().is_empty() || short.ends_with(", "));
    let names =
        rows.filter_map(|(_, row)| row.split(' ').next().filter(|name| name.starts_with("--")));
    let flags: Vec<&str> = names.filter(|flag| flag.len() > 2).collect();
    assert!(flags.len() > 60 && flags.contains(&"--cors"), "{flags:?}");
    let mut text = String::new();
    sources(&root().join("tests"), &mut text);
    let missing: Vec<_> = flags.into_iter().filter(|flag| !is_typed(flag, &text)).collect();
    assert!(missing.is_empty(), "no test types {missing:?}");
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
