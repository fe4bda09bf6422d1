//! The flags of `client` that say what a URL means, and what of it is sent.

use super::ClientOptions;
use super::data::to_add;
use crate::cli::Effect::{Secret, Switch, Value};
use crate::cli::{Expected, Flag};

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('g'),
        "globoff",
        Switch(|options, on| options.no_globs = on),
        "take {a,b} and [1-9] in URLs and in -T as they are; without -g, they stand for several, and \
         #1 in -o for the text of the first",
    ),
    Flag::new(
        None,
        "url-query",
        Secret("DATA", |options, value| {
            options.url_query.push(to_add(value)?);
            Ok(())
        }),
        "append DATA to the query of each URL, percent-encoded as by --data-urlencode; +DATA as it is",
    ),
    Flag::new(
        None,
        "request-target",
        Value("TARGET", |options, value| {
            let target = value.to_str().filter(|target| !target.is_empty());
            let right = Expected("*, /path?query, or http://host/path");
            options.request_target = Some(target.ok_or(right)?.to_owned());
            Ok(())
        }),
        "request TARGET, such as * with -X OPTIONS, in place of the path of the URL",
    ),
];
