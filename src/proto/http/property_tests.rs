//! What holds for any bytes: what is written is read back as it was; nothing panics; and how the
//! bytes were cut into packets changes no verdict, neither the rule nor the offset.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::body::{Decoder, Encoder, Piece};
use super::chars::{self, UNRESERVED, percent_decode, percent_encode};
use super::close::CloseReason;
use super::cookie::{SetCookie, cookies};
use super::error::Fault;
use super::framing::Framing;
use super::head::{Head, Partial, RequestHead, ResponseHead, Step};
use super::limits::Limits;
use super::method::Method;
use super::multipart::{self, Boundary, MultipartRule};
use super::recipient::Recipient;
use super::status::Status;
use super::target::{Authority, PathAndQuery, Target, form_pairs, segments};
use super::url::Url;
use super::version::Version;
use super::{client, server};
use crate::proto::buf::Buf;

/// So low that a few hundred bytes meet all of them.
fn tight() -> Limits {
    Limits {
        request_line: 40,
        field: 30,
        head: 90,
        fields: 4,
        chunk_overhead: 12,
        form_fields: 4,
        ..Limits::default()
    }
}

/// A stream of bytes as it is delivered: cut into pieces, then closed.
struct Delivery<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    /// True if the end comes together with the last bytes.
    ends_at_once: bool,
    buf: Buf,
}

