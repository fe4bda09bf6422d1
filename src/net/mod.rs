//! Sockets, whatever is spoken over them. Nothing in here knows HTTP.
//!
//! | file | what it does | what the kernel is asked |
//! |---|---|---|
//! | [`service`] | the seam: what a protocol gives, what a driver asks | |
//! | [`door`] | how many may be in, in all and from one address | `getrlimit` |
//! | [`accept`] | bind, listen, accept, hand over; refuse when full (`refuse`) | `socket` `bind` `listen` `poll` `accept4` |
//! | [`lobby`] | where connections wait, and the workers that serve them | |
//! | [`poller`] | waiting for many connections at once | `epoll_wait` `epoll_ctl` `timerfd_settime` |
//! | [`stop`] | a request to stop, and the waking of whoever waits | `socketpair` |
//! | [`deadline`] | until when a wait may last, and which wait it is | |
//! | [`resolve`] | a name to addresses, within a time | `getaddrinfo` |
//! | [`connect`] | addresses to a connection, the first that answers | `socket` `connect` |
//! | [`stream`] | a connection, over TCP or within this machine | `recv` `send` `setsockopt` |
//! | [`socket`] | the few things std has no word for, safely bound | `listen` `setsockopt` |
//! | [`usage`] | what a thread has used, and whether it waits | `clock_gettime` `getrusage` `/proc` |
//! | [`usual_time`] | how long a handler usually takes | |
//! | [`errors`] | which errors are the peer's leaving, and which pass | |
//! | [`rarely`] | what is worth a line in the log once a second | |

pub mod accept;
pub mod admission;
pub mod connect;
pub mod deadline;
pub mod errors;
pub mod lobby;
pub mod log_throttle;
pub mod poller;
mod refuse;
pub mod resolve;
pub mod service;
pub mod socket;
pub mod stop_signal;
pub mod stream;
pub mod thread_usage;
pub mod usual_time;
