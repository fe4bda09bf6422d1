//! Zones from text, and the responses to octets.

use std::num::NonZeroU32;
use std::time::Duration;

use super::answer::{self, Way};
use super::zone::{DS, Zone, Zones};
use super::{NameConfig, NameServer, get, hosts_zone};
use crate::net::datagram::DatagramService as _;
use crate::proto::dns::{
    Class, Data, Edns, Flags, Message, Name, Question, Record, ResponseCode, Type, master,
};

const ZONE: &str = r#"
$ORIGIN example.org.
$TTL 3600
@        SOA   ns1 hostmaster 1 7200 3600 1209600 300
@        NS    ns1
@        NS    ns2.example.net.
@        MX    10 mail
ns1      A     192.0.2.53
ns1      AAAA  2001:db8::53
mail     A     192.0.2.25
www      A     192.0.2.80
www      A     192.0.2.81
www      A     192.0.2.80       ; a second time
alias    CNAME www
alias2   CNAME alias
out      CNAME www.example.net.
dangling CNAME nowhere
loop1    CNAME loop2
loop2    CNAME loop1
tosub    CNAME host.sub
*.wild   A     192.0.2.90
*.wild   MX    5 mail
in.wild  TXT   "here"
a.b.ent.wild A 192.0.2.91
*.cwild  CNAME www
sub      NS    ns.sub
sub      NS    ns.elsewhere.net.
ns.sub   A     192.0.2.100
deep.sub NS    ns.deep.sub
MiXed    A     192.0.2.77
"#;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::new(master::read(text, &Name::root())?)
}

fn zones(texts: &[&str]) -> Zones {
    let mut zones = Zones::default();
    for text in texts {
        let zone = zone(text).unwrap();
        zones.insert(zone.origin.clone(), zone);
    }
    zones
}

fn query(owner: &str, record_type: Type) -> Message {
    Message {
        id: 7,
        questions: vec![Question { name: name(owner), record_type, class: Class::IN }],
        ..Message::default()
    }
}

/// Returns the response to a query, if there is one.
fn ask(zones: &Zones, query: &Message, way: Way) -> Message {
    let (message, octets) = answer::respond(zones, &query.encode(65_535), way).expect("a response");
    let response = Message::decode(&octets).unwrap();
    assert_eq!((response.id, response.code()), (query.id, message.code()));
    assert!(response.flags.has(Flags::RESPONSE));
    response
}

