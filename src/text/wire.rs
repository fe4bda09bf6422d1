//! Formats the bytes of a connection as lines of text.
//!
//! ```text
//! #0 * opened, to 127.0.0.1:8080
//! #0 > head    GET /hello.txt HTTP/1.1\r\n
//! #0 > head    \r\n
//! #0   · 204 ms ·
//! #0 < size    5\r\n
//! #0 < data    hello
//! #0 < end     \r\n
//! ```
//! The number of the connection; `>` for what the client sends, `<` for what the server sends, on
//! both ends alike, `*` for what happens; the part; the bytes in the notation of C and `printf`: `\r`,
//! `\n`, `\t`, `\\`, `\x1B`. Other characters stand for themselves when they are UTF-8, are visible and do not
//! change the direction of others, so no byte controls the terminal, and every byte can be recovered. A
//! line ends at the line end of the bytes, or where the read ended.
//!
//! There are two forms: one for a terminal, in columns, with pauses, colours and shortened bodies; and the
//! transcript ([`Form::Transcript`]), complete and with times.

use std::time::Duration;

use super::{grouped, is_visible, paint, push_hex};
use crate::proto::http::dump::{Dump, Part, Seen, Side};
use crate::proto::http::framing::Framing;
use crate::proto::http::limits::Limits;

/// A wait that is longer is shown.
const PAUSE: Duration = Duration::from_millis(10);

/// Says something about a line of a head, or about how the body is framed.
pub type Explain = fn(About<'_>) -> Vec<String>;

/// The thing that an explanation is for.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// A line of a head or of the trailers, its ending included.
    Line(Part, &'a [u8]),
    /// The framing of the body that follows a head of this side.
    Framing(Side, Framing),
}

/// The form of the lines.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// For people.
    Look {
        /// True for colour.
        colour: bool,
        /// The most bytes shown of each body.
        most: Option<u64>,
        /// Returns the explanation below a line.
        explain: Option<Explain>,
    },
    /// For a file: all bytes, each line with its time in seconds.
    Transcript,
}

/// The most bytes shown of each body on a terminal.
const ENOUGH: u64 = 512;

impl Form {
    /// Returns the form for people. Only on a terminal, bodies are cut, and colours are used if `colour`.
    pub fn look(terminal: bool, colour: bool) -> Form {
        let most = terminal.then_some(ENOUGH);
        Form::Look { colour: terminal && colour, most, explain: None }
    }
}

/// The lines of one connection.
#[derive(Debug)]
pub struct Text {
    number: usize,
    form: Form,
    dump: Dump,
    /// The time of the last event shown.
    last: Option<Duration>,
    requests: Cut,
    answers: Cut,
}

/// The bytes of a body that were shown, and those left out.
#[derive(Debug, Default)]
struct Cut {
    shown: u64,
    bytes: u64,
    chunks: u64,
}

impl Text {
    /// Returns the state of a connection with this number.
    pub fn new(number: usize, form: Form, limits: Limits) -> Text {
        let (requests, answers) = (Cut::default(), Cut::default());
        Text { number, form, dump: Dump::new(limits), last: None, requests, answers }
    }

