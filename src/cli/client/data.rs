//! The body of a request as it is put together on the command line, in curl's ways: `-d` and its
//! relatives, each piece from the line itself, from a file, or from stdin.
//!
//! `&` stands before a piece that is not the first, but for `--json`, whose pieces follow on one another.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::Expected;

/// A piece of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// From `-d`: a file without its line ends, which an editor put there.
    Form(Source),
    /// From `--data-binary` and `--data-raw`: as it is.
    Binary(Source),
    /// From `--data-urlencode`: encoded as browsers encode forms, after `name=` if there is a name.
    Encoded(String, Source),
    /// From `--json`: appended to the piece before it unchanged.
    Json(Source),
}

/// Where a piece comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// From the command line.
    Typed(Vec<u8>),
    /// From a file; `-` is stdin.
    File(PathBuf),
}

impl Source {
    fn read<E>(&self, read: &mut impl FnMut(&Path) -> Result<Vec<u8>, E>) -> Result<Vec<u8>, E> {
        match self {
            Source::Typed(text) => Ok(text.clone()),
            Source::File(path) => read(path),
        }
    }
}

/// Puts the pieces together; `None` when there are none. `read` reads a file, or stdin.
///
/// # Errors
/// Those of `read`.
pub fn body<E>(
    pieces: &[Data],
    mut read: impl FnMut(&Path) -> Result<Vec<u8>, E>,
) -> Result<Option<Vec<u8>>, E> {
    let mut body = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 && !matches!(piece, Data::Json(_)) {
            body.push(b'&');
        }
        body.extend(match piece {
            Data::Form(source @ Source::File(_)) => strip_line_ends(source.read(&mut read)?),
            Data::Form(source) | Data::Binary(source) | Data::Json(source) => {
                source.read(&mut read)?
            }
            Data::Encoded(name, source) => {
                let encoded = encode(&source.read(&mut read)?);
                match name.as_str() {
                    "" => encoded.into_bytes(),
                    name => format!("{name}={encoded}").into_bytes(),
                }
            }
        });
    }
    Ok((!pieces.is_empty()).then_some(body))
}

/// Removes CR, LF and NUL, as curl does for `-d @file`: an editor adds a line end that is not part of a form.
fn strip_line_ends(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.retain(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'));
    bytes
}

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3); a space becomes `+`, as in forms and
/// with curl.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(byte.into());
            }
            b' ' => text.push('+'),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Returns the file that `@FILE` names, or the data itself.
pub(super) fn source(typed: &OsStr) -> Result<Source, Expected> {
    if !typed.as_encoded_bytes().starts_with(b"@") {
        return Ok(this(typed));
    }
    let path = typed.to_str().and_then(|text| text.strip_prefix('@'));
    let path = path.filter(|path| !path.is_empty());
    Ok(Source::File(path.ok_or(Expected("@ and the name of a file, in UTF-8"))?.into()))
}

/// Returns the data itself, whatever it begins with.
pub(super) fn this(typed: &OsStr) -> Source {
    Source::Typed(typed.as_encoded_bytes().to_vec())
}

/// Parses the value of `--url-query`: `+content` is not encoded.
pub(super) fn to_add(typed: &OsStr) -> Result<Data, Expected> {
    match typed.to_str().and_then(|text| text.strip_prefix('+')) {
        Some(raw) => Ok(Data::Binary(Source::Typed(raw.as_bytes().to_vec()))),
        None => to_encode(typed),
    }
}

/// Parses one of curl's five forms: `content`, `=content`, `name=content`, `@file`, `name@file`.
pub(super) fn to_encode(typed: &OsStr) -> Result<Data, Expected> {
    let text = typed.to_str().ok_or(Expected("UTF-8, or @FILE for other bytes"))?;
    let typed = |content: &str| Source::Typed(content.as_bytes().to_vec());
    Ok(match (text.split_once('='), text.split_once('@')) {
        (Some((name, content)), _) => Data::Encoded(name.to_owned(), typed(content)),
        (None, Some((_, ""))) => return Err(Expected("name@FILE: @ and the name of a file")),
        (None, Some((name, file))) => Data::Encoded(name.to_owned(), Source::File(file.into())),
        (None, None) => Data::Encoded(String::new(), typed(text)),
    })
}
