//! The work.

use super::subject::Subject;

#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub what: &'static str,
    pub path: &'static str,
    /// What the generator is told.
    pub flags: &'static [&'static str],
    /// How many connections do nothing meanwhile.
    pub idle: usize,
}

const SMALL: &str = "/-/health";

pub const ROWS: &[Row] = &[
    small("small-1", "small answer, 1 connection", &["-c", "1"]),
    small("small-16", "small answer, 16 connections", &["-c", "16"]),
    small("small-64", "small answer, 64 connections", &["-c", "64"]),
    small("small-256", "small answer, 256 connections", &["-c", "256"]),
    small("small-1024", "small answer, 1,024 connections", &["-c", "1024"]),
    small("pipelining", "small answer, 64 connections, 16 deep", &["-c", "64", "--pipeline", "16"]),
    small(
        "close",
        "one request per connection, 64 at a time",
        &["-c", "64", "--keep-alive", "off"],
    ),
    file("file-4k", "/4k", "a file of 4 KB, 64 connections", &["-c", "64"]),
    file("file-100k", "/100k", "a file of 100 KB, 64 connections", &["-c", "64"]),
    file("file-100m", "/100m", "a file of 100 MB, 4 connections", &["-c", "4"]),
    Row {
        name: "idle",
        what: "small answer, 64 connections among 10,000 idle ones",
        path: SMALL,
        flags: &["-c", "64"],
        idle: 10_000,
    },
];

const fn small(name: &'static str, what: &'static str, flags: &'static [&'static str]) -> Row {
    Row { name, what, path: SMALL, flags, idle: 0 }
}

const fn file(
    name: &'static str,
    path: &'static str,
    what: &'static str,
    flags: &'static [&'static str],
) -> Row {
    Row { name, what, path, flags, idle: 0 }
}

impl Row {
    /// Files are for those who serve files; and where a thread keeps its connection, idle ones would
    /// keep them all.
    pub fn fits(&self, subject: Subject) -> bool {
        match subject {
            _ if self.path != SMALL && !subject.serves_files() => false,
            Subject::Textbook => self.idle == 0 && self.name != "small-1024",
            Subject::TinyHttp => self.idle == 0,
            _ => true,
        }
    }
}
