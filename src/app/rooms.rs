//! `/rooms/{name}`: clients that talk to each other through the server.
//!
//! | request | response |
//! |---|---|
//! | `POST /rooms/tea`, a text or JSON | 201, `{"room":"tea","id":7}`: everyone in the room gets it |
//! | `GET /rooms/tea`, `Accept: text/event-stream` | events from now on, or after `Last-Event-ID` or `?after=N` |
//! | `GET /rooms/tea?after=N&wait=SECS` | `[{"id":8,"data":"a text"}]`, at once, or when there is a message; `[]` after SECS (25) |
//!
//! The first message of a room is number 1. A room keeps its last 100 messages, and at most 256 KB of them,
//! for those who come late. A client that waits holds no worker. A message that is a JSON object or array is that
//! value in `data`, and any other a string.
//!
//! 400: the name, a number, or a message that is no text in UTF-8, or not the JSON that it says it is. 413:
//! a message is too long. 429: more messages from one address than the rate. 503: too many rooms, or
//! members of one room. A room without members gives way to a new one.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::proto::http::chars::decimal;
use crate::proto::http::event_stream::{EVENT_STREAM, LAST_EVENT_ID};
use crate::proto::http::method::Method;
use crate::server::{
    AddressRate, ErrorResponse, Handler, Keep, Message, Request, Response, Router, Status,
    Subscription, Topic,
};
use crate::sync::lock;
use crate::text::quote_json;

/// The limits of all rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomLimits {
    /// The most rooms: 1,000.
    pub rooms: usize,
    /// The most members in each, who wait for messages: 10,000.
    pub members: usize,
    /// The longest message, in bytes: 64 KB.
    pub message: u64,
    /// The most messages a second from one address, except from loopback: 100. `None` is no limit.
    pub rate: Option<NonZeroU32>,
}

impl Default for RoomLimits {
    fn default() -> RoomLimits {
        RoomLimits { rooms: 1_000, members: 10_000, message: 64 << 10, rate: NonZeroU32::new(100) }
    }
}

/// What a room keeps for those who come late.
const KEEP: Keep = Keep { messages: 100, bytes: 256 << 10 };

/// The longest name of a room.
const NAME: usize = 64;

/// The time of a long poll that does not say one, and the longest, in seconds: load balancers close a
/// connection without a byte after 60.
const WAIT: (u64, u64) = (25, 55);

/// The rooms that there are.
#[derive(Debug)]
struct Rooms {
    limits: RoomLimits,
    rate: Option<AddressRate>,
    open: Mutex<HashMap<String, Room>>,
}

#[derive(Debug)]
struct Room {
    topic: Topic,
    /// When it was last asked for.
    used: Instant,
}

/// Adds the routes.
pub fn add_to(router: Router, limits: RoomLimits) -> Router {
    let rooms = Arc::new(Rooms::new(limits));
    let publishing = Publishing(Arc::clone(&rooms));
    router.get("/rooms/{name}", move |request| rooms.receive(request)).route(
        Method::Post,
        "/rooms/{name}",
        publishing,
    )
}

/// Takes messages. One that is too long is refused by its head.
struct Publishing(Arc<Rooms>);

impl Handler for Publishing {
    fn body_limit(&self) -> Option<u64> {
        Some(self.0.limits.message)
    }

    fn params(&self) -> &'static [&'static str] {
        &["name"]
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.0.publish(request).unwrap_or_else(|error| error.to(request))
    }
}

impl Rooms {
    fn new(limits: RoomLimits) -> Rooms {
        let rate = limits.rate.map(AddressRate::new);
        Rooms { limits, rate, open: Mutex::default() }
    }

