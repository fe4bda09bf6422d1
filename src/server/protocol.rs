//! What a program needs to serve other protocols than HTTP: the seam between a protocol and the drivers.
//!
//! A [`Protocol`] is spoken on TCP listeners of its own ([`Server::serve_protocol`]), a [`DatagramService`]
//! replies to datagrams ([`Server::serve_datagrams`]). Both are served by the workers that serve HTTP.
//!
//! ```
//! use std::net::SocketAddr;
//! use std::sync::Arc;
//! use threadbare::server::protocol::{DatagramService, Reply};
//! use threadbare::server::{Router, Server};
//!
//! struct Echo;
//!
//! impl DatagramService for Echo {
//!     fn respond(&self, datagram: &[u8], _peer: SocketAddr) -> Option<Reply> {
//!         Some(Reply::now(datagram.to_vec()))
//!     }
//! }
//!
//! let mut server = Server::bind("127.0.0.1:0", Router::new().build()?)?;
//! let addresses = server.serve_datagrams("127.0.0.1:0", Arc::new(Echo))?;
//! let running = server.start()?;
//! println!("{} and udp://{}", running.url(), addresses[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Server::serve_protocol`]: super::Server::serve_protocol
//! [`Server::serve_datagrams`]: super::Server::serve_datagrams

#[doc(inline)]
pub use crate::net::admission::RejectReason;
#[doc(inline)]
pub use crate::net::datagram::{DatagramService, Reply};
#[doc(inline)]
pub use crate::net::deadline::{Deadline, Phase};
#[doc(inline)]
pub use crate::net::service::{Driver, EndReason, Next, Protocol, ProtocolConnection};
#[doc(inline)]
pub use crate::net::usual_time::UsualTime;
