//! From the head of a request to its handler: who answers, and what becomes of the body.
//!
//! What can be refused by the head is refused there: 404, 405, 501, what a handler does not admit
//! (415), a body that is too large (413), before 100 Continue and before a byte of body is kept
//! (RFC 9110, 10.1.1). The refusal goes out at once, and what comes of the body behind it is skipped.
//! Else the body is collected, and then the handler runs; or the handler streams it. A body for which
//! there is no room is refused by the head as well, if its length is known.

use std::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::send::Asked;
use super::send_file::Counted;
use super::{Http, State, Step, Turn};
use crate::net::usual_time::UsualTime;
use crate::proto::http::body::Piece;
use crate::proto::http::close::CloseReason;
use crate::proto::http::error::{Fault, Rule};
use crate::proto::http::head::RequestHead;
use crate::proto::http::server::{Head, RecvBody, RecvHead, Rejected};
use crate::proto::http::status::Status;
use crate::server::conn::connection_io::Wire;
use crate::server::conn::request_body::{Collector, RequestBody, Unkept};
use crate::server::conn::streamed_body::{Broken, Loan, Stream};
use crate::server::handler::{Handler, Request, Response};
use crate::server::quota::Share;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::respond::failure::{log_failure, log_no_descriptor, log_no_disk};
use crate::server::respond::range_response::select;
use crate::server::router::{Endpoint, Found, Params};
use std::net::SocketAddr;

/// A request whose body is arriving.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) head: Box<RequestHead>,
    pub(super) since: Instant,
    pub(super) recv: RecvBody,
    pub(super) body_since: Instant,
    pub(super) received: u64,
    pub(super) body: Collector,
    /// Who answers, once it is complete, and how much of it that takes.
    pub(super) call: Call,
    limit: u64,
}

/// A request whose handler reads the body itself.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) asked: (Box<RequestHead>, Instant),
    pub(super) recv: RecvBody,
    pub(super) call: Call,
    limit: u64,
    pub(super) seat: Share,
}

/// Who answers. While a body is waited for the call holds its endpoint; when there is none it is
/// borrowed, which avoids contention on the Arc's reference count.
#[derive(Debug)]
pub(super) struct Call<E = Arc<Endpoint>> {
    pub(super) endpoint: E,
    pub(super) params: Params,
}

/// A call whose endpoint is borrowed.
type Borrowed<'h> = Call<&'h Arc<Endpoint>>;

/// How a handler takes the body of a request.
enum Takes {
    /// There is none, as in most.
    Nothing,
    /// Complete, and of so many bytes at most.
    Kept(u64),
    /// As it comes, and so many bytes at most.
    Streamed(u64),
}

