//! Server and client against each other, in memory. Each exchange runs with everything delivered
//! at once and byte by byte; where the connection stays, a second exchange shows that both sides
//! agree about where the first one ended.

use std::collections::VecDeque;

use super::body::Piece;
use super::close::CloseReason;
use super::error::{Fault, Rule};
use super::framing::Framing;
use super::head::{RequestHead, ResponseHead};
use super::limits::Limits;
use super::method::Method;
use super::status::Status;
use super::target::Target;
use super::version::Version;
use super::{client, server};
use crate::proto::buf::Buf;

/// One direction of a connection: what was put in comes out at the other end, `step` bytes at a
/// time.
struct Wire {
    under_way: VecDeque<u8>,
    step: usize,
    closing: bool,
    buf: Buf,
}

impl Wire {
    fn new(step: usize) -> Wire {
        Wire { under_way: VecDeque::new(), step, closing: false, buf: Buf::new() }
    }

    fn put(&mut self, bytes: &[u8]) {
        self.under_way.extend(bytes);
    }

    fn deliver(&mut self) {
        let count = self.step.min(self.under_way.len());
        match count {
            0 if !self.closing || self.buf.is_closed() => panic!("waits for what will not come"),
            0 => self.buf.close(),
            _ => {
                let piece: Vec<u8> = self.under_way.drain(..count).collect();
                self.buf.extend(&piece);
            }
        }
    }
}

fn limits() -> Limits {
    Limits { fields: 10, interim: 10, ..Limits::default() }
}

/// Everything at once, three bytes at a time, byte by byte.
const STEPS: [usize; 3] = [usize::MAX, 3, 1];

fn recv_request(
    mut state: server::RecvHead,
    wire: &mut Wire,
) -> Result<Option<(Box<RequestHead>, server::RecvBody)>, Fault> {
    loop {
        state = match state.receive(&mut wire.buf, &limits())? {
            server::Head::More(state) => state,
            server::Head::Complete(head, body) => return Ok(Some((head, body))),
            server::Head::Closed | server::Head::Doubtful => return Ok(None),
        };
        wire.deliver();
    }
}

/// The next head of an answer, interim or final.
fn recv_answer(mut state: client::RecvHead, wire: &mut Wire) -> Result<client::Head, Fault> {
    loop {
        state = match state.receive(&mut wire.buf, &limits())? {
            client::Head::More(state) => state,
            other => return Ok(other),
        };
        wire.deliver();
    }
}

fn recv_final(state: client::RecvHead, wire: &mut Wire) -> (ResponseHead, client::RecvBody) {
    match recv_answer(state, wire) {
        Ok(client::Head::Complete(head, body)) => (head, body),
        other => panic!("no final answer: {other:?}"),
    }
}

fn read_all(
    wire: &mut Wire,
    mut receive: impl for<'b> FnMut(&'b mut Buf) -> Result<Piece<'b>, Fault>,
) -> Result<String, Fault> {
    let mut all = Vec::new();
    loop {
        match receive(&mut wire.buf)? {
            Piece::Data(data) => all.extend_from_slice(data),
            Piece::End => return Ok(String::from_utf8(all).unwrap()),
            Piece::More => wire.deliver(),
        }
    }
}

fn read_request(body: &mut server::RecvBody, wire: &mut Wire) -> Result<String, Fault> {
    read_all(wire, |buf| body.receive(buf, &limits()))
}

fn read_answer(body: &mut client::RecvBody, wire: &mut Wire) -> Result<String, Fault> {
    read_all(wire, |buf| body.receive(buf, &limits()))
}

fn request(method: Method, fields: &[(&str, &str)]) -> RequestHead {
    let target: &[u8] = if method == Method::Connect { b"a:443" } else { b"/" };
    let target = Target::parse(&method, target).unwrap();
    let mut head = RequestHead::new(method, target);
    for (name, value) in [("Host", "a")].iter().chain(fields) {
        head.headers.append(name, value).unwrap();
    }
    head
}

