//! The flags of `client` for cookies, which are those of curl.

use std::path::PathBuf;

use super::ClientOptions;
use crate::cli::Effect::{Secret, Switch, Value};
use crate::cli::{Expected, Flag};

/// Which cookies are sent, and where they are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CookieOptions {
    /// Cookies as they were typed, `name=value`.
    pub typed: Vec<Vec<u8>>,
    /// The files whose cookies are sent. An empty name reads nothing.
    pub files: Vec<PathBuf>,
    /// The file that gets all cookies at the end; `-` is stdout.
    pub jar: Option<PathBuf>,
    /// Whether cookies without a time to live are left out of what is read.
    pub new_session: bool,
}

impl CookieOptions {
    /// Returns true if the cookies of responses are kept.
    pub fn are_kept(&self) -> bool {
        !self.files.is_empty() || self.jar.is_some()
    }
}

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('b'),
        "cookie",
        Secret("DATA|FILE", |options, value| {
            let bytes = value.as_encoded_bytes();
            match bytes.contains(&b'=') {
                true => options.cookies.typed.push(bytes.to_vec()),
                false => options.cookies.files.push(PathBuf::from(value)),
            }
            Ok(())
        }),
        "send the cookies 'name=value; name=value'; without a =, read them from FILE, and keep those of responses for \
         the next URL; '' only keeps them",
    ),
    Flag::new(
        Some('c'),
        "cookie-jar",
        Value("FILE", |options, value| {
            let right = Expected("a file, or - for stdout");
            options.cookies.jar =
                Some(Some(value).filter(|name| !name.is_empty()).ok_or(right)?.into());
            Ok(())
        }),
        "keep the cookies of responses, and write all of them to FILE at the end; - is stdout",
    ),
    Flag::new(
        Some('j'),
        "junk-session-cookies",
        Switch(|options, on| options.cookies.new_session = on),
        "leave out of -b FILE the cookies that end with their session",
    ),
];
