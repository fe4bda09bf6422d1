//! Heads from named tables. Each case is run whole, byte by byte, and with more bytes behind it:
//! the verdict must be the same, and what stands behind a head must stay in the buffer.

use super::*;
use Rule::*;

/// The first line as it would be written, and the fields; or the broken rule and where.
type Want<'a> = Result<(&'a str, &'a [(&'a str, &'a [u8])]), (Rule, u64)>;

/// What stands behind a head in the buffer: a person might think it belongs to it.
const BEHIND: &[u8] = b"X: y\r\n\r\nGET / HTTP/1.1\r\n\r\n";

/// The first line, as `encode` writes it.
fn first_line(encode: impl Fn(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    let end = out.windows(2).position(|pair| pair == b"\r\n").unwrap();
    String::from_utf8_lossy(&out[..end]).into_owned()
}

trait Case: Head {
    /// What has been read before.
    const BEFORE: &[u8];
    fn line(&self) -> String;
    fn fields(&self) -> &Headers;
}

impl Case for RequestHead {
    const BEFORE: &[u8] =
        b"PUT http://b/c HTTP/1.1\r\nHost: b\r\nA: 1\r\nB: 2\r\nExpect: x\r\n\r\n";
    fn line(&self) -> String {
        first_line(|out| self.encode(out))
    }
    fn fields(&self) -> &Headers {
        &self.headers
    }
}

impl Case for ResponseHead {
    const BEFORE: &[u8] =
        b"HTTP/1.0 404 Nothing here\r\nA: 1\r\nB: 2\r\nC: 3\r\nConnection: x\r\n\r\n";
    fn line(&self) -> String {
        first_line(|out| self.encode(out))
    }
    fn fields(&self) -> &Headers {
        &self.headers
    }
}

/// The head in `pieces`, and what they left in the buffer; `None` when there is none.
fn parse<'a, H: Head>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &Limits,
) -> Result<Option<(H, Vec<u8>)>, Fault> {
    parse_into(None, pieces, limits)
}

/// The same, in the memory of a head that is not needed any more.
fn parse_into<'a, H: Head>(
    mut spent: Option<Box<H>>,
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &Limits,
) -> Result<Option<(H, Vec<u8>)>, Fault> {
    let (mut partial, mut buf) = (Partial::default(), Buf::new());
    for piece in pieces.map(Some).chain([None]) {
        match piece {
            Some(piece) => buf.extend(piece),
            None => buf.close(),
        }
        partial = match partial.receive_into(&mut spent, &mut buf, limits)? {
            Step::More(partial) => partial,
            Step::Complete(head) => return Ok(Some((*head, buf.bytes().to_vec()))),
            Step::Closed => return Ok(None),
        };
    }
    panic!("more is wanted of a peer that has closed")
}

/// Runs one case in the four ways.
fn run<H: Case>(name: &str, wire: &[u8], limits: &Limits, want: &Want<'_>) {
    let glued = [wire, BEHIND].concat();
    let before: Option<(H, _)> = parse([H::BEFORE].into_iter(), &Limits::default()).unwrap();
    let spent = before.map(|(head, _)| Box::new(head));
    let shown = String::from_utf8_lossy(&wire[..wire.len().min(80)]);
    for (way, got, left) in [
        ("whole", parse::<H>([wire].into_iter(), limits), &b""[..]),
        ("in the memory of another", parse_into(spent, [wire].into_iter(), limits), b""),
        ("byte by byte", parse(wire.chunks(1), limits), b""),
        ("with more behind", parse([&glued[..]].into_iter(), limits), BEHIND),
    ] {
        let name = format!("{name}, {way}: {shown:?}");
        match (got, want) {
            (Ok(Some((head, rest))), Ok((line, fields))) => {
                assert_eq!(head.line(), *line, "{name}");
                let got: Vec<_> = head.fields().iter().collect();
                assert_eq!(got, *fields, "{name}");
                assert_eq!(rest, left, "{name}");
            }
            (Err(fault), Err(want)) => assert_eq!((fault.rule, fault.offset), *want, "{name}"),
            (got, want) => panic!("{name}: {got:?} instead of {want:?}"),
        }
    }
}

