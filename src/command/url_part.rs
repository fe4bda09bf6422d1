//! The parts of a URL as text, for `-w '%{url.host}'`: of what was typed, whether a request can be made of it or not. It has
//! no user and no password any more.

use crate::proto::http::url::split_scheme;

/// A part of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UrlPart {
    Scheme,
    Host,
    Port,
    Path,
    Query,
    Fragment,
    Zone,
}

/// Returns a part of a URL; `None` if it has none. A URL without a scheme is http, one without a host is this machine,
/// and 80 is the port that is not written.
pub(super) fn url_part(url: &str, part: UrlPart) -> Option<String> {
    let (scheme, rest) = split_scheme(url).unwrap_or(("http", url));
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let end = authority.rfind(']').map_or(0, |end| end + 1);
    let (name, port) = match authority.get(end..).and_then(|rest| rest.split_once(':')) {
        Some((name, port)) => (authority.get(..end + name.len())?, port),
        None => (authority, ""),
    };
    let (name, zone) = match name.trim_end_matches(']').split_once('%') {
        Some((address, zone)) if name.starts_with('[') => {
            (format!("{address}]"), Some(zone.strip_prefix("25").unwrap_or(zone)))
        }
        _ => (name.to_owned(), None),
    };
    let found = match part {
        UrlPart::Scheme => Some(scheme.to_ascii_lowercase()),
        UrlPart::Host if name.is_empty() => Some("localhost".to_owned()),
        UrlPart::Host => Some(name),
        UrlPart::Port if port.is_empty() => Some("80".to_owned()),
        UrlPart::Port => Some(port.to_owned()),
        UrlPart::Path if path.is_empty() => Some("/".to_owned()),
        UrlPart::Path => Some(path.to_owned()),
        UrlPart::Query => query.map(str::to_owned),
        UrlPart::Fragment => fragment.map(str::to_owned),
        UrlPart::Zone => zone.map(str::to_owned),
    };
    found.filter(|found| !found.is_empty())
}

/// Returns what stands before and after the first of this character.
fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

#[cfg(test)]
mod tests {
    use super::UrlPart::*;
    use super::*;

    #[test]
    fn parts_of_urls() {
        let full = "HTTP://example.org:8080/a/b%20c?x=/y#z";
        for (url, part, want) in [
            (full, Scheme, Some("http")),
            (full, Host, Some("example.org")),
            (full, Port, Some("8080")),
            (full, Path, Some("/a/b%20c")),
            (full, Query, Some("x=/y")),
            (full, Fragment, Some("z")),
            (full, Zone, None),
            ("a", Scheme, Some("http")),
            ("a", Host, Some("a")),
            ("a", Port, Some("80")),
            ("a", Path, Some("/")),
            ("a", Query, None),
            ("a", Fragment, None),
            (":81/x", Host, Some("localhost")),
            (":81/x", Port, Some("81")),
            ("[::1]/", Host, Some("[::1]")),
            ("[::1]/", Port, Some("80")),
            ("[::1]:82", Host, Some("[::1]")),
            ("[::1]:82", Port, Some("82")),
            ("http://[fe80::1%25eth0]:82/", Host, Some("[fe80::1]")),
            ("http://[fe80::1%25eth0]:82/", Zone, Some("eth0")),
            ("a?x@y", Host, Some("a")),
            ("a?", Query, None),
            ("", Host, Some("localhost")),
            ("]:[", Port, Some("[")),
        ] {
            assert_eq!(url_part(url, part).as_deref(), want, "{url} {part:?}");
        }
    }
}
