//! What the state of the pool means, in words: for the page of `/-/status`, and for a terminal.

use std::time::Duration;

use crate::server::{PoolStatus, WorkerActivity, WorkerStatus};
use crate::text::{grouped, plural};

/// Returns what the state means: who waits for what, and what would help. `cores` is the number of the
/// machine's cores.
pub(super) fn meaning(pool: &PoolStatus, cores: usize) -> String {
    let count = |is_it: fn(&WorkerActivity) -> bool| {
        pool.workers.iter().filter(|worker| is_it(&worker.activity)).count()
    };
    let (all, free) = (pool.workers.len(), count(WorkerActivity::is_free));
    let busy = all - free;
    let with_clients =
        count(|doing| matches!(doing, WorkerActivity::Receives | WorkerActivity::Sends));
    let is_textbook = pool.lobby.is_empty();
    let waiting = waiting(pool);
    let mut text = match (free, pool.waiting) {
        _ if pool.startable.is_some() => per_connection(busy, pool.startable.unwrap_or_default()),
        _ if all == 0 => "The server does not serve yet.".to_owned(),
        (_, 0) if busy == 0 => format!("{} free, and nothing waits.", all_are(all)),
        (1.., 0) => format!("{} busy, and nothing waits.", some_are(busy, all)),
        (1.., _) => {
            format!("{waiting}, but {} free: that is over in a moment.", some_are(free, all))
        }
        (0, 0) => format!("{}, and nothing waits yet: the next request would.", work(pool)),
        (0, _) if is_textbook && with_clients > 0 => format!(
            "{} busy, {} with clients that are slow or silent, and {waiting}: with the lobby (--lobby on) such \
             clients would hold no worker.",
            all_are(all),
            grouped(with_clients as u64),
        ),
        (0, _) if pool.computing >= cores.max(1) => format!(
            "{}, {waiting}. They compute, and use all cores: faster handlers or more cores would help, more \
             workers would not.",
            work(pool),
        ),
        (0, _) => {
            format!("{}, {waiting}: more workers would help, a larger queue would not.", work(pool),)
        }
    };
    let is_queue = |name: &str| matches!(name, "queue" | "ready");
    let refused = pool.refused.iter().filter(|(name, _)| is_queue(name)).map(|(_, count)| count);
    match refused.sum() {
        0 => {}
        1 => text += " Since the start, 1 request was refused because the queue was full.",
        refused => {
            let refused = grouped(refused);
            text += &format!(
                " Since the start, {refused} requests were refused because the queue was full."
            );
        }
    }
    if pool.is_stopping {
        text += " The server is about to stop.";
    }
    text
}

/// Returns what a worker is doing, and how long.
pub(super) fn doing(worker: &WorkerStatus, is_textbook: bool) -> String {
    let since = match is_textbook {
        true => format!("(its connection for {})", lasting(worker.since)),
        false => format!("for {}", lasting(worker.since)),
    };
    match &worker.activity {
        WorkerActivity::Idle => "idle".to_owned(),
        WorkerActivity::Leads => "idle, leads the lobby".to_owned(),
        WorkerActivity::Receives => format!("receiving {since}"),
        WorkerActivity::Handles(route) => format!("in handler {route} {since}"),
        WorkerActivity::Sends => format!("sending {since}"),
        WorkerActivity::AnswersDatagram => format!("answering a datagram {since}"),
    }
}

