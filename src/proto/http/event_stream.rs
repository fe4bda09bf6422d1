//! `text/event-stream`: the format of server-sent events (WHATWG HTML, 9.2), both ways.
//!
//! ```text
//! id: 7
//! data: a text, a line of it
//! data: in each field
//!
//! : a comment
//! ```
//! An empty line ends an event. Lines end with CR LF, LF or CR. The server writes with [`write_event`] and
//! [`write_comment`]; the client reads with [`EventReader`].

use std::time::Duration;

/// The media type.
pub const EVENT_STREAM: &str = "text/event-stream";
/// The field with which a client asks for what it has missed: the last `id` that it has seen.
pub const LAST_EVENT_ID: &str = "Last-Event-ID";

/// Appends an event to `out`. A line break in the data begins another `data` line; one in the type or the
/// id would end the field, so each of them is cut there.
pub fn write_event(event_type: Option<&str>, id: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
    for (field, value) in [("event", event_type), ("id", id)] {
        if let Some(value) = value {
            let line = value.split(['\r', '\n', '\0']).next().unwrap_or_default();
            write_line(field, line.as_bytes(), out);
        }
    }
    let mut rest = data;
    loop {
        let end = rest.iter().position(|&byte| matches!(byte, b'\r' | b'\n'));
        let Some(end) = end else { break };
        write_line("data", &rest[..end], out);
        let width = if rest[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = &rest[end + width..];
    }
    write_line("data", rest, out);
    out.push(b'\n');
}

/// Appends a comment, which clients ignore: it shows that the connection lives.
pub fn write_comment(out: &mut Vec<u8>) {
    out.extend_from_slice(b":\n\n");
}

fn write_line(field: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(field.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// An event that a client has received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivedEvent {
    /// Its type; `message` if it has none.
    pub event_type: String,
    /// Its data: lines with LF between them. Bytes that are no UTF-8 have been replaced.
    pub data: String,
    /// The last id that the stream had before the end of this event; empty if none.
    pub id: String,
}

/// An event has more bytes than the reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTooLong {
    /// The most that it takes.
    pub most: usize,
}

impl std::fmt::Display for EventTooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "an event has more than {} bytes without an empty line at its end", self.most)
    }
}

impl std::error::Error for EventTooLong {}

/// Reads an event stream, whatever the pieces in which it arrives.
///
/// ```
/// use threadbare::proto::http::event_stream::EventReader;
///
/// let (mut reader, mut events) = (EventReader::new(1 << 20), Vec::new());
/// reader.read(b"id: 7\ndata: a text\n", &mut events)?;
/// assert!(events.is_empty(), "an event ends with an empty line");
/// reader.read(b"\n", &mut events)?;
/// assert_eq!((events[0].id.as_str(), events[0].data.as_str()), ("7", "a text"));
/// # Ok::<(), threadbare::proto::http::event_stream::EventTooLong>(())
/// ```
#[derive(Debug)]
pub struct EventReader {
    /// The most bytes of an event, and of a line.
    most: usize,
    /// The line under way.
    line: Vec<u8>,
    /// Whether the last byte was CR: an LF after it ends no other line.
    after_cr: bool,
    /// Whether the first line is not over: it may begin with a byte order mark.
    is_first: bool,
    event_type: String,
    data: Vec<u8>,
    id: String,
    retry: Option<Duration>,
}

impl EventReader {
    /// Returns a reader of events that have at most `most` bytes.
    pub fn new(most: usize) -> EventReader {
        EventReader {
            most,
            line: Vec::new(),
            after_cr: false,
            is_first: true,
            event_type: String::new(),
            data: Vec::new(),
            id: String::new(),
            retry: None,
        }
    }

    /// Returns the last id of the stream; empty if there was none.
    pub fn last_id(&self) -> &str {
        &self.id
    }

    /// Returns how long to wait before the next connection, if the stream has said so.
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Forgets an event that is not complete, as its connection has ended; a new stream begins. Ids stay.
    pub fn restart(&mut self) {
        let (id, retry) = (std::mem::take(&mut self.id), self.retry);
        *self = EventReader { id, retry, ..EventReader::new(self.most) };
    }

    /// Reads the next bytes, and appends the events that they complete.
    ///
    /// # Errors
    /// [`EventTooLong`]; then the stream cannot be read on.
    pub fn read(
        &mut self,
        bytes: &[u8],
        events: &mut Vec<ReceivedEvent>,
    ) -> Result<(), EventTooLong> {
        for &byte in bytes {
            let is_second = std::mem::replace(&mut self.after_cr, byte == b'\r') && byte == b'\n';
            match byte {
                _ if is_second => {}
                b'\r' | b'\n' => self.end_line(events),
                byte if self.line.len() + self.data.len() < self.most => self.line.push(byte),
                _ => return Err(EventTooLong { most: self.most }),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<ReceivedEvent>) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_first) && line.starts_with("\u{feff}".as_bytes()) {
            line.drain(..3);
        }
        if line.is_empty() {
            return events.extend(self.end_event());
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(value).into_owned();
        match &line[..colon] {
            b"event" => self.event_type = text(),
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"id" if !value.contains(&0) => self.id = text(),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry = text().parse().ok().map(Duration::from_millis);
            }
            _ => {} // a comment, or a field of the future
        }
    }

