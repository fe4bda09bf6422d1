//! The flags of `client` for requests whose answer depends on what the client has: `-z`, `--etag-save`, `--etag-compare`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::ClientOptions;
use crate::cli::Effect::Value;
use crate::cli::{Expected, Flag};

/// On what an answer depends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConditionOptions {
    /// `-z`.
    pub time: Option<TimeCondition>,
    /// The file that gets the ETag of the response.
    pub etag_save: Option<PathBuf>,
    /// The file that has the ETag of an earlier response.
    pub etag_compare: Option<PathBuf>,
}

/// The condition of `-z`. The time is a date, or the name of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeCondition {
    /// Modified since then.
    Since(OsString),
    /// Not modified since then.
    NotSince(OsString),
}

fn file(value: &OsStr) -> Result<Option<PathBuf>, Expected> {
    match value.is_empty() {
        true => Err(Expected("the name of a file")),
        false => Ok(Some(value.into())),
    }
}

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('z'),
        "time-cond",
        Value("DATE|FILE", |options, value| {
            let right = Expected(
                "a date such as '6 Nov 1994', with - in front for the opposite, or a file",
            );
            options.condition.time = Some(match value.to_str() {
                Some("" | "-" | "+") => return Err(right),
                Some(typed) if typed.starts_with('=') => return Err(right),
                Some(typed) => match (typed.strip_prefix('-'), typed.strip_prefix('+')) {
                    (Some(time), _) => TimeCondition::NotSince(time.into()),
                    (None, time) => TimeCondition::Since(time.unwrap_or(typed).into()),
                },
                None => TimeCondition::Since(value.into()),
            });
            Ok(())
        }),
        "request the body only if it was modified after DATE, or after FILE was; -DATE: only if it \
         was not",
    ),
    Flag::new(
        None,
        "etag-save",
        Value("FILE", |options, value| {
            options.condition.etag_save = file(value)?;
            Ok(())
        }),
        "write the ETag of the response to FILE when the body is complete",
    ),
    Flag::new(
        None,
        "etag-compare",
        Value("FILE", |options, value| {
            options.condition.etag_compare = file(value)?;
            Ok(())
        }),
        "request the body only if its ETag is not the one in FILE (If-None-Match)",
    ),
];
