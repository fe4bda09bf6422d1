//! The body of a response in one piece: bytes, a text, or a value from JSON.
//!
//! A body is as long as the server wants, so each of these has a limit. A body of any length is read through
//! [`Read`](std::io::Read), or as it arrives through [`Response::piece`].

use super::error::Error;
use super::error_kind::ErrorKind;
#[cfg(feature = "json")]
use super::json::JsonError;
use super::response::Response;
use crate::proto::http::url::Url;

/// What a text may begin with in UTF-8, to mark it as such; no part of it (RFC 3629, 6).
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Response {
    /// Reads the whole body into memory.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// let image = Client::new().get("http://127.0.0.1:8080/logo.png").send()?.bytes(1 << 20)?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::TooLarge`] when it has more than `limit` bytes, and those of [`Response::piece`].
    pub fn bytes(mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let limit = limit as u64;
        let too_large = |url: &Url| Err(ErrorKind::TooLarge { limit }.at(url));
        if self.remaining().is_some_and(|length| length > limit) {
            return too_large(self.url());
        }
        let mut whole = Vec::new();
        while let Some(piece) = self.piece()? {
            if (whole.len() + piece.len()) as u64 > limit {
                return too_large(self.url());
            }
            whole.extend_from_slice(piece);
        }
        Ok(whole)
    }

    /// Reads the whole body as text, of at most 10 MB, as ureq does ([`Limits::body`] sets the limit).
    ///
    /// The text is UTF-8, or ISO-8859-1 if `Content-Type` says so; a byte order mark is removed. What is not
    /// valid becomes U+FFFD, as with ureq and reqwest. [`Response::bytes`] returns a text in another charset
    /// as it came.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// let text = Client::new().get("http://127.0.0.1:8080/hello.txt").send()?.text()?;
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Response::bytes`].
    ///
    /// [`Limits::body`]: super::Limits::body
    pub fn text(self) -> Result<String, Error> {
        let is_latin1 = self.header("Content-Type").is_some_and(is_latin1);
        let body = self.limited_bytes()?;
        if is_latin1 {
            return Ok(body.into_iter().map(char::from).collect());
        }
        let text = String::from_utf8(body)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(text)
    }

    /// Reads the whole body as JSON, of at most 10 MB ([`Limits::body`](super::Limits::body) sets the limit),
    /// into a type that has `serde::Deserialize`. Neither the status nor `Content-Type` is checked: call
    /// [`Response::error_for_status`] before. Needs the feature `json`.
    ///
    /// ```no_run
    /// # use threadbare::client::Client;
    /// let response = Client::new().get("http://127.0.0.1:8080/users/1").send()?;
    /// let user: serde_json::Value = response.error_for_status()?.json()?;
    /// println!("{}", user["firstName"]);
    /// # Ok::<(), threadbare::client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Json`], which has line and column, when the body is not a JSON value of this type; others as
    /// [`Response::bytes`].
    #[cfg(feature = "json")]
    pub fn json<T: serde_core::de::DeserializeOwned>(self) -> Result<T, Error> {
        let url = self.url().clone();
        let media_type = self.header("Content-Type").map(ToOwned::to_owned);
        let status = self.status();
        let body = self.limited_bytes()?;
        serde_json::from_slice(&body).map_err(|error| {
            let error = JsonError::read::<T>(error, status, media_type.as_deref());
            ErrorKind::Json(error).at(&url)
        })
    }

    /// Returns the body within the limit of the client, without a byte order mark.
    fn limited_bytes(self) -> Result<Vec<u8>, Error> {
        let limit = usize::try_from(self.limit()).unwrap_or(usize::MAX);
        let mut body = self.bytes(limit)?;
        if body.starts_with(BYTE_ORDER_MARK) {
            body.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(body)
    }
}

/// Returns whether a media type has the charset ISO-8859-1, by its name or its usual alias.
fn is_latin1(media_type: &str) -> bool {
    media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).any(
        |(name, value)| {
            let value = value.trim_ascii().trim_matches('"');
            name.trim_ascii().eq_ignore_ascii_case("charset")
                && ["iso-8859-1", "latin1"]
                    .iter()
                    .any(|charset| value.eq_ignore_ascii_case(charset))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charset_of_a_media_type() {
        for (media_type, want) in [
            ("text/plain; charset=ISO-8859-1", true),
            ("text/html;charset=\"iso-8859-1\"; x=y", true),
            ("text/html; x=y; Charset = Latin1", true),
            ("text/plain; charset=utf-8", false),
            ("text/plain; charset=ISO-8859-15", false),
            ("text/plain; x=iso-8859-1", false),
            ("text/plain", false),
            ("iso-8859-1", false),
            ("", false),
        ] {
            assert_eq!(is_latin1(media_type), want, "{media_type}");
        }
    }
}
