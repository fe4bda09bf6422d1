//! `/users`: a small REST resource that stores users on disk.
//!
//! | request | response |
//! |---|---|
//! | `POST /users` | 201, `Location`, the user |
//! | `GET /users?limit=20&after=7` | 200, a page of users, and the path of the next page |
//! | `GET /users/{id}` | 200, the user, `ETag` |
//! | `PUT /users/{id}` | 200, the user as it is now |
//! | `DELETE /users/{id}` | 204 |
//!
//! 304: `If-None-Match` names the stored state. 400: invalid JSON, with line and column, or JSON that has
//! a member twice; a form that is not UTF-8. 404: no such user. 412: `If-Match` names another state than
//! the stored one (for a change, `If-None-Match` the stored one). 413: more than 64 KB. 415: neither JSON
//! nor a form. 422: a member is missing or wrong, and which. 500: the file does not hold a user; the list
//! leaves it out. 503: another server holds the lock. 507: the disk is full. A browser that prefers HTML
//! gets a page.

use std::sync::Arc;

use super::json;
use super::pages;
use super::store::{Change, HIGHEST_ID, Page, Store, StoreError};
use super::user::{LONGEST_NAME, Members, User};
use crate::proto::http::chars::{decimal, percent_decode};
use crate::proto::http::head::RequestHead;
use crate::proto::http::method::Method;
use crate::proto::http::target::form_pairs;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::respond::failure::failed;
use crate::server::{Body, Handler, Request, Response, Router, Status, Validators};
use crate::text::quote_json;

/// Users on a page: by default, and at most.
const PAGE: (u64, u64) = (20, 100);

/// The largest body: a name and an address need a few hundred bytes.
const LARGEST_BODY: u64 = 64 << 10;

/// Adds the routes.
pub fn add_to(router: Router, store: Store) -> Router {
    let store = Arc::new(store);
    let with = |action: fn(&Store, &mut Request) -> HandlerResult| {
        let store = Arc::clone(&store);
        move |request: &mut Request| respond(action(&store, request), request)
    };
    router
        .route(Method::Post, "/users", Writing(with(create)))
        .get("/users", with(list))
        .get("/users/{id}", with(show))
        .route(Method::Put, "/users/{id}", Writing(with(replace)))
        .delete("/users/{id}", with(delete))
}

type HandlerResult = Result<Response, UsersError>;

/// Why a request fails.
#[derive(Debug)]
enum UsersError {
    Refused(ErrorResponse),
    Store(StoreError),
}

impl From<StoreError> for UsersError {
    fn from(error: StoreError) -> UsersError {
        UsersError::Store(error)
    }
}

fn refused(
    status: Status,
    section: &'static str,
    what: impl Into<String>,
    right: &str,
) -> UsersError {
    UsersError::Refused(ErrorResponse::new(status, section, what, right))
}

fn no_such_user() -> UsersError {
    refused(
        Status::NOT_FOUND,
        "RFC 9110, 15.5.5",
        "this user does not exist",
        "GET /users lists the users",
    )
}

/// Shows failures as JSON to programs and as a page to browsers.
fn respond(outcome: HandlerResult, request: &Request) -> Response {
    match outcome {
        Ok(response) => response,
        Err(UsersError::Refused(error)) => refusal(&error, request),
        Err(UsersError::Store(StoreError::Disk(error))) => failed(&request.head, &error),
        Err(UsersError::Store(StoreError::NotAUser(what))) => {
            let status = Status::INTERNAL_SERVER_ERROR;
            let right = "a PUT or a DELETE, if it is a regular file; else it has to be removed on the server";
            refusal(&ErrorResponse::new(status, "RFC 9110, 15.6.1", what, right), request)
        }
        Err(UsersError::Store(busy @ StoreError::Busy)) => {
            let (status, what) = (Status::SERVICE_UNAVAILABLE, busy.to_string());
            let right = "the same request after one second";
            let error = ErrorResponse::new(status, "RFC 9110, 15.6.4", what, right);
            refusal(&error, request).field("Retry-After", "1")
        }
    }
}

fn refusal(error: &ErrorResponse, request: &Request) -> Response {
    if request.wants_html() {
        return error.to(request);
    }
    let [what, section, right] = [&*error.what, error.section, &*error.right].map(quote_json);
    json(error.status, format!("{{\"error\":{what},\"rule\":{section},\"right\":{right}}}"))
}