/// Returns a time as people say it: `2.3 s`, `12 ms`.
pub(super) fn lasting(time: Duration) -> String {
    match time.as_millis() {
        0 => "less than 1 ms".to_owned(),
        millis @ 1..1_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// Returns what the state means where each connection has a thread.
fn per_connection(threads: usize, more: usize) -> String {
    let have = match threads {
        1 => "1 connection has a thread of its own".to_owned(),
        _ => format!("{} connections have threads of their own", grouped(threads as u64)),
    };
    match more {
        0 => format!("{have}, and no more threads may be started: new connections are refused."),
        more => format!("{have}, and {} more threads may be started.", grouped(more as u64)),
    }
}

/// Returns `All 4 workers are`.
fn all_are(workers: usize) -> String {
    match workers {
        1 => "The only worker is".to_owned(),
        workers => format!("All {} workers are", grouped(workers as u64)),
    }
}

/// Returns `2 of 4 workers are`.
fn some_are(some: usize, workers: usize) -> String {
    let is = if some == 1 { "is" } else { "are" };
    format!("{} of {} {is}", grouped(some as u64), plural(workers as u64, "worker"))
}

/// Returns what all workers do, when none is free.
fn work(pool: &PoolStatus) -> String {
    let in_handler = |worker: &&WorkerStatus| {
        matches!(worker.activity, WorkerActivity::Handles(_) | WorkerActivity::AnswersDatagram)
    };
    let (all, in_handlers) = (pool.workers.len(), pool.workers.iter().filter(in_handler).count());
    match in_handlers {
        1 if all == 1 => "The only worker is in a handler".to_owned(),
        _ if in_handlers == all => format!("{} in handlers", all_are(all)),
        0 => format!("{} busy", all_are(all)),
        1 => format!("{} busy, 1 of them in a handler", all_are(all)),
        _ => format!("{} busy, {} of them in handlers", all_are(all), grouped(in_handlers as u64)),
    }
}

/// Returns `12 requests wait, the oldest for 2.3 s`.
fn waiting(pool: &PoolStatus) -> String {
    let count = plural(pool.waiting as u64, "request");
    match (pool.waiting, pool.oldest) {
        (1, None) => "1 request waits".to_owned(),
        (1, Some(time)) => format!("1 request waits, for {}", lasting(time)),
        (_, None) => format!("{count} wait"),
        (_, Some(time)) => format!("{count} wait, the oldest for {}", lasting(time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use WorkerActivity::{AnswersDatagram, Handles, Idle, Leads, Receives, Sends};

    fn pool(activities: &[WorkerActivity], waiting: usize) -> PoolStatus {
        let status = |activity: &WorkerActivity| WorkerStatus {
            served: 0,
            activity: activity.clone(),
            since: Duration::from_millis(1_234),
        };
        PoolStatus {
            startable: None,
            workers: activities.iter().map(status).collect(),
            computing: 0,
            waiting,
            oldest: (waiting > 0).then_some(Duration::from_millis(2_345)),
            lobby: vec![("idle", 3)],
            open: waiting,
            refused: vec![("connections", 7), ("queue", 0), ("ready", 0)],
            is_stopping: false,
        }
    }

    #[test]
    fn each_situation_has_its_sentence() {
        let handler = || Handles("GET /x".to_owned());
        let textbook = |pool: PoolStatus| PoolStatus { lobby: vec![], oldest: None, ..pool };
        for (pool, want) in [
            (pool(&[], 0), "The server does not serve yet."),
            (pool(&[Leads, Idle], 0), "All 2 workers are free, and nothing waits."),
            (pool(&[Leads], 0), "The only worker is free, and nothing waits."),
            (pool(&[Leads, handler()], 0), "1 of 2 workers is busy, and nothing waits."),
            (pool(&[Leads, Sends, Receives], 0), "2 of 3 workers are busy, and nothing waits."),
            (
                pool(&[handler(), Idle], 1),
                "1 request waits, for 2.3 s, but 1 of 2 workers is free: that is over in a moment.",
            ),
            (
                pool(&[handler(), AnswersDatagram], 0),
                "All 2 workers are in handlers, and nothing waits yet: the next request would.",
            ),
            (
                pool(&[handler(), handler(), handler(), handler()], 12),
                "All 4 workers are in handlers, 12 requests wait, the oldest for 2.3 s: more workers would help, \
                 a larger queue would not.",
            ),
            (
                pool(&[handler()], 1),
                "The only worker is in a handler, 1 request waits, for 2.3 s: more workers would help, a larger \
                 queue would not.",
            ),
            (
                pool(&[handler(), Sends], 2),
                "All 2 workers are busy, 1 of them in a handler, 2 requests wait, the oldest for 2.3 s: more \
                 workers would help, a larger queue would not.",
            ),
            (
                PoolStatus { computing: 2, ..pool(&[handler(), handler()], 2) },
                "All 2 workers are in handlers, 2 requests wait, the oldest for 2.3 s. They compute, and use all \
                 cores: faster handlers or more cores would help, more workers would not.",
            ),
            (
                textbook(pool(&[handler(), Receives, Receives], 2)),
                "All 3 workers are busy, 2 with clients that are slow or silent, and 2 requests wait: with the \
                 lobby (--lobby on) such clients would hold no worker.",
            ),
            (
                textbook(pool(&[handler(), handler()], 1)),
                "All 2 workers are in handlers, 1 request waits: more workers would help, a larger queue would \
                 not.",
            ),
            (
                PoolStatus {
                    refused: vec![("queue", 1_200), ("ready", 3)],
                    ..pool(&[Idle, Leads], 0)
                },
                "All 2 workers are free, and nothing waits. Since the start, 1,203 requests were refused because \
                 the queue was full.",
            ),
            (
                PoolStatus { startable: Some(9_997), ..pool(&[Receives, handler(), handler()], 0) },
                "3 connections have threads of their own, and 9,997 more threads may be started.",
            ),
            (
                PoolStatus { is_stopping: true, ..pool(&[Idle, Leads], 0) },
                "All 2 workers are free, and nothing waits. The server is about to stop.",
            ),
        ] {
            assert_eq!(meaning(&pool, 2), want);
        }
    }

    #[test]
    fn each_activity_has_its_words() {
        let all = [Idle, Leads, Receives, Handles("GET /x".to_owned()), Sends, AnswersDatagram];
        let words =
            pool(&all, 0).workers.iter().map(|worker| doing(worker, false)).collect::<Vec<_>>();
        assert_eq!(
            words,
            [
                "idle",
                "idle, leads the lobby",
                "receiving for 1.2 s",
                "in handler GET /x for 1.2 s",
                "sending for 1.2 s",
                "answering a datagram for 1.2 s",
            ]
        );
        let held = WorkerStatus { served: 1, activity: Receives, since: Duration::from_micros(9) };
        assert_eq!(doing(&held, true), "receiving (its connection for less than 1 ms)");
        assert_eq!(lasting(Duration::from_millis(999)), "999 ms");
    }
}
