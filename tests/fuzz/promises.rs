//! What holds for any bytes whatever: no panic, and the same verdict however they were cut into
//! packets. One function for each fuzz target (`make fuzz`); `make test` runs them over the corpus.
//!
//! That nothing hangs or allocates out of proportion is libFuzzer's to watch: the Makefile gives it
//! a second and 64 MB for inputs of at most 4 KB.

use threadbare::proto::buf::Buf;
use threadbare::proto::dns::{Message, Name, Record, master};
use threadbare::proto::http::body::Piece;
use threadbare::proto::http::cookie::{SetCookie, cookies};
use threadbare::proto::http::error::Fault;
use threadbare::proto::http::framing::Framing;
use threadbare::proto::http::head::{RequestHead, ResponseHead};
use threadbare::proto::http::limits::Limits;
use threadbare::proto::http::method::Method;
use threadbare::proto::http::multipart::{self, Boundary, MultipartFault, Parser, PartHead};
use threadbare::proto::http::range::{ByteRanges, Selection, parse, select};
use threadbare::proto::http::status::Status;
use threadbare::proto::http::target::{PathAndQuery, Target, form_pairs, segments};
use threadbare::proto::http::url::Url;
use threadbare::proto::http::{client, server};

/// What one side makes of all that the other sent.
#[derive(Debug, PartialEq)]
enum Event {
    Request(RequestHead),
    Response(ResponseHead),
    Body(Vec<u8>),
    Fault(Fault),
    Closed,
}

/// Bytes that arrive in pieces, and then no more.
struct Delivery<'a> {
    pieces: std::slice::Chunks<'a, u8>,
    buf: Buf,
}

