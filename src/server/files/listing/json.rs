//! A listing as JSON, for programs: an array, one line for each entry.
//!
//! ```json
//! [
//! {"name":"docs","type":"directory","mtime":"2026-12-01T01:12:29Z","url":"docs/"},
//! {"name":"a b.txt","type":"file","size":1234,"mtime":"2026-12-01T01:12:29Z","url":"a%20b.txt"}
//! ]
//! ```
//! The members are those of nginx (`autoindex_format json`), with times as static-web-server and Caddy write them
//! (RFC 3339), and `url` as with Caddy: relative to the folder, and exact also for a name that is not UTF-8, which
//! `name` shows with U+FFFD.

use std::os::unix::ffi::OsStrExt as _;

use super::entries::{Facts, Kind, Named};
use super::name::link;
use crate::text::quote_json;
use crate::text::timestamp::rfc_3339;

/// Appends one entry.
pub fn entry(entry: &Named<'_>, facts: &Facts, is_first: bool, out: &mut Vec<u8>) {
    let Facts { size, modified } = *facts;
    let name = quote_json(&String::from_utf8_lossy(entry.name.as_bytes()));
    let kind = match entry.kind {
        Kind::Folder => "\"directory\"".to_owned(),
        Kind::File => format!("\"file\",\"size\":{size}"),
    };
    let (before, url) = (if is_first { "" } else { "," }, link(entry.name, entry.kind));
    let mtime = rfc_3339(modified);
    let line = format!(
        "{before}\n{{\"name\":{name},\"type\":{kind},\"mtime\":\"{mtime}\",\"url\":\"{url}\"}}"
    );
    out.extend_from_slice(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn members() {
        let facts = Facts { size: 12, modified: 1_000_000_000 };
        let mut out = Vec::new();
        for (at, (name, kind)) in
            [(&b"a \"b\"\n"[..], Kind::Folder), (b"caf\xe9", Kind::File)].into_iter().enumerate()
        {
            let named = Named { name: OsStr::from_bytes(name), kind, is_link: false };
            entry(&named, &facts, at == 0, &mut out);
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\n{\"name\":\"a \\\"b\\\"\\n\",\"type\":\"directory\",\"mtime\":\"2001-09-09T01:46:40Z\",\"url\":\"a%20%22b%22%0A/\"},\
             \n{\"name\":\"caf\u{fffd}\",\"type\":\"file\",\"size\":12,\"mtime\":\"2001-09-09T01:46:40Z\",\"url\":\"caf%E9\"}"
        );
    }
}
