//! Rust source as tokens: without comments, and without the items that only test builds contain.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// A string, byte or character literal, with its prefix and quotes.
    Literal,
    /// `::`, or any other character of its own.
    Sign,
}

/// A token, and its line in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'s> {
    pub kind: Kind,
    pub text: &'s str,
    pub line: usize,
}

impl Token<'_> {
    /// Returns true if this is the word or sign `text`.
    pub fn is(&self, text: &str) -> bool {
        self.kind != Kind::Literal && self.text == text
    }
}

/// Returns the tokens of the product: all but comments and items of test builds.
pub fn product(source: &str) -> Vec<Token<'_>> {
    without_test_items(&tokens(source))
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while !rest.is_empty() {
        let (kind, length) = first(rest);
        let (text, after) = rest.split_at(length);
        if let Some(kind) = kind {
            found.push(Token { kind, text: text.trim_start_matches("r#"), line });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    found
}

/// Returns what the text begins with, nothing for spaces, comments and lifetimes, and its length.
fn first(rest: &str) -> (Option<Kind>, usize) {
    let char = rest.chars().next().unwrap();
    let word = rest.find(|char: char| !is_word(char)).unwrap_or(rest.len());
    if rest.starts_with("//") {
        (None, rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        (None, comment(rest))
    } else if let Some(length) = literal(rest) {
        (Some(Kind::Literal), length)
    } else if rest.starts_with("::") {
        (Some(Kind::Sign), 2)
    } else if char == '\'' {
        let end = rest[1..].find(|char: char| !is_word(char));
        (None, end.map_or(rest.len(), |end| 1 + end))
    } else if let Some(name) = rest.strip_prefix("r#") {
        let end = name.find(|char: char| !is_word(char));
        (Some(Kind::Word), 2 + end.unwrap_or(name.len()))
    } else if word > 0 {
        (Some(Kind::Word), word)
    } else {
        ((!char.is_whitespace()).then_some(Kind::Sign), char.len_utf8())
    }
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Returns the length of a block comment, which may have others inside.
fn comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    loop {
        let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { return text.len() };
        match (rest.starts_with("/*"), rest.starts_with("*/")) {
            (true, _) => (depth, at) = (depth + 1, at + 2),
            (_, true) => (depth, at) = (depth - 1, at + 2),
            _ => at += rest.chars().next().unwrap().len_utf8(),
        }
        if depth == 0 {
            return at;
        }
    }
}

/// Returns the length of the string, byte or character literal at the beginning.
fn literal(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let rest = text.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.trim_start_matches('#').starts_with(['"', '\'']))
    })?;
    let quoted = &text[prefix.len()..];
    let hashes = quoted.len() - quoted.trim_start_matches('#').len();
    let inside = &quoted[hashes + 1..];
    let before = prefix.len() + hashes + 1;
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return inside.find(&end).map(|at| before + at + end.len());
    }
    if hashes > 0 {
        return None;
    }
    let quote = quoted.chars().next()?;
    if quote == '\'' && !inside.starts_with('\\') {
        // One character and a quote; else it is a lifetime.
        let char = inside.chars().next()?;
        return inside[char.len_utf8()..].starts_with('\'').then(|| before + char.len_utf8() + 1);
    }
    let mut escaped = false;
    let end = inside.find(|char| {
        let ends = char == quote && !escaped;
        escaped = char == '\\' && !escaped;
        ends
    });
    end.map(|at| before + at + 1)
}

const ITEMS: &[&str] = &[
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "macro_rules",
    "mod",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "unsafe",
    "use",
];

fn without_test_items<'s>(tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let item =
            attribute(&tokens[at..]).filter(|end| is_for_tests(&tokens[at + 2..at + end - 1]));
        match item.and_then(|length| test_item(&tokens[at + length..]).map(|more| length + more)) {
            Some(length) => at += length,
            None => {
                kept.push(tokens[at]);
                at += 1;
            }
        }
    }
    kept
}

/// Returns the number of tokens of the outer attribute at the beginning.
fn attribute(tokens: &[Token<'_>]) -> Option<usize> {
    let begins = tokens.first()?.is("#") && tokens.get(1)?.is("[");
    begins.then(|| 1 + group(&tokens[1..]))
}

/// Returns the number of tokens up to the sign that closes what the first one opens.
fn group(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        depth += i32::from(["(", "[", "{"].iter().any(|sign| token.is(sign)));
        depth -= i32::from([")", "]", "}"].iter().any(|sign| token.is(sign)));
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Returns true for `cfg(…)` of a predicate that holds in no build of the product.
fn is_for_tests(attribute: &[Token<'_>]) -> bool {
    match attribute {
        [cfg, open, inside @ .., _] if cfg.is("cfg") && open.is("(") => never_in_product(inside),
        _ => false,
    }
}

fn never_in_product(predicate: &[Token<'_>]) -> bool {
    match predicate {
        [word] => word.is("test") || word.is("loom"),
        [all, open, inside @ .., _] if all.is("all") && open.is("(") => {
            let mut rest = inside;
            while !rest.is_empty() {
                let length = if rest.get(1).is_some_and(|sign| sign.is("(")) {
                    1 + group(&rest[1..])
                } else {
                    rest.iter().position(|sign| sign.is(",")).unwrap_or(rest.len())
                };
                if never_in_product(&rest[..length]) {
                    return true;
                }
                rest = rest.get(length + 1..).unwrap_or_default();
            }
            false
        }
        _ => false,
    }
}

/// Returns the number of tokens of the item at the beginning; nothing if there is none.
fn test_item(tokens: &[Token<'_>]) -> Option<usize> {
    let mut at = 0;
    while let Some(length) = attribute(&tokens[at..]) {
        at += length;
    }
    if !ITEMS.iter().any(|word| tokens.get(at).is_some_and(|token| token.is(word))) {
        return None;
    }
    while let Some(token) = tokens.get(at) {
        let length = group(&tokens[at..]);
        at += length;
        if token.is("{") || token.is(";") {
            break;
        }
    }
    Some(at)
}