fn run_all<H: Case>(cases: &[(&str, &[u8], Want<'_>)]) {
    for (name, wire, want) in cases {
        run::<H>(name, wire, &Limits::default(), want);
    }
}

#[test]
fn request_lines() {
    run_all::<RequestHead>(&[
        ("plain", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(("GET / HTTP/1.1", &[("Host", b"a")]))),
        ("1.0 without Host", b"GET /x HTTP/1.0\r\n\r\n", Ok(("GET /x HTTP/1.0", &[]))),
        ("bare LF", b"GET / HTTP/1.0\n\n", Ok(("GET / HTTP/1.0", &[]))),
        ("line ends mixed", b"GET / HTTP/1.0\r\n\n", Ok(("GET / HTTP/1.0", &[]))),
        (
            "a later 1.x is 1.1",
            b"GET / HTTP/1.7\r\nHost:\r\n\r\n",
            Ok(("GET / HTTP/1.1", &[("Host", b"")])),
        ),
        ("empty lines in front", b"\r\n\n\r\nGET / HTTP/1.0\r\n\r\n", Ok(("GET / HTTP/1.0", &[]))),
        ("query", b"GET /a?b=c&d?/ HTTP/1.0\r\n\r\n", Ok(("GET /a?b=c&d?/ HTTP/1.0", &[]))),
        ("encoded", b"GET /%00%20%2F HTTP/1.0\r\n\r\n", Ok(("GET /%00%20%2F HTTP/1.0", &[]))),
        ("method of one's own", b"M-SEARCH /x HTTP/1.0\r\n\r\n", Ok(("M-SEARCH /x HTTP/1.0", &[]))),
        ("method in small letters", b"get / HTTP/1.0\r\n\r\n", Ok(("get / HTTP/1.0", &[]))),
        (
            "absolute",
            b"GET http://H:80?q HTTP/1.0\r\n\r\n",
            Ok(("GET http://h:80/?q HTTP/1.0", &[])),
        ),
        ("asterisk", b"OPTIONS * HTTP/1.0\r\n\r\n", Ok(("OPTIONS * HTTP/1.0", &[]))),
        ("authority", b"CONNECT h:443 HTTP/1.0\r\n\r\n", Ok(("CONNECT h:443 HTTP/1.0", &[]))),
        ("HTTP/0.9", b"GET /\r\n", Err((RequestLine, 5))),
        ("one word", b"GET\r\n", Err((RequestLine, 3))),
        ("version missing", b"GET / \r\n", Err((RequestLine, 5))),
        ("two spaces", b"GET  / HTTP/1.1\r\n", Err((RequestLine, 4))),
        ("two more spaces", b"GET /  HTTP/1.1\r\n", Err((RequestLine, 5))),
        ("space at the end", b"GET / HTTP/1.1 \r\n", Err((RequestLine, 5))),
        ("space in the target", b"GET /a b HTTP/1.1\r\n", Err((RequestLine, 6))),
        ("tabs for spaces", b"GET\t/\tHTTP/1.1\r\n", Err((RequestLine, 14))),
        ("tab behind the method", b"GET\t / HTTP/1.1\r\n", Err((MethodName, 3))),
        ("colon in the method", b"GET: / HTTP/1.1\r\n", Err((MethodName, 3))),
        ("obs-text in the method", b"G\xC3\x8BT / HTTP/1.1\r\n", Err((MethodName, 1))),
        ("NUL in the method", b"G\0T / HTTP/1.1\r\n", Err((MethodName, 1))),
        ("form of another method", b"GET * HTTP/1.1\r\n", Err((TargetForm, 4))),
        ("no slash", b"GET index.html HTTP/1.1\r\n", Err((TargetForm, 4))),
        ("CONNECT to a path", b"CONNECT / HTTP/1.1\r\n", Err((TargetForm, 8))),
        ("user information", b"GET http://u@h/ HTTP/1.1\r\n", Err((TargetForm, 11))),
        ("https", b"GET https://h/ HTTP/1.1\r\n", Err((TargetForm, 4))),
        ("fragment", b"GET /a#b HTTP/1.1\r\n", Err((TargetByte, 6))),
        ("no UTF-8 in the target", b"GET /\xE9 HTTP/1.1\r\n", Err((TargetByte, 5))),
        ("NUL in the target", b"GET /\0 HTTP/1.1\r\n", Err((TargetByte, 5))),
        ("tab in the target", b"GET /\t HTTP/1.1\r\n", Err((TargetByte, 5))),
        ("in the query", b"GET /?\x7F HTTP/1.1\r\n", Err((TargetByte, 6))),
        ("percent", b"GET /100% HTTP/1.1\r\n", Err((Percent, 8))),
        ("version in small letters", b"GET / http/1.1\r\n", Err((Version, 6))),
        ("version too long", b"GET / HTTP/1.10\r\n", Err((Version, 6))),
        ("another protocol", b"GET / HTTPS/1.1\r\n", Err((Version, 6))),
        ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\n", Err((MajorVersion, 6))),
        ("HTTP/0.9 said", b"GET / HTTP/0.9\r\n", Err((MajorVersion, 6))),
        ("CR in front", b"\rGET / HTTP/1.1\r\n", Err((BareCr, 0))),
        ("CR behind the method", b"GET\r / HTTP/1.1\r\n", Err((BareCr, 3))),
        ("CR in the target", b"GET /\rX HTTP/1.1\r\n", Err((BareCr, 5))),
        ("CR behind the version", b"GET / HTTP/1.1\r\r\n", Err((BareCr, 14))),
        ("CR for a line end", b"GET / HTTP/1.1\rHost: a\r\r\n", Err((BareCr, 14))),
        ("space in front", b" GET / HTTP/1.1\r\n", Err((NotHttp, 0))),
        ("tab in front", b"\tGET / HTTP/1.1\r\n", Err((NotHttp, 0))),
        ("brace", b"{\"json\": true}\r\n", Err((NotHttp, 0))),
        ("NUL", b"\0\0\0\r\n", Err((NotHttp, 0))),
        ("behind an empty line", b"\r\n{}\r\n", Err((NotHttp, 0))),
        ("Ctrl-C in telnet", b"\xFF\xF4\xFF\xFD\x06", Err((Telnet, 0))),
        ("its IAC alone", b"\xFF", Err((Telnet, 0))),
        ("its first byte alone", b"\x16", Err((Tls, 0))),
        ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", Err((Tls, 0))),
    ]);
}

#[test]
fn request_fields() {
    // Behind `GET / HTTP/1.0\r\n`, which is 16 bytes long, and before an empty line.
    let cases: &[(&str, &[u8], Want<'_>)] = &[
        ("none", b"", Ok(("", &[]))),
        (
            "order and case stay",
            b"B: 1\r\na: 2\r\nb: 3\r\n",
            Ok(("", &[("B", b"1"), ("a", b"2"), ("b", b"3")])),
        ),
        ("bare LF", b"A: 1\nB: 2\r\nC: 3\n", Ok(("", &[("A", b"1"), ("B", b"2"), ("C", b"3")]))),
        ("empty value", b"A:\r\n", Ok(("", &[("A", b"")]))),
        ("value of spaces", b"A: \t \r\n", Ok(("", &[("A", b"")]))),
        ("no space", b"A:b\r\n", Ok(("", &[("A", b"b")]))),
        ("spaces and tabs around", b"A: \tb\tc \t\r\n", Ok(("", &[("A", b"b\tc")]))),
        ("colons in the value", b"A: b:c::\r\n", Ok(("", &[("A", b"b:c::")]))),
        ("obs-text in the value", b"A: \xC3\xA9\xFF\r\n", Ok(("", &[("A", b"\xC3\xA9\xFF")]))),
        (
            "all sorts of tchars",
            b"!#$%&'*+-.^_`|~9z: x\r\n",
            Ok(("", &[("!#$%&'*+-.^_`|~9z", b"x")])),
        ),
        ("no colon", b"Accept\r\n", Err((FieldColon, 16))),
        ("no name", b": x\r\n", Err((FieldName, 16))),
        ("space in the name", b"A B: x\r\n", Err((FieldName, 17))),
        ("obs-text in the name", b"\xC3\xA9: x\r\n", Err((FieldName, 16))),
        ("NUL in the name", b"A\0: x\r\n", Err((FieldName, 17))),
        ("brackets in the name", b"A[0]: x\r\n", Err((FieldName, 17))),
        ("space before the colon", b"Host : a\r\n", Err((SpaceBeforeColon, 20))),
        ("tab before the colon", b"Host\t: a\r\n", Err((SpaceBeforeColon, 20))),
        ("spaces before the colon", b"A: b\r\nHost \t: a\r\n", Err((SpaceBeforeColon, 26))),
        ("fold", b"A: b\r\n c\r\n", Err((Fold, 22))),
        ("fold by a tab", b"A: b\r\n\tc: d\r\n", Err((Fold, 22))),
        ("space before the first field", b" A: b\r\n", Err((Fold, 16))),
        ("line of a space", b"A: b\r\n \r\n", Err((Fold, 22))),
        ("NUL in the value", b"A: b\0\r\n", Err((FieldValue, 20))),
        ("DEL in the value", b"A: \x7F\r\n", Err((FieldValue, 19))),
        ("escape in the value", b"A: \x1B[2J\r\n", Err((FieldValue, 19))),
        ("CR in the value", b"A: b\rC: d\r\n", Err((BareCr, 20))),
        ("CR before the CRLF", b"A: b\r\r\n", Err((BareCr, 20))),
        ("CR behind the colon", b"A:\r b\r\n", Err((BareCr, 18))),
        ("CR in the name", b"Ho\rst: a\r\n", Err((BareCr, 18))),
        ("CR before the colon", b"Host\r: a\r\n", Err((BareCr, 20))),
        ("CR in front of a name", b"\rHost: a\r\n", Err((BareCr, 16))),
        ("CR in a line without a colon", b"A\rB\r\n", Err((BareCr, 17))),
        ("CR in an empty line", b"A: b\r\n\r\r\n", Err((BareCr, 22))),
        ("CR in a fold", b"A: b\r\n c\r\r\n", Err((BareCr, 24))),
    ];
    for (name, fields, want) in cases {
        let wire = [b"GET / HTTP/1.0\r\n", *fields, b"\r\n"].concat();
        let want = want.map(|(_, fields)| ("GET / HTTP/1.0", fields));
        run::<RequestHead>(name, &wire, &Limits::default(), &want);
    }
}

#[test]
fn hosts() {
    let cases: &[(&str, &[u8], Want<'_>)] = &[
        ("name and port", b"Host: a:8080\r\n", Ok(("", &[("Host", b"a:8080")]))),
        ("address", b"hOST: 127.0.0.1\r\n", Ok(("", &[("hOST", b"127.0.0.1")]))),
        ("IPv6 address", b"Host: [::1]:80\r\n", Ok(("", &[("Host", b"[::1]:80")]))),
        ("empty", b"Host:\r\n", Ok(("", &[("Host", b"")]))),
        ("missing", b"Hosts: a\r\n", Err((HostMissing, 26))),
        ("repeated", b"Host: a\r\nhost: a\r\n", Err((HostRepeated, 31))),
        ("empty and another", b"Host:\r\nHost: a\r\n", Err((HostRepeated, 29))),
        ("two in one", b"Host: a, b\r\n", Err((HostInvalid, 22))),
        ("with a path", b"Host: a/b\r\n", Err((HostInvalid, 22))),
        ("with a user", b"Host: u@a\r\n", Err((HostInvalid, 22))),
        ("with a scheme", b"Host: http://a\r\n", Err((HostInvalid, 22))),
        ("port alone", b"Host: :80\r\n", Err((HostInvalid, 22))),
        ("port too large", b"Host: a:65536\r\n", Err((HostInvalid, 22))),
        ("obs-text", b"Host: \xC3\xA9\r\n", Err((HostInvalid, 22))),
    ];
    for (name, fields, want) in cases {
        let wire = [b"GET / HTTP/1.1\r\n", *fields, b"\r\n"].concat();
        let want = want.map(|(_, fields)| ("GET / HTTP/1.1", fields));
        run::<RequestHead>(name, &wire, &Limits::default(), &want);
    }
    run_all::<RequestHead>(&[
        (
            "absolute target, and still a Host",
            b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
            Ok(("GET http://a/ HTTP/1.1", &[("Host", b"b")])),
        ),
        ("absolute target alone", b"GET http://a/ HTTP/1.1\r\n\r\n", Err((HostMissing, 24))),
        ("1.0, repeated", b"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", Err((HostRepeated, 31))),
        ("1.0, invalid", b"GET / HTTP/1.0\r\nHost: a b\r\n\r\n", Err((HostInvalid, 22))),
    ]);
}

#[test]
fn fields_with_one_value_have_one() {
    run_all::<RequestHead>(&[
        (
            "equal",
            b"GET / HTTP/1.0\r\nContent-Type: a/b\r\ncontent-type:a/b \r\n\r\n",
            Ok(("GET / HTTP/1.0", &[("Content-Type", b"a/b"), ("content-type", b"a/b")])),
        ),
        (
            "different",
            b"GET / HTTP/1.0\r\nContent-Type: a/b\r\nContent-Type: a/c\r\n\r\n",
            Err((FieldsDiffer, 49)),
        ),
        (
            "the third",
            b"GET / HTTP/1.0\r\nOrigin: a\r\nA: b\r\nOrigin: a\r\norigin: b\r\n\r\n",
            Err((FieldsDiffer, 52)),
        ),
        (
            "secrets",
            b"GET / HTTP/1.0\r\nAuthorization: Basic a\r\nAuthorization: Basic b\r\n\r\n",
            Err((FieldsDiffer, 55)),
        ),
    ]);
}

#[test]
fn the_host_that_is_asked_for() {
    for (wire, want) in [
        ("GET http://a:81/ HTTP/1.1\r\nHost: b\r\n\r\n", Some("a:81")),
        ("GET / HTTP/1.1\r\nHost: B:82\r\n\r\n", Some("b:82")),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", None),
        ("GET / HTTP/1.0\r\n\r\n", None),
        ("CONNECT c:83 HTTP/1.1\r\nHost: b\r\n\r\n", Some("c:83")),
    ] {
        let head = parse::<RequestHead>([wire.as_bytes()].into_iter(), &Limits::default());
        let (head, _) = head.unwrap().unwrap();
        assert_eq!(head.host().map(|host| host.to_string()).as_deref(), want, "{wire:?}");
    }
}

#[test]
fn requests_at_their_limits_and_one_beyond() {
    let limits = Limits { request_line: 20, field: 10, head: 60, fields: 4, ..Limits::default() };
    let line = b"GET / HTTP/1.0\r\n"; // 16 bytes
    let five: (&str, &[u8]) = ("A", b"12345");
    let cases: &[(&str, &[u8], Want<'_>)] = &[
        ("line", b"GET /1234 HTTP/1.0\r\n\r\n", Ok(("GET /1234 HTTP/1.0", &[]))),
        ("line by LF", b"GET /12345 HTTP/1.0\n\n", Ok(("GET /12345 HTTP/1.0", &[]))),
        ("line + 1", b"GET /12345 HTTP/1.0\r\n", Err((RequestLineTooLong, 20))),
        ("line without end", b"GET /1234567890123456", Err((RequestLineTooLong, 20))),
        ("field", b"A: 12345\r\n", Ok(("", &[five]))),
        ("field + 1", b"A: 123456\r\n", Err((FieldTooLong, 16))),
        ("field without end", b"A: 12345678", Err((FieldTooLong, 16))),
        ("second field + 1", b"A: 12345\r\nB: 123456\r\n", Err((FieldTooLong, 26))),
        (
            "head",
            b"A: 12345\r\nA: 12345\r\nA: 12345\r\nA: 12345\r\n",
            Ok(("", &[five, five, five, five])),
        ),
        ("fields + 1", b"A:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", Err((TooManyFields, 32))),
    ];
    for (name, part, want) in cases {
        let whole_line = part.starts_with(b"GET");
        let wire = if whole_line { part.to_vec() } else { [line, *part, b"\r\n"].concat() };
        let want =
            want.map(|(first, fields)| (if whole_line { first } else { "GET / HTTP/1.0" }, fields));
        run::<RequestHead>(name, &wire, &limits, &want);
    }
    // The same four fields leave 2 bytes of 58 for the blank line, and none of 57.
    let four = [&line[..], &b"A: 12345\r\n".repeat(4), b"\r\n"].concat();
    let want = Ok(("GET / HTTP/1.0", &[five; 4][..]));
    run::<RequestHead>("head", &four, &Limits { head: 58, ..limits.clone() }, &want);
    for head in [56, 57] {
        let limits = Limits { head, ..limits.clone() };
        run::<RequestHead>("head + 1", &four, &limits, &Err((HeadTooLong, 56)));
    }
    run::<RequestHead>(
        "field in a full head",
        &four,
        &Limits { head: 55, ..limits },
        &Err((HeadTooLong, 46)),
    );
}

/// RFC 9112, 3: the server knows no such method (501), or the target is too long (414).
#[test]
fn what_is_too_long_is_the_method_if_it_has_no_end() {
    let limits = Limits { request_line: 20, ..Limits::default() };
    for (line, rule) in [
        (&b"ABCDEFGHIJKLMNOPQRST / HTTP/1.0\r\n"[..], MethodTooLong),
        (b"ABCDEFGHIJKLMNOPQRSTU", MethodTooLong),
        (b"ABCDEFGHIJKLMNOPQRS / HTTP/1.0\r\n", RequestLineTooLong),
    ] {
        run::<RequestHead>("GET", line, &limits, &Err((rule, 20)));
    }
}

#[test]
fn empty_lines_in_front_are_not_endless() {
    let limits = Limits { fields: 3, ..Limits::default() };
    let line = b"GET / HTTP/1.0\r\n\r\n";
    for (count, want) in [
        (3, Ok(("GET / HTTP/1.0", &[][..]))),
        (4, Err((RequestLine, 0))),
        (9, Err((RequestLine, 0))),
    ] {
        let wire = [&b"\r\n".repeat(count)[..], line].concat();
        run::<RequestHead>("empty lines", &wire, &limits, &want);
    }
}

#[test]
fn what_is_not_http_is_not_a_long_line_either() {
    let nine_thousand = |byte: u8| vec![byte; 9000];
    for (byte, rule) in [(0, NotHttp), (0x16, Tls), (0xFF, Telnet), (b'A', MethodTooLong)] {
        let offset = if rule == MethodTooLong { 8192 } else { 0 };
        let limits = Limits::default();
        run::<RequestHead>("garbage", &nine_thousand(byte), &limits, &Err((rule, offset)));
        run::<ResponseHead>("garbage", &nine_thousand(byte), &limits, &Err((NoStatusLine, 0)));
    }
}

#[test]
fn heads_cut_short() {
    let whole = b"\r\nGET / HTTP/1.0\r\nA: b\r\n\r\n";
    for end in 0..whole.len() {
        for step in [1, whole.len()] {
            let got = parse::<RequestHead>(whole[..end].chunks(step), &Limits::default());
            // A head begins behind the empty line; a CR alone is the beginning of something.
            let arrived = if end < 2 { end } else { end - 2 };
            match got.map_err(|fault| (fault.rule, fault.offset)) {
                Ok(None) => assert_eq!(arrived, 0, "by {step}"),
                got => assert_eq!(got, Err((HeadIncomplete, arrived as u64)), "by {step}"),
            }
        }
    }
    let response = b"HTTP/1.1 200 OK\r\nA: b\r\n";
    let got = parse::<ResponseHead>([&response[..]].into_iter(), &Limits::default());
    assert_eq!(got, Err(Fault::new(HeadIncomplete, response.len())));
}

#[test]
fn status_lines() {
    run_all::<ResponseHead>(&[
        ("plain", b"HTTP/1.1 200 OK\r\n\r\n", Ok(("HTTP/1.1 200 OK", &[]))),
        ("bare LF", b"HTTP/1.1 200 OK\n\n", Ok(("HTTP/1.1 200 OK", &[]))),
        ("1.0", b"HTTP/1.0 404 Not Found\r\n\r\n", Ok(("HTTP/1.0 404 Not Found", &[]))),
        ("a later 1.x", b"HTTP/1.2 200 OK\r\n\r\n", Ok(("HTTP/1.1 200 OK", &[]))),
        (
            "phrase of one's own",
            b"HTTP/1.1 200 Fine, thanks\r\n\r\n",
            Ok(("HTTP/1.1 200 Fine, thanks", &[])),
        ),
        ("no phrase", b"HTTP/1.1 200 \r\n\r\n", Ok(("HTTP/1.1 200 ", &[]))),
        ("no phrase, no space", b"HTTP/1.1 200\r\n\r\n", Ok(("HTTP/1.1 200 ", &[]))),
        ("phrase of a space", b"HTTP/1.1 200  \r\n\r\n", Ok(("HTTP/1.1 200  ", &[]))),
        ("tab in the phrase", b"HTTP/1.1 200 a\tb\r\n\r\n", Ok(("HTTP/1.1 200 a\tb", &[]))),
        ("lowest", b"HTTP/1.1 100 Continue\r\n\r\n", Ok(("HTTP/1.1 100 Continue", &[]))),
        ("highest", b"HTTP/1.1 999 X\r\n\r\n", Ok(("HTTP/1.1 999 X", &[]))),
        ("two digits", b"HTTP/1.1 20 OK\r\n", Err((StatusLine, 9))),
        ("four digits", b"HTTP/1.1 1000 OK\r\n", Err((StatusLine, 9))),
        ("leading zeros", b"HTTP/1.1 0200 OK\r\n", Err((StatusLine, 9))),
        ("99", b"HTTP/1.1 099 X\r\n", Err((StatusLine, 9))),
        ("sign", b"HTTP/1.1 +20 OK\r\n", Err((StatusLine, 9))),
        ("no code", b"HTTP/1.1\r\n", Err((StatusLine, 8))),
        ("no code but a space", b"HTTP/1.1 \r\n", Err((StatusLine, 9))),
        ("two spaces", b"HTTP/1.1  200 OK\r\n", Err((StatusLine, 9))),
        ("tab", b"HTTP/1.1\t200 OK\r\n", Err((StatusLine, 0))),
        ("tab behind the code", b"HTTP/1.1 200\tOK\r\n", Err((StatusLine, 9))),
        ("NUL in the phrase", b"HTTP/1.1 200 O\0\r\n", Err((StatusLine, 14))),
        ("CR in the phrase", b"HTTP/1.1 200 O\rK\r\n", Err((StatusLine, 14))),
        ("CR before the CRLF", b"HTTP/1.1 200 OK\r\r\n", Err((StatusLine, 15))),
        ("HTTP/2.0", b"HTTP/2.0 200 OK\r\n", Err((MajorVersion, 0))),
        ("HTTP/2", b"HTTP/2 200\r\n", Err((StatusLine, 0))),
        ("ICY", b"ICY 200 OK\r\n", Err((NoStatusLine, 0))),
        ("HTTP/0.9", b"<!DOCTYPE html>\r\n", Err((NoStatusLine, 0))),
        ("small letters", b"http/1.1 200 OK\r\n", Err((NoStatusLine, 0))),
        ("empty line in front", b"\r\nHTTP/1.1 200 OK\r\n", Err((NoStatusLine, 0))),
        ("binary", b"\x00\x01\x02", Err((NoStatusLine, 0))),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n", Err((NoStatusLine, 0))),
    ]);
}

#[test]
fn a_status_line_at_its_limit_and_one_beyond() {
    let limits = Limits { request_line: 17, ..Limits::default() };
    let plain = Ok(("HTTP/1.1 200 OK", &[][..]));
    run::<ResponseHead>("limit", b"HTTP/1.1 200 OK\r\n\r\n", &limits, &plain);
    for wire in [&b"HTTP/1.1 200 Okay\n\n"[..], b"HTTP/1.1 200 Okay, "] {
        run::<ResponseHead>("limit + 1", wire, &limits, &Err((StatusLineTooLong, 17)));
    }
}

#[test]
fn response_fields() {
    // Behind `HTTP/1.1 200 OK\r\n`, which is 17 bytes long, and before an empty line.
    let cases: &[(&str, &[u8], Want<'_>)] = &[
        ("plain", b"A: b\r\nC: d\r\n", Ok(("", &[("A", b"b"), ("C", b"d")]))),
        ("fold", b"A: b\r\n c\r\nD: e\r\n", Ok(("", &[("A", b"b   c"), ("D", b"e")]))),
        ("folds", b"A: b \r\n\t c\t\r\n d\r\n", Ok(("", &[("A", b"b     c    d")]))),
        ("fold with a colon", b"A: b\r\n c: d\r\n", Ok(("", &[("A", b"b   c: d")]))),
        ("fold of nothing", b"A: b\r\n \r\nC: d\r\n", Ok(("", &[("A", b"b"), ("C", b"d")]))),
        ("folds of nothing", b"A: b\r\n \r\n\t\r\n c\r\n", Ok(("", &[("A", b"b         c")]))),
        ("nothing folded", b"A: \r\n b\r\n", Ok(("", &[("A", b"b")]))),
        ("nothing at all folded", b"A:\r\n \r\n", Ok(("", &[("A", b"")]))),
        ("fold before any field", b" a\r\n", Err((Fold, 17))),
        ("NUL in a fold", b"A: b\r\n \0\r\n", Err((FieldValue, 24))),
        ("CR in a fold", b"A: b\r\n c\rd\r\n", Err((BareCr, 25))),
        ("space before the colon", b"A : b\r\n", Ok(("", &[("A", b"b")]))),
        (
            "blanks around the colon",
            b"A\t  :\t b \r\nC:d\r\n",
            Ok(("", &[("A", b"b"), ("C", b"d")])),
        ),
        ("space before the colon and LF", b"A :\nC: d\r\n", Ok(("", &[("A", b""), ("C", b"d")]))),
        ("fold behind it", b"A : b\r\n c\r\n", Ok(("", &[("A", b"b   c")]))),
        ("space in a name", b"A B : c\r\n", Err((FieldName, 18))),
        (
            "nothing but a space before the colon",
            b"A: b\r\n : c\r\n",
            Ok(("", &[("A", b"b   : c")])),
        ),
        ("NUL behind it", b"A : b\0\r\n", Err((FieldValue, 22))),
        ("no colon", b"A: b\r\nC\r\n", Err((FieldColon, 23))),
    ];
    for (name, fields, want) in cases {
        let wire = [b"HTTP/1.1 200 OK\r\n", *fields, b"\r\n"].concat();
        let want = want.map(|(_, fields)| ("HTTP/1.1 200 OK", fields));
        run::<ResponseHead>(name, &wire, &Limits::default(), &want);
    }
}

#[test]
fn a_fold_is_no_field() {
    let limits = Limits { fields: 1, ..Limits::default() };
    let want = Ok(("HTTP/1.1 200 OK", &[("A", &b"b   c"[..])][..]));
    run::<ResponseHead>("fold", b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", &limits, &want);
    let wire = b"HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n";
    run::<ResponseHead>("two fields", wire, &limits, &Err((TooManyFields, 23)));
}

#[test]
fn a_phrase_does_not_end_the_line_early() {
    for (phrase, written) in [
        (&b"Fine"[..], "HTTP/1.1 200 Fine\r\n\r\n"),
        (b"Fine\r\nSet-Cookie: a=b", "HTTP/1.1 200 OK\r\n\r\n"),
        (b"Fine\n\nhello", "HTTP/1.1 200 OK\r\n\r\n"),
        (b"\0", "HTTP/1.1 200 OK\r\n\r\n"),
    ] {
        let mut head = ResponseHead::new(Status::OK);
        head.reason = Cow::Owned(phrase.to_vec());
        let mut out = Vec::new();
        head.encode(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), written);
    }
}
