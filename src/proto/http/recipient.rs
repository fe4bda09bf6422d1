//! Who reads a message, and so how strictly it is read.

/// Who reads a message. Both refuse what can be read in two ways. A server refuses more: a proxy before
/// it may have read such a line otherwise, and an attacker may have written it (request smuggling).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// A server, of requests.
    Server,
    /// A user agent, of responses. It also reads what real servers send and what has one meaning only:
    /// obsolete folded lines (RFC 9112, 5.2), blanks before a colon (5.1), a Content-Length that is
    /// repeated with the same value (6.3), blanks behind a chunk size.
    UserAgent,
}
