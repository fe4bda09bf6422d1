//! The workers of a server in words: what each has served, and is doing.

use std::time::Duration;

use crate::net::datagram::DatagramCounts;
use crate::net::service::Load;
use crate::net::worker_record::{DATAGRAM, Doing, SENDING, UNNAMED, WorkerLoad};

/// Returns two lines for all workers, and one for each. `name_of` returns the route of a number.
pub(super) fn lines(load: &Load, name_of: impl Fn(u32) -> Option<String>) -> Vec<String> {
    let Load { new, ready, workers, busy, datagrams, each, .. } = load;
    let DatagramCounts { received, answered, dropped, unsent, ignored } = datagrams;
    let all = [
        format!("workers {workers}, busy {busy}, queued {}", new + ready),
        format!(
            "datagrams received {received}, answered {answered}, dropped {dropped}, unsent {unsent}, ignored {ignored}"
        ),
    ];
    let of_one = |(number, WorkerLoad { served, doing }): (usize, &WorkerLoad)| {
        let doing = match *doing {
            Doing::Idle => "idle".to_owned(),
            Doing::Leads => "waits for events".to_owned(),
            Doing::Serves { work, since } => {
                format!("busy {}: {}", time(since), what(work, &name_of))
            }
        };
        format!("worker-{number} served {served}, {doing}")
    };
    all.into_iter().chain((1..).zip(each).map(of_one)).collect()
}

fn what(work: u32, name_of: impl Fn(u32) -> Option<String>) -> String {
    let name = match work {
        UNNAMED | SENDING => None,
        DATAGRAM => Some("a datagram".to_owned()),
        work => name_of(work),
    };
    name.unwrap_or_else(|| "a connection".to_owned())
}

fn time(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_a_line() {
        let serves = |work| Doing::Serves { work, since: Duration::from_micros(1_234_567) };
        let doings = [Doing::Idle, Doing::Leads, serves(UNNAMED), serves(DATAGRAM), serves(3)];
        let each = (7..).zip(doings).map(|(served, doing)| WorkerLoad { served, doing }).collect();
        let datagrams =
            DatagramCounts { received: 5, answered: 4, dropped: 1, ..Default::default() };
        let load =
            Load { new: 1, ready: 2, workers: 5, busy: 3, datagrams, each, ..Load::default() };
        let name_of = |work| (work == 3).then(|| "GET /sleep/{ms}".to_owned());
        assert_eq!(
            lines(&load, name_of).join("\n"),
            "workers 5, busy 3, queued 3\n\
             datagrams received 5, answered 4, dropped 1, unsent 0, ignored 0\n\
             worker-1 served 7, idle\n\
             worker-2 served 8, waits for events\n\
             worker-3 served 9, busy 1234 ms: a connection\n\
             worker-4 served 10, busy 1234 ms: a datagram\n\
             worker-5 served 11, busy 1234 ms: GET /sleep/{ms}"
        );
    }
}
