//! The rows of the flags.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::list::list;
use super::{ExperimentOptions, LogAxes, Order, Plot};
use crate::cli::Effect::{Help, Switch, Value, Version};
use crate::cli::bench::{number, some_time, time};
use crate::cli::{Expected, Flag};

pub(super) const VARIED: &[Flag<ExperimentOptions>] = &[
    Flag::new(
        Some('c'),
        "connections",
        Value("LIST", |options, value| {
            vary(options, "connections", numbers(value, 100_000)?);
            Ok(())
        }),
        "keep so many connections open (default 50)",
    ),
    Flag::new(
        None,
        "keep-alive",
        Value("LIST", |options, value| {
            let values = list(&text(value)?).ok_or(ON_OFF)?;
            if !values.iter().all(|value| ["on", "off"].contains(&value.as_str())) {
                return Err(ON_OFF);
            }
            vary(options, "keep_alive", values);
            Ok(())
        }),
        "off: a connection for each request (default on)",
    ),
    Flag::new(
        None,
        "rate",
        Value("LIST", |options, value| {
            vary(options, "rate", numbers(value, 10_000_000)?);
            Ok(())
        }),
        "send so many requests per second (default: each connection sends its next request when it has \
         received the response)",
    ),
    Flag::new(
        None,
        "pipeline",
        Value("LIST", |options, value| {
            vary(options, "pipeline", numbers(value, 1000)?);
            Ok(())
        }),
        "send so many requests on a connection before the first response (default 1)",
    ),
    Flag::new(
        None,
        "workers",
        Value("LIST", |options, value| {
            vary(options, "workers", numbers(value, 100_000)?);
            Ok(())
        }),
        "fill {workers} in --server",
    ),
    Flag::new(
        None,
        "vary",
        Value("NAME=LIST", |options, value| {
            let typed = text(value)?;
            let (name, values) = typed.split_once('=').ok_or(VARY)?;
            let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            if name.is_empty()
                || !name.bytes().all(is_word)
                || ["port", "threadbare"].contains(&name)
            {
                return Err(VARY);
            }
            vary(options, name, list(values).ok_or(VARY)?);
            Ok(())
        }),
        "fill {NAME}; repeatable",
    ),
];

pub(super) const SERVER: &[Flag<ExperimentOptions>] = &[
    Flag::new(
        None,
        "server",
        Value("COMMAND", |options, value| {
            options.server = Some(text(value)?);
            Ok(())
        }),
        "start the server with this command of the shell for each measurement, and stop it with SIGTERM; {port} is a \
         free port, in the URL as well; {threadbare} is the server beside this client (default: the server at \
         URL, as it is)",
    ),
    Flag::new(
        None,
        "ready",
        Value("SECS", |options, value| {
            options.ready = some_time(value)?;
            Ok(())
        }),
        "wait at most SECS seconds until it accepts a connection (default 5)",
    ),
];

pub(super) const MEASUREMENT: &[Flag<ExperimentOptions>] = &[
    Flag::new(
        Some('t'),
        "duration",
        Value("SECS", |options, value| {
            options.duration = some_time(value)?;
            Ok(())
        }),
        "measure for SECS seconds (default 5)",
    ),
    Flag::new(
        None,
        "warm-up",
        Value("SECS", |options, value| {
            options.warm_up = time(value)?;
            Ok(())
        }),
        "send requests for SECS seconds before each measurement (default 1)",
    ),
    Flag::new(
        None,
        "repeat",
        Value("N", |options, value| {
            options.repeat = number(value, 1000)?;
            Ok(())
        }),
        "measure each combination N times (default 5)",
    ),
    Flag::new(
        None,
        "order",
        Value("random|given", |options, value| {
            options.order = match value.to_str() {
                Some("random") => Order::Random,
                Some("given") => Order::Given,
                _ => return Err(Expected("random or given")),
            };
            Ok(())
        }),
        "each repeat measures all combinations once: in a random order, or in that of the lists (default random)",
    ),
    Flag::new(
        None,
        "seed",
        Value("N", |options, value| {
            options.seed = number(value, u64::MAX)?;
            Ok(())
        }),
        "the random order begins here: the same seed is the same order (default 1)",
    ),
    Flag::new(
        None,
        "pause",
        Value("SECS", |options, value| {
            options.pause = time(value)?;
            Ok(())
        }),
        "wait SECS seconds between two measurements (default 1)",
    ),
    Flag::new(
        None,
        "threads",
        Value("N", |options, value| {
            options.threads = Some(number(value, 1000)?);
            Ok(())
        }),
        "spread the connections over N threads (default: half the cores)",
    ),
    Flag::new(
        None,
        "dry-run",
        Switch(|options, on| options.dry_run = on),
        "print the combinations and the time that they take; send nothing",
    ),
    Flag::new(
        None,
        "resume",
        Switch(|options, on| options.resume = on),
        "do not measure again what is in runs.csv",
    ),
];

