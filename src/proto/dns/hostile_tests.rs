//! Messages that no decent peer sends: whole, cut at each octet, and with octets after them.

use super::*;

/// What it is, its octets, and the rule that is broken, where.
type Row = (&'static str, Vec<u8>, Option<(&'static str, usize)>);

/// A header with these counts.
fn header(counts: [u16; 4]) -> Vec<u8> {
    let counts = counts.iter().flat_map(|count| count.to_be_bytes());
    [0x12, 0x34, 0x80, 0].into_iter().chain(counts).collect()
}

/// A message with one question: this name, which begins at byte 12, and its type and class.
fn question(name: &[u8]) -> Vec<u8> {
    [&header([1, 0, 0, 0])[..], name, &[0, 1, 0, 1]].concat()
}

/// A record of this type, owned by the root: its data begin 11 octets after it.
fn record(record_type: u8, length: u16, data: &[u8]) -> Vec<u8> {
    [&[0, 0, record_type, 0, 1, 0, 0, 0, 60][..], &length.to_be_bytes(), data].concat()
}

/// A message with one answer, whose data begin at byte 23.
fn answer(record_type: u8, length: u16, data: &[u8]) -> Vec<u8> {
    [header([0, 1, 0, 0]), record(record_type, length, data)].concat()
}

/// A message with these additional records.
fn additional(records: &[&[u8]]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap();
    [header([0, 0, 0, count]), records.concat()].concat()
}

/// Four labels, which are a name of `length` octets with the 0 at their end.
fn labels(length: usize) -> Vec<u8> {
    let mut name = Vec::new();
    while name.len() + 1 < length {
        let label = (length - name.len() - 2).min(63);
        name.push(u8::try_from(label).unwrap());
        name.resize(name.len() + label, b'a');
    }
    name
}

/// A root, and pointers, each to the one before; the last one is the owner of a second answer.
fn chain(pointers: usize) -> Vec<u8> {
    let mut octets = [&header([0, 2, 0, 0])[..], &[0, 0, 10, 0, 1, 0, 0, 0, 0]].concat();
    octets.extend(u16::try_from(pointers * 2 - 2).unwrap().to_be_bytes());
    octets.extend([0xc0, 12]);
    for at in (23..).step_by(2).take(pointers - 1) {
        octets.extend(u16::to_be_bytes(0xc000 | at));
    }
    octets.extend([0, 10, 0, 1, 0, 0, 0, 0, 0, 0]);
    octets
}

