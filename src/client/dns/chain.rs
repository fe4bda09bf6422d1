//! From an answer to addresses: through the aliases of the name that was asked for (RFC 1034, 3.6.2 and
//! 4.3.2). Pure.

use std::net::IpAddr;

use super::exchange::Answer;
use crate::proto::dns::{Class, Data, Message, Name, Question, Record};

/// The most aliases in a row: more, or a loop of them, are no answer. Real chains have fewer than ten
/// (unbound follows 11).
const MAX_ALIASES: usize = 16;

/// The records of an answer that belong to its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain<'m> {
    /// The name of each of `records`: the one that was asked for, or the last alias' target.
    pub(super) name: Name,
    /// The aliases, in the order in which they follow each other.
    pub(super) aliases: Vec<&'m Record>,
    /// The records of the type that was asked for.
    pub(super) records: Vec<&'m Record>,
}

/// The aliases have no end: there are more than 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Endless;

impl<'m> Chain<'m> {
    /// Follows the aliases of the question's name through the answers, whose order does not matter. Records
    /// of other names, types and classes do not belong to it.
    pub(super) fn of(question: &Question, message: &'m Message) -> Result<Chain<'m>, Endless> {
        let (mut name, mut aliases) = (question.name.clone(), Vec::new());
        loop {
            let owned = || {
                let answers = message.answers.iter();
                answers.filter(|record| record.class == Class::IN && record.name == name)
            };
            let wanted = |record: &&Record| record.data.record_type() == question.record_type;
            let records: Vec<&Record> = owned().filter(wanted).collect();
            let alias = owned().find_map(|record| match &record.data {
                Data::Cname(target) => Some((record, target.clone())),
                _ => None,
            });
            let Some((alias, target)) = alias.filter(|_| records.is_empty()) else {
                return Ok(Chain { name, aliases, records });
            };
            if aliases.len() == MAX_ALIASES {
                return Err(Endless);
            }
            aliases.push(alias);
            name = target;
        }
    }

    /// Returns the addresses.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let address = |record: &&Record| match record.data {
            Data::A(address) => Some(IpAddr::V4(address)),
            Data::Aaaa(address) => Some(IpAddr::V6(address)),
            _ => None,
        };
        self.records.iter().filter_map(address).collect()
    }

    /// Returns for how many seconds the whole chain may be kept: the shortest time to live in it.
    pub(super) fn ttl(&self) -> u32 {
        self.aliases.iter().chain(&self.records).map(|record| record.ttl).min().unwrap_or(0)
    }
}

impl Answer {
    /// Returns the records that belong to the question: its aliases, in the order in which they follow each
    /// other, and then those of its type. None, if the aliases have no end.
    pub fn records(&self) -> Vec<&Record> {
        let chain =
            self.message.questions.first().map(|question| Chain::of(question, &self.message));
        let chain = chain.and_then(Result::ok);
        chain.map_or(Vec::new(), |chain| [chain.aliases, chain.records].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dns::{Query, Type};

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn record(owner: &str, ttl: u32, data: Data) -> Record {
        Record { name: name(owner), class: Class::IN, ttl, data }
    }

    fn alias(owner: &str, target: &str) -> Record {
        record(owner, 30, Data::Cname(name(target)))
    }

    fn address(owner: &str, last: u8) -> Record {
        record(owner, 60, Data::A([192, 0, 2, last].into()))
    }

    /// The last name, the last octet of each address, the number of aliases, the time to live.
    fn followed(answers: Vec<Record>) -> Option<(String, Vec<u8>, usize, u32)> {
        let message = Message { answers, ..Message::default() };
        let question = Query::new(0, name("a"), Type::A).question;
        let chain = Chain::of(&question, &message).ok()?;
        let last = |address: &IpAddr| match address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        };
        let addresses = chain.addresses().iter().map(last).collect();
        Some((chain.name.to_string(), addresses, chain.aliases.len(), chain.ttl()))
    }

    #[test]
    fn the_records_that_belong_to_the_question() {
        let other_class = Record { class: Class::CH, ..address("a", 9) };
        let six = record("a", 5, Data::Aaaa("2001:db8::1".parse().unwrap()));
        let numbers: Vec<String> = (0..16).map(|number| format!("n{number}")).collect();
        let mut long = vec![alias("a", "n0"), address("n15", 1)];
        long.extend(numbers.windows(2).map(|pair| alias(&pair[0], &pair[1])));
        let longer = [long.clone(), vec![alias("n15", "end")]].concat();
        let longer = longer.into_iter().filter(|record| record.data.record_type() != Type::A);
        for (what, answers, want) in [
            ("nothing", vec![], Some(("a.", &[][..], 0, 0))),
            ("two", vec![address("A", 1), address("a", 2)], Some(("a.", &[1, 2], 0, 60))),
            (
                "not its own",
                vec![address("b", 1), six, other_class, address("a", 2)],
                Some(("a.", &[2], 0, 60)),
            ),
            (
                "reversed",
                vec![address("c", 1), alias("B", "c"), alias("a", "b")],
                Some(("c.", &[1], 2, 30)),
            ),
            ("an alias alone", vec![alias("a", "b")], Some(("b.", &[], 1, 30))),
            (
                "address and alias",
                vec![alias("a", "b"), address("a", 1)],
                Some(("a.", &[1], 0, 60)),
            ),
            ("to itself", vec![alias("a", "a")], None),
            ("a loop", vec![alias("a", "b"), alias("b", "a"), address("c", 1)], None),
            ("16 in a row", long, Some(("n15.", &[1], 16, 30))),
            ("17", longer.collect(), None),
        ] {
            let want = want.map(|(name, addresses, aliases, ttl)| {
                (name.to_owned(), addresses.to_vec(), aliases, ttl)
            });
            assert_eq!(followed(answers), want, "{what}");
        }
    }
}
