//! Parses a JSON object strictly (RFC 8259).
//!
//! Rejected: what is not JSON or not an object, and an object that has a member twice (RFC 8259, 4). Of
//! two such members some parsers take the first and some the last: one program could check the first and
//! another use the last.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Why a text is not an object.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not JSON.
    Syntax(serde_json::Error),
    /// It is JSON of another kind.
    NotAnObject,
    /// It has this member twice.
    Twice(String),
}

/// Returns the members of the object. Nested objects are not checked for duplicates.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(members)) => match named_twice(text) {
            None => Ok(members),
            Some(name) => Err(Fault::Twice(name)),
        },
        Ok(_) => Err(Fault::NotAnObject),
        Err(error) => Err(Fault::Syntax(error)),
    }
}

/// Returns the first member name that occurs twice. `text` is well formed.
fn named_twice(text: &[u8]) -> Option<String> {
    let (mut depth, mut at) = (0, 0);
    let mut names = BTreeSet::new();
    while let Some(&byte) = text.get(at) {
        let mut length = 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            b'"' => {
                length = string_length(&text[at..]);
                let (string, rest) = text[at..].split_at(length);
                if depth == 1 && rest.trim_ascii_start().starts_with(b":") {
                    // Decoded: "a" and "\u0061" are one name.
                    let name: String = serde_json::from_slice(string).ok()?;
                    if let Some(name) = names.replace(name) {
                        return Some(name);
                    }
                }
            }
            _ => {}
        }
        at += length;
    }
    None
}

/// Returns the length of the string at the beginning of `text`, with its quotes.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_once() {
        for (text, want) in [
            (r#"{}"#, None),
            (r#"{"a":1,"b":{"a":2,"c":1,"c":2},"c":["a","a"],"d":"a"}"#, None),
            (r#"{"a":1,"A":2,"":3,"a ":4}"#, None),
            (r#"{"a":"\"a\":1,","b":"\\"}"#, None),
            (r#"{"a":1,"b":2,"a":1}"#, Some("a")),
            (r#" { "a" : [{}] , "\u0061" : {"b":[]} } "#, Some("a")),
            (r#"{"":1,"":2}"#, Some("")),
            (r#"{"x":"\\","é\"":1,"\u00e9\u0022":2}"#, Some("é\"")),
        ] {
            let got = object(text.as_bytes());
            match want {
                None => assert!(got.is_ok(), "{text}: {got:?}"),
                Some(name) => {
                    assert!(matches!(&got, Err(Fault::Twice(twice)) if twice == name), "{got:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_object() {
        for text in ["[]", "\"{}\"", "7", "null"] {
            assert!(matches!(object(text.as_bytes()), Err(Fault::NotAnObject)), "{text}");
        }
        for text in ["", "{", "{\"a\":1,}", "{a:1}", "{} {}", "{\"a\":\"\\ud800\"}"] {
            assert!(matches!(object(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
        }
        assert!(matches!(object(b"{\"a\":\"\xff\"}"), Err(Fault::Syntax(_))));
    }
}
