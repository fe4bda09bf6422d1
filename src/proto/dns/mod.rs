//! DNS messages, as pure values: both ends (RFC 1035, with EDNS(0), RFC 6891).
//!
//! ```text
//! Query::encode ──> bytes ──> Message::decode ──> the server's answer ──> Message::encode ──> bytes ──> Query::check
//! ```
//! A [`Message`] is a question and three lists of [`Record`]s. [`Message::decode`] refuses what RFC 1035
//! does not allow with a [`Fault`], which has the offset of the byte. A record of a type that is not
//! listed in [`Data`] keeps its bytes (RFC 3597).
//!
//! What a decoder allocates is in proportion to the message: a name of at most 255 octets takes at least
//! two octets of it, and each record at least eleven.
//!
//! | file | what it does | RFC |
//! |---|---|---|
//! | [`name`] | names, compared without case | 1035, 3.1; 4343 |
//! | [`record`] | records, their types and classes | 1035, 3.2 |
//! | [`data`] | the data of a record, by its type | 1035, 3.3; 3596; 2782; 3597 |
//! | [`message`] | a whole message; the header | 1035, 4; 6891 |
//! | `reader` | bytes to values; compression pointers | 1035, 4.1.4 |
//! | `writer` | values to bytes; compression | 1035, 4.1.4 |
//! | [`query`] | the client's side: a question, and which message is its answer | 5452 |
//! | [`presentation`] | records as text, and back | 1035, 5.1; 3597, 5 |
//! | [`master`] | the files that name servers read | 1035, 5; 2308, 4 |
//! | [`fault`] | what is wrong with a message | |

pub mod data;
pub mod fault;
pub mod master;
pub mod message;
pub mod name;
pub mod presentation;
pub mod query;
mod reader;
pub mod record;
mod writer;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

#[doc(inline)]
pub use self::{
    data::{Data, Soa, Srv},
    fault::{Fault, Rule},
    master::{Entry, InvalidFile, MasterFile},
    message::{Edns, Flags, Message, Question, ResponseCode},
    name::{InvalidName, Name},
    presentation::InvalidData,
    query::{Ignored, Query},
    reader::Seen,
    record::{Class, Record, Type},
};
