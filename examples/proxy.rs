//! The lab of most textbooks: a forward proxy with a cache. Run `cargo run --example proxy [ADDRESS]`, then twice
//! `curl -i -x localhost:8080 http://example.org/`: `Cache-Status` (RFC 9211) says where the response comes from.
//!
//! A client sends the whole URL to a proxy (RFC 9112, 3.2.2): `GET http://example.org/ HTTP/1.1`. The proxy sends the
//! request to that host, and the response back, without the fields that are for one connection only. It keeps small
//! responses, and asks the origin each time whether they are still valid: a 304 (Not Modified) has no body.
//!
//! Left out: CONNECT, and so https; methods other than GET and HEAD; responses that are fresh for a time (`max-age`).
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use threadbare::client::{Client, Config, Redirects};
use threadbare::server::{Body, ErrorResponse, HandlerError, Headers, Method, Request, Response};
use threadbare::server::{Router, Server, Status, Target};

const ENTRIES: usize = 100; // the most responses in the cache
const BYTES: usize = 1 << 20; // the longest body in the cache
/// For one connection only, besides what `Connection` names (RFC 9110, 7.6.1); or set by client and server anyway.
const NOT_FORWARDED: &str = "connection keep-alive proxy-authenticate proxy-authorization \
    proxy-connection te trailer transfer-encoding upgrade content-length host";
/// Conditions and ranges of the client itself, and what is for one user: such a request goes past the cache.
const SPECIAL: &str = "authorization cache-control cookie range if-range if-match if-none-match \
    if-modified-since if-unmodified-since";

type Stored = Arc<(Headers, Vec<u8>)>;
struct Proxy {
    client: Client,
    cache: Mutex<HashMap<String, Stored>>,
}

fn forward(proxy: &Proxy, request: &mut Request) -> Result<Response, HandlerError> {
    let (method, fields) = (&request.head.method, end_to_end(&request.head.headers));
    let url = url(method, &request.head.target)?;
    let uses_cache = *method == Method::Get && !SPECIAL.split(' ').any(|name| fields.has(name));
    let cache = || proxy.cache.lock().expect("no panic while it is locked");
    let stored = cache().get(&url).filter(|_| uses_cache).cloned();

    let call = proxy.client.request(method.as_str(), &url).header("Via", "1.1 proxy");
    let call = call.without_default("User-Agent").without_default("Accept");
    let mut call = fields.iter().fold(call, |call, (name, value)| call.header(name, value));
    let conditions = [("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")];
    for (condition, validator) in conditions {
        let value = stored.as_ref().and_then(|stored| stored.0.first(validator));
        call = value.into_iter().fold(call, |call, value| call.header(condition, value));
    }
    let origin = call.send().map_err(bad_gateway)?;
    let (status, length) = (origin.status(), origin.content_length());
    let mut headers = end_to_end(&origin.head().headers);
    if let (Status::NOT_MODIFIED, Some(stored)) = (status, stored) {
        let fresh = std::mem::replace(&mut headers, stored.0.clone());
        headers.set_all(&fresh); // RFC 9111, 3.2
        return Ok(respond(Status::OK, headers, Body::Bytes(stored.1.clone().into()), "hit"));
    }
    if !uses_cache || status != Status::OK || !may_store(&headers, length) {
        // It is read from the origin while it is sent: a large one needs no memory.
        return Ok(respond(status, headers, Body::Read(Box::new(origin), length), "fwd=miss"));
    }
    let body = origin.bytes(BYTES).map_err(bad_gateway)?;
    let mut cache = cache();
    if cache.len() >= ENTRIES {
        cache.clear(); // the simplest policy of all
    }
    cache.insert(url, Arc::new((headers.clone(), body.clone())));
    Ok(respond(status, headers, Body::Bytes(body.into()), "fwd=miss; stored"))
}

/// Returns the URL of a request that can be forwarded.
fn url(method: &Method, target: &Target) -> Result<String, ErrorResponse> {
    let what = match (method, target) {
        (Method::Get | Method::Head, Target::Absolute(..)) => return Ok(target.to_string()),
        (Method::Get | Method::Head, _) => "the target is a path, and this proxy needs a whole URL",
        (Method::Connect, _) => "CONNECT asks for a tunnel, as https needs it; this proxy has none",
        _ => "this proxy forwards GET and HEAD only",
    };
    let (status, section) = (Status::NOT_IMPLEMENTED, "RFC 9110, 15.6.2");
    Err(ErrorResponse::new(status, section, what, "GET http://example.org/ HTTP/1.1"))
}

fn end_to_end(headers: &Headers) -> Headers {
    let is_one = |name: &str| NOT_FORWARDED.split(' ').any(|one| one.eq_ignore_ascii_case(name));
    let mut kept = headers.clone();
    kept.retain(|name| !is_one(name) && !headers.list_has("Connection", name));
    kept
}

/// Returns true if a shared cache may keep a response (RFC 9111, 3), and can ask whether it is still valid.
fn may_store(headers: &Headers, length: Option<u64>) -> bool {
    let is = |directive: &&str| headers.list_has("Cache-Control", directive);
    let has = |name: &&str| headers.has(name);
    length.is_some_and(|length| length <= BYTES as u64)
        && ["ETag", "Last-Modified"].iter().any(has)
        && !["Vary", "Set-Cookie"].iter().any(has)
        && !["no-store", "private"].iter().any(is)
}

fn respond(status: Status, headers: Headers, body: Body, cache: &str) -> Response {
    let mut response = Response::new(status).body(body);
    response.headers = headers;
    response.add_field("Via", "1.1 proxy").add_field("Cache-Status", format!("proxy; {cache}"))
}

fn bad_gateway(error: threadbare::client::Error) -> ErrorResponse {
    let what = format!("no response from the origin: {error}");
    ErrorResponse::new(Status::BAD_GATEWAY, "RFC 9110, 15.6.3", what, "a server that runs")
}

fn main() -> Result<(), Box<dyn Error>> {
    let config = Config { redirects: Redirects::Return, ..Config::default() };
    let proxy = Proxy { client: Client::with_config(config), cache: Mutex::default() };
    let routes = Router::new().with(proxy).any("/{...}", forward).build()?;
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".to_owned());
    let running = Server::bind(&address, routes)?.start()?;
    println!("listening on {}", running.url());
    running.wait()?;
    Ok(())
}
