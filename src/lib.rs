//! A blocking, thread-pool HTTP/1.x server and its client, on bare std threads: the client–server
//! model with nothing hidden.
//!
//! A listener accepts; a crossbeam channel carries; a fixed number of workers serve. The protocol is
//! written by hand, as a pure library that both ends share: bytes in, values out.
//!
//! # The smallest program
//! ```no_run
//! use threadbare::server::{Request, Response, Router, Server};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let routes = Router::new()
//!         .get("/", |_: &mut Request| Response::text("hello\n"))
//!         .get("/hello/{name}", |request: &mut Request| {
//!             Response::text(format!("hello, {}\n", request.param("name")))
//!         })
//!         .build()?;
//!     Server::bind("127.0.0.1:8080", routes)?.run()?;
//!     Ok(())
//! }
//! ```
//!
//! # In scope
//! HTTP/1.0 and HTTP/1.1, both ends; plain blocking handlers; files; being read, watched and
//! measured.
//!
//! # Out of scope
//! Async runtimes, HTTP/2 and 3, TLS in the default build, CGI, proxying, compression on the fly.
//!
//! # Modules, in reading order
//! 1. [`server::textbook`]: a worker and its connection, the classic loop
//! 2. [`pool`]: the workers and the channel
//! 3. [`net`]: listen, accept, connect; the [seam](net::service) between waiting and speaking
//! 4. [`proto`]: the protocol, without a socket; begin with [`proto::http`]
//! 5. [`server`]: connection, router, handlers, files
//! 6. [`client`]: the mirror image
//! 7. `app`, `cli` (feature `cli`): what the binaries `server` and `client` add
//!
//! The [`manual`] is beside them: HTTP [by hand](manual::by_hand), [coursework](manual::coursework)
//! with five exercises, and what RFC 9110 and 9112 require, [each rule with its test](manual::coverage).
//!
//! # What is logged
//! Through the `log` facade; the levels are a contract. `error`: the server's own fault (a handler
//! panicked, a file broke off). `warn`: somebody should look (out of descriptors, a file that may
//! not be read). `info`: a request that broke a rule of the protocol, and which. `debug`: why each
//! connection ended. Neither bodies nor field values are logged; but at `trace` the client logs the
//! heads that it sends and receives, secrets included.

#[cfg(feature = "cli")]
pub mod app;
#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
#[cfg(feature = "cli")]
pub mod command;
#[cfg(doc)]
pub mod manual;
pub mod net;
pub mod pool;
pub mod proto;
pub mod server;
mod sync;
