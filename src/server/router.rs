//! Finds the handler of a request by its method and path.
//!
//! ```text
//! /users          a literal path
//! /users/{id}     a segment by name, never empty
//! /{path...}      the rest of the path, which may be empty; last only
//! /{...}          the same, without a name: the handler takes the path from the target
//! ```
//! When several patterns match, the more literal one is used. A path that exists under another method
//! gets a 405 with `Allow` (RFC 9110, 15.5.6), an unknown path a 404, a method that no route has and RFC
//! 9110 does not define a 501. HEAD is handled by the GET handler, and its body left out; OPTIONS gets
//! the list of methods. Contradicting routes are errors when the router is built.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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

/// Collects routes.
#[derive(Default)]
pub struct Router {
    routes: Vec<(Method, String, Arc<Endpoint>)>,
}

/// Routes, checked and sorted; what a server needs.
#[derive(Debug)]
pub struct Routes {
    /// The more literal pattern first.
    paths: Vec<Path>,
}

#[derive(Debug)]
struct Path {
    pattern: Pattern,
    methods: Vec<(Method, Arc<Endpoint>)>,
}

/// What [`Routes::find`] found.
#[derive(Debug)]
pub enum Found<'a> {
    /// A handler, and the parameters of its path.
    Handler(&'a Arc<Endpoint>, Params),
    /// OPTIONS without a handler of its own: the methods that exist.
    Options(String),
    /// The path exists, but not with this method: the methods that exist.
    NotAllowed(String),
    /// The path does not exist.
    NotFound,
    /// The method is unknown.
    NotImplemented,
}

/// Routes that contradict each other or are not valid; one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct RouteErrors(pub Vec<String>);

impl std::fmt::Display for RouteErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for RouteErrors {}

impl Router {
    /// Returns a router without routes.
    pub fn new() -> Router {
        Router::default()
    }

    /// Adds a route.
    pub fn route(mut self, method: Method, pattern: &str, handler: impl Handler) -> Router {
        let (usual, usual_read) = (UsualTime::unknown(), UsualTime::probably_short());
        let endpoint = Arc::new(Endpoint { usual, usual_read, handler });
        self.routes.push((method, pattern.to_owned(), endpoint));
        self
    }

    /// Adds a route for GET, and so for HEAD.
    pub fn get(self, pattern: &str, handler: impl Handler) -> Router {
        self.route(Method::Get, pattern, handler)
    }

    /// Adds a route for POST.
    pub fn post(self, pattern: &str, handler: impl Handler) -> Router {
        self.route(Method::Post, pattern, handler)
    }

    /// Adds a route for PUT.
    pub fn put(self, pattern: &str, handler: impl Handler) -> Router {
        self.route(Method::Put, pattern, handler)
    }

    /// Adds a route for DELETE.
    pub fn delete(self, pattern: &str, handler: impl Handler) -> Router {
        self.route(Method::Delete, pattern, handler)
    }

    /// Checks the routes and sorts them.
    ///
    /// # Errors
    /// Every pattern that is not valid, and every route that exists already.
    pub fn build(self) -> Result<Routes, RouteErrors> {
        let (mut paths, mut errors): (Vec<Path>, Vec<String>) = (Vec::new(), Vec::new());
        for (method, text, handler) in self.routes {
            let pattern = match Pattern::parse(&text) {
                Ok(pattern) => pattern,
                Err(reason) => {
                    errors.push(format!(
                        "{method} {text}: {reason}; right: /users/{{id}} or /{{path...}}"
                    ));
                    continue;
                }
            };
            match paths.iter_mut().find(|path| path.pattern.same_shape(&pattern)) {
                None => paths.push(Path { pattern, methods: vec![(method, handler)] }),
                Some(path) if path.pattern.text != pattern.text => {
                    errors.push(format!(
                        "{method} {text}: names the parts of {} otherwise",
                        path.pattern.text
                    ));
                }
                Some(path) if path.methods.iter().any(|(held, _)| *held == method) => {
                    errors.push(format!("{method} {text}: is there twice"));
                }
                Some(path) => path.methods.push((method, handler)),
            }
        }
        paths.sort_by(|a, b| a.pattern.rank().cmp(&b.pattern.rank()));
        if errors.is_empty() { Ok(Routes { paths }) } else { Err(RouteErrors(errors)) }
    }
}

impl Routes {
    /// Finds the handler of a request.
    pub fn find(&self, method: &Method, target: &Target) -> Found<'_> {
        if !self.implements(method) {
            return Found::NotImplemented;
        }
        if *target == Target::Asterisk {
            return Found::Options(allow(methods(self.paths.iter())));
        }
        // A path that is a pattern without names matches no more literal one.
        let path = target.path();
        let is_it = |held: &&Path| held.pattern.text == path && held.pattern.is_literal;
        let literal = self.paths.iter().find(is_it);
        if let Some(handler) = literal.and_then(|path| path.handler(method)) {
            return Found::Handler(handler, Params::default());
        }
        // It leads beyond the root, and names nothing (RFC 3986, 5.2.4).
        if path.starts_with("/../") {
            return Found::NotFound;
        }
        let parts = Segments::from_iter(segments(path));
        let fits = |path: &&Path| path.pattern.fits(&parts);
        for path in self.paths.iter().filter(fits) {
            if let Some(handler) = path.handler(method) {
                return Found::Handler(handler, path.pattern.params(&parts));
            }
        }
        let mut others = self.paths.iter().filter(fits).peekable();
        match (others.peek(), method) {
            (None, _) => Found::NotFound,
            (Some(_), Method::Options) => Found::Options(allow(methods(others))),
            (Some(_), _) => Found::NotAllowed(allow(methods(others))),
        }
    }

    /// Lets each handler release what it keeps without need.
    pub fn tidy(&self) {
        for (_, endpoint) in self.paths.iter().flat_map(|path| &path.methods) {
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
            Method::Connect | Method::Extension(_) => {
                self.paths.iter().any(|path| path.methods.iter().any(|(held, _)| held == method))
            }
            _ => true,
        }
    }
}

