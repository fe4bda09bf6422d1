//! `-F`: a form with files, as multipart/form-data (RFC 7578), spelled as curl has it.
//!
//! `name=text`, `name=@FILE` (a file), `name=<FILE` (its text); behind it `;type=TYPE` and
//! `;filename=NAME`; in quotes a value may have `;` and `,` in it. What curl leaves away with a
//! warning, or nests, is refused with what to write instead.

use std::io;
use std::path::PathBuf;

use super::upload::Recipe;
use crate::proto::http::chars::TCHAR;

/// A field of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    content: Content,
    media_type: Option<String>,
    filename: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(String),
    /// A file, which is one for the server, too.
    File(PathBuf),
    /// The text that stands in a file.
    TextOf(PathBuf),
}

impl Field {
    /// Parses `name=text`, in which no character is special (`--form-string`).
    ///
    /// # Errors
    /// What is wrong, and what is right.
    pub fn plain(typed: &str) -> Result<Field, String> {
        let (name, text) = halves(typed)?;
        let content = Content::Text(text.to_owned());
        Ok(Field { name: name.to_owned(), content, media_type: None, filename: None })
    }

    /// Parses a field of `-F`.
    ///
    /// # Errors
    /// What is wrong, and what is right.
    pub fn spelled(typed: &str) -> Result<Field, String> {
        let (name, given) = halves(typed)?;
        // Its content may be a password.
        let wrong = |what: &str| Err(format!("-F {name:?}: {what}"));
        let (mark, rest) = match given.strip_prefix(['@', '<']) {
            Some(file) => (given.chars().next(), file),
            None => (None, given),
        };
        let (value, mut rest) = value(rest);
        if mark == Some('@') && !rest.is_empty() && !rest.starts_with(';')
            || value.is_empty() && mark.is_some()
        {
            return wrong("not the name of a file; right: name=@FILE");
        }
        if mark == Some('@') && has_bare_comma(given) {
            return wrong(
                "a field can have only one file; right: two -F, or quotes: name=@\"a,b\"",
            );
        }
        if mark.is_none() && value.starts_with('(') {
            return wrong("a form within a form is not supported; right: --form-string for a text");
        }
        let content = match mark {
            Some('@') => Content::File(value.into()),
            Some(_) => Content::TextOf(value.into()),
            None => Content::Text(value),
        };
        let mut field = Field { name: name.to_owned(), content, media_type: None, filename: None };
        while let Some(parameter) = rest.strip_prefix(';') {
            let parameter = parameter.trim_start();
            if let Some(typed) = parameter.strip_prefix("type=") {
                let (media_type, behind) = media_type(typed);
                field.media_type = Some(media_type);
                rest = behind;
            } else if let Some(typed) = parameter.strip_prefix("filename=") {
                let (filename, behind) = self::value(typed);
                field.filename = Some(filename);
                rest = behind;
            } else {
                return wrong(
                    "only type=TYPE or filename=NAME can follow ; right: --form-string, or quotes, \
                     for a text with ; in it",
                );
            }
        }
        if !rest.is_empty() {
            return wrong(
                "unexpected text after the quotes; right: ; and type=TYPE or filename=NAME",
            );
        }
        if let (Content::TextOf(_), Some(_)) = (&field.content, &field.filename) {
            return wrong("a text cannot have a file name; right: name=@FILE;filename=NAME");
        }
        let has_control = |text: &str| text.bytes().any(|byte| byte.is_ascii_control());
        if !field.media_type.as_deref().is_none_or(is_media_type) {
            return wrong("the type is not a type and a subtype; right: type=text/plain");
        }
        if field.media_type.as_deref().is_some_and(has_control) {
            return wrong("the type contains a control byte; right: type=text/plain");
        }
        Ok(field)
    }

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

    /// Returns the fields in front of the content.
    fn head(&self) -> String {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", escape(&self.name));
        let filename = self.filename();
        if let Some(name) = &filename {
            head += &format!("; filename=\"{}\"", escape(name));
        }
        head += "\r\n";
        let by_name = filename.as_deref().and_then(by_suffix);
        let guessed = match &self.content {
            Content::File(path) if path.as_os_str() != "-" => {
                by_name.or_else(|| by_suffix(&path.to_string_lossy())).or(Some(UNKNOWN))
            }
            _ => by_name,
        };
        if let Some(media_type) = self.media_type.as_deref().or(guessed) {
            head += &format!("Content-Type: {media_type}\r\n");
        }
        head + "\r\n"
    }
}

/// Returns the body of a form, and its Content-Type.
///
/// # Errors
/// Those of reading a file, with its name.
pub fn body(fields: &[Field], boundary: &str) -> Result<(Recipe, String), (PathBuf, io::Error)> {
    let mut upload = Recipe::default();
    for field in fields {
        upload.text(format!("--{boundary}\r\n{}", field.head()));
        match &field.content {
            Content::Text(text) => upload.text(text.as_str()),
            Content::File(path) | Content::TextOf(path) => {
                upload.file(path).map_err(|error| (path.clone(), error))?;
            }
        }
        upload.text("\r\n");
    }
    upload.text(format!("--{boundary}--\r\n"));
    Ok((upload, format!("multipart/form-data; boundary={boundary}")))
}

/// Returns a random boundary (RFC 2046, 5.1.1): that a file contains it has a chance of one in 2^64.
pub fn boundary() -> String {
    use std::hash::{BuildHasher as _, RandomState};
    format!("{}{:016x}", "-".repeat(24), RandomState::new().hash_one(std::process::id()))
}

