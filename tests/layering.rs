//! Who may import whom: DESIGN's table, held against the sources.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

/// Room, and what it may name of ours and of other crates.
const MAY_IMPORT: &[(&str, &[&str], &[&str])] = &[
    ("proto/buf.rs", &[], &[]),
    ("proto/mod.rs", &[], &[]),
    ("proto/http", &["proto::buf", "proto::http"], &["httpdate"]),
    ("pool.rs", &[], &["crossbeam_channel", "log"]),
    ("pool/jobs.rs", &[], &[]),
    ("net", &["net", "pool"], &["crossbeam_channel", "log", "nix"]),
    ("server", &["proto::http", "proto::buf", "net", "pool", "server"], &["log", "nix"]),
    (
        "command",
        &["proto::http", "proto::buf", "net", "client", "cli", "command"],
        &["crossbeam_channel", "hdrhistogram", "serde_json"],
    ),
    ("client", &["proto::http", "proto::buf", "net", "pool", "client"], &["log"]),
    ("app", &["server", "proto::http", "app"], &["log", "serde_json"]),
    ("cli", &["cli"], &["lexopt"]),
    ("manual", &[], &[]),
    ("sync.rs", &[], &[]),
];

/// What may not stand in the protocol at all, nor in what it names of std.
const NOT_IN_PROTO: &[&str] = &[
    "std::net::Tcp",
    "std::net::Udp",
    "std::net::ToSocket",
    "std::fs",
    "std::thread",
    "std::sync",
    "std::io",
    "Instant",
    "SystemTime::now",
    "log::",
];

const CRATES: &[&str] = &[
    "crossbeam_channel",
    "ctrlc",
    "env_logger",
    "hdrhistogram",
    "httpdate",
    "lexopt",
    "log",
    "nix",
    "serde_json",
];

fn sources(below: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
            found.push(path);
        }
    }
}

fn is_test(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// The product code of a file: comments and the tests at its end left out.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = product.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// Every `crate::a::b` and `super::super` named in it, as paths from the crate's root.
fn named(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let end = rest
            .find(|char: char| !(char.is_alphanumeric() || "_:".contains(char)))
            .unwrap_or(rest.len());
        found.push(rest[..end].to_owned());
    }
    found
}

#[test]
fn rooms_import_what_they_may() {
    let src = root().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 30, "the walk found the sources");
    for file in files {
        let name = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        if name == "lib.rs" {
            continue;
        }
        let room = MAY_IMPORT.iter().find(|(room, ..)| name.starts_with(room));
        let (room, ours, others) =
            room.unwrap_or_else(|| panic!("{name} belongs to no room of DESIGN's table"));
        let code = code(&file);
        for path in named(&code) {
            let allowed = ours.iter().any(|may| path.starts_with(may))
                || path.starts_with("{")
                || path == "sync::lock"
                || path.is_empty();
            assert!(allowed, "{name} names crate::{path}; {room} may name only {ours:?}");
        }
        for other in CRATES {
            let names =
                code.contains(&format!("{other}::")) && !code.contains(&format!("::{other}::"));
            assert!(
                !names || others.contains(other),
                "{name} names {other}; {room} may name only {others:?}"
            );
        }
        if name.starts_with("proto") {
            for word in NOT_IN_PROTO {
                assert!(
                    !code.contains(word),
                    "{name} names {word}: proto has no sockets, files, threads, locks, log or clock"
                );
            }
        }
    }
}

#[test]
fn binaries_do_not_reach_into_the_protocol() {
    for (binary, other) in [("server", "client"), ("client", "server")] {
        let code = code(&root().join(format!("bin/{binary}.rs")));
        assert!(!code.contains("threadbare::proto"), "bin/{binary}.rs names proto");
        assert!(!code.contains(&format!("threadbare::{other}")), "bin/{binary}.rs names {other}");
        assert!(code.lines().count() < 200, "bin/{binary}.rs is thin");
    }
}

#[test]
fn nothing_unsafe_and_no_async() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files {
        let code = code(&file);
        for word in ["unsafe ", "async fn", ".await", "impl Future"] {
            assert!(!code.contains(word), "{} has {word:?}", file.display());
        }
    }
}
