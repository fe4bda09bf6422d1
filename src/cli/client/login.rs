//! The flags of `client` that say who asks, besides `-u`.

use std::path::PathBuf;

use super::ClientOptions;
use crate::cli::Effect::{Secret, Switch, Value};
use crate::cli::{Expected, Flag};

/// Who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginOptions {
    /// The token of `--oauth2-bearer`.
    pub bearer: Option<Vec<u8>>,
    /// Whether logins are read from a file.
    pub netrc: NetrcUse,
    /// The file, if it is not the usual one.
    pub netrc_file: Option<PathBuf>,
}

/// Whether logins are read from a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NetrcUse {
    /// They are not.
    #[default]
    None,
    /// They are, if it is there, for URLs without a password.
    Optional,
    /// They are, and it has to be there.
    Required,
}

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "oauth2-bearer",
        Secret("TOKEN", |options, value| {
            let right = Expected("the token that the server expects");
            let token = value.as_encoded_bytes();
            options.login.bearer =
                Some(Some(token).filter(|it| !it.is_empty()).ok_or(right)?.to_vec());
            Ok(())
        }),
        "send this token to the server (Authorization: Bearer, RFC 6750)",
    ),
    Flag::new(
        Some('n'),
        "netrc",
        Switch(|options, on| {
            options.login.netrc = if on { NetrcUse::Required } else { NetrcUse::None }
        }),
        "read user and password of the host from $NETRC, or ~/.netrc: machine HOST login USER \
         password PASSWORD, or default in place of machine HOST",
    ),
    Flag::new(
        None,
        "netrc-optional",
        Switch(|options, on| {
            options.login.netrc = if on { NetrcUse::Optional } else { NetrcUse::None }
        }),
        "the same, if the file is there and the URL has no password",
    ),
    Flag::new(
        None,
        "netrc-file",
        Value("FILE", |options, value| {
            let right = Expected("the name of a file");
            options.login.netrc_file =
                Some(Some(value).filter(|it| !it.is_empty()).ok_or(right)?.into());
            if options.login.netrc == NetrcUse::None {
                options.login.netrc = NetrcUse::Required;
            }
            Ok(())
        }),
        "like --netrc, from FILE",
    ),
];
