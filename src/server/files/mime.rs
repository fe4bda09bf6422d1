//! The media type of a file, by the extension of its name (RFC 9110, 8.3). Text is labelled as UTF-8 if it
//! is that ([`charset`](super::charset)).

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use super::charset::{Charset, is_utf8};
use crate::proto::http::chars::TCHAR;
use crate::text::escape_bytes;

/// The media types of files, by the extensions of their names: those that are built in, and those that a program adds,
/// which win. For [`Files::types`](super::Files::types).
///
/// ```
/// use threadbare::server::{Files, MediaTypes};
///
/// let mut types = MediaTypes::default();
/// types.add("gmi", "text/gemini")?;
/// types.add_all("# as in /etc/mime.types\nmodel/gltf+json  gltf\ntext/x-rust  rs rlib\n")?;
/// let files = Files::new("www")?.types(types);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A text type (`text/...`) that names no charset gets one as [`Charset`] says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaTypes {
    /// By extension, in lower case.
    added: HashMap<String, String>,
}

/// The error of a media type, or of an extension, that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidMediaType(
    /// What was given.
    String,
);

impl std::fmt::Display for InvalidMediaType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = escape_bytes(self.0.as_bytes());
        write!(
            f,
            "{given}: no media type for an extension (RFC 9110, 8.3.1); right: gmi and text/gemini"
        )
    }
}

impl std::error::Error for InvalidMediaType {}

impl MediaTypes {
    /// Adds a type for files whose names end with a dot and `extension`, in any case. A later one replaces an earlier
    /// one.
    ///
    /// # Errors
    /// When the extension is empty or has a dot or a slash in it, or the type is not `type/subtype` with parameters or
    /// without.
    pub fn add(&mut self, extension: &str, media_type: &str) -> Result<(), InvalidMediaType> {
        let invalid = || InvalidMediaType(format!("{extension}={media_type}"));
        let extension = extension.to_ascii_lowercase();
        if extension.is_empty()
            || extension.contains(['.', '/', '\0'])
            || !is_media_type(media_type)
        {
            return Err(invalid());
        }
        self.added.insert(extension, media_type.to_owned());
        Ok(())
    }

    /// Adds the types of a text in the format of `/etc/mime.types`: each line has a type and its extensions, with white
    /// space between them; `#` begins a comment.
    ///
    /// # Errors
    /// The first line that is not right; the lines before it have been added.
    pub fn add_all(&mut self, text: &str) -> Result<(), InvalidMediaType> {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let Some(media_type) = words.next() else { continue };
            if !is_media_type(media_type) {
                return Err(InvalidMediaType(line.trim().to_owned()));
            }
            // The system's file has extensions with a dot in them, such as `tar.gz`: the last part counts here.
            for extension in words.filter(|word| !word.contains('.')) {
                self.add(extension, media_type)?;
            }
        }
        Ok(())
    }

    /// Adds all of these, in place of those for the same extensions.
    pub fn extend(&mut self, others: &MediaTypes) {
        let others = others.added.iter();
        self.added.extend(others.map(|(extension, added)| (extension.clone(), added.clone())));
    }

    /// Returns the value of `Content-Type` for a file of this name; `start` reads the first bytes of a text.
    pub(super) fn content_type(
        &self,
        path: &Path,
        charset: &Charset,
        start: impl FnOnce() -> Vec<u8>,
    ) -> Cow<'static, str> {
        let extension = path.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase);
        let added = extension.and_then(|extension| self.added.get(&extension));
        let (media_type, is_text) = match added {
            // What names a charset itself is left as it is.
            Some(added) if added.contains(';') => return Cow::Owned(added.clone()),
            Some(added) => (Cow::Owned(added.clone()), added.starts_with("text/")),
            None => match by_name(path).split_once(';') {
                Some((media_type, _)) => (Cow::Borrowed(media_type), true),
                None => (Cow::Borrowed(by_name(path)), false),
            },
        };
        match charset {
            Charset::Detect if is_text && is_utf8(&media_type, &start()) => {
                Cow::Owned(format!("{media_type}; charset=utf-8"))
            }
            Charset::Named(name) if is_text => Cow::Owned(format!("{media_type}; charset={name}")),
            Charset::Detect | Charset::Off | Charset::Named(_) => media_type,
        }
    }
}

/// Returns true for `type/subtype`, with parameters or without, in printable ASCII (RFC 9110, 8.3.1).
fn is_media_type(text: &str) -> bool {
    let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_token = |part: &str| !part.is_empty() && TCHAR.first_outside(part.as_bytes()).is_none();
    let is_named = name
        .trim_end()
        .split_once('/')
        .is_some_and(|(left, right)| is_token(left) && is_token(right));
    is_named && parameters.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Returns the value of `Content-Type` for a file of this name; `start` reads the first bytes of a text.
pub fn content_type(path: &Path, start: impl FnOnce() -> Vec<u8>) -> &'static str {
    let of_utf8 = by_name(path);
    match of_utf8.split_once(';') {
        Some((media_type, _)) if !is_utf8(media_type, &start()) => media_type,
        _ => of_utf8,
    }
}