/// A handler that takes a small body, JSON or a form. Type and length are checked by the head, before the
/// body is sent.
struct Writing<H>(H);

impl<H: Handler> Handler for Writing<H> {
    fn admit(&self, head: &RequestHead) -> Result<(), ErrorResponse> {
        match kind(head) {
            // A part that is taken for the whole would destroy the rest.
            Some(_) if head.method == Method::Put && head.headers.has("content-range") => {
                Err(ErrorResponse::new(
                    Status::BAD_REQUEST,
                    "RFC 9110, 14.5",
                    "PUT replaces the whole user, not a part of it",
                    "the same request without Content-Range, with the whole user",
                ))
            }
            Some(_) => Ok(()),
            None => Err(ErrorResponse::new(
                Status::UNSUPPORTED_MEDIA_TYPE,
                "RFC 9110, 15.5.16",
                "the body is neither JSON nor a form, according to Content-Type",
                "Content-Type: application/json, or application/x-www-form-urlencoded",
            )),
        }
    }

    fn body_limit(&self) -> Option<u64> {
        Some(LARGEST_BODY)
    }

    fn handle(&self, request: &mut Request) -> Response {
        self.0.handle(request)
    }
}

fn create(store: &Store, request: &mut Request) -> HandlerResult {
    let user = read_user(request)?;
    let (id, file) = store.create(|id| user.to_json(id).into_bytes())?;
    let location = format!("/users/{id}");
    let response = match request.wants_html() {
        true => pages::created(id, &user),
        false => json(Status::CREATED, message("New user created", &file)),
    };
    Ok(response
        .status(Status::CREATED)
        .field("Location", location)
        .field("ETag", etag(&file))
        .field("Vary", "Accept"))
}

fn list(store: &Store, request: &mut Request) -> HandlerResult {
    let (mut limit, mut after) = (PAGE.0, 0);
    for (name, value) in form_pairs(request.head.target.query().unwrap_or_default()) {
        let number = decimal(value.as_bytes());
        match (name.as_str(), number) {
            ("limit", Some(number @ 1..)) => limit = number.min(PAGE.1),
            ("after", Some(number)) => after = number,
            ("limit" | "after", _) => {
                let what = format!("{name} must be a decimal number, and limit at least 1");
                return Err(refused(
                    Status::BAD_REQUEST,
                    "RFC 9110, 15.5.1",
                    what,
                    "/users?limit=20&after=40",
                ));
            }
            _ => {}
        }
    }
    let Page { users, next_after } = store.page(after, usize::try_from(limit).unwrap_or(1))?;
    let next = next_after.map(|after| format!("/users?limit={limit}&after={after}"));
    let response = if request.wants_html() {
        let users: Vec<_> =
            users.iter().filter_map(|(id, file)| Some((*id, User::from_file(file)?))).collect();
        pages::list(&users, next.as_deref())
    } else {
        let files: Vec<_> = users.iter().map(|(_, file)| String::from_utf8_lossy(file)).collect();
        let next = next.map(|next| format!(",\"next\":{}", quote_json(&next))).unwrap_or_default();
        json(Status::OK, format!("{{\"users\":[{}]{next}}}", files.join(",")))
    };
    Ok(response.field("Vary", "Accept"))
}

fn show(store: &Store, request: &mut Request) -> HandlerResult {
    let file = store.read(id(request)?)?.ok_or_else(no_such_user)?;
    if !holds(request, &file) {
        return Err(changed());
    }
    Ok(json(Status::OK, String::from_utf8_lossy(&file)).field("ETag", etag(&file)))
}

fn replace(store: &Store, request: &mut Request) -> HandlerResult {
    let id = id(request)?;
    if !store.has(id)? {
        return Err(no_such_user());
    }
    let file = read_user(request)?.to_json(id).into_bytes();
    let change = store.replace(id, &file, &|current| holds(request, current))?;
    done(change)?;
    // No ETag: what is stored is not what was sent, byte for byte (RFC 9110, 9.3.4).
    Ok(json(Status::OK, message("User replaced", &file)))
}

