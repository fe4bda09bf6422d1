//! Draws what `/-/status` of our server sends: the workers, and what their state means. On a terminal each
//! picture replaces the one before; into a pipe they follow each other, with an empty line between them.

use serde_json::Value;

use crate::command::terminal;
use crate::proto::http::event_stream::ReceivedEvent;
use crate::text::{escape_for_terminal, grouped, wrap};

/// A path with this end is drawn.
pub(super) const PATH: &str = "/-/status";

/// The widest picture, in columns.
const WIDEST: usize = 80;

/// The column in which the values begin.
const VALUES: usize = 11;

/// Where the picture is drawn.
#[derive(Debug)]
pub(super) enum PoolView {
    /// Each picture follows the one before.
    Lines,
    /// Each replaces the one before, which has this many lines.
    InPlace(usize),
}

impl PoolView {
    /// Returns what is printed for an event: the picture, or its data if they are no picture.
    pub(super) fn show(&mut self, event: &ReceivedEvent) -> String {
        if event.event_type != "message" {
            return String::new(); // pictures were lost, and the next one shows all
        }
        let (rows, columns) = match self {
            PoolView::Lines => (usize::MAX, WIDEST),
            PoolView::InPlace(_) => terminal::size(),
        };
        let columns = columns.min(WIDEST);
        let Some(mut lines) = picture(&event.data, columns) else {
            return escape_for_terminal(event.data.as_bytes()) + "\n";
        };
        shorten(&mut lines, rows.saturating_sub(1));
        let cut = |line: &String| line.chars().take(columns).collect::<String>();
        let text: String = lines.iter().map(|line| cut(line) + "\n").collect();
        match self {
            PoolView::Lines => text + "\n",
            PoolView::InPlace(before) => {
                let drawn = std::mem::replace(before, lines.len());
                // Up to its first line, and clear from there (ECMA-48, 8.3.22, 8.3.39).
                let up = if drawn > 0 { format!("\x1b[{drawn}A") } else { String::new() };
                format!("{up}\r\x1b[J{text}")
            }
        }
    }

    /// Leaves the last picture as it is: something else has been printed below it.
    pub(super) fn begin_anew(&mut self) {
        if let PoolView::InPlace(before) = self {
            *before = 0;
        }
    }
}

/// Returns the lines of the picture; `None` if this is none.
fn picture(json: &str, columns: usize) -> Option<Vec<String>> {
    let pool: Value = serde_json::from_str(json).ok()?;
    let meaning = pool.get("meaning")?.as_str()?;
    let mut lines = wrap(&escape_for_terminal(meaning.as_bytes()), columns, columns);
    lines.push(String::new());
    let queue = match (pool.get("waiting")?.as_u64()?, pool["oldest_milliseconds"].as_f64()) {
        (0, _) => "empty".to_owned(),
        (waiting, None) => grouped(waiting),
        (waiting, Some(oldest)) => {
            format!("{}, the oldest for {:.1} s", grouped(waiting), oldest / 1000.0)
        }
    };
    lines.push(row("queue", &queue));
    lines.push(row("lobby", &counts(&pool["lobby"])));
    lines.push(row("open", &grouped(pool["open"].as_u64().unwrap_or_default())));
    lines.push(row("refused", &counts(&pool["refused"])));
    let each = pool.get("each")?.as_array()?;
    let texts: Vec<&str> = each.iter().map(|it| it["text"].as_str().unwrap_or_default()).collect();
    let mut first = 1;
    for same in texts.chunk_by(|a, b| a == b) {
        let name = match same.len() {
            1 => format!("worker {first}"),
            count => format!("{first} to {}", first + count - 1),
        };
        lines.push(row(&name, &escape_for_terminal(same[0].as_bytes())));
        first += same.len();
    }
    Some(lines)
}

fn row(name: &str, value: &str) -> String {
    format!("{name:<width$}{value}", width = VALUES)
}

/// Returns the counts that are not 0: `3 idle, 12 push`.
fn counts(object: &Value) -> String {
    let all = object.as_object().into_iter().flatten();
    let some: Vec<String> = all
        .filter_map(|(name, count)| Some((name, count.as_u64().filter(|&count| count > 0)?)))
        .map(|(name, count)| format!("{} {}", grouped(count), escape_for_terminal(name.as_bytes())))
        .collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

/// Leaves out the last lines that do not fit.
fn shorten(lines: &mut Vec<String>, most: usize) {
    if lines.len() > most && most > 0 {
        let left_out = lines.len() - (most - 1);
        lines.truncate(most - 1);
        lines.push(format!("… {left_out} lines more"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUSY: &str = concat!(
        r#"{"meaning":"All 2 workers are in handlers, 12 requests wait, the oldest for 2.3 s: more "#,
        r#"workers would help, a larger queue would not.","waiting":12,"oldest_milliseconds":2345,"#,
        r#""each":[{"text":"in handler GET /x for 1.2 s"},{"text":"idle"},{"text":"idle"},"#,
        r#"{"text":"idle"},{"text":"\u001b[2J"}],"lobby":{"idle":3,"head":0,"push":1200},"#,
        r#""open":1215,"refused":{"queue":0}}"#,
    );

    fn event(data: &str) -> ReceivedEvent {
        let event_type = "message".to_owned();
        ReceivedEvent { event_type, data: data.to_owned(), id: String::new() }
    }

    #[test]
    fn the_picture_fits_into_80_columns_and_has_no_escapes_of_the_server() {
        let drawn = PoolView::Lines.show(&event(BUSY));
        assert_eq!(
            drawn,
            "All 2 workers are in handlers, 12 requests wait, the oldest for 2.3 s: more\n\
             workers would help, a larger queue would not.\n\
             \n\
             queue      12, the oldest for 2.3 s\n\
             lobby      3 idle, 1,200 push\n\
             open       1,215\n\
             refused    none\n\
             worker 1   in handler GET /x for 1.2 s\n\
             2 to 4     idle\n\
             worker 5   \\x1B[2J\n\n"
        );
        assert!(drawn.lines().all(|line| line.chars().count() <= WIDEST));
    }

    #[test]
    fn a_picture_replaces_the_one_before() {
        let mut view = PoolView::InPlace(0);
        assert!(view.show(&event(BUSY)).starts_with("\r\x1b[JAll 2"));
        assert!(view.show(&event(BUSY)).starts_with("\x1b[10A\r\x1b[JAll 2"));
        view.begin_anew();
        assert!(view.show(&event(BUSY)).starts_with("\r\x1b[JAll 2"));
    }

    #[test]
    fn what_is_no_picture_is_shown_as_it_is() {
        assert_eq!(PoolView::Lines.show(&event("hello\x1b")), "hello\\x1B\n");
        assert_eq!(PoolView::Lines.show(&event("{}")), "{}\n");
        let lagged = ReceivedEvent { event_type: "lagged".to_owned(), ..event("3") };
        assert_eq!(PoolView::Lines.show(&lagged), "");
    }

    #[test]
    fn what_does_not_fit_into_the_terminal_is_counted() {
        let mut lines: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        shorten(&mut lines, 10);
        assert_eq!(lines.len(), 10);
        shorten(&mut lines, 4);
        assert_eq!(lines, ["0", "1", "2", "… 7 lines more"]);
    }
}
