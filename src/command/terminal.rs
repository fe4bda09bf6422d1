//! The terminal that stderr may be: how wide it is, and whether it takes colours.

use std::env;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::process::{Command, Stdio};

use crate::text::wants_colour;

/// Where nobody says how wide it is, and for a pipe.
const USUAL: usize = 80;

/// How many columns stderr has: what `stty` says of the terminal (to ask the kernel itself takes an `unsafe`
/// call), else what `COLUMNS` says, else 80.
pub fn columns() -> usize {
    if !io::stderr().is_terminal() {
        return USUAL;
    }
    let said = asked().or_else(|| env::var("COLUMNS").ok()?.parse().ok());
    said.filter(|&columns| columns > 0).unwrap_or(USUAL)
}

/// `stty size` prints rows and columns of the terminal on its stdin.
fn asked() -> Option<usize> {
    let terminal = Stdio::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
    let said = Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output();
    let said = String::from_utf8(said.ok()?.stdout).ok()?;
    said.split_whitespace().nth(1)?.parse().ok()
}

/// Colours: on a terminal, unless `NO_COLOR` (no-color.org) says something, or it is a dumb one.
pub fn in_colour() -> bool {
    io::stderr().is_terminal() && wants_colour()
}