fn delete(store: &Store, request: &mut Request) -> HandlerResult {
    let change = store.delete(id(request)?, &|current| holds(request, current))?;
    done(change)?;
    Ok(Response::new(Status::NO_CONTENT))
}

fn done(change: Change) -> Result<(), UsersError> {
    match change {
        Change::Done => Ok(()),
        Change::Missing => Err(no_such_user()),
        Change::Refused => Err(changed()),
    }
}

fn changed() -> UsersError {
    refused(
        Status::PRECONDITION_FAILED,
        "RFC 9110, 13.1",
        "the user's state is not the one in If-Match, or is the one in If-None-Match",
        "A new GET, and If-Match with the ETag of its response",
    )
}

/// Parses an id in its only spelling: `7`, not `07`.
fn id(request: &Request) -> Result<u64, UsersError> {
    let text = request.param("id");
    decimal(text.as_bytes())
        .filter(|id| *id <= HIGHEST_ID && id.to_string() == text)
        .ok_or_else(no_such_user)
}

/// Returns true if the client's conditions hold for the stored state.
fn holds(request: &Request, current: &[u8]) -> bool {
    request.precondition(Some(&Validators::tagged(&etag(current)))).is_ok()
}

/// Returns a strong entity tag: 64-bit FNV-1a of the bytes. Equal states have equal tags on all servers.
fn etag(content: &[u8]) -> String {
    let hash = content.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("\"{hash:016x}\"")
}

/// The kind of a body, by its Content-Type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyFormat {
    Json,
    Form,
}

fn kind(head: &RequestHead) -> Option<BodyFormat> {
    let media_type =
        head.headers.text("content-type")?.split(';').next()?.trim_ascii().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => Some(BodyFormat::Json),
        "application/x-www-form-urlencoded" => Some(BodyFormat::Form),
        _ => None,
    }
}

const RIGHT_USER: &str = r#"{"name":"FirstName LastName","email":"bsmth@example.com"}"#;

fn read_user(request: &mut Request) -> Result<User, UsersError> {
    let body = request.body.read_all(LARGEST_BODY).map_err(StoreError::Disk)?;
    let wrong = |what: String| {
        refused(Status::UNPROCESSABLE_CONTENT, "RFC 9110, 15.5.21", what, RIGHT_USER)
    };
    let broken = |section, what: String| refused(Status::BAD_REQUEST, section, what, RIGHT_USER);
    let members = match kind(&request.head) {
        Some(BodyFormat::Form) => {
            let text = form_text(&body)
                .ok_or_else(|| broken("RFC 3629, 4", "the form is not UTF-8".to_owned()))?;
            Members::from_form(text).map_err(wrong)?
        }
        Some(BodyFormat::Json) | None => {
            Members::Json(json::object(&body).map_err(|fault| match fault {
                json::Fault::Syntax(error) => {
                    broken("RFC 8259, 2", format!("the body is not JSON: {error}"))
                }
                json::Fault::Twice(name) => {
                    let name: String = name.chars().take(LONGEST_NAME).collect();
                    broken("RFC 8259, 4", format!("the body has the member {name} twice"))
                }
                json::Fault::NotAnObject => {
                    wrong("the body is not a JSON object with name and email".to_owned())
                }
            })?)
        }
    };
    User::from_members(&members).map_err(wrong)
}

/// Returns a form's text, if it is UTF-8 before and after percent-decoding. `&`, `=` and `+` are ASCII:
/// when the whole is valid, so are its parts.
fn form_text(body: &[u8]) -> Option<&str> {
    let text = str::from_utf8(body).ok()?;
    str::from_utf8(&percent_decode(text)).is_ok().then_some(text)
}

fn message(message: &str, user: &[u8]) -> String {
    format!("{{\"message\":{},\"user\":{}}}", quote_json(message), String::from_utf8_lossy(user))
}

fn json(status: Status, text: impl Into<String>) -> Response {
    let body = Body::Bytes(text.into().into_bytes().into());
    Response::new(status).field("Content-Type", "application/json").body(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_tell_states_apart() {
        assert_eq!(etag(b""), "\"cbf29ce484222325\"");
        assert_eq!(etag(b"a"), "\"af63dc4c8601ec8c\"");
        assert_ne!(etag(b"a"), etag(b"b"));
    }
}
