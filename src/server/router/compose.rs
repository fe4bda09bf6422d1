//! Routers of routers, and what is around the handlers of one: [`Router::nest`], [`Router::merge`], [`Router::wrap`],
//! [`Router::check`].

use std::sync::Arc;

use super::Endpoint;
use super::build::{Absent, Route, Router, endpoint};
use crate::proto::http::head::RequestHead;
use crate::server::handler::Handler;
use crate::server::into_response::IntoResponse;
use crate::server::middleware::{Around, Check, Next, Wrapped};
use crate::server::request::Request;
use crate::server::respond::error_response::ErrorResponse;
use crate::server::response::Response;

impl Router {
    /// Adds the routes of another router below `prefix`: its `/` at the prefix itself, its `/users` at
    /// `prefix/users`. Its fallback is for paths below the prefix, and what [wraps](Router::wrap) it wraps its
    /// own routes only.
    ///
    /// ```
    /// use threadbare::server::Router;
    ///
    /// let api = Router::new().get("/users", |_| "ada\n").fallback(|_| (404, "not in the API\n"));
    /// let routes = Router::new().nest("/api", api).files("/", "www").build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    pub fn nest(mut self, prefix: &str, inner: impl Into<Router>) -> Router {
        let inner = inner.into().finished();
        self.errors.extend(inner.errors);
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if !prefix.starts_with('/') {
            self.errors.push(format!("nest {prefix}: a prefix begins with /; right: /api"));
            return self;
        }
        self.routes.extend(inner.routes.into_iter().map(|route| {
            let pattern = if route.pattern == "/" { "" } else { &route.pattern };
            Route { pattern: format!("{prefix}{pattern}"), ..route }
        }));
        let fallbacks = inner.fallbacks.into_iter();
        self.fallbacks
            .extend(fallbacks.map(|(below, handler)| (format!("{prefix}{below}"), handler)));
        self
    }

    /// Wraps every route of this router, and its fallback, in a function: it gets the request before the
    /// handler, calls [`Next::run`] or not, and may change the response. Of several,
    /// the first is the outermost; routes that are added later are wrapped, too. It runs when the body has
    /// arrived, unless the route [streams](Router::streaming). Responses that the server makes without a handler
    /// are not wrapped: 404 without a fallback, 405, 413, 415, 403 for a page of another site, and the list of
    /// methods for OPTIONS.
    ///
    /// A log line, authentication, and a limit on the rate:
    /// ```
    /// use std::sync::Mutex;
    /// use std::time::{Duration, Instant};
    /// use threadbare::server::Router;
    ///
    /// let last = Mutex::new(None::<Instant>);
    /// let routes = Router::new()
    ///     .get("/", |_| "hello\n")
    ///     .wrap(|request, next| {
    ///         let begun = Instant::now();
    ///         let line = format!("{} {}", request.head.method, request.head.target);
    ///         let response = next.run(request);
    ///         println!("{line} {} {:?}", response.status.code(), begun.elapsed());
    ///         response
    ///     })
    ///     .wrap(|request, next| match request.header("Authorization") {
    ///         Some("Bearer 1234") => Ok(next.run(request)),
    ///         _ => Err((401, "a token is missing\n")),
    ///     })
    ///     .wrap(move |request, next| {
    ///         let now = Instant::now();
    ///         let before = last.lock().expect("no panic holds it").replace(now);
    ///         match before.is_some_and(|before| now - before < Duration::from_millis(10)) {
    ///             true => Err((429, "at most 100 requests a second\n")),
    ///             false => Ok(next.run(request)),
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    pub fn wrap<R: IntoResponse>(
        mut self,
        around: impl Fn(&mut Request, Next<'_>) -> R + Send + Sync + 'static,
    ) -> Router {
        self.around.push(Arc::new(around));
        self
    }

    /// Checks the head of each request before its body arrives, and before its handler is called; also those of routes
    /// that are added later. Of several checks the first comes first. A check may wait a moment, so no handler of the
    /// router is [immediate](crate::server::Immediate). Responses that the server makes without a handler are not
    /// checked: 404 without a fallback, 405, and the list of methods for OPTIONS, which a browser asks for without
    /// credentials.
    ///
    /// What is open to everyone is in a router of its own:
    /// ```
    /// use threadbare::server::{ErrorResponse, Router, Status};
    ///
    /// let private = Router::new().get("/", |_| "hello\n").check(|head| match head.headers.text("X-Key") {
    ///     Some("1234") => Ok(()),
    ///     _ => Err(ErrorResponse::of_status(Status::FORBIDDEN, "the key is missing or wrong")),
    /// });
    /// let routes = Router::new().get("/health", |_| "ok\n").merge(private).build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    pub fn check(
        mut self,
        check: impl Fn(&RequestHead) -> Result<(), ErrorResponse> + Send + Sync + 'static,
    ) -> Router {
        self.checks.push(Arc::new(check));
        self
    }

    /// Adds the routes of another router, as [`Router::nest`] does without a prefix: what [wraps](Router::wrap) or
    /// [checks](Router::check) it is for its own routes only.
    pub fn merge(mut self, inner: impl Into<Router>) -> Router {
        let inner = inner.into().finished();
        self.errors.extend(inner.errors);
        self.routes.extend(inner.routes);
        self.fallbacks.extend(inner.fallbacks);
        self
    }

    /// Returns the router with all that belongs to its own routes applied to them.
    pub(super) fn finished(self) -> Router {
        self.with_fallback_of_files().with_layers_applied()
    }

    /// Returns the router with its fallback behind each of its folders.
    fn with_fallback_of_files(mut self) -> Router {
        if let Some((_, fallback)) = self.fallbacks.iter().find(|(below, _)| below.is_empty()) {
            let files = self.routes.iter_mut().filter(|route| route.absent == Absent::FallBack);
            for route in files {
                let (first, fallback) = (Arc::clone(&route.endpoint), Arc::clone(fallback));
                route.endpoint = endpoint(OrFallback { first, fallback });
                route.absent = Absent::Respond;
            }
        }
        self
    }

    /// Returns the router with the checks of [`Router::check`] and the functions of [`Router::wrap`] put around each
    /// handler.
    fn with_layers_applied(mut self) -> Router {
        let checks: Arc<[Arc<dyn Check>]> = std::mem::take(&mut self.checks).into();
        let around: Arc<[Arc<dyn Around>]> = std::mem::take(&mut self.around).into();
        if checks.is_empty() && around.is_empty() {
            return self;
        }
        let routed = self.routes.iter_mut().map(|route| &mut route.endpoint);
        for held in routed.chain(self.fallbacks.iter_mut().map(|(_, endpoint)| endpoint)) {
            let (checks, around) = (Arc::clone(&checks), Arc::clone(&around));
            *held = endpoint(Wrapped { checks, around, inner: Arc::clone(held) });
        }
        self
    }
}

/// A handler, and the fallback for what it does not find.
struct OrFallback {
    first: Arc<Endpoint>,
    fallback: Arc<Endpoint>,
}

impl Handler for OrFallback {
    fn params(&self) -> &'static [&'static str] {
        self.first.handler.params()
    }

    fn tidy(&self) {
        self.first.handler.tidy();
    }

    fn handle(&self, request: &mut Request) -> Response {
        let response = self.first.handler.handle(request);
        match response.is_built_in_not_found() {
            true => self.fallback.handler.handle(request),
            false => response,
        }
    }
}