fn halves(typed: &str) -> Result<(&str, &str), String> {
    typed.split_once('=').ok_or_else(|| "-F without a =; right: name=text or name=@FILE".to_owned())
}

/// A value up to the next `;`, or in quotes, in which `\` stands before `"` and `\`; and what is behind.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, _) = text.split_once(';').unwrap_or((text, ""));
        return (value.to_owned(), text.strip_prefix(value).unwrap_or_default());
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
fn media_type(text: &str) -> (String, &str) {
    let ours = |parameter: &str| {
        let parameter = parameter.trim_start();
        parameter.starts_with("filename=") || parameter.starts_with("type=")
    };
    let ends = text.match_indices(';').map(|(at, _)| text.split_at(at));
    let mut ends = ends.filter(|(_, rest)| rest.strip_prefix(';').is_some_and(ours));
    let (value, rest) = ends.next().unwrap_or((text, ""));
    (value.trim_end().to_owned(), rest)
}

/// `media-type = type "/" subtype`, both tokens, and its parameters (RFC 9110, 8.3.1).
fn is_media_type(text: &str) -> bool {
    let (essence, _) = text.split_once(';').unwrap_or((text, ""));
    let is_token = |word: &str| !word.is_empty() && TCHAR.first_outside(word.as_bytes()).is_none();
    essence.trim_end().split_once('/').is_some_and(|(kind, of)| is_token(kind) && is_token(of))
}

/// Returns whether there is a comma outside of quotes, with which curl begins another file.
fn has_bare_comma(text: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    text.chars().any(|char| {
        quoted ^= char == '"' && !escaped;
        escaped = quoted && char == '\\' && !escaped;
        char == ',' && !quoted
    })
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
mod tests {
    use super::*;
    use crate::server::Multipart;

    #[test]
    fn heads_of_fields() {
        for (typed, want) in [
            ("a=b", "name=\"a\"\r\n\r\n"),
            ("a=b;type=text/plain", "name=\"a\"\r\nContent-Type: text/plain\r\n\r\n"),
            (
                "a,b=@d/x.txt",
                "name=\"a,b\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n",
            ),
            ("a=@d/x.txt", "name=\"a\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n"),
            (
                "a=@x",
                "name=\"a\"; filename=\"x\"\r\nContent-Type: application/octet-stream\r\n\r\n",
            ),
            (
                "a=@x;type=text/x;charset=b;filename=\"c;d\\\"e\"",
                "name=\"a\"; filename=\"c;d%22e\"\r\nContent-Type: text/x;charset=b\r\n\r\n",
            ),
            (
                "a=@\"x,\\\"y\";type=a/b;c=\"d,e\"",
                "name=\"a\"; filename=\"x,%22y\"\r\nContent-Type: a/b;c=\"d,e\"\r\n\r\n",
            ),
            ("a=b,c;type=m/f;d=e,f", "name=\"a\"\r\nContent-Type: m/f;d=e,f\r\n\r\n"),
            ("a=<x", "name=\"a\"\r\n\r\n"),
            ("a\r\n\"b=c", "name=\"a%0D%0A%22b\"\r\n\r\n"),
        ] {
            let head = Field::spelled(typed).unwrap().head();
            assert_eq!(head, format!("Content-Disposition: form-data; {want}"), "{typed}");
        }
    }

    #[test]
    fn the_server_reads_what_is_sent() {
        let folder = std::env::temp_dir().join(format!("threadbare-form-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("c \u{fc}.txt");
        let content = "0123456789\r\n--xy\r\n--".repeat(10_000);
        std::fs::write(&file, &content).unwrap();
        let typed = format!("f\r\n\"=@{};filename=\"d\\\"e;f\"", file.display());
        let fields = ["a=b;type=text/plain", "a=", &typed, &format!("t=<{}", file.display())];
        let fields = fields.map(|typed| Field::spelled(typed).unwrap());
        let (recipe, content_type) = body(&fields, "xyz").unwrap();
        let mut upload = recipe.open().unwrap();
        let mut form = Multipart::new(&content_type, &mut upload).unwrap();
        let mut read = Vec::new();
        while let Some(mut part) = form.next_part().unwrap() {
            let about = (part.name().to_owned(), part.file_name().map(str::to_owned));
            let media_type = part.content_type().map(str::to_owned);
            read.push((about, media_type, part.text(1 << 20).unwrap()));
        }
        std::fs::remove_dir_all(&folder).unwrap();
        let want = [
            (("a", None), Some("text/plain"), "b"),
            (("a", None), None, ""),
            (("f\r\n\"", Some("d\"e;f")), Some("text/plain"), &*content),
            (("t", None), None, &*content),
        ];
        let want = want.map(|((name, file), media_type, content)| {
            let about = (name.to_owned(), file.map(str::to_owned));
            (about, media_type.map(str::to_owned), content.to_owned())
        });
        assert!(read == want);
    }

    #[test]
    fn what_is_refused() {
        for typed in [
            "a",
            "a=b;c",
            "a=@",
            "a=@x,y",
            "a=@x;type=m/f,y",
            "a=@x;filename=b,c",
            "a=@x,y;filename=\"c\"",
            "a=@\"x\\\"y\",z",
            "a=@x;type=nonsense",
            "a=b;type=m/",
            "a=b;type=a b/c",
            "a=(b",
            "a=<b;filename=c",
            "a=\"b\"c",
            "a=b;type=a\r\nb",
            "a=@x;headers=y",
        ] {
            let wrong = Field::spelled(typed).unwrap_err();
            assert!(wrong.contains("right: ") && wrong.lines().count() == 1, "{wrong}");
        }
    }
}
