//! Who asks: the login of a request, from `--oauth2-bearer`, `-u`, `user:password@` in its URL, or a file of logins
//! (`--netrc`); of several, the first in this order.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::error::CommandError;
use crate::cli::client::ClientOptions;
use crate::cli::client::login::NetrcUse;
use crate::proto::http::basic::basic;
use crate::proto::http::chars::percent_decode;
use crate::proto::http::netrc::Netrc;
use crate::proto::http::url::userinfo;

/// Takes `user:password@` out of a URL as it is typed. What is left can be shown.
pub(super) fn split_user(typed: &str) -> (String, Option<String>) {
    let split = || {
        let place = userinfo(typed.as_bytes())?;
        let user = typed.get(place.clone())?.to_owned();
        Some((format!("{}{}", typed.get(..place.start)?, typed.get(place.end + 1..)?), Some(user)))
    };
    split().unwrap_or_else(|| (typed.to_owned(), None))
}

/// Returns the value of `Authorization` for a URL of this host. `typed` is the percent-encoded user of the URL, perhaps
/// with a password.
///
/// # Errors
/// When the user of the URL cannot be one, which is not shown.
pub(super) fn authorization(
    options: &ClientOptions,
    typed: Option<&str>,
    host: &str,
    netrc: Option<&Netrc>,
) -> Result<Option<Vec<u8>>, CommandError> {
    let typed = typed.map(TypedUser::parse).transpose()?;
    if let Some(token) = &options.login.bearer {
        return Ok(Some([b"Bearer ", &token[..]].concat()));
    }
    if let Some(user) = &options.user {
        return Ok(Some(basic(user).into_bytes()));
    }
    let is_complete = typed.as_ref().is_some_and(|typed| typed.password.is_some());
    let netrc = netrc.filter(|_| !is_complete || options.login.netrc == NetrcUse::Required);
    let name = typed.as_ref().map(|typed| &typed.user[..]).filter(|user| !user.is_empty());
    let found = netrc.and_then(|netrc| netrc.login(host, name));
    let user = found.or_else(|| typed.map(TypedUser::joined));
    Ok(user.map(|user| basic(&user).into_bytes()))
}

/// The user of a URL.
struct TypedUser {
    user: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl TypedUser {
    fn parse(typed: &str) -> Result<TypedUser, CommandError> {
        let wrong = |what: &str| Err(CommandError::Failed(3, what.to_owned()));
        if typed.contains('@') {
            return wrong(
                "the URL has an @ in the user or the password; right: http://user:password@host/, with %40 \
                 for @, %2F for / and %3A for a : in the user",
            );
        }
        let (user, password) = typed.split_once(':').map_or((typed, None), |(a, b)| (a, Some(b)));
        let user = percent_decode(user).into_owned();
        let password = password.map(|password| percent_decode(password).into_owned());
        let all = user.iter().chain(password.iter().flatten());
        if all.copied().any(|byte: u8| byte.is_ascii_control()) {
            return wrong(
                "the user or the password of the URL has a control byte (RFC 7617, 2); right: visible \
                 characters and spaces",
            );
        }
        Ok(TypedUser { user, password })
    }

    fn joined(self) -> Vec<u8> {
        [self.user, self.password.unwrap_or_default()].join(&b':')
    }
}

/// Reads the file of logins; `None` if none is wanted.
///
/// # Errors
/// When the file cannot be read, unless it is optional and not there; when it is wrong. Its content is not shown.
pub(super) fn read_netrc(options: &ClientOptions) -> Result<Option<Netrc>, CommandError> {
    let is_optional = match options.login.netrc {
        NetrcUse::None => return Ok(None),
        NetrcUse::Optional => true,
        NetrcUse::Required => false,
    };
    let path = options.login.netrc_file.clone().unwrap_or_else(usual_file);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if is_optional && error.kind() == ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let what = "there is no such file of logins; right: a file, or --netrc-optional";
            return Err(CommandError::Failed(26, format!("{}: {what}", path.display())));
        }
        Err(error) => return Err(CommandError::ReadData(path.display().to_string(), error)),
    };
    let netrc = Netrc::parse(&text)
        .map_err(|error| CommandError::Failed(26, format!("{}: {error}", path.display())))?;
    Ok(Some(netrc))
}

/// Returns `$NETRC`, or `.netrc` in the folder of the user.
fn usual_file() -> PathBuf {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    variable("NETRC").map_or_else(
        || PathBuf::from(variable("HOME").unwrap_or_default()).join(".netrc"),
        PathBuf::from,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_in_urls() {
        for (typed, url, user) in [
            ("http://a:b@h/x@y", "http://h/x@y", Some("a:b")),
            ("a@h:80", "h:80", Some("a")),
            ("http://@h", "http://h", Some("")),
            ("http://h/a@b", "http://h/a@b", None),
            (":80/", ":80/", None),
            ("http://a:b@c@h/", "http://h/", Some("a:b@c")),
        ] {
            assert_eq!(split_user(typed), (url.to_owned(), user.map(str::to_owned)), "{typed}");
        }
    }

    #[test]
    fn which_login_counts() {
        let netrc = Netrc::parse(b"machine h login ada password s").unwrap();
        let value = |bearer: bool, user: bool, netrc_use: NetrcUse, typed: Option<&str>| {
            let mut options = ClientOptions::default();
            options.login.bearer = bearer.then(|| b"t".to_vec());
            options.login.netrc = netrc_use;
            options.user = user.then(|| b"u:p".to_vec());
            let netrc = (netrc_use != NetrcUse::None).then_some(&netrc);
            let value = authorization(&options, typed, "h", netrc);
            value.ok().flatten().map(|value| String::from_utf8(value).unwrap())
        };
        let basic = |user: &str| Some(basic(user.as_bytes()));
        use NetrcUse::{None as No, Optional, Required};
        for (bearer, user, netrc_use, typed, want) in [
            (true, true, Required, Some("a:b"), Some("Bearer t".to_owned())),
            (false, true, Required, Some("a:b"), basic("u:p")),
            (false, false, No, Some("a:b"), basic("a:b")),
            (false, false, No, Some("a"), basic("a:")),
            (false, false, No, Some(":b"), basic(":b")),
            (false, false, No, Some("a%3Ab:c%40%20d:e"), basic("a:b:c@ d:e")),
            (false, false, No, None, None),
            (false, false, No, Some("a:b%0a"), None),
            (false, false, No, Some("a@b"), None),
            (false, false, Required, None, basic("ada:s")),
            (false, false, Required, Some("ada:x"), basic("ada:s")),
            (false, false, Optional, Some("ada:x"), basic("ada:x")),
            (false, false, Optional, Some("ada"), basic("ada:s")),
            (false, false, Required, Some("bob"), basic("bob:")),
            (false, false, Required, Some("bob:x"), basic("bob:x")),
            (false, false, Required, Some(":x"), basic("ada:s")),
        ] {
            assert_eq!(value(bearer, user, netrc_use, typed), want, "{netrc_use:?} {typed:?}");
        }
    }
}
