//! Exercise 5: routes, and a method of your own, on the library of this crate.
//!
//! Write `routes`, and the handlers that it names; `make lab-5` says what is missing next:
//! 1. `GET /hello/Ada` is answered `hello, Ada` and a line end. The name may be percent-encoded (`Request::param`).
//! 2. `BREW /pot` is answered 418. BREW is a method of RFC 2324, and `Method::Extension` of this crate.
//! 3. `POST /cups` adds the number in its body (`Request::body_text`), and `GET /cups` says how many there are. A
//!    handler may run on several workers at once: see `Router::with`, and end the routes with `.into()`.
//! 4. A body that is not a number is answered 400, with a right one (`ErrorResponse::new`).
//!
//! By hand: `target/lab/lab-5 8080`, and in another terminal `client :8080/hello/Ada`.
//! `examples/notes.rs` has more handlers.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::env;
use std::error::Error;

use threadbare::server::{Request, Response, Router, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).unwrap_or("8080".to_owned());
    let running = Server::bind(&format!("127.0.0.1:{port}"), routes().build()?)?.start()?;
    println!("listening on {}", running.url());
    running.wait()?;
    Ok(())
}

// Your part begins here.

/// Returns the routes of the server: a method, a pattern, and the function that answers.
fn routes() -> Router {
    Router::new().get("/", welcome)
}

fn welcome(request: &mut Request) -> Response {
    Response::text(format!("{} is here, the other routes are not written yet\n", request.path()))
}