impl<'a> Delivery<'a> {
    fn new(bytes: &'a [u8], cuts: &[Index], ends_at_once: bool) -> Delivery<'a> {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut from = 0;
        let pieces = ends.into_iter().map(|end| &bytes[std::mem::replace(&mut from, end)..end]);
        Delivery { pieces: pieces.collect::<Vec<_>>().into_iter(), ends_at_once, buf: Buf::new() }
    }

    fn byte_by_byte(bytes: &'a [u8]) -> Delivery<'a> {
        let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
        Delivery { pieces: pieces.into_iter(), ends_at_once: false, buf: Buf::new() }
    }

    /// Delivers what comes next.
    fn deliver(&mut self) {
        assert!(!self.buf.is_closed(), "more is wanted of a peer that has closed");
        match self.pieces.next() {
            Some(piece) => self.buf.extend(piece),
            None => self.buf.close(),
        }
        if self.ends_at_once && self.pieces.len() == 0 {
            self.buf.close();
        }
    }

    fn rest(mut self) -> Vec<u8> {
        while !self.buf.is_closed() {
            self.deliver();
        }
        self.buf.bytes().to_vec()
    }
}

fn receive_head<H: Head>(input: &mut Delivery<'_>, limits: &Limits) -> Result<Option<H>, Fault> {
    let mut partial = Partial::default();
    loop {
        partial = match partial.receive(&mut input.buf, limits)? {
            Step::More(partial) => partial,
            Step::Complete(head) => return Ok(Some(*head)),
            Step::Closed => return Ok(None),
        };
        input.deliver();
    }
}

fn receive_body(
    input: &mut Delivery<'_>,
    mut receive: impl for<'b> FnMut(&'b mut Buf) -> Result<Piece<'b>, Fault>,
) -> (Vec<u8>, Result<(), Fault>) {
    let mut all = Vec::new();
    loop {
        match receive(&mut input.buf) {
            Ok(Piece::Data(data)) => all.extend_from_slice(data),
            Ok(Piece::More) => {
                assert!(
                    input.buf.len() <= 30,
                    "an unfinished line of tight() is kept, and no more"
                );
                input.deliver();
            }
            Ok(Piece::End) => return (all, Ok(())),
            Err(fault) => return (all, Err(fault)),
        }
    }
}

/// What one side makes of everything that the other sent.
#[derive(Debug, PartialEq)]
enum Event {
    Request(Box<RequestHead>),
    Response(ResponseHead),
    Body(Vec<u8>),
    Fault(Fault),
    Close(CloseReason),
    Closed,
}

/// A server's view of a stream of bytes, request after request, to the first fault or the end.
fn server_story(mut input: Delivery<'_>) -> Vec<Event> {
    let (limits, mut story, mut state) = (tight(), Vec::new(), server::RecvHead::default());
    loop {
        state = match state.receive(&mut input.buf, &limits) {
            Ok(server::Head::More(state)) => {
                let longest = limits.request_line.max(limits.field);
                assert!(input.buf.len() <= longest, "an unfinished line is kept, and no more");
                input.deliver();
                state
            }
            Ok(server::Head::Complete(head, mut body)) => {
                assert!(head.headers.source().len() <= limits.head);
                story.push(Event::Request(head));
                let (data, end) = receive_body(&mut input, |buf| body.receive(buf, &limits));
                story.push(Event::Body(data));
                if let Err(fault) = end {
                    story.push(Event::Fault(fault));
                    return story;
                }
                let (answer, mut out) = (ResponseHead::new(Status::OK), Vec::new());
                match body.finish().send(answer, Some(0), true, &mut out).finish(&mut out) {
                    Ok(state) => state,
                    Err(close) => {
                        story.push(Event::Close(close));
                        return story;
                    }
                }
            }
            Ok(server::Head::Closed | server::Head::Doubtful) => {
                story.push(Event::Closed);
                return story;
            }
            Err(rejected) => {
                story.push(Event::Fault(rejected.fault));
                return story;
            }
        }
    }
}

/// A client's view of a stream of bytes, sent in answer to one GET after another.
fn client_story(mut input: Delivery<'_>) -> Vec<Event> {
    let ask = |client: client::SendHead| {
        let target = Target::parse(&Method::Get, b"/").unwrap();
        let head = RequestHead::new(Method::Get, target);
        client.send(&head, Framing::None, &mut Vec::new()).finish(&mut Vec::new())
    };
    let (limits, mut story, mut state) = (tight(), Vec::new(), ask(client::SendHead));
    loop {
        state = match state.receive(&mut input.buf, &limits) {
            Ok(client::Head::More(state)) => {
                input.deliver();
                state
            }
            Ok(client::Head::Interim(head, state)) => {
                story.push(Event::Response(head));
                state
            }
            Ok(client::Head::Complete(head, mut body)) => {
                story.push(Event::Response(head));
                let (data, end) = receive_body(&mut input, |buf| body.receive(buf, &limits));
                story.push(Event::Body(data));
                match (end, body.finish()) {
                    (Err(fault), _) => story.push(Event::Fault(fault)),
                    (_, Err(close)) => story.push(Event::Close(close)),
                    (_, Ok(client)) => {
                        state = ask(client);
                        continue;
                    }
                }
                return story;
            }
            Ok(client::Head::Closed) => {
                story.push(Event::Closed);
                return story;
            }
            Err(rejected) => {
                story.push(Event::Fault(rejected.fault));
                return story;
            }
        }
    }
}

/// A part of a form: its name, its file name, its content.
type FormPart = (String, Option<String>, Vec<u8>);

/// All of its parts, and its end or its fault.
type FormStory = (Vec<FormPart>, Result<(), (MultipartRule, Option<u64>)>);

/// A server's view of a body that is a form.
fn form_story(boundary: &str, mut input: Delivery<'_>, limits: &Limits) -> FormStory {
    let content_type = format!("multipart/form-data; boundary=\"{boundary}\"");
    let mut parser = multipart::Parser::new(Boundary::parse(content_type.as_bytes()).unwrap());
    let mut parts: Vec<FormPart> = Vec::new();
    loop {
        match parser.receive(&mut input.buf, limits, usize::MAX) {
            Ok(multipart::Event::Part(head)) => parts.push((head.name, head.filename, Vec::new())),
            Ok(multipart::Event::Data(data)) => parts.last_mut().unwrap().2.extend_from_slice(data),
            Ok(multipart::Event::PartEnd) => {}
            Ok(multipart::Event::More) => {
                let delimiter = boundary.len() + b"\r\n--".len();
                assert!(input.buf.len() <= delimiter.max(limits.field), "and no more is kept");
                input.deliver();
            }
            Ok(multipart::Event::End) => return (parts, Ok(())),
            Err(fault) => return (parts, Err((fault.rule, fault.offset))),
        }
    }
}

const SENT_TO_A_SERVER: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\r\nHEAD /?b HTTP/1.1\nHost: a:80\n\n",
    b"GET /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"POST /d HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /e HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nx\r\n0\r\nB: c\r\n\r\n",
    b"PUT /f HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n0\r\n\r\n",
];

const SENT_TO_A_CLIENT: &[&[u8]] = &[
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 \nA: b\r\n c\r\nContent-Length: 0\n\n",
    b"HTTP/1.1 103\r\nLink: <a>\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nto the end",
];

const CHUNKS: &[&[u8]] = &[
    b"5\r\nhello\r\n",
    b"1;a\r\nx\r\n",
    b"000a\r\n0123456789\r\n",
    b"0\r\n\r\n",
    b"0\r\nA: b\r\n\r\n",
];

const FORMS: &[&[u8]] = &[
    b"--x\r\nContent-Disposition:form-data;name=a\r\n\r\nb\r\n",
    b"--x\r\nContent-Disposition:form-data;name=a\r\nA:b\r\n\r\n\r\n",
    b"--x \r\nContent-Disposition:form-data;name=\"a\"\r\n\r\n",
    b"--x--\r\n",
    b"\r\n--x--",
    b"\r\n--",
];

