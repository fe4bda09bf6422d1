//! Resolves references, such as in a Location, against the address of their page (RFC 3986, 5).
//!
//! ```text
//! http://a/b/c/d?q  +  g          = http://a/b/c/g      beside the last segment
//!                      ../g?y     = http://a/b/g?y      dot segments are taken out (5.2.4)
//!                      /g  ?y     = http://a/g          http://a/b/c/d?y
//!                      //g        = http://g/           the scheme is kept
//!                      #s         = http://a/b/c/d?q    the fragment stays here, as always
//! ```
//! Refused: what [`Url::parse`] refuses, other schemes than http among it; `http:g`, which a strict
//! reader does not read as a relative reference (5.2.2).

use super::target::PathAndQuery;
use super::url::{Url, UrlError, is_scheme};

impl Url {
    /// Returns the address that `reference` means on the page with this one. Without a fragment of its
    /// own it gets this one's (RFC 9110, 10.2.2).
    ///
    /// # Errors
    /// [`UrlError`] says which part is wrong.
    pub fn resolve(&self, reference: &[u8]) -> Result<Url, UrlError> {
        let reference = text(reference);
        let mut url = Url::parse(&self.absolute(&reference)?)?;
        let path = without_dots(url.path.path());
        let whole = url.path.query().map_or(path.clone(), |query| format!("{path}?{query}"));
        url.path = PathAndQuery::parse(whole.as_bytes()).map_err(|_| UrlError::Path(path))?;
        url.keep_zone_of(self);
        url.fragment = url.fragment.or_else(|| self.fragment.clone());
        Ok(url)
    }

    /// Resolves the reference by the five cases of RFC 3986, 5.2.2, without removing dot segments.
    fn absolute(&self, reference: &str) -> Result<String, UrlError> {
        if let Some((scheme, rest)) = scheme(reference) {
            return match scheme.eq_ignore_ascii_case("http") {
                true if rest.starts_with("//") => Ok(reference.to_owned()),
                true => Err(UrlError::Host(String::new())),
                false => Err(UrlError::Scheme(scheme.to_owned())),
            };
        }
        if reference.starts_with("//") {
            return Ok(format!("http:{reference}"));
        }
        let (authority, path) = (&self.authority, self.path.path());
        let directory = path.rfind('/').map_or("/", |end| path.split_at(end + 1).0);
        Ok(match reference.as_bytes().first() {
            None | Some(b'#') => format!("http://{authority}{}{reference}", self.path),
            Some(b'?') => format!("http://{authority}{path}{reference}"),
            Some(b'/') => format!("http://{authority}{reference}"),
            Some(_) => format!("http://{authority}{directory}{reference}"),
        })
    }
}

/// Returns the scheme, and what follows its colon.
fn scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    is_scheme(scheme).then_some((scheme, rest))
}

/// Servers send raw UTF-8, which is encoded later on, and sometimes bytes that are not UTF-8:
/// those are encoded one by one.
fn text(reference: &[u8]) -> String {
    reference.utf8_chunks().fold(String::new(), |text, chunk| {
        let strays = chunk.invalid().iter().map(|byte| format!("%{byte:02X}"));
        strays.fold(text + chunk.valid(), |text, stray| text + &stray)
    })
}

/// Removes dot segments (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        if segment == ".." {
            kept.pop();
        }
        match segment {
            // What is left is a directory.
            "." | ".." if segments.peek().is_none() => kept.push(""),
            "." | ".." => {}
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(base: &str, reference: &str) -> Result<String, UrlError> {
        Url::parse(base).unwrap().resolve(reference.as_bytes()).map(|url| url.to_string())
    }

    /// RFC 3986, 5.4, where the scheme is http.
    #[test]
    fn the_examples_of_the_rfc() {
        for (reference, want) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g?y#s", "http://a/b/c/g?y#s"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s/../x", "http://a/b/c/g#s/../x"),
        ] {
            assert_eq!(resolve("http://a/b/c/d;p?q", reference).unwrap(), want, "{reference:?}");
        }
    }

    #[test]
    fn what_servers_send() {
        for (base, reference, want) in [
            ("http://a:81", "b", "http://a:81/b"),
            ("http://a:81/x", "http://B:80/./y?z", "http://b:80/y?z"),
            ("http://[::1]:81/x/", "../y", "http://[::1]:81/y"),
            ("http://a/", "/a b/\u{fc}?q=\u{fc}", "http://a/a%20b/%C3%BC?q=%C3%BC"),
            ("http://a/x", "y?next=http://b/", "http://a/y?next=http://b/"),
            ("http://a/x", "/y:z", "http://a/y:z"),
            ("http://a/x", "./y:z", "http://a/y:z"),
            ("http://a/x?q", "//b?y", "http://b/?y"),
            ("http://a/x//y/", "..", "http://a/x//"),
        ] {
            assert_eq!(resolve(base, reference).unwrap(), want, "{base} {reference:?}");
        }
        let url = Url::parse("a/").unwrap().resolve(b"/\xff%2F").unwrap();
        assert_eq!(url.to_string(), "http://a/%FF%2F");
    }

    #[test]
    fn a_fragment_is_inherited() {
        for (base, reference, want) in
            [("a/#x", "/b", Some("x")), ("a/#x", "/b#y", Some("y")), ("a/", "/b", None)]
        {
            let url = Url::parse(base).unwrap().resolve(reference.as_bytes()).unwrap();
            assert_eq!(url.fragment.as_deref(), want, "{base} {reference}");
        }
    }

    #[test]
    fn what_leads_nowhere() {
        let scheme = |name: &str| Err(UrlError::Scheme(name.to_owned()));
        for (reference, want) in [
            ("https://a/", scheme("https")),
            ("ftp:x", scheme("ftp")),
            ("javascript:alert(1)", scheme("javascript")),
            ("g:h", scheme("g")),
            ("http:g", Err(UrlError::Host(String::new()))),
            ("http://", Err(UrlError::Host(String::new()))),
            ("///x", Err(UrlError::Host(String::new()))),
            ("//u:p@h/", Err(UrlError::UserInfo)),
            ("/a\rb", Err(UrlError::Control(10))),
        ] {
            assert_eq!(resolve("http://a/", reference), want, "{reference:?}");
        }
    }
}
