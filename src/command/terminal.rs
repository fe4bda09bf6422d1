//! The terminal that stderr may be: its size, and whether it takes colours.

use std::env;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use crate::text::wants_colour;

/// The rows and columns if nothing tells them, and for a pipe.
const USUAL: (usize, usize) = (24, 80);

/// Returns the columns of stderr: as `stty` reports them (the system call needs `unsafe`), else as
/// `COLUMNS` says, else 80.
pub fn columns() -> usize {
    size().1
}

/// Returns the rows and the columns of stderr, in the same way: `LINES`, else 24.
pub fn size() -> (usize, usize) {
    if !io::stderr().is_terminal() {
        return USUAL;
    }
    let asked = asked();
    let said = |at: usize, name: &str| {
        let said = asked.as_ref().and_then(|numbers| numbers.get(at).copied());
        let said = said.or_else(|| env::var(name).ok()?.parse().ok());
        said.filter(|&number| number > 0)
    };
    (said(0, "LINES").unwrap_or(USUAL.0), said(1, "COLUMNS").unwrap_or(USUAL.1))
}

/// Runs `stty size`, which prints rows and columns of the terminal on its stdin.
fn asked() -> Option<Vec<usize>> {
    let terminal = Stdio::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
    let said = Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output();
    let said = String::from_utf8(said.ok()?.stdout).ok()?;
    said.split_whitespace().map(|number| number.parse().ok()).collect()
}

/// Returns true on a terminal, unless `NO_COLOR` (no-color.org) is set or `TERM` is `dumb`.
pub fn in_colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}