#[test]
fn hostile_messages() {
    let fault = |rule, at| Some((rule, at));
    let a = record(1, 4, &[192, 0, 2, 1]);
    let opt: &[u8] = &[0, 0, 41, 2, 0, 0, 0, 0, 0, 0, 0];
    let table: Vec<Row> = vec![
        ("nothing", vec![], fault(Fault::SHORT, 0)),
        ("half a header", header([0; 4])[..7].to_vec(), fault(Fault::SHORT, 7)),
        ("a header alone", header([0; 4]), None),
        ("a question is announced", header([1, 0, 0, 0]), fault(Fault::SHORT, 12)),
        ("65,535 of each are announced", header([0xffff; 4]), fault(Fault::SHORT, 12)),
        (
            "65,535 answers are announced, and one comes",
            { [header([0, 0xffff, 0, 0]), a.clone()].concat() },
            fault(Fault::SHORT, 27),
        ),
        (
            "a question without a type",
            { [&header([1, 0, 0, 0])[..], &[1, b'a', 0]].concat() },
            fault(Fault::SHORT, 15),
        ),
        ("a pointer to itself", question(&[0xc0, 12]), fault(Fault::POINTER, 12)),
        ("a pointer forward", question(&[0xc0, 14, 0]), fault(Fault::POINTER, 12)),
        ("a pointer to the first label before it", question(&[1, b'a', 0xc0, 12]), {
            fault(Fault::POINTER, 14)
        }),
        ("a pointer to a later label before it", question(&[1, b'a', 1, b'b', 0xc0, 14]), {
            fault(Fault::POINTER, 16)
        }),
        ("a pointer beyond the end", question(&[0xff, 0xff]), fault(Fault::POINTER, 12)),
        ("half a pointer", [&header([1, 0, 0, 0])[..], &[0xc0]].concat(), fault(Fault::SHORT, 13)),
        (
            "two pointers to each other",
            {
                [&header([2, 0, 0, 0])[..], &[1, b'a', 0xc0, 20, 0, 1, 0, 1, 0xc0, 14, 0, 1, 0, 1]]
                    .concat()
            },
            fault(Fault::POINTER, 14),
        ),
        ("a pointer into the header, to a pointer", question(&[0xc0, 0]), fault(Fault::SHORT, 18)),
        ("a pointer to a 0 of the header", question(&[0xc0, 6]), None),
        ("a label with the bits 01", question(&[0x41, 0]), fault(Fault::LABEL_TYPE, 12)),
        ("a label with the bits 10", question(&[0x80, 0]), fault(Fault::LABEL_TYPE, 12)),
        ("a label beyond the end", question(&[63, b'a']), fault(Fault::SHORT, 18)),
        ("a name without an end", question(&labels(100)), fault(Fault::SHORT, 115)),
        ("a name of 255 octets", question(&[&labels(255)[..], &[0]].concat()), None),
        (
            "a name of 256 octets",
            { question(&[&labels(256)[..], &[0]].concat()) },
            fault(Fault::NAME_LENGTH, 267),
        ),
        (
            "a name of 255 octets, one more by a pointer",
            {
                let long = [&labels(255)[..], &[0, 0, 1, 0, 1]].concat();
                [&header([2, 0, 0, 0])[..], &long, &[1, b'b', 0xc0, 12, 0, 1, 0, 1]].concat()
            },
            fault(Fault::NAME_LENGTH, 204),
        ),
        ("dots, zeros and controls in a label", question(&[4, b'.', 0, 0x1b, 0xff, 0]), None),
        ("a chain of 127 pointers", chain(127), None),
        ("a chain of 128 pointers", chain(128), fault(Fault::POINTER, 23)),
        ("a chain of 8,000 pointers", chain(8_000), fault(Fault::POINTER, 15_767)),
        ("an address of 3 octets", answer(1, 3, &[1, 2, 3]), fault(Fault::DATA_LENGTH, 26)),
        ("an address of 5 octets", answer(1, 5, &[1, 2, 3, 4, 5]), fault(Fault::DATA_LENGTH, 27)),
        ("an IPv6 address of 4 octets", answer(28, 4, &[1; 4]), fault(Fault::DATA_LENGTH, 27)),
        ("data that end after the message", answer(1, 4, &[1, 2, 3]), fault(Fault::SHORT, 26)),
        ("64 KB are announced", answer(99, 0xffff, &[1; 9]), fault(Fault::SHORT, 32)),
        ("a name that ends after the data", answer(5, 2, &[1, b'a', 0]), {
            fault(Fault::DATA_LENGTH, 25)
        }),
        ("a pointer that ends after the data", answer(5, 1, &[0xc0, 12]), {
            fault(Fault::DATA_LENGTH, 24)
        }),
        ("octets after a name", answer(2, 4, &[1, b'a', 0, 9]), fault(Fault::DATA_LENGTH, 26)),
        ("no name in the data", answer(12, 0, &[]), fault(Fault::DATA_LENGTH, 23)),
        ("a name in the data that points to itself", answer(5, 2, &[0xc0, 23]), {
            fault(Fault::POINTER, 23)
        }),
        ("an SOA without its last number", answer(6, 18, &[0; 18]), fault(Fault::DATA_LENGTH, 41)),
        ("an MX without a name", answer(15, 2, &[0, 1]), fault(Fault::DATA_LENGTH, 25)),
        ("a TXT without a text", answer(16, 0, &[]), fault(Fault::DATA_LENGTH, 23)),
        ("a text that ends after the data", answer(16, 3, &[3, b'a', b'b']), {
            fault(Fault::DATA_LENGTH, 26)
        }),
        ("an SRV without a target", answer(33, 6, &[0; 6]), fault(Fault::DATA_LENGTH, 29)),
        ("a pointer in unknown data is data", answer(99, 2, &[0xc0, 23]), None),
        (
            "a TTL with the highest bit",
            {
                [&header([0, 1, 0, 0])[..], &[0, 0, 99, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0]]
                    .concat()
            },
            None,
        ),
        ("two OPT records", additional(&[opt, opt]), fault(Fault::OPT, 23)),
        ("an OPT record below the root", additional(&[&[1, b'a'], opt]), fault(Fault::OPT, 12)),
        ("options that are cut", additional(&[&record(41, 5, &[0, 10, 0, 9, 1])]), None),
        ("an OPT record that is an answer", [&header([0, 1, 0, 0])[..], opt].concat(), None),
    ];
    for (what, octets, want) in table {
        let decoded = Message::decode(&octets);
        let found = decoded.as_ref().err().map(|fault| (fault.rule, fault.at));
        assert_eq!(found, want, "{what}");
        for end in 0..octets.len() {
            assert!(Message::decode(&octets[..end]).is_err(), "{what}, cut to {end}");
        }
        let longer = Message::decode(&[&octets[..], &[0]].concat()).map_err(|fault| fault.rule);
        match decoded {
            Ok(message) => {
                assert_eq!(longer, Err(Fault::TRAILING), "{what}");
                assert_eq!(Message::decode(&message.encode(65_535)), Ok(message), "{what}");
            }
            // What was missing may be there now.
            Err(Fault { rule: Fault::SHORT, .. }) => {}
            Err(first) => assert_eq!(longer, Err(first.rule), "{what}"),
        }
    }
}
