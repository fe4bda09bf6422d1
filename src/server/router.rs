//! Finds the handler of a request by its method and path.
//!
//! ```text
//! /users          a literal path
//! /users/{id}     a segment by name, never empty
//! /users/{id:u64} a segment that is a number from 0 to 2^64 - 1, in decimal digits
//! /{path...}      the rest of the path, which may be empty; last only
//! /{...}          the same, without a name: the handler takes the path from the target
//! ```
//! When several patterns match, the first difference decides: literal, number, name, rest. A path that
//! exists under another method gets a 405 with `Allow` (RFC 9110, 15.5.6), an unknown path the fallback or
//! a 404, a method that no route has and RFC 9110 does not define a 501. HEAD is handled by the GET
//! handler, and its body left out; OPTIONS gets the list of methods. Contradicting routes are errors when
//! the router is built ([`build`]).

pub mod build;
mod compose;
mod pattern;
mod redirects;
pub mod with_state;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use self::pattern::{Pattern, Segments};
use super::handler::Handler;
use super::request::Params;
use crate::net::usual_time::UsualTime;
use crate::proto::http::method::Method;
use crate::proto::http::target::{Target, segments};

/// A route's handler, and how long it usually takes.
#[derive(Debug)]
pub struct Endpoint<H: ?Sized = dyn Handler> {
    /// The time from a complete request to its response.
    pub(super) usual: UsualTime,
    /// The time of one read of a body that is produced while it is sent.
    pub(super) usual_read: UsualTime,
    /// Makes the responses.
    pub(super) handler: H,
}

/// Routes, checked and sorted: what [`Router::build`](super::Router::build) returns and a
/// [`Server`](super::Server) serves.
#[derive(Debug)]
pub struct Routes {
    /// The more literal pattern first.
    paths: Vec<Path>,
    /// The longer prefix first.
    fallbacks: Vec<Fallback>,
}

/// What a server takes: the [`Routes`] that [`Router::build`](build::Router::build) has checked.
///
/// ```compile_fail
/// use threadbare::server::{Router, Server};
///
/// Server::bind("127.0.0.1:0", Router::new()); // did you forget `.build()?`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be served",
    label = "these routes have not been checked",
    note = "did you forget `.build()?`"
)]
pub trait IntoRoutes {
    /// Returns the routes.
    fn into_routes(self) -> Routes;
}

impl IntoRoutes for Routes {
    fn into_routes(self) -> Routes {
        self
    }
}

#[derive(Debug)]
struct Path {
    pattern: Pattern,
    methods: Vec<(Method, Arc<Endpoint>)>,
    /// These are for paths that no more literal pattern has, of any method.
    unclaimed: Vec<(Method, Arc<Endpoint>)>,
    /// Handles the other methods.
    any: Option<Arc<Endpoint>>,
}

/// Handles the paths below a prefix that no route matches.
#[derive(Debug)]
struct Fallback {
    prefix: Pattern,
    endpoint: Arc<Endpoint>,
}

/// Why a request has no handler.
#[derive(Debug)]
pub(crate) enum NoHandler {
    /// OPTIONS without a handler of its own: the methods that exist.
    Options(String),
    /// The path exists, but not with this method: the methods that exist.
    NotAllowed(String),
    /// The path does not exist.
    NoPath,
    /// The method is unknown.
    NotImplemented,
}

/// Why routes cannot be served: they contradict each other, or are not valid.
///
/// It is a mistake in the program, or a folder that does not exist. Its text has one line for each.
#[derive(Debug, PartialEq, Eq)]
pub struct RouteErrors(
    /// The route, and what is wrong with it.
    pub Vec<String>,
);

impl std::fmt::Display for RouteErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for RouteErrors {}

