//! Forms, each read whole, byte by byte, and with bytes behind it.

use super::*;
use crate::proto::http::status::Status;

/// What a form is: each part with its file name and its content, up to the end or a fault.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Story {
    pub(super) parts: Vec<(String, Option<String>, Vec<u8>)>,
    pub(super) end: Option<Result<(), (MultipartRule, u64)>>,
}

const TYPE: &str = "multipart/form-data; boundary=xyz";

/// So low that a few hundred bytes meet all of them.
fn tight() -> Limits {
    Limits { field: 70, head: 120, fields: 3, form_fields: 3, ..Limits::default() }
}

/// Reads a body that arrives in these pieces.
pub(super) fn story<'b>(
    content_type: &str,
    pieces: impl IntoIterator<Item = &'b [u8]>,
    limits: &Limits,
    most: usize,
) -> Story {
    let boundary = Boundary::parse(content_type.as_bytes()).unwrap();
    let kept = b"\r\n--".len() + content_type.split("boundary=").last().unwrap().len();
    let (mut parser, mut input, mut pieces) =
        (Parser::new(boundary), Buf::new(), pieces.into_iter());
    let mut story = Story::default();
    loop {
        match parser.receive(&mut input, limits, most) {
            Ok(Event::Part(head)) => story.parts.push((head.name, head.filename, Vec::new())),
            Ok(Event::Data(data)) => {
                assert!((1..=most).contains(&data.len()) && parser.is_in_content());
                story.parts.last_mut().unwrap().2.extend_from_slice(data);
            }
            Ok(Event::PartEnd) => assert!(!parser.is_in_content()),
            Ok(Event::More) => {
                let line = matches!(parser.state, State::Head(_));
                assert!(input.len() <= if line { limits.field } else { kept }, "{input:?}");
                match pieces.next() {
                    Some(piece) => input.extend(piece),
                    None => input.close(),
                }
            }
            Ok(Event::End) => {
                story.end = Some(Ok(()));
                return story;
            }
            Err(fault) => {
                let again = parser.receive(&mut input, limits, most).unwrap_err();
                assert_eq!(again, fault, "it does not go on after a fault");
                story.end = Some(Err((fault.rule, fault.offset.unwrap())));
                return story;
            }
        }
    }
}

/// The same, however the bytes arrive, and with an epilogue.
fn read(body: &str) -> Story {
    let bytes = body.as_bytes();
    let whole = story(TYPE, [bytes], &tight(), usize::MAX);
    assert_eq!(story(TYPE, bytes.chunks(1), &tight(), usize::MAX), whole, "byte by byte: {body:?}");
    assert_eq!(story(TYPE, bytes.chunks(7), &tight(), 3), whole, "in pieces: {body:?}");
    if whole.end == Some(Ok(())) {
        for more in ["x", "\r\n", "\r\n--xyz\r\nand more"] {
            let longer = [bytes, more.as_bytes()].concat();
            assert_eq!(
                story(TYPE, [&longer[..]], &tight(), usize::MAX),
                whole,
                "{body:?} {more:?}"
            );
        }
    }
    whole
}

const A: &str = "Content-Disposition: form-data; name=\"a\"\r\n";
const FILE: &str = "Content-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n";

#[test]
fn what_is_in_a_form() {
    let longest = format!("X: {}\r\n", "x".repeat(70 - 5));
    for (name, body, want) in [
        ("no part", "--xyz--\r\n".to_owned(), &[][..]),
        ("no line end behind it", "--xyz--".to_owned(), &[]),
        ("one field", format!("--xyz\r\n{A}\r\nb\r\n--xyz--\r\n"), &[("a", None, "b")]),
        (
            "a field and a file",
            format!(
                "--xyz\r\n{A}\r\nb\r\n--xyz\r\n{FILE}Content-Type: text/plain\r\n\r\nhello\r\n\r\n--xyz--\r\n"
            ),
            &[("a", None, "b"), ("f", Some("x.txt"), "hello\r\n")],
        ),
        ("no content", format!("--xyz\r\n{A}\r\n\r\n--xyz--\r\n"), &[("a", None, "")]),
        (
            "no content, and its line end left out",
            format!("--xyz\r\n{A}\r\n--xyz--\r\n"),
            &[("a", None, "")],
        ),
        (
            "an empty line is content",
            format!("--xyz\r\n{A}\r\n\r\n\r\n--xyz--"),
            &[("a", None, "\r\n")],
        ),
        (
            "nearly delimiters",
            format!("--xyz\r\n{A}\r\n-\r\n--xy\r\r\n--\n--xyz\r\n-xyz --xyz\r\n --xyz\r\n--xyz--"),
            &[("a", None, "-\r\n--xy\r\r\n--\n--xyz\r\n-xyz --xyz\r\n --xyz")],
        ),
        ("it ends with CR", format!("--xyz\r\n{A}\r\nb\r\r\n--xyz--"), &[("a", None, "b\r")]),
        (
            "it begins with the start of one",
            format!("--xyz\r\n{A}\r\n--xy\r\n--xyz--"),
            &[("a", None, "--xy")],
        ),
        (
            "a preamble",
            format!("old programs\r\n--xy\r\n\r\n--xyz\r\n{A}\r\nb\r\n--xyz--"),
            &[("a", None, "b")],
        ),
        (
            "an empty line before it",
            format!("\r\n--xyz\r\n{A}\r\nb\r\n--xyz--"),
            &[("a", None, "b")],
        ),
        (
            "blanks behind delimiters",
            format!("--xyz \t\r\n{A}\r\nb\r\n--xyz \r\n{A}\r\nc\r\n--xyz-- "),
            &[("a", None, "b"), ("a", None, "c")],
        ),
        (
            "other fields",
            format!("--xyz\r\nX:y\r\n{A}Content-Type: a/b\r\n\r\nb\r\n--xyz--"),
            &[("a", None, "b")],
        ),
        ("the longest line", format!("--xyz\r\n{longest}{A}\r\nb\r\n--xyz--"), &[("a", None, "b")]),
        (
            "as many parts as may be",
            format!("{}--xyz--", format!("--xyz\r\n{A}\r\nb\r\n").repeat(3)),
            &[("a", None, "b"), ("a", None, "b"), ("a", None, "b")],
        ),
    ] {
        let got = read(&body);
        let want = want.iter().map(|&(name, file, content): &(&str, Option<&str>, &str)| {
            (name.to_owned(), file.map(str::to_owned), content.as_bytes().to_vec())
        });
        assert_eq!(got.parts, want.collect::<Vec<_>>(), "{name}");
        assert_eq!(got.end, Some(Ok(())), "{name}");
    }
}