/// What may go wrong with them.
const SPLINTERS: &[&[u8]] = &[
    b"",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b":",
    b",",
    b";",
    b"%",
    b"0",
    b"f",
    b"\0",
    b"\xFF",
    b"\x16\x03",
    b"A: b\r\n",
    b"\r\n c: d\r\n",
    b"Content-Length: 5\r\n",
    b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"aaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Messages one behind the other, up to three times a few bytes of them replaced by a splinter.
fn nearly(messages: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<Index>(), 0..4usize, select(SPLINTERS));
    (vec(select(messages), 1..7), vec(edit, 0..4)).prop_map(|(messages, edits)| {
        let mut wire = messages.concat();
        for (at, count, splinter) in edits {
            let at = at.index(wire.len() + 1);
            let end = wire.len().min(at + count);
            wire.splice(at..end, splinter.iter().copied());
        }
        wire
    })
}

fn token() -> impl Strategy<Value = String> {
    "[-!#$%&'*+.^_`|~0-9A-Za-z]{1,12}"
}

/// Any text of bytes in the class of field values; some of it spaces at the ends.
fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..20).prop_map(|mut bytes| {
        bytes.retain(|&byte| chars::FIELD_VALUE.has(byte));
        bytes
    })
}

fn method() -> impl Strategy<Value = Method> {
    let known = select(&["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT"][..]);
    let name = prop_oneof![known.prop_map(str::to_owned), token()];
    name.prop_map(|name| Method::parse(name.as_bytes()).unwrap())
}

fn authority() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[-a-z0-9._~!$&'()*+,;=]{1,10}",
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
    ];
    (host, any::<Option<u16>>())
        .prop_map(|(host, port)| port.map_or(host.clone(), |port| format!("{host}:{port}")))
}

fn path() -> impl Strategy<Value = String> {
    "(/|%[0-9a-fA-F]{2}|[a-z]|[-A-Z._~!$&'()*+,;=:@|^{}`\\[\\]]){0,12}(\\?[a-z=&%2F?/\\\\]{0,9})?"
        .prop_map(|path| format!("/{path}"))
        .prop_filter("every % is followed by digits", |path| {
            chars::first_bad_percent(path.as_bytes()).is_none()
        })
}

fn request_head() -> impl Strategy<Value = RequestHead> {
    let target = (method(), authority(), path(), any::<bool>(), 0..3u8);
    let fields = vec((token(), value()), 0..8);
    (target, fields).prop_map(|((method, authority, path, http10, form), fields)| {
        let text = match (&method, form) {
            (Method::Connect, _) => format!("{}:443", authority.split(":").next().unwrap_or("")),
            (Method::Options, 0) => "*".to_owned(),
            (_, 1) => format!("http://{authority}{path}"),
            _ => path,
        };
        let target = Target::parse(&method, text.as_bytes());
        // An IPv6 address cut at its first colon is none.
        let target = target.unwrap_or_else(|_| Target::parse(&method, b"a:443").unwrap());
        let mut head = RequestHead::new(method, target);
        if http10 {
            head.version = Version::Http10;
        }
        head.headers.append("Host", authority).unwrap();
        for (name, value) in fields {
            if !name.eq_ignore_ascii_case("host") {
                head.headers.append(&name, value).unwrap();
            }
        }
        head
    })
}

fn response_head() -> impl Strategy<Value = ResponseHead> {
    let fields = vec((token(), value()), 0..8);
    (100..1000u16, value(), any::<bool>(), fields).prop_map(|(code, reason, http10, fields)| {
        let mut head = ResponseHead::new(Status::new(code).unwrap());
        head.reason = reason.into();
        if http10 {
            head.version = Version::Http10;
        }
        for (name, value) in fields {
            head.headers.append(&name, value).unwrap();
        }
        head
    })
}

/// What a form's part may be called. Browsers encode neither a `%` nor a backslash, so those mean other things.
fn form_name() -> impl Strategy<Value = String> {
    ".{0,8}(\r\n)?[\"a;=]{0,3}".prop_map(|name| {
        name.replace(['%', '\\'], "")
            .replace(|char: char| char.is_control() && !"\r\n".contains(char), "")
    })
}

