//! `--retry`: when a whole transfer, redirects and all, is made once more. It is for the user to say
//! that this is harmless, so unlike [`Retries`](crate::client::Retries) it repeats a POST, too.
//!
//! Worth it are, as with curl: no address for the host; time that was up; the answers 408, 429, 500, 502,
//! 503, 504, whatever `-f` makes of them; by flag a refused connection, or every failure. The pause is
//! one second and doubles up to ten minutes, or what `--retry-delay` says; a longer Retry-After (RFC 9110,
//! 10.2.3) goes before it, and before the limit of `--retry-max-time` it does not begin.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use super::error::CommandError;
use crate::cli::client::retry::{RetryOn, RetryOptions};
use crate::client::{Error, ErrorKind, is_temporary, retry_after};
use crate::proto::http::head::ResponseHead;
use crate::text::rounded;

/// No pause grows longer by doubling: 10 minutes.
const LONGEST: Duration = Duration::from_secs(600);

/// How many tries are left, and how they follow one another.
#[derive(Debug)]
pub(super) struct Retry<'o> {
    wishes: &'o RetryOptions,
    begun: Instant,
    left: u32,
    pause: Duration,
}

/// A transfer is to be made once more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Once {
    /// After this pause.
    pub(super) pause: Duration,
    /// What is said about it, in one line.
    pub(super) words: String,
}

impl Retry<'_> {
    /// Returns the state before the first try, which begins now.
    pub(super) fn new(wishes: &RetryOptions, now: Instant) -> Retry<'_> {
        let pause = wishes.retry_delay.unwrap_or(Duration::from_secs(1));
        Retry { wishes, begun: now, left: wishes.retries, pause }
    }

    /// Returns the next try after one that has ended with this outcome; `None` if there is none.
    pub(super) fn after(
        &mut self,
        outcome: &Result<(), CommandError>,
        answer: Option<&ResponseHead>,
        now: (Instant, SystemTime),
    ) -> Option<Once> {
        let problem = self.problem(outcome.as_ref().err(), answer)?;
        let asked = answer.and_then(|head| retry_after(head, now.1)).unwrap_or_default();
        let pause = self.pause.max(asked);
        let passed = now.0.saturating_duration_since(self.begun);
        let limit = self.wishes.retry_max_time.unwrap_or(Duration::MAX);
        if self.left == 0 || passed.saturating_add(asked) >= limit {
            return None;
        }
        let left = match self.left {
            1 => "1 retry left".to_owned(),
            left => format!("{left} retries left"),
        };
        self.left -= 1;
        if self.wishes.retry_delay.is_none() {
            self.pause = self.pause.saturating_mul(2).min(LONGEST);
        }
        let words = format!("{problem}: retrying in {:?}, {left}", rounded(pause));
        Some(Once { pause, words })
    }

    fn problem(
        &self,
        stop: Option<&CommandError>,
        answer: Option<&ResponseHead>,
    ) -> Option<String> {
        let on = self.wishes.retry_on;
        match stop {
            // 33: the error response to a request for the rest (-C).
            None | Some(CommandError::Refused(_) | CommandError::Failed(33, _))
                if answer.is_some_and(is_temporary) =>
            {
                answer.map(|head| format!("the status is {}", head.status.code()))
            }
            // A body that is gone does not come back.
            None | Some(CommandError::BrokenPipe | CommandError::Failed(65, _)) => None,
            Some(stop) => match stop.cause().map(Error::kind) {
                Some(ErrorKind::Timeout { .. } | ErrorKind::TooSlow { .. }) => {
                    Some("timed out".to_owned())
                }
                Some(ErrorKind::Resolve(..) | ErrorKind::ResolveProxy(..)) => {
                    Some("the host was not found".to_owned())
                }
                Some(ErrorKind::Connect(.., error))
                    if on >= RetryOn::Refused
                        && error.tried.iter().any(|(_, error)| is_refusal(error)) =>
                {
                    Some("the connection was refused".to_owned())
                }
                _ => (on == RetryOn::AllErrors).then(|| "the transfer failed".to_owned()),
            },
        }
    }
}