    /// Adds the lines for these bytes, which this side sent `at` this time.
    pub fn bytes(&mut self, from: Side, bytes: &[u8], at: Duration, out: &mut String) {
        self.pause(at, out);
        let Text { number, form, dump, requests, answers, .. } = self;
        let mark = match from {
            Side::Client => '>',
            Side::Server => '<',
        };
        let (cut, others) = match from {
            Side::Client => (requests, answers),
            Side::Server => (answers, requests),
        };
        others.tell(*number, out);
        dump.read(from, bytes, &mut |seen| match (seen, *form) {
            (Seen::Bytes(part, bytes), Form::Transcript) => {
                let seconds = at.as_secs_f64();
                for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                    out.push_str(&format!("{seconds:.6} #{number} {mark} {} ", part.name()));
                    escape(line, false, out);
                    out.push('\n');
                }
            }
            (Seen::Bytes(part, bytes), Form::Look { colour, most, explain }) => {
                let shown = cut.room(part, bytes, most);
                if shown > 0 {
                    cut.tell(*number, out);
                }
                cut.count(part, bytes, shown);
                for line in bytes[..shown].split_inclusive(|&byte| byte == b'\n') {
                    let begun = format!("#{number} {mark} {:<7} ", part.name());
                    out.push_str(&paint(&begun, if mark == '>' { "36" } else { "32" }, colour));
                    escape(line, colour, out);
                    out.push('\n');
                    if let (Part::Head | Part::Trailer, Some(explain)) = (part, explain) {
                        say(*number, explain(About::Line(part, line)), colour, out);
                    }
                }
            }
            (Seen::Framed(framing), Form::Look { colour, explain: Some(explain), .. }) => {
                say(*number, explain(About::Framing(from, framing)), colour, out);
            }
            (Seen::Answers(number_in_row, words), Form::Look { colour, .. }) => {
                let said = format!("#{number} * this is answer {number_in_row}, to {words}");
                out.push_str(&paint(&said, "33", colour));
                out.push('\n');
            }
            (Seen::Framed(_) | Seen::Answers(..), _) => {}
            (Seen::Complete, _) => {
                cut.tell(*number, out);
                *cut = Cut::default();
            }
            (Seen::Lost(fault), form) => {
                let begun = match form {
                    Form::Transcript => format!("{:.6} #{number} *", at.as_secs_f64()),
                    Form::Look { .. } => format!("#{number} *"),
                };
                out.push_str(&format!("{begun} not understood: {fault}\n"));
            }
        });
        self.last = Some(at);
    }

    /// Adds a line about what happened `at` this time.
    pub fn note(&mut self, what: &str, at: Duration, out: &mut String) {
        self.pause(at, out);
        self.requests.tell(self.number, out);
        self.answers.tell(self.number, out);
        let Text { number, form, .. } = self;
        match *form {
            Form::Transcript => {
                out.push_str(&format!("{:.6} #{number} * {what}\n", at.as_secs_f64()));
            }
            Form::Look { colour, .. } => {
                out.push_str(&paint(&format!("#{number} * {what}"), "33", colour));
                out.push('\n');
            }
        }
        self.last = Some(at);
    }

    fn pause(&mut self, at: Duration, out: &mut String) {
        let Form::Look { colour, .. } = self.form else { return };
        let pause = self.last.and_then(|last| at.checked_sub(last)).unwrap_or_default();
        if pause > PAUSE {
            self.requests.tell(self.number, out);
            self.answers.tell(self.number, out);
            let pause = grouped(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
            out.push_str(&paint(&format!("#{}   · {pause} ms ·", self.number), "33", colour));
            out.push('\n');
        }
    }
}

impl Cut {
    /// Returns how many of these bytes are shown.
    fn room(&self, part: Part, bytes: &[u8], most: Option<u64>) -> usize {
        let room = most.map_or(u64::MAX, |most| most.saturating_sub(self.shown));
        let is_last = bytes.iter().all(|byte| b"0\r\n".contains(byte));
        match part {
            Part::Size if room == 0 && !is_last => 0,
            Part::End if room == 0 => 0,
            Part::Head | Part::Trailer | Part::Size | Part::End => bytes.len(),
            Part::Body | Part::Data | Part::Raw => {
                usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len())
            }
        }
    }

    /// Counts how many of these bytes are shown, and how many are left out.
    fn count(&mut self, part: Part, bytes: &[u8], shown: usize) {
        match part {
            Part::Head | Part::Trailer | Part::End => {}
            Part::Size => self.chunks += u64::from(shown == 0 && bytes.ends_with(b"\n")),
            Part::Body | Part::Data | Part::Raw => {
                self.shown += shown as u64;
                self.bytes += (bytes.len() - shown) as u64;
            }
        }
    }

    /// Says how much has not been shown.
    fn tell(&mut self, number: usize, out: &mut String) {
        let (bytes, chunks) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.chunks));
        let chunks = match chunks {
            0 => String::new(),
            1 => ", and the size of 1 chunk".to_owned(),
            chunks => format!(", and the sizes of {} chunks", grouped(chunks)),
        };
        if bytes > 0 || !chunks.is_empty() {
            out.push_str(&format!("#{number}   … {} bytes more{chunks}\n", grouped(bytes)));
        }
    }
}

