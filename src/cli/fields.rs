//! The flags of `server` about its sites: their fields, who may use them from scripts, their names, what has moved.

use std::path::PathBuf;

use super::Effect::Value;
use super::server::{ServerOptions, is_host};
use super::{Expected, Flag};
use crate::server::Cors;

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "header",
        Value("'[PREFIX ]NAME: VALUE'", |options, value| {
            let right = Expected(
                "a field that the server does not set itself, such as 'X-Frame-Options: DENY', or \
                 '/docs/ X-Frame-Options: DENY'",
            );
            let text = value.to_str().ok_or(right)?;
            let (prefix, field) = match text.starts_with('/') {
                true => text.split_once(' ').ok_or(right)?,
                false => ("/", text),
            };
            let (name, value) = field.split_once(':').ok_or(right)?;
            options.config.fields.add(prefix, name.trim_start(), value).map_err(|_| right)
        }),
        "set this field in all responses, errors included, or in those for paths with this prefix; it \
         replaces one of the server; an empty value removes it; repeatable",
    ),
    Flag::new(
        None,
        "cors",
        Value("ORIGIN|*", |options, value| {
            let right = Expected("an origin, such as https://app.example.org, or *");
            let cors = &mut options.config.cors;
            match value.to_str().ok_or(right)? {
                "*" => *cors = Cors::any(),
                origin => cors.allow(origin).map_err(|_| right)?,
            }
            Ok(())
        }),
        "let pages of this site read responses and send POST, PUT and DELETE from scripts (CORS), with \
         the cookies and passwords of the user; *: those of any site, without them; repeatable",
    ),
    Flag::new(
        None,
        "redirect",
        Value("/OLD=/NEW", |options, value| {
            let right = Expected("two paths, such as /old=/new, or /old/=https://example.org/");
            let (from, to) = value.to_str().and_then(|text| text.split_once('=')).ok_or(right)?;
            if !from.starts_with('/') || to.is_empty() {
                return Err(right);
            }
            options.redirects.push((from.to_owned(), to.to_owned()));
            Ok(())
        }),
        "redirect requests for the path /OLD, with their query, to a path or URL (308); if it ends with \
         a slash, those for all that is below it; repeatable",
    ),
    Flag::new(
        None,
        "host",
        Value("NAME=DIR", |options, value| {
            let right = Expected("a host and its folder, such as docs.example.org=/srv/docs");
            let (name, folder) =
                value.to_str().and_then(|text| text.split_once('=')).ok_or(right)?;
            if !is_host(name) || folder.is_empty() {
                return Err(right);
            }
            options.config.allowed_hosts.allow(name);
            options.hosts.push((name.to_owned(), PathBuf::from(folder)));
            Ok(())
        }),
        "serve DIR to requests for the host NAME, and ROOT to all others; implies --allow-host NAME; \
         repeatable",
    ),
];

/// Returns what is wrong with the redirects together.
pub(super) fn fault(options: &ServerOptions) -> Option<&'static str> {
    let redirects = &options.redirects;
    let next = |path: &str| {
        redirects.iter().find_map(|(from, to)| match from.ends_with('/') {
            true => path.strip_prefix(from.as_str()).map(|rest| format!("{to}{rest}")),
            false => (path == from).then(|| to.clone()),
        })
    };
    let is_endless = |start: &str| {
        let mut path = start.to_owned();
        for _ in 0..=redirects.len() {
            match next(path.split('?').next().unwrap_or_default()) {
                Some(on) => path = on,
                None => return false,
            }
        }
        true
    };
    redirects.iter().any(|(from, _)| is_endless(from)).then_some(
        "--redirect: the redirects lead in a circle; right: each to a path that is not redirected",
    )
}
