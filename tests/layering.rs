//! Which room may name which: the table of `src/manual/architecture.md`, held against the sources.

mod paths;
mod table;
mod tokens;

use std::fs;
use std::path::PathBuf;

use self::paths::{Named, Names, names};
use self::table::{Table, segments};
use self::tokens::{Kind, Token, product};
use crate::support::root;

/// Returns what a source names against the table, and against the laws of its room.
fn violations(table: &Table, crates: &[String], module: &[String], source: &str) -> Vec<String> {
    let tokens = product(source);
    let Some((row, room)) = table.row(module) else {
        return vec![format!("{} belongs to no room of the table", module.join("::"))];
    };
    let is_below = |path: &[String], rooms: &[String]| {
        rooms.iter().any(|room| path.starts_with(&segments(room)))
    };
    let mut found = Vec::new();
    for (named, line) in names(module, &tokens, crates).named {
        let (path, allowed) = match named {
            Named::Ours(path) => {
                let allowed = path.starts_with(&room) || is_below(&path, &row.ours);
                (path, allowed)
            }
            Named::Other(path) if ["std", "core", "alloc"].contains(&path[0].as_str()) => {
                let allowed = !row.is_pure || is_below(&path, &table.pure);
                (path, allowed)
            }
            Named::Other(path) => {
                let allowed = row.others.contains(&path[0]);
                (path, allowed)
            }
        };
        if !allowed {
            found.push(format!(
                "line {line}: {} may not name {}",
                room.join("::"),
                path.join("::")
            ));
        }
    }
    let unlawful = |at: usize| is_unlawful(&tokens, at, row.is_pure);
    let lines = (0..tokens.len()).filter(|at| unlawful(*at));
    found.extend(lines.map(|at| format!("line {}: {}", tokens[at].line, tokens[at].text)));
    found
}

