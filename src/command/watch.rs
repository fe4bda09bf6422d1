//! `client watch URL`: follows the server-sent events of a URL (WHATWG HTML, 9.2). When the connection ends
//! it connects again, and asks for the events that it has missed (`Last-Event-ID`).
//!
//! The standard says when it does not: the answer is 204 (it ends well), has another status than 200, or is
//! not an event stream. The first connection has to succeed; later ones are tried until one does.
//!
//! The events of `/-/status` are drawn (`pool`).

mod pool;

use std::io::{self, IsTerminal as _};
use std::thread;
use std::time::Duration;

use super::build_request::{Content, build_request};
use super::error::{CommandError, print_stderr, print_stdout};
use super::fetch_list::FetchItem;
use super::network;
use super::watch::pool::PoolView;
use crate::cli::client::ClientOptions;
use crate::client::{Client, Request, Response};
use crate::proto::http::event_stream::{EVENT_STREAM, EventReader, LAST_EVENT_ID, ReceivedEvent};
use crate::proto::http::status::Status;
use crate::text::{escape_for_terminal, rounded};

/// The time before the next connection, unless the server sets another one (`retry:`); each one that fails
/// doubles it.
const RETRY: Duration = Duration::from_secs(3);
/// The longest time before the next connection.
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// The longest event: 1 MB.
const LONGEST_EVENT: usize = 1 << 20;

/// Prints the data of each event on stdout, until the server ends it or the program is stopped.
///
/// # Errors
/// When the first connection fails, or a later answer is not an event stream.
pub fn run(options: &ClientOptions) -> Result<u8, CommandError> {
    let client = network::client(options)?;
    let content = Content::new(options)?;
    let url = options.urls.first().map(String::as_str).unwrap_or_default();
    let request =
        build_request(options, &FetchItem::of_url(options, url), &content)?.in_memory()?;
    let request = request.with_default("Accept", EVENT_STREAM)?;
    let request = request.with_default("Cache-Control", "no-store")?;
    let mut reader = EventReader::new(LONGEST_EVENT);
    let mut view = View::of(&request.url().path.to_string());
    let (mut was_connected, mut failures) = (false, 0);
    loop {
        let outcome = match connect(&client, &request, &reader) {
            Ok(None) => return Ok(0),
            Ok(Some(response)) => {
                (was_connected, failures) = (true, 0);
                follow(response, &mut reader, &mut view)
            }
            Err(error) => Err(error),
        };
        let why = match outcome {
            Ok(()) => "the server has ended the stream".to_owned(),
            Err(CommandError::Fetch(error)) if was_connected => error.to_string(),
            Err(error) => return Err(error),
        };
        let pause = pause(reader.retry(), failures);
        failures += 1;
        if !options.global.silent || options.global.show_error {
            let line = format!("{why}; connecting again in {} s", rounded(pause).as_secs_f64());
            print_stderr(format!("client: {}\n", escape_for_terminal(line.as_bytes())));
        }
        thread::sleep(pause);
        reader.restart();
        view.begin_anew();
    }
}

/// Returns how long to wait, after so many connections that failed.
fn pause(retry: Option<Duration>, failures: u32) -> Duration {
    let doubled = retry.unwrap_or(RETRY).saturating_mul(1 << failures.min(16));
    doubled.min(LONGEST_RETRY)
}

/// Asks for the events that follow the last one; `None` if there will be none.
fn connect(
    client: &Client,
    request: &Request,
    reader: &EventReader,
) -> Result<Option<Response>, CommandError> {
    let request = match reader.last_id() {
        "" => request.clone(),
        last => request.clone().with_header(LAST_EVENT_ID, last)?,
    };
    let response = client.send(&request)?;
    let content_type = response.header("Content-Type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match response.status() {
        Status::NO_CONTENT => Ok(None),
        Status::OK if media_type.eq_ignore_ascii_case(EVENT_STREAM) => Ok(Some(response)),
        Status::OK => Err(CommandError::Failed(
            22,
            format!(
                "the response is not an event stream, but {content_type:?}; right: {EVENT_STREAM}"
            ),
        )),
        status => Err(CommandError::Refused(status.code())),
    }
}

/// Prints the events until the stream ends.
fn follow(
    mut response: Response,
    reader: &mut EventReader,
    view: &mut View,
) -> Result<(), CommandError> {
    let mut events = Vec::new();
    while let Some(piece) = response.piece()? {
        let outcome = reader.read(piece, &mut events);
        let text: String = events.drain(..).map(|event| view.show(&event)).collect();
        print_stdout(text.as_bytes())?;
        outcome.map_err(|error| CommandError::Failed(56, error.to_string()))?;
    }
    Ok(())
}

/// How the events are shown.
#[derive(Debug)]
enum View {
    /// The data of each.
    Data,
    /// The same on a terminal, without what would change the terminal: another client may have sent it.
    VisibleData,
    /// As pictures of a pool.
    Pool(PoolView),
}

impl View {
    /// Returns the view for the events of this path, which may have a query.
    fn of(path: &str) -> View {
        let path = path.split('?').next().unwrap_or_default();
        match path.ends_with(pool::PATH) {
            true if io::stdout().is_terminal() => View::Pool(PoolView::InPlace(0)),
            true => View::Pool(PoolView::Lines),
            false if io::stdout().is_terminal() => View::VisibleData,
            false => View::Data,
        }
    }

    fn show(&mut self, event: &ReceivedEvent) -> String {
        match self {
            View::Data => line(event),
            View::VisibleData => visible(&line(event)),
            View::Pool(view) => view.show(event),
        }
    }

    fn begin_anew(&mut self) {
        if let View::Pool(view) = self {
            view.begin_anew();
        }
    }
}

/// Returns the data, after the type in brackets if it has one.
fn line(event: &ReceivedEvent) -> String {
    match event.event_type.as_str() {
        "message" => format!("{}\n", event.data),
        other => format!("[{other}] {}\n", event.data),
    }
}

/// Returns the lines with `\xHH` for each byte of what cannot be seen.
fn visible(lines: &str) -> String {
    lines.lines().map(|line| escape_for_terminal(line.as_bytes()) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_double_the_pause() {
        let seconds = |failures| pause(None, failures).as_secs();
        assert_eq!([0, 1, 2, 4, 5, 99].map(seconds), [3, 6, 12, 48, 60, 60]);
        assert_eq!(pause(Some(Duration::from_millis(10)), 1), Duration::from_millis(20));
        assert_eq!(pause(Some(Duration::from_secs(999)), 0), LONGEST_RETRY);
    }
}
