//! `-F`: a form with files, as multipart/form-data (RFC 7578), spelled as curl has it.
//!
//! `name=text`, `name=@FILE` (a file), `name=<FILE` (its text), `name=@FILE,FILE` (several in one, RFC 2388, 4.2);
//! `name=(` and `=)` around parts that are one; behind each of them `;type=TYPE`, `;filename=NAME`, `;headers=FIELD` and
//! `;encoder=NAME`; in quotes a value may have `;` and `,` in it. What curl leaves away with a warning is refused with
//! what to write instead.

mod spelled;

use std::io;
use std::path::{Path, PathBuf};

use super::upload::Recipe;
use crate::proto::http::chars::TCHAR;

/// A part of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    name: String,
    content: Content,
    media_type: Option<String>,
    filename: Option<String>,
    /// Lines to be added to its head.
    headers: Vec<PartHeader>,
    encoder: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    /// A file, which is one for the server, too.
    File(PathBuf),
    /// The text that stands in a file.
    TextOf(PathBuf),
    /// Parts of its own.
    Parts(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PartHeader {
    Line(String),
    /// The lines of a file.
    File(PathBuf),
}

impl Default for Content {
    fn default() -> Content {
        Content::Text(String::new())
    }
}

/// In what a part stands, which says how it is named (RFC 7578, 4.2; RFC 2183).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Form,
    Part,
}

/// What is read for a form that is being put together.
struct Builder<'f> {
    upload: Recipe,
    read: &'f dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

/// A field as it is typed.
#[derive(Debug, Clone, Copy)]
pub enum Typed<'t> {
    /// With `@`, `<`, `;` and parentheses.
    Spelled(&'t str),
    /// With nothing that has a meaning (`--form-string`).
    Plain(&'t str),
}

/// Puts the fields of a command line together.
///
/// # Errors
/// What is wrong, and what is right.
pub fn parts<'t>(fields: impl IntoIterator<Item = Typed<'t>>) -> Result<Vec<Part>, String> {
    let mut open: Vec<Part> = Vec::new();
    let mut all = Vec::new();
    for field in fields {
        let part = match field {
            Typed::Plain(typed) => {
                let (name, text) = spelled::halves(typed)?;
                let content = Content::Text(text.to_owned());
                Part { name: name.to_owned(), content, ..Part::default() }
            }
            Typed::Spelled("=)") => match open.pop() {
                Some(part) => part,
                None => return Err("-F =) without a (; right: -F 'name=(' before it".to_owned()),
            },
            Typed::Spelled(typed) => match spelled::part(typed)? {
                spelled::Spelled::Opens(part) => {
                    open.push(part);
                    continue;
                }
                spelled::Spelled::Part(part) => part,
            },
        };
        add(&mut open, &mut all, part);
    }
    while let Some(part) = open.pop() {
        add(&mut open, &mut all, part);
    }
    Ok(all)
}

/// Adds a part to the innermost one that is open, or to the form.
fn add(open: &mut [Part], all: &mut Vec<Part>, part: Part) {
    match open.last_mut() {
        Some(Part { content: Content::Parts(parts), .. }) => parts.push(part),
        _ => all.push(part),
    }
}

/// Returns the body of a form, and its Content-Type. `read` reads a file with lines of a head.
///
/// # Errors
/// Those of reading a file, with its name.
pub fn body(
    parts: &[Part],
    boundary: &str,
    read: &dyn Fn(&Path) -> io::Result<Vec<u8>>,
) -> Result<(Recipe, String), (PathBuf, io::Error)> {
    let mut builder = Builder { upload: Recipe::default(), read };
    builder.multipart(parts, boundary, Within::Form)?;
    Ok((builder.upload, format!("multipart/form-data; boundary={boundary}")))
}

/// Returns a random boundary (RFC 2046, 5.1.1): that a file contains it has a chance of one in 2^64.
pub fn boundary() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{}{:016x}", "-".repeat(24), RandomState::new().hash_one(std::process::id()))
}

