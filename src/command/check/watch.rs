//! `--wire` and `--transcript`: what passes on the connections, in lines ([`Text`]).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::super::explain::explain;
use super::super::terminal::in_colour;
use crate::proto::http::dump::Side;
use crate::proto::http::limits::Limits;
use crate::sync::lock;
use crate::text::wire::{Form, Text};

/// Where lines go.
type Output = Arc<Mutex<Box<dyn Write + Send>>>;

/// What is written down of all connections.
pub struct Watch {
    outputs: Vec<(Form, Output)>,
    begun: Instant,
    connections: AtomicUsize,
}

/// What is written down of one connection.
pub struct Watched {
    texts: Vec<(Text, Output)>,
    begun: Instant,
}

/// Returns the form for stderr, with explanations or without.
pub fn look(explains: bool) -> Form {
    match Form::look(io::IsTerminal::is_terminal(&io::stderr()), in_colour()) {
        Form::Look { colour, most, .. } if explains => {
            Form::Look { colour, most, explain: Some(explain) }
        }
        form => form,
    }
}

impl Watch {
    /// Opens the outputs: stderr in this form, and the file of a transcript.
    ///
    /// # Errors
    /// When the file of the transcript cannot be made.
    pub fn new(form: Option<Form>, transcript: Option<&Path>) -> io::Result<Watch> {
        let mut outputs: Vec<(Form, Output)> = Vec::new();
        if let Some(form) = form {
            outputs.push((form, Arc::new(Mutex::new(Box::new(io::stderr())))));
        }
        if let Some(path) = transcript {
            outputs.push((Form::Transcript, Arc::new(Mutex::new(Box::new(File::create(path)?)))));
        }
        Ok(Watch { outputs, begun: Instant::now(), connections: AtomicUsize::new(0) })
    }

    /// Begins a connection to this address.
    pub fn open(&self, address: &str) -> Watched {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let text = |form: &Form| Text::new(number, *form, Limits::of_responses());
        let texts = self.outputs.iter().map(|(form, out)| (text(form), Arc::clone(out)));
        let mut watched = Watched { texts: texts.collect(), begun: self.begun };
        watched.note(&format!("opened, to {address}"));
        watched
    }

    /// Writes a line between connections.
    pub fn note(&self, line: &str) {
        for (_, out) in &self.outputs {
            let _ = writeln!(lock(out), "* {line}"); // an output that is full does not end the checks
        }
    }
}

impl Watched {
    /// Writes down what this side sent.
    pub fn bytes(&mut self, side: Side, bytes: &[u8]) {
        self.each(|text, at, out| text.bytes(side, bytes, at, out));
    }

    /// Writes down what happened.
    pub fn note(&mut self, what: &str) {
        self.each(|text, at, out| text.note(what, at, out));
    }

    fn each(&mut self, add: impl Fn(&mut Text, std::time::Duration, &mut String)) {
        let at = self.begun.elapsed();
        for (text, out) in &mut self.texts {
            let mut lines = String::new();
            add(text, at, &mut lines);
            let _ = lock(out).write_all(lines.as_bytes());
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("outputs", &self.outputs.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("outputs", &self.texts.len()).finish_non_exhaustive()
    }
}
