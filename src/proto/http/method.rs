//! Request methods (RFC 9110, 9; PATCH: RFC 5789). Case-sensitive tokens.

use super::chars::TCHAR;

/// The method of a request: what the client wants to be done with the target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are their own names")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    /// Any other token, as [`Method::parse`] returns it. The server responds 501 unless a route has it.
    Extension(Box<str>),
}

impl Method {
    /// Returns the method of this name, or `None` if the name is not a token (RFC 9110, 5.6.2). Names are
    /// case-sensitive: `get` is another method than `GET`.
    pub fn parse(name: &[u8]) -> Option<Method> {
        Some(match name {
            b"GET" => Method::Get,
            b"HEAD" => Method::Head,
            b"POST" => Method::Post,
            b"PUT" => Method::Put,
            b"DELETE" => Method::Delete,
            b"CONNECT" => Method::Connect,
            b"OPTIONS" => Method::Options,
            b"TRACE" => Method::Trace,
            b"PATCH" => Method::Patch,
            _ if name.is_empty() || TCHAR.first_outside(name).is_some() => return None,
            _ => Method::Extension(str::from_utf8(name).ok()?.into()),
        })
    }

    /// Returns its name as it is sent.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Extension(name) => name,
        }
    }

    /// Returns true if the request asks for no change (RFC 9110, 9.2.1).
    pub fn is_safe(&self) -> bool {
        use Method::*;
        matches!(self, Get | Head | Options | Trace)
    }

    /// Returns true if the request may be sent again when no response arrived (RFC 9110, 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        use Method::*;
        matches!(self, Get | Head | Put | Delete | Options | Trace)
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for name in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "get",
            "BREW", "M-SEARCH",
        ] {
            assert_eq!(Method::parse(name.as_bytes()).unwrap().as_str(), name);
        }
        assert!(matches!(Method::parse(b"get"), Some(Method::Extension(_))), "case matters");
        for name in [&b""[..], b"GE T", b"GET\r", b"G\xc3\x8bT", b"GET:", b"\0"] {
            assert_eq!(Method::parse(name), None);
        }
    }
}
