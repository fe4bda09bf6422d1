//! Topics: what one handler publishes, the responses to other clients receive.
//!
//! A topic keeps its latest messages, in order and with numbers from 1. A [`Subscription`] is a position in
//! them, so ten thousand subscribers cost ten thousand numbers and share the messages. Who is slower than
//! the messages are dropped has lost some, and is told how many.
//!
//! ```text
//! handler of POST: Topic::publish ──> kept messages ──> each waiting subscription is woken once
//! handler of GET:  Topic::subscribe ──> Response::events ──> a turn: Subscription::next, until it waits again
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use crate::net::waker::Waker;
use crate::sync::lock;

/// A stream of messages to which responses subscribe. Clones are the same topic.
///
/// ```
/// use threadbare::server::{Response, Router, Topic};
///
/// let news = Topic::new();
/// let ticker = news.clone();
/// let routes = Router::new()
///     .get("/news", move |_| Response::events(ticker.subscribe()))
///     .post("/news", move |request| {
///         news.publish(request.body_text()?);
///         Ok::<_, threadbare::server::HandlerError>(Response::empty(204))
///     })
///     .build()?;
/// # Ok::<(), threadbare::server::RouteErrors>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Topic {
    state: Arc<Mutex<State>>,
}

/// How many of its latest messages a topic keeps, for those who are slow or come again: all but as many as
/// are beyond either limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// The number of messages; 100 by default. The latest is always kept.
    pub messages: usize,
    /// Their bytes, all together; 1 MB by default.
    pub bytes: usize,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { messages: 100, bytes: 1 << 20 }
    }
}

/// A message of a topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number: 1 is the first of the topic.
    pub id: u64,
    /// What was published.
    pub data: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    keep: Keep,
    /// The latest messages, the oldest first.
    kept: VecDeque<Arc<Message>>,
    /// The bytes of their data.
    bytes: usize,
    /// The number of the latest message.
    last: u64,
    /// The subscriptions that wait, by their numbers.
    waiting: HashMap<u64, Waker>,
    /// The number of subscriptions so far, and how many of them are there.
    opened: u64,
    subscribers: usize,
    is_closed: bool,
}

/// A position in the messages of a [`Topic`], and the right to be woken.
#[derive(Debug)]
pub struct Subscription {
    topic: Topic,
    number: u64,
    /// The number of the last message that it has had.
    seen: u64,
}

/// What is next for a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The next message.
    Message(Arc<Message>),
    /// This many messages are not kept any more; the next one is the oldest that is.
    Lagged(u64),
    /// There is no message yet; the waker is called when there is.
    Waiting,
    /// The topic is closed, and all of it has been received.
    Closed,
}

impl Topic {
    /// Returns a topic without messages, which will keep the latest 100 and 1 MB.
    pub fn new() -> Topic {
        Topic::default()
    }

    /// Returns a topic that keeps its latest messages within these limits.
    pub fn keeping(keep: Keep) -> Topic {
        Topic { state: Arc::new(Mutex::new(State { keep, ..State::default() })) }
    }

    /// Adds a message and wakes the subscriptions that wait for it, on the thread of the caller; none of them
    /// is served there. Returns its number. A topic that is closed takes none, and returns the last number.
    pub fn publish(&self, data: impl Into<Vec<u8>>) -> u64 {
        let data = data.into();
        let mut state = lock(&self.state);
        if state.is_closed {
            return state.last;
        }
        state.last += 1;
        state.bytes += data.len();
        let id = state.last;
        state.kept.push_back(Arc::new(Message { id, data }));
        while state.kept.len() > 1
            && (state.kept.len() > state.keep.messages || state.bytes > state.keep.bytes)
        {
            let oldest = state.kept.pop_front().map_or(0, |message| message.data.len());
            state.bytes -= oldest;
        }
        wake_all(state);
        id
    }

    /// Closes the topic: the responses to its subscribers end when they have had what is kept.
    pub fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        wake_all(state);
    }

    /// Returns a subscription to what is published from now on.
    pub fn subscribe(&self) -> Subscription {
        self.subscribe_after(u64::MAX)
    }

    /// Returns a subscription to what follows the message with this number; what is not kept any more is
    /// [`Received::Lagged`]. A number that is not published yet means from now on.
    pub fn subscribe_after(&self, id: u64) -> Subscription {
        let mut state = lock(&self.state);
        state.opened += 1;
        state.subscribers += 1;
        Subscription { topic: self.clone(), number: state.opened, seen: id.min(state.last) }
    }

    /// Returns the number of subscriptions.
    pub fn subscribers(&self) -> usize {
        lock(&self.state).subscribers
    }

    /// Returns the number of the latest message; 0 before the first.
    pub fn last_id(&self) -> u64 {
        lock(&self.state).last
    }
}

