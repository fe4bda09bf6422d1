//! The flags of `server` that say how connections get workers. What each of them shows is in the manual, page
//! `policies`.

use super::Effect::{Switch, Value};
use super::server::ServerOptions;
use super::{Expected, Flag};
use crate::server::{Driver, Schedule};

/// The kinds of pool. (`--pool single` is the textbook with one worker.)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pool {
    /// Workers serve requests; connections without work wait in the lobby.
    #[default]
    Lobby,
    /// A fixed number of workers, each of which keeps its connection: the textbook.
    Fixed,
    /// A thread for each connection.
    PerConnection,
    /// One worker.
    Single,
}

impl Pool {
    /// Returns what serves, for the ready line.
    pub fn words(self, workers: usize) -> String {
        match (self, workers) {
            (Pool::PerConnection, _) => "a thread for each connection".to_owned(),
            (_, 1) => "1 worker".to_owned(),
            (_, workers) => format!("{workers} workers"),
        }
    }
}

pub(super) const FLAGS: &[Flag<ServerOptions>] = &[
    Flag::new(
        None,
        "pool",
        Value("KIND", |options, value| {
            options.pool = match value.to_str() {
                Some("lobby") => Pool::Lobby,
                Some("fixed") => Pool::Fixed,
                Some("per-connection") => Pool::PerConnection,
                Some("single") => Pool::Single,
                _ => return Err(Expected("lobby, fixed, per-connection or single")),
            };
            Ok(())
        }),
        "lobby: workers serve requests, and idle connections wait in the lobby; fixed: each worker keeps its \
         connection (the textbook); per-connection: a new thread for each connection; single: one worker, \
         whatever --workers says (default lobby)",
    ),
    Flag::new(
        None,
        "lobby",
        Value("on|off", |options, value| {
            options.pool = match value.to_str() {
                Some("on") => Pool::Lobby,
                Some("off") => Pool::Fixed,
                _ => return Err(Expected("on, or off for the textbook")),
            };
            Ok(())
        }),
        "on: --pool lobby; off: --pool fixed",
    ),
    Flag::new(
        None,
        "schedule",
        Value("ORDER", |options, value| {
            options.config.schedule = match value.to_str() {
                Some("fifo") => Schedule::Fifo,
                Some("lifo") => Schedule::Lifo,
                Some("smallest-first") => Schedule::SmallestFirst,
                _ => return Err(Expected("fifo, lifo or smallest-first")),
            };
            Ok(())
        }),
        "which of the waiting connections is served next: fifo, lifo, or smallest-first, by the size of the \
         response (default fifo)",
    ),
    Flag::new(
        None,
        "stat-fields",
        Switch(|options, on| options.stat_fields = on),
        "add the fields Stat-Req-* and Stat-Thread-*, which some labs ask for, where Server-Timing is added",
    ),
];

/// Sets driver and number of workers, after everything has been typed.
///
/// # Errors
/// When two flags contradict each other.
pub(super) fn apply(options: &mut ServerOptions) -> Result<(), &'static str> {
    let config = &mut options.config;
    config.driver = match options.pool {
        Pool::Lobby => Driver::Lobby,
        Pool::Fixed | Pool::Single => Driver::Textbook,
        Pool::PerConnection => Driver::PerConnection,
    };
    if options.pool == Pool::Single {
        config.workers = 1;
    }
    if options.pool == Pool::PerConnection && config.schedule != Schedule::Fifo {
        return Err(
            "--schedule orders a queue, and --pool per-connection has none; right: --pool fixed",
        );
    }
    Ok(())
}
