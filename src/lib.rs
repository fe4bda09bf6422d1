//! A blocking HTTP/1.1 server and client on plain threads, for programs and for people who learn how the
//! web works.
//!
//! A listener accepts connections, a channel carries them, and a fixed number of workers serve them. Handlers
//! are plain blocking functions. Idle and slow clients hold no worker. The protocol is written by hand, and a
//! request that is wrong gets a response that says what is wrong.
//!
//! ```toml
//! [dependencies]
//! threadbare = { version = "0.1", default-features = false, features = ["json"] }
//! ```
//!
//! # A server
//! ```no_run
//! use threadbare::server::{Router, Server};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let routes = Router::new()
//!         .get("/hello/{name}", |request| format!("hello, {}\n", request.param("name")))
//!         .files("/", "www")
//!         .build()?;
//!     Server::bind("127.0.0.1:8080", routes)?.run()?;
//!     Ok(())
//! }
//! ```
//! [`Router`] has the routes, [`Request`] what a handler gets, [`IntoResponse`] what it may return, [`Config`]
//! every setting and limit, [`Running`] a server that a program starts and stops.
//!
//! # A client
//! ```no_run
//! use threadbare::client::Client;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let response = Client::new().get("http://127.0.0.1:8080/hello/ada").send()?.error_for_status()?;
//!     println!("{}", response.text()?);
//!     Ok(())
//! }
//! ```
//! [`Client`] keeps connections for later requests, [`RequestBuilder`] builds a request,
//! [`Response`](client::Response) reads its body as it arrives, [`Error`] says what went wrong, and in which
//! phase.
//!
//! The [cookbook](manual::cookbook) has short programs for the usual tasks: JSON, forms, cookies, uploads,
//! state, tests, downloads.
//!
//! # Features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `cli` | yes | what the programs `server` and `client` need; a library needs none of it |
//! | `json` | with `cli` | JSON bodies at both ends, with serde |
//! | `tls` | no | https in the server, with rustls |
//!
//! Without features it has four dependencies of its own: `crossbeam-channel`, `httpdate`, `log`, and `nix` for
//! safe system calls. It needs Rust 1.89, and Linux or another Unix.
//!
//! # What is logged
//! The library logs through the `log` facade; a program that installs no logger sees nothing. `error`: the
//! server itself failed (a handler panicked or returned an error, a file could not be read to its end).
//! `warn`: the administrator should act (no descriptors left, a file without read permission). `info`: a
//! request broke a rule of the protocol, and which rule. `debug`: why each connection ended. Bodies and field
//! values are not logged, with two exceptions: a line that broke a rule is shown, cut to its first bytes and
//! with credentials in fields masked; and at `trace` the client logs the heads that it sends and receives,
//! including secrets.
//!
//! # Not in it
//! Async runtimes, HTTP/2 and 3, https in the client, CGI, compression on the fly. The library does not read the environment
//! and installs no signal handlers.
//!
//! # For readers of the source
//! [`proto`] is the protocol without sockets, which both ends share. The source is written to be read: begin
//! with `src/server/textbook.rs`, then `src/pool.rs`, `src/net/`, [`proto::http`], `src/server/`. The
//! [coursework](manual::coursework) leads through the heart of the server in ten stops; the [manual] also
//! shows HTTP [by hand](manual::by_hand), defines the [words](manual::glossary) of this project, says what each
//! [room](manual::architecture) may use, and lists the requirements of RFC 9110 and RFC 9112,
//! [each with its test](manual::coverage).
//!
//! [`Router`]: server::Router
//! [`Request`]: server::Request
//! [`IntoResponse`]: server::IntoResponse
//! [`Config`]: server::Config
//! [`Running`]: server::Running
//! [`Client`]: client::Client
//! [`RequestBuilder`]: client::RequestBuilder
//! [`Error`]: client::Error

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod app;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod client;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod command;
#[cfg(doc)]
pub mod manual;
#[doc(hidden)]
pub mod name;
#[doc(hidden)]
pub mod net;
#[doc(hidden)]
pub mod pool;
pub mod proto;
mod random;
pub mod server;
mod sync;
#[doc(hidden)]
pub mod text;
pub mod tls;
