//! Hostile name servers. Whatever they do, the client ends within its deadline and in bounded memory, with exit
//! code 6 or 28, or it finds the right address.

use std::io;
use std::net::UdpSocket;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use threadbare::proto::dns::{Class, Edns, Flags, Message, Record, ResponseCode, Type};

use super::name_server::{
    Asked, NameServer, alias, answer, coded, data, loopback, name, record, usual,
};
use crate::client::fake::Fake;
use crate::support::{Finished, SOON, run};

/// The name that is asked for. It has one address: 127.0.0.1, where the page is.
const HOST: &str = "a.example";

type Script = fn(&mut Asked) -> io::Result<()>;

/// An address that is never the right one. No server listens there.
fn wrong() -> Record {
    record(HOST, data("A", "127.0.0.66"))
}

/// Sends the usual answer, with its records or its header changed.
fn changed(asked: &mut Asked, change: impl FnOnce(&mut Message)) -> io::Result<()> {
    let mut message = usual(&asked.query);
    change(&mut message);
    asked.say(&message)
}

/// Sends a response with the question and, as the only answer, these octets.
fn raw(asked: &mut Asked, answers: u16, octets: &[u8]) -> io::Result<()> {
    let mut message = Message { edns: None, ..usual(&asked.query) };
    message.answers.clear();
    let mut head = message.encode(512);
    head[6..8].copy_from_slice(&answers.to_be_bytes());
    asked.say_octets(&[&head, octets].concat())
}

/// Says that the answer does not fit; over TCP, `then` does it.
fn truncated(asked: &mut Asked, then: Script) -> io::Result<()> {
    if asked.is_tcp() {
        return then(asked);
    }
    let message = answer(&asked.query, vec![wrong()]);
    asked.say(&Message { flags: message.flags.with(Flags::TRUNCATED), ..message })
}

/// Refuses queries with EDNS by `refuse`.
fn without_edns(asked: &mut Asked, refuse: Script) -> io::Result<()> {
    if asked.query.edns.is_some() { refuse(asked) } else { asked.say(&usual(&asked.query)) }
}

/// Returns aliases from the name to `n1`, `n2` and so on.
fn aliases(count: usize) -> Vec<Record> {
    let name = |number| if number == 0 { HOST.to_owned() } else { format!("n{number}") };
    (0..count).map(|number| alias(&name(number), &name(number + 1))).collect()
}

