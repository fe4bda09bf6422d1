//! DNS messages, as pure values: both ends (RFC 1035, with EDNS(0), RFC 6891).
//!
//! ```text
//! Message::query ──> bytes ──> Message::decode ──> the server's answer ──> Message::encode ──> bytes ──> Message::check
//! ```
//! A [`Message`] is a question and three lists of [`Record`]s. [`Message::decode`] refuses what RFC 1035
//! does not allow with a [`Fault`], which has the offset of the byte. The [`Data`] of a record are bytes, and
//! a table has the fields of each type: by it they are read, written, parsed and shown. The data of other
//! types are one field (RFC 3597).
//!
//! What a decoder allocates is in proportion to the message: a name of at most 255 octets takes at least
//! two octets of it, and each record at least eleven.
//!
//! | file | what it does | RFC |
//! |---|---|---|
//! | [`name`] | names, compared without case | 1035, 3.1; 4343 |
//! | [`record`] | records, their data, and the table of types | 1035, 3.2 and 3.3; 3596; 2782; 3597 |
//! | [`message`] | a whole message; which one is the answer to a query | 1035, 4; 6891; 5452 |
//! | `reader` | bytes to values; compression pointers; what is wrong | 1035, 4.1.4 |
//! | `writer` | values to bytes; compression | 1035, 4.1.4 |
//! | [`master`] | records from text; the files that name servers read | 1035, 5; 3597, 5; 2308, 4 |

pub mod master;
pub mod message;
pub mod name;
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
    message::{Edns, Flags, Message, Question, ResponseCode},
    name::Name,
    reader::{Fault, Seen},
    record::{Class, Data, Field, Kind, Record, Type},
};