impl Routes {
    /// Finds the handler of a request, and the parameters of its path.
    pub(crate) fn find(
        &self,
        method: &Method,
        target: &Target,
    ) -> Result<(&Arc<Endpoint>, Params), NoHandler> {
        if !self.implements(method) {
            return Err(NoHandler::NotImplemented);
        }
        if *target == Target::Asterisk {
            let all = |path| methods(std::iter::once(path));
            return Err(NoHandler::Options(allow(self.paths.iter().flat_map(all))));
        }
        // A path that is a pattern without names matches no more literal one.
        let path = target.path();
        let is_it = |held: &&Path| held.pattern.text == path && held.pattern.is_literal;
        let literal = self.paths.iter().find(is_it);
        if let Some(handler) = literal.and_then(|path| path.handler(method)) {
            return Ok((handler, Params::default()));
        }
        // It leads beyond the root, and names nothing (RFC 3986, 5.2.4).
        if path.starts_with("/../") {
            return self.fallback(&[]);
        }
        let parts = Segments::from_iter(segments(path));
        let fits = |path: &&Path| path.pattern.fits(&parts);
        for path in self.paths.iter().filter(fits) {
            if let Some(handler) = path.handler(method) {
                return Ok((handler, path.pattern.params(&parts)));
            }
        }
        self.find_unclaimed(method, &parts)
    }

    /// Finds the handler of a method that no path has to which this one fits.
    #[inline(never)]
    fn find_unclaimed(
        &self,
        method: &Method,
        parts: &[Cow<'_, [u8]>],
    ) -> Result<(&Arc<Endpoint>, Params), NoHandler> {
        let mut fitting = self.paths.iter().filter(|path| path.pattern.fits(parts)).peekable();
        let Some(first) = fitting.peek() else { return self.fallback(parts) };
        if let Some((_, handler)) = first.unclaimed.iter().find(|(held, _)| held == method) {
            return Ok((handler, first.pattern.params(parts)));
        }
        let methods = allow(methods(fitting));
        Err(match method {
            Method::Options => NoHandler::Options(methods),
            _ => NoHandler::NotAllowed(methods),
        })
    }

    /// Finds the fallback for a path that no route matches.
    fn fallback(&self, parts: &[Cow<'_, [u8]>]) -> Result<(&Arc<Endpoint>, Params), NoHandler> {
        let found = self.fallbacks.iter().find(|fallback| fallback.prefix.begins(parts));
        found.map(|fallback| (&fallback.endpoint, Params::default())).ok_or(NoHandler::NoPath)
    }

    /// Returns the method and the pattern of the endpoint whose work has this number.
    pub(crate) fn name_of(&self, number: u32) -> Option<String> {
        let is_it = |endpoint: &Arc<Endpoint>| endpoint.usual.number() == number;
        let of_path = |path: &Path| {
            let text = &path.pattern.text;
            let mut methods = path.methods.iter().chain(&path.unclaimed);
            let method = methods.find(|(_, endpoint)| is_it(endpoint)).map(|(method, _)| method);
            let any = || path.any.as_ref().filter(|any| is_it(any)).map(|_| text.clone());
            method.map(|method| format!("{method} {text}")).or_else(any)
        };
        let mut fallbacks = self.fallbacks.iter();
        let fallback = || fallbacks.find(|it| is_it(&it.endpoint)).map(|it| it.prefix.text.clone());
        self.paths.iter().find_map(of_path).or_else(fallback)
    }

    /// Lets each handler release what it keeps without need.
    pub(crate) fn tidy(&self) {
        let routed = self.paths.iter().flat_map(|path| {
            let methods = path.methods.iter().chain(&path.unclaimed);
            methods.map(|(_, endpoint)| endpoint).chain(&path.any)
        });
        for endpoint in routed.chain(self.fallbacks.iter().map(|fallback| &fallback.endpoint)) {
            // A panic is in the log, and costs nobody else anything.
            let _ = catch_unwind(AssertUnwindSafe(|| endpoint.handler.tidy()));
        }
    }

    /// Returns the value of `Allow` for a 405 made by a handler: the methods besides the rejected one.
    pub(super) fn besides(&self, method: &Method, target: &Target) -> String {
        let refused = if *method == Method::Head { &Method::Get } else { method };
        let parts = Segments::from_iter(segments(target.path()));
        let fitting = self.paths.iter().filter(|path| path.pattern.fits(&parts));
        allow(methods(fitting).filter(|method| *method != refused))
    }

    /// Returns true for a method of RFC 9110 other than CONNECT (this is not a proxy), or of a route.
    fn implements(&self, method: &Method) -> bool {
        match method {
            Method::Connect | Method::Extension(_) => self.paths.iter().any(|path| {
                path.any.is_some() || path.methods.iter().any(|(held, _)| held == method)
            }),
            _ => true,
        }
    }
}

impl Path {
    fn handler(&self, method: &Method) -> Option<&Arc<Endpoint>> {
        let of = |wanted: &Method| {
            self.methods.iter().find(|(held, _)| held == wanted).map(|(_, handler)| handler)
        };
        let get = || if *method == Method::Head { of(&Method::Get) } else { None };
        of(method).or_else(get).or(self.any.as_ref())
    }
}

/// Returns the value of an `Allow` field.
fn allow<'a>(methods: impl Iterator<Item = &'a Method>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for method in methods {
        let derived = if *method == Method::Get { Some("HEAD") } else { None };
        for name in [method.as_str()].into_iter().chain(derived) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    if !names.contains(&"OPTIONS") {
        names.push("OPTIONS");
    }
    names.join(", ")
}

/// Returns the methods of the paths that fit, the most literal one first.
fn methods<'a>(mut paths: impl Iterator<Item = &'a Path>) -> impl Iterator<Item = &'a Method> {
    let first = paths.next();
    let unclaimed = first.into_iter().flat_map(|path| &path.unclaimed);
    let all = first.into_iter().chain(paths).flat_map(|path| &path.methods);
    all.chain(unclaimed).map(|(method, _)| method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Request, Response, Router};

