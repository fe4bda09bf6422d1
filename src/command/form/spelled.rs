//! A field of `-F` as it is typed.

use std::path::PathBuf;

use super::{Content, Part, PartHeader, is_header};
use crate::proto::http::chars::TCHAR;

/// What is typed.
pub(super) enum Spelled {
    /// A part.
    Part(Part),
    /// `name=(`: the beginning of one that has parts.
    Opens(Part),
}

/// Splits `name=content`.
pub(super) fn halves(typed: &str) -> Result<(&str, &str), String> {
    typed.split_once('=').ok_or_else(|| "-F without a =; right: name=text or name=@FILE".to_owned())
}

/// Parses a field. Its content may be a password, which no error shows.
pub(super) fn part(typed: &str) -> Result<Spelled, String> {
    let (name, given) = halves(typed)?;
    let read = match given.chars().next() {
        Some('@') => files(given),
        Some('<') => text_of(given),
        Some('(') => return opens(name, given).map_err(|what| format!("-F {name:?}: {what}")),
        _ => text(given),
    };
    let part = read.map_err(|what| format!("-F {name:?}: {what}"))?;
    Ok(Spelled::Part(Part { name: name.to_owned(), ..part }))
}

fn opens(name: &str, given: &str) -> Result<Spelled, String> {
    let mut part =
        Part { name: name.to_owned(), content: Content::Parts(Vec::new()), ..Part::default() };
    let rest = parameters(&mut part, given.get(1..).unwrap_or_default(), None)?;
    match rest.is_empty() {
        true => Ok(Spelled::Opens(part)),
        false => Err("unexpected text after (; right: name=( or name=(;type=TYPE".to_owned()),
    }
}

fn text(given: &str) -> Result<Part, String> {
    let (value, rest) = value(given.trim_start_matches([' ', '\t']), None);
    let mut part = Part { content: Content::Text(value), ..Part::default() };
    ended(parameters(&mut part, rest, None)?)?;
    Ok(part)
}

fn text_of(given: &str) -> Result<Part, String> {
    let (file, rest) =
        value(given.get(1..).unwrap_or_default().trim_start_matches([' ', '\t']), None);
    let mut part = Part { content: Content::TextOf(named(file)?), ..Part::default() };
    ended(parameters(&mut part, rest, None)?)?;
    match part.filename {
        Some(_) => {
            Err("a text cannot have a file name; right: name=@FILE;filename=NAME".to_owned())
        }
        None => Ok(part),
    }
}

/// One file is the part; of several, each is a part of it.
fn files(given: &str) -> Result<Part, String> {
    let mut parts = Vec::new();
    let mut rest = given.get(1..).unwrap_or_default();
    loop {
        let (file, behind) = value(rest.trim_start_matches([' ', '\t']), Some(','));
        let mut part = Part { content: Content::File(named(file)?), ..Part::default() };
        rest = parameters(&mut part, behind, Some(','))?;
        parts.push(part);
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    ended(rest)?;
    match parts.pop() {
        Some(only) if parts.is_empty() => Ok(only),
        last => {
            parts.extend(last);
            Ok(Part { content: Content::Parts(parts), ..Part::default() })
        }
    }
}

fn named(file: String) -> Result<PathBuf, String> {
    match file.is_empty() {
        true => Err("not the name of a file; right: name=@FILE".to_owned()),
        false => Ok(file.into()),
    }
}

fn ended(rest: &str) -> Result<(), String> {
    match rest.is_empty() {
        true => Ok(()),
        false => {
            Err("unexpected text after the quotes; right: ; and type=TYPE or filename=NAME"
                .to_owned())
        }
    }
}

/// Takes what follows a content; returns what is behind it. `end` ends a value, as `;` does.
fn parameters<'t>(
    part: &mut Part,
    mut rest: &'t str,
    end: Option<char>,
) -> Result<&'t str, String> {
    while let Some(parameter) = rest.strip_prefix(';') {
        let parameter = parameter.trim_start();
        let Some((key, typed)) = parameter.split_once('=') else { return Err(UNKNOWN.to_owned()) };
        rest = match key {
            "type" => {
                let (media_type, behind) = media_type(typed, end);
                check_type(&media_type)?;
                part.media_type = Some(media_type);
                behind
            }
            "filename" => {
                let (filename, behind) = value(typed, end);
                part.filename = Some(filename);
                behind
            }
            "headers" => {
                let (header, behind) = header(typed, end)?;
                part.headers.push(header);
                behind
            }
            "encoder" => {
                let (name, behind) = value(typed, end);
                part.encoder = Some(encoder(&name, part)?);
                behind
            }
            _ => return Err(UNKNOWN.to_owned()),
        };
    }
    Ok(rest)
}

