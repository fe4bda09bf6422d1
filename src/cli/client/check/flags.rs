//! The tables of the flags of `client check`.

use std::ffi::OsStr;
use std::time::Duration;

use super::{CheckOptions, Format, Level};
use crate::cli::Effect::{Help, Switch, Value, Version};
use crate::cli::bench::file;
use crate::cli::limits::{number, put};
use crate::cli::{Expected, Flag, seconds};

pub(super) const WHAT: &[Flag<CheckOptions>] = &[
    Flag::new(
        None,
        "level",
        Value("LEVEL", |options, value| {
            let level = Level::ALL.into_iter().find(|level| value == level.name());
            options.level =
                Some(level.ok_or(Expected("first, http10, http11, concurrent, robust or secure"))?);
            Ok(())
        }),
        "check up to this level (default http11; with --only or --pack: all levels)",
    ),
    Flag::new(
        None,
        "only",
        Value("NAME", |options, value| {
            options.only.push(text(value)?);
            Ok(())
        }),
        "run this check or group only, such as framing or framing.two-lengths; routes: only those of --expect (repeatable)",
    ),
    Flag::new(
        None,
        "skip",
        Value("NAME", |options, value| {
            options.skip.push(text(value)?);
            Ok(())
        }),
        "leave out this check or group (repeatable)",
    ),
    Flag::new(
        None,
        "pack",
        Value("NAME", |options, value| {
            options.packs.push(text(value)?);
            Ok(())
        }),
        "check what an assignment asks for: kurose-ross, rust-book, codecrafters, tiny, proxy, \
         proxy-cache, ostep, ostep-fifo, ostep-sff or rest (repeatable)",
    ),
    Flag::new(
        None,
        "expect",
        Value("FILE", |options, value| {
            options.expect = Some(file(value)?);
            Ok(())
        }),
        "also check the routes in FILE: lines METHOD PATH STATUS, then Field: value, @BODY or ~TEXT, with | \
         between them; >Field: value and >@BODY are of the request",
    ),
    Flag::new(
        None,
        "list",
        Switch(|options, on| options.list = on),
        "print the checks, and send nothing; with --explain: what each of them asks",
    ),
];

pub(super) const SERVER: &[Flag<CheckOptions>] = &[
    Flag::new(
        None,
        "root",
        Value("DIR", |options, value| {
            options.root = Some(file(value)?);
            Ok(())
        }),
        "the folder that the server serves: bodies are compared byte for byte, with a large and an \
         empty file and a picture, if they are there",
    ),
    Flag::new(
        None,
        "server",
        Value("COMMAND", |options, value| {
            options.server = Some(text(value)?);
            Ok(())
        }),
        "start the server with this command of the shell, and again after a crash; end it with SIGTERM. In it \
         {port} is a free port, also in the URL; {root} is the folder of --root, or one with a file of each \
         kind; {workers} is N",
    ),
    Flag::new(
        None,
        "workers",
        Value("N", |options, value| {
            let right = Expected("a number from 1 on, such as 4");
            put(&mut options.workers, number(value, right, 1))
        }),
        "what {workers} stands for (default 4)",
    ),
    Flag::new(
        None,
        "each",
        Value("FILE", |options, value| {
            options.each = Some(file(value)?);
            Ok(())
        }),
        "check many servers, and print a row of CSV for each: FILE has a NAME and a URL in each line; {name} \
         is filled in in URL, --server and --root",
    ),
    Flag::new(
        None,
        "missing",
        Value("PATH", |options, value| {
            options.missing = Some(path(value)?);
            Ok(())
        }),
        "a path that is not there (default: an invented one)",
    ),
    Flag::new(
        None,
        "post",
        Value("PATH", |options, value| {
            options.post = Some(path(value)?);
            Ok(())
        }),
        "a path that takes a POST; without it those checks are skipped",
    ),
    Flag::new(
        None,
        "slow",
        Value("PATH", |options, value| {
            options.slow = Some(path(value)?);
            Ok(())
        }),
        "a path whose answer takes a while, as 0.5 s; without it those checks are skipped",
    ),
    Flag::new(
        Some('m'),
        "max-time",
        Value("SECS", |options, value| {
            let time = seconds(value)?;
            let usable = !time.is_zero() && time <= Duration::from_secs(3600);
            options.max_time = Some(time)
                .filter(|_| usable)
                .ok_or(Expected("more than 0 and at most 3600 seconds, such as 5 or 0.5"))?;
            Ok(())
        }),
        "wait at most SECS seconds for each answer (default 5)",
    ),
];

pub(super) const OUTPUT: &[Flag<CheckOptions>] = &[
    Flag::new(
        None,
        "format",
        Value("FORMAT", |options, value| {
            options.format = match value.to_str() {
                Some("text") => Format::Text,
                Some("tap") => Format::Tap,
                Some("json") => Format::Json,
                Some("junit") => Format::Junit,
                _ => return Err(Expected("text, tap, json or junit")),
            };
            Ok(())
        }),
        "print text, tap, json or junit (default text)",
    ),
    Flag::new(
        None,
        "json-out",
        Value("FILE", |options, value| {
            options.json_out = Some(file(value)?);
            Ok(())
        }),
        "also write the report as JSON to FILE; -: write it to stdout instead",
    ),
    Flag::new(
        None,
        "points",
        Value("FILE", |options, value| {
            options.points = Some(file(value)?);
            Ok(())
        }),
        "the points of checks: lines with a name or a group, and a number (default 1; a SHOULD 0.5)",
    ),
    Flag::new(
        None,
        "fail-if",
        Value("CONDITIONS", |options, value| {
            options.fail_if = Some(text(value)?);
            Ok(())
        }),
        "fail if a condition is true, such as must>0,points<80%: failed must should asked skipped points; \
         > or < (default must>0,asked>0)",
    ),
    Flag::new(
        Some('v'),
        "verbose",
        Switch(|options, on| options.verbose = on),
        "show all that was sent and received by each failed check",
    ),
    Flag::new(
        None,
        "wire",
        Switch(|options, on| options.wire = on),
        "show each byte that is sent and received on stderr",
    ),
    Flag::new(
        None,
        "transcript",
        Value("FILE", |options, value| {
            options.transcript = Some(file(value)?);
            Ok(())
        }),
        "write the same bytes to FILE, with their times",
    ),
    Flag::new(
        None,
        "explain",
        Switch(|options, on| options.explain = on),
        "explain the lines of the heads that are shown",
    ),
    Flag::new(
        Some('s'),
        "silent",
        Switch(|options, on| options.silent = on),
        "print only the checks that failed, and the sum",
    ),
];

pub(super) const HELP: &[Flag<CheckOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

fn text(value: &OsStr) -> Result<String, Expected> {
    let usable = value.to_str().filter(|text| !text.is_empty());
    usable.map(str::to_owned).ok_or(Expected("a name, such as framing or host.missing"))
}

fn path(value: &OsStr) -> Result<String, Expected> {
    let usable = value
        .to_str()
        .filter(|path| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
    usable.map(str::to_owned).ok_or(Expected("a path, such as /upload"))
}