/// What a server does, and how the client ends: with 0 it has the page of the right address.
const ROWS: &[(&str, Script, u8)] = &[
    ("the usual answer", |asked| asked.say(&usual(&asked.query)), 0),
    (
        "the answer twice",
        |asked| {
            asked.say(&usual(&asked.query))?;
            asked.say(&usual(&asked.query))
        },
        0,
    ),
    (
        "the question in capitals",
        |asked| changed(asked, |message| message.questions[0].name = name("A.EXAMPLE")),
        0,
    ),
    ("all flags", |asked| changed(asked, |message| message.flags = Flags(0x85f0)), 0),
    // Not the answer.
    ("another id", |asked| changed(asked, |message| message.id ^= 1), 28),
    (
        "another id, then the answer",
        |asked| {
            let id = asked.query.id ^ 1;
            asked.say(&Message { id, ..answer(&asked.query, vec![wrong()]) })?;
            asked.say(&usual(&asked.query))
        },
        0,
    ),
    (
        "10,000 other ids, then the answer",
        |asked| {
            for number in 0..10_000_u16 {
                let id = asked.query.id ^ (1 + number);
                asked.say(&Message { id, ..answer(&asked.query, vec![wrong()]) })?;
                if number % 50 == 0 {
                    // A client on a busy machine has room for a few hundred of them.
                    thread::sleep(Duration::from_millis(1));
                }
            }
            thread::sleep(Duration::from_millis(100));
            asked.say(&usual(&asked.query))
        },
        0,
    ),
    (
        "another name",
        |asked| changed(asked, |message| message.questions[0].name = name("b.example")),
        28,
    ),
    (
        "another type",
        |asked| changed(asked, |message| message.questions[0].record_type = Type::MX),
        28,
    ),
    ("another class", |asked| changed(asked, |message| message.questions[0].class = Class(3)), 28),
    ("no question", |asked| changed(asked, |message| message.questions.clear()), 28),
    (
        "two questions",
        |asked| changed(asked, |message| message.questions.push(message.questions[0].clone())),
        28,
    ),
    (
        "from another port",
        |asked| asked.say_from_elsewhere(&answer(&asked.query, vec![wrong()])),
        28,
    ),
    (
        "from another port, then the answer",
        |asked| {
            asked.say_from_elsewhere(&answer(&asked.query, vec![wrong()]))?;
            thread::sleep(Duration::from_millis(50));
            asked.say(&usual(&asked.query))
        },
        0,
    ),
    ("the query itself", |asked| asked.say_octets(&asked.octets.clone()), 28),
    ("silence", |asked| asked.hang(), 28),
    (
        "silence about IPv6",
        |asked| match asked.record_type() {
            Type::AAAA => asked.hang(),
            _ => asked.say(&usual(&asked.query)),
        },
        0,
    ),
    (
        "after the deadline",
        |asked| {
            thread::sleep(Duration::from_secs(3));
            asked.say(&usual(&asked.query))
        },
        28,
    ),
    // Not a message.
    ("an empty datagram", |asked| asked.say_octets(b""), 28),
    (
        "an empty datagram, then the answer",
        |asked| {
            asked.say_octets(b"")?;
            asked.say(&usual(&asked.query))
        },
        0,
    ),
    ("one octet", |asked| asked.say_octets(b"x"), 28),
    ("a header", |asked| asked.say_octets(&[0; 12]), 28),
    (
        "half an answer",
        |asked| {
            let octets = answer(&asked.query, vec![wrong()]).encode(512);
            asked.say_octets(&octets[..octets.len() / 2])
        },
        28,
    ),
    (
        "an octet too many",
        |asked| {
            asked.say_octets(&[&answer(&asked.query, vec![wrong()]).encode(512)[..], b"x"].concat())
        },
        28,
    ),
    ("65,535 records that are not there", |asked| raw(asked, u16::MAX, b""), 28),
    (
        "a pointer to itself",
        |asked| raw(asked, 1, b"\xc0\x1b\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x42"),
        28,
    ),
    (
        "a pointer forward",
        |asked| raw(asked, 1, b"\xc0\x1d\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x42"),
        28,
    ),
    (
        "two pointers to each other",
        |asked| raw(asked, 1, b"\x01a\xc0\x1f\0\x01\xc0\x1b\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x42"),
        28,
    ),
    (
        "a label of another kind",
        |asked| raw(asked, 1, b"\x80\0\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x42"),
        28,
    ),
    (
        "an address of five octets",
        |asked| raw(asked, 1, b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x05\x7f\0\0\x42x"),
        28,
    ),
    (
        "data beyond the end",
        |asked| raw(asked, 1, b"\xc0\x0c\0\x01\0\x01\0\0\0\0\xff\xff\x7f\0\0\x42"),
        28,
    ),
    ("two OPT records", |asked| raw(asked, 2, &b"\0\0\x29\x10\0\0\0\0\0\0\0".repeat(2)), 6),
    (
        "a name of 256 octets",
        |asked| {
            let long = [b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(4);
            raw(asked, 1, &[&long, b"\0\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x42".as_slice()].concat())
        },
        28,
    ),
    (
        "an alias with 255 octets",
        |asked| {
            let long = "a.".repeat(127);
            let is_v4 = asked.record_type() == Type::A;
            let address = is_v4.then(|| loopback(&long));
            let answers = [alias(HOST, &long)].into_iter().chain(address).collect();
            asked.say(&answer(&asked.query, answers))
        },
        0,
    ),
    // Answers that lead nowhere, or not there.
    (
        "the name does not exist",
        |asked| asked.say(&coded(&asked.query, ResponseCode::NO_SUCH_NAME)),
        6,
    ),
    ("the name has no address", |asked| asked.say(&answer(&asked.query, Vec::new())), 6),
    (
        "an alias of itself",
        |asked| asked.say(&answer(&asked.query, vec![alias(HOST, HOST), alias(HOST, HOST)])),
        6,
    ),
    (
        "a loop of aliases",
        |asked| {
            asked.say(&answer(
                &asked.query,
                vec![alias(HOST, "b.example"), alias("b.example", HOST)],
            ))
        },
        6,
    ),
    (
        "17 aliases",
        |asked| {
            let answers = [aliases(17), vec![loopback("n17")]].concat();
            asked.say(&answer(&asked.query, answers))
        },
        6,
    ),
    (
        "16 aliases in reverse order",
        |asked| {
            let mut answers = [aliases(16), vec![loopback("n16")]].concat();
            answers.reverse();
            asked.say(&answer(&asked.query, answers))
        },
        0,
    ),
    (
        "an alias without an address",
        |asked| {
            asked.say(&answer(
                &asked.query,
                vec![alias(HOST, "b.example"), wrong_owner("c.example")],
            ))
        },
        6,
    ),
    (
        "addresses of others",
        |asked| {
            asked.say(&answer(&asked.query, vec![wrong_owner("b.example"), wrong_owner("example")]))
        },
        6,
    ),
    (
        "addresses of others beside the right one",
        |asked| {
            let message = answer(&asked.query, vec![wrong_owner("b.example"), loopback(HOST)]);
            asked.say(&Message {
                authorities: vec![wrong()],
                additionals: vec![wrong()],
                ..message
            })
        },
        0,
    ),
    (
        "an address of another class",
        |asked| asked.say(&answer(&asked.query, vec![Record { class: Class(3), ..wrong() }])),
        6,
    ),
    (
        "a time to live of 2^31",
        |asked| {
            changed(asked, |message| message.answers.iter_mut().for_each(|it| it.ttl = 1 << 31))
        },
        0,
    ),
    (
        "60,000 octets in a datagram",
        |asked| {
            let more = vec![wrong_owner("b.example"); 2_500];
            changed(asked, |message| message.answers.extend(more))
        },
        0,
    ),
    // Response codes.
    (
        "a problem of the server",
        |asked| asked.say(&coded(&asked.query, ResponseCode::SERVER_FAILURE)),
        6,
    ),
    ("refused", |asked| asked.say(&coded(&asked.query, ResponseCode::REFUSED)), 6),
    (
        "refused, with an address",
        |asked| {
            let message = answer(&asked.query, vec![wrong()]);
            asked.say(&Message { flags: message.flags.with_code(ResponseCode::REFUSED), ..message })
        },
        6,
    ),
    ("no such code", |asked| asked.say(&coded(&asked.query, ResponseCode(15))), 6),
    ("a format error", |asked| asked.say(&coded(&asked.query, ResponseCode::FORMAT_ERROR)), 6),
    (
        "a format error because of EDNS",
        |asked| {
            without_edns(asked, |asked| {
                asked
                    .say(&Message { edns: None, ..coded(&asked.query, ResponseCode::FORMAT_ERROR) })
            })
        },
        0,
    ),
    (
        "a format error without a question",
        |asked| {
            without_edns(asked, |asked| {
                let message = coded(&asked.query, ResponseCode::FORMAT_ERROR);
                asked.say(&Message { edns: None, questions: Vec::new(), ..message })
            })
        },
        0,
    ),
    (
        "EDNS is not implemented",
        |asked| {
            without_edns(asked, |asked| {
                asked.say(&coded(&asked.query, ResponseCode::NOT_IMPLEMENTED))
            })
        },
        0,
    ),
    (
        "another version of EDNS",
        |asked| {
            without_edns(asked, |asked| {
                let edns = Some(Edns { extended_code: 1, version: 1, ..Edns::new(512) });
                asked.say(&Message { edns, ..answer(&asked.query, Vec::new()) })
            })
        },
        0,
    ),
    // Over TCP.
    ("truncated", |asked| truncated(asked, |asked| asked.say(&usual(&asked.query))), 0),
    (
        "truncated within a record",
        |asked| {
            if asked.is_tcp() {
                return asked.say(&usual(&asked.query));
            }
            let mut octets = answer(&asked.query, vec![wrong()]).encode(512);
            octets[2] |= 0x02;
            asked.say_octets(&octets[..octets.len() - 14])
        },
        0,
    ),
    (
        "truncated over TCP, too",
        |asked| {
            truncated(asked, |asked| {
                let mut octets = usual(&asked.query).encode(512);
                octets[2] |= 0x02;
                asked.say_octets(&octets)
            })
        },
        0,
    ),
    (
        "64 KB of addresses",
        |asked| {
            truncated(asked, |asked| {
                let count = if asked.record_type() == Type::A { 4_000 } else { 0 };
                asked.say(&answer(&asked.query, vec![loopback(HOST); count]))
            })
        },
        0,
    ),
    (
        "64 KB of long names",
        |asked| {
            truncated(asked, |asked| {
                let long = "a.".repeat(127);
                asked.say(&answer(&asked.query, vec![alias(&long, &long); 4_500]))
            })
        },
        6,
    ),
    ("a length of 0", |asked| truncated(asked, |asked| asked.say_octets(b"")), 6),
    (
        "a length of 0, then the answer",
        |asked| {
            truncated(asked, |asked| {
                asked.say_octets(b"")?;
                asked.say(&usual(&asked.query))
            })
        },
        0,
    ),
    (
        "another id over TCP, then the answer",
        |asked| {
            truncated(asked, |asked| {
                let id = asked.query.id ^ 1;
                asked.say(&Message { id, ..answer(&asked.query, vec![wrong()]) })?;
                asked.say(&usual(&asked.query))
            })
        },
        0,
    ),
    (
        "half an answer over TCP",
        |asked| {
            truncated(asked, |asked| {
                let octets = usual(&asked.query).encode(512);
                asked.say_raw(&[&[0, 200], &octets[..]].concat())
            })
        },
        6,
    ),
    (
        "half an answer over TCP, then silence",
        |asked| {
            truncated(asked, |asked| {
                asked.say_raw(&[0, 200, 1, 2, 3])?;
                asked.hang()
            })
        },
        28,
    ),
    (
        "an octet now and then over TCP",
        |asked| {
            truncated(asked, |asked| {
                asked.say_raw(&[255, 255])?;
                for _ in 0..100 {
                    asked.say_raw(b"x")?;
                    thread::sleep(Duration::from_millis(50));
                }
                Ok(())
            })
        },
        28,
    ),
    ("silence over TCP", |asked| truncated(asked, |asked| asked.hang()), 28),
    ("the end of the stream", |asked| truncated(asked, |_| Ok(())), 6),
    ("a reset", |asked| truncated(asked, |asked| asked.reset()), 6),
];

fn wrong_owner(owner: &str) -> Record {
    record(owner, data("A", "127.0.0.66"))
}

/// Fetches a page from the name, with an address space of 512 MB, a bound that the system enforces.
fn fetch(server: &str, page: &Fake, limit: &str) -> Finished {
    let line = "ulimit -v 524288 && exec \"$@\"";
    let url = format!("http://{HOST}:{}/", page.port());
    let mut command = Command::new("sh");
    command.args(["-c", line, "sh", env!("CARGO_BIN_EXE_client"), "--dns", server]);
    run(command.args(["--resolve-timeout", limit, &url]).env_remove("RUST_LOG"), b"")
}

/// Runs one row, and returns what is wrong.
fn wrong_end(&(what, script, code): &(&str, Script, u8)) -> Option<String> {
    let server = NameServer::new(script);
    let (page, begun) = (Fake::hello(1), Instant::now());
    let limit = if code == 28 { 1 } else { 9 };
    let Finished { code: ended, stdout, stderr } =
        fetch(&server.address(), &page, &limit.to_string());
    let is_right = ended == Some(code.into()) && (code != 0 || stdout == b"hello");
    let is_in_time = begun.elapsed() < SOON + Duration::from_secs(limit);
    (!is_right || !is_in_time)
        .then(|| format!("{what}: {ended:?} after {:?}: {stderr}", begun.elapsed()))
}

#[test]
fn each_ends_in_the_right_code_within_its_deadline() {
    let wrong = thread::scope(|scope| {
        let parts = ROWS.chunks(ROWS.len().div_ceil(6));
        let run =
            |rows: &'static [_]| move || rows.iter().filter_map(wrong_end).collect::<Vec<_>>();
        let parts: Vec<_> = parts.map(|rows| scope.spawn(run(rows))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(ROWS.len() >= 40 && wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_server_that_does_not_listen_or_refuses_is_followed_by_the_next() {
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let page = Fake::hello(9);
    let finished = fetch(&dead.to_string(), &page, "9");
    assert_eq!(finished.code, Some(6), "{}", finished.stderr);
    assert!(finished.stderr.contains("onnection refused"), "{}", finished.stderr);
    let failing =
        NameServer::new(|asked| asked.say(&coded(&asked.query, ResponseCode::SERVER_FAILURE)));
    let refusing = NameServer::new(|asked| asked.say(&coded(&asked.query, ResponseCode::REFUSED)));
    let good = NameServer::usual();
    let list = [dead.to_string(), failing.address(), refusing.address(), good.address()];
    let finished = fetch(&list.join(","), &page, "9");
    assert_eq!((finished.code, &finished.stdout[..]), (Some(0), &b"hello"[..]));
    let each = ["a.example. A", "a.example. AAAA"];
    assert_eq!([failing.questions(), good.questions()], [each, each]);
    // NXDOMAIN is an answer: no other server is asked.
    let none = NameServer::new(|asked| asked.say(&coded(&asked.query, ResponseCode::NO_SUCH_NAME)));
    let finished = fetch(&format!("{},{}", none.address(), good.address()), &page, "9");
    assert_eq!((finished.code, good.questions().len()), (Some(6), 2), "{}", finished.stderr);
    let said = format!("the name a.example. does not exist (NXDOMAIN from {})", none.address());
    assert!(finished.stderr.contains(&said), "{}", finished.stderr);
}

#[test]
fn a_name_that_does_not_exist_is_no_reason_to_wait_for_the_other_family() {
    for silent in [Type::A, Type::AAAA] {
        let server = NameServer::new(move |asked| match asked.record_type() {
            kind if kind == silent => asked.hang(),
            _ => asked.say(&coded(&asked.query, ResponseCode::NO_SUCH_NAME)),
        });
        let (page, begun) = (Fake::hello(1), Instant::now());
        let finished = fetch(&server.address(), &page, "9");
        assert_eq!(finished.code, Some(6), "silent about {silent}: {}", finished.stderr);
        assert!(finished.stderr.contains("a.example. does not exist"), "{}", finished.stderr);
        // The first query of the other family alone is waited for longer: 5 s.
        assert!(begun.elapsed() < SOON, "silent about {silent}: {:?}", begun.elapsed());
    }
}
