//! The textbook: a worker serves one connection from its first byte to its last. Read this file first
//! in this folder.
//!
//! A connection has been accepted, and a worker of the [`pool`](crate::pool) has taken it from the
//! channel. The worker blocks in read(2) and write(2) and repeats four calls:
//!
//! ```text
//! receive_request ──> route ──> handle ──> send_response ──┐
//!       ^                                                  │ while both sides keep the connection
//!       └──────────────────────────────────────────────────┘
//! ```
//! Every wait has a deadline: the socket's timeouts wake the worker every 100 ms, and it looks at the
//! clock. This shape starves by nature: a client that is silent or slow holds its worker until a deadline
//! passes, and with as many of them as there are workers, no other client is served. The textbook can do
//! one thing about it: when others wait, it closes a connection between two requests.

use std::convert::Infallible;
use std::io;

use super::blocking::{End, Textbook, TextbookConnection, set_timeouts};
use super::conn::receive::{
    ArrivingHead, CollectingRequest, IncomingRequest, ReceivedBody, ReceivedHead,
};
use super::conn::request_body::RequestBody;
use super::conn::route::Routed;
use super::conn::send::{Outgoing, Piece, SendingResponse, Sent};
use super::conn::{Context, Http};
use crate::net::accept::Accepted;
use crate::net::linger::linger;
use crate::proto::http::close::CloseReason;
use crate::proto::http::headers::Headers;
use crate::proto::http::server::RecvHead;
use crate::tls::Session;

/// Serves one connection to its end.
pub(super) fn serve(
    http: &Http,
    accepted: Accepted,
    session: Option<Session>,
    driver: Textbook<'_>,
) {
    // The permit is released before the stream is closed: a client that sees the end may connect again.
    let Accepted { stream, peer, at, permit: _permit, .. } = accepted;
    let Textbook { waiting, stop, record } = driver;
    let context = Context { stream: &stream, driver: &driver, start: at };
    let (io, queued) = (http.open_io(peer, session), Some(at.elapsed()));
    let mut served = TextbookConnection { http, context, io, waiting, stop, record, queued };
    let end = match set_timeouts(&stream) {
        Ok(()) => {
            let Err(end) = served.serve_requests();
            end
        }
        Err(_) => End::AtOnce(CloseReason::PeerLeft),
    };
    http.count_bytes(&mut served.io);
    let why = match end {
        End::AtOnce(why) => why,
        End::Lingering(why) => {
            linger(&stream, || stop.is_requested() || waiting.is_waiting());
            why
        }
    };
    http.closed(&mut served.io, why);
}

impl<'a> TextbookConnection<'a> {
    /// Serves request after request. Returns only when the connection ends: `Ok` cannot occur.
    fn serve_requests(&mut self) -> Result<Infallible, End> {
        let mut next = RecvHead::default();
        loop {
            let response = match self.receive_request(next)? {
                Ok(request) => {
                    let routed = self.route(request);
                    self.handle(routed)?
                }
                Err(rejection) => rejection,
            };
            next = self.send_response(response)?;
        }
    }

    /// Reads until the head of a request is complete. The inner error is the response that rejects it.
    fn receive_request(
        &mut self,
        next: RecvHead,
    ) -> Result<Result<IncomingRequest, Outgoing>, End> {
        let mut arriving = ArrivingHead::from(next);
        loop {
            let now = self.context.start.max(self.io.waiting_since);
            arriving = match self.http.receive_head(arriving, now, &mut self.io) {
                ReceivedHead::Complete(request) => return Ok(Ok(request)),
                ReceivedHead::Rejected(response) => return Ok(Err(response)),
                ReceivedHead::Closed(why) => return Err(self.finish(why)),
                ReceivedHead::Partial(arriving) => arriving,
            };
            if !self.read(self.http.head_deadline(&arriving, &self.io))? {
                let since = arriving.since.ok_or(End::AtOnce(CloseReason::Idle))?;
                return Ok(Err(self.http.head_timed_out(arriving.recv, since, &mut self.io)));
            }
        }
    }

