//! A blocking, thread-pool HTTP/1.x server and a matching client, on plain standard-library threads:
//! the client–server model with nothing hidden.
//!
//! A listener accepts connections, a crossbeam channel carries them, and a fixed number of workers
//! serve them. The protocol is written by hand, as a pure library for both ends: bytes in, values
//! out.
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
//! Both ends of HTTP/1.0 and HTTP/1.1; plain blocking handlers; files. The source is written to be
//! read, and the programs to be watched and measured.
//!
//! # Out of scope
//! Async runtimes, HTTP/2 and 3, TLS in the default build, CGI, proxying, compression on the fly.
//!
//! # Modules, in reading order
//! 1. [`server::textbook`]: a worker and its connection, in the classic loop
//! 2. [`pool`]: the workers and the channel
//! 3. [`net`]: listen, accept, connect; the [seam](net::service) between sockets and protocols; the
//!    [lobby](net::lobby), where connections wait
//! 4. [`proto`]: the protocol, without sockets; begin with [`proto::http`]
//! 5. [`server`]: `conn` (one connection), `respond` (errors, ranges, conditional responses),
//!    [`files`](server::files), `log`
//! 6. [`client`]: the client library, which mirrors the server
//! 7. `app`, `command` (feature `cli`): what the programs `server` and `client` add; `cli`: their
//!    flags
//! 8. [`text`]: numbers, word wrap, escapes and colours, for all rooms above `proto`
//!
//! The ten stops of the [coursework](manual::coursework) lead through the heart of the server in an
//! afternoon; everything else is for reference. The [manual] also shows HTTP
//! [by hand](manual::by_hand), defines the [words](manual::glossary) of this project, and lists the
//! requirements of RFC 9110 and RFC 9112, [each with its test](manual::coverage).
//!
//! # What is logged
//! The library logs through the `log` facade. The levels are a contract. `error`: the server itself
//! failed (a handler panicked, a file could not be read to its end). `warn`: the administrator should
//! act (no descriptors left, a file without read permission). `info`: a request broke a rule of the
//! protocol, and which rule. `debug`: why each connection ended. Bodies and field values are not
//! logged, with one exception: at `trace`, the client logs the heads that it sends and receives,
//! including secrets.

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
pub mod text;