impl Http {
    pub(super) fn receive_head(
        &self,
        recv: RecvHead,
        since: Option<Instant>,
        now: Instant,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> (State, Step) {
        if since.is_none() && !wire.input.is_empty() {
            wire.timing.begins(now);
        }
        let since = if wire.input.is_empty() { since } else { since.or(Some(now)) };
        let begun = since.unwrap_or(now);
        match recv.receive_into(&mut wire.spent, &mut wire.input, &self.limits) {
            Ok(Head::More(recv)) => {
                // Empty lines are no request yet (RFC 9112, 2.2): the client is as idle as before.
                let has_begun = recv.taken() > 0 || !wire.input.is_empty();
                let since = since.filter(|_| has_begun && recv.skipping().is_none());
                (State::Head(recv, since), Step::Hungry)
            }
            Ok(Head::Closed) => (State::Over(CloseReason::PeerClosed), Step::On),
            Ok(Head::Doubtful) => (State::Over(CloseReason::RequestUnread), Step::On),
            Ok(Head::Complete(head, recv)) => {
                wire.timing.head_is_complete(begun);
                (self.route(head, recv, begun, wire, turn), Step::On)
            }
            Err(rejected) => {
                let Rejected { fault, excerpt, came } = *rejected;
                let asked = Asked { came: Some(came), since: begun };
                (self.refuse(fault, Some(&excerpt), asked, wire), Step::On)
            }
        }
    }

    /// Decides at the head who will answer, and whether the body is wanted.
    pub(super) fn route(
        &self,
        head: Box<RequestHead>,
        mut recv: RecvBody,
        since: Instant,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> State {
        self.stats.count_request();
        let (call, takes) = match self.find(&head, &recv, wire.peer) {
            Ok(found) => found,
            Err(response) => return self.answer_early(response, (head, since), recv, wire, turn),
        };
        match takes {
            Takes::Nothing => {
                self.handle((head, since), recv, RequestBody::default(), call, wire, turn)
            }
            Takes::Kept(limit) => match Collector::begin(recv.remaining(), &self.bodies) {
                Ok(body) => {
                    recv.send_continue(&wire.input, &mut wire.output.bytes);
                    let call = call.held();
                    State::Body(Box::new(Incoming::new((head, since), recv, body, call, limit)))
                }
                Err(unkept) => self.cannot_keep(&unkept, (head, since), recv, wire),
            },
            Takes::Streamed(limit) => {
                let mut seat = self.streams.share();
                if seat.grow(1) {
                    let (asked, call) = ((head, since), call.held());
                    State::Stream(Box::new(Streamed { asked, recv, call, limit, seat }))
                } else {
                    let refusal = ErrorResponse::too_many_streams();
                    log::info!("{}: refused: {refusal}", wire.peer);
                    self.no_room(refusal, (head, since), recv, wire)
                }
            }
        }
    }

    /// Who answers; or the answer, when it can be given by the head alone.
    fn find<'h>(
        &'h self,
        head: &RequestHead,
        recv: &RecvBody,
        peer: SocketAddr,
    ) -> Result<(Borrowed<'h>, Takes), Response> {
        let refuse = |refusal: ErrorResponse| refusal.answer(head, peer);
        match self.routes.find(&head.method, &head.target) {
            Found::Handler(endpoint, params) => {
                let handler = &endpoint.handler;
                let own_limit = || handler.body_limit().unwrap_or(u64::MAX);
                let judge = || {
                    handler.admit(head).map(|()| match recv.remaining() {
                        Some(0) => Takes::Nothing,
                        // With one worker there is none left for others while it streams.
                        _ if handler.streams() && !self.streams.is_nothing() => {
                            Takes::Streamed(own_limit())
                        }
                        _ => Takes::Kept(own_limit().min(self.limits.body)),
                    })
                };
                let takes = guarded(judge).map_err(|Panicked| after_panic(head))?;
                let takes = takes.map_err(refuse)?;
                if let Takes::Kept(limit) | Takes::Streamed(limit) = takes
                    && recv.remaining().is_some_and(|length| length > limit)
                {
                    return Err(refuse(ErrorResponse::too_large(limit)));
                }
                Ok((Call { endpoint, params }, takes))
            }
            Found::Options(allow) => Err(Response::new(Status::NO_CONTENT).field("Allow", allow)),
            Found::NotAllowed(allow) => {
                Err(refuse(ErrorResponse::not_allowed(head, &allow)).field("Allow", allow))
            }
            Found::NotFound => Err(refuse(ErrorResponse::not_found(head))),
            Found::NotImplemented => Err(refuse(ErrorResponse::not_implemented(head))),
        }
    }

    /// The answer is known, and perhaps not all of the body has come. The client need not send it to
    /// its end to hear what is wrong; if it is short, the connection is kept (RFC 9112, 9.3).
    pub(super) fn answer_early(
        &self,
        response: Response,
        (head, since): (Box<RequestHead>, Instant),
        recv: RecvBody,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> State {
        let asked = Asked::of(head, since);
        let send = recv.skip(&mut wire.input, &self.limits);
        self.answer(response, asked, send, wire, turn.driver.may_keep())
    }

    pub(super) fn receive_body(
        &self,
        mut incoming: Box<Incoming>,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> (State, Step) {
        loop {
            let fault = match incoming.recv.receive(&mut wire.input, &self.limits) {
                Ok(Piece::Data(data)) => {
                    let Incoming { received, body, limit, .. } = &mut *incoming;
                    *received += data.len() as u64;
                    if *received > *limit {
                        Fault { rule: Rule::BodyTooLarge, offset: *limit }
                    } else {
                        let Err(unkept) = body.push(data, &self.bodies) else { continue };
                        let Incoming { head, since, recv, .. } = *incoming;
                        return (self.cannot_keep(&unkept, (head, since), recv, wire), Step::On);
                    }
                }
                Ok(Piece::More) => return (State::Body(incoming), Step::Hungry),
                Ok(Piece::End) => return (self.complete(*incoming, wire, turn), Step::On),
                Err(fault) => fault,
            };
            let Incoming { head, since, recv, .. } = *incoming;
            let asked = Asked::of(head, since);
            return (self.refuse(fault, recv.excerpt(), asked, wire), Step::On);
        }
    }

    /// The body is complete, and with it the request.
    fn complete(&self, incoming: Incoming, wire: &mut Wire, turn: &Turn<'_>) -> State {
        let Incoming { head, since, recv, body, call, .. } = incoming;
        wire.timing.body_is_complete();
        match body.finish() {
            Ok(body) => {
                let body = body.with_trailers(recv.trailers());
                self.handle((head, since), recv, body, call, wire, turn)
            }
            Err(error) => {
                log::error!("{}: a body that was kept cannot be read: {error}", wire.peer);
                let response = ErrorResponse::internal_error().response(Some(&head));
                let asked = Asked::of(head, since);
                self.answer(response, asked, recv.finish(), wire, turn.driver.may_keep())
            }
        }
    }

    /// The request is complete: it is handled, here and now, by this thread.
    fn handle(
        &self,
        (head, since): (Box<RequestHead>, Instant),
        recv: RecvBody,
        body: RequestBody,
        call: Call<impl Borrow<Arc<Endpoint>>>,
        wire: &mut Wire,
        turn: &Turn<'_>,
    ) -> State {
        let Call { endpoint, params } = call;
        let endpoint: &Arc<Endpoint> = endpoint.borrow();
        // What came with another request is as old as that one's answer.
        let begun = turn.start.max(wire.waiting_since);
        turn.driver.before(&endpoint.usual);
        let mut request = Request { head, body, peer: wire.peer, params };
        let Counted { response, file, refused } = self.respond(&endpoint.handler, &mut request);
        wire.file = file;
        let asked = Asked::of(request.head, since);
        let may_keep = !refused && turn.driver.may_keep();
        let mut state = self.answer(response, asked, recv.finish(), wire, may_keep);
        let done = match &mut state {
            State::Answer(answer) => {
                answer.is_made_by(endpoint);
                Instant::now()
            }
            _ => wire.waiting_since,
        };
        turn.driver.after(&endpoint.usual, done.saturating_duration_since(begun));
        state
    }

    /// Calls the handler, counts the file of its answer, and makes of the answer what was asked for.
    fn respond(&self, handler: &dyn Handler, request: &mut Request) -> Counted {
        let outcome = guarded(|| handler.handle(request));
        let response = outcome.unwrap_or_else(|Panicked| after_panic(&request.head));
        let counted = self.count_file(response, &request.head, request.peer);
        let response = select(counted.response, &request.head, &self.limits);
        Counted { response, ..counted }
    }

    /// The handler reads the body itself, and waits for it. What it leaves is got out of the way;
    /// when its reading failed, the client is told why instead of what the handler says.
    pub(super) fn stream(&self, streamed: Streamed, wire: &mut Wire, turn: &Turn<'_>) -> State {
        let Streamed { asked: (head, since), recv, call, limit, seat: _until_the_end } = streamed;
        let socket = match turn.stream.try_clone() {
            Ok(socket) => socket,
            Err(error) => {
                log_failure(format_args!("{}: a body cannot be streamed", wire.peer), &error);
                return self.no_room(ErrorResponse::too_many_streams(), (head, since), recv, wire);
            }
        };
        let peer = wire.peer;
        let lent = std::mem::replace(wire, Wire::new(peer));
        let (limits, stop) = (self.limits.clone(), self.stop.clone());
        let loan = Loan::new(Stream::new(socket, lent, recv, limits, limit, stop));
        let body = RequestBody::streamed(loan.clone());
        let Call { endpoint, params } = call;
        let mut request = Request { head, body, peer, params };
        turn.driver.before(&UsualTime::unknown()); // it waits for its client
        let Counted { response, file, .. } = self.respond(&endpoint.handler, &mut request);
        let head = request.head;
        let Some(mut stream) = loan.take_back() else { return State::Over(CloseReason::PeerLeft) };
        let broken = stream.broken();
        let Stream { wire: lent, recv, .. } = stream;
        *wire = lent;
        wire.file = file;
        match broken {
            None => self.answer_early(response, (head, since), recv, wire, turn),
            Some(Broken::Fault(fault)) => {
                self.refuse(fault, recv.excerpt(), Asked::of(head, since), wire)
            }
            Some(Broken::Stopped) => {
                self.cut.fetch_add(1, Ordering::Relaxed);
                State::Over(CloseReason::Stopping)
            }
            Some(Broken::Connection(error)) => {
                log::debug!("{peer}: {error}");
                wire.input.close();
                State::Over(CloseReason::PeerLeft)
            }
        }
    }

    /// There is no room for a body: no descriptor (503), no room on the disk (507, as for a disk that
    /// is full), or its file cannot be made or written.
    fn cannot_keep(
        &self,
        unkept: &Unkept,
        asked: (Box<RequestHead>, Instant),
        recv: RecvBody,
        wire: &mut Wire,
    ) -> State {
        let refusal = match unkept {
            Unkept::NoDescriptor => {
                log_no_descriptor(wire.peer);
                ErrorResponse::too_many_files()
            }
            Unkept::NoDisk => {
                log_no_disk(wire.peer, self.limits.bodies_disk);
                ErrorResponse::too_much_on_disk(self.limits.bodies_disk)
            }
            Unkept::Failed(error) => {
                log_failure(format_args!("{}: a body cannot be kept", wire.peer), error);
                ErrorResponse::cannot_keep(error)
            }
        };
        self.no_room(refusal, asked, recv, wire)
    }

    /// A body cannot be taken now: the client hears so at once, and the rest is not waited for.
    pub(super) fn no_room(
        &self,
        refusal: ErrorResponse,
        (head, since): (Box<RequestHead>, Instant),
        recv: RecvBody,
        wire: &mut Wire,
    ) -> State {
        let response = refusal.response(Some(&head)).field("Retry-After", "1");
        self.answer(response, Asked::of(head, since), recv.finish(), wire, false)
    }
}

impl Borrowed<'_> {
    fn held(self) -> Call {
        Call { endpoint: Arc::clone(self.endpoint), params: self.params }
    }
}

impl Incoming {
    pub(super) fn new(
        (head, since): (Box<RequestHead>, Instant),
        recv: RecvBody,
        body: Collector,
        call: Call,
        limit: u64,
    ) -> Incoming {
        let body_since = if recv.is_done() { since } else { Instant::now() };
        Incoming { head, since, recv, body_since, received: 0, body, call, limit }
    }
}

/// Code that is not ours has panicked.
pub(super) struct Panicked;

/// Runs what is not ours: a panic in it costs its own request and nothing else.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| Panicked)
}

fn after_panic(head: &RequestHead) -> Response {
    log::error!("the handler of {} {} panicked", head.method, head.target);
    ErrorResponse::internal_error().response(Some(head))
}