/// Returns the media type by the name, for text in UTF-8.
pub fn by_name(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" | "cjs" => "text/javascript; charset=utf-8",
        "txt" | "log" | "rs" | "toml" | "c" | "h" | "py" | "sh" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "ics" => "text/calendar; charset=utf-8",
        "vtt" => "text/vtt; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        "xhtml" => "application/xhtml+xml",
        "atom" => "application/atom+xml",
        "rss" => "application/rss+xml",
        "json" | "map" => "application/json",
        "jsonld" => "application/ld+json",
        "webmanifest" => "application/manifest+json",
        "yaml" | "yml" => "application/yaml",
        "pdf" => "application/pdf",
        "epub" => "application/epub+zip",
        "wasm" => "application/wasm",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "zst" => "application/zstd",
        "tar" => "application/x-tar",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "apng" => "image/apng",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "tif" | "tiff" => "image/tiff",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/vnd.microsoft.icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "flac" => "audio/flac",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "ogv" => "video/ogg",
        "mov" => "video/quicktime",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_looked_at() {
        let never = || panic!("a picture is not read");
        assert_eq!(content_type(Path::new("a.png"), never), "image/png");
        let latin = || b"gr\xfcn".to_vec();
        assert_eq!(content_type(Path::new("a.html"), latin), "text/html");
    }

    #[test]
    fn types_that_are_added() {
        let mut types = MediaTypes::default();
        let system =
            "# comment\n\ntext/x-one\t\tone uno # more\nimage/x-two\nx/three THREE tar.gz\n";
        types.add_all(system).unwrap();
        types.add("png", "image/x-own").unwrap();
        types.add("own", "text/own; charset=koi8-r").unwrap();
        let of = |name: &str, charset: Charset| {
            types.content_type(Path::new(name), &charset, || b"text".to_vec()).into_owned()
        };
        let named = || Charset::Named("iso-8859-1".into());
        for (name, detected, off, named_one) in [
            ("a.one", "text/x-one; charset=utf-8", "text/x-one", "text/x-one; charset=iso-8859-1"),
            ("a.UNO", "text/x-one; charset=utf-8", "text/x-one", "text/x-one; charset=iso-8859-1"),
            ("a.three", "x/three", "x/three", "x/three"),
            ("a.tar.gz", "application/gzip", "application/gzip", "application/gzip"),
            ("a.png", "image/x-own", "image/x-own", "image/x-own"),
            (
                "a.own",
                "text/own; charset=koi8-r",
                "text/own; charset=koi8-r",
                "text/own; charset=koi8-r",
            ),
            ("a.html", "text/html; charset=utf-8", "text/html", "text/html; charset=iso-8859-1"),
            (
                "a",
                "application/octet-stream",
                "application/octet-stream",
                "application/octet-stream",
            ),
        ] {
            assert_eq!(of(name, Charset::Detect), detected, "{name}");
            assert_eq!(of(name, Charset::Off), off, "{name}");
            assert_eq!(of(name, named()), named_one, "{name}");
        }
        for (extension, media_type) in [
            ("", "a/b"),
            ("a.b", "a/b"),
            ("a/b", "a/b"),
            ("a", "b"),
            ("a", "a/"),
            ("a", "a/b\r\nX: y"),
            ("a", ""),
        ] {
            assert!(types.add(extension, media_type).is_err(), "{extension}={media_type}");
        }
        assert!(types.add_all("text/plain txt\nnonsense\n").is_err());
    }

    #[test]
    fn types() {
        for (name, want) in [
            ("index.html", "text/html; charset=utf-8"),
            ("INDEX.HTML", "text/html; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.md", "text/markdown; charset=utf-8"),
            ("a.csv", "text/csv; charset=utf-8"),
            ("a.xml", "text/xml; charset=utf-8"),
            ("a.json", "application/json"),
            ("a.pdf", "application/pdf"),
            ("a.wasm", "application/wasm"),
            ("a.svg", "image/svg+xml"),
            ("a.webp", "image/webp"),
            ("a.avif", "image/avif"),
            ("a.ico", "image/vnd.microsoft.icon"),
            ("a.woff2", "font/woff2"),
            ("a.mp3", "audio/mpeg"),
            ("a.mp4", "video/mp4"),
            ("a.webm", "video/webm"),
            ("a.tar.gz", "application/gzip"),
            ("a.css.zst", "application/zstd"),
            ("a.css.br", "application/octet-stream"),
            ("README", "application/octet-stream"),
            (".html", "application/octet-stream"),
            ("html", "application/octet-stream"),
            ("a.", "application/octet-stream"),
            ("a.html ", "application/octet-stream"),
        ] {
            assert_eq!(by_name(Path::new(name)), want, "{name}");
        }
    }
}
