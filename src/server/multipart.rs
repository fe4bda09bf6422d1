//! A form with files, read part by part while it arrives.
//!
//! [`proto::http::multipart`](crate::proto::http::multipart) parses; this reads for it, at most 8 KB ahead.

use std::io::{self, Read};

use super::into_response::IntoResponse;
use super::request::Request;
use super::respond::error_response::{ErrorResponse, Place, shown};
use super::respond::failure::failed;
use super::response::Response;
use crate::proto::buf::Buf;
use crate::proto::http::headers::Headers;
use crate::proto::http::limits::Limits;
use crate::proto::http::multipart::{Boundary, Event, MultipartFault, Parser, PartHead};
use crate::proto::http::status::Status;

/// The number of bytes that are read ahead.
const AHEAD: usize = 8 << 10;

/// The least room for a read, behind the start of a long line.
const LEAST: usize = 512;

/// A form of the type `multipart/form-data` (RFC 7578), as a browser sends it for
/// `<form enctype="multipart/form-data">` and for a `FormData`, and curl for `-F`.
///
/// The parts come in the order of the form, and each is [read](Part) as it arrives: a large file is never in
/// memory. A handler that reads uploads of any size asks for the body while it
/// [arrives](super::Handler::streams); otherwise it has arrived when the handler is called.
///
/// ```
/// use threadbare::server::{Multipart, MultipartError};
///
/// fn main() -> Result<(), MultipartError> {
///     let content_type = "multipart/form-data; boundary=xyz";
///     let mut body = std::io::Cursor::new(
///         "--xyz\r\n\
///          Content-Disposition: form-data; name=\"to\"\r\n\
///          \r\n\
///          Ada\r\n\
///          --xyz\r\n\
///          Content-Disposition: form-data; name=\"photo\"; filename=\"cat.png\"\r\n\
///          Content-Type: image/png\r\n\
///          \r\n\
///          (bytes)\r\n\
///          --xyz--\r\n",
///     );
///     let mut form = Multipart::new(content_type, &mut body)?;
///     while let Some(mut part) = form.next_part()? {
///         match part.file_name() {
///             Some(name) => {
///                 println!("{name}: {:?}", part.content_type());
///                 std::io::copy(&mut part, &mut std::io::sink())?;
///             }
///             None => println!("{}: {}", part.name().to_owned(), part.text(1000)?),
///         }
///     }
///     Ok(())
/// }
/// ```
pub struct Multipart<'r> {
    source: &'r mut dyn Read,
    state: State,
}

impl std::fmt::Debug for Multipart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Multipart").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<'r> Multipart<'r> {
    /// Begins to read a form from `body`; `content_type` is the value of that field, with the boundary.
    ///
    /// # Errors
    /// [`MultipartError::Invalid`] when it is another type (as a response, a 415), or has no valid boundary.
    pub fn new(
        content_type: &str,
        body: &'r mut dyn Read,
    ) -> Result<Multipart<'r>, MultipartError> {
        let parser = Parser::new(Boundary::parse(content_type.as_bytes())?);
        let state = State { parser, input: Buf::new(), limits: Limits::default() };
        Ok(Multipart { source: body, state })
    }

    /// Sets other limits: for the head of a part [`Limits::head`], [`Limits::field`] and [`Limits::fields`],
    /// for the number of parts [`Limits::form_fields`]. The length of the parts is limited by that of the
    /// body only.
    pub fn limits(mut self, limits: &Limits) -> Multipart<'r> {
        self.state.limits = limits.clone();
        self
    }

    /// Returns the next part, or `None` after the last one. What the handler has not read of the part before
    /// is skipped.
    ///
    /// # Errors
    /// [`MultipartError::Invalid`] when the form breaks a rule, [`MultipartError::Io`] when the body cannot
    /// be read.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, MultipartError> {
        let head = self.state.next_head(self.source)?;
        Ok(head.map(|head| Part { head, source: &mut *self.source, state: &mut self.state }))
    }
}