impl Builder<'_> {
    fn multipart(
        &mut self,
        parts: &[Part],
        boundary: &str,
        within: Within,
    ) -> Result<(), (PathBuf, io::Error)> {
        for part in parts {
            self.upload.text(format!("--{boundary}\r\n"));
            self.part(part, within)?;
            self.upload.text("\r\n");
        }
        self.upload.text(format!("--{boundary}--\r\n"));
        Ok(())
    }

    fn part(&mut self, part: &Part, within: Within) -> Result<(), (PathBuf, io::Error)> {
        let inner = matches!(part.content, Content::Parts(_)).then(boundary);
        let mut head = part.head(within, inner.as_deref());
        for header in &part.headers {
            match header {
                PartHeader::Line(line) => head += &format!("{line}\r\n"),
                PartHeader::File(path) => head += &self.lines(path)?,
            }
        }
        self.upload.text(head + "\r\n");
        match &part.content {
            Content::Text(text) => self.upload.text(text.as_str()),
            Content::File(path) | Content::TextOf(path) => {
                self.upload.file(path).map_err(|error| (path.clone(), error))?;
            }
            Content::Parts(parts) => {
                self.multipart(parts, inner.as_deref().unwrap_or_default(), Within::Part)?;
            }
        }
        Ok(())
    }

    /// Returns the lines of a file that belong to a head: without those that begin with `#`; one that begins with a
    /// space goes on with the line before it.
    fn lines(&self, path: &Path) -> Result<String, (PathBuf, io::Error)> {
        let text = (self.read)(path).map_err(|error| (path.to_owned(), error))?;
        let mut lines = String::new();
        for line in String::from_utf8_lossy(&text).lines().filter(|line| !line.starts_with('#')) {
            match line.strip_prefix([' ', '\t']) {
                Some(rest) if lines.ends_with("\r\n") => {
                    lines.truncate(lines.len() - 2);
                    lines += &format!(" {}\r\n", rest.trim());
                }
                _ if line.trim().is_empty() => {}
                _ if is_header(line) => lines += &format!("{line}\r\n"),
                _ => {
                    let what = "a line of it is no field; right: Name: value";
                    return Err((path.to_owned(), io::Error::other(what)));
                }
            }
        }
        Ok(lines)
    }
}

impl Part {
    /// Returns the name of the file for the server: the one that was given, or the last part of its path.
    fn filename(&self) -> Option<String> {
        match (&self.filename, &self.content) {
            (Some(name), _) => Some(name.clone()),
            (None, Content::File(path)) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                Some(name.to_string_lossy().into_owned())
            }
            (None, _) => None,
        }
    }

    /// Returns the fields in front of the content. `inner` is the boundary of its parts.
    fn head(&self, within: Within, inner: Option<&str>) -> String {
        let filename = self.filename();
        let mut head = String::new();
        if within == Within::Form || !self.name.is_empty() || filename.is_some() {
            head += match within {
                Within::Form => "Content-Disposition: form-data",
                Within::Part => "Content-Disposition: attachment",
            };
            for (key, value) in [
                ("name", Some(&self.name).filter(|it| !it.is_empty())),
                ("filename", filename.as_ref()),
            ] {
                head += &value
                    .map(|value| format!("; {key}=\"{}\"", escape(value)))
                    .unwrap_or_default();
            }
            head += "\r\n";
        }
        let media_type = self.media_type.as_deref().or_else(|| self.guessed(filename.as_deref()));
        if let Some(media_type) = media_type {
            let boundary = inner.map(|inner| format!("; boundary={inner}")).unwrap_or_default();
            head += &format!("Content-Type: {media_type}{boundary}\r\n");
        }
        if let Some(encoder) = self.encoder {
            head += &format!("Content-Transfer-Encoding: {encoder}\r\n");
        }
        head
    }

    /// Returns the type that the content has if none was given.
    fn guessed(&self, filename: Option<&str>) -> Option<&'static str> {
        let by_name = filename.and_then(by_suffix);
        match &self.content {
            Content::Parts(_) => Some("multipart/mixed"),
            Content::File(path) if path.as_os_str() != "-" => {
                by_name.or_else(|| by_suffix(&path.to_string_lossy())).or(Some(UNKNOWN))
            }
            _ => by_name,
        }
    }
}

/// Returns true for `Name: value` without control bytes.
fn is_header(line: &str) -> bool {
    let has_control = line.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t');
    let name = line.split_once(':').map(|(name, _)| name);
    let is_token = |name: &str| !name.is_empty() && TCHAR.first_outside(name.as_bytes()).is_none();
    !has_control && name.is_some_and(is_token)
}

/// Percent-encodes what would end the quotes or the line, as browsers do (WHATWG HTML, 4.10.21.8).
fn escape(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A").replace('\0', "%00")
}

const UNKNOWN: &str = "application/octet-stream";

/// Returns the media type by the suffix, for the suffixes that curl knows.
fn by_suffix(name: &str) -> Option<&'static str> {
    let (_, suffix) = name.rsplit_once('.')?;
    Some(match suffix.to_ascii_lowercase().as_str() {
        "gif" => "image/gif",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "htm" | "html" => "text/html",
        "pdf" => "application/pdf",
        "xml" => "application/xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
