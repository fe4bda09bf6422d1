//! Fields that the program adds to responses, by the path that was requested.

use std::borrow::Cow;

use crate::proto::http::head::RequestHead;
use crate::proto::http::headers::{Headers, InvalidField};
use crate::proto::http::target::segments;

/// Fields that are set in responses, for [`Config::fields`]: in all of them, or in those for paths with a prefix. Errors
/// get them as well, since a policy such as `Content-Security-Policy` is for every page.
///
/// ```
/// use threadbare::server::Config;
///
/// let mut config = Config::default();
/// config.fields.add("/", "X-Frame-Options", "DENY")?;
/// config.fields.add("/docs/", "Content-Security-Policy", "default-src 'self'")?;
/// config.fields.add("/embed", "X-Frame-Options", "")?; // removed there
/// # Ok::<(), threadbare::server::RefusedField>(())
/// ```
///
/// The rules apply in the order in which they were added. Each replaces a field of the same name that the server, a
/// handler, or an earlier rule has set.
///
/// [`Config::fields`]: crate::server::Config::fields
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    prefix: Prefix,
    name: String,
    /// Empty: the field is removed.
    value: String,
}

/// The start of a path, in whole segments.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    segments: Vec<Vec<u8>>,
    reach: Reach,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The path of the prefix, and what is below it.
    ItAndBelow,
    /// What is below it.
    Below,
}

/// Why a field is not set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusedField {
    /// Its name or value is not valid.
    Invalid(InvalidField),
    /// The server sets it, as only the server knows the right value: its name, and what is right.
    Reserved(String, &'static str),
    /// The prefix does not begin with a slash.
    Prefix(String),
}

impl std::fmt::Display for RefusedField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RefusedField::Invalid(error) => error.fmt(f),
            RefusedField::Reserved(name, why) => write!(f, "the server sets {name} itself: {why}"),
            RefusedField::Prefix(prefix) => {
                write!(f, "{prefix:?}: a prefix begins with a slash; right: /docs/")
            }
        }
    }
}

impl std::error::Error for RefusedField {}

impl FieldRules {
    /// Sets a field in all responses for paths that begin with `prefix`, which is compared in whole segments: `/docs` is
    /// for `/docs` and what is below it, `/docs/` for what is below it, `/` for every path. An empty value removes the
    /// field.
    ///
    /// # Errors
    /// When name or value is not valid, or when the field says how the message is framed or what its content is.
    pub fn add(&mut self, prefix: &str, name: &str, value: &str) -> Result<(), RefusedField> {
        Headers::new().append(name, value).map_err(RefusedField::Invalid)?;
        if let Some(why) = reserved(name) {
            return Err(RefusedField::Reserved(name.to_owned(), why));
        }
        let prefix =
            Prefix::parse(prefix).ok_or_else(|| RefusedField::Prefix(prefix.to_owned()))?;
        let (name, value) = (name.to_owned(), value.trim().to_owned());
        self.rules.push(Rule { prefix, name, value });
        Ok(())
    }

    /// Returns true if there is no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Sets the fields in a response to this request, of which the head may not have been complete.
    pub(super) fn apply(&self, fields: &mut Headers, head: Option<&RequestHead>) {
        let path: Vec<Cow<'_, [u8]>> =
            head.map(|head| segments(head.target.path()).collect()).unwrap_or_default();
        for rule in self.rules.iter().filter(|rule| rule.prefix.covers(&path)) {
            match rule.value.is_empty() {
                true => fields.remove(&rule.name),
                // It was valid when it was added.
                false => drop(fields.set(&rule.name, &rule.value)),
            }
        }
    }
}

impl Prefix {
    fn parse(text: &str) -> Option<Prefix> {
        let (path, reach) = match text.strip_suffix('/') {
            Some("") => return Some(Prefix { segments: Vec::new(), reach: Reach::ItAndBelow }),
            Some(path) => (path, Reach::Below),
            None => (text, Reach::ItAndBelow),
        };
        path.starts_with('/').then(|| {
            let segments = segments(path).map(Cow::into_owned).collect();
            Prefix { segments, reach }
        })
    }

    fn covers(&self, path: &[Cow<'_, [u8]>]) -> bool {
        let begins = path.len() >= self.segments.len()
            && self.segments.iter().zip(path).all(|(own, part)| own[..] == part[..]);
        begins && (self.reach == Reach::ItAndBelow || path.len() > self.segments.len())
    }
}

/// Returns why a field is not for programs to set, if it is not.
fn reserved(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "content-length" | "transfer-encoding" | "trailer" => {
            Some("it says where the message ends (RFC 9112, 6)")
        }
        "connection" | "keep-alive" | "proxy-connection" | "te" | "upgrade" => {
            Some("it is for this connection only (RFC 9110, 7.6.1)")
        }
        "date" => Some("it is the time of the response (RFC 9110, 6.6.1)"),
        "server" => Some("right: --server-name NAME"),
        "content-encoding" | "content-range" | "accept-ranges" | "etag" | "last-modified" => {
            Some("it says what the content is (RFC 9110, 8)")
        }
        "content-type" => Some("right: --mime EXT=TYPE"),
        "vary" => Some("it says what the response depends on (RFC 9110, 12.5.5)"),
        "allow" | "location" | "www-authenticate" => {
            Some("it belongs to certain statuses (RFC 9110, 15)")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::method::Method;
    use crate::proto::http::target::Target;

    #[test]
    fn prefixes_are_whole_segments() {
        for (prefix, path, want) in [
            ("/", "/", true),
            ("/", "/a/b", true),
            ("/docs", "/docs", true),
            ("/docs", "/docs/a", true),
            ("/docs", "/docs2", false),
            ("/docs", "/DOCS", false),
            ("/docs/", "/docs", false),
            ("/docs/", "/docs/", true),
            ("/docs/", "/docs/a/b", true),
            ("/docs/", "/d%6fcs/a", true),
            ("/docs/", "/x/../docs/a", true),
            ("/docs/", "/docs/../a", false),
            ("/a%20b/", "/a%20b/c", true),
            ("/a b/", "/a%20b/c", true),
        ] {
            let target = Target::parse(&Method::Get, path.as_bytes()).unwrap();
            let mut rules = FieldRules::default();
            rules.add(prefix, "X-A", "1").unwrap();
            let mut fields = Headers::new();
            rules.apply(&mut fields, Some(&RequestHead::new(Method::Get, target)));
            assert_eq!(fields.has("x-a"), want, "{prefix}: {path}");
        }
    }

    #[test]
    fn a_rule_replaces_or_removes() {
        let mut rules = FieldRules::default();
        rules.add("/", "X-A", "1").unwrap();
        rules.add("/", "x-a", " 2 ").unwrap();
        rules.add("/", "X-B", "").unwrap();
        let mut fields = Headers::new();
        fields.append("X-B", "b").unwrap();
        rules.apply(&mut fields, None);
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("x-a", &b"2"[..])]);
        for (prefix, name, value) in [
            ("/", "a b", "c"),
            ("/", "", "c"),
            ("/", "A", "b\r\nC: d"),
            ("/", "A", "b\0"),
            ("docs", "A", "b"),
            ("/", "Content-Length", "3"),
            ("/", "transfer-encoding", ""),
            ("/", "Date", "now"),
            ("/", "Server", "x"),
        ] {
            assert!(rules.add(prefix, name, value).is_err(), "{prefix} {name}: {value:?}");
        }
    }
}
