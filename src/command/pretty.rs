//! Formats JSON for people: indented, and in colours if the terminal has them. Order, numbers and
//! repeated names stay as received; text that is not JSON (RFC 8259) is not changed.
//!
//! Control characters that JSON allows in a string (DEL, and U+0080 to U+009F) are shown as escapes, so
//! that a response cannot control the terminal.

use crate::proto::http::headers::Headers;
use crate::text::{escape_in_json, paint};

/// A longer text is not formatted: 4 MB.
pub const LIMIT: usize = 4 << 20;

/// Returns true if the Content-Type is JSON.
pub fn is_json(head: &Headers) -> bool {
    let media_type = head.text("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

/// Returns the JSON over several lines; `None` when it is not valid.
pub fn pretty(text: &[u8], in_colour: bool) -> Option<String> {
    let text = str::from_utf8(text).ok()?;
    let _: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut out = String::new();
    let mut depth = 0;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let token = token(rest);
        rest = rest.get(token.len()..).unwrap_or_default().trim_start();
        match first {
            '{' | '[' => {
                out.push(first);
                match rest.chars().next().filter(|next| matches!(next, '}' | ']')) {
                    Some(end) => {
                        out.push(end);
                        rest = rest.get(1..).unwrap_or_default().trim_start();
                    }
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(first);
            }
            ',' => {
                out.push(first);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if in_colour => {
                let colour = match first {
                    '"' if rest.starts_with(':') => "1;34",
                    '"' => "32",
                    't' | 'f' | 'n' => "33",
                    _ => "36",
                };
                out.push_str(&paint(&escape_in_json(token), colour, true));
            }
            _ => out.push_str(&escape_in_json(token)),
        }
    }
    out.push('\n');
    Some(out)
}

/// Returns the first token of valid JSON.
fn token(text: &str) -> &str {
    let mut escaped = false;
    let end = match text.chars().next() {
        Some('"') => text.char_indices().skip(1).find(|&(_, char)| {
            let ends = char == '"' && !escaped;
            escaped = char == '\\' && !escaped;
            ends
        }),
        Some('{' | '}' | '[' | ']' | ',' | ':') => text.char_indices().next(),
        _ => {
            let end = text.find(|char: char| ",:]} \t\r\n".contains(char)).unwrap_or(text.len());
            return text.split_at(end).0;
        }
    };
    text.split_at(end.map_or(text.len(), |(at, char)| at + char.len_utf8())).0
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indented() {
        for (json, want) in [
            ("1", "1\n"),
            (" \"a\" ", "\"a\"\n"),
            ("[]", "[]\n"),
            ("{ }", "{}\n"),
            (
                r#"{"b":1.00,"a":[1,2,{}],"b":"x\"],\\"}"#,
                "{\n  \"b\": 1.00,\n  \"a\": [\n    1,\n    2,\n    {}\n  ],\n  \"b\": \"x\\\"],\\\\\"\n}\n",
            ),
            (
                "[123456789012345678901234567890, true]",
                "[\n  123456789012345678901234567890,\n  true\n]\n",
            ),
            ("\"\u{7f}\u{9b}\u{e9}\"", "\"\\u007f\\u009b\u{e9}\"\n"),
        ] {
            assert_eq!(pretty(json.as_bytes(), false).as_deref(), Some(want), "{json}");
        }
        for wrong in ["", "{", "{} x", "\"\u{1}\"", "nul", &"[".repeat(100_000)] {
            assert_eq!(pretty(wrong.as_bytes(), true), None);
        }
        assert_eq!(pretty(b"\"\xff\"", true), None);
    }

    #[test]
    fn in_colour() {
        let text = pretty(br#"{"a": ["b", 1, null]}"#, true).unwrap();
        let want = "{\n  \x1b[1;34m\"a\"\x1b[0m: [\n    \x1b[32m\"b\"\x1b[0m,\n    \
                    \x1b[36m1\x1b[0m,\n    \x1b[33mnull\x1b[0m\n  ]\n}\n";
        assert_eq!(text, want);
    }

    #[test]
    fn what_says_that_it_is_json() {
        for (value, want) in [
            ("application/json", true),
            ("Application/JSON ; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/html", false),
            ("application/jsonp", false),
        ] {
            let mut head = Headers::new();
            head.append("Content-Type", value).unwrap();
            assert_eq!(is_json(&head), want, "{value}");
        }
    }
}
