//! The protocol version (RFC 9110, 2.5; RFC 9112, 2.3): `HTTP-name "/" DIGIT "." DIGIT`.

use super::error::Rule;

/// The protocol version of a message: 1.0 or 1.1. Any 1.x above 1.0 is read as 1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0: one request a connection, unless both sides ask to keep it.
    Http10,
    /// HTTP/1.1: the connection is kept unless one side says otherwise.
    Http11,
}

impl Version {
    /// Reads exactly `HTTP/d.d`. The name is case-sensitive.
    ///
    /// # Errors
    /// [`Rule::Version`] when it is not of that form, [`Rule::MajorVersion`] when the major
    /// version is not 1.
    pub fn parse(text: &[u8]) -> Result<Version, Rule> {
        match text {
            _ if text == b"HTTP/1.1" => Ok(Version::Http11), // nearly all: one comparison
            b"HTTP/1.0" => Ok(Version::Http10),
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'] => Ok(Version::Http11),
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
                Err(Rule::MajorVersion)
            }
            _ => Err(Rule::Version),
        }
    }

    /// Returns the version as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, version) in [
            ("HTTP/1.0", Ok(Version::Http10)),
            ("HTTP/1.1", Ok(Version::Http11)),
            ("HTTP/1.9", Ok(Version::Http11)),
            ("HTTP/2.0", Err(Rule::MajorVersion)),
            ("HTTP/0.9", Err(Rule::MajorVersion)),
            ("http/1.1", Err(Rule::Version)),
            ("HTTP/1.10", Err(Rule::Version)),
            ("HTTP/11", Err(Rule::Version)),
            ("HTTP/1.", Err(Rule::Version)),
            ("HTTP/+1.1", Err(Rule::Version)),
            ("HTTP/2", Err(Rule::Version)),
            ("HTTQ/1.1", Err(Rule::Version)),
            ("", Err(Rule::Version)),
        ] {
            assert_eq!(Version::parse(text.as_bytes()), version, "{text}");
        }
    }
}
