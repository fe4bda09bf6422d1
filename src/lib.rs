//! A blocking, thread-pool HTTP/1.x server and its client, on bare std threads.

#[cfg(feature = "cli")]
pub mod app;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod net;
pub mod pool;
pub mod proto;
pub mod server;