    /// Gives a message to everyone in the room.
    fn publish(&self, request: &mut Request) -> Result<Response, ErrorResponse> {
        let is_too_much = |rate: &AddressRate| !rate.allow_peer(request.peer, Instant::now());
        if self.rate.as_ref().is_some_and(is_too_much) {
            let right = "fewer messages, or one message with several lines";
            let what = "more messages a second come from this address than are taken";
            return Err(ErrorResponse::new(Status::TOO_MANY_REQUESTS, "RFC 6585, 4", what, right));
        }
        let text = request.body_text()?;
        let is_json =
            request.header("Content-Type").is_some_and(|it| it.starts_with("application/json"));
        if is_json && let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
            return Err(ErrorResponse::of_status(400, format!("the message is no JSON: {error}")));
        }
        let name = room_name(request)?;
        let topic = self.room(&mut lock(&self.open), name)?.clone();
        let id = topic.publish(text);
        let body = format!("{{\"room\":{},\"id\":{id}}}\n", quote_json(name));
        let location = format!("/rooms/{name}?after={}", id - 1);
        let response = Response::bytes("application/json", body).status(Status::CREATED);
        Ok(response.field("Location", location))
    }

    /// Returns the messages of the room: as they come, or those that there are.
    fn receive(&self, request: &mut Request) -> Result<Response, ErrorResponse> {
        let name = room_name(request)?;
        let after = request.query_as::<u64>("after")?;
        if request.header("Accept").is_some_and(|accept| accept.contains(EVENT_STREAM)) {
            let last = request.header(LAST_EVENT_ID).and_then(|id| decimal(id.as_bytes()));
            let subscription = self.enter(name, last.or(after).unwrap_or(u64::MAX))?;
            return Ok(Response::events(subscription).field("Vary", "Accept"));
        }
        let wait = request.query_as::<u64>("wait")?.unwrap_or(WAIT.0).min(WAIT.1);
        let subscription = self.enter(name, after.unwrap_or(0))?;
        let response = Response::once(subscription, Duration::from_secs(wait), array);
        let response = response.field("Content-Type", "application/json");
        Ok(response.field("Cache-Control", "no-store").field("Vary", "Accept"))
    }

    /// Returns a subscription to what follows the message with this number.
    fn enter(&self, name: &str, after: u64) -> Result<Subscription, ErrorResponse> {
        let mut open = lock(&self.open);
        let topic = self.room(&mut open, name)?;
        if topic.subscribers() >= self.limits.members {
            return Err(full(format!("the room has {} members", self.limits.members)));
        }
        Ok(topic.subscribe_after(after))
    }

    /// Returns the topic of a room, which is opened if it does not exist.
    fn room<'o>(
        &self,
        open: &'o mut HashMap<String, Room>,
        name: &str,
    ) -> Result<&'o Topic, ErrorResponse> {
        if !open.contains_key(name) && open.len() >= self.limits.rooms {
            let empty = open.iter().filter(|(_, room)| room.topic.subscribers() == 0);
            let longest = empty.min_by_key(|(_, room)| room.used).map(|(name, _)| name.clone());
            let unused = longest.ok_or_else(|| full(format!("there are {} rooms", open.len())))?;
            open.remove(&unused);
        }
        let used = Instant::now();
        let fresh = || Room { topic: Topic::keeping(KEEP), used };
        let room = open.entry(name.to_owned()).or_insert_with(fresh);
        room.used = used;
        Ok(&room.topic)
    }
}

/// Returns the name in the path.
fn room_name(request: &Request) -> Result<&str, ErrorResponse> {
    let name = request.param("name");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=NAME).contains(&name.len()) && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(ErrorResponse::new(
        Status::BAD_REQUEST,
        "RFC 9110, 15.5.1",
        "this cannot be the name of a room",
        "1 to 64 letters, digits, -, _ or ., as in /rooms/tea",
    ))
}

/// Returns the messages as a JSON array. One that is an object or an array is that value, another a string.
fn array(messages: &[Arc<Message>]) -> Vec<u8> {
    let mut text = String::from("[");
    for (at, message) in messages.iter().enumerate() {
        let data = String::from_utf8_lossy(&message.data);
        let is_value = data.trim_start().starts_with(['{', '['])
            && serde_json::from_str::<serde_json::Value>(&data).is_ok();
        let data = if is_value { data.into_owned() } else { quote_json(&data) };
        let comma = if at > 0 { "," } else { "" };
        text.push_str(&format!("{comma}{{\"id\":{},\"data\":{data}}}", message.id));
    }
    text.push_str("]\n");
    text.into_bytes()
}

/// Returns the refusal of a request for which there is no room at the moment.
fn full(what: String) -> ErrorResponse {
    let right = "the same request after a while, or another room";
    ErrorResponse::new(Status::SERVICE_UNAVAILABLE, "RFC 9110, 15.6.4", what, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_values_or_strings() {
        let message = |id, data: &str| Arc::new(Message { id, data: data.into() });
        let all = [
            message(1, "a \"text\"\n"),
            message(2, r#"{"a":[1]}"#),
            message(3, "42"),
            message(4, "{no json"),
            message(5, ""),
        ];
        let text = String::from_utf8(array(&all)).unwrap();
        let want = r#"[{"id":1,"data":"a \"text\"\n"},{"id":2,"data":{"a":[1]}},{"id":3,"data":"42"},{"id":4,"data":"{no json"},{"id":5,"data":""}]"#;
        assert_eq!(text.trim_end(), want);
        assert_eq!(array(&[]), b"[]\n");
    }

    #[test]
    fn a_room_without_members_gives_way_to_a_new_one() {
        let limits = RoomLimits { rooms: 2, members: 1, ..RoomLimits::default() };
        let rooms = Rooms::new(limits);
        let member = rooms.enter("a", 0).unwrap();
        let full = rooms.enter("a", 0).unwrap_err();
        assert_eq!(full.status, Status::SERVICE_UNAVAILABLE);
        drop(rooms.enter("b", 0).unwrap());
        let other = rooms.enter("c", 0).unwrap();
        assert!(rooms.enter("d", 0).is_err(), "both have members");
        drop(other);
        assert!(rooms.enter("d", 0).is_ok());
        assert!(lock(&rooms.open).contains_key("a"));
        drop(member);
    }
}
