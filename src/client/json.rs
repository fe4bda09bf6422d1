//! JSON bodies: what is wrong with one that cannot be read or written.

use std::any::type_name;

use crate::proto::http::status::Status;

/// Why a body is not the JSON that the caller wants, or why a value cannot be sent as JSON. The source is
/// serde_json's own error.
#[derive(Debug)]
pub struct JsonError {
    what: String,
    error: serde_json::Error,
}

impl JsonError {
    /// Returns the error of a response that has no `T`.
    pub(super) fn read<T>(
        error: serde_json::Error,
        status: Status,
        media_type: Option<&str>,
    ) -> JsonError {
        let mut what = format!("the body is not a JSON value of the type {}", type_name::<T>());
        if status.is_error() {
            what += &format!(", its status is {} {}", status.code(), status.reason());
        }
        if let Some(other) = media_type.filter(|media_type| !is_json(media_type)) {
            what += &format!(", its Content-Type is {other}");
        }
        JsonError { what, error }
    }

    /// Returns the error of a `T` that has no form in JSON.
    pub(super) fn written<T: ?Sized>(error: serde_json::Error) -> JsonError {
        let what = format!("the value of the type {} cannot be sent as JSON", type_name::<T>());
        JsonError { what, error }
    }

    /// Returns the line of the body in which it is wrong, from 1; 0 for a value to be sent.
    pub fn line(&self) -> usize {
        self.error.line()
    }

    /// Returns the byte of that line, from 1; 0 for a value to be sent, and for the end of the line before.
    pub fn column(&self) -> usize {
        self.error.column()
    }
}

/// `application/json`, or a type with the suffix `+json` (RFC 6839, 3.1).
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim_ascii();
    essence.to_ascii_lowercase().ends_with("json")
}

/// Shows this level only; the cause is the source.
impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for JsonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_came_instead() {
        let error = || serde_json::from_str::<u8>("\n {}").unwrap_err();
        for (status, media_type, want) in [
            (Status::OK, Some("application/json"), ""),
            (Status::OK, Some("Application/Problem+JSON; x=y"), ""),
            (Status::OK, None, ""),
            (Status::OK, Some("text/html"), ", its Content-Type is text/html"),
            (Status::NOT_FOUND, None, ", its status is 404 Not Found"),
        ] {
            let error = JsonError::read::<u8>(error(), status, media_type);
            let whole = format!("the body is not a JSON value of the type u8{want}");
            assert_eq!(error.to_string(), whole);
            assert_eq!((error.line(), error.column()), (2, 1));
        }
    }
}
