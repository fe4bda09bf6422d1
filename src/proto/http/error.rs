//! What can be wrong with a message: one [`Rule`] for each that can be broken.
//!
//! A rule has its RFC section, the status of a server's response ([`Rule::status`]), what is wrong, and
//! what is right. The texts are constants, never bytes of a peer. A [`Fault`] is a rule and the place
//! where it was broken; the server makes a response of it, the client one line.

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
    /// Returns the fault of a rule that was broken at `offset`.
    pub fn new(rule: Rule, offset: usize) -> Fault {
        Fault { rule, offset: offset as u64 }
    }

    /// Returns the same fault, counted from `count` bytes before.
    pub fn after(self, count: usize) -> Fault {
        Fault { offset: self.offset + count as u64, ..self }
    }

    /// Returns the offset as an index.
    pub(super) fn at(&self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }

    /// Returns the status of a server's response.
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

            /// Returns the status of a server's response.
            pub const fn status(self) -> Status {
                match self { $(Rule::$name => Status::$status,)* }
            }

            /// Returns the RFC section of the rule.
            pub const fn section(self) -> &'static str {
                match self { $(Rule::$name => $section,)* }
            }

            /// Returns what is wrong, in one sentence.
            pub const fn what(self) -> &'static str {
                match self { $(Rule::$name => $what,)* }
            }

            /// Returns what is right.
            pub const fn right(self) -> &'static str {
                match self { $(Rule::$name => $right,)* }
            }
        }
    };
}

