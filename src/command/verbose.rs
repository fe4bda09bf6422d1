//! What is shown during a transfer: `-v`, `--explain`, `--wire`, `--transcript`.
//!
//! All but the transcript goes to stderr: stdout is for the response.

use std::collections::VecDeque;
use std::fs::{File, Permissions};
use std::io::{self, IsTerminal as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Mutex;

use super::error::{CommandError, print_stderr};
use super::explain::explain;
use super::network::response_limits;
use super::standard_stream::{StandardStream, stderr};
use super::wire::WireObserver;
use crate::cli::client::ClientOptions;
use crate::client::event_text::write_event;
use crate::client::{Event, Limits, Method, Observer};
use crate::proto::http::dump::{Dump, Part, Seen, Side};
use crate::proto::http::framing::{Message, framing};
use crate::sync::lock;
use crate::text::wants_colour;
use crate::text::wire::{About, Form};

/// The observers that the options request.
#[derive(Default)]
pub struct VerboseObservers {
    told: Option<VerboseEvents>,
    wire: Option<WireObserver<StandardStream>>,
    transcript: Option<(String, WireObserver<File>)>,
}

/// `-v`.
struct VerboseEvents {
    /// With `--wire` the heads are shown there.
    without_heads: bool,
    /// With `--explain`: the methods that have no response yet, because they decide how bodies are
    /// framed.
    explained: Option<Mutex<VecDeque<Method>>>,
}

impl VerboseObservers {
    /// Returns the observers for these operations.
    ///
    /// # Errors
    /// When the transcript cannot be created.
    pub fn new(operations: &[ClientOptions]) -> Result<VerboseObservers, CommandError> {
        let Some(options) = operations.first() else { return Ok(VerboseObservers::default()) };
        let mut form = Form::look(io::stderr().is_terminal(), wants_colour());
        if let Form::Look { explain: how, .. } = &mut form {
            *how = options.global.explain.then_some(explain);
        }
        let told = options.global.verbose || options.global.explain && !options.global.wire;
        let told = told.then(|| VerboseEvents {
            without_heads: options.global.wire,
            explained: options.global.explain.then(Mutex::default),
        });
        let limits = operations.iter().map(|options| response_limits(&options.network));
        let limits = limits.max_by_key(|limits| (limits.head, limits.fields)).unwrap_or_default();
        let transcript = options.global.transcript.as_ref().map(|path| {
            let name = path.display().to_string();
            match private_file(path) {
                Ok(file) => Ok((name, WireObserver::new(file, Form::Transcript, limits.clone()))),
                Err(error) => Err(CommandError::Write(name, error)),
            }
        });
        // A closed stderr is not an error.
        let stderr = stderr().ok().filter(|_| options.global.wire);
        let wire = stderr.map(|stderr| WireObserver::new(stderr, form, limits.clone()));
        Ok(VerboseObservers { told, wire, transcript: transcript.transpose()? })
    }

    /// Checks that the transcript could be written so far.
    ///
    /// # Errors
    /// Returns the reason once, if not.
    pub fn kept(&self) -> Result<(), CommandError> {
        let Some((name, wire)) = &self.transcript else { return Ok(()) };
        wire.broken().map_or(Ok(()), |error| Err(CommandError::Write(name.clone(), error)))
    }
}

/// Creates a file that only its owner may read: a transcript has passwords and cookies in it. A file that
/// is there gets this mode, too; a device or a pipe keeps its own.
fn private_file(path: &Path) -> io::Result<File> {
    const MODE: u32 = 0o600;
    let file = File::options().write(true).create(true).truncate(false).mode(MODE).open(path)?;
    if file.metadata()?.is_file() {
        // First the mode: a file that cannot have it keeps its content.
        file.set_permissions(Permissions::from_mode(MODE))?;
        file.set_len(0)?;
    }
    Ok(file)
}

impl Observer for VerboseObservers {
    fn observe(&self, event: &Event<'_>) {
        if let Some(wire) = &self.wire {
            wire.observe(event);
        }
        if let Some((_, wire)) = &self.transcript {
            wire.observe(event);
        }
        if let Some(told) = &self.told {
            told.observe(event);
        }
    }
}

impl Observer for VerboseEvents {
    /// Writes the event. A closed stderr does not end a transfer.
    fn observe(&self, event: &Event<'_>) {
        let is_head = matches!(
            event,
            Event::Sending(_) | Event::Interim(_) | Event::Head(_) | Event::Trailers(_)
        );
        if self.without_heads && is_head {
            return;
        }
        let mut text = Vec::new();
        write_event(event, &mut text).expect("memory takes what is written");
        if let Some(asked) = &self.explained {
            let mut asked = lock(asked);
            text = explained(&text, event, &mut asked);
        }
        print_stderr(&text);
    }
}

/// Adds the explanation below each line of a head.
fn explained(text: &[u8], event: &Event<'_>, asked: &mut VecDeque<Method>) -> Vec<u8> {
    let part = match event {
        Event::Trailers(_) => Part::Trailer,
        _ => Part::Head,
    };
    let mut out = Vec::new();
    let say = |about: About<'_>, out: &mut Vec<u8>| {
        for said in explain(about) {
            out.extend_from_slice(format!("  ^ {said}\n").as_bytes());
        }
    };
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        out.extend_from_slice(line);
        if let [b'>' | b'<', b' ', of @ ..] = line {
            say(About::Line(part, of), &mut out);
        }
    }
    match event {
        // Another request or retry; several may be sent before the first response.
        Event::Connected(..) | Event::Reusing(..) => asked.clear(),
        Event::Sending(head) => {
            let method = head.split(|&byte| byte == b' ').next().and_then(Method::parse);
            asked.extend(method);
            Dump::new(Limits::of_responses()).read(Side::Client, head, &mut |seen| {
                if let Seen::Framed(framing) = seen {
                    say(About::Framing(Side::Client, framing), &mut out);
                }
            });
        }
        Event::Interim(head) | Event::Head(head) => {
            if let Some(method) = asked.front()
                && let Ok(framing) = framing(Message::Response(method, head))
            {
                say(About::Framing(Side::Server, framing), &mut out);
            }
            if let Event::Head(_) = event {
                asked.pop_front();
            }
        }
        _ => {}
    }
    out
}
