//! Files of flags, in curl's syntax (`-K`): a flag on each line, with its value behind `=`, `:` or spaces.
//!
//! ```text
//! # a comment
//! silent
//! user-agent = "threadbare \"test\""
//! -H "X: y"
//! url: http://127.0.0.1:8080/
//! ```
//!
//! A name without dashes is a long one. In quotes, `\\`, `\"`, `\t`, `\n`, `\r` and `\v` have their usual meaning, and a
//! backslash before anything else is left out. curl leaves out what follows a value without quotes that has a space in it;
//! here it is an error, as it was probably meant.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

/// A flag in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ConfigLine {
    /// The number of its line, from 1.
    pub(super) number: usize,
    /// With its dashes.
    pub(super) flag: OsString,
    pub(super) value: Option<OsString>,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WrongLine {
    pub(super) number: usize,
    pub(super) what: &'static str,
}

/// Returns the flags of a file.
///
/// # Errors
/// The first line that cannot be understood. No value is shown: it may be a secret.
pub(super) fn parse(file: &[u8]) -> Result<Vec<ConfigLine>, WrongLine> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file); // a byte order mark, of an editor
    let mut flags = Vec::new();
    for (at, line) in file.split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let number = at + 1;
        if line.starts_with(b"http:") {
            return Err(WrongLine { number, what: "a URL alone; right: url = http://..." });
        }
        let is_dashed = line.starts_with(b"-");
        let separates =
            |byte: &u8| byte.is_ascii_whitespace() || !is_dashed && matches!(byte, b'=' | b':');
        let (name, rest) = line.split_at(line.iter().position(separates).unwrap_or(line.len()));
        let behind = rest.iter().position(|byte| !separates(byte)).unwrap_or(rest.len());
        let value = value(&rest[behind..]).map_err(|what| WrongLine { number, what })?;
        let flag = [if is_dashed { &b""[..] } else { b"--" }, name].concat();
        flags.push(ConfigLine {
            number,
            flag: OsString::from_vec(flag),
            value: value.map(OsString::from_vec),
        });
    }
    Ok(flags)
}

/// Returns the value that these bytes spell, if there are any.
fn value(spelled: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let (value, rest) = match spelled {
        [] | [b'#', ..] => return Ok(None),
        [b'"', quoted @ ..] => unquote(quoted).ok_or("a value has no \" at its end")?,
        plain => {
            let end = plain.iter().position(u8::is_ascii_whitespace).unwrap_or(plain.len());
            (plain[..end].to_vec(), &plain[end..])
        }
    };
    match rest.trim_ascii() {
        [] | [b'#', ..] => Ok(Some(value)),
        _ => Err("something follows the value; right: a value with spaces in it is in \"quotes\""),
    }
}

/// Returns what stands before the quote that ends it, and what follows that.
fn unquote(quoted: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let (mut value, mut rest) = (Vec::new(), quoted);
    loop {
        let (byte, behind) = match rest {
            [b'"', behind @ ..] => return Some((value, behind)),
            [b'\\', b't', behind @ ..] => (b'\t', behind),
            [b'\\', b'n', behind @ ..] => (b'\n', behind),
            [b'\\', b'r', behind @ ..] => (b'\r', behind),
            [b'\\', b'v', behind @ ..] => (b'\x0b', behind),
            [b'\\', other, behind @ ..] => (*other, behind),
            [b'\\'] | [] => return None,
            [other, behind @ ..] => (*other, behind),
        };
        value.push(byte);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_what_they_say() {
        for (line, want) in [
            ("silent", Some(("--silent", None))),
            ("--silent", Some(("--silent", None))),
            ("-s", Some(("-s", None))),
            ("  max-time = 5  ", Some(("--max-time", Some("5")))),
            ("max-time=5", Some(("--max-time", Some("5")))),
            ("max-time: 5", Some(("--max-time", Some("5")))),
            ("max-time 5", Some(("--max-time", Some("5")))),
            ("max-time\t=\t5\r", Some(("--max-time", Some("5")))),
            ("max-time = 5 # seconds", Some(("--max-time", Some("5")))),
            ("max-time = # none", Some(("--max-time", None))),
            ("url = http://a:80/?b=c", Some(("--url", Some("http://a:80/?b=c")))),
            ("url = http://a/#b", Some(("--url", Some("http://a/#b")))),
            ("-H \"X: y\"", Some(("-H", Some("X: y")))),
            ("-d =x", Some(("-d", Some("=x")))),
            ("--data=x", Some(("--data=x", None))),
            ("data == x", Some(("--data", Some("x")))),
            ("user-agent = \"\"", Some(("--user-agent", Some("")))),
            (
                r#"data = "a\\b\"c\td\ne\rf\vg\qh" # i"#,
                Some(("--data", Some("a\\b\"c\td\ne\rf\x0bgqh"))),
            ),
            ("# silent", None),
            ("", None),
            (" \t", None),
            ("\u{feff}silent", Some(("--silent", None))),
            ("next", Some(("--next", None))),
        ] {
            let want = want.map(|(flag, value)| ConfigLine {
                number: 1,
                flag: flag.into(),
                value: value.map(OsString::from),
            });
            assert_eq!(parse(line.as_bytes()), Ok(want.into_iter().collect()), "{line:?}");
        }
        let numbers = parse(b"a\n\n# b\nc").unwrap();
        assert_eq!(numbers.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 4]);
        let other = parse(b"-o \xff").unwrap();
        assert_eq!(other[0].value, Some(OsString::from_vec(vec![0xff])));
    }

    #[test]
    fn lines_that_are_wrong() {
        for (file, number) in [
            ("silent\nuser-agent = a b", 2),
            ("url = \"a\" b", 1),
            ("\n\nurl = \"a", 3),
            ("url = \"a\\", 1),
            ("http://a/", 1),
            ("url = \"a\\\"", 1),
        ] {
            assert_eq!(parse(file.as_bytes()).unwrap_err().number, number, "{file:?}");
        }
    }
}