/// The `@` is where it is wrong.
#[test]
fn what_is_wrong_with_a_form() {
    use MultipartRule::*;
    let long = "x".repeat(70);
    let [a, part] = [A.to_owned(), format!("--xyz\r\n{A}\r\nb\r\n")];
    for (rule, body) in [
        (Incomplete, "@".to_owned()),
        (Incomplete, "--xy@".to_owned()),
        (Incomplete, "--xyz@".to_owned()),
        (Incomplete, "--xyz-@".to_owned()),
        (Incomplete, "--xyz\r@".to_owned()),
        (Incomplete, format!("--xyz\r\n{A}@")),
        (Incomplete, format!("--xyz\r\n{A}\r\nb@")),
        (Incomplete, format!("--xyz\r\n{A}\r\nb\r\n--xyz\r\n@")),
        (Incomplete, "a preamble and nothing else\r\n@".to_owned()),
        (Incomplete, "--abc\r\nanother boundary\r\n--abc--\r\n@".to_owned()),
        (AfterBoundary, "--xyz@x\r\n".to_owned()),
        (AfterBoundary, "--xyz@-\r\n".to_owned()),
        (AfterBoundary, "--xyz @--\r\n".to_owned()),
        (AfterBoundary, "--xyz@\rx".to_owned()),
        (AfterBoundary, format!("--xyz\r\n{A}\r\nb\r\n--xyz@2\r\nc\r\n--xyz--")),
        (LineEnd, format!("--xyz@\n{A}\r\nb\r\n--xyz--")),
        (LineEnd, format!("--xyz\r\n{}@\n\r\nb\r\n--xyz--", a.trim_end())),
        (LineEnd, format!("--xyz\r\n{A}@\nb\r\n--xyz--")),
        (Field, format!("--xyz\r\n{A}@b\r\n--xyz--\r\n")),
        (Field, format!("--xyz\r\n{A}@ folded\r\n\r\nb")),
        (Field, "--xyz\r\n@: a\r\n\r\n".to_owned()),
        (Field, "--xyz\r\nA@ : a\r\n\r\n".to_owned()),
        (Field, "--xyz\r\nA: a@\0\r\n\r\n".to_owned()),
        (Field, "--xyz\r\nA: a@\rb\r\n\r\n".to_owned()),
        (Name, "--xyz\r\n@\r\nb\r\n--xyz--".to_owned()),
        (Name, "--xyz\r\n@Content-Type: text/plain\r\n\r\nb\r\n--xyz--".to_owned()),
        (Name, "--xyz\r\nContent-Disposition: @form-data\r\n\r\nb\r\n--xyz--".to_owned()),
        (
            Name,
            format!("{part}--xyz\r\nX: y\r\nContent-Disposition: @attachment; name=\"a\"\r\n\r\nb"),
        ),
        (HeadTooLarge, format!("--xyz\r\n@X: {long}")),
        (HeadTooLarge, format!("--xyz\r\n{A}X: {}\r\n@Y: {}\r\n", "x".repeat(60), "x".repeat(20))),
        (HeadTooLarge, format!("--xyz\r\n{A}b: c\r\nc: d\r\n@e: f\r\n")),
        (TooManyParts, format!("{}--xyz@\r\n{A}\r\n", part.repeat(3))),
    ] {
        let at = body.find('@').unwrap() as u64;
        let got = read(&body.replace('@', ""));
        assert_eq!(got.end, Some(Err((rule, at))), "{body:?}");
    }
}

#[test]
fn only_a_field_of_a_part_is_shown() {
    let excerpt = |body: &str| {
        let mut input = Buf::new();
        input.extend(body.as_bytes());
        let mut parser = Parser::new(Boundary::parse(TYPE.as_bytes()).unwrap());
        loop {
            match parser.receive(&mut input, &Limits::default(), 10) {
                Ok(Event::More) => input.close(),
                Ok(_) => {}
                Err(fault) => return fault.excerpt.map(|excerpt| excerpt.line()),
            }
        }
    };
    let wrong = "--xyz\r\nContent-Disposition: form-data; nam=\"a\"\r\n\r\nhunter2";
    let shown = r#"Content-Disposition: form-data; nam="a"\r\n"#;
    assert_eq!(excerpt(wrong).as_deref(), Some(shown));
    assert_eq!(excerpt(&format!("--xyz\r\n{A}hunter2\r\n")), None, "the empty line was forgotten");
    assert_eq!(excerpt(&format!("--xyz\r\n{A}\r\nhunter2")), None);
}

#[test]
fn what_is_too_large_is_a_413() {
    for &rule in MultipartRule::ALL {
        let is_limit = matches!(rule, MultipartRule::HeadTooLarge | MultipartRule::TooManyParts);
        assert_eq!(rule.status() == Status::CONTENT_TOO_LARGE, is_limit, "{rule:?}");
    }
}
