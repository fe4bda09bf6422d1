//! Bodies that are pushed: made of what is published while the response is being sent.
//!
//! A turn takes what there is (`PushedBody::next`). When there is nothing, the connection waits in the
//! lobby without a worker, until its topic wakes it, or the time has come for a comment that shows that it
//! lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::response::{Body, Response};
use super::topic::{Message, Received, Subscription};
use crate::net::waker::Waker;
use crate::proto::http::event_stream::{EVENT_STREAM, write_comment, write_event};
use crate::proto::http::status::Status;

/// The time after which a silent event stream gets a comment: 15 s, as the standard advises (WHATWG HTML,
/// 9.2.7).
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The most that is taken in one piece, so that one body does not fill the memory: 64 KB, or one message.
const PIECE: usize = 64 << 10;

/// The body of a response to a subscriber, for [`Body::Pushed`].
#[derive(Debug)]
pub struct PushedBody {
    subscription: Subscription,
    form: Form,
    /// Whether it ends when messages were lost.
    ends_when_lagging: bool,
}

/// What the body is made of.
enum Form {
    /// Server-sent events, and comments while there are none, the next at this time.
    Events(Instant),
    /// The data of each message.
    Raw,
    /// What is made of the first messages, or of none at this time; then it ends.
    Once(Instant, Option<MakeBody>),
}

type MakeBody = Box<dyn FnOnce(&[Arc<Message>]) -> Vec<u8> + Send>;

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Form::Events(_) => "Events",
            Form::Raw => "Raw",
            Form::Once(..) => "Once",
        })
    }
}

/// What [`PushedBody::next`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It has appended something.
    Some,
    /// There is nothing. The waker is called once there is; without it, this is the time to look again.
    Waiting(Instant),
    /// The body is at its end.
    End,
}

impl PushedBody {
    /// Returns true if it is made of the messages as they are, without code of a handler.
    pub(super) fn is_of_messages(&self) -> bool {
        !matches!(self.form, Form::Once(..))
    }

    /// Appends what there is at `now`.
    pub(super) fn next(&mut self, now: Instant, waker: &Waker, out: &mut Vec<u8>) -> Pushed {
        match &mut self.form {
            Form::Once(until, make) => {
                let Some(ready) = make.take() else { return Pushed::End };
                let (messages, is_over) = all_messages(&mut self.subscription, waker);
                if messages.is_empty() && !is_over && now < *until {
                    *make = Some(ready);
                    return Pushed::Waiting(*until);
                }
                out.extend_from_slice(&ready(&messages));
                Pushed::Some
            }
            Form::Events(_) | Form::Raw => self.next_messages(now, waker, out),
        }
    }

    fn next_messages(&mut self, now: Instant, waker: &Waker, out: &mut Vec<u8>) -> Pushed {
        let begin = out.len();
        let ended = loop {
            match self.subscription.next(waker) {
                Received::Message(message) => self.form.write(&message, out),
                Received::Lagged(_) if self.ends_when_lagging => break true,
                Received::Lagged(missed) => self.form.write_lagged(missed, out),
                Received::Waiting => break false,
                Received::Closed => break true,
            }
            if out.len() - begin >= PIECE {
                break false;
            }
        };
        let heartbeat = match &mut self.form {
            Form::Events(at) => {
                if out.len() == begin && now >= *at && !ended {
                    write_comment(out);
                }
                if out.len() > begin {
                    *at = now + HEARTBEAT;
                }
                *at
            }
            // Nothing is due: the longest time that a wait is set for.
            Form::Raw | Form::Once(..) => now + Duration::from_secs(24 * 60 * 60),
        };
        match (out.len() > begin, ended) {
            (true, _) => Pushed::Some,
            (false, true) => Pushed::End,
            (false, false) => Pushed::Waiting(heartbeat),
        }
    }
}

impl Form {
    fn write(&self, message: &Message, out: &mut Vec<u8>) {
        match self {
            Form::Events(_) => write_event(None, Some(&message.id.to_string()), &message.data, out),
            Form::Raw | Form::Once(..) => out.extend_from_slice(&message.data),
        }
    }

    /// Tells a subscriber that messages were lost. Raw bytes have no form for it.
    fn write_lagged(&self, missed: u64, out: &mut Vec<u8>) {
        if let Form::Events(_) = self {
            write_event(Some("lagged"), None, missed.to_string().as_bytes(), out);
        }
    }
}

/// Returns the messages that there are, without those that were lost, and whether the topic is closed.
fn all_messages(subscription: &mut Subscription, waker: &Waker) -> (Vec<Arc<Message>>, bool) {
    let mut messages = Vec::new();
    loop {
        match subscription.next(waker) {
            Received::Message(message) => messages.push(message),
            Received::Lagged(_) => {}
            Received::Waiting => return (messages, false),
            Received::Closed => return (messages, true),
        }
    }
}