pub(super) const OUTPUT: &[Flag<ExperimentOptions>] = &[
    Flag::new(
        Some('o'),
        "output",
        Value("DIR", |options, value| {
            options.output = PathBuf::from(value);
            Ok(())
        }),
        "write the results into this folder (default experiment)",
    ),
    Flag::new(
        None,
        "plot",
        Value("Y:X[:SERIES[:PANEL]]", |options, value| {
            options.plots.push(plot(&text(value)?).ok_or(PLOT)?);
            Ok(())
        }),
        "draw this figure over this list, with a line for each value of SERIES and a panel for each of PANEL; \
         repeatable (default: requests_per_s and p99_ms over the longest list)",
    ),
    Flag::new(
        None,
        "log",
        Value("x|y|x,y", |options, value| {
            options.log = match value.to_str() {
                Some("x") => LogAxes { x: true, y: false },
                Some("y") => LogAxes { x: false, y: true },
                Some("x,y" | "y,x") => LogAxes { x: true, y: true },
                _ => return Err(Expected("x, y or x,y")),
            };
            Ok(())
        }),
        "use a logarithmic scale",
    ),
    Flag::new(
        None,
        "ideal",
        Value("EXPR", |options, value| {
            options.ideal = Some(text(value)?);
            Ok(())
        }),
        "draw a dashed line at this number of requests per second: numbers, names of lists, + - * / ( ) \
         min(a,b) max(a,b)",
    ),
    Flag::new(
        None,
        "title",
        Value("TEXT", |options, value| {
            options.title = Some(text(value)?);
            Ok(())
        }),
        "put this title above the report and the pictures",
    ),
    Flag::new(
        None,
        "fail-if",
        Value("CONDITIONS", |options, value| {
            options.fail_if = Some(text(value)?);
            Ok(())
        }),
        "fail if a condition is true for a combination, as with client bench, such as p99>50ms,errors>0.1%",
    ),
    Flag::new(
        Some('s'),
        "silent",
        Switch(|options, on| options.silent = on),
        "show neither the progress nor the chart",
    ),
];

pub(super) const HELP: &[Flag<ExperimentOptions>] = &[
    Flag::new(Some('h'), "help", Help, "print this help"),
    Flag::new(Some('V'), "version", Version, "print the version"),
];

const ON_OFF: Expected = Expected("on, off or on,off");
const VARY: Expected = Expected(
    "NAME=LIST, such as ms=1,5,20 or policy=fifo,lifo; a name has letters, digits, - and _, and is not port or \
     threadbare",
);
const PLOT: Expected = Expected("Y:X[:SERIES[:PANEL]], such as requests_per_s:workers:connections");

fn vary(options: &mut ExperimentOptions, name: &str, values: Vec<String>) {
    options.lists.push((name.to_owned(), values));
}

fn plot(typed: &str) -> Option<Plot> {
    let mut parts = typed.split(':').map(str::to_owned);
    let (y, x, series, panel) = (parts.next()?, parts.next()?, parts.next(), parts.next());
    let is_whole = [Some(&y), Some(&x), series.as_ref(), panel.as_ref()]
        .into_iter()
        .flatten()
        .all(|part| !part.is_empty());
    (is_whole && parts.next().is_none()).then_some(Plot { y, x, series, panel })
}

/// Returns a list of numbers from 1 to `most`.
fn numbers(value: &OsStr, most: u64) -> Result<Vec<String>, Expected> {
    const RIGHT: Expected =
        Expected("whole numbers of at least 1, such as 1,2,4 or 1..64x2 or 10..50+10");
    let values = list(&text(value)?).ok_or(RIGHT)?;
    let is_right =
        |value: &String| value.parse().is_ok_and(|number: u64| (1..=most).contains(&number));
    Some(values).filter(|values| values.iter().all(is_right)).ok_or(RIGHT)
}

pub(super) fn text(value: &OsStr) -> Result<String, Expected> {
    value.to_str().map(str::to_owned).ok_or(Expected("text in UTF-8"))
}
