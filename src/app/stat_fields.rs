//! The fields `Stat-*` of the OSTEP and Technion labs: who served a request, when it came, and how long it waited.
//!
//! | field | value |
//! |---|---|
//! | `Stat-Req-Arrival` | when it arrived: seconds since 1970, with six decimals |
//! | `Stat-Req-Dispatch` | how long it then waited for a worker, in seconds |
//! | `Stat-Thread-Id` | the number of the worker, from 1 |
//! | `Stat-Thread-Count` | the requests that this worker has handled, this one included |
//! | `Stat-Thread-Static`, `Stat-Thread-Dynamic` | of these, those for files, and the others |
//!
//! The labs write a second colon after each name (`Stat-Thread-Id:: 3`), which belongs to the value. A client gets
//! the fields if it gets `Server-Timing`, as both show the load of the server.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use crate::server::{Body, Next, Request, Response, Router};

thread_local! {
    /// The requests for files, and the others, that this thread has handled.
    static HANDLED: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Adds the fields to the responses of all routes.
pub(super) fn add_to(router: Router) -> Router {
    router.wrap(with_fields)
}

fn with_fields(request: &mut Request, next: Next<'_>) -> Response {
    let arrival = request.arrival();
    let response = next.run(request);
    let (mut files, mut others) = HANDLED.get();
    match response.body {
        Body::File(..) | Body::Part(_) => files += 1,
        _ => others += 1,
    }
    HANDLED.set((files, others));
    let Some(arrival) = arrival else { return response };
    let at = SystemTime::now().checked_sub(arrival.at.elapsed());
    let since_1970 = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    response
        .field("Stat-Req-Arrival", seconds(since_1970.unwrap_or_default()))
        .field("Stat-Req-Dispatch", seconds(arrival.queued))
        .field("Stat-Thread-Id", request.worker().unwrap_or_default().to_string())
        .field("Stat-Thread-Count", (files + others).to_string())
        .field("Stat-Thread-Static", files.to_string())
        .field("Stat-Thread-Dynamic", others.to_string())
}

fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}