impl Response {
    /// Returns 200 with server-sent events (WHATWG HTML, 9.2): each message of the subscription, with its
    /// number as `id`, as it is published, and a comment after 15 s without any. The connection holds no
    /// worker while it waits (with the default driver). A subscriber that has lost messages gets an event of
    /// the type `lagged` with their number; see [`Response::ends_when_lagging`].
    ///
    /// ```
    /// use threadbare::server::{Response, Topic};
    ///
    /// let topic = Topic::new();
    /// let response = Response::events(topic.subscribe());
    /// assert_eq!(response.header("Content-Type"), Some("text/event-stream"));
    /// ```
    pub fn events(subscription: Subscription) -> Response {
        let form = Form::Events(Instant::now() + HEARTBEAT);
        Response::pushed_as(subscription, form)
            .field("Content-Type", EVENT_STREAM)
            .field("Cache-Control", "no-store")
            .field("X-Accel-Buffering", "no") // nginx would collect the events
    }

    /// Returns 200 with the data of each message of the subscription, as it is published, and nothing in
    /// between. Messages that were lost are left out.
    pub fn pushed(subscription: Subscription) -> Response {
        Response::pushed_as(subscription, Form::Raw)
    }

    /// Returns 200 with a body that `make` returns as soon as there are messages, or after `patience`: a long
    /// poll. The head is sent at once.
    pub fn once(
        subscription: Subscription,
        patience: Duration,
        make: impl FnOnce(&[Arc<Message>]) -> Vec<u8> + Send + 'static,
    ) -> Response {
        let form = Form::Once(Instant::now() + patience, Some(Box::new(make)));
        Response::pushed_as(subscription, form)
    }

    /// Makes a response to a subscriber end when messages were lost, instead of telling how many. The client
    /// can come again, and begin anew.
    pub fn ends_when_lagging(mut self) -> Response {
        if let Body::Pushed(pushed) = &mut self.body {
            pushed.ends_when_lagging = true;
        }
        self
    }

    fn pushed_as(subscription: Subscription, form: Form) -> Response {
        let pushed = PushedBody { subscription, form, ends_when_lagging: false };
        Response::new(Status::OK).body(Body::Pushed(Box::new(pushed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::topic::{Keep, Topic};

    fn body(response: Response) -> Box<PushedBody> {
        match response.body {
            Body::Pushed(pushed) => pushed,
            body => panic!("{body:?}"),
        }
    }

    /// Returns what is next at `now`, and its bytes.
    fn next(body: &mut PushedBody, now: Instant) -> (Pushed, String) {
        let mut out = Vec::new();
        let pushed = body.next(now, &Waker::new(|| {}), &mut out);
        (pushed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_silent_stream_gets_a_comment_every_15_seconds() {
        let topic = Topic::new();
        let mut body = body(Response::events(topic.subscribe()));
        let (first, _) = next(&mut body, Instant::now());
        let Pushed::Waiting(at) = first else { panic!("{first:?}") };
        assert_eq!(
            next(&mut body, at - Duration::from_secs(1)),
            (Pushed::Waiting(at), String::new())
        );
        assert_eq!(next(&mut body, at), (Pushed::Some, ":\n\n".to_owned()));
        assert_eq!(next(&mut body, at).0, Pushed::Waiting(at + HEARTBEAT));
        topic.publish("x");
        let later = at + Duration::from_secs(3);
        assert_eq!(next(&mut body, later).1, "id: 1\ndata: x\n\n");
        assert_eq!(next(&mut body, later).0, Pushed::Waiting(later + HEARTBEAT));
    }

    #[test]
    fn a_piece_is_bounded() {
        let topic = Topic::keeping(Keep { messages: 100, bytes: 1 << 30 });
        let mut body = body(Response::pushed(topic.subscribe()));
        for _ in 0..10 {
            topic.publish(vec![b'x'; PIECE / 2]);
        }
        assert_eq!(next(&mut body, Instant::now()).1.len(), PIECE);
    }

    #[test]
    fn a_long_poll_of_a_closed_topic_ends_at_once() {
        let topic = Topic::new();
        let hour = Duration::from_secs(3600);
        let mut body =
            body(Response::once(topic.subscribe(), hour, |all| all.len().to_string().into()));
        assert!(matches!(next(&mut body, Instant::now()).0, Pushed::Waiting(_)));
        topic.close();
        assert_eq!(next(&mut body, Instant::now()), (Pushed::Some, "0".to_owned()));
        assert_eq!(next(&mut body, Instant::now()).0, Pushed::End);
    }
}