rules! {
    NotHttp BAD_REQUEST "RFC 9112, 3"
        "this is not an HTTP request: it does not begin with a method, such as GET"
        "GET / HTTP/1.1",
    Telnet BAD_REQUEST "RFC 854"
        "this is a telnet command (Ctrl-C sends FF F4), not a request; to leave telnet, type Ctrl-] and then quit"
        "GET / HTTP/1.1",
    Tls BAD_REQUEST "RFC 8446, 4.1.2"
        "this is a TLS handshake, as https begins with; this port accepts plain HTTP only"
        "http:// instead of https:// in the address",
    RequestLineTooLong URI_TOO_LONG "RFC 9112, 3"
        "the request line is longer than this server accepts"
        "a shorter target; send long data in the body of a POST",
    MethodTooLong NOT_IMPLEMENTED "RFC 9112, 3"
        "the method is longer than any that this server implements"
        "GET / HTTP/1.1",
    RequestLine BAD_REQUEST "RFC 9112, 3"
        "the request line does not have three parts (method, target, version) with one space between them"
        "GET /index.html HTTP/1.1",
    MethodName BAD_REQUEST "RFC 9110, 9.1"
        "the method has a character that is not allowed; allowed are letters, digits and !#$%&'*+-.^_`|~"
        "GET / HTTP/1.1",
    TargetForm BAD_REQUEST "RFC 9112, 3.2"
        "the target does not have a form that this method allows"
        "GET /path?query HTTP/1.1, GET http://host/path HTTP/1.1, OPTIONS * HTTP/1.1 or CONNECT host:port HTTP/1.1",
    TargetByte BAD_REQUEST "RFC 3986, 2"
        "the target has a byte that must be percent-encoded"
        "%20 for a space, %22 for a quote",
    Percent BAD_REQUEST "RFC 3986, 2.1"
        "a % in the path is not followed by two hexadecimal digits"
        "/100%25 for /100%",
    Version BAD_REQUEST "RFC 9112, 2.3"
        "the request line does not end with a version of the form HTTP/1.1"
        "GET / HTTP/1.1",
    MajorVersion VERSION_NOT_SUPPORTED "RFC 9110, 2.5"
        "this HTTP version is not supported; only HTTP/1.0 and HTTP/1.1 are"
        "GET / HTTP/1.1",
    NoStatusLine BAD_GATEWAY "RFC 9112, 4"
        "the response does not begin with HTTP/; a response without a head, as in HTTP/0.9, is not accepted"
        "HTTP/1.1 200 OK",
    StatusLine BAD_GATEWAY "RFC 9112, 4"
        "the status line is not a version, a space, three digits, a space and a phrase"
        "HTTP/1.1 200 OK",
    StatusLineTooLong BAD_GATEWAY "RFC 9112, 4"
        "the status line is longer than the limit allows"
        "HTTP/1.1 200 OK",
    TooManyInterim BAD_GATEWAY "RFC 9110, 15.2"
        "there are more interim (1xx) responses than the limit allows"
        "at most a few 1xx responses, then HTTP/1.1 200 OK",
    SwitchedProtocols BAD_GATEWAY "RFC 9110, 15.2.2"
        "the server switches to another protocol (101), which was not requested; only HTTP/1.x is supported"
        "HTTP/1.1 200 OK",
    BareCr BAD_REQUEST "RFC 9112, 2.2"
        "there is a CR without the LF that must follow it"
        "each line ends with CR LF (\\r\\n)",
    FieldColon BAD_REQUEST "RFC 9112, 5"
        "a field line has no colon between its name and its value"
        "Host: example.org",
    FieldName BAD_REQUEST "RFC 9110, 5.1"
        "a field name is empty or has a character that is not allowed; allowed are letters, digits and !#$%&'*+-.^_`|~"
        "Accept-Language: en",
    SpaceBeforeColon BAD_REQUEST "RFC 9112, 5.1"
        "there is a space between a field name and its colon"
        "Host: example.org",
    Fold BAD_REQUEST "RFC 9112, 5.2"
        "a line of the head begins with a space or a tab; such folded lines are obsolete"
        "the whole value on one line",
    FieldValue BAD_REQUEST "RFC 9110, 5.5"
        "a field value has a control character"
        "visible characters, spaces and tabs",
    FieldTooLong FIELDS_TOO_LARGE "RFC 6585, 5"
        "a field line is longer than the limit allows"
        "a shorter value",
    HeadTooLong FIELDS_TOO_LARGE "RFC 6585, 5"
        "the head is longer than the limit allows"
        "fewer or shorter fields",
    TooManyFields FIELDS_TOO_LARGE "RFC 6585, 5"
        "the head has more fields than the limit allows"
        "fewer fields",
    HostMissing BAD_REQUEST "RFC 9112, 3.2"
        "the Host field is missing; an HTTP/1.1 request must have one"
        "Host: example.org",
    HostRepeated BAD_REQUEST "RFC 9112, 3.2"
        "there is more than one Host field"
        "one Host field: Host: example.org",
    HostInvalid BAD_REQUEST "RFC 9110, 7.2"
        "the value of Host is not a host name or address, with a colon and a port if the port is not the default"
        "Host: example.org:8080",
    FieldsDiffer BAD_REQUEST "RFC 9110, 5.3"
        "a field that has one value is sent twice, with different values"
        "one field of this name: Content-Type: application/json",
    Length BAD_REQUEST "RFC 9110, 8.6"
        "the value of Content-Length is not a number; only digits are allowed, without a sign or a space"
        "Content-Length: 42",
    LengthRepeated BAD_REQUEST "RFC 9112, 6.3"
        "there is more than one Content-Length"
        "one Content-Length field: Content-Length: 42",
    LengthAndCoding BAD_REQUEST "RFC 9112, 6.1"
        "the message has both Content-Length and Transfer-Encoding; only one of them is allowed"
        "Transfer-Encoding: chunked, without Content-Length",
    CodingInvalid BAD_REQUEST "RFC 9112, 6.1"
        "the value of Transfer-Encoding is not a list of codings"
        "Transfer-Encoding: chunked",
    CodingNotLast BAD_REQUEST "RFC 9112, 6.3"
        "chunked is not the last transfer coding, or is applied twice, so the end of the body is not known"
        "Transfer-Encoding: chunked",
    CodingUnknown NOT_IMPLEMENTED "RFC 9112, 6.1"
        "this transfer coding is not supported; only chunked is"
        "Transfer-Encoding: chunked",
    CodingOn10 BAD_REQUEST "RFC 9112, 6.1"
        "the message has Transfer-Encoding, which HTTP/1.0 does not have"
        "Content-Length: 42, or HTTP/1.1",
    BodyTooLarge CONTENT_TOO_LARGE "RFC 9110, 15.5.14"
        "the body is larger than this server accepts"
        "a smaller body",
    Expectation EXPECTATION_FAILED "RFC 9110, 10.1.1"
        "this expectation is not supported; only 100-continue is"
        "Expect: 100-continue",
    ChunkSize BAD_REQUEST "RFC 9112, 7.1"
        "a chunk does not begin with its size: hexadecimal digits on a line of their own"
        "1a CR LF, then 26 bytes, then CR LF",
    ChunkExtension BAD_REQUEST "RFC 9112, 7.1.1"
        "a chunk extension is not a semicolon and a name, with an optional = and a token or a quoted string"
        "1a;name=value CR LF",
    ChunkLineEnd BAD_REQUEST "RFC 9112, 7.1"
        "a line of the chunked body does not end with CR LF; a lone LF is accepted in the head only"
        "5 CR LF hello CR LF 0 CR LF CR LF",
    ChunkEnd BAD_REQUEST "RFC 9112, 7.1"
        "the data of a chunk is not followed by CR LF; its length is not the size that the chunk gives"
        "5 CR LF hello CR LF 0 CR LF CR LF",
    ChunkOverhead CONTENT_TOO_LARGE "RFC 9112, 7.1.1"
        "chunk extensions and trailers are longer than the limit allows"
        "chunks without extensions, and few trailers",
    TrailerField BAD_REQUEST "RFC 9110, 6.5.1"
        "this trailer field must be in the head, because it says how to read the message"
        "the field in the head; as a trailer only what is known last, such as a checksum",
    HeadIncomplete BAD_REQUEST "RFC 9112, 8"
        "the connection ended before the empty line that ends the head"
        "an empty line after the last field",
    BodyIncomplete BAD_REQUEST "RFC 9112, 8"
        "the connection ended before the body was complete"
        "as many bytes as Content-Length says, or a last chunk of size 0",
    HeadTimeout REQUEST_TIMEOUT "RFC 9110, 15.5.9"
        "the head was not complete within the time limit"
        "GET / HTTP/1.0, and an empty line",
    BodyTimeout REQUEST_TIMEOUT "RFC 9110, 15.5.9"
        "the body arrived too slowly"
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
            "the Host field is missing; an HTTP/1.1 request must have one (byte 16; RFC 9112, 3.2)"
        );
    }
}