    fn nothing(_: &mut Request) -> Response {
        Response::text("")
    }

    fn routes() -> Routes {
        let brew = Method::Extension("BREW".into());
        Router::new()
            .get("/{path...}", nothing)
            .get("/users", nothing)
            .post("/users", nothing)
            .get("/users/{id}", nothing)
            .put("/users/{id}", nothing)
            .delete("/users/{id}", nothing)
            .get("/users/me", nothing)
            .post("/users/{id}/posts/{post}", nothing)
            .route(brew, "/pot", nothing)
            .get("/pub/{...}", nothing)
            .get("/z%2Fb", nothing)
            .build()
            .unwrap()
    }

    fn found(routes: &Routes, request: &str) -> String {
        let (method, path) = request.split_once(' ').unwrap();
        let method = Method::parse(method.as_bytes()).unwrap();
        let target = Target::parse(&method, path.as_bytes()).unwrap();
        match routes.find(&method, &target) {
            Ok((_, params)) => {
                params
                    .named
                    .iter()
                    .map(|(name, value)| format!("{name}={value} "))
                    .collect::<String>()
                    + "handled"
            }
            Err(NoHandler::Options(allow)) => format!("options {allow}"),
            Err(NoHandler::NotAllowed(allow)) => format!("405 {allow}"),
            Err(NoHandler::NoPath) => "404".to_owned(),
            Err(NoHandler::NotImplemented) => "501".to_owned(),
        }
    }

    #[test]
    fn each_request_finds_its_handler() {
        for (request, want) in [
            ("GET /users", "handled"),
            ("HEAD /users", "handled"),
            ("GET /users/7", "id=7 handled"),
            ("GET /users/a%2Fb%20c", "id=a/b c handled"),
            ("GET /users/me", "handled"),
            ("GET /users/m%65", "handled"),
            ("GET /users/{id}", "id={id} handled"),
            ("GET /z%2Fb", "path=z/b handled"),
            ("GET /z%252Fb", "handled"),
            ("DELETE /users/me", "id=me handled"),
            ("GET /users/", "path=users/ handled"),
            ("GET /users/%ff", "path=users/\u{fffd} handled"),
            ("GET /", "path= handled"),
            ("GET /a/b?c", "path=a/b handled"),
            ("GET /pub/a/b", "handled"),
            ("GET /pub", "path=pub handled"),
            ("POST /users/7/posts/8", "id=7 post=8 handled"),
            ("PATCH /users", "405 GET, HEAD, POST, OPTIONS"),
            ("DELETE /a", "405 GET, HEAD, OPTIONS"),
            ("PATCH /users/7", "405 GET, HEAD, PUT, DELETE, OPTIONS"),
            ("TRACE /users", "405 GET, HEAD, POST, OPTIONS"),
            ("OPTIONS /users", "options GET, HEAD, POST, OPTIONS"),
            ("OPTIONS *", "options BREW, GET, HEAD, POST, PUT, DELETE, OPTIONS"),
            ("BREW /pot", "handled"),
            ("BREW /users", "405 GET, HEAD, POST, OPTIONS"),
            ("MAKE /users", "501"),
            ("CONNECT a:80", "501"),
        ] {
            assert_eq!(found(&routes(), request), want, "{request}");
        }
    }

