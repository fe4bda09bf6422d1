//! The terminal that stderr may be: its width, and whether it takes colours.

use std::env;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use crate::text::wants_colour;

/// The width if nothing tells it, and for a pipe.
const USUAL: usize = 80;

/// Returns the columns of stderr: as `stty` reports them (the system call needs `unsafe`), else as
/// `COLUMNS` says, else 80.
pub fn columns() -> usize {
    if !io::stderr().is_terminal() {
        return USUAL;
    }
    let said = asked().or_else(|| env::var("COLUMNS").ok()?.parse().ok());
    said.filter(|&columns| columns > 0).unwrap_or(USUAL)
}

/// Runs `stty size`, which prints rows and columns of the terminal on its stdin.
fn asked() -> Option<usize> {
    let terminal = Stdio::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
    let said = Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output();
    let said = String::from_utf8(said.ok()?.stdout).ok()?;
    said.split_whitespace().nth(1)?.parse().ok()
}

/// Returns true on a terminal, unless `NO_COLOR` (no-color.org) is set or `TERM` is `dumb`.
pub fn in_colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}
