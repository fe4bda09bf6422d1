//! The client's side: one question, and which of the messages that come is its answer (RFC 5452, 9.1).

use super::fault::Fault;
use super::message::{Edns, Flags, Message, Question, ResponseCode};
use super::name::Name;
use super::record::{Class, Type};

/// The largest response over UDP that a client asks for: what fits into one packet nearly everywhere
/// (dnsflagday.net/2020).
pub const UDP_SIZE: u16 = 1232;

/// A question with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// A number that cannot be guessed.
    pub id: u16,
    /// What is asked.
    pub question: Question,
    /// What the client can do beyond RFC 1035. Servers that do not know it refuse the query
    /// (RFC 6891, 7); it is sent again without.
    pub edns: Option<Edns>,
}

/// Why a message is not the answer to a query. It is dropped, and the wait goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ignored {
    /// It cannot be decoded.
    Invalid(Fault),
    /// It is a query itself.
    NotAResponse,
    /// It has another id.
    OtherId(u16),
    /// It repeats another question, or none.
    OtherQuestion,
}

impl Query {
    /// Returns the query for the records of this type that `name` owns, in the Internet. It offers
    /// [`UDP_SIZE`].
    pub fn new(id: u16, name: Name, record_type: Type) -> Query {
        let question = Question { name, record_type, class: Class::IN };
        Query { id, question, edns: Some(Edns::new(UDP_SIZE)) }
    }

    /// Returns the octets of the query, which wants recursion.
    pub fn encode(&self) -> Vec<u8> {
        let message = Message {
            id: self.id,
            flags: Flags::RECURSION_DESIRED,
            questions: vec![self.question.clone()],
            edns: self.edns.clone(),
            ..Message::default()
        };
        message.encode(usize::from(u16::MAX))
    }

    /// Decodes the answer.
    ///
    /// # Errors
    /// [`Ignored`], if these octets are not the answer.
    pub fn check(&self, octets: &[u8]) -> Result<Message, Ignored> {
        let message = Message::decode(octets).map_err(Ignored::Invalid)?;
        if !message.flags.has(Flags::RESPONSE) {
            return Err(Ignored::NotAResponse);
        }
        if message.id != self.id {
            return Err(Ignored::OtherId(message.id));
        }
        match message.questions.as_slice() {
            [question] if *question == self.question => Ok(message),
            // A server that cannot read the query may not be able to repeat the question.
            [] if message.code() == ResponseCode::FORMAT_ERROR => Ok(message),
            _ => Err(Ignored::OtherQuestion),
        }
    }
}

impl std::fmt::Display for Ignored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ignored::Invalid(fault) => fault.fmt(f),
            Ignored::NotAResponse => f.write_str("it is a query, not a response"),
            Ignored::OtherId(id) => write!(f, "its id is {id}, which is another query's"),
            Ignored::OtherQuestion => f.write_str("it answers another question"),
        }
    }
}

impl std::error::Error for Ignored {}
