//! What holds for any message and for any octets: what is written is read as it was, nothing panics, and
//! nothing is allocated out of proportion.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Labels: few, so that names have ends in common, in two cases; and some of any octets.
fn label() -> impl Strategy<Value = Vec<u8>> {
    let usual = select(vec![&b"www"[..], b"WWW", b"a", b"example", b"_tcp", b"*"]);
    prop_oneof![4 => usual.prop_map(<[u8]>::to_vec), 1 => vec(any::<u8>(), 1..64)]
}

fn name() -> impl Strategy<Value = Name> {
    vec(label(), 0..5).prop_map(|labels| {
        let typed = |label: &[u8]| label.iter().map(|octet| format!("\\{octet:03}")).collect();
        labels.iter().fold(Name::root(), |name, label| {
            let typed: String = typed(label);
            Name::parse_within(&typed, &name).unwrap_or(name)
        })
    })
}

/// The octets of data: numbers, and then names.
fn data() -> impl Strategy<Value = Data> {
    let number = |count: usize| vec(any::<u8>(), count);
    let text = vec(any::<u8>(), 0..40).boxed();
    let texts = prop_oneof![text.clone(), vec(any::<u8>(), 255..256)];
    let texts = texts.prop_map(|text| [&[u8::try_from(text.len()).unwrap()], &text[..]].concat());
    let whole = |it: Name| it.wire().to_vec();
    let one = name().prop_map(whole);
    let octets = |record_type, octets: Vec<u8>| Data::new(record_type, &octets).unwrap();
    prop_oneof![
        number(4).prop_map(move |it| octets(Type::A, it)),
        number(16).prop_map(move |it| octets(Type::AAAA, it)),
        one.prop_map(move |it| octets(Type::CNAME, it)),
        name().prop_map(move |it| octets(Type::NS, whole(it))),
        name().prop_map(move |it| octets(Type::PTR, whole(it))),
        (name(), name(), number(20))
            .prop_map(move |(a, b, it)| octets(Type::SOA, [whole(a), whole(b), it].concat())),
        (number(2), name()).prop_map(move |(it, a)| octets(Type::MX, [it, whole(a)].concat())),
        vec(texts, 1..4).prop_map(move |it| octets(Type::TXT, it.concat())),
        (number(6), name()).prop_map(move |(it, a)| octets(Type::SRV, [it, whole(a)].concat())),
        (65_280_u16..65_535, text).prop_map(move |(number, it)| octets(Type(number), it)),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    (name(), 0..=i32::MAX.unsigned_abs(), data()).prop_map(|(name, ttl, data)| Record {
        name,
        class: Class::IN,
        ttl,
        data,
    })
}

fn message() -> impl Strategy<Value = Message> {
    let question = (name(), any::<u16>(), any::<u16>()).prop_map(|(name, number, class)| {
        Question { name, record_type: Type(number), class: Class(class) }
    });
    let edns = (any::<[u16; 2]>(), any::<[u8; 2]>()).prop_map(
        |([udp_size, flags], [extended_code, version])| Edns {
            udp_size,
            extended_code,
            version,
            flags,
        },
    );
    let records = || vec(record(), 0..6);
    (
        (any::<u16>(), any::<u16>()),
        vec(question, 0..3),
        [records().boxed(), records().boxed(), records().boxed()],
        proptest::option::of(edns),
    )
        .prop_map(|((id, flags), questions, [answers, authorities, additionals], edns)| {
            Message { id, flags: Flags(flags), questions, answers, authorities, additionals, edns }
        })
}

/// Returns about how many bytes the message has in memory.
fn weight(message: &Message) -> usize {
    let name = |name: &Name| name.wire().len();
    let Message { questions, answers, authorities, additionals, .. } = message;
    let records = answers.iter().chain(authorities).chain(additionals);
    let records = records.map(|it| size_of::<Record>() + name(&it.name) + it.data.octets.len());
    let questions = questions.iter().map(|it| size_of::<Question>() + name(&it.name));
    size_of::<Message>() + records.sum::<usize>() + questions.sum::<usize>()
}

/// Holds what is promised of any octets.
fn judge(octets: &[u8]) {
    let mut end = 0;
    let traced = Message::trace(octets, &mut |seen| {
        assert_eq!(seen.octets.start, end, "no octet is left out");
        end = seen.octets.end;
    });
    let decoded = Message::decode(octets);
    assert_eq!(traced, decoded);
    match decoded {
        Ok(message) => {
            assert_eq!(end, octets.len());
            assert!(weight(&message) <= 1024 + 64 * octets.len());
            let again = Message::decode(&message.encode(65_535)).unwrap();
            assert_eq!(format!("{again:?}"), format!("{message:?}"));
        }
        Err(fault) => assert!(fault.at <= octets.len()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_is_encoded_is_decoded(message in message()) {
        let octets = message.encode(65_535);
        let decoded = Message::decode(&octets).unwrap();
        // With the case of each letter, which `==` overlooks.
        prop_assert_eq!(format!("{:?}", decoded), format!("{:?}", message));
        judge(&octets);
    }

    #[test]
    fn a_message_of_any_limit_is_whole_records(message in message(), limit in 12_usize..2_000) {
        let octets = message.encode(limit);
        prop_assert!(octets.len() <= limit);
        let decoded = Message::decode(&octets).unwrap();
        prop_assert!(message.answers.starts_with(&decoded.answers));
        prop_assert!(message.authorities.starts_with(&decoded.authorities));
        prop_assert!(message.additionals.starts_with(&decoded.additionals));
        let whole = |message: &Message| message.answers.len() + message.authorities.len();
        let is_cut = message.flags.has(Flags::TRUNCATED) || whole(&decoded) < whole(&message);
        prop_assert_eq!(decoded.flags.has(Flags::TRUNCATED), is_cut);
        let room = message.edns.as_ref().map_or(0, |_| 11);
        prop_assert_eq!(decoded.edns.is_some(), message.edns.is_some() && limit >= 12 + room);
    }

    #[test]
    fn any_octets_are_decoded_or_refused(octets in vec(any::<u8>(), 0..300)) {
        judge(&octets);
        // With counts that are not beyond all measure.
        let header = [0, 1, 0x80, 0, 0, 1, 0, 2, 0, 1, 0, 1];
        judge(&[&header[..], &octets].concat());
    }

    #[test]
    fn a_message_with_faults_is_decoded_or_refused(
        message in message(),
        changes in vec((any::<Index>(), any::<u8>()), 1..6),
        end in any::<Index>(),
    ) {
        let mut octets = message.encode(65_535);
        for (at, octet) in changes {
            let at = at.index(octets.len());
            octets[at] = octet;
        }
        judge(&octets);
        judge(&octets[..end.index(octets.len())]);
    }

    #[test]
    fn a_name_that_is_shown_is_parsed(name in name(), origin in name()) {
        let parsed = Name::parse_within(&name.to_string(), &origin).unwrap();
        prop_assert_eq!(parsed.wire(), name.wire());
    }

    #[test]
    fn any_text_is_a_name_or_not(text in ".{0,80}") {
        if let Ok(name) = Name::parse(&text) {
            let again = Name::parse(&name.to_string()).unwrap();
            prop_assert_eq!(again.wire(), name.wire());
        }
    }

    #[test]
    fn records_that_are_shown_are_read(records in vec(record(), 0..6)) {
        let lines: Vec<String> = records.iter().map(Record::to_string).collect();
        let read = master::read(&lines.join("\n"), &Name::root()).unwrap();
        let read: Vec<Record> = read.into_iter().map(|(_, record)| record).collect();
        prop_assert_eq!(format!("{:?}", read), format!("{:?}", records));
    }

    #[test]
    fn any_text_is_a_master_file_or_not(
        words in vec(
            prop_oneof![
                select(vec![
                    "$TTL", "$ORIGIN", "1h", "\n", " ", "\t", "(", ")", "@", "a", "IN", "A", "1.2.3.4",
                    "TXT", "\"b c\"", "\"", "\\", ";", "\\#", "1", "00", "SOA", "MX", "\r\n",
                ]).prop_map(str::to_owned),
                ".{0,5}",
            ],
            0..40,
        ),
        glue in select(vec!["", " "]),
    ) {
        let text = words.join(glue);
        match master::read(&text, &Name::root()) {
            Ok(records) => prop_assert!(records.is_sorted_by_key(|record| record.0)),
            Err(wrong) => {
                let line = wrong.strip_prefix("line ").and_then(|rest| rest.split_once(':'));
                let line: usize = line.unwrap().0.parse().unwrap();
                prop_assert!((1..=text.lines().count()).contains(&line));
            }
        }
    }
}

/// The messages of 64 KB that weigh most.
#[test]
fn no_message_is_much_larger_in_memory() {
    let mut longest = Vec::new();
    for length in [63, 63, 63, 61] {
        longest.push(length);
        longest.resize(longest.len() + usize::from(length), b'a');
    }
    longest.push(0);
    let question = [&longest[..], &[0, 1, 0, 1]].concat();
    for (what, unit, counted) in [
        ("questions", &[0xc0, 12, 0, 1, 0, 1][..], 4),
        ("owners", &[0xc0, 12, 0, 99, 0, 1, 0, 0, 0, 0, 0, 0], 6),
        ("names", &[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xc0, 12], 6),
    ] {
        let count = (65_535 - 12 - question.len()) / unit.len();
        let mut octets = vec![0; 12];
        octets[5] = 1;
        let announced = u16::try_from(count).unwrap() + u16::from(counted == 4);
        octets[counted..counted + 2].copy_from_slice(&announced.to_be_bytes());
        octets.extend([&question[..], &unit.repeat(count)].concat());
        let message = Message::decode(&octets).unwrap();
        assert!(weight(&message) > 10 * octets.len(), "{what}");
        assert!(weight(&message) < 64 * octets.len(), "{what}");
    }
}
