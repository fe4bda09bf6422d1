//! Routes to look through, to wait on, and to measure with.
//!
//! | route | answer |
//! |---|---|
//! | `/echo` | the head exactly as it arrived, then the body, decoded |
//! | `/sleep/{ms}` | after so many milliseconds, 60,000 at most: a handler that blocks its worker |
//! | `/bytes/{n}` | exactly n bytes, 10,000,000,000 at most |

use std::io::Read;
use std::thread;
use std::time::Duration;

use crate::proto::http::chars::decimal;
use crate::server::refusal::Refusal;
use crate::server::{Body, Method, Request, Response, Router, Status};

/// The longest sleep, in milliseconds.
const LONGEST: u64 = 60_000;

/// The most bytes: 10 GB.
const MOST: u64 = 10_000_000_000;

/// Adds the routes.
pub fn add_to(router: Router) -> Router {
    let router = router.get("/sleep/{ms}", sleep).get("/bytes/{n}", bytes);
    let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    methods.into_iter().fold(router, |router, method| router.route(method, "/echo", echo))
}

/// Nothing is interpreted, and a browser is told not to try.
fn echo(request: &mut Request) -> Response {
    let text = [request.head.headers.source(), &request.body].concat();
    Response::text("").field("X-Content-Type-Options", "nosniff").body(Body::Bytes(text))
}

fn sleep(request: &mut Request) -> Response {
    match number(request, "ms", LONGEST) {
        Ok(milliseconds) => {
            thread::sleep(Duration::from_millis(milliseconds));
            Response::text(format!("slept {milliseconds} ms\n"))
        }
        Err(refusal) => refusal,
    }
}

fn bytes(request: &mut Request) -> Response {
    match number(request, "n", MOST) {
        Ok(count) => Response::new(Status::OK)
            .field("Content-Type", "application/octet-stream")
            .body(Body::Read(Box::new(Alphabet { at: 0 }.take(count)), Some(count))),
        Err(refusal) => refusal,
    }
}

/// A part of the path that is to be a number up to `most`.
fn number(request: &Request, name: &str, most: u64) -> Result<u64, Response> {
    decimal(request.param(name).as_bytes()).filter(|&number| number <= most).ok_or_else(|| {
        let refusal = Refusal {
            status: Status::NOT_FOUND,
            what: format!("the last part of this path is a number of digits, {most} at most"),
            offset: None,
            section: "RFC 9110, 15.5.5",
            right: "/sleep/500, /bytes/1000".to_owned(),
        };
        refusal.response(Some(&request.head))
    })
}

/// `abc…xyz\n`, without end: a wrong byte in it is seen at once.
struct Alphabet {
    at: usize,
}

impl Read for Alphabet {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        const LINE: &[u8; 27] = b"abcdefghijklmnopqrstuvwxyz\n";
        for byte in room.iter_mut() {
            *byte = LINE[self.at];
            self.at = (self.at + 1) % LINE.len();
        }
        Ok(room.len())
    }
}
