//! The rows: the work, and the servers that do it.

use super::blocking::{FULL, Grid, Handler};
use super::figures::Figure;
use super::subject::{COMPUTING, FILES, FOLDERS, LOGGING, MANY, POOLS, SERVERS, Subject, TIMING};
use super::subject::{WORKERS, WRITABLE};

#[derive(Debug)]
pub struct Row {
    pub name: &'static str,
    pub what: &'static str,
    pub work: Work,
}

#[derive(Debug)]
pub enum Work {
    /// Each server is started, gets one request, and is stopped.
    Start,
    Load(Load),
    /// Handlers that take some time: a line for each time.
    Blocking(Grid),
    /// Small requests, and one slow one among a hundred, on every connection.
    Mix,
    /// Files of 100 MB are stored, one after the other.
    Upload,
    /// Our own package: its tree, and a clean build.
    Build,
}

/// The arguments of the generator, and the servers.
#[derive(Debug)]
pub struct Load {
    pub path: &'static str,
    pub flags: &'static [&'static str],
    pub who: &'static [Subject],
    pub beside: Beside,
}

/// Further conditions of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    Nothing,
    /// Server and generator share one core.
    OneCore,
    /// This many connections are idle meanwhile; each round is preceded by one without them.
    Idle(usize),
}

const SMALL: &str = "/-/health";

pub const ROWS: &[Row] = &[
    Row {
        name: "start",
        what: "from its start to its first response; memory then; the program",
        work: Work::Start,
    },
    load("small-1", "small response, 1 connection", SMALL, &["-c", "1"], SERVERS),
    Row {
        name: "one-core",
        what: "small response, 1 connection; server and generator on one core",
        work: Work::Load(Load {
            path: SMALL,
            flags: &["-c", "1"],
            who: SERVERS,
            beside: Beside::OneCore,
        }),
    },
    load("small-16", "small response, 16 connections", SMALL, &["-c", "16"], SERVERS),
    load("small-64", "small response, 64 connections", SMALL, &["-c", "64"], SERVERS),
    load("small-256", "small response, 256 connections", SMALL, &["-c", "256"], SERVERS),
    load("small-1024", "small response, 1,024 connections", SMALL, &["-c", "1024"], MANY),
    load(
        "pipelining",
        "small response, 64 connections, 16 deep",
        SMALL,
        &["-c", "64", "--pipeline", "16"],
        SERVERS,
    ),
    load(
        "close",
        "one request per connection, 64 at a time",
        SMALL,
        &["-c", "64", "--keep-alive", "off"],
        SERVERS,
    ),
    load("file-4k", "a file of 4 KB, 64 connections", "/4k", &["-c", "64"], FILES),
    load("file-100k", "a file of 100 KB, 64 connections", "/100k", &["-c", "64"], FILES),
    load("file-100m", "a file of 100 MB, 4 connections", "/100m", &["-c", "4"], FILES),
    load(
        "log",
        "small response, 64 connections; a line each in a log",
        SMALL,
        &["-c", "64"],
        LOGGING,
    ),
    load(
        "timing",
        "small response, 64 connections; with Server-Timing and without",
        SMALL,
        &["-c", "64"],
        TIMING,
    ),
    load("timing-16", "the same, 16 deep", SMALL, &["-c", "64", "--pipeline", "16"], TIMING),
    load("workers", "small response, 64 connections; --workers N", SMALL, &["-c", "64"], WORKERS),
    Row {
        name: "idle",
        what: "small response, 64 connections among 10,000 idle ones",
        work: Work::Load(Load {
            path: SMALL,
            flags: &["-c", "64"],
            who: &[
                Subject::Lobby,
                Subject::Nginx,
                Subject::Lighttpd,
                Subject::Hyper,
                Subject::MayMinihttp,
                Subject::Floor,
            ],
            beside: Beside::Idle(10_000),
        }),
    },
    grid("blocking-4", "4 workers, 16 connections", Grid { workers: 4, ..FULL }),
    grid("blocking-8", "8 workers, 32 connections", Grid { workers: 8, ..FULL }),
    grid(
        "blocking-32",
        "32 workers, 128 connections",
        Grid { workers: 32, usual: &[1.0, 5.0, 20.0], ..FULL },
    ),
    grid(
        "blocking-close",
        "32 workers, one request per connection, 128 at a time",
        Grid { keep_alive: false, ..FULL },
    ),
    grid("blocking-one", "32 workers, a connection for each", Grid { connections_each: 1, ..FULL }),
    grid(
        "blocking-spin",
        "32 workers, 128 connections, handlers that use the processor",
        Grid { handler: Handler::Spin, times: &[1.0, 5.0], usual: &[5.0], who: COMPUTING, ..FULL },
    ),
    Row {
        name: "blocking-mix",
        what: "64 workers, 64 connections; of 100 small requests one is /sleep/100 instead",
        work: Work::Mix,
    },
    load("folder-4k", "a file of 4 KB, 16 connections", "/4k", &["-c", "16"], FOLDERS),
    load(
        "folder-listing",
        "the listing of 1,000 files, 16 connections",
        "/thousand/",
        &["-c", "16"],
        FOLDERS,
    ),
    Row {
        name: "folder-upload",
        what: "a form with a file of 100 MB, by curl, one after the other",
        work: Work::Upload,
    },
    Row { name: "build", what: "our package", work: Work::Build },
];

const fn grid(name: &'static str, what: &'static str, grid: Grid) -> Row {
    Row { name, what, work: Work::Blocking(grid) }
}

const fn load(
    name: &'static str,
    what: &'static str,
    path: &'static str,
    flags: &'static [&'static str],
    who: &'static [Subject],
) -> Row {
    Row { name, what, work: Work::Load(Load { path, flags, who, beside: Beside::Nothing }) }
}

impl Row {
    pub fn who(&self) -> &'static [Subject] {
        match &self.work {
            Work::Start => SERVERS,
            Work::Load(load) => load.who,
            Work::Blocking(grid) => grid.who,
            Work::Mix => POOLS,
            Work::Upload => WRITABLE,
            Work::Build => &[],
        }
    }

    /// Returns the columns of its table.
    pub fn figures(&self) -> &'static [Figure] {
        use Figure::{Binary, Cpu, Errors, Memory, OfNoneIdle, P50, P99, Rate, Ready};
        use Figure::{Cores, OfAllowed, OfIdeal, P99Alone, P99OfAlone, P99OfIdeal, RateAlone};
        match &self.work {
            Work::Start => &[Ready, Memory, Binary],
            Work::Load(Load { beside: Beside::Idle(_), .. }) => {
                &[Rate, OfNoneIdle, Cpu, P50, P99, Memory, Errors]
            }
            Work::Load(_) => &[Rate, Cpu, P50, P99, Memory, Errors],
            Work::Blocking(_) => &[OfIdeal, P99OfIdeal, Cores],
            Work::Mix => &[RateAlone, P99Alone, Rate, P99, P99OfAlone, OfAllowed, Errors],
            Work::Upload => &[Rate, Cpu, Memory],
            Work::Build => &[],
        }
    }

    /// Returns true if it is run when no row is named.
    pub fn is_usual(&self) -> bool {
        !matches!(&self.work, Work::Blocking(grid) if grid.usual.is_empty())
    }
}
