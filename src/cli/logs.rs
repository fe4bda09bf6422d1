//! The flags of `server` for what it writes down about requests.

use std::path::PathBuf;

use super::Effect::{Switch, Value};
use super::limits::put;
use super::server::{ServerOptions, not_empty};
use super::{Expected, Flag};
use crate::server::LogFormat;

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLogTo {
    /// To stderr.
    Stderr,
    /// Nowhere.
    Off,
    /// To the end of this file.
    File(PathBuf),
}

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "access-log",
        Value("FILE|-|off", |options, value| {
            options.access_log = match value.to_str() {
                Some("-") => AccessLogTo::Stderr,
                Some("off") => AccessLogTo::Off,
                _ => AccessLogTo::File(not_empty(value, "a file, - for stderr, or off")?.into()),
            };
            Ok(())
        }),
        "append one line for each request to FILE, which is opened anew after it was renamed or \
         removed; - is stderr (default -)",
    ),
    Flag::new(
        None,
        "log-format",
        Value("FORMAT", |options, value| {
            let format = match value.to_str() {
                Some("timed") => Ok(LogFormat::Timed),
                Some("common") => Ok(LogFormat::Common),
                Some("combined") => Ok(LogFormat::Combined),
                Some("json") => Ok(LogFormat::Json),
                _ => Err(Expected("timed, common, combined or json")),
            };
            put(&mut options.log_format, format)
        }),
        "lines of the access log: timed, the common log format and the seconds that the response took; \
         common or combined, as Apache writes them, with seconds, seconds in the queue, worker and \
         number of the request on its connection behind; json, the same as an object (default timed)",
    ),
    Flag::new(
        None,
        "wire",
        Switch(|options, on| options.wire = on),
        "show each byte of each connection on stderr, including passwords and cookies; this \
         disables sendfile",
    ),
];