    /// Decides by the head which handler gets the request, and how it takes the body.
    fn route(&mut self, request: IncomingRequest) -> Routed<'a> {
        self.http.route(request, &mut self.io, &self.context)
    }

    /// Calls the handler, once the body is complete; or while it arrives, if the handler streams it.
    fn handle(&mut self, routed: Routed<'_>) -> Result<Outgoing, End> {
        let http = self.http;
        match routed {
            Routed::Handle(request, call) => {
                let body = RequestBody::default();
                Ok(http.handle(request, body, call, &mut self.io, &self.context))
            }
            Routed::Collect(collecting) => Ok(match self.receive_body(collecting)? {
                Ok(complete) => http.handle_collected(*complete, &mut self.io, &self.context),
                Err(rejection) => rejection,
            }),
            Routed::Stream(streamed) => http
                .handle_streamed(*streamed, &mut self.io, &self.context)
                .map_err(|why| self.finish(why)),
            Routed::Respond(response) => Ok(response),
        }
    }

    /// Reads until the body of a request is complete. The inner error is the response that rejects it.
    fn receive_body(
        &mut self,
        mut collecting: Box<CollectingRequest>,
    ) -> Result<Result<Box<CollectingRequest>, Outgoing>, End> {
        loop {
            collecting = match self.http.receive_body(collecting, &mut self.io) {
                ReceivedBody::Complete(complete) => return Ok(Ok(complete)),
                ReceivedBody::Rejected(response) => return Ok(Err(response)),
                ReceivedBody::Partial(collecting) => collecting,
            };
            if !self.read(collecting.deadline(&self.http.limits))? {
                return Ok(Err(self.http.body_timed_out(*collecting, &mut self.io)));
            }
        }
    }

    /// Sends a response. A small one stays in the output until the worker has to wait for the client, so
    /// that several pipelined ones are sent in one write.
    fn send_response(&mut self, response: Outgoing) -> Result<RecvHead, End> {
        let next = match self.http.begin_response(response, &mut self.io) {
            Sent::All(next) => next,
            Sent::Head(mut sending) => match self.send_body(&mut sending) {
                Ok(end) => self.http.end_response(*sending, end, &mut self.io),
                Err(end) => {
                    self.http.log_cut(&sending, &self.io);
                    return Err(end);
                }
            },
        };
        let next = next.map_err(|why| self.finish(why))?;
        if self.io.output.is_large() {
            self.flush()?;
        }
        Ok(next)
    }

    /// Sends a body piece by piece. Returns its trailers, or why it broke off.
    fn send_body(&mut self, sending: &mut SendingResponse) -> Result<io::Result<Headers>, End> {
        loop {
            self.check_stop()?;
            if self.io.output.is_large() {
                self.flush()?;
            }
            let piece = self.http.send_piece(sending, &mut self.io, &self.context);
            match piece.map_err(|error| self.broken(&error))? {
                Piece::Gathered => self.http.count_bytes(&mut self.io),
                Piece::Slow => self.flush()?,
                Piece::Waiting(until) => self.wait_for_push(until)?,
                Piece::Paused(until) => self.pause(until)?,
                Piece::NoRoom => self.check_write_deadline()?,
                Piece::End(end) => return Ok(end),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::admission::{ConnectionLimiter, Overload, PerAddress};
    use crate::net::service::Speaks;
    use crate::net::stop_signal::StopSignal;
    use crate::net::worker_record::WorkerRecord;
    use crate::pool::Backlog;
    use crate::pool::ThreadPool;
    use crate::server::Router;
    use crate::server::conn::HttpConfig;
    use crate::server::request::Request;
    use crate::server::response::{Body, Response};
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::thread;
    use std::time::{Duration, Instant};

    /// Three connections with an endless response each; one worker, which gets to the first.
    #[test]
    fn no_connection_served_or_queued_outlasts_the_time_to_stop() {
        let endless =
            |_: &mut Request| Response::text("").body(Body::Read(Box::new(io::repeat(b'x')), None));
        let routes = Router::new().get("/", endless).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stop = StopSignal::new().unwrap();
        let stopping = stop.clone();
        let http = Arc::new(Http::new(HttpConfig::new(routes, stop.clone())));
        let serving = Arc::clone(&http);
        let pool = ThreadPool::start("test", 1, 10, move |accepted, waiting: &Backlog<'_>| {
            let record = &WorkerRecord::default();
            serve(&serving, accepted, None, Textbook { waiting, stop: &stopping, record });
        });
        let pool = pool.unwrap();
        let limiter = ConnectionLimiter::new(3, PerAddress::Any, Overload::Reject);
        let clients = [(); 3].map(|()| {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (stream, peer) = listener.accept().unwrap();
            let permit = limiter.try_admit(peer.into()).unwrap();
            let at = Instant::now();
            pool.queue()
                .try_send(Accepted { stream, peer: peer.into(), at, speaks: Speaks::Own, permit })
                .unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            thread::spawn(move || io::copy(&mut client, &mut io::sink()).unwrap_or(1))
        });
        stop.request(Duration::from_millis(50));
        let report = pool.stop(Instant::now() + Duration::from_secs(5));
        assert_eq!((report.stuck.len(), report.panics, http.cut()), (0, 0, 3));
        let received = clients.map(|client| client.join().unwrap());
        assert!(received[0] > 0, "the first one was being served");
    }
}
