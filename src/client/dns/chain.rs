//! From an answer to addresses: through the aliases of the name that was asked for (RFC 1034, 3.6.2 and
//! 4.3.2). Pure.

use super::exchange::Answer;
use crate::proto::dns::{Class, Record, Type};

/// The most aliases in a row: more, or a loop of them, are no answer. Real chains have fewer than ten
/// (unbound follows 11).
const MAX_ALIASES: usize = 16;

impl Answer {
    /// Returns the records that belong to the question: the aliases of its name, in the order in which they
    /// follow each other, and then those of its type. The order of the answers does not matter; those of
    /// other names, types and classes do not belong to it. `None` if the aliases have no end.
    pub fn records(&self) -> Option<Vec<&Record>> {
        let Some(question) = self.message.questions.first() else { return Some(Vec::new()) };
        let (mut name, mut chain) = (question.name.clone(), Vec::new());
        while chain.len() <= MAX_ALIASES {
            let answers = self.message.answers.iter();
            let owned = answers.filter(|it| it.class == Class::IN && it.name == name);
            let owned = |kind| owned.clone().filter(move |it| it.data.record_type() == kind);
            let alias = owned(Type::CNAME).next();
            let records: Vec<_> = owned(question.record_type).collect();
            match alias.and_then(|alias| Some((alias, alias.data.name()?))) {
                Some((alias, target)) if records.is_empty() => {
                    chain.push(alias);
                    name = target;
                }
                _ => return Some([chain, records].concat()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::exchange::{Server, Transport};
    use super::*;
    use crate::proto::dns::{Data, Message, Name, Question};

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn record(owner: &str, ttl: u32, data: Data) -> Record {
        Record { name: name(owner), class: Class::IN, ttl, data }
    }

    fn alias(owner: &str, target: &str) -> Record {
        record(owner, 30, Data::new(Type::CNAME, name(target).wire()).unwrap())
    }

    fn address(owner: &str, last: u8) -> Record {
        record(owner, 60, Data::new(Type::A, &[192, 0, 2, last]).unwrap())
    }

    /// The last octet of each address, and the number of aliases.
    fn followed(answers: Vec<Record>) -> Option<(Vec<String>, usize)> {
        let questions = vec![Question::new(name("a"), Type::A)];
        let message = Message { questions, answers, ..Message::default() };
        let server = Server { address: ([127, 0, 0, 1], 53).into(), transport: Transport::Udp };
        let answer = Answer { server, message, octets: Vec::new() };
        let records = answer.records()?;
        let address = |record: &&Record| Some(record.data.address()?.to_string());
        let addresses: Vec<_> = records.iter().filter_map(address).collect();
        let aliases = records.len() - addresses.len();
        Some((addresses, aliases))
    }

    #[test]
    fn the_records_that_belong_to_the_question() {
        let other_class = Record { class: Class(3), ..address("a", 9) };
        let six = record("a", 5, Data::new(Type::AAAA, &[1; 16]).unwrap());
        let numbers: Vec<String> = (0..16).map(|number| format!("n{number}")).collect();
        let mut long = vec![alias("a", "n0"), address("n15", 1)];
        long.extend(numbers.windows(2).map(|pair| alias(&pair[0], &pair[1])));
        let longer = [long.clone(), vec![alias("n15", "end")]].concat();
        let longer = longer.into_iter().filter(|record| record.data.record_type() != Type::A);
        for (what, answers, want) in [
            ("nothing", vec![], Some((&[][..], 0))),
            ("two", vec![address("A", 1), address("a", 2)], Some((&[1, 2], 0))),
            (
                "not its own",
                vec![address("b", 1), six, other_class, address("a", 2)],
                Some((&[2], 0)),
            ),
            ("reversed", vec![address("c", 1), alias("B", "c"), alias("a", "b")], Some((&[1], 2))),
            ("an alias alone", vec![alias("a", "b")], Some((&[], 1))),
            ("address and alias", vec![alias("a", "b"), address("a", 1)], Some((&[1], 0))),
            ("to itself", vec![alias("a", "a")], None),
            ("a loop", vec![alias("a", "b"), alias("b", "a"), address("c", 1)], None),
            ("16 in a row", long, Some((&[1], 16))),
            ("17", longer.collect(), None),
        ] {
            let want = want.map(|(last, aliases): (&[u8], usize)| {
                (last.iter().map(|last| format!("192.0.2.{last}")).collect(), aliases)
            });
            assert_eq!(followed(answers), want, "{what}");
        }
    }
}