/// A boundary, and parts with content that is nearly a delimiter of it.
fn form() -> impl Strategy<Value = (String, Vec<FormPart>)> {
    "[-0-9A-Za-z'()+_,./:=? ]{0,11}[-0-9A-Za-z'()+_,./:=?]".prop_flat_map(|boundary| {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let start = {
            let delimiter = delimiter.clone();
            any::<Index>().prop_map(move |end| delimiter[..end.index(delimiter.len())].to_vec())
        };
        let piece = prop_oneof![start, vec(any::<u8>(), 0..4), Just(delimiter[2..].to_vec())];
        let content = vec(piece, 0..6).prop_map(|pieces| pieces.concat());
        let is_content = move |content: &Vec<u8>| {
            !content.starts_with(&delimiter[2..])
                && !content.windows(delimiter.len()).any(|bytes| bytes == delimiter)
        };
        let content = content.prop_filter("it has no delimiter", is_content);
        let part = (form_name(), proptest::option::of(form_name()), content);
        (Just(boundary), vec(part, 0..4))
    })
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    vec(any::<Index>(), 0..9)
}

proptest! {
    // A failure belongs into a named table; no files of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn a_request_head_is_read_as_it_was_written(head in request_head(), cuts in cuts()) {
        let mut wire = Vec::new();
        head.encode(&mut wire);
        let length = wire.len();
        wire.extend_from_slice(b"what follows");
        let mut input = Delivery::new(&wire, &cuts, false);
        let got = receive_head::<RequestHead>(&mut input, &Limits::default()).unwrap().unwrap();
        prop_assert_eq!(&got, &head);
        prop_assert_eq!(got.headers.source(), &wire[..length]);
        prop_assert_eq!(input.rest(), b"what follows");
    }

    #[test]
    fn a_response_head_is_read_as_it_was_written(head in response_head(), cuts in cuts()) {
        let mut wire = Vec::new();
        head.encode(&mut wire);
        wire.extend_from_slice(b"what follows");
        let mut input = Delivery::new(&wire, &cuts, false);
        let got = receive_head::<ResponseHead>(&mut input, &Limits::default());
        prop_assert_eq!(got.unwrap().unwrap(), head);
        prop_assert_eq!(input.rest(), b"what follows");
    }

    #[test]
    fn a_body_is_read_as_it_was_written(
        pieces in vec(vec(any::<u8>(), 0..40), 0..6),
        framing in 0..3u8,
        cuts in cuts(),
    ) {
        let whole = pieces.concat();
        let length = whole.len() as u64;
        let (mut encoder, framing, behind) = match framing {
            0 => (Encoder::Length(length), Framing::Length(length), &b"what follows"[..]),
            1 => (Encoder::Chunked, Framing::Chunked, &b"what follows"[..]),
            _ => (Encoder::UntilClose, Framing::UntilClose, &b""[..]),
        };
        let mut wire = Vec::new();
        pieces.iter().for_each(|piece| encoder.write(piece, &mut wire));
        encoder.finish(&mut wire).unwrap();
        wire.extend_from_slice(behind);
        let (mut input, mut decoder) = (Delivery::new(&wire, &cuts, false), Decoder::new(framing, Recipient::Server));
        let limits = Limits::default();
        let (got, end) = receive_body(&mut input, |buf| decoder.receive(buf, &limits));
        prop_assert_eq!(got, whole);
        prop_assert_eq!(end, Ok(()));
        prop_assert!(decoder.is_done());
        prop_assert_eq!(input.rest(), behind);
    }

    #[test]
    fn the_cuts_change_nothing_for_a_server(wire in nearly(SENT_TO_A_SERVER), cuts in cuts()) {
        let whole = server_story(Delivery::new(&wire, &[], false));
        prop_assert_eq!(&server_story(Delivery::byte_by_byte(&wire)), &whole);
        prop_assert_eq!(&server_story(Delivery::new(&wire, &cuts, false)), &whole);
        prop_assert_eq!(&server_story(Delivery::new(&wire, &cuts, true)), &whole);
    }

    #[test]
    fn the_cuts_change_nothing_for_a_client(wire in nearly(SENT_TO_A_CLIENT), cuts in cuts()) {
        let whole = client_story(Delivery::new(&wire, &[], false));
        prop_assert_eq!(&client_story(Delivery::byte_by_byte(&wire)), &whole);
        prop_assert_eq!(&client_story(Delivery::new(&wire, &cuts, false)), &whole);
        prop_assert_eq!(&client_story(Delivery::new(&wire, &cuts, true)), &whole);
    }

    #[test]
    fn the_cuts_change_nothing_for_chunks(
        wire in nearly(CHUNKS),
        cuts in cuts(),
    ) {
        let story = |mut input: Delivery<'_>| {
            let (limits, mut decoder) = (tight(), Decoder::new(Framing::Chunked, Recipient::Server));
            let story = receive_body(&mut input, |buf| decoder.receive(buf, &limits));
            (story, decoder.is_done().then(|| input.rest()))
        };
        let whole = story(Delivery::new(&wire, &[], false));
        prop_assert_eq!(&story(Delivery::byte_by_byte(&wire)), &whole);
        prop_assert_eq!(&story(Delivery::new(&wire, &cuts, true)), &whole);
    }

    #[test]
    fn a_form_is_read_as_it_was_written((boundary, parts) in form(), cuts in cuts()) {
        let escape = |text: &str| {
            text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
        };
        let mut wire = Vec::new();
        for (name, filename, content) in &parts {
            let name = escape(name);
            let filename = filename.as_deref().map(escape);
            let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
            wire.extend(format!("--{boundary}\r\nContent-Disposition: form-data; ").bytes());
            wire.extend(format!("name=\"{name}\"{filename}\r\n\r\n").bytes());
            wire.extend_from_slice(content);
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend(format!("--{boundary}--\r\n").bytes());
        for input in [
            Delivery::new(&wire, &[], true),
            Delivery::byte_by_byte(&wire),
            Delivery::new(&wire, &cuts, false),
        ] {
            let (got, end) = form_story(&boundary, input, &Limits::default());
            prop_assert_eq!(&got, &parts);
            prop_assert_eq!(end, Ok(()));
        }
    }

    #[test]
    fn the_cuts_change_nothing_for_a_form(wire in nearly(FORMS), cuts in cuts()) {
        let limits = Limits { field: 60, ..tight() };
        let whole = form_story("x", Delivery::new(&wire, &[], false), &limits);
        prop_assert_eq!(&form_story("x", Delivery::byte_by_byte(&wire), &limits), &whole);
        prop_assert_eq!(&form_story("x", Delivery::new(&wire, &cuts, false), &limits), &whole);
        prop_assert_eq!(&form_story("x", Delivery::new(&wire, &cuts, true), &limits), &whole);
    }

    #[test]
    fn a_cookie_that_is_set_comes_back(name in token(), value in "[ -~]{0,12}") {
        if let Ok(field) = SetCookie::new(&*name, &*value).secure().encode() {
            let pair = field.split("; ").next().unwrap();
            let field = format!("a=b; {pair}; c=d");
            prop_assert!(cookies(&field).eq([("a", "b"), (&*name, &*value), ("c", "d")]));
        }
    }

    #[test]
    fn no_bytes_whatever_make_a_parser_panic(bytes in vec(any::<u8>(), 0..60), text in ".{0,40}") {
        server_story(Delivery::new(&bytes, &[], false));
        client_story(Delivery::new(&bytes, &[], false));
        client_story(Delivery::new(&[b"HTTP/1.", &bytes[..]].concat(), &[], false));
        for bytes in [&bytes[..], text.as_bytes()] {
            for method in [Method::Get, Method::Connect, Method::Options] {
                let _ = Target::parse(&method, bytes);
                let _ = Target::parse(&method, &[b"http://", bytes].concat());
                let _ = Target::parse(&method, &[b"/", bytes].concat());
            }
            let _ = (Authority::parse(bytes), Authority::parse(&[b"[", bytes].concat()));
            let _ = (PathAndQuery::parse(bytes), Version::parse(bytes), Method::parse(bytes));
            let _ = (chars::decimal(bytes), chars::hex(bytes), chars::trim_ows(bytes));
            let encoded = percent_encode(bytes, &UNRESERVED);
            prop_assert_eq!(&*percent_decode(&encoded), bytes);
        }
        let _ = (Url::parse(&text), percent_decode(&text));
        let _ = (segments(&text).count(), form_pairs(&text).count());
        let _ = (cookies(&bytes).count(), cookies(&text).count(), Boundary::parse(&bytes));
        let _ = form_story("x", Delivery::new(&bytes, &[], false), &Limits::default());
    }

    #[test]
    fn an_address_is_stable_once_it_is_understood(
        text in prop_oneof!["(http://)?[a-z:\\[\\]1]{0,6}[/?#]?[ a-z%2F?#\\\\@é]{0,9}", ".{0,20}"],
    ) {
        if let Ok(url) = Url::parse(&text) {
            prop_assert_eq!(&Url::parse(&url.to_string()), &Ok(url.clone()));
            let target = Target::Origin(url.path.clone());
            let sent = target.to_string();
            prop_assert_eq!(Target::parse(&Method::Get, sent.as_bytes()), Ok(target));
            let host = url.authority.to_string();
            prop_assert_eq!(Authority::parse(host.as_bytes()), Some(url.authority));
        }
    }
}
