//! What can be wrong with a message: one [`Rule`] for each that can be broken.
//!
//! A rule knows whose words it is (its RFC section), what a server answers ([`Rule::status`]), and
//! how a right one looks. The texts are constants, never a peer's bytes. A [`Fault`] is a rule and
//! the place where it was broken; the server turns it into an answer, the client into one line.

use super::status::Status;

/// A broken rule, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which rule.
    pub rule: Rule,
    /// Where: bytes from the start of the part being read (the head, or the body as sent).
    pub offset: u64,
}

impl Fault {
    /// `rule` was broken at `offset`.
    pub fn new(rule: Rule, offset: usize) -> Fault {
        Fault { rule, offset: offset as u64 }
    }

    /// The same fault, seen from `count` bytes further in front.
    pub fn behind(self, count: usize) -> Fault {
        Fault { offset: self.offset + count as u64, ..self }
    }

    /// The offset, to count in memory with.
    pub(super) fn at(&self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }

    /// What a server answers.
    pub fn status(&self) -> Status {
        self.rule.status()
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (byte {}; {})", self.rule.what(), self.offset, self.rule.section())
    }
}

impl std::error::Error for Fault {}

macro_rules! rules {
    ($($name:ident $status:ident $section:literal $what:literal $right:literal,)*) => {
        /// A rule of the protocol, or a limit of ours, that a message broke.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule {
            $(#[doc = $what] $name,)*
        }

        impl Rule {
            /// Every rule, for tables and tests.
            pub const ALL: &[Rule] = &[$(Rule::$name,)*];

            /// The status that a server answers.
            pub const fn status(self) -> Status {
                match self { $(Rule::$name => Status::$status,)* }
            }

            /// The RFC section that says so.
            pub const fn section(self) -> &'static str {
                match self { $(Rule::$name => $section,)* }
            }

            /// What was wrong, in one sentence.
            pub const fn what(self) -> &'static str {
                match self { $(Rule::$name => $what,)* }
            }

            /// What a right one looks like.
            pub const fn right(self) -> &'static str {
                match self { $(Rule::$name => $right,)* }
            }
        }
    };
}

