//! The flags of `server` about the files that it serves: which ones, and with which type.

use std::path::PathBuf;

use super::Effect::Value;
use super::server::{ServerOptions, not_empty};
use super::{Expected, Flag};
use crate::server::{Charset, Dotfiles, Headers, Links, MediaTypes, Precompressed};

/// How files are served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileOptions {
    /// Which symbolic links are followed.
    pub links: Links,
    /// Whether names that begin with a dot are served.
    pub dotfiles: Dotfiles,
    /// Whether compressed siblings are sent in place of their files.
    pub precompressed: Precompressed,
    /// The charset of texts.
    pub charset: Charset,
    /// The types that were typed.
    pub types: MediaTypes,
    /// Files of types.
    pub type_files: Vec<PathBuf>,
    /// The page of an application.
    pub spa: Option<PathBuf>,
    /// The value of `Cache-Control`.
    pub cache_control: Option<String>,
}

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "links",
        Value("inside|all|off", |options, value| {
            options.files.links = match value.to_str() {
                Some("inside") => Links::Inside,
                Some("all") => Links::All,
                Some("off") => Links::Off,
                _ => return Err(Expected("inside, all or off")),
            };
            Ok(())
        }),
        "follow symbolic links that stay inside the folder, all of them, or none; others are treated \
         as absent (default inside)",
    ),
    Flag::new(
        None,
        "dotfiles",
        Value("hide|show", |options, value| {
            options.files.dotfiles = match value.to_str() {
                Some("hide") => Dotfiles::Hide,
                Some("show") => Dotfiles::Show,
                _ => return Err(Expected("hide or show")),
            };
            Ok(())
        }),
        "whether names that begin with a dot are served and listed; nobody can upload them; \
         /.well-known is always served (default hide)",
    ),
    Flag::new(
        None,
        "precompressed",
        Value("on|off", |options, value| {
            options.files.precompressed = match value.to_str() {
                Some("on") => Precompressed::On,
                Some("off") => Precompressed::Off,
                _ => return Err(Expected("on or off")),
            };
            Ok(())
        }),
        "send style.css.br, .zst or .gz instead of style.css to a client that prefers it (default on)",
    ),
    Flag::new(
        None,
        "charset",
        Value("NAME|off", |options, value| {
            let right = Expected("the name of a charset, such as iso-8859-1, or off");
            let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte);
            let name = value.to_str().filter(|name| !name.is_empty() && name.bytes().all(is_named));
            options.files.charset = match name.ok_or(right)? {
                "off" => Charset::Off,
                name => Charset::Named(name.to_owned()),
            };
            Ok(())
        }),
        "charset of texts in Content-Type; off: none (default: utf-8 for a text that is UTF-8 and does \
         not declare another one)",
    ),
    Flag::new(
        None,
        "mime",
        Value("EXT=TYPE", |options, value| {
            let right = Expected("an extension and its media type, such as gmi=text/gemini");
            let (extension, media_type) =
                value.to_str().and_then(|text| text.split_once('=')).ok_or(right)?;
            let extension = extension.strip_prefix('.').unwrap_or(extension);
            options.files.types.add(extension, media_type).map_err(|_| right)
        }),
        "media type of files with this extension; repeatable; wins over the others",
    ),
    Flag::new(
        None,
        "mime-types",
        Value("FILE", |options, value| {
            let path = not_empty(value, "a file of media types, such as /etc/mime.types")?;
            options.files.type_files.push(path.into());
            Ok(())
        }),
        "read media types from FILE, which has the format of /etc/mime.types; they win over those that \
         are built in; repeatable",
    ),
    Flag::new(
        None,
        "spa",
        Value("FILE", |options, value| {
            let path = PathBuf::from(not_empty(value, "a file of the folder, such as index.html")?);
            if path.is_absolute() {
                return Err(Expected("a file of the folder, such as index.html"));
            }
            options.files.spa = Some(path);
            Ok(())
        }),
        "serve this file of the folder, with the status 200, to browsers that navigate to a path where \
         nothing exists and whose last name has no extension",
    ),
    Flag::new(
        None,
        "cache-control",
        Value("VALUE", |options, value| {
            let right = Expected("directives, such as 'public, max-age=3600'");
            let text = value.to_str().filter(|text| !text.trim().is_empty()).ok_or(right)?;
            Headers::new().append("Cache-Control", text).map_err(|_| right)?;
            options.files.cache_control = Some(text.to_owned());
            Ok(())
        }),
        "value of the Cache-Control field of each file (default: no such field)",
    ),
];
