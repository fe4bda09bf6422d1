//! Whole messages, both ways.

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn record(owner: &str, data: Data) -> Record {
    Record { name: name(owner), class: Class::IN, ttl: 300, data }
}

/// The data of a line in a master file.
fn data(record_type: Type, words: &str) -> Data {
    Data::parse(record_type, &mut words.split(' '), &Name::root()).unwrap()
}

/// The data of a type that is not known.
fn octets(record_type: u16, octets: &[u8]) -> Data {
    Data::new(Type(record_type), octets).unwrap()
}

/// One record of each type.
fn full() -> Message {
    let soa = data(Type::SOA, "ns.example.org root.example.org 1 2 3 4 5");
    let www = "www.example.org";
    Message {
        id: 0x1234,
        flags: Flags::RESPONSE.with(Flags::AUTHORITATIVE),
        questions: vec![Question { name: name(www), record_type: Type::ANY, class: Class::IN }],
        answers: vec![
            record(www, data(Type::A, "192.0.2.1")),
            record(www, data(Type::AAAA, "2001:db8::1")),
            record("alias.example.org", data(Type::CNAME, www)),
            record("1.2.0.192.in-addr.arpa", data(Type::PTR, www)),
            record("example.org", data(Type::MX, "10 mail.example.org")),
            record("example.org", data(Type::TXT, r#"v=spf1\032-all """#)),
            record("_http._tcp.example.org", data(Type::SRV, "1 2 80 www.example.org")),
            record("example.org", octets(65_280, &[0xc0, 0, 1])),
        ],
        authorities: vec![
            record("example.org", soa),
            record("example.org", data(Type::NS, "ns.example.org")),
        ],
        additionals: vec![record("ns.example.org", data(Type::A, "192.0.2.53"))],
        edns: Some(Edns::new(1232)),
    }
}

#[test]
fn each_type_is_encoded_and_decoded() {
    let octets = full().encode(65_535);
    assert_eq!(Message::decode(&octets).unwrap(), full());
    assert!(octets.len() < 420, "compressed: {}", octets.len());
}

#[test]
fn high_bits_are_kept_where_they_are_no_time() {
    let edns = Edns { extended_code: 0xff, version: 1, flags: 0x8000, ..Edns::new(512) };
    let edns = Message { edns: Some(edns), ..Message::default() };
    assert_eq!(Message::decode(&edns.encode(512)).unwrap(), edns);
    // A TTL with the highest bit is 0 (RFC 2181, 8).
    let record = Record { ttl: 1 << 31, ..record("a", data(Type::TXT, "b")) };
    let message = Message { answers: vec![record.clone()], ..Message::default() };
    let zero = Record { ttl: 0, ..record };
    assert_eq!(Message::decode(&message.encode(512)).unwrap().answers, [zero]);
}

#[test]
fn what_is_cut_or_too_long_is_a_fault() {
    let octets = full().encode(65_535);
    for length in 0..octets.len() {
        assert!(Message::decode(&octets[..length]).is_err(), "{length}");
    }
    let fault = Message::decode(&[octets.as_slice(), &[0]].concat()).unwrap_err();
    assert_eq!((fault.rule, fault.at), (Fault::TRAILING, octets.len()));
}

#[test]
fn what_does_not_fit_is_left_out() {
    let whole = full().encode(65_535).len();
    for limit in 60..whole {
        let octets = full().encode(limit);
        assert!(octets.len() <= limit);
        let cut = Message::decode(&octets).unwrap();
        let needed = (cut.answers.len(), cut.authorities.len()) == (8, 2);
        assert_eq!(cut.flags.has(Flags::TRUNCATED), !needed, "{limit}");
        assert!(cut.edns.is_some());
    }
}

/// The property tests found this: records that fit are kept, whatever the flags were before.
#[test]
fn a_message_that_was_truncated_before_keeps_its_records() {
    let flags = full().flags.with(Flags::TRUNCATED);
    let message = Message { flags, ..full() };
    assert_eq!(Message::decode(&message.encode(65_535)).unwrap(), message);
}

#[test]
fn a_query_is_these_octets() {
    let question = Question::new(name("a.Bc"), Type::AAAA);
    let octets = Message { id: 0x1234, ..Message::query(question) }.encode(512);
    let want = b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\x01\x01a\x02Bc\0\0\x1c\0\x01\
        \0\0\x29\x04\xd0\0\0\0\0\0\0";
    assert_eq!(octets, want);
}

#[test]
fn the_opt_record_may_stand_anywhere() {
    let edns = Edns { extended_code: 1, ..Edns::new(1232) };
    let whole = Message { edns: Some(edns), ..full() };
    let octets = whole.encode(65_535);
    // The additional section is an address, whose name has a pointer, of 16 octets, and OPT, of 11.
    let (before, additional) = octets.split_at(octets.len() - 27);
    let (address, opt) = additional.split_at(16);
    assert_eq!(Message::decode(&[before, opt, address].concat()).as_ref(), Ok(&whole));
    assert_eq!(whole.code(), ResponseCode::BAD_VERSION);
}

#[test]
fn a_target_that_is_compressed_is_read() {
    let octets =
        b"\0\x01\x80\0\0\0\0\x01\0\0\0\0\x01a\0\0\x21\0\x01\0\0\0\0\0\x08\0\0\0\0\0\x50\xc0\x0c";
    let srv = data(Type::SRV, "0 0 80 a");
    assert_eq!(Message::decode(octets).unwrap().answers[0].data, srv);
}

#[test]
fn only_the_answer_is_taken() {
    let query = Message::query(Question::new(name("a.example"), Type::A));
    let query = Message { id: 7, ..query };
    let ignored = |octets: &[u8]| query.check(octets).unwrap_err();
    assert_eq!(ignored(&query.encode(512)), "it is a query, not a response");
    let answer = Message { flags: Flags::RESPONSE, ..query.clone() };
    let check = |message: &Message| query.check(&message.encode(512));
    assert_eq!(check(&answer).as_ref(), Ok(&answer));
    assert!(check(&Message { id: 8, ..answer.clone() }).unwrap_err().contains("its id is 8"));
    let other = Question::new(name("b.example"), Type::A);
    let other = Message { questions: vec![other], ..answer.clone() };
    assert!(check(&other).unwrap_err().contains("another question"));
    let none = Message { questions: Vec::new(), ..answer.clone() };
    assert!(check(&none).unwrap_err().contains("another question"));
    // Cut within a record: that is an answer only if it says so.
    let answers = vec![record("a.example", data(Type::A, "192.0.2.1"))];
    let mut octets = Message { answers, edns: None, ..answer }.encode(512);
    octets.truncate(octets.len() - 1);
    assert!(ignored(&octets).contains("it ends here"));
    octets[2] |= 0x02;
    let cut = query.check(&octets).unwrap();
    assert!(cut.flags.has(Flags::TRUNCATED) && cut.answers.is_empty());
    octets[1] ^= 1;
    assert!(ignored(&octets).contains("its id is 6"));
}

#[test]
fn pointers_that_do_not_go_back_are_faults() {
    let header = [0, 7, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for (what, asked, want) in [
        ("to itself", &[0xc0, 12, 0, 1, 0, 1][..], Fault::POINTER),
        ("forward", &[0xc0, 14, 0, 0, 1, 0, 1], Fault::POINTER),
        ("to its own label", &[1, b'a', 0xc0, 12, 0, 1, 0, 1], Fault::POINTER),
        ("reserved bits", &[0x40, 0, 0, 1, 0, 1], Fault::LABEL_TYPE),
        ("other reserved bits", &[0x80, 0, 0, 1, 0, 1], Fault::LABEL_TYPE),
        ("cut", &[0xc0], Fault::SHORT),
    ] {
        let octets = [&header[..], asked].concat();
        assert_eq!(Message::decode(&octets).unwrap_err().rule, want, "{what}");
    }
}

#[test]
fn names_are_compared_without_case_and_kept() {
    let mixed = name("WwW.Example.ORG");
    assert_eq!(mixed, name("www.example.org."));
    assert_eq!(mixed.to_string(), "WwW.Example.ORG.");
    let odd = Name::parse(r"a\.b\032\\.\255.org").unwrap();
    assert_eq!(odd.labels().next().unwrap(), b"a.b \\");
    assert_eq!(odd.to_string(), r"a\.b\032\\.\255.org.");
    assert_eq!(Name::parse(&odd.to_string()).unwrap(), odd);
    for (text, want) in [
        ("", "is empty"),
        ("a..b", "a label of the name is empty"),
        (".a", "a label of the name is empty"),
        (r"a\", "must follow a backslash"),
        (r"a\25", "must follow a backslash"),
        (r"a\256", "must follow a backslash"),
        ("a\"", "quotation mark"),
        (&"a".repeat(64), "at most 63"),
        (&"a".repeat(256), "at most 63"),
        (&"a.".repeat(128), "at most 255"),
    ] {
        let invalid = Name::parse(text).unwrap_err().to_string();
        assert!(invalid.contains(want), "{text}: {invalid}");
    }
    assert_eq!(Name::parse(&"a.".repeat(127)).unwrap().wire().len(), 255);
}

#[test]
fn a_name_is_within_its_zone_by_whole_labels() {
    for (text, zone, want) in [
        ("a.example", "example", true),
        ("A.EXAMPLE", "example", true),
        ("example", "example", true),
        ("aexample", "example", false),
        ("example", "a.example", false),
        ("example", ".", true),
        (".", "example", false),
    ] {
        assert_eq!(name(text).is_within(&name(zone)), want, "{text} {zone}");
    }
}

/// Names that end alike share the end, in the same case only (RFC 4343, 4.1: it is kept).
#[test]
fn names_are_compressed() {
    let wire = |names: &[&str]| {
        let ns = |text: &&str| record(text, octets(99, &[]));
        let answers = names.iter().map(ns).collect();
        let octets = Message { answers, ..Message::default() }.encode(65_535);
        // Without the header, and ten octets for each record beside its owner.
        octets.len() - 12 - 10 * names.len()
    };
    assert_eq!(wire(&["a.example", "b.example"]), 11 + 4);
    assert_eq!(wire(&["a.example", "a.example", "example"]), 11 + 2 + 2);
    assert_eq!(wire(&["a.example", "a.Example"]), 11 + 11);
    assert_eq!(wire(&["example", "a.example", "b.a.example"]), 9 + 4 + 4);
    assert_eq!(wire(&["a.a.a", "a.a", "."]), 7 + 2 + 1);
    // A target is not compressed (RFC 2782), and does not lend its end.
    let srv = |target| data(Type::SRV, &format!("0 0 0 {target}"));
    let answers = vec![record("a", srv("a")), record("b.a", srv("b.a"))];
    let octets = Message { answers, ..Message::default() }.encode(512);
    assert_eq!(octets.len(), 12 + (3 + 10 + 6 + 3) + (4 + 10 + 6 + 5));
}

/// A message with as many names as there can be, each with many labels.
#[test]
fn the_search_for_names_has_a_bound() {
    let ptr = |number| record("a", data(Type::PTR, &format!("a.a.a.a.a.h{number}")));
    let additionals = (0..2_200).map(ptr).collect();
    let begun = std::time::Instant::now();
    let octets = Message { additionals, ..Message::default() }.encode(65_535);
    assert!(Message::decode(&octets).unwrap().additionals.len() == 2_200);
    // Some milliseconds, when the compiler optimizes.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