rules! {
    NotHttp BAD_REQUEST "RFC 9112, 3"
        "the first byte cannot begin a request: a method is a word of letters"
        "GET / HTTP/1.1",
    Telnet BAD_REQUEST "RFC 854"
        "this is a telnet command (Ctrl-C sends FF F4), not a request; to leave telnet, type Ctrl-] and then quit"
        "GET / HTTP/1.1",
    Tls BAD_REQUEST "RFC 8446, 4.1.2"
        "this is a TLS hello, as for https; this port speaks plain http"
        "http:// instead of https:// in the address",
    RequestLineTooLong URI_TOO_LONG "RFC 9112, 3"
        "the request line is longer than this server reads"
        "a shorter target, the data in a POST body",
    RequestLine BAD_REQUEST "RFC 9112, 3"
        "a request line is three words with one space between them: method, target, version"
        "GET /index.html HTTP/1.1",
    MethodName BAD_REQUEST "RFC 9110, 9.1"
        "a method is a token: letters, digits and !#$%&'*+-.^_`|~"
        "GET / HTTP/1.1",
    TargetForm BAD_REQUEST "RFC 9112, 3.2"
        "the target is none of the forms that go with this method"
        "GET /path?query HTTP/1.1, GET http://host/path HTTP/1.1, OPTIONS * HTTP/1.1 or CONNECT host:port HTTP/1.1",
    TargetByte BAD_REQUEST "RFC 3986, 2"
        "this byte may not stand in a target as it is"
        "the byte percent-encoded: %20 for a space, %22 for a quote",
    Percent BAD_REQUEST "RFC 3986, 2.1"
        "a % in a target is followed by two hexadecimal digits"
        "/100%25 for /100%",
    Version BAD_REQUEST "RFC 9112, 2.3"
        "the request line ends with the version, in capitals, one digit on each side of the dot"
        "GET / HTTP/1.1",
    MajorVersion VERSION_NOT_SUPPORTED "RFC 9110, 2.5"
        "only HTTP/1.0 and HTTP/1.1 are spoken here"
        "GET / HTTP/1.1",
    NoStatusLine BAD_GATEWAY "RFC 9112, 4"
        "an answer begins with HTTP/; one without a head, as HTTP/0.9 had it, is not taken"
        "HTTP/1.1 200 OK",
    StatusLine BAD_GATEWAY "RFC 9112, 4"
        "a status line is a version, a space, three digits, a space and a phrase"
        "HTTP/1.1 200 OK",
    StatusLineTooLong BAD_GATEWAY "RFC 9112, 4"
        "the status line is longer than this side reads"
        "HTTP/1.1 200 OK",
    TooManyInterim BAD_GATEWAY "RFC 9110, 15.2"
        "there are more interim (1xx) answers than this side reads"
        "HTTP/1.1 200 OK",
    SwitchedProtocols BAD_GATEWAY "RFC 9110, 15.2.2"
        "101 switches to another protocol; nothing but HTTP/1.x is spoken here, and no other was asked for"
        "HTTP/1.1 200 OK",
    BareCr BAD_REQUEST "RFC 9112, 2.2"
        "a CR stands without the LF that ends a line"
        "every line ended by CR LF (\\r\\n)",
    FieldColon BAD_REQUEST "RFC 9112, 5"
        "a field line is a name, a colon and a value"
        "Host: example.org",
    FieldName BAD_REQUEST "RFC 9110, 5.1"
        "a field name is a token: letters, digits and !#$%&'*+-.^_`|~"
        "Accept-Language: en",
    SpaceBeforeColon BAD_REQUEST "RFC 9112, 5.1"
        "there is no space between a field name and its colon"
        "Host: example.org",
    Fold BAD_REQUEST "RFC 9112, 5.2"
        "a line of the head begins with a space or tab: folded lines are obsolete"
        "the whole value on one line",
    FieldValue BAD_REQUEST "RFC 9110, 5.5"
        "a control byte stands in a field value"
        "visible characters, spaces and tabs",
    FieldTooLong FIELDS_TOO_LARGE "RFC 6585, 5"
        "a field line is longer than this side reads"
        "a shorter value",
    HeadTooLong FIELDS_TOO_LARGE "RFC 6585, 5"
        "the head is longer than this side reads"
        "fewer or shorter fields",
    TooManyFields FIELDS_TOO_LARGE "RFC 6585, 5"
        "the head has more fields than this side reads"
        "fewer fields",
    HostMissing BAD_REQUEST "RFC 9112, 3.2"
        "an HTTP/1.1 request has a Host field"
        "Host: example.org",
    HostRepeated BAD_REQUEST "RFC 9112, 3.2"
        "there is more than one Host field"
        "one Host: example.org",
    HostInvalid BAD_REQUEST "RFC 9110, 7.2"
        "the Host field is a host, and a colon and a port where it is not the usual one"
        "Host: example.org:8080",
    Length BAD_REQUEST "RFC 9110, 8.6"
        "Content-Length is a number: digits, without sign or space"
        "Content-Length: 42",
    LengthRepeated BAD_REQUEST "RFC 9112, 6.3"
        "there is more than one Content-Length"
        "one Content-Length: 42",
    LengthAndCoding BAD_REQUEST "RFC 9112, 6.1"
        "a message has Content-Length or Transfer-Encoding, not both"
        "Transfer-Encoding: chunked, alone",
    CodingInvalid BAD_REQUEST "RFC 9112, 6.1"
        "Transfer-Encoding is a list of codings"
        "Transfer-Encoding: chunked",
    CodingNotLast BAD_REQUEST "RFC 9112, 6.3"
        "chunked is the last transfer coding, and applied once: nothing else tells where the body ends"
        "Transfer-Encoding: chunked",
    CodingUnknown NOT_IMPLEMENTED "RFC 9112, 6.1"
        "the only transfer coding known here is chunked"
        "Transfer-Encoding: chunked",
    CodingOn10 BAD_REQUEST "RFC 9112, 6.1"
        "HTTP/1.0 has no Transfer-Encoding"
        "Content-Length: 42, or HTTP/1.1",
    BodyTooLarge CONTENT_TOO_LARGE "RFC 9110, 15.5.14"
        "the body is larger than is taken here"
        "a smaller body",
    Expectation EXPECTATION_FAILED "RFC 9110, 10.1.1"
        "the only expectation there is, is 100-continue"
        "Expect: 100-continue",
    ChunkSize BAD_REQUEST "RFC 9112, 7.1"
        "a chunk begins with its size in hexadecimal digits, on a line of its own"
        "1a CR LF, then 26 bytes, then CR LF",
    ChunkExtension BAD_REQUEST "RFC 9112, 7.1.1"
        "a chunk extension is a semicolon and a name, perhaps with = and a token or a quoted string"
        "1a;name=value CR LF",
    ChunkLineEnd BAD_REQUEST "RFC 9112, 7.1"
        "lines of a chunked body end with CR LF; a lone LF is taken in the head only"
        "5 CR LF hello CR LF 0 CR LF CR LF",
    ChunkEnd BAD_REQUEST "RFC 9112, 7.1"
        "a chunk's data is followed by CR LF; the size before it was another"
        "5 CR LF hello CR LF 0 CR LF CR LF",
    ChunkOverhead CONTENT_TOO_LARGE "RFC 9112, 7.1.1"
        "chunk extensions and trailers are longer than this side reads"
        "chunks without extensions",
    TrailerField BAD_REQUEST "RFC 9110, 6.5.1"
        "a field stands behind the body that says how the message is to be read, and belongs before it"
        "the field in the head; behind the body what is known only then, such as a checksum",
    HeadIncomplete BAD_REQUEST "RFC 9112, 8"
        "the connection ended before the blank line that ends the head"
        "one more empty line",
    BodyIncomplete BAD_REQUEST "RFC 9112, 8"
        "the connection ended before the body did"
        "as many bytes as Content-Length says, or a last chunk of size 0",
    HeadTimeout REQUEST_TIMEOUT "RFC 9110, 15.5.9"
        "the head took too long; its blank line has not come"
        "GET / HTTP/1.0, and an empty line",
    BodyTimeout REQUEST_TIMEOUT "RFC 9110, 15.5.9"
        "the body came too slowly"
        "as many bytes as Content-Length says",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_where_and_how() {
        for rule in Rule::ALL {
            assert!(rule.status().is_error(), "{rule:?}");
            assert!(rule.section().starts_with("RFC "), "{rule:?}");
            assert!(!rule.what().ends_with('.') && !rule.right().is_empty(), "{rule:?}");
        }
    }

    #[test]
    fn a_fault_is_one_line() {
        let fault = Fault::new(Rule::HostMissing, 16);
        assert_eq!(
            fault.to_string(),
            "an HTTP/1.1 request has a Host field (byte 16; RFC 9112, 3.2)"
        );
    }
}