impl Path {
    fn handler(&self, method: &Method) -> Option<&Arc<Endpoint>> {
        let of = |wanted: &Method| {
            self.methods.iter().find(|(held, _)| held == wanted).map(|(_, handler)| handler)
        };
        of(method).or_else(|| if *method == Method::Head { of(&Method::Get) } else { None })
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

fn methods<'a>(paths: impl Iterator<Item = &'a Path>) -> impl Iterator<Item = &'a Method> {
    paths.flat_map(|path| &path.methods).map(|(method, _)| method)
}

/// The segments of a request's path, decoded.
type Segments<'p> = Vec<Cow<'p, [u8]>>;

#[derive(Debug)]
struct Pattern {
    text: String,
    segments: Vec<Segment>,
    /// The text has no names and nothing to decode: a path that equals it matches this pattern.
    is_literal: bool,
}

/// Sorted in the order in which they are tried.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Param(Arc<str>),
    Rest(Option<Arc<str>>),
}

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, &'static str> {
        let path = text.strip_prefix('/').ok_or("a pattern begins with /")?;
        let mut segments: Vec<Segment> = Vec::new();
        for part in path.split('/') {
            if matches!(segments.last(), Some(Segment::Rest(_))) {
                return Err("nothing may follow {name...}");
            }
            let segment = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                None if part.contains(['{', '}']) => {
                    return Err("a name in braces is a whole segment");
                }
                None => Segment::Literal(part.to_owned()),
                Some(name) => match name.strip_suffix("...") {
                    Some("") => Segment::Rest(None),
                    Some(name) => Segment::Rest(Some(name.into())),
                    None => Segment::Param(name.into()),
                },
            };
            match &segment {
                Segment::Param(name) | Segment::Rest(Some(name))
                    if name.is_empty() || name.contains(['{', '}', '.']) =>
                {
                    return Err("a name is one or more letters");
                }
                Segment::Param(_) | Segment::Rest(_) if segments.contains(&segment) => {
                    return Err("a name stands there twice");
                }
                _ => segments.push(segment),
            }
        }
        let is_literal = |segment| matches!(segment, &Segment::Literal(_));
        let is_literal = !text.contains('%') && segments.iter().all(is_literal);
        Ok(Pattern { text: text.to_owned(), segments, is_literal })
    }

    /// Returns true if both match the same paths; their names may differ.
    fn same_shape(&self, other: &Pattern) -> bool {
        let same = |(a, b): (&Segment, &Segment)| match (a, b) {
            (Segment::Literal(a), Segment::Literal(b)) => a == b,
            (Segment::Param(_), Segment::Param(_)) | (Segment::Rest(_), Segment::Rest(_)) => true,
            _ => false,
        };
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(same)
    }

    /// Returns the sort key: literal before named before the rest, segment by segment.
    fn rank(&self) -> Vec<&Segment> {
        self.segments.iter().collect()
    }

    fn fits(&self, parts: &Segments<'_>) -> bool {
        let long_enough = match self.segments.last() {
            Some(Segment::Rest(_)) => parts.len() >= self.segments.len(),
            _ => parts.len() == self.segments.len(),
        };
        let fits = |(segment, part): (&Segment, &Cow<'_, [u8]>)| match segment {
            Segment::Literal(literal) => literal.as_bytes() == part.as_ref(),
            Segment::Param(_) => !part.is_empty() && str::from_utf8(part).is_ok(),
            Segment::Rest(_) => true,
        };
        long_enough && self.segments.iter().zip(parts).all(fits)
    }

    /// Returns the values of the named segments, decoded. Those of `{name...}` are joined by `/`.
    fn params(&self, parts: &Segments<'_>) -> Params {
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let named = self.segments.iter().enumerate().filter_map(|(at, segment)| match segment {
            Segment::Literal(_) | Segment::Rest(None) => None,
            Segment::Param(name) => Some((Arc::clone(name), text(&parts[at]))),
            Segment::Rest(Some(name)) => Some((Arc::clone(name), text(&parts[at..].join(&b'/')))),
        });
        Params(named.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Request, Response};

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

    fn find(method: &str, path: &str) -> String {
        let routes = routes();
        let method = Method::parse(method.as_bytes()).unwrap();
        let target = Target::parse(&method, path.as_bytes()).unwrap();
        match routes.find(&method, &target) {
            Found::Handler(_, params) => {
                params.0.iter().map(|(name, value)| format!("{name}={value} ")).collect::<String>()
                    + "handled"
            }
            Found::Options(allow) => format!("options {allow}"),
            Found::NotAllowed(allow) => format!("405 {allow}"),
            Found::NotFound => "404".to_owned(),
            Found::NotImplemented => "501".to_owned(),
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
            let (method, path) = request.split_once(' ').unwrap();
            assert_eq!(find(method, path), want, "{request}");
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

    #[test]
    fn nothing_is_there_without_a_route() {
        let routes = Router::new().get("/a", nothing).build().unwrap();
        let target = Target::parse(&Method::Get, b"/b").unwrap();
        assert!(matches!(routes.find(&Method::Get, &target), Found::NotFound));
        assert!(matches!(routes.find(&Method::Options, &target), Found::NotFound));
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