const UNKNOWN: &str = "only type=TYPE, filename=NAME, headers=FIELD or encoder=NAME can follow ; right: \
                       --form-string, or quotes, for a text with ; in it";

fn header(typed: &str, end: Option<char>) -> Result<(PartHeader, &str), String> {
    if let Some(file) = typed.strip_prefix(['@', '<']) {
        let (file, behind) = value(file, end);
        return Ok((PartHeader::File(named(file)?), behind));
    }
    let (line, behind) = value(typed, end);
    match is_header(&line) {
        true => Ok((PartHeader::Line(line), behind)),
        false => Err("not a field; right: headers=\"Name: value\", or headers=@FILE".to_owned()),
    }
}

fn encoder(name: &str, part: &Part) -> Result<&'static str, String> {
    let is_ascii = matches!(&part.content, Content::Text(text) if text.is_ascii());
    match name.to_ascii_lowercase().as_str() {
        "binary" => Ok("binary"),
        "8bit" => Ok("8bit"),
        "7bit" if is_ascii => Ok("7bit"),
        "7bit" => Err("only a text of ASCII is 7bit; right: encoder=8bit".to_owned()),
        "base64" | "quoted-printable" => Err(format!(
            "encoder={name} is not supported: HTTP carries all bytes (RFC 7578, 4.7); right: encoder=binary"
        )),
        _ => Err("no known encoder; right: binary, 8bit or 7bit".to_owned()),
    }
}

/// A value up to the next `;` or `end`, or in quotes, in which `\` stands before `"` and `\`; and what is behind.
fn value(text: &str, end: Option<char>) -> (String, &str) {
    let ends = |char: char| char == ';' || Some(char) == end;
    let unquoted = || text.split_at(text.find(ends).unwrap_or(text.len()));
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = unquoted();
        return (value.to_owned(), rest);
    };
    let (mut value, mut chars) = (String::new(), quoted.chars());
    while let Some(char) = chars.next() {
        match char {
            '"' => return (value, chars.as_str()),
            '\\' if chars.as_str().starts_with(['"', '\\']) => value.extend(chars.next()),
            char => value.push(char),
        }
    }
    (text.to_owned(), "") // the quotes do not end, so they are none
}

/// A type reaches over its own parameters: `text/plain;charset=utf-8`.
fn media_type(text: &str, end: Option<char>) -> (String, &str) {
    let is_ours = |parameter: &str| {
        let parameter = parameter.trim_start();
        ["filename=", "type=", "headers=", "encoder="].iter().any(|key| parameter.starts_with(key))
    };
    let mut quoted = false;
    for (at, char) in text.char_indices() {
        quoted ^= char == '"';
        let rest = text.get(at + char.len_utf8()..).unwrap_or_default();
        if !quoted && (Some(char) == end || char == ';' && is_ours(rest)) {
            let (value, rest) = text.split_at(at);
            return (value.trim_end().to_owned(), rest);
        }
    }
    (text.trim_end().to_owned(), "")
}

/// `media-type = type "/" subtype`, both tokens, and its parameters (RFC 9110, 8.3.1).
fn check_type(text: &str) -> Result<(), String> {
    let (essence, _) = text.split_once(';').unwrap_or((text, ""));
    let is_token = |word: &str| !word.is_empty() && TCHAR.first_outside(word.as_bytes()).is_none();
    if !essence.trim_end().split_once('/').is_some_and(|(kind, of)| is_token(kind) && is_token(of))
    {
        return Err("the type is not a type and a subtype; right: type=text/plain".to_owned());
    }
    match text.bytes().any(|byte| byte.is_ascii_control()) {
        true => Err("the type contains a control byte; right: type=text/plain".to_owned()),
        false => Ok(()),
    }
}