/// One field of a form, or one file: a [reader](Read) of its content, read once from front to back.
///
/// Reading fails when the form breaks a rule or the body cannot be read: [`MultipartError::from`] says which.
pub struct Part<'m> {
    head: PartHead,
    source: &'m mut dyn Read,
    state: &'m mut State,
}

impl Part<'_> {
    /// Returns the name of the form's field. It may be empty, and several parts may have the same.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// Returns the name of the file, without a path: what follows the last `/` or `\` that the client sent.
    /// `None` for a part that is not a file, and for a name that cannot be one in a file system (an empty one,
    /// as of a file that was not chosen; `.` and `..`; one with NUL). A handler that stores files by this name
    /// has to expect names that exist, begin with a dot, have a line end in them, or end with `.html`.
    pub fn file_name(&self) -> Option<&str> {
        self.head.file_name()
    }

    /// Returns the media type that the client guessed for a file: `image/png`. Without one it is text.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type()
    }

    /// Returns the fields of the part.
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// Returns the head of the part: in it is the file name as the client sent it, path included.
    pub fn head(&self) -> &PartHead {
        &self.head
    }

    /// Reads what is left as text, of at most `most` bytes.
    ///
    /// # Errors
    /// [`MultipartError::TooLong`] when there are more bytes, [`MultipartError::NotText`] when
    /// they are no UTF-8, and those of [`Multipart::next_part`].
    pub fn text(&mut self, most: u64) -> Result<String, MultipartError> {
        let mut bytes = Vec::new();
        self.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(MultipartError::TooLong { name: self.head.name.clone(), most });
        }
        String::from_utf8(bytes)
            .map_err(|_| MultipartError::NotText { name: self.head.name.clone() })
    }
}

impl Read for Part<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.state.read(self.source, room).map_err(|error| match error {
            MultipartError::Io(error) => error,
            error => io::Error::new(io::ErrorKind::InvalidData, error),
        })
    }
}

impl std::fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part").field("head", &self.head).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    parser: Parser,
    input: Buf,
    limits: Limits,
}

impl State {
    fn next_head(&mut self, source: &mut dyn Read) -> Result<Option<PartHead>, MultipartError> {
        loop {
            match self.parser.receive(&mut self.input, &self.limits, usize::MAX)? {
                Event::Part(head) => return Ok(Some(head)),
                Event::End => return Ok(None),
                Event::Data(_) | Event::PartEnd => {}
                Event::More => self.read_ahead(source)?,
            }
        }
    }

    fn read(&mut self, source: &mut dyn Read, room: &mut [u8]) -> Result<usize, MultipartError> {
        while self.parser.is_in_content() && !room.is_empty() {
            match self.parser.receive(&mut self.input, &self.limits, room.len())? {
                Event::Data(content) => {
                    room[..content.len()].copy_from_slice(content);
                    return Ok(content.len());
                }
                Event::More => self.read_ahead(source)?,
                Event::Part(_) | Event::PartEnd | Event::End => {}
            }
        }
        Ok(0)
    }

    fn read_ahead(&mut self, source: &mut dyn Read) -> io::Result<()> {
        let room = self.input.spare(AHEAD.saturating_sub(self.input.len()).max(LEAST));
        let count = loop {
            match source.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                count => break count?,
            }
        };
        match count {
            0 => self.input.close(),
            _ => self.input.filled(count),
        }
        Ok(())
    }
}

/// Why a form cannot be read.
///
/// In a handler, `?` makes it the [`ErrorResponse`] that tells the client what was wrong: a 400, a 413 when a
/// limit was exceeded, or a 415 for another type.
#[derive(Debug)]
pub enum MultipartError {
    /// The form breaks a rule, or is beyond a limit.
    Invalid(MultipartFault),
    /// A part is longer than the handler takes.
    TooLong {
        /// The name of the part.
        name: String,
        /// The limit in bytes.
        most: u64,
    },
    /// A part that should be text is no UTF-8.
    NotText {
        /// The name of the part.
        name: String,
    },
    /// The body cannot be read: when it is streamed, the client broke off, was too slow, or sent an invalid
    /// body, and the server responds by itself.
    Io(io::Error),
}

