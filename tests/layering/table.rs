//! The table of rooms, as the manual shows it.

use std::fs;

use crate::support::root;

/// A room, and what it may name.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The modules that it is for: `net`, `proto::buf`, `bin::server`.
    pub rooms: Vec<String>,
    /// What it may name of our crate, besides itself.
    pub ours: Vec<String>,
    /// The other crates that it may name.
    pub others: Vec<String>,
    /// It has values only: of `std` it may name the listed modules, and no clock.
    pub is_pure: bool,
}

/// The whole of it.
#[derive(Debug)]
pub struct Table {
    pub rows: Vec<Row>,
    /// What a room of values may name of the standard library.
    pub pure: Vec<String>,
}

impl Table {
    /// Reads the table from the manual.
    pub fn read() -> Table {
        let page = root().join("src/manual/architecture.md");
        let text = fs::read_to_string(page).unwrap();
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        let pure = text.lines().find_map(|line| line.strip_prefix("Values only: "));
        Table {
            rows: rows.map(row).collect(),
            pure: quoted(pure.expect("the page says what a room of values may name of std")),
        }
    }

    /// Returns the row of the innermost room that a module belongs to.
    pub fn row(&self, module: &[String]) -> Option<(&Row, Vec<String>)> {
        let rooms = self.rows.iter().flat_map(|row| row.rooms.iter().map(move |room| (row, room)));
        let rooms = rooms.map(|(row, room)| (row, segments(room)));
        rooms.filter(|(_, room)| module.starts_with(room)).max_by_key(|(_, room)| room.len())
    }
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
    assert_eq!(cells.len(), 5, "room, ours, others, std, purpose: {line}");
    Row {
        rooms: quoted(cells[0]),
        ours: quoted(cells[1]),
        others: quoted(cells[2]),
        is_pure: cells[3].trim() == "values only",
    }
}

/// Returns what stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns the segments of a path.
pub fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
}