fn is_refusal(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ConnectionRefused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Phase;
    use crate::net::connect::ConnectError;
    use crate::proto::http::status::Status;

    fn answer(status: u16, after: Option<&str>) -> ResponseHead {
        let mut head = ResponseHead::new(Status::new(status).unwrap());
        if let Some(after) = after {
            head.headers.append("Retry-After", after).unwrap();
        }
        head
    }

    #[test]
    fn what_is_worth_it() {
        use RetryOn::*;
        let timeout = || ErrorKind::Timeout { phase: Phase::Head, after: Duration::ZERO };
        let refused = || {
            let address = "127.0.0.1:1".parse().unwrap();
            let tried = vec![(address, io::ErrorKind::ConnectionRefused.into())];
            ErrorKind::Connect("h".into(), 1, ConnectError { tried, timed_out: false })
        };
        for (name, on, outcome, status, want) in [
            ("fine", AllErrors, Ok(()), Some(200), None),
            ("busy", Transient, Ok(()), Some(503), Some("the status is 503")),
            (
                "busy, -f",
                Transient,
                Err(CommandError::Refused(429)),
                Some(429),
                Some("the status is 429"),
            ),
            (
                "busy, -C",
                Transient,
                Err(CommandError::Failed(33, String::new())),
                Some(503),
                Some("the status is 503"),
            ),
            (
                "another range, -C",
                Transient,
                Err(CommandError::Failed(33, String::new())),
                Some(206),
                None,
            ),
            ("no", Transient, Err(CommandError::Refused(404)), Some(404), None),
            (
                "no, and -f",
                AllErrors,
                Err(CommandError::Refused(404)),
                Some(404),
                Some("the transfer failed"),
            ),
            ("not there", AllErrors, Ok(()), Some(404), None),
            (
                "late",
                Transient,
                Err(CommandError::Fetch(timeout().into())),
                None,
                Some("timed out"),
            ),
            (
                "late in the body",
                Transient,
                Err(CommandError::Fetch(timeout().into())),
                Some(200),
                Some("timed out"),
            ),
            (
                "silent",
                Transient,
                Err(CommandError::Fetch(ErrorKind::NoResponse.into())),
                None,
                None,
            ),
            (
                "silent, all",
                AllErrors,
                Err(CommandError::Fetch(ErrorKind::NoResponse.into())),
                None,
                Some("the transfer failed"),
            ),
            ("refused", Transient, Err(CommandError::Fetch(refused().into())), None, None),
            (
                "refused, by flag",
                Refused,
                Err(CommandError::Fetch(refused().into())),
                None,
                Some("the connection was refused"),
            ),
            ("nobody reads", AllErrors, Err(CommandError::BrokenPipe), Some(200), None),
        ] {
            let wishes = RetryOptions { retries: 1, retry_on: on, ..RetryOptions::default() };
            let now = (Instant::now(), SystemTime::now());
            let head = status.map(|status| answer(status, None));
            let once = Retry::new(&wishes, now.0).after(&outcome, head.as_ref(), now);
            let want = want.map(|want| format!("{want}: retrying in 1s, 1 retry left"));
            assert_eq!(once.map(|once| once.words), want, "{name}");
        }
    }

    #[test]
    fn the_pauses() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        let pauses = |wishes: &RetryOptions, after: Option<&str>| {
            let mut retry = Retry::new(wishes, begun);
            let (mut now, mut pauses) = (begun, Vec::new());
            let head = answer(503, after);
            while let Some(once) = retry.after(&Ok(()), Some(&head), (now, SystemTime::now())) {
                pauses.push(once.pause.as_secs());
                now += once.pause;
            }
            pauses
        };
        let wishes = RetryOptions { retries: 12, ..RetryOptions::default() };
        let doubled = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600];
        assert_eq!(pauses(&wishes, None), doubled);
        assert_eq!(
            pauses(&RetryOptions { retries: 3, ..RetryOptions::default() }, Some("3")),
            [3, 3, 4]
        );
        assert_eq!(
            pauses(
                &RetryOptions { retry_delay: Some(5 * second), retries: 3, ..wishes.clone() },
                None
            ),
            [5; 3]
        );
        assert_eq!(
            pauses(&RetryOptions { retry_max_time: Some(4 * second), ..wishes.clone() }, None),
            [1, 2, 4]
        );
        assert_eq!(
            pauses(&RetryOptions { retry_max_time: Some(4 * second), ..wishes }, Some("9")),
            [0; 0]
        );
    }
}
