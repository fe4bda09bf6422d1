//! Rows with bars, aligned and to scale: [`Picture::draw`] is a function of the rows and the width.
//!
//! At 60 columns and more a row is label, time, bar, note; a note for which there is no room gets lines of its own
//! below. In fewer columns there are no bars. Control bytes, which a server may send, are not drawn.

use std::time::Duration;

use crate::text::{blocks, paint, replace_controls, time, wrap};

/// The rows of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Method and URL.
    pub title: String,
    /// The time at the left end of the scale.
    pub begins: Duration,
    /// The time at its right end.
    pub ends: Duration,
    /// The phases and moments between them.
    pub rows: Vec<Row>,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The name of the phase.
    pub label: String,
    /// When it began; for a mark, when it happened.
    pub begins: Duration,
    /// How long it took, if known.
    pub took: Option<Duration>,
    /// The text after the bar.
    pub note: String,
    /// How it is drawn.
    pub kind: RowKind,
}

/// How a row is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// The client was active.
    Client,
    /// The client waited.
    Wait,
    /// The server was active, as it reported.
    Server,
    /// Reported by the server without a time of its own.
    Listed,
    /// A moment.
    Mark,
    /// It failed.
    Failed,
    /// A text without a bar.
    Said,
    /// The whole request.
    Total,
}

/// The columns before the bar: two spaces, label, time.
const LABEL: usize = 11;
const TIME: usize = 8;
const BEFORE: usize = 2 + LABEL + 1 + TIME + 1;
/// The least number of columns for bars; they take half of the width, but no more than this.
const BARS_FROM: usize = 60;
const MOST: usize = 60;
/// The longest label that a server may choose.
const LONGEST: usize = 40;

impl Row {
    /// Returns a row with a beginning and an end.
    pub fn span(kind: RowKind, label: &str, begins: Duration, ends: Duration, note: String) -> Row {
        let took = Some(ends.saturating_sub(begins));
        Row { label: label.to_owned(), begins, took, note, kind }
    }

    /// Returns a row for a moment.
    pub fn mark(label: &str, at: Duration, note: String) -> Row {
        Row { label: label.to_owned(), begins: at, took: None, note, kind: RowKind::Mark }
    }

    /// Returns a row of text.
    pub fn said(label: &str, at: Duration, note: String) -> Row {
        Row { kind: RowKind::Said, ..Row::mark(label, at, note) }
    }

    /// Returns a row without a place on the scale.
    pub fn listed(label: &str, took: Option<Duration>, note: String) -> Row {
        let label = label.chars().take(LONGEST).collect();
        Row { label, begins: Duration::ZERO, took, note, kind: RowKind::Listed }
    }

    /// Draws the bar, as many columns wide as the scale.
    fn bar(&self, picture: &Picture, columns: usize) -> String {
        let total = picture.ends.saturating_sub(picture.begins).as_nanos().max(1);
        let share = |time: Duration, of: usize| {
            usize::try_from(time.as_nanos().saturating_mul(of as u128) / total)
                .unwrap_or(of)
                .min(of)
        };
        let start = share(self.begins.saturating_sub(picture.begins), columns).min(columns - 1);
        let room = columns - start;
        let eighths = share(self.took.unwrap_or_default(), columns * 8).clamp(1, room * 8);
        let drawn = match self.kind {
            RowKind::Listed | RowKind::Said | RowKind::Total => String::new(),
            RowKind::Mark => "◆".to_owned(),
            RowKind::Wait => "░".repeat(eighths.div_ceil(8)),
            RowKind::Client | RowKind::Server | RowKind::Failed => blocks(eighths),
        };
        let start = if drawn.is_empty() { 0 } else { start };
        let behind = columns - start - drawn.chars().count();
        format!("{}{drawn}{}", " ".repeat(start), " ".repeat(behind))
    }

    /// Returns the colour, as terminals number colours.
    fn colour(&self) -> &'static str {
        match self.kind {
            RowKind::Client => "36",
            RowKind::Server | RowKind::Listed => "32",
            RowKind::Wait => "2",
            RowKind::Mark | RowKind::Said => "33",
            RowKind::Failed => "31",
            RowKind::Total => "1",
        }
    }
}

impl Picture {
    /// Lines of at most so many columns, but for a word that is longer.
    pub fn draw(&self, width: usize, in_colour: bool) -> String {
        let bar = if width < BARS_FROM { 0 } else { ((width - BEFORE - 3) / 2).min(MOST) };
        let mut text = paint(&replace_controls(&self.title), "1", in_colour) + "\n";
        for row in &self.rows {
            let indent =
                if matches!(row.kind, RowKind::Server | RowKind::Listed) { "  " } else { "" };
            let label = format!("{indent}{}", row.label);
            let took = row.took.map(time).unwrap_or_default();
            let mut line = format!("  {label:<LABEL$} {took:>TIME$}");
            let mut column = line.chars().count();
            if bar > 0 && matches!(row.kind, RowKind::Said | RowKind::Total) {
                line.push(' '); // no bar: the note stands in its place
                column += 1;
            } else if bar > 0 {
                line.push_str(" │");
                line.push_str(&paint(&row.bar(self, bar), row.colour(), in_colour));
                line.push('│');
                column += bar + 3;
            }
            let note = replace_controls(&row.note);
            if !note.is_empty() && column + 1 + note.chars().count() <= width {
                line = format!("{line} {note}");
            } else {
                let room = width.saturating_sub(BEFORE + 1);
                for part in wrap(&note, room, room) {
                    line = format!("{}\n{}{part}", line.trim_end(), " ".repeat(BEFORE + 1));
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        let ms = Duration::from_millis;
        let long =
            "one note that is too long for the room beside the bar, as some errors are".to_owned();
        Picture {
            title: "GET /\u{1b}[2J".to_owned(),
            begins: ms(100),
            ends: ms(200),
            rows: vec![
                Row::span(RowKind::Client, "first", ms(100), ms(150), "to \u{9b}1m".to_owned()),
                Row::span(RowKind::Failed, "none", ms(150), ms(150), String::new()),
                Row::span(RowKind::Server, "outside", ms(0), ms(900), String::new()),
                Row::mark("end", ms(200), long),
                Row::span(RowKind::Total, "total", ms(100), ms(200), String::new()),
            ],
        }
    }

    #[test]
    fn no_line_is_wider_than_it_may_be() {
        for width in [0, 20, 40, 59, 60, 61, 79, 80, 81, 140, 141, 400] {
            let text = picture().draw(width, false);
            assert!(!text.contains(|char: char| char.is_control() && char != '\n'), "{text:?}");
            assert_eq!(text.contains('│'), width >= BARS_FROM, "{width}");
            for line in text.lines() {
                let columns = line.chars().count();
                assert!(columns <= width.max(BEFORE + 10), "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
            let columns = |line: &str| Some(line.rsplit_once('│')?.0.chars().count());
            let ends: Vec<_> = text.lines().filter_map(columns).collect();
            assert!(ends.windows(2).all(|two| two[0] == two[1]), "{width}:\n{text}");
        }
    }

    #[test]
    fn colours_change_nothing_else() {
        let (plain, mut coloured) = (picture().draw(80, false), picture().draw(80, true));
        assert!(coloured.contains("\x1b[31m"));
        for colour in ["0", "1", "2", "31", "32", "33", "36"] {
            coloured = coloured.replace(&format!("\x1b[{colour}m"), "");
        }
        assert_eq!(coloured, plain);
    }
}