/// The records as `owner TYPE`, with what is special about the first label only.
fn shown(records: &[Record]) -> String {
    let shown = |record: &Record| {
        let owner = record.name.to_string();
        let owner = owner.strip_suffix("example.org.").unwrap_or(&owner).trim_end_matches('.');
        let owner = if owner.is_empty() { "@" } else { owner };
        format!("{owner} {}", record.data.record_type())
    };
    records.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// What each section has for a question: code, AA, answer / authority / additional.
#[test]
fn a_question_finds_what_the_rfcs_say() {
    let zones = zones(&[ZONE]);
    let servers = "@ NS, @ NS / ns1 A, ns1 AAAA";
    for (asked, want) in [
        ("www A", format!("NOERROR aa: www A, www A / {servers}")),
        ("WWW a", format!("NOERROR aa: WWW A, WWW A / {servers}")),
        ("mixed A", format!("NOERROR aa: mixed A / {servers}")),
        ("@ NS", "NOERROR aa: @ NS, @ NS /  / ns1 A, ns1 AAAA".into()),
        ("@ SOA", format!("NOERROR aa: @ SOA / {servers}")),
        ("@ MX", "NOERROR aa: @ MX / @ NS, @ NS / mail A, ns1 A, ns1 AAAA".into()),
        ("ns1 A", "NOERROR aa: ns1 A / @ NS, @ NS / ns1 AAAA".into()),
        // No such records, no such name: the SOA record says for how long (RFC 2308).
        ("www TXT", "NOERROR aa:  / @ SOA / ".into()),
        ("nope A", "NXDOMAIN aa:  / @ SOA / ".into()),
        ("x.www A", "NXDOMAIN aa:  / @ SOA / ".into()),
        // Aliases (RFC 1034, 3.6.2).
        ("alias2 A", format!("NOERROR aa: alias2 CNAME, alias CNAME, www A, www A / {servers}")),
        ("alias CNAME", format!("NOERROR aa: alias CNAME / {servers}")),
        ("alias TXT", "NOERROR aa: alias CNAME / @ SOA / ".into()),
        ("out A", "NOERROR aa: out CNAME /  / ".into()),
        ("dangling A", "NXDOMAIN aa: dangling CNAME / @ SOA / ".into()),
        ("loop1 A", "NOERROR aa: loop1 CNAME, loop2 CNAME /  / ".into()),
        ("tosub A", "NOERROR aa: tosub CNAME / sub NS, sub NS / ns.sub A".into()),
        // Wildcards (RFC 4592): not for what exists, nor for what is below it.
        ("foo.wild A", format!("NOERROR aa: foo.wild A / {servers}")),
        ("foo.bar.wild A", format!("NOERROR aa: foo.bar.wild A / {servers}")),
        ("*.wild A", format!("NOERROR aa: *.wild A / {servers}")),
        ("foo.wild TXT", "NOERROR aa:  / @ SOA / ".into()),
        ("foo.wild ANY", "NOERROR aa: foo.wild A /  / ".into()),
        ("in.wild A", "NOERROR aa:  / @ SOA / ".into()),
        ("foo.in.wild A", "NXDOMAIN aa:  / @ SOA / ".into()),
        ("ent.wild A", "NOERROR aa:  / @ SOA / ".into()),
        ("b.ent.wild A", "NOERROR aa:  / @ SOA / ".into()),
        ("x.ent.wild A", "NXDOMAIN aa:  / @ SOA / ".into()),
        ("foo.*.wild A", "NXDOMAIN aa:  / @ SOA / ".into()),
        ("foo.cwild A", format!("NOERROR aa: foo.cwild CNAME, www A, www A / {servers}")),
        // Delegations: the highest one counts, and the address below it is glue only.
        ("sub NS", "NOERROR -:  / sub NS, sub NS / ns.sub A".into()),
        ("host.sub A", "NOERROR -:  / sub NS, sub NS / ns.sub A".into()),
        ("ns.sub A", "NOERROR -:  / sub NS, sub NS / ns.sub A".into()),
        ("x.deep.sub A", "NOERROR -:  / sub NS, sub NS / ns.sub A".into()),
        ("sub TYPE43", "NOERROR aa:  / @ SOA / ".into()),
        ("x.sub TYPE43", "NOERROR -:  / sub NS, sub NS / ns.sub A".into()),
        // One type is enough for ANY (RFC 8482, 4.1).
        ("@ ANY", "NOERROR aa: @ SOA /  / ".into()),
        ("alias ANY", "NOERROR aa: alias CNAME /  / ".into()),
    ] {
        let (owner, record_type) = asked.split_once(' ').unwrap();
        let owner = Name::parse_within(owner, &name("example.org")).unwrap();
        let query = query(&owner.to_string(), Type::parse(record_type).unwrap());
        let response = ask(&zones, &query, Way::Udp);
        let is = if response.flags.has(Flags::AUTHORITATIVE) { "aa" } else { "-" };
        let sections = [&response.answers, &response.authorities, &response.additionals];
        let sections = sections.map(|section| shown(section)).join(" / ");
        assert_eq!(format!("{} {is}: {sections}", response.code()), want, "{asked}");
        assert_eq!(response.questions, query.questions);
    }
}

#[test]
fn an_absence_may_be_kept_for_the_shorter_time() {
    for (ttl, minimum, want) in [(3600, 300, 300), (60, 300, 60)] {
        let text = format!("example.org. {ttl} SOA ns r 1 2 3 4 {minimum}\nexample.org. 9 NS ns\n");
        let response = ask(&zones(&[&text]), &query("x.example.org", Type::A), Way::Udp);
        assert_eq!(response.authorities[0].ttl, want);
    }
}

#[test]
fn the_longest_zone_answers() {
    let child =
        "$ORIGIN sub.example.org.\n@ 60 SOA ns r 9 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n";
    let zones = zones(&[ZONE, child]);
    let code = |owner: &str, kind| ask(&zones, &query(owner, kind), Way::Udp);
    assert!(code("ns.sub.example.org", Type::A).flags.has(Flags::AUTHORITATIVE));
    for other in ["example.com", "org", "."] {
        assert_eq!(code(other, Type::A).code(), ResponseCode::REFUSED, "{other}");
    }
    // The zone above has what signs the delegation (RFC 4035, 3.1.4.1); above the other one there is none here.
    for (owner, kind, want) in [
        ("sub.example.org", DS, "example.org"),
        ("sub.example.org", Type::TXT, "sub.example.org"),
        ("ns.sub.example.org", DS, "sub.example.org"),
        ("example.org", DS, "example.org"),
    ] {
        let response = code(owner, kind);
        assert!(response.flags.has(Flags::AUTHORITATIVE) && response.answers.is_empty());
        assert_eq!(response.authorities[0].name, name(want), "{owner} {kind}");
    }
}

#[test]
fn a_faulty_zone_has_a_line_and_a_reason() {
    let start = "$ORIGIN example.org.\n$TTL 60\n@ SOA ns r 1 2 3 4 5\n@ NS ns\n";
    for (text, line, want) in [
        ("", 1, "has one SOA record, not 0"),
        ("www.example.org. 60 A 192.0.2.1\n", 1, "has one SOA record, not 0"),
        (&format!("{start}@ SOA ns r 2 2 3 4 5\n"), 5, "has one SOA record, not 2"),
        (&format!("{start}www A 192.0.2.1\nwww.example.net. A 192.0.2.1\n"), 6, "not within"),
        (&format!("{start}www A 192.0.2.1\nwww CNAME ns\n"), 6, "CNAME record and others"),
        (&format!("{start}www CNAME ns\nwww A 192.0.2.1\n"), 6, "CNAME record and others"),
        (&format!("{start}www CNAME ns\nwww CNAME ns2\n"), 6, "CNAME record and others"),
        (&format!("{start}www CH A 192.0.2.1\n"), 5, "the class is IN"),
        ("example.org. 60 SOA ns r 1 2 3 4 5\n", 1, "names its servers"),
    ] {
        let invalid = zone(text).unwrap_err();
        assert!(invalid.starts_with(&format!("line {line}: ")), "{text}: {invalid}");
        assert!(invalid.contains(want), "{invalid}");
    }
    let same = zone(&format!("{start}www CNAME ns\nwww CNAME ns\nwww 9 CNAME ns\n"));
    assert!(same.is_ok(), "records that stand twice");
}

/// RFC 2181, 5.2.
#[test]
fn records_of_a_name_and_type_have_one_ttl() {
    let text = "$ORIGIN example.org.\n@ 60 SOA ns r 1 2 3 4 5\n@ 60 NS ns\n@ 30 A 192.0.2.1\n\
                @ 20 A 192.0.2.2\n@ 90 A 192.0.2.3\n";
    let response = ask(&zones(&[text]), &query("example.org", Type::A), Way::Udp);
    assert_eq!(response.answers.iter().map(|record| record.ttl).collect::<Vec<_>>(), [20; 3]);
}

#[test]
fn a_file_of_hosts_makes_zones() {
    let text = "# the lab\n192.0.2.1 www.lab web.lab # two names\n\n2001:db8::1\twww.lab\n192.0.2.2 a.b.lab\n";
    assert!(hosts_zone::is_hosts(text) && !hosts_zone::is_hosts(ZONE) && !hosts_zone::is_hosts(""));
    let mut zones = Zones::default();
    for zone in hosts_zone::zones(text).unwrap() {
        zones.insert(zone.origin.clone(), zone);
    }
    let asked = |owner: &str, kind| ask(&zones, &query(owner, kind), Way::Udp);
    assert_eq!(shown(&asked("www.lab", Type::A).answers), "www.lab A");
    assert_eq!(shown(&asked("web.lab", Type::A).answers), "web.lab A");
    assert_eq!(shown(&asked("www.lab", Type::AAAA).answers), "www.lab AAAA");
    assert_eq!(shown(&asked("web.lab", Type::AAAA).authorities), "lab SOA");
    assert_eq!(shown(&asked("lab", Type::SOA).answers), "lab SOA");
    assert_eq!(asked("nope.lab", Type::A).code(), ResponseCode::NO_SUCH_NAME);
    assert_eq!(asked("example.org", Type::A).code(), ResponseCode::REFUSED);
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    for (owner, host) in [
        ("1.2.0.192.in-addr.arpa", "www.lab"),
        ("2.2.0.192.in-addr.arpa", "a.b.lab"),
        (nibbles, "www.lab"),
    ] {
        let response = asked(owner, Type::PTR);
        assert_eq!(response.answers[0].data, Data::new(Type::PTR, name(host).wire()).unwrap());
    }
    for (text, line, want) in [
        ("192.0.2.1 a\nwww.lab 192.0.2.2\n", 2, "no address"),
        ("192.0.2.1\n", 1, "a name must follow"),
        ("192.0.2.1 a..b\n", 1, "empty"),
    ] {
        let invalid = hosts_zone::zones(text).unwrap_err();
        let place = format!("line {line}: ");
        assert!(invalid.starts_with(&place) && invalid.contains(want), "{invalid}");
    }
}

#[test]
fn the_header_is_answered_if_it_can_be_read() {
    let zones = zones(&[ZONE]);
    let plain = query("www.example.org", Type::A).encode(512);
    let code = |octets: &[u8]| {
        let (_, octets) = answer::respond(&zones, octets, Way::Udp)?;
        let response = Message::decode(&octets).unwrap();
        assert_eq!(response.id, 7);
        Some(response.code())
    };
    let with = |at: usize, octet: u8| {
        let mut octets = plain.clone();
        octets[at] = octet;
        octets
    };
    assert_eq!(code(&plain), Some(ResponseCode::NO_ERROR));
    for (what, octets, want) in [
        ("nothing", vec![], None),
        ("less than a header", plain[..11].to_vec(), None),
        ("a response", with(2, 0x80), None),
        ("a header alone", plain[..12].to_vec(), Some(ResponseCode::FORMAT_ERROR)),
        ("cut", plain[..plain.len() - 1].to_vec(), Some(ResponseCode::FORMAT_ERROR)),
        ("more than a message", [&plain[..], &[0]].concat(), Some(ResponseCode::FORMAT_ERROR)),
        ("no question", with(5, 0)[..12].to_vec(), Some(ResponseCode::FORMAT_ERROR)),
        ("two questions", with(5, 2), Some(ResponseCode::FORMAT_ERROR)),
        ("a status query", with(2, 2 << 3), Some(ResponseCode::NOT_IMPLEMENTED)),
        ("a notification", with(2, 4 << 3), Some(ResponseCode::NOT_IMPLEMENTED)),
        (
            "an update that is cut",
            with(2, 5 << 3)[..12].to_vec(),
            Some(ResponseCode::NOT_IMPLEMENTED),
        ),
        ("bits that mean nothing in a query", with(3, 0xff), Some(ResponseCode::NO_ERROR)),
    ] {
        assert_eq!(code(&octets), want, "{what}");
    }
    let two = Message {
        questions: [query("a", Type::A).questions, query("b", Type::A).questions].concat(),
        ..query("a", Type::A)
    };
    assert_eq!(code(&two.encode(512)), Some(ResponseCode::FORMAT_ERROR));
}

#[test]
fn transfers_and_other_classes_are_refused() {
    let zones = zones(&[ZONE]);
    let chaos =
        Question { class: Class(3), ..query("version.bind", Type::TXT).questions.remove(0) };
    let chaos = Message { questions: vec![chaos], ..query("a", Type::A) };
    for query in [
        query("example.org", Type(252)),
        query("example.org", Type(251)),
        query("example.com", Type::A),
        chaos,
    ] {
        let response = ask(&zones, &query, Way::Tcp);
        assert_eq!((response.code(), response.edns), (ResponseCode::REFUSED, None));
    }
}

#[test]
fn the_opt_record_is_answered_with_one() {
    let zones = zones(&[ZONE]);
    let with = |edns| Message {
        edns: Some(edns),
        flags: Flags(0x0110),
        ..query("www.example.org", Type::A)
    };
    let asked = Edns { flags: 0x8001, ..Edns::new(4096) };
    let response = ask(&zones, &with(asked), Way::Udp);
    assert_eq!(response.edns, Some(Edns { flags: 0x8000, ..Edns::new(1232) }));
    assert_eq!(response.flags, Flags(0x8500), "RD is copied, CD is not, and RA is not set");
    let response = ask(&zones, &with(Edns { version: 1, ..asked }), Way::Udp);
    assert_eq!((response.code(), response.edns.unwrap().version), (ResponseCode::BAD_VERSION, 0));
    assert!(response.answers.is_empty());
}

#[test]
fn what_is_too_long_is_left_out_or_truncated() {
    let mut text = "$ORIGIN example.org.\n$TTL 60\n@ SOA ns r 1 2 3 4 5\n".to_owned();
    for number in 0..8 {
        let host = format!("a-long-name-of-a-server-{number}");
        text += &format!("@ NS {host}\n{host} A 192.0.2.{number}\n");
    }
    for number in 0..12 {
        text += &format!("sub NS host-{number}.sub\nhost-{number}.sub AAAA 2001:db8::{number}\n");
    }
    for number in 0..60 {
        text += &format!("many A 192.0.2.{number}\nsome{} A 192.0.2.{number}\n", number % 3);
    }
    let zones = zones(&[&text]);
    let asked = |owner: &str, size: Option<u16>, transport| {
        let query = Message {
            edns: size.map(Edns::new),
            ..query(&format!("{owner}.example.org"), Type::A)
        };
        let octets = answer::respond(&zones, &query.encode(512), transport).unwrap().1;
        let response = Message::decode(&octets).unwrap();
        let sections =
            [&response.answers, &response.authorities, &response.additionals].map(Vec::len);
        (response.flags.has(Flags::TRUNCATED), sections, octets.len())
    };
    for (owner, size, want, most) in [
        // The answer fits; of what helps, as much as there is room for.
        ("some0", None, (false, [20, 0, 0]), 512),
        ("some0", Some(100), (false, [20, 0, 0]), 512),
        ("some0", Some(710), (false, [20, 8, 0]), 710),
        ("some0", Some(4096), (false, [20, 8, 8]), 1232),
        // It does not fit.
        ("many", None, (true, [0, 0, 0]), 512),
        ("many", Some(512), (true, [0, 0, 0]), 512),
        ("many", Some(65535), (false, [60, 0, 0]), 1232),
        // A referral without some of its addresses may lead nowhere (RFC 9471).
        ("x.sub", None, (true, [0, 0, 0]), 512),
        ("x.sub", Some(1232), (false, [0, 12, 12]), 1232),
    ] {
        let (is_truncated, sections, length) = asked(owner, size, Way::Udp);
        assert_eq!((is_truncated, sections), want, "{owner} {size:?} {length}");
        assert!(length <= most, "{owner} {size:?}: {length}");
    }
    assert_eq!(asked("many", None, Way::Tcp).1, [60, 8, 8]);
}

#[test]
fn the_limit_answers_without_records() {
    let query = query("www.example.org", Type::A).encode(512);
    let (_, octets) = answer::respond(&zones(&[ZONE]), &query, Way::Short).unwrap();
    let response = Message::decode(&octets).unwrap();
    assert!(response.flags.has(Flags::TRUNCATED) && response.questions.len() == 1);
    assert!(answer::respond(&Zones::new(), &octets, Way::Short).is_none());
}

#[test]
fn beyond_the_rate_every_second_response_is_truncated() {
    let (rate, time) = (NonZeroU32::new(100), Duration::from_secs(1));
    let config = NameConfig { files: Vec::new(), rate, idle_time: time, message_time: time };
    let server = NameServer::open(config).unwrap();
    let query = query("www.example.org", Type::A).encode(512);
    let sent = (0..300).filter_map(|_| server.respond(&query, ([192, 0, 2, 1], 9).into()));
    // A slow machine may let some more of them through.
    assert!((200..220).contains(&sent.count()));
    assert!((80..=100).contains(&get(&server.counts.truncated)));
    assert!((80..=100).contains(&get(&server.counts.dropped)));
}
