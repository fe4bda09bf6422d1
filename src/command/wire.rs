//! `--wire` and `--transcript`: each byte of each connection, in lines
//! ([`text::wire`](crate::text::wire)), to look at or to keep.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Instant;

use crate::client::{Event, Limits, Observer};
use crate::proto::http::dump::Side;
use crate::sync::lock;
use crate::text::wire::{Form, Text};

/// An observer that writes down the bytes.
pub struct WireObserver<W> {
    form: Form,
    limits: Limits,
    begun: Instant,
    state: Mutex<WireState<W>>,
}

struct WireState<W> {
    connections: HashMap<usize, Text>,
    out: W,
    /// Why no more is written.
    broken: Option<io::Error>,
}

impl<W: Write + Send> WireObserver<W> {
    /// Writes to `out` in this form, and reads with the limits of the client. The times of a transcript
    /// begin now.
    pub fn new(out: W, form: Form, limits: Limits) -> WireObserver<W> {
        let state = WireState { connections: HashMap::new(), out, broken: None };
        WireObserver { form, limits, begun: Instant::now(), state: Mutex::new(state) }
    }

    /// Returns the error of the first write that failed, once.
    pub fn broken(&self) -> Option<io::Error> {
        lock(&self.state).broken.take()
    }
}

impl<W: Write + Send> Observer for WireObserver<W> {
    fn observe(&self, event: &Event<'_>) {
        let at = self.begun.elapsed();
        let mut state = lock(&self.state);
        let WireState { connections, out, broken } = &mut *state;
        let mut lines = String::new();
        let mut on = |id: usize, then: &dyn Fn(&mut Text, &mut String)| {
            let new = || Text::new(id, self.form, self.limits.clone());
            then(connections.entry(id).or_insert_with(new), &mut lines);
        };
        let mut note = |id: usize, what: &str| on(id, &|text, out| text.note(what, at, out));
        match *event {
            Event::Connected(id, _, address) => note(id, &format!("opened, to {address}")),
            Event::Reusing(id, _) => note(id, "used again"),
            Event::Reconnecting(id) => {
                note(id, "broke before an answer came; once more on another")
            }
            Event::Kept(id, _) => note(id, "kept for the next request"),
            Event::Read(id, []) => note(id, "the server says no more"),
            Event::Read(id, bytes) => on(id, &|text, out| text.bytes(Side::Server, bytes, at, out)),
            Event::Wrote(id, bytes) => {
                on(id, &|text, out| text.bytes(Side::Client, bytes, at, out))
            }
            Event::Stale(id) => {
                note(id, "was closed by the server meanwhile");
                connections.remove(&id);
            }
            Event::Closed(id, why) => {
                note(id, &format!("closed: {why}"));
                connections.remove(&id);
            }
            _ => return,
        }
        if let Err(error) = out.write_all(lines.as_bytes()) {
            broken.get_or_insert(error);
        }
    }
}