    /// Returns the event, unless it has no data.
    fn end_event(&mut self) -> Option<ReceivedEvent> {
        let mut event_type = std::mem::take(&mut self.event_type);
        let mut data = std::mem::take(&mut self.data);
        data.pop()?; // the LF after the last line
        if event_type.is_empty() {
            event_type = "message".to_owned();
        }
        let data = String::from_utf8_lossy(&data).into_owned();
        Some(ReceivedEvent { event_type, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(stream: &[u8], piece: usize) -> (Vec<(String, String, String)>, EventReader) {
        let (mut reader, mut events) = (EventReader::new(1000), Vec::new());
        for bytes in stream.chunks(piece) {
            reader.read(bytes, &mut events).unwrap();
        }
        (events.into_iter().map(|it| (it.event_type, it.data, it.id)).collect(), reader)
    }

    /// The examples of the standard (9.2.6), and what else it says.
    #[test]
    fn streams_are_read_whatever_their_pieces() {
        for (what, stream, want) in [
            (
                "two lines",
                "data: YHOO\ndata: +2\ndata: 10\n\n",
                &[("message", "YHOO\n+2\n10", "")][..],
            ),
            (
                "comment, ids, empty id",
                ": test\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
                &[("message", "first", "1"), ("message", "second", ""), ("message", " third", "")],
            ),
            (
                "empty data, and an event without its empty line",
                "data\n\ndata\ndata\n\ndata:",
                &[("message", "", ""), ("message", "\n", "")],
            ),
            (
                "with and without a space",
                "data:test\n\ndata: test\n\n",
                &[("message", "test", ""), ("message", "test", "")],
            ),
            (
                "CR, LF and CR LF",
                "data: a\rdata: b\r\ndata: c\n\r\n",
                &[("message", "a\nb\nc", "")],
            ),
            (
                "a type",
                "event: add\ndata: 7\n\ndata: 8\n\n",
                &[("add", "7", ""), ("message", "8", "")],
            ),
            ("no data", "event: add\nid: 4\n\ndata: 8\n\n", &[("message", "8", "4")]),
            ("an id with NUL", "id: a\0\ndata: x\n\n", &[("message", "x", "")]),
            ("a mark", "\u{feff}data: x\n\n", &[("message", "x", "")]),
            ("unknown fields", "dat: x\ndata : y\nretry: 1s\ndata: z\n\n", &[("message", "z", "")]),
        ] {
            let want: Vec<_> = want
                .iter()
                .map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string()))
                .collect();
            for piece in [1, 2, 3, stream.len()] {
                assert_eq!(read(stream.as_bytes(), piece).0, want, "{what}, {piece} at a time");
            }
        }
    }

    #[test]
    fn retry_and_the_last_id_stay() {
        let (_, mut reader) = read(b"retry: 1500\nid: 9\n\ndata: cut", 3);
        assert_eq!((reader.retry(), reader.last_id()), (Some(Duration::from_millis(1500)), "9"));
        reader.restart();
        let mut events = Vec::new();
        reader.read(b"\n\ndata: new\n\n", &mut events).unwrap();
        assert_eq!((events[0].data.as_str(), events[0].id.as_str(), events.len()), ("new", "9", 1));
    }

    #[test]
    fn an_event_without_end_is_refused() {
        for line in ["x", "data: x\n"] {
            let mut reader = EventReader::new(100);
            let outcome = reader.read(line.repeat(200).as_bytes(), &mut Vec::new());
            assert_eq!(outcome, Err(EventTooLong { most: 100 }));
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for (data, want) in [
            ("a", "a"),
            ("", ""),
            ("a\nb", "a\nb"),
            ("a\r\nb\rc\n", "a\nb\nc\n"),
            (": no comment", ": no comment"),
            (" a space", " a space"),
        ] {
            let mut stream = Vec::new();
            write_comment(&mut stream);
            write_event(
                Some("new\ndata: forged"),
                Some("7\n\nid: 8"),
                data.as_bytes(),
                &mut stream,
            );
            let (events, _) = read(&stream, 5);
            assert_eq!(events, [("new".to_owned(), want.to_owned(), "7".to_owned())], "{data:?}");
        }
    }
}