/// Adds the explanations below what they explain.
fn say(number: usize, explanations: Vec<String>, colour: bool, out: &mut String) {
    for said in explanations {
        out.push_str(&paint(&format!("#{number}   ^ {said}"), "2", colour));
        out.push('\n');
    }
}

/// Adds these bytes as they can be shown; what stands for something else is dim, where there is colour.
fn escape(bytes: &[u8], colour: bool, out: &mut String) {
    let (mut dim, mut buffer) = (false, [0; 4]);
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            let stands_for_itself = char != '\\' && is_visible(char);
            set_dim(!stands_for_itself, &mut dim, colour, out);
            match char {
                '\r' => out.push_str("\\r"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\\' => out.push_str("\\\\"),
                _ if stands_for_itself => out.push(char),
                _ => push_hex(char.encode_utf8(&mut buffer).as_bytes(), out),
            }
        }
        if !chunk.invalid().is_empty() {
            set_dim(true, &mut dim, colour, out);
            push_hex(chunk.invalid(), out);
        }
    }
    set_dim(false, &mut dim, colour, out);
}

fn set_dim(wanted: bool, dim: &mut bool, colour: bool, out: &mut String) {
    if colour && wanted != *dim {
        out.push_str(if wanted { "\x1b[2m" } else { "\x1b[0m" });
    }
    *dim = wanted;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes that a side sent on the connection with this number, out of a transcript. `None` when it is
    /// not one.
    fn bytes_of(transcript: &str, number: usize, from: Side) -> Option<Vec<u8>> {
        let mark = match from {
            Side::Client => ">",
            Side::Server => "<",
        };
        let (number, mut bytes) = (format!("#{number}"), Vec::new());
        for line in transcript.lines() {
            let mut columns = line.splitn(5, ' ');
            let (_time, of) = (columns.next()?, columns.next()?);
            if of != number || columns.next()? != mark {
                continue;
            }
            let (_part, text) = (columns.next()?, columns.next()?);
            unescape(text, &mut bytes)?;
        }
        Some(bytes)
    }

    fn unescape(text: &str, out: &mut Vec<u8>) -> Option<()> {
        let mut rest = text.as_bytes();
        while let [first, behind @ ..] = rest {
            rest = behind;
            if *first != b'\\' {
                out.push(*first);
                continue;
            }
            let (&letter, mut behind) = rest.split_first()?;
            out.push(match letter {
                b'r' => b'\r',
                b'n' => b'\n',
                b't' => b'\t',
                b'\\' => b'\\',
                b'x' => {
                    let (digits, after) = behind.split_at_checked(2)?;
                    behind = after;
                    u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?
                }
                _ => return None,
            });
            rest = behind;
        }
        Some(())
    }

    const PLAIN: Form = Form::Look { colour: false, most: None, explain: None };
    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn text(form: Form, talk: &[(Side, &[u8], u64)]) -> String {
        let (mut text, mut out) = (Text::new(3, form, Limits::default()), String::new());
        talk.iter().for_each(|(from, bytes, at)| text.bytes(*from, bytes, ms(*at), &mut out));
        text.note("closed", ms(talk.last().unwrap().2), &mut out);
        out
    }

    #[test]
    fn what_is_shown() {
        let chunks = |count: usize| {
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
            (head + &"4\r\nabc\n\r\n".repeat(count) + "0\r\n\r\n").into_bytes()
        };
        let long =
            [&b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"[..], &[b'x'; 2000]].concat();
        let asked =
            "#3 > head    GET / HTTP/1.1\\r\\n\n#3 > head    Host: a\\r\\n\n#3 > head    \\r\\n\n";
        let short = Form::Look { colour: false, most: Some(6), explain: None };
        let two = "#3 < head    HTTP/1.1 200 OK\\r\\n\n#3 < head    Transfer-Encoding: chunked\\r\\n\n#3 < head    \\r\\n\n";
        let says: Explain = |about| match about {
            About::Line(_, line) if line.starts_with(b"Host") => vec!["whom".to_owned()],
            About::Framing(Side::Client, Framing::None) => vec!["no body".to_owned()],
            _ => Vec::new(),
        };
        let explained = Form::Look { colour: false, most: None, explain: Some(says) };
        for (name, form, talk, want) in [
            (
                "a pause, and the parts of chunks",
                PLAIN,
                &[(Side::Client, GET, 0), (Side::Server, &chunks(1), 1204)][..],
                format!("{asked}#3   · 1,204 ms ·\n{two}#3 < size    4\\r\\n\n#3 < data    abc\\n\n#3 < end     \\r\\n\n#3 < size    0\\r\\n\n#3 < trailer \\r\\n\n#3 * closed\n"),
            ),
            (
                "a short pause is none, and a long body is cut",
                short,
                &[(Side::Client, GET, 0), (Side::Server, &long, 10)],
                format!("{asked}#3 < head    HTTP/1.1 200 OK\\r\\n\n#3 < head    Content-Length: 2000\\r\\n\n#3 < head    \\r\\n\n#3 < body    xxxxxx\n#3   … 1,994 bytes more\n#3 * closed\n"),
            ),
            (
                "chunks are cut",
                short,
                &[(Side::Client, GET, 0), (Side::Server, &chunks(5), 0)],
                format!("{asked}{two}#3 < size    4\\r\\n\n#3 < data    abc\\n\n#3 < end     \\r\\n\n#3 < size    4\\r\\n\n#3 < data    ab\n#3   … 14 bytes more, and the sizes of 3 chunks\n#3 < size    0\\r\\n\n#3 < trailer \\r\\n\n#3 * closed\n"),
            ),
            (
                "what is not HTTP",
                PLAIN,
                &[(Side::Client, b"\x16\x03 \xe2\x80\xae\\ \xc3\xa9\xff\n", 0)],
                "#3 > head    \\x16\\x03 \\xE2\\x80\\xAE\\\\ é\\xFF\\n\n#3 * not understood: ".to_owned(),
            ),
            (
                "an explanation",
                explained,
                &[(Side::Client, GET, 0)],
                "#3 > head    GET / HTTP/1.1\\r\\n\n#3 > head    Host: a\\r\\n\n#3   ^ whom\n#3 > head    \\r\\n\n#3   ^ no body\n#3 * closed\n".to_owned(),
            ),
            (
                "to keep",
                Form::Transcript,
                &[(Side::Client, b"GET / HTTP/1.0\n\n", 1500)],
                "1.500000 #3 > head GET / HTTP/1.0\\n\n1.500000 #3 > head \\n\n1.500000 #3 * closed\n".to_owned(),
            ),
        ] {
            let got = text(form, talk);
            match name {
                "what is not HTTP" => assert!(got.starts_with(&want), "{got}"),
                _ => assert_eq!(got, want, "{name}"),
            }
        }
        let coloured = Form::Look { colour: true, most: None, explain: None };
        let got = text(coloured, &[(Side::Client, b"GET /\xff HTTP/1.1\r\n", 0)]);
        assert!(
            got.starts_with("\x1b[36m#3 > head    \x1b[0mGET /\x1b[2m\\xFF\x1b[0m HTTP"),
            "{got:?}"
        );
    }

    #[test]
    fn a_transcript_gives_every_byte_back() {
        let every: Vec<u8> = (0..=255).chain(*b"\\x41\\n \xe2\x80\xae\xc3\xa9").collect();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", every.len() * 3);
        let answer = [head.as_bytes(), &every, &every, &every].concat();
        for step in [1, 2, 5, usize::MAX] {
            let (mut text, mut out) =
                (Text::new(7, Form::Transcript, Limits::default()), String::new());
            text.note("opened", ms(0), &mut out);
            text.bytes(Side::Client, GET, ms(1), &mut out);
            for piece in answer.chunks(step) {
                text.bytes(Side::Server, piece, ms(2), &mut out);
            }
            text.note("closed", ms(3), &mut out);
            assert_eq!(bytes_of(&out, 7, Side::Client).unwrap(), GET);
            assert_eq!(bytes_of(&out, 7, Side::Server).unwrap(), answer, "in steps of {step}");
            assert_eq!(bytes_of(&out, 8, Side::Server).unwrap(), b"");
            assert!(out.bytes().all(|byte| byte == b'\n' || byte >= b' ' && byte != 0x7f));
        }
        assert_eq!(bytes_of("what?", 7, Side::Client), None);
    }
}
