//! A DNS message in sections, as dig prints it.

use crate::proto::dns::{Edns, Flags, Message, Question, Record};

/// The flags of the header, in the order in which dig shows them.
const FLAGS: [(Flags, &str); 7] = [
    (Flags::RESPONSE, " qr"),
    (Flags::AUTHORITATIVE, " aa"),
    (Flags::TRUNCATED, " tc"),
    (Flags::RECURSION_DESIRED, " rd"),
    (Flags::RECURSION_AVAILABLE, " ra"),
    (Flags::AUTHENTIC, " ad"),
    (Flags::CHECKING_DISABLED, " cd"),
];

/// Returns the header, the question and the three sections of records.
pub fn sections(message: &Message) -> String {
    let Message { id, flags, questions, answers, authorities, additionals, edns } = message;
    let opcode = match flags.opcode() {
        0 => "QUERY".to_owned(),
        other => format!("OPCODE{other}"),
    };
    let set = FLAGS.iter().filter(|(flag, _)| flags.has(*flag));
    let set: String = set.map(|(_, name)| *name).collect();
    let (code, extra) = (message.code(), additionals.len() + usize::from(edns.is_some()));
    let mut text = format!(
        ";; ->>HEADER<<- opcode: {opcode}, status: {code}, id: {id}\n;; flags:{set}; QUERY: {}, ANSWER: {}, \
         AUTHORITY: {}, ADDITIONAL: {extra}\n",
        questions.len(),
        answers.len(),
        authorities.len(),
    );
    if let Some(Edns { udp_size, version, flags, .. }) = edns {
        let set = if flags & 0x8000 == 0 { "" } else { " do" };
        text += &format!(
            "\n;; OPT PSEUDOSECTION:\n; EDNS: version: {version}, flags:{set}; udp: {udp_size}\n"
        );
    }
    text += "\n;; QUESTION SECTION:\n";
    for Question { name, record_type, class } in questions {
        text += &format!(";{name}\t{class}\t{record_type}\n");
    }
    let titles = ["ANSWER", "AUTHORITY", "ADDITIONAL"];
    for (title, records) in titles.iter().zip([answers, authorities, additionals]) {
        if !records.is_empty() {
            text += &format!("\n;; {title} SECTION:\n");
            records.iter().for_each(|record: &Record| text += &format!("{record}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dns::{Name, Question, Type};

    #[test]
    fn a_message_in_sections() {
        let question = Question::new(Name::parse("a.example").unwrap(), Type::MX);
        let message = Message { id: 7, ..Message::query(question) };
        assert_eq!(
            sections(&message),
            ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 7\n;; flags: rd; QUERY: 1, ANSWER: 0, \
             AUTHORITY: 0, ADDITIONAL: 1\n\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n\n\
             ;; QUESTION SECTION:\n;a.example.\tIN\tMX\n"
        );
    }
}
