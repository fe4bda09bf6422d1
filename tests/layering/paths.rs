//! Which paths a module names: `use` trees expanded, `crate`, `self`, `super` and other names of a
//! path resolved.

use std::collections::HashMap;

use super::tokens::{Kind, Token};

/// A path, segment by segment.
pub type Path = Vec<String>;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A path from the root of our crate.
    Ours(Path),
    /// A path that begins with another crate, or with `std`.
    Other(Path),
}

/// What a module names, and the modules that it declares in files of their own.
#[derive(Debug, Default)]
pub struct Names {
    /// Each path that is named, and its line.
    pub named: Vec<(Named, usize)>,
    /// The modules declared as `mod name;`.
    pub modules: Vec<Path>,
}

/// Words after which a path may begin. All others would be part of it.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref",
    "return", "static", "struct", "trait", "type", "unsafe", "where", "while",
];

/// A path as it is written, in which module, and in which line.
#[derive(Debug, Clone)]
struct Written {
    module: Path,
    path: Path,
    line: usize,
}

/// Returns what a module names. `crates` are the names of the crates that it could name.
pub fn names(module: &[String], tokens: &[Token<'_>], crates: &[String]) -> Names {
    let mut reader = Reader { module: module.to_vec(), ..Reader::default() };
    reader.read(tokens);
    let mut named = Vec::new();
    for written in &reader.paths {
        let found = resolve(written, &reader.aliases, crates, 0);
        named.extend(found.into_iter().map(|named| (named, written.line)));
    }
    Names { named, modules: reader.modules }
}

#[derive(Debug, Default)]
struct Reader {
    module: Path,
    paths: Vec<Written>,
    /// What each name that a `use` brings in stands for.
    aliases: HashMap<String, Vec<Written>>,
    modules: Vec<Path>,
}

impl Reader {
    fn read(&mut self, tokens: &[Token<'_>]) {
        let mut at = 0;
        let mut depth = 0;
        // The depths at which the modules written in this file end.
        let mut ends = Vec::new();
        while let Some(token) = tokens.get(at) {
            let next = |number: usize| tokens.get(at + number);
            if token.is("{") {
                depth += 1;
            } else if token.is("}") {
                depth -= 1;
                if ends.last() == Some(&depth) {
                    ends.pop();
                    self.module.pop();
                }
            } else if token.is("mod") && next(2).is_some_and(|sign| sign.is(";") || sign.is("{")) {
                let name = next(1).unwrap().text.to_owned();
                if next(2).unwrap().is("{") {
                    self.module.push(name);
                    ends.push(depth);
                    depth += 1;
                } else {
                    self.modules.push([self.module.clone(), vec![name]].concat());
                }
                at += 2;
            } else if token.is("use") && next(1).is_some_and(|next| !next.is("<")) {
                at += 1;
                at += self.tree(&tokens[at..], &[]);
                continue;
            } else if token.is("extern") && next(1).is_some_and(|next| next.is("crate")) {
                let name = next(2).map_or(String::new(), |name| name.text.to_owned());
                self.found(vec!["extern crate".to_owned(), name], token.line);
                at += 2;
            } else if let Some(length) = self.expression(tokens, at) {
                at += length;
                continue;
            }
            at += 1;
        }
    }

    /// Reads a path outside of `use`, and returns its number of tokens.
    fn expression(&mut self, tokens: &[Token<'_>], at: usize) -> Option<usize> {
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
        let word = |at: usize| {
            let token = tokens.get(at).filter(|token| token.kind == Kind::Word);
            token.filter(|token| !KEYWORDS.contains(&token.text))
        };
        let is_field = is(at.wrapping_sub(1), ".") && !is(at.wrapping_sub(2), ".");
        // `::log::info`, or the end of `Vec::<u8>::new`: the names of the crates tell them apart.
        let leads = is(at, "::");
        let mut end = at + usize::from(leads);
        let mut path: Path = leads.then(String::new).into_iter().collect();
        path.push(word(end)?.text.to_owned());
        end += 1;
        while is(end, "::")
            && let Some(segment) = word(end + 1)
        {
            path.push(segment.text.to_owned());
            end += 2;
        }
        if path.len() > 1 && !is_field {
            self.found(path, tokens[at].line);
        }
        Some(end - at)
    }

    /// Reads a `use` tree that stands after this prefix, and returns its number of tokens.
    fn tree(&mut self, tokens: &[Token<'_>], prefix: &[String]) -> usize {
        let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token.is(text));
        let mut path = prefix.to_vec();
        let mut at = 0;
        if path.is_empty() && is(0, "::") {
            path.push(String::new());
            at = 1;
        }
        loop {
            let Some(token) = tokens.get(at) else { return at };
            if token.is("{") {
                at += 1;
                while !is(at, "}") {
                    if at >= tokens.len() {
                        return at;
                    }
                    at += self.tree(&tokens[at..], &path);
                    at += usize::from(is(at, ","));
                }
                return at + 1;
            }
            path.push(token.text.to_owned());
            at += 1;
            if is(at, "::") {
                at += 1;
                continue;
            }
            let line = token.line;
            let mut name = path.iter().rev().find(|segment| *segment != "self").cloned();
            if is(at, "as") {
                name = tokens.get(at + 1).map(|token| token.text.to_owned());
                at += 2;
            }
            let written = Written { module: self.module.clone(), path: path.clone(), line };
            self.aliases.entry(name.unwrap_or_default()).or_default().push(written);
            self.found(path, line);
            return at;
        }
    }

    fn found(&mut self, path: Path, line: usize) {
        self.paths.push(Written { module: self.module.clone(), path, line });
    }
}

/// Returns what a path may lead to: more than one place if a name is brought in twice, none if it begins in
/// the module itself.
fn resolve(
    written: &Written,
    aliases: &HashMap<String, Vec<Written>>,
    crates: &[String],
    depth: usize,
) -> Vec<Named> {
    let (first, rest) = written.path.split_first().expect("a path has a segment");
    let rest = || rest.iter().filter(|segment| *segment != "self").cloned();
    // The root of the crate that a file belongs to: each program is one of its own.
    let root = if written.module.first().is_some_and(|room| room == "bin") { 2 } else { 0 };
    let from = |base: &[String], segments: &mut dyn Iterator<Item = String>| {
        Named::Ours(base.iter().cloned().chain(segments).collect())
    };
    let is_crate = |name: &str| {
        ["std", "core", "alloc"].contains(&name) || crates.iter().any(|known| known == name)
    };
    match first.as_str() {
        "crate" => return vec![from(&written.module[..root], &mut rest())],
        "threadbare" => return vec![from(&[], &mut rest())],
        "self" | "super" => {
            let ups = written.path.iter().filter(|segment| *segment == "super").count();
            let up = written.module.len().saturating_sub(ups);
            let mut below = rest().filter(|segment| segment != "super");
            return vec![from(&written.module[..up.max(root)], &mut below)];
        }
        "" => {
            let path: Path = rest().collect();
            let known = is_crate(&path[0]).then_some(Named::Other(path));
            return known.into_iter().collect();
        }
        "extern crate" => return vec![Named::Other(written.path.clone())],
        _ => {}
    }
    let mut found = Vec::new();
    if is_crate(first) {
        found.push(Named::Other([vec![first.clone()], rest().collect()].concat()));
    }
    for alias in aliases.get(first).into_iter().flatten() {
        if depth < 8 && alias.path.first() != Some(first) {
            let path = alias.path.iter().cloned().chain(rest()).collect();
            let whole = Written { path, ..alias.clone() };
            found.extend(resolve(&whole, aliases, crates, depth + 1));
        }
    }
    found
}
