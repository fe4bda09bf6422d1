//! An object in JSON, read strictly (RFC 8259).
//!
//! Refused: what is no JSON, what is no object, and an object that has a member twice (RFC 8259, 4).
//! Of two such members some readers take the first and some the last: who checks one must not be
//! told of another than who uses it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Why a text is no object.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not JSON.
    Syntax(serde_json::Error),
    /// It is JSON of another kind.
    NoObject,
    /// It has this member twice.
    Twice(String),
}

/// The members of the object. Objects within it are not looked into.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_slice(text) {
        Ok(Value::Object(members)) => match named_twice(text) {
            None => Ok(members),
            Some(name) => Err(Fault::Twice(name)),
        },
        Ok(_) => Err(Fault::NoObject),
        Err(error) => Err(Fault::Syntax(error)),
    }
}

/// The first member name that an object has for the second time. `text` is well formed.
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

/// How long the string is with which this begins, its quotes included.
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
            assert!(matches!(object(text.as_bytes()), Err(Fault::NoObject)), "{text}");
        }
        for text in ["", "{", "{\"a\":1,}", "{a:1}", "{} {}", "{\"a\":\"\\ud800\"}"] {
            assert!(matches!(object(text.as_bytes()), Err(Fault::Syntax(_))), "{text}");
        }
        assert!(matches!(object(b"{\"a\":\"\xff\"}"), Err(Fault::Syntax(_))));
    }
}