    #[test]
    fn what_there_is_besides_what_a_handler_refuses() {
        for (request, want) in [
            ("GET /users", "POST, OPTIONS"),
            ("HEAD /users", "POST, OPTIONS"),
            ("DELETE /users/7", "GET, HEAD, PUT, OPTIONS"),
            ("GET /a", "OPTIONS"),
        ] {
            let (method, path) = request.split_once(' ').unwrap();
            let method = Method::parse(method.as_bytes()).unwrap();
            let target = Target::parse(&method, path.as_bytes()).unwrap();
            let besides = routes().besides(&method, &target);
            assert_eq!(besides, want, "{request}");
        }
    }

    /// As those of uploads: what is a route for one method is nothing else for another one.
    #[test]
    fn a_route_for_unclaimed_paths_leaves_the_others_alone() {
        let routes = Router::new().get("/{...}", nothing).get("/users/{id}", nothing);
        let routes = routes.unclaimed(Method::Put, "/{...}", nothing).build().unwrap();
        for (request, want) in [
            ("PUT /a", "handled"),
            ("PUT /users", "handled"),
            ("PUT /users/", "handled"),
            ("PUT /users/7", "405 GET, HEAD, OPTIONS"),
            ("PUT /%75sers/7", "405 GET, HEAD, OPTIONS"),
            ("DELETE /a", "405 GET, HEAD, PUT, OPTIONS"),
            ("OPTIONS /a", "options GET, HEAD, PUT, OPTIONS"),
            ("OPTIONS /users/7", "options GET, HEAD, OPTIONS"),
            ("OPTIONS *", "options GET, HEAD, PUT, OPTIONS"),
        ] {
            assert_eq!(found(&routes, request), want, "{request}");
        }
    }

    #[test]
    fn nothing_is_there_without_a_route() {
        let routes = Router::new().get("/a", nothing).build().unwrap();
        let target = Target::parse(&Method::Get, b"/b").unwrap();
        assert!(matches!(routes.find(&Method::Get, &target), Err(NoHandler::NoPath)));
        assert!(matches!(routes.find(&Method::Options, &target), Err(NoHandler::NoPath)));
    }

    #[test]
    fn contradictions_are_found_when_it_is_built() {
        let errors = Router::new()
            .get("/a/{x}", nothing)
            .get("/a/{x}", nothing)
            .post("/a/{y}", nothing)
            .get("b", nothing)
            .get("/{x...}/b", nothing)
            .get("/{}", nothing)
            .get("/{...}/b", nothing)
            .get("/a{x}", nothing)
            .get("/{x}/{x}", nothing)
            .build()
            .unwrap_err();
        let starts = [
            "GET /a/{x}: is there twice",
            "POST /a/{y}: names the parts of /a/{x} otherwise",
            "GET b: a pattern begins with /",
            "GET /{x...}/b: nothing may follow",
            "GET /{}: a name is one or more letters",
            "GET /{...}/b: nothing may follow",
            "GET /a{x}: a name in braces",
            "GET /{x}/{x}: a name stands there twice",
        ];
        assert_eq!(errors.0.len(), starts.len(), "{errors}");
        for (error, start) in errors.0.iter().zip(starts) {
            assert!(error.starts_with(start), "{error}");
        }
    }
}
