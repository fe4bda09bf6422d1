//! HTTP/1.0 and HTTP/1.1 ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110),
//! [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)): both ends, without sockets.
//!
//! In reading order:
//!
//! | file | contents | RFC |
//! |---|---|---|
//! | [`chars`] | which bytes are allowed where; numbers | 9110, 5.6; 9112; 3986 |
//! | [`method`], [`status`], [`version`] | the words of the first line | 9110, 9, 15, 2.5 |
//! | [`headers`], [`field_line`] | fields: ordered, case-insensitive, bytes; one line, checked | 9110, 5; 9112, 5 |
//! | [`target`], [`url`], `reference` | what is requested, as the server and as the client see it | 9112, 3.2; 3986 |
//! | [`accept`] | what the client prefers | 9110, 12 |
//! | [`recipient`] | who reads a message, and so how strictly | |
//! | [`head`] | a whole head, parsed line by line, and written | 9112, 2 to 5 |
//! | [`framing`] | where the body ends: decided once, here | 9112, 6.3 |
//! | [`chunked`], [`body`] | the body itself, both ways | 9112, 6 and 7 |
//! | [`trailers`] | which fields may follow it | 9110, 6.5 |
//! | [`close`] | whether the connection may be kept, and why not | 9112, 9 |
//! | [`etag`], [`conditional`] | which state of a resource the client has | 9110, 8.8 and 13 |
//! | [`range`] | which parts of it | 9110, 14 |
//! | `content_coding` | what a coded body is; with the feature `inflate` | 9110, 8.4; 1950 to 1952 |
//! | [`forwarded`] | which client a proxy has passed on | 7239 |
//! | [`cookie`] | what a client keeps for the server | 6265 |
//! | [`netrc`] | a file of logins | |
//! | [`content_disposition`] | the name that a server suggests for a body | 6266; 8187 |
//! | [`multipart`], `parameter` | a form with files; the parameters of a field | 7578; 2046, 5.1 |
//! | [`server_timing`] | where the server's time went | W3C, Server Timing |
//! | [`server`], [`client`] | one exchange, from each side | 9112 |
//! | [`dump`] | which part of a message each byte is | |
//! | [`limits`], [`error`], [`rejected`], [`excerpt`] | limits, broken rules, and where they were broken | |
//!
//! # An exchange, without a network
//! ```
//! use threadbare::proto::{buf::Buf, http::*};
//!
//! let limits = limits::Limits::default();
//! let (mut to_server, mut to_client) = (Buf::new(), Buf::new());
//! let mut wire = Vec::new();
//!
//! // The client writes a request …
//! let target = target::Target::parse(&method::Method::Get, b"/").unwrap();
//! let mut request = head::RequestHead::new(method::Method::Get, target);
//! request.headers.append("Host", "example.org").unwrap();
//! let sending = client::SendHead.send(&request, framing::Framing::None, &mut wire);
//! let client = sending.finish(&mut wire);
//! to_server.extend(&std::mem::take(&mut wire));
//!
//! // … the server reads it and responds …
//! let server::Head::Complete(request, body) =
//!     server::RecvHead::default().receive(&mut to_server, &limits).unwrap() else { panic!() };
//! assert_eq!(request.target.path(), "/");
//! let response = head::ResponseHead::new(status::Status::OK);
//! let mut sending = body.finish().send(response, Some(5), true, &mut wire);
//! sending.write(b"hello", &mut wire);
//! assert!(sending.finish(&mut wire).is_ok(), "the connection may be used again");
//! to_client.extend(&wire);
//!
//! // … and the client reads the response.
//! let client::Head::Complete(response, mut body) =
//!     client.receive(&mut to_client, &limits).unwrap() else { panic!() };
//! assert_eq!(response.status, status::Status::OK);
//! assert_eq!(body.receive(&mut to_client, &limits).unwrap(), body::Piece::Data(b"hello"));
//! ```

pub mod accept;
pub mod basic;
pub mod body;
pub mod chars;
pub mod chunked;
pub mod client;
pub mod close;
pub mod conditional;
#[cfg(feature = "inflate")]
pub mod content_coding;
pub mod content_disposition;
pub mod cookie;
pub mod cookie_jar;
pub mod date;
pub mod dump;
pub mod error;
pub mod etag;
pub mod event_stream;
pub mod excerpt;
pub mod field_line;
pub mod forwarded;
pub mod framing;
pub mod head;
pub mod headers;
pub mod limits;
pub mod method;
pub mod multipart;
pub mod netrc;
mod parameter;
mod path;
pub mod range;
pub mod recipient;
mod reference;
pub mod rejected;
pub mod server;
pub mod server_timing;
pub mod status;
pub mod target;
pub mod trailers;
pub mod url;
pub mod version;

#[cfg(test)]
mod exchange_tests;
#[cfg(test)]
mod property_tests;