impl<'a> Delivery<'a> {
    fn new(bytes: &'a [u8], piece: usize) -> Delivery<'a> {
        Delivery { pieces: bytes.chunks(piece.max(1)), buf: Buf::new() }
    }

    fn deliver(&mut self) {
        assert!(!self.buf.is_closed(), "more is wanted of a peer that has closed");
        match self.pieces.next() {
            Some(piece) => self.buf.extend(piece),
            None => self.buf.close(),
        }
    }
}

/// So low that a short input meets all of them.
fn limits() -> Limits {
    Limits {
        request_line: 200,
        field: 200,
        head: 800,
        fields: 10,
        chunk_overhead: 50,
        form_fields: 5,
        ..Limits::default()
    }
}

/// The first byte says into pieces of which size the others are cut: the story is the same as whole.
fn told_twice<T: PartialEq + std::fmt::Debug>(bytes: &[u8], story: impl Fn(Delivery<'_>) -> T) {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let whole = story(Delivery::new(bytes, bytes.len()));
    assert_eq!(story(Delivery::new(bytes, piece.into())), whole, "in pieces, and whole");
}

fn collect(
    input: &mut Delivery<'_>,
    story: &mut Vec<Event>,
    mut receive: impl for<'b> FnMut(&'b mut Buf) -> Result<Piece<'b>, Fault>,
) -> bool {
    let mut data = Vec::new();
    let end = loop {
        match receive(&mut input.buf) {
            Ok(Piece::Data(more)) => data.extend_from_slice(more),
            Ok(Piece::More) => input.deliver(),
            Ok(Piece::End) => break None,
            Err(fault) => break Some(fault),
        }
    };
    story.push(Event::Body(data));
    let goes_on = end.is_none();
    story.extend(end.map(Event::Fault));
    goes_on
}

fn server_story(mut input: Delivery<'_>, limits: &Limits) -> Vec<Event> {
    let (mut story, mut state) = (Vec::new(), server::RecvHead::default());
    loop {
        state = match state.receive(&mut input.buf, limits) {
            Ok(server::Head::More(state)) => {
                input.deliver();
                state
            }
            Ok(server::Head::Complete(head, mut body)) => {
                let _ = head.host();
                story.push(Event::Request(*head));
                if !collect(&mut input, &mut story, |buf| body.receive(buf, limits)) {
                    return story;
                }
                let (answer, mut out) = (ResponseHead::new(Status::OK), Vec::new());
                match body.finish().send(answer, Some(0), true, &mut out).finish(&mut out) {
                    Ok(state) => state,
                    Err(_) => return story,
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

fn client_story(method: &Method, mut input: Delivery<'_>) -> Vec<Event> {
    let ask = |client: client::SendHead| {
        let target = Target::parse(method, b"/").expect("a target");
        let head = RequestHead::new(method.clone(), target);
        client.send(&head, Framing::None, &mut Vec::new()).finish(&mut Vec::new())
    };
    let (limits, mut story, mut state) = (limits(), Vec::new(), ask(client::SendHead));
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
                if !collect(&mut input, &mut story, |buf| body.receive(buf, &limits)) {
                    return story;
                }
                match body.finish() {
                    Ok(client) => ask(client),
                    Err(_) => return story,
                }
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

/// A server reads these bytes as requests. What it took for one is written and read back as it was.
pub fn request_head(bytes: &[u8]) {
    told_twice(bytes, |input| {
        let story = server_story(input, &limits());
        for event in &story {
            let Event::Request(head) = event else { continue };
            let mut out = Vec::new();
            head.encode(&mut out);
            // Encoded, a line may be longer by the space after its colon.
            let again = server_story(Delivery::new(&out, out.len()), &Limits::default());
            let Some(Event::Request(back)) = again.first() else { panic!("{again:?}") };
            assert_eq!((&back.method, &back.target), (&head.method, &head.target));
            assert!(back.headers.iter().eq(head.headers.iter()), "{back:?}\n{head:?}");
        }
        story
    });
}

/// A client reads these bytes as the answers to one GET, or one HEAD, after another.
pub fn response_head(bytes: &[u8]) {
    for method in [Method::Get, Method::Head] {
        told_twice(bytes, |input| client_story(&method, input));
    }
}

/// A server and a client read these bytes as a chunked body: they agree to the byte.
pub fn chunked(bytes: &[u8]) {
    let Some((&piece, body)) = bytes.split_first() else { return };
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let request = [&[piece], &request[..], body].concat();
    let response = [&[piece], &response[..], body].concat();
    told_twice(&request, |input| server_story(input, &limits()));
    told_twice(&response, |input| client_story(&Method::Get, input));

    let body_of = |story: Vec<Event>| {
        story.into_iter().find_map(|event| match event {
            Event::Body(data) => Some(data),
            _ => None,
        })
    };
    let served = server_story(Delivery::new(&request[1..], request.len()), &limits());
    let fetched = client_story(&Method::Get, Delivery::new(&response[1..], response.len()));
    assert_eq!(body_of(served), body_of(fetched));
}

/// A target: what was read is written as it was, and read again the same.
pub fn target(bytes: &[u8]) {
    for method in [Method::Get, Method::Options, Method::Connect] {
        if let Ok(target) = Target::parse(&method, bytes) {
            let text = target.to_string();
            assert_eq!(Target::parse(&method, text.as_bytes()), Ok(target), "{text}");
        }
    }
    if let Ok(path) = PathAndQuery::parse(bytes) {
        assert!(path.path().starts_with('/'));
        assert_eq!(segments(path.path()).count(), path.path().matches('/').count());
        let _ = form_pairs(path.query().unwrap_or_default()).count();
    }
}

/// An address as a person types it: what comes of it may stand in a request as it is.
pub fn url(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(url) = Url::parse(text) else { return };
    let path = url.path.to_string();
    assert_eq!(PathAndQuery::parse(path.as_bytes()), Ok(url.path.clone()), "{text:?}");
    let again = url.to_string();
    assert!(again.starts_with(&format!("http://{}{path}", url.authority)), "{text:?}");
    assert_eq!(Url::parse(&again), Ok(url), "{text:?}");
}

/// A Range field, of a representation whose length the first bytes give: what is selected lies within
/// it, no byte is sent twice, and the answer is not much longer than the whole.
pub fn ranges(bytes: &[u8]) {
    let Some((length, value)) = bytes.split_first_chunk::<8>() else { return };
    let length = u64::from_be_bytes(*length);
    let Some(specs) = parse(value, 100) else { return };
    assert!(!specs.is_empty() && specs.len() <= 100);
    let boundary = "0123456789abcdef".to_owned();
    let multipart = ByteRanges { boundary, content_type: None, length };
    let mut parts = match select(&specs, length, multipart.overhead()) {
        Selection::Whole | Selection::Unsatisfiable => return,
        Selection::Single(part) => vec![part],
        Selection::Several(parts) => {
            assert!(parts.len() > 1);
            let most = length.saturating_add(2 * multipart.overhead());
            assert!(multipart.body_length(&parts) <= most, "{parts:?}");
            parts
        }
    };
    parts.sort_by_key(|part| part.start);
    assert!(parts.iter().all(|part| part.start < part.end && part.end <= length), "{parts:?}");
    assert!(parts.is_sorted_by(|one, next| one.end < next.start), "{parts:?}");
}

/// A form with the boundary `x`: the parts are the same however it is cut, no content has a delimiter, and a
/// file name is one name.
pub fn multipart(bytes: &[u8]) {
    let story = |mut input: Delivery<'_>| {
        let boundary = Boundary::parse(b"multipart/form-data; boundary=x").expect("a boundary");
        let (limits, mut parser) = (limits(), Parser::new(boundary));
        let mut parts: Vec<(PartHead, Vec<u8>)> = Vec::new();
        let end: Result<(), MultipartFault> = loop {
            match parser.receive(&mut input.buf, &limits, usize::MAX) {
                Ok(multipart::Event::Part(head)) => parts.push((head, Vec::new())),
                Ok(multipart::Event::Data(data)) => {
                    parts.last_mut().expect("a part").1.extend_from_slice(data);
                }
                Ok(multipart::Event::PartEnd) => {}
                Ok(multipart::Event::More) => input.deliver(),
                Ok(multipart::Event::End) => break Ok(()),
                Err(fault) => break Err(fault),
            }
        };
        assert!(parts.len() <= limits.form_fields);
        for (head, content) in &parts {
            assert!(!content.starts_with(b"--x") && !content.windows(5).any(|it| it == b"\r\n--x"));
            let name = head.file_name().unwrap_or("a name");
            assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "..");
        }
        (parts, end)
    };
    told_twice(bytes, story);
    let _ = Boundary::parse(bytes);
}

/// A Cookie field: no name is empty. What may be set of it comes back as it was.
pub fn cookie(bytes: &[u8]) {
    for (name, value) in cookies(bytes) {
        assert!(!name.is_empty() && !name.contains(['=', ';']) && !value.contains(';'));
        if let Ok(field) = SetCookie::new(name, value).secure().encode() {
            let pair = field.split("; ").next().expect("a pair");
            assert!(cookies(pair).eq([(name, value)]), "{field}");
        }
    }
}

/// A coded body: the second byte says with which codings, up to three. Its content is the same however it is cut, until
/// the fault, and comes in steps of at most 64 KB.
pub fn content_coding(bytes: &[u8]) {
    #[cfg(feature = "inflate")]
    {
        use threadbare::client::Coding;
        use threadbare::proto::http::content_coding::ContentDecoder;

        let Some((&piece, [which, body @ ..])) = bytes.split_first() else { return };
        let coding = |bit: u8| if which >> bit & 1 == 1 { Coding::Gzip } else { Coding::Deflate };
        let codings: Vec<Coding> = (0..=which >> 6).take(3).map(coding).collect();
        // A bomb is only as long as its beginning here.
        const ENOUGH: usize = 1 << 20;
        told_twice(&[&[piece], body].concat(), |mut input| {
            let (mut decoder, mut content) = (ContentDecoder::new(&codings), Vec::new());
            let end = loop {
                let before = content.len();
                let mut left = input.buf.bytes();
                let had = left.len();
                let step = decoder.decode(&mut left, &mut content);
                let taken = had - left.len();
                input.buf.take(taken);
                assert!(content.len() - before <= 1 << 16, "a step is bounded");
                match step {
                    Err(fault) => break Err(fault),
                    Ok(()) if content.len() > ENOUGH => break Ok(()),
                    Ok(()) if content.len() > before || !input.buf.is_empty() => {}
                    Ok(()) if input.buf.is_closed() => {
                        break decoder.finish();
                    }
                    Ok(()) => input.deliver(),
                }
            };
            content.truncate(ENOUGH);
            // A code that no symbol has is a fault at once, or one bit later, when the end is missing.
            (content, end.is_ok())
        });
    }
    #[cfg(not(feature = "inflate"))]
    let _ = bytes;
}

/// Decodes a message, and the same again when it has been encoded; the dump sees every octet of it.
pub fn dns_message(bytes: &[u8]) {
    let mut end = 0;
    let traced = Message::trace(bytes, &mut |seen| {
        assert_eq!(seen.octets.start, end, "no octet is left out");
        end = seen.octets.end;
    });
    let decoded = Message::decode(bytes);
    assert_eq!(traced, decoded);
    let _ = threadbare::text::dns_wire::dump(bytes);
    match decoded {
        Ok(message) => {
            let again = Message::decode(&message.encode(65_535)).expect("it is a message");
            assert_eq!(format!("{again:?}"), format!("{message:?}"));
            for limit in [12, 100, 512] {
                let octets = message.encode(limit);
                assert!(octets.len() <= limit && Message::decode(&octets).is_ok());
            }
        }
        Err(fault) => assert!(fault.at <= bytes.len()),
    }
}

/// Reads a master file, and the same records again as they are shown.
pub fn master_file(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let read = |text: &str| -> Result<Vec<Record>, String> {
        let entries = master::read(text, &Name::root())?;
        Ok(entries.into_iter().map(|(_, record)| record).collect())
    };
    if let Ok(records) = read(&text) {
        let lines: Vec<String> = records.iter().map(Record::to_string).collect();
        let again = read(&lines.join("\n")).expect("they are records");
        assert_eq!(format!("{again:?}"), format!("{records:?}"));
    }
}