/// Wakes the subscriptions that wait, without the lock.
fn wake_all(mut state: std::sync::MutexGuard<'_, State>) {
    let waiting = std::mem::take(&mut state.waiting);
    drop(state);
    waiting.values().for_each(Waker::wake);
}

impl Subscription {
    /// Returns what is next. If that is [`Received::Waiting`], `waker` is called once there is more, and an
    /// earlier one is forgotten.
    pub(super) fn next(&mut self, waker: &Waker) -> Received {
        let mut state = lock(&self.topic.state);
        let missed = state.kept.front().map_or(0, |oldest| oldest.id - 1).saturating_sub(self.seen);
        if missed > 0 {
            self.seen += missed;
            return Received::Lagged(missed);
        }
        let behind = usize::try_from(state.last - self.seen).unwrap_or(usize::MAX);
        if let Some(at) = state.kept.len().checked_sub(behind)
            && let Some(message) = state.kept.get(at)
        {
            self.seen = message.id;
            return Received::Message(Arc::clone(message));
        }
        if state.is_closed {
            return Received::Closed;
        }
        state.waiting.insert(self.number, waker.clone());
        Received::Waiting
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = lock(&self.topic.state);
        state.subscribers -= 1;
        state.waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn counting() -> (Waker, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let woken = Arc::clone(&count);
        (
            Waker::new(move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }),
            count,
        )
    }

    fn texts(subscription: &mut Subscription, waker: &Waker) -> Vec<String> {
        let next = || match subscription.next(waker) {
            Received::Message(it) => {
                Some(format!("{} {}", it.id, String::from_utf8_lossy(&it.data)))
            }
            Received::Lagged(missed) => Some(format!("lagged {missed}")),
            Received::Waiting => None,
            Received::Closed => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn each_subscriber_gets_each_message_once_and_in_order() {
        let (topic, (waker, woken)) = (Topic::new(), counting());
        topic.publish("early");
        let (mut new, mut late) = (topic.subscribe(), topic.subscribe_after(0));
        assert_eq!(texts(&mut new, &waker), [""; 0]);
        assert_eq!(texts(&mut late, &waker), ["1 early"]);
        assert_eq!([topic.publish("a"), topic.publish("b")], [2, 3]);
        assert_eq!(woken.load(Ordering::Relaxed), 2, "once each, until they wait again");
        assert_eq!(texts(&mut new, &waker), ["2 a", "3 b"]);
        assert_eq!(texts(&mut late, &waker), ["2 a", "3 b"]);
        assert_eq!(texts(&mut topic.subscribe_after(2), &waker), ["3 b"]);
        assert_eq!(texts(&mut topic.subscribe_after(99), &waker), [""; 0]);
    }

    #[test]
    fn who_is_slow_is_told_what_is_lost() {
        let (waker, _) = counting();
        for (what, keep) in [
            ("messages", Keep { messages: 3, ..Keep::default() }),
            ("bytes", Keep { bytes: 4, ..Keep::default() }),
            ("a large one", Keep { bytes: 0, ..Keep::default() }),
        ] {
            let topic = Topic::keeping(keep);
            let mut slow = topic.subscribe();
            for _ in 0..10 {
                topic.publish("x");
            }
            let got = texts(&mut slow, &waker);
            let lost = 11 - got.len();
            assert_eq!(got.first(), Some(&format!("lagged {lost}")), "{what}");
            assert_eq!(got.last().map(String::as_str), Some("10 x"), "{what}");
        }
    }

    #[test]
    fn a_subscriber_that_has_left_is_not_woken() {
        let (topic, (waker, woken)) = (Topic::new(), counting());
        let mut gone = topic.subscribe();
        assert_eq!((gone.next(&waker), topic.subscribers()), (Received::Waiting, 1));
        drop(gone);
        topic.publish("x");
        assert_eq!((woken.load(Ordering::Relaxed), topic.subscribers()), (0, 0));
    }

    #[test]
    fn a_closed_topic_ends_after_its_last_message() {
        let (topic, (waker, woken)) = (Topic::new(), counting());
        let mut subscription = topic.subscribe();
        assert_eq!(subscription.next(&waker), Received::Waiting);
        topic.publish("last");
        topic.close();
        assert_eq!(topic.publish("too late"), 1);
        assert_eq!(texts(&mut subscription, &waker), ["1 last"]);
        assert_eq!(subscription.next(&waker), Received::Closed);
        assert_eq!(woken.load(Ordering::Relaxed), 1);
    }
}
