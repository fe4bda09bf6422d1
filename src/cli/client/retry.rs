//! The flags of `client` that say what is asked once more, elsewhere, or beside: redirects, retries,
//! several transfers at a time.

use std::time::Duration;

use super::ClientOptions;
use crate::cli::Effect::{Switch, Value};
use crate::cli::{Expected, Flag, seconds};

/// The options for redirects and failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryOptions {
    /// Whether redirects are followed.
    pub follow: Follow,
    /// The longest chain of redirects; `None`: no limit.
    pub most_redirects: Option<u32>,
    /// Statuses after which POST stays POST.
    pub stays_post: Vec<u16>,
    /// The number of retries of a failed transfer.
    pub retries: u32,
    /// The pause before that; without it, it begins with a second and doubles.
    pub retry_delay: Option<Duration>,
    /// No retry begins later than this after the first try.
    pub retry_max_time: Option<Duration>,
    /// Which failures are worth it.
    pub retry_on: RetryOn,
}

/// What is done about redirects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Follow {
    /// They are answers as any other.
    #[default]
    No,
    /// They are followed; what is meant for one host does not reach another.
    Yes,
    /// They are followed, and Authorization and Cookie go everywhere.
    Trusted,
}

/// Which failures are worth a retry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryOn {
    /// Those that curl takes for transient.
    #[default]
    Transient,
    /// And a connection that is refused.
    Refused,
    /// All.
    AllErrors,
}

/// How many transfers go at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parallel {
    /// True if transfers run in parallel.
    pub on: bool,
    /// At most so many, then: 1 to 300.
    pub most: u16,
}

impl Default for RetryOptions {
    /// Returns curl's defaults.
    fn default() -> RetryOptions {
        RetryOptions {
            follow: Follow::No,
            most_redirects: Some(50),
            stays_post: Vec::new(),
            retries: 0,
            retry_delay: None,
            retry_max_time: None,
            retry_on: RetryOn::Transient,
        }
    }
}

impl Default for Parallel {
    /// Returns curl's defaults.
    fn default() -> Parallel {
        Parallel { on: false, most: 50 }
    }
}

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('L'),
        "location",
        Switch(|options, on| {
            let follow = &mut options.retry.follow;
            *follow = if on { (*follow).max(Follow::Yes) } else { Follow::No };
        }),
        "follow redirects; Authorization and Cookie are sent to the first host and port only",
    ),
    Flag::new(
        None,
        "location-trusted",
        Switch(|options, on| {
            let follow = &mut options.retry.follow;
            *follow = if on { Follow::Trusted } else { (*follow).min(Follow::Yes) };
        }),
        "like -L, but send them to every host",
    ),
    Flag::new(
        None,
        "max-redirs",
        Value("N", |options, value| {
            options.retry.most_redirects = match value.to_str() {
                Some("-1") => None,
                text => {
                    let most = text.and_then(|text| text.parse().ok());
                    Some(most.ok_or(Expected("a number, or -1 for no limit"))?)
                }
            };
            Ok(())
        }),
        "follow at most N redirects (default 50), -1 for no limit",
    ),
    Flag::new(
        None,
        "post301",
        Switch(|options, on| stay(options, 301, on)),
        "after a 301, keep the method POST",
    ),
    Flag::new(
        None,
        "post302",
        Switch(|options, on| stay(options, 302, on)),
        "after a 302, keep the method POST",
    ),
    Flag::new(
        None,
        "post303",
        Switch(|options, on| stay(options, 303, on)),
        "after a 303, keep the method POST",
    ),
    Flag::new(
        None,
        "retry",
        Value("N", |options, value| {
            let times = value.to_str().and_then(|text| text.parse().ok());
            options.retry.retries = times.ok_or(Expected("a number, such as 3"))?;
            Ok(())
        }),
        "try again at most N times if the host is not found, after a timeout, and after status 408, 429, \
         500, 502, 503 or 504; Retry-After is respected",
    ),
    Flag::new(
        None,
        "retry-delay",
        Value("SECS", |options, value| {
            options.retry.retry_delay = seconds(value).map(super::network::limit)?;
            Ok(())
        }),
        "wait SECS seconds before each retry (default 1, 2, 4 and so on, at most 10 minutes)",
    ),
    Flag::new(
        None,
        "retry-max-time",
        Value("SECS", |options, value| {
            options.retry.retry_max_time = seconds(value).map(super::network::limit)?;
            Ok(())
        }),
        "start no retry when SECS seconds have passed (default: no limit)",
    ),
    Flag::new(
        None,
        "retry-connrefused",
        Switch(|options, on| retry_on(options, RetryOn::Refused, on)),
        "also retry if the connection is refused",
    ),
    Flag::new(
        None,
        "retry-all-errors",
        Switch(|options, on| retry_on(options, RetryOn::AllErrors, on)),
        "also retry after every other error; with -f, after every status of 400 or above",
    ),
    Flag::new(
        Some('Z'),
        "parallel",
        Switch(|options, on| options.global.parallel.on = on),
        "run several transfers at the same time; the output of each is printed in one piece, in the order in \
         which they end",
    ),
    Flag::new(
        None,
        "parallel-max",
        Value("N", |options, value| {
            let most = value.to_str().and_then(|text| text.parse().ok());
            let most = most.filter(|most| (1..=300).contains(most));
            options.global.parallel.most = most.ok_or(Expected("a number from 1 to 300"))?;
            Ok(())
        }),
        "run at most N transfers at the same time (default 50)",
    ),
    Flag::new(
        None,
        "fail-early",
        Switch(|options, on| options.global.fail_early = on),
        "stop at the first transfer that fails",
    ),
];

fn stay(options: &mut ClientOptions, status: u16, on: bool) {
    let stays = &mut options.retry.stays_post;
    stays.retain(|other| *other != status);
    if on {
        stays.push(status);
    }
}

/// Adds failures to those that are worth a retry, which include all smaller ones; or takes them out.
fn retry_on(options: &mut ClientOptions, failures: RetryOn, on: bool) {
    let retried = &mut options.retry.retry_on;
    *retried = match (on, failures) {
        (true, _) => (*retried).max(failures),
        (false, RetryOn::AllErrors) => (*retried).min(RetryOn::Refused),
        (false, RetryOn::Refused | RetryOn::Transient) => RetryOn::Transient,
    };
}