/// Returns true for what no room may do: `unsafe` and async. In a room of values also: the clock, the
/// terminal and its escape sequences.
fn is_unlawful(tokens: &[Token<'_>], at: usize, is_pure: bool) -> bool {
    let (token, is) = (tokens[at], |at: usize, sign| tokens.get(at).is_some_and(|it| it.is(sign)));
    let before = at.wrapping_sub(1);
    if token.kind == Kind::Literal {
        let text = token.text.to_ascii_lowercase();
        let code = text.split("\\u{").skip(1).filter_map(|rest| rest.split('}').next());
        let mut codes = code.map(|code| code.trim_start_matches('0').replace('_', ""));
        let escape = ["\\x1b", "\\033", "\u{1b}"].iter().any(|escape| text.contains(escape));
        return is_pure && (escape || codes.any(|code| code == "1b"));
    }
    let asks_clock =
        (token.is("now") && is(before, "::")) || (token.is("elapsed") && is(before, "."));
    let prints = is(at + 1, "!")
        && ["print", "println", "eprint", "eprintln", "dbg"].iter().any(|word| token.is(word));
    ["unsafe", "async", "await", "Future"].iter().any(|word| token.is(word))
        || is_pure && (asks_clock || prints)
}

/// Returns the modules below a file, itself first: the path of each, and its text.
fn modules(module: Vec<String>, file: PathBuf, crates: &[String]) -> Vec<(Vec<String>, String)> {
    let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    let Names { modules: children, .. } = names(&module, &product(&source), crates);
    let stem = file.file_stem().unwrap();
    let is_root = stem == "mod" || stem == "lib" || file.parent().unwrap().ends_with("bin");
    let folder = file.parent().unwrap().to_owned();
    let folder = if is_root { folder } else { folder.join(stem) };
    let mut found = vec![(module.clone(), source)];
    for child in children {
        let below: PathBuf = child[module.len()..].iter().collect();
        let (file, inside) =
            (folder.join(&below).with_extension("rs"), folder.join(&below).join("mod.rs"));
        found.extend(modules(child, if file.exists() { file } else { inside }, crates));
    }
    found
}

/// Returns every module of the crate and of its two programs.
fn all_modules(crates: &[String]) -> Vec<(Vec<String>, String)> {
    let mut found = modules(Vec::new(), root().join("src/lib.rs"), crates);
    for program in ["server", "client"] {
        let file = root().join(format!("bin/{program}.rs"));
        found.extend(modules(vec!["bin".into(), program.into()], file, crates));
    }
    found
}

/// Returns the names of the crates in Cargo.toml, as they stand in paths.
fn crates() -> Vec<String> {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut found = Vec::new();
    let mut is_in_table = false;
    for line in text.lines() {
        if line.starts_with('[') {
            is_in_table = line.trim_end_matches(']').ends_with("dependencies");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| is_in_table) {
            found.push(name.replace('-', "_"));
        }
    }
    found
}

#[test]
fn each_room_names_only_what_the_table_lets_it() {
    let (table, crates) = (Table::read(), crates());
    let all = all_modules(&crates);
    assert!(all.len() > 150, "only {} modules were found", all.len());
    let mut found = Vec::new();
    for (module, source) in &all {
        // The root declares the rooms, and names nothing.
        let name = if module.is_empty() { "lib".to_owned() } else { module.join("::") };
        let module = if module.is_empty() { &[name.clone()][..] } else { module };
        let refused = violations(&table, &crates, module, source);
        found.extend(refused.into_iter().map(|refused| format!("{name}, {refused}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Each room of the table exists, and names what its row lists: a permission that is not used would let in
/// unnoticed what was taken out.
#[test]
fn the_table_allows_nothing_that_is_not_used() {
    let (table, crates) = (Table::read(), crates());
    let all = all_modules(&crates);
    let mut used = Vec::new();
    for (module, source) in &all {
        let Some((row, _)) = table.row(module) else { continue };
        used.extend(row.rooms.iter().filter(|room| module.starts_with(&segments(room))).cloned());
        for (named, _) in names(module, &product(source), &crates).named {
            let (Named::Ours(path) | Named::Other(path)) = named;
            let listed = row.ours.iter().chain(&row.others);
            let listed = listed.filter(|may| path.starts_with(&segments(may)));
            used.extend(listed.map(|may| format!("{} to {may}", row.rooms[0])));
        }
    }
    let mut unused = Vec::new();
    for row in table.rows.iter().filter(|row| row.rooms[0] != "lib") {
        let listed = row.ours.iter().chain(&row.others);
        let listed = listed.map(|may| format!("{} to {may}", row.rooms[0]));
        unused
            .extend(row.rooms.iter().cloned().chain(listed).filter(|entry| !used.contains(entry)));
    }
    assert!(unused.is_empty(), "the table lists what no source has: {unused:?}");
}

/// Rooms stand in layers: a room that names another is not named by it, at any remove.
#[test]
fn the_table_has_no_circle() {
    let first = |path: &String| path.split("::").next().unwrap().to_owned();
    let mut arrows = Vec::new();
    for row in Table::read().rows {
        for room in &row.rooms {
            arrows.extend(row.ours.iter().map(|other| (first(room), first(other))));
        }
    }
    arrows.retain(|(room, other)| room != other);
    loop {
        let left = arrows.clone();
        arrows.retain(|(_, other)| left.iter().any(|(room, _)| room == other));
        if arrows.len() == left.len() {
            break;
        }
    }
    assert!(arrows.is_empty(), "these rooms name each other: {arrows:?}");
}

#[test]
fn programs_are_thin() {
    for program in ["bin/server.rs", "bin/client.rs"] {
        let lines = fs::read_to_string(root().join(program)).unwrap().lines().count();
        assert!(lines < 200, "{program} has {lines} lines");
    }
}

/// A source that breaks a rule is refused, however it is written.
#[test]
fn no_way_around_the_table() {
    let (table, crates) = (Table::read(), crates());
    let rows: &[(&str, &str)] = &[
        ("net", "fn f() -> impl std::future::Future {}"),
        // Whole segments are compared: `net` does not allow `network`, `server` not `server_log`.
        ("client", "use crate::network::Thing;"),
        ("app", "use crate::server_log::Thing;"),
        ("server", "use crate::client::Client;"),
        ("server", "fn f() { crate::client::fetch(); }"),
        ("proto::http", "use crate::proto::buffer::Thing;"),
        // `super` and `self`, in `use` and outside.
        ("server", "use super::client::Client;"),
        ("server", "fn f() { super::client::fetch(); }"),
        ("client::pool::lru", "use super::super::super::server::Server;"),
        ("client::pool", "fn f() -> super::super::server::Server {}"),
        ("server", "use self::super::client::Client;"),
        ("server", "mod inner { use super::super::client::Client; }"),
        ("server", "mod inner { mod more { fn f() { super::super::super::client::fetch() } } }"),
        ("server", "mod a { mod b {} } use super::client::Client;"),
        ("proto::http", "use super::*;"),
        // `use` trees.
        ("server", "use crate::{client::Client, net::accept};"),
        ("server", "use crate::{net::{self, accept}, client};"),
        ("server", "use crate::{net::accept, command::{bench::{load, report}}};"),
        ("net", "use {crate::proto::http, std::io};"),
        ("net", "pub(crate) use crate::proto::http as h;"),
        ("proto::http", "use std::{fmt, net::{IpAddr, TcpStream}};"),
        ("proto::http", "use std::{io, sync::Arc};"),
        ("proto::http", "use std::net;"),
        ("proto::http", "use std::net::*;"),
        ("proto::http", "use std::time;"),
        // The whole crate, or a room, under another name.
        ("net", "use crate as ours; fn f() { ours::proto::http::f(); }"),
        ("net", "use crate::{self as ours};"),
        ("net", "use super as ours;"),
        ("net", "use crate::*;"),
        ("net", "extern crate self as ours;"),
        ("net", "extern crate log as l;"),
        ("net", "use threadbare::proto::http;"),
        ("proto::http", "use std as s; fn f() { s::fs::read(\"a\"); }"),
        ("proto::http", "use core::fmt; use std::time::SystemTime as S; fn f() { S::now(); }"),
        ("app", "use nix as n; fn f() { n::unistd::fork(); }"),
        // Other crates, however many times they are named lawfully elsewhere.
        ("client", "fn f() { ::nix::unistd::fork(); crate::server::log::f(); }"),
        ("proto::http", "fn f() { crate::log::f(); log::info!(\"a\"); }"),
        ("proto::http", "fn f() { ::log::info!(\"a\"); }"),
        ("proto::http", "use log::{self, info};"),
        ("proto::http", "fn f() -> bool { 1 > ::log::max_level() }"),
        ("proto::http", "fn f(it: &dyn ::log::Log) {}"),
        ("cli", "use serde_json::Value;"),
        // The programs, and their modules.
        ("bin::server", "use threadbare::proto::http::Method;"),
        ("bin::server", "use threadbare::{proto::http, server::Server};"),
        ("bin::server::flags", "use threadbare::client::Client;"),
        ("bin::server", "use threadbare as ours;"),
        ("bin::client", "use threadbare::server::Server;"),
        // Comments, strings and tests hide nothing beside them.
        ("net", "/* a /* b */ c */ use crate::proto::http;"),
        ("net", "const A: &str = \"//\"; use crate::proto::http;"),
        ("net", "const A: &str = r#\"\"/*\"#; use crate::proto::http;"),
        ("net", "const A: [char; 2] = ['\"', '\\'']; use crate::proto::http;"),
        ("net", "fn f<'a>(a: &'a str) {} use crate::proto::http;"),
        ("net", "#[cfg(test)] mod tests { } use crate::proto::http;"),
        ("net", "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nfn g() { crate::proto::f(); }"),
        ("net", "#[cfg(test)] const A: [u8; 2] = [0; 2]; use crate::proto::http;"),
        ("net", "#[cfg(not(test))] use crate::proto::http;"),
        ("net", "#[cfg(any(test, feature = \"cli\"))] use crate::proto::http;"),
        ("net", "#[cfg(all(unix, feature = \"test\"))] use crate::proto::http;"),
        ("net", "struct A { #[cfg(test)] a: u8, b: crate::proto::B }"),
        // The laws of a room of values.
        ("proto::http", "fn f() { std::fs::read(\"a\"); }"),
        ("proto::http", "fn f() { std::thread::spawn(f); }"),
        ("proto::http", "use std::time::Instant;"),
        ("proto::http", "fn f(a: T) { <T>::now(); }"),
        ("proto::http", "fn f() { SystemTime::UNIX_EPOCH.elapsed(); }"),
        ("proto::http", "fn f() { println!(\"a\"); }"),
        ("proto::http", "const RED: &str = \"\\x1b[31m\";"),
        ("proto::http", "const RED: &[u8] = b\"\\x1B[31m\";"),
        ("proto::http", "const RED: &str = \"\\u{1b}[31m\";"),
        ("proto::http", "const RED: &str = \"\\u{00_1B}[31m\";"),
        ("proto::http", "const RED: &str = r\"\\033[31m\";"),
        ("proto::http", "const RED: &str = \"\u{1b}[31m\";"),
        ("proto::http", "const ESC: char = '\\x1b';"),
        // The laws of every room, and rooms that the table does not have.
        ("net", "unsafe fn f() {}"),
        ("net", "async fn f() {}"),
        ("attic", ""),
    ];
    for (module, source) in rows {
        let refused = violations(&table, &crates, &segments(module), source);
        assert!(!refused.is_empty(), "in {module} this passes:\n{source}");
    }
}

/// A source that keeps the rules is not refused, whatever it looks like.
#[test]
fn what_only_looks_like_a_breach_passes() {
    let (table, crates) = (Table::read(), crates());
    let rows: &[(&str, &str)] = &[
        ("net", "// crate::proto\n/// use crate::proto;\nconst A: &str = \"crate::proto::http\";"),
        ("net", "#[cfg(test)]\nmod tests {\n    use crate::proto::http;\n}"),
        ("net", "#[cfg(all(test, not(loom)))] #[allow(x)] mod tests { use crate::proto::http; }"),
        ("net", "#[cfg(loom)] use loom::sync::atomic::AtomicU64;"),
        ("net", "use super::super::net::accept; use crate::{net, pool::{self, Pool}};"),
        ("net", "mod inner { use super::accept; pub(in crate::net) fn f() {} }"),
        ("net", "pub(crate) fn f(a: A) -> Vec<u8> { a.log.len(); Vec::<u8>::new() }"),
        ("proto::http", "use std::net::{IpAddr, Ipv6Addr}; use std::{fmt, time::Duration};"),
        ("proto::http", "fn f(log: u8, now: u8) { let elapsed = now; r#type(b'\\'', '\"'); }"),
        ("proto::http", "use super::buf::Buf; use crate::proto::buf;"),
        ("bin::server", "mod typed; use crate::typed::limits; use threadbare::server::Server;"),
        ("bin::server::typed", "use super::main; use threadbare::{app, server::Server};"),
    ];
    for (module, source) in rows {
        let refused = violations(&table, &crates, &segments(module), source);
        assert!(refused.is_empty(), "in {module} this is refused: {refused:?}\n{source}");
    }
}
