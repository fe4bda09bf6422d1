//! `client dns` and `client where`: what they show.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use threadbare::proto::dns::{Flags, Message, ResponseCode, Type};

use super::name_server::{NameServer, alias, answer, coded, data, loopback, name, record, usual};
use crate::client::fake::Fake;
use crate::client::{client, fetch, fetched};
use crate::support::{SOON, run};

/// A server that has an alias and both families, and NXDOMAIN for `nobody`.
fn server() -> NameServer {
    NameServer::new(|asked| {
        let question = &asked.query.questions[0];
        if question.name == name("nobody.example") {
            return asked.say(&coded(&asked.query, ResponseCode::NO_SUCH_NAME));
        }
        let address = match question.record_type {
            Type::A => loopback("web.example"),
            _ => record("web.example", data("AAAA", "::1")),
        };
        asked.say(&answer(&asked.query, vec![address, alias("www.example", "web.example")]))
    })
}

#[test]
fn the_answer_in_the_form_of_dig() {
    let server = server();
    let text = fetched(&["dns", "www.example", "AAAA", &format!("@{}", server.address())]);
    for part in [
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: ",
        ";; flags: qr rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1\n",
        "; EDNS: version: 0, flags:; udp: 1232\n",
        ";; QUESTION SECTION:\n;www.example.\tIN\tAAAA\n",
        ";; ANSWER SECTION:\nweb.example.\t300\tIN\tAAAA\t::1\nwww.example.\t300\tIN\tCNAME\tweb.example.\n",
        &format!(";; SERVER: {}\n;; MSG SIZE  rcvd: ", server.address()),
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("Asking"), "{text}");
    assert_eq!(server.questions(), ["www.example. AAAA"]);
    // NXDOMAIN is an answer.
    let text = fetched(&["dns", "nobody.example", &format!("@{}", server.address())]);
    assert!(text.contains("status: NXDOMAIN") && !text.contains("ANSWER SECTION"), "{text}");
}

#[test]
fn each_byte_is_shown_with_its_field() {
    let server = server();
    let text =
        fetched(&["dns", "--wire", "--tcp", "www.example", &format!("@{}", server.address())]);
    for field in ["QNAME", "QTYPE", "RCODE", "ANSWER", "NAME", "TTL", "RDLENGTH"] {
        assert!(text.contains(field), "no {field} in {text}");
    }
    assert_eq!(server.questions(), ["www.example. A TCP"]);
}

#[test]
fn what_is_no_answer_and_what_is_asked_again() {
    let truncating = NameServer::new(|asked| {
        let message = usual(&asked.query);
        let flags =
            if asked.is_tcp() { message.flags } else { message.flags.with(Flags::TRUNCATED) };
        asked.say(&Message { flags, ..message })
    });
    let text = fetched(&["dns", "a.example", &format!("@{}", truncating.address())]);
    let again = format!(";; Asking {} over TCP: a.example. IN A\n", truncating.address());
    assert!(text.contains(&again) && text.contains("127.0.0.1\n"), "{text}");

    let dead = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fetch(&["dns", "a.example", &format!("@{dead}")]).failed(6, "no server");
    let begun = Instant::now();
    let silent = NameServer::new(|asked| {
        thread::sleep(Duration::from_secs(2));
        asked.say(&usual(&asked.query))
    });
    let args = ["dns", "-m", "0.5", "a.example", &format!("@{}", silent.address())];
    fetch(&args).failed(28, "silence");
    assert!(begun.elapsed() < SOON);
    for wrong in [
        &["dns"][..],
        &["dns", "é.example"],
        &["dns", "a..b"],
        &["dns", "a", "NOTYPE"],
        &["dns", "a", "@b"],
        &["dns", "a", "@system"],
        &["dns", "-x", "a"],
    ] {
        fetch(wrong).failed(2, &format!("{wrong:?}"));
    }
}

#[test]
fn the_whole_way_from_the_name_to_the_connection() {
    let (server, page) = (server(), Fake::hello(1));
    let (dns, url) = (server.address(), format!("http://www.example:{}/", page.port()));
    let text = fetched(&["where", "--dns", &dns, &url]);
    for line in [
        "  asked name servers about www.example\n",
        &format!("  Asking {dns}: www.example. IN AAAA\n"),
        &format!("  Asking {dns}: www.example. IN A\n"),
        &format!("  {dns} answered NOERROR, 2 records: www.example. IN A\n"),
        " www.example. 300 IN CNAME web.example.\n                     web.example. 300 IN A 127.0.0.1\n",
        " web.example. 300 IN AAAA ::1\n",
        " from name servers\n    ::1\n    127.0.0.1\n  tried",
        &format!("  to   127.0.0.1:{}\n", page.port()),
    ] {
        assert!(text.contains(line), "no {line:?} in {text}");
    }
    // A name that does not exist: what was asked is shown all the same.
    let finished = run(&mut client(&["where", "-4", "--dns-servers", &dns, "nobody.example"]), b"");
    finished.failed(6, "no such name");
    let text = String::from_utf8(finished.stdout).unwrap();
    assert!(text.contains("answered NXDOMAIN, 0 records: nobody.example. IN A\n"), "{text}");
    assert!(text.contains("  could not resolve nobody.example after "), "{text}");
    let text = fetched(&["where", &format!("http://localhost:{}/", page.port())]);
    assert!(text.contains(" from the C library\n"), "{text}");
}