impl std::fmt::Display for MultipartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MultipartError::Invalid(fault) => fault.fmt(f),
            MultipartError::TooLong { name, most } => {
                write!(f, "the part \"{}\" has more than {most} bytes", shown(name))
            }
            MultipartError::NotText { name } => {
                write!(f, "the part \"{}\" is not text in UTF-8", shown(name))
            }
            MultipartError::Io(_) => f.write_str("the form could not be read"),
        }
    }
}

impl std::error::Error for MultipartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            MultipartError::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<MultipartFault> for MultipartError {
    fn from(fault: MultipartFault) -> MultipartError {
        MultipartError::Invalid(fault)
    }
}

/// Returns the error that reading a [`Part`] failed with, if it is one of its form; otherwise
/// [`MultipartError::Io`].
impl From<io::Error> for MultipartError {
    fn from(error: io::Error) -> MultipartError {
        error.downcast().unwrap_or_else(MultipartError::Io)
    }
}

/// An error of reading is logged, as it is one of the server or of its disk.
impl IntoResponse for MultipartError {
    fn into_response(self, request: &Request) -> Response {
        match self {
            MultipartError::Io(error) => failed(&request.head, &error),
            error => ErrorResponse::from(error).to(request),
        }
    }
}

/// Returns the response to the client. For [`MultipartError::Io`] it is a 500 that shows nothing of the error.
impl From<MultipartError> for ErrorResponse {
    fn from(error: MultipartError) -> ErrorResponse {
        let what = error.to_string();
        match error {
            MultipartError::Invalid(MultipartFault { rule, offset, excerpt }) => {
                let place = offset.map(|offset| Place { offset, excerpt });
                ErrorResponse {
                    place: place.map(Box::new),
                    ..ErrorResponse::new(rule.status(), rule.section(), rule.what(), rule.right())
                }
            }
            MultipartError::TooLong { most, .. } => {
                let right = format!("at most {most} bytes in this part");
                ErrorResponse::new(Status::CONTENT_TOO_LARGE, "RFC 9110, 15.5.14", what, right)
            }
            MultipartError::NotText { .. } => {
                let right = "text in UTF-8, as a form of a page in UTF-8 sends it";
                ErrorResponse::new(Status::BAD_REQUEST, "RFC 7578, 5.1.2", what, right)
            }
            MultipartError::Io(_) => ErrorResponse::internal_error(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::http::multipart::MultipartRule;

    const TYPE: &str = "multipart/form-data; boundary=xyz";

    fn part(name: &str, file: Option<&str>, content: &str) -> String {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        )
    }

    /// Gives at most so many bytes at a time, and counts those that it was asked for.
    struct Slow<'b> {
        bytes: &'b [u8],
        step: usize,
        asked: usize,
    }

    impl Read for Slow<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            self.asked = self.asked.max(room.len());
            let count = self.step.min(room.len());
            self.bytes.read(&mut room[..count])
        }
    }

    #[test]
    fn parts_are_read_however_they_arrive() {
        let long = "0123456789\r\n--xy".repeat(5_000);
        let body = [part("a", None, "b"), part("f", Some("d/x.bin"), &long), part("a", None, "")];
        let body = body.concat() + "--xyz--\r\n";
        for step in [1, 7, 4_096, usize::MAX] {
            let mut source = Slow { bytes: body.as_bytes(), step, asked: 0 };
            let mut form = Multipart::new(TYPE, &mut source).unwrap();
            let mut read = Vec::new();
            while let Some(mut part) = form.next_part().unwrap() {
                let about = (part.name().to_owned(), part.file_name().map(str::to_owned));
                let mut content = Vec::new();
                io::copy(&mut part, &mut content).unwrap();
                assert_eq!(part.read(&mut [0; 9]).unwrap(), 0, "it ends once and for all");
                read.push((about, content));
            }
            assert!(form.next_part().unwrap().is_none(), "and so does the form");
            let want = [
                (("a".to_owned(), None), b"b".to_vec()),
                (("f".to_owned(), Some("x.bin".to_owned())), long.as_bytes().to_vec()),
                (("a".to_owned(), None), Vec::new()),
            ];
            assert!(read == want, "in steps of {step}");
            assert!(source.asked <= AHEAD, "{} bytes ahead", source.asked);
        }
    }

    #[test]
    fn what_is_not_read_is_skipped() {
        let body = part("a", None, &"x".repeat(50_000)) + &part("b", None, "yz") + "--xyz--";
        let mut body = body.as_bytes();
        let mut form = Multipart::new(TYPE, &mut body).unwrap();
        let mut first = form.next_part().unwrap().unwrap();
        first.read_exact(&mut [0; 10]).unwrap();
        let mut second = form.next_part().unwrap().unwrap();
        assert_eq!(second.name(), "b");
        assert_eq!(second.text(2).unwrap(), "yz");
        assert_eq!(second.text(0).unwrap(), "", "once");
        assert!(form.next_part().unwrap().is_none());
    }

    #[test]
    fn errors_say_what_to_respond() {
        let read_all = |content_type: &str, body: &str| {
            let mut body = body.as_bytes();
            let mut form = Multipart::new(content_type, &mut body)?;
            while let Some(mut part) = form.next_part()? {
                match part.name() {
                    "text" => drop(part.text(3)?),
                    _ => drop(io::copy(&mut part, &mut io::sink())?),
                }
            }
            Ok::<(), MultipartError>(())
        };
        let open = part("a", None, "b");
        for (content_type, body, want) in [
            (TYPE, open.clone(), (400, "the body ended")),
            (TYPE, format!("{open}--xyzzy\r\n"), (400, "the boundary is followed")),
            (TYPE, format!("{open}--xyz\r\n\r\n"), (400, "a part has no name")),
            (TYPE, part("text", None, "abcd"), (413, "the part \"text\" has more than 3 bytes")),
            (TYPE, open.repeat(1001), (413, "the form has more parts")),
            ("text/plain", String::new(), (415, "the body is not a form")),
            ("multipart/form-data", String::new(), (400, "the Content-Type has no boundary")),
        ] {
            let response = ErrorResponse::from(read_all(content_type, &body).unwrap_err());
            let got =
                (response.status.code(), response.what.get(..want.1.len()).unwrap_or_default());
            assert_eq!(got, want, "{response}");
        }
        let text = [part("text", None, "ab").as_str(), "--xyz--"].concat();
        assert!(read_all(TYPE, &text).is_ok());
        let mut bytes = text.into_bytes();
        let at = bytes.windows(2).rposition(|two| two == b"ab").unwrap();
        bytes[at] = 0xFF;
        let mut body = &bytes[..];
        let mut form = Multipart::new(TYPE, &mut body).unwrap();
        let error = form.next_part().unwrap().unwrap().text(9).unwrap_err();
        assert!(matches!(&error, MultipartError::NotText { name } if name == "text"), "{error:?}");
    }

    #[test]
    fn errors_of_the_body_stay_what_they_are() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::TimedOut.into())
            }
        }
        let begin = part("a", None, "b");
        let mut body = begin.as_bytes().chain(Broken);
        let mut form = Multipart::new(TYPE, &mut body).unwrap();
        let mut part = form.next_part().unwrap().unwrap();
        let error = io::copy(&mut part, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let error = MultipartError::from(error);
        assert!(matches!(error, MultipartError::Io(_)), "{error:?}");

        let mut body = begin.as_bytes();
        let mut form = Multipart::new(TYPE, &mut body).unwrap();
        let mut part = form.next_part().unwrap().unwrap();
        let error = io::copy(&mut part, &mut io::sink()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        match MultipartError::from(error) {
            MultipartError::Invalid(fault) => assert_eq!(fault.rule, MultipartRule::Incomplete),
            error => panic!("{error:?}"),
        }
    }

    #[test]
    fn the_limits_can_be_set() {
        let limits = Limits { form_fields: 1, ..Limits::default() };
        let body = part("a", None, "b").repeat(2);
        let mut body = body.as_bytes();
        let mut form = Multipart::new(TYPE, &mut body).unwrap().limits(&limits);
        assert!(form.next_part().unwrap().is_some());
        let error = form.next_part().map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("more parts"), "{error}");
    }
}