/// The fields of an answer that are about its framing, as they stand there.
fn framing_fields(head: &ResponseHead) -> String {
    let line = |(name, value)| format!("{name}: {}", String::from_utf8_lossy(value));
    head.headers.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// One exchange: the client's method, version and `Connection`; its body; the status, announced
/// length and body of the answer; the framing fields and the body that the client gets; how server
/// and client end. A server that is to end with [`CloseReason::WeAsked`] is told not to stay.
type Exchange = (
    &'static str,
    Option<&'static str>,
    (u16, Option<u64>, &'static str),
    &'static str,
    Result<&'static str, Rule>,
    [Result<(), CloseReason>; 2],
);

fn run((asks, sent, (status, length, written), fields, want, ends): &Exchange, step: usize) {
    let name = format!("{asks}, {status} {length:?} {written:?}, by {step}");
    let (mut up, mut down, mut out) = (Wire::new(step), Wire::new(step), Vec::new());

    let mut words = asks.split(' ');
    let mut head = request(Method::parse(words.next().unwrap().as_bytes()).unwrap(), &[]);
    head.version = match words.next().unwrap() {
        "1.0" => Version::Http10,
        _ => Version::Http11,
    };
    if let Some(connection) = words.next() {
        head.headers.append("Connection", connection).unwrap();
    }
    let mut sending = client::SendHead.send(
        &head,
        sent.map_or(Framing::None, |body| Framing::Length(body.len() as u64)),
        &mut out,
    );
    sending.write(sent.unwrap_or_default().as_bytes(), &mut out);
    let client = sending.finish(&mut out);
    up.put(&std::mem::take(&mut out));

    let (came, mut body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
    assert_eq!((came.method, came.version), (head.method, head.version), "{name}");
    assert_eq!(read_request(&mut body, &mut up).unwrap(), sent.unwrap_or_default(), "{name}");
    let answer = ResponseHead::new(Status::new(*status).unwrap());
    let may_stay = ends[0] != Err(CloseReason::WeAsked);
    let mut sending = body.finish().send(answer, *length, may_stay, &mut out);
    sending.write(written.as_bytes(), &mut out);
    let server = sending.finish(&mut out);
    down.put(&std::mem::take(&mut out));
    down.closing = server.is_err();

    let (head, mut body) = recv_final(client, &mut down);
    assert_eq!(head.status.code(), *status, "{name}");
    assert_eq!(framing_fields(&head), *fields, "{name}");
    let got = read_answer(&mut body, &mut down).map_err(|fault| fault.rule);
    assert_eq!(got.as_deref(), want.as_deref(), "{name}");
    let client = body.finish();
    let got = [server.as_ref().map(|_| ()), client.as_ref().map(|_| ())];
    assert_eq!(got, ends.each_ref().map(|end| end.as_ref().map(|_| ())), "{name}");

    if let (Ok(server), Ok(client)) = (server, client) {
        client.send(&request(Method::Get, &[]), Framing::None, &mut out).finish(&mut out);
        up.put(&out);
        assert!(recv_request(server, &mut up).unwrap().is_some(), "{name}, again");
    }
}

#[test]
fn exchanges() {
    use CloseReason::*;
    const STAY: [Result<(), CloseReason>; 2] = [Ok(()), Ok(())];
    const HELLO: (u16, Option<u64>, &str) = (200, Some(5), "hello");
    const UNKNOWN: (u16, Option<u64>, &str) = (200, None, "hello");
    const FIVE: &str = "Content-Length: 5";
    const CHUNKED: &str = "Transfer-Encoding: chunked";
    let closing = |fields: &str| -> &'static str { format!("{fields}; Connection: close").leak() };
    let cases: &[Exchange] = &[
        ("GET 1.1", None, HELLO, FIVE, Ok("hello"), STAY),
        ("GET 1.1", None, (200, Some(0), ""), "Content-Length: 0", Ok(""), STAY),
        ("GET 1.1", None, (404, Some(5), "hello"), FIVE, Ok("hello"), STAY),
        ("GET 1.1", None, (200, Some(5), "hello world"), FIVE, Ok("hello"), STAY),
        ("GET 1.1", None, UNKNOWN, CHUNKED, Ok("hello"), STAY),
        ("GET 1.1", None, (200, None, ""), CHUNKED, Ok(""), STAY),
        ("POST 1.1", Some("a=b"), HELLO, FIVE, Ok("hello"), STAY),
        ("POST 1.1", Some(""), HELLO, FIVE, Ok("hello"), STAY),
        // No body, whatever the handler wrote.
        ("HEAD 1.1", None, HELLO, FIVE, Ok(""), STAY),
        ("HEAD 1.1", None, UNKNOWN, CHUNKED, Ok(""), STAY),
        ("HEAD 1.1", None, (204, Some(5), "hello"), "", Ok(""), STAY),
        ("HEAD 1.1", None, (304, Some(5), "hello"), "", Ok(""), STAY),
        ("PUT 1.1", Some("x"), (204, Some(5), "hello"), "", Ok(""), STAY),
        ("GET 1.1", None, (204, None, "hello"), "", Ok(""), STAY),
        ("GET 1.1", None, (304, Some(5), "hello"), "", Ok(""), STAY),
        ("GET 1.1", None, (304, None, "hello"), "", Ok(""), STAY),
        // One of the two wants to close.
        ("GET 1.1 close", None, HELLO, closing(FIVE), Ok("hello"), [Err(PeerAsked), Err(WeAsked)]),
        ("GET 1.1", None, HELLO, closing(FIVE), Ok("hello"), [Err(WeAsked), Err(PeerAsked)]),
        ("GET 1.1", None, UNKNOWN, closing(CHUNKED), Ok("hello"), [Err(WeAsked), Err(PeerAsked)]),
        // 1.0 closes unless it asks not to, and knows no chunks.
        ("GET 1.0", None, HELLO, closing(FIVE), Ok("hello"), [Err(Http10); 2]),
        ("GET 1.0", None, UNKNOWN, "Connection: close", Ok("hello"), [Err(Http10); 2]),
        ("POST 1.0", Some("x"), HELLO, closing(FIVE), Ok("hello"), [Err(Http10); 2]),
        (
            "GET 1.0 keep-alive",
            None,
            HELLO,
            "Content-Length: 5; Connection: keep-alive",
            Ok("hello"),
            STAY,
        ),
        ("HEAD 1.0 keep-alive", None, UNKNOWN, "Connection: keep-alive", Ok(""), STAY),
        (
            "GET 1.0 keep-alive",
            None,
            UNKNOWN,
            "Connection: close",
            Ok("hello"),
            [Err(EndOfBody), Err(PeerAsked)],
        ),
        // Shorter than announced: the end of the connection tells, and nothing else.
        (
            "GET 1.1",
            None,
            (200, Some(5), "hel"),
            FIVE,
            Err(Rule::BodyIncomplete),
            [Err(BodyShort), Err(ResponseUnread)],
        ),
        ("GET 1.1", None, (205, Some(5), "hello"), "Content-Length: 0", Ok(""), STAY),
        ("GET 1.1", None, (205, None, "hello"), "Content-Length: 0", Ok(""), STAY),
        ("CONNECT 1.1", None, HELLO, "Connection: close", Ok(""), [Err(Tunnel); 2]),
        (
            "CONNECT 1.1",
            None,
            (405, Some(5), "hello"),
            "Content-Length: 5; Connection: close",
            Ok("hello"),
            [Err(Tunnel), Err(PeerAsked)],
        ),
    ];
    for exchange in cases {
        STEPS.into_iter().for_each(|step| run(exchange, step));
    }
}

/// The client would go on waiting, and take the next answer for this one's.
#[test]
fn an_interim_status_is_no_answer() {
    let mut up = Wire::new(usize::MAX);
    for status in [Status::CONTINUE, Status::SWITCHING_PROTOCOLS, Status::EARLY_HINTS] {
        up.put(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (_, body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
        let mut out = Vec::new();
        body.finish().send(ResponseHead::new(status), Some(0), true, &mut out);
        let want = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(String::from_utf8_lossy(&out), want);
    }
}

/// What the server makes of a request that it answers by its head, and of what is behind it.
#[derive(Debug, PartialEq)]
enum Behind {
    /// The answer says that it is the last one.
    LastAnswer,
    /// The next request, whose target this is.
    Request(&'static str),
    /// Nothing, and no answer: where it would begin is not known.
    Doubtful,
}

#[test]
fn a_body_that_nobody_wants_is_skipped_before_the_next_request() {
    use Behind::*;
    let limits = Limits { body_unread: 10, ..limits() };
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    // What is known when the head is here, and what when the body is, too.
    for (fields, body, at_the_head, at_the_end) in [
        ("", "", Request("/next"), Request("/next")),
        ("Content-Length: 10", "0123456789", Request("/next"), Request("/next")),
        ("Content-Length: 11", "0123456789a", LastAnswer, LastAnswer),
        ("Content-Length: 5\r\nExpect: 100-continue", "01234", LastAnswer, LastAnswer),
        ("Content-Length: 5\r\nConnection: close", "01234", LastAnswer, LastAnswer),
        ("Transfer-Encoding: chunked", "0\r\n\r\n", Request("/next"), Request("/next")),
        (
            "Transfer-Encoding: chunked",
            "5\r\n01234\r\n5\r\n56789\r\n0\r\nA: b\r\n\r\n",
            Request("/next"),
            Request("/next"),
        ),
        ("Transfer-Encoding: chunked", "b\r\n0123456789a\r\n0\r\n\r\n", Doubtful, LastAnswer),
        ("Transfer-Encoding: chunked", "5\r\n0123456\r\n0\r\n\r\n", Doubtful, LastAnswer),
        ("Transfer-Encoding: chunked", "0\r\nHost: b\r\n\r\n", Doubtful, LastAnswer),
        ("Transfer-Encoding: chunked", "x", Doubtful, LastAnswer),
    ] {
        let (mut head, mut out) = ("POST / HTTP/1.1\r\nHost: a\r\n".to_owned(), Vec::new());
        head += &if fields.is_empty() { "\r\n".to_owned() } else { format!("{fields}\r\n\r\n") };
        for (all_at_once, want) in [(false, &at_the_head), (true, &at_the_end)] {
            for step in STEPS {
                let name = format!("{fields}, {body:?}, {all_at_once}, by {step}");
                let mut up = Wire::new(if all_at_once { usize::MAX } else { step });
                up.put(head.as_bytes());
                let (_, asked) =
                    recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
                up.put([body, next].concat().as_bytes());
                if all_at_once {
                    up.deliver();
                }
                let send = asked.skip(&mut up.buf, &limits);
                let answer = ResponseHead::new(Status::METHOD_NOT_ALLOWED);
                let Ok(mut state) = send.send(answer, Some(0), true, &mut out).finish(&mut out)
                else {
                    assert_eq!(LastAnswer, *want, "{name}");
                    continue;
                };
                let got = loop {
                    state = match state.receive(&mut up.buf, &limits).unwrap() {
                        server::Head::More(state) => state,
                        server::Head::Complete(head, _) if head.target.path() == "/next" => {
                            break Request("/next");
                        }
                        server::Head::Doubtful => break Doubtful,
                        other => panic!("{name}: {other:?}"),
                    };
                    up.deliver();
                };
                assert_eq!(got, *want, "{name}");
            }
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for step in STEPS {
        let (mut up, mut down, mut out) = (Wire::new(step), Wire::new(step), Vec::new());
        up.put(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
        up.put(b"POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        up.put(b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nChecksum: none\r\n\r\n");
        up.put(b"\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        up.put(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut next = Ok(server::RecvHead::default());
        let mut asked = Vec::new();
        while let Ok(state) = next {
            let (head, mut body) = recv_request(state, &mut up).unwrap().unwrap();
            let data = read_request(&mut body, &mut up).unwrap();
            let checksum = body.trailers().and_then(|trailers| trailers.text("checksum"));
            let text = format!("{} {data} {}", head.target, checksum.unwrap_or("-"));
            let answer = ResponseHead::new(Status::OK);
            let mut sending = body.finish().send(answer, Some(text.len() as u64), true, &mut out);
            sending.write(text.as_bytes(), &mut out);
            next = sending.finish(&mut out);
            asked.push(text);
        }
        assert_eq!(asked, ["/1  -", "/2 abcdefg none", "/3  -"]);
        assert_eq!(next.unwrap_err(), CloseReason::PeerAsked);

        down.put(&out);
        let mut got = Vec::new();
        for method in [Method::Get, Method::Post, Method::Head] {
            let sent = client::SendHead.send(&request(method, &[]), Framing::None, &mut Vec::new());
            let (_, mut body) = recv_final(sent.finish(&mut Vec::new()), &mut down);
            got.push(read_answer(&mut body, &mut down).unwrap());
        }
        assert_eq!(got, ["/1  -", "/2 abcdefg none", ""]);
        assert!(down.buf.is_empty() && down.under_way.is_empty());
    }
}

#[test]
fn a_body_that_waits_for_its_100_and_is_wanted() {
    for step in STEPS {
        let (mut up, mut down, mut out) = (Wire::new(step), Wire::new(step), Vec::new());
        let head = request(Method::Post, &[("Expect", "100-Continue")]);
        let mut sending = client::SendHead.send(&head, Framing::Length(5), &mut out);
        up.put(&std::mem::take(&mut out));

        let (_, mut body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
        assert!(body.waits_for_continue() && !body.is_done());
        assert_eq!(body.remaining(), Some(5));
        body.send_continue(&up.buf, &mut out);
        assert!(!body.waits_for_continue());
        body.send_continue(&up.buf, &mut out);
        down.put(&std::mem::take(&mut out));

        sending.write(b"hello", &mut out);
        let client = sending.finish(&mut out);
        up.put(&std::mem::take(&mut out));
        assert_eq!(read_request(&mut body, &mut up).unwrap(), "hello");
        let sending = body.finish().send(ResponseHead::new(Status::OK), Some(0), true, &mut out);
        assert!(sending.finish(&mut out).is_ok());
        down.put(&out);

        let Ok(client::Head::Interim(interim, client)) = recv_answer(client, &mut down) else {
            panic!("no 100")
        };
        assert_eq!(interim.status, Status::CONTINUE);
        let (head, body) = recv_final(client, &mut down);
        assert_eq!(head.status, Status::OK);
        assert!(body.finish().is_ok(), "one 100, not two");
    }
}

#[test]
fn a_body_that_waits_for_its_100_and_is_refused() {
    for step in STEPS {
        let (mut up, mut down, mut out) = (Wire::new(step), Wire::new(step), Vec::new());
        let head = request(Method::Post, &[("Expect", "100-continue")]);
        let sending = client::SendHead.send(&head, Framing::Length(5), &mut out);
        up.put(&std::mem::take(&mut out));

        let (_, body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
        let answer = ResponseHead::new(Status::CONTENT_TOO_LARGE);
        let sent = body.finish().send(answer, Some(0), true, &mut out);
        assert_eq!(sent.finish(&mut out).unwrap_err(), CloseReason::RequestUnread);
        down.put(&std::mem::take(&mut out));

        let client = sending.finish(&mut out);
        assert!(out.is_empty(), "the client never sent it");
        let (head, body) = recv_final(client, &mut down);
        assert_eq!(head.status, Status::CONTENT_TOO_LARGE);
        assert_eq!(framing_fields(&head), "Content-Length: 0; Connection: close");
        assert_eq!(body.finish().unwrap_err(), CloseReason::BodyShort);
    }
}

/// What is said while the body goes out is heard piece by piece, and the final answer is not lost.
#[test]
fn an_answer_that_comes_before_the_body_is_out() {
    let said = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno";
    for step in STEPS {
        let (mut buf, mut out, limits) = (Buf::new(), Vec::new(), Limits::default());
        let head = request(Method::Post, &[]);
        let mut sending = client::SendHead.send(&head, Framing::Chunked, &mut out);
        assert!(out.ends_with(b"\r\nTransfer-Encoding: chunked\r\n\r\n"));
        sending.write(b"hello", &mut out);
        let (mut interim, mut refused) = (0, None);
        for piece in said.chunks(step.min(said.len())) {
            buf.extend(piece);
            sending = match sending.hear(&mut buf, &limits).unwrap() {
                client::Heard::Nothing(sending) => sending,
                client::Heard::Interim(_, again) => {
                    interim += 1;
                    match again.hear(&mut buf, &limits).unwrap() {
                        client::Heard::Nothing(sending) => sending,
                        client::Heard::Final(status, sending) => {
                            refused = Some(status);
                            sending
                        }
                        heard => panic!("{heard:?}"),
                    }
                }
                client::Heard::Final(status, sending) => {
                    refused = Some(status);
                    sending
                }
                client::Heard::Closed => panic!("it is open"),
            };
        }
        assert_eq!((interim, refused), (1, Some(Status::CONTENT_TOO_LARGE)));
        out.clear();
        let client::Head::Complete(head, mut body) =
            sending.abandon().receive(&mut buf, &limits).unwrap()
        else {
            panic!("it was heard")
        };
        assert_eq!(head.status, Status::CONTENT_TOO_LARGE);
        assert!(matches!(body.receive(&mut buf, &limits), Ok(Piece::Data(b"no"))));
        assert_eq!(body.finish().unwrap_err(), CloseReason::BodyShort);
        assert!(out.is_empty(), "a body that is given up is not ended as if it were whole");
    }
    let sending =
        client::SendHead.send(&request(Method::Post, &[]), Framing::Length(1), &mut Vec::new());
    let mut buf = Buf::new();
    buf.close();
    assert!(matches!(sending.hear(&mut buf, &Limits::default()), Ok(client::Heard::Closed)));
}

#[test]
fn when_a_100_is_waited_for() {
    for (wire, waits) in [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n", Ok(false)),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", Ok(true)),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n",
            Ok(true),
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n", Ok(false)),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n", Ok(false)),
        ("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", Ok(false)),
        ("POST / HTTP/1.0\r\nExpect: the worst\r\nContent-Length: 5\r\n", Ok(false)),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: the worst\r\n", Err(Rule::Expectation)),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, more\r\n", Err(Rule::Expectation)),
    ] {
        let mut up = Wire::new(1);
        up.put(format!("{wire}\r\n").as_bytes());
        let got = recv_request(server::RecvHead::default(), &mut up);
        let got = got.map(|got| got.unwrap().1.waits_for_continue());
        assert_eq!(got.map_err(|fault| fault.rule), waits, "{wire:?}");
    }
    // A client that did not wait is not told to go on.
    let (mut up, mut out) = (Wire::new(usize::MAX), Vec::new());
    up.put(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    let (_, mut body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
    body.send_continue(&up.buf, &mut out);
    assert!(out.is_empty() && !body.waits_for_continue());
}

#[test]
fn interim_answers_come_before_the_final_one_and_are_not_endless() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nContent-Length: 3\r\n\r\n";
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for step in STEPS {
        for (count, want) in
            [(0, Ok("ok")), (2, Ok("ok")), (10, Ok("ok")), (11, Err(Rule::TooManyInterim))]
        {
            let mut down = Wire::new(step);
            down.put(hints.repeat(count).as_bytes());
            down.put(last.as_bytes());
            let head = request(Method::Get, &[]);
            let mut client = client::SendHead
                .send(&head, Framing::None, &mut Vec::new())
                .finish(&mut Vec::new());
            let mut interim = 0;
            let got = loop {
                match recv_answer(client, &mut down) {
                    Ok(client::Head::Interim(head, next)) => {
                        assert_eq!(head.status, Status::EARLY_HINTS);
                        interim += 1;
                        client = next;
                    }
                    Ok(client::Head::Complete(_, mut body)) => {
                        break Ok(read_answer(&mut body, &mut down).unwrap());
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(fault) => break Err(fault.rule),
                }
            };
            assert_eq!(got, want.map(str::to_owned));
            assert_eq!(interim, count.min(10));
        }
    }
}

#[test]
fn what_is_no_request_is_answered_and_the_connection_closed() {
    for step in STEPS {
        for (wire, rule) in [
            ("GET / HTTP/1.1\r\n\r\n", Rule::HostMissing),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                Rule::LengthAndCoding,
            ),
            (
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                Rule::CodingUnknown,
            ),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Rule::MajorVersion),
        ] {
            let (mut up, mut down, mut out) = (Wire::new(step), Wire::new(step), Vec::new());
            up.put(wire.as_bytes());
            let fault = recv_request(server::RecvHead::default(), &mut up).unwrap_err();
            assert_eq!(fault.rule, rule);
            let answer = ResponseHead::new(fault.status());
            let mut sending = server::SendHead::without_request(CloseReason::Fault(fault.rule))
                .send(answer, Some(2), true, &mut out);
            sending.write(b"no", &mut out);
            assert_eq!(sending.finish(&mut out).unwrap_err(), CloseReason::Fault(rule));
            down.put(&out);
            let client =
                client::SendHead.send(&request(Method::Get, &[]), Framing::None, &mut Vec::new());
            let (head, mut body) = recv_final(client.finish(&mut Vec::new()), &mut down);
            assert_eq!(head.status, rule.status());
            assert_eq!(framing_fields(&head), "Content-Length: 2; Connection: close");
            assert_eq!(read_answer(&mut body, &mut down).unwrap(), "no");
            assert_eq!(body.finish().unwrap_err(), CloseReason::PeerAsked);
        }
    }
}

#[test]
fn a_fault_in_the_body_is_answered_too() {
    for step in STEPS {
        let (mut up, mut out) = (Wire::new(step), Vec::new());
        up.put(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n");
        let (_, mut body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
        let fault = read_request(&mut body, &mut up).unwrap_err();
        assert_eq!(fault, Fault::new(Rule::ChunkEnd, 6));
        let sending = server::SendHead::without_request(CloseReason::Fault(fault.rule)).send(
            ResponseHead::new(fault.status()),
            Some(0),
            true,
            &mut out,
        );
        assert_eq!(sending.finish(&mut out).unwrap_err(), CloseReason::Fault(Rule::ChunkEnd));
    }
}

#[test]
fn a_peer_that_leaves() {
    for step in STEPS {
        // Between two exchanges it may.
        let mut up = Wire::new(step);
        up.closing = true;
        assert!(recv_request(server::RecvHead::default(), &mut up).unwrap().is_none());
        // In a request it may not.
        for (wire, offset) in [("GET", 3), ("GET / HTTP/1.1\r\nHost: a\r\n", 25)] {
            let mut up = Wire::new(step);
            up.put(wire.as_bytes());
            up.closing = true;
            let fault = recv_request(server::RecvHead::default(), &mut up).unwrap_err();
            assert_eq!(fault, Fault::new(Rule::HeadIncomplete, offset));
        }
        let mut up = Wire::new(step);
        up.put(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
        up.closing = true;
        let (_, mut body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
        let fault = read_request(&mut body, &mut up).unwrap_err();
        assert_eq!(fault, Fault::new(Rule::BodyIncomplete, 3));

        // A server that says nothing, and one that stops in the middle.
        for (wire, want) in [("", None), ("HTTP/1.1 2", Some(Fault::new(Rule::HeadIncomplete, 10)))]
        {
            let client =
                client::SendHead.send(&request(Method::Get, &[]), Framing::None, &mut Vec::new());
            let mut down = Wire::new(step);
            down.put(wire.as_bytes());
            down.closing = true;
            match recv_answer(client.finish(&mut Vec::new()), &mut down) {
                Ok(client::Head::Closed) => assert_eq!(want, None),
                Err(fault) => assert_eq!(Some(fault), want),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn an_answer_that_is_not_read_to_its_end_is_not_followed_by_another() {
    let mut down = Wire::new(usize::MAX);
    down.put(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    let client = client::SendHead.send(&request(Method::Get, &[]), Framing::None, &mut Vec::new());
    let (_, body) = recv_final(client.finish(&mut Vec::new()), &mut down);
    assert_eq!(body.finish().unwrap_err(), CloseReason::ResponseUnread);
}

#[test]
fn handlers_and_callers_do_not_frame() {
    let mut out = Vec::new();
    let fields =
        [("Transfer-Encoding", "chunked"), ("Connection", "keep-alive"), ("Content-Length", "9")];
    let mut head = request(Method::Post, &fields);
    head.version = Version::Http10;
    client::SendHead.send(&head, Framing::Length(2), &mut out).write(b"ok", &mut out);
    let want =
        "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
    assert_eq!(String::from_utf8_lossy(&out), want);

    let mut up = Wire::new(usize::MAX);
    up.put(&out);
    let (_, mut body) = recv_request(server::RecvHead::default(), &mut up).unwrap().unwrap();
    assert_eq!(read_request(&mut body, &mut up).unwrap(), "ok");
    let mut answer = ResponseHead::new(Status::OK);
    for (name, value) in [("content-length", "9"), ("Connection", "upgrade"), ("X", "y")] {
        answer.headers.append(name, value).unwrap();
    }
    out.clear();
    body.finish().send(answer, Some(0), true, &mut out);
    let want = "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&out), want);
}

/// What a server says at last about a connection that `wire` comes over.
fn server_fault(wire: &str) -> Option<Rule> {
    let mut up = Wire::new(usize::MAX);
    up.put(wire.as_bytes());
    up.closing = true;
    let fault = match recv_request(server::RecvHead::default(), &mut up) {
        Ok(got) => read_request(&mut got?.1, &mut up).err()?,
        Err(fault) => fault,
    };
    Some(fault.rule)
}

fn client_fault(wire: &str) -> Option<Rule> {
    let mut down = Wire::new(usize::MAX);
    down.put(wire.as_bytes());
    let sent = client::SendHead.send(&request(Method::Get, &[]), Framing::None, &mut Vec::new());
    let mut state = sent.finish(&mut Vec::new());
    loop {
        state = match recv_answer(state, &mut down) {
            Ok(client::Head::Interim(_, state)) => state,
            Ok(_) => return None,
            Err(fault) => return Some(fault.rule),
        };
    }
}

/// A message that breaks the rule; an empty one where only a server with a clock or a limit of its
/// own can tell. Whoever makes a rule is asked for one by the compiler.
fn breaking(rule: Rule) -> String {
    let line = |line: &str| format!("{line}\r\n");
    let get = |field: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
    let chunk = |body: &str| get("Transfer-Encoding: chunked") + body;
    match rule {
        Rule::NotHttp => line("{}"),
        Rule::Telnet => String::new(), // not UTF-8; see the table of request lines
        Rule::Tls => line("\x16\x03\x01"),
        Rule::RequestLineTooLong => line(&format!("GET /{}", "A".repeat(9000))),
        Rule::MethodTooLong => line(&"A".repeat(9000)),
        Rule::RequestLine => line("GET /"),
        Rule::MethodName => line("GET: / HTTP/1.1"),
        Rule::TargetForm => line("GET * HTTP/1.1"),
        Rule::TargetByte => line("GET /# HTTP/1.1"),
        Rule::Percent => line("GET /% HTTP/1.1"),
        Rule::Version => line("GET / HTTP/1"),
        Rule::MajorVersion => line("GET / HTTP/3.0"),
        Rule::NoStatusLine => line("<html>"),
        Rule::StatusLine => line("HTTP/1.1 OK"),
        Rule::StatusLineTooLong => line(&format!("HTTP/1.1 200 {}", "A".repeat(9000))),
        Rule::TooManyInterim => line("HTTP/1.1 100 Continue\r\n").repeat(11),
        Rule::SwitchedProtocols => line("HTTP/1.1 101 Switching Protocols\r\n"),
        Rule::BareCr => get("A: b\rc"),
        Rule::FieldColon => get("A"),
        Rule::FieldName => get(": b"),
        Rule::SpaceBeforeColon => get("A : b"),
        Rule::Fold => get(" b"),
        Rule::FieldValue => get("A: \0"),
        Rule::FieldTooLong => get(&format!("A: {}", "b".repeat(20_000))),
        Rule::HeadTooLong => get(&line(&format!("A: {}", "b".repeat(16_000))).repeat(5)),
        Rule::TooManyFields => get(&line("A: b").repeat(10)),
        Rule::HostMissing => line("GET / HTTP/1.1\r\n"),
        Rule::HostRepeated => get("Host: a"),
        Rule::HostInvalid => line("GET / HTTP/1.1\r\nHost: /\r\n"),
        Rule::FieldsDiffer => get("Origin: http://a\r\nOrigin: http://b"),
        Rule::Length => get("Content-Length: +1"),
        Rule::LengthRepeated => get("Content-Length: 1, 1"),
        Rule::LengthAndCoding => get("Content-Length: 1\r\nTransfer-Encoding: chunked"),
        Rule::CodingInvalid => get("Transfer-Encoding:"),
        Rule::CodingNotLast => get("Transfer-Encoding: chunked, gzip"),
        Rule::CodingUnknown => get("Transfer-Encoding: gzip, chunked"),
        Rule::CodingOn10 => line("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"),
        Rule::Expectation => get("Expect: the worst"),
        Rule::ChunkSize => chunk("0x1\r\n"),
        Rule::ChunkExtension => chunk("1;\r\n"),
        Rule::ChunkLineEnd => chunk("1\n"),
        Rule::ChunkEnd => chunk("1\r\nab\r\n"),
        Rule::ChunkOverhead => chunk(&format!("1;{}", "a".repeat(20_000))),
        Rule::TrailerField => chunk("0\r\nHost: b\r\n\r\n"),
        Rule::HeadIncomplete => line("GET / HTTP/1.1"),
        Rule::BodyIncomplete => get("Content-Length: 1"),
        Rule::BodyTooLarge | Rule::HeadTimeout | Rule::BodyTimeout => String::new(),
    }
}

#[test]
fn every_rule_can_be_broken() {
    for &rule in Rule::ALL {
        let wire = breaking(rule);
        let got = match rule {
            _ if wire.is_empty() => continue,
            Rule::NoStatusLine
            | Rule::StatusLine
            | Rule::StatusLineTooLong
            | Rule::SwitchedProtocols
            | Rule::TooManyInterim => client_fault(&wire),
            _ => server_fault(&wire),
        };
        assert_eq!(got, Some(rule));
    }
}
