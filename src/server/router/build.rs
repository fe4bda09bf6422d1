//! Collects routes, and checks them: the [`Router`].

use std::path::Path as FsPath;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::checked::Check;
use super::pattern::Pattern;
use super::with_state::RouterWithState;
use super::{Endpoint, Fallback, Path, RouteErrors, Routes};
use crate::net::usual_time::UsualTime;
use crate::net::worker_record::{SENDING, UNNAMED};
use crate::proto::http::method::Method;
use crate::server::files::Files;
use crate::server::files::listing::Listing;
use crate::server::handler::{Handler, Streaming};
use crate::server::into_response::IntoResponse;
use crate::server::middleware::{Around, Next, Wrapped};
use crate::server::request::Request;
use crate::server::response::Response;

/// Collects routes: which handler gets the requests of which method and path.
///
/// ```
/// use threadbare::server::Router;
///
/// let routes = Router::new()
///     .get("/", |_| "hello\n")
///     .get("/users/{id:u64}", |request| format!("user {}\n", request.param("id")))
///     .fallback(|_| (404, "no such page\n"))
///     .build()?;
/// # Ok::<(), threadbare::server::RouteErrors>(())
/// ```
///
/// A pattern is a path. A segment in braces has a name, which [`Request::param`] returns:
///
/// | pattern | matches |
/// |---|---|
/// | `/users` | this path only; `/users/` is another one |
/// | `/users/{id}` | one segment, not empty |
/// | `/users/{id:u64}` | one segment that is a number from 0 to 2^64 - 1, in decimal digits |
/// | `/files/{path...}` | the rest, of any number of segments, also none: `/files/`, but not `/files` |
/// | `/files/{...}` | the same, without a name |
///
/// The order of the routes does not matter. When several patterns match a path, their first different
/// segment decides: a literal one wins over a number, a number over a name, a name over the rest. So
/// `/{n:u64}` and [files](Router::files) at `/` live side by side. A route for the method wins over a more
/// literal one for another method; a [fallback](Router::fallback) is used when no pattern matches.
#[derive(Default)]
pub struct Router {
    routes: Vec<Route>,
    /// The prefix, and the handler.
    fallbacks: Vec<(String, Arc<Endpoint>)>,
    /// The first is the outermost.
    around: Vec<Arc<dyn Around>>,
    /// The first comes first, and all of them come before what is around.
    pub(super) checks: Vec<Arc<dyn Check>>,
    errors: Vec<String>,
}

struct Route {
    /// `None` for all methods that have no route of their own.
    method: Option<Method>,
    pattern: String,
    endpoint: Arc<Endpoint>,
    /// What becomes of a request for which the handler finds nothing.
    absent: Absent,
    scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// The handler's own response.
    Respond,
    /// The fallback, if there is one.
    FallBack,
}

/// The paths that a route is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Those of its pattern that have no more literal route for the method.
    Pattern,
    /// Those of its pattern that have no more literal route for any method.
    Unclaimed,
}

impl Route {
    fn new(method: Option<Method>, pattern: String, endpoint: Arc<Endpoint>) -> Route {
        Route { method, pattern, endpoint, absent: Absent::Respond, scope: Scope::Pattern }
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

pub(super) fn endpoint(handler: impl Handler) -> Arc<Endpoint> {
    static NUMBERED: AtomicU32 = AtomicU32::new(UNNAMED);
    let number = NUMBERED.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    let usual = UsualTime::unknown().numbered(number);
    let usual_read = UsualTime::probably_short().numbered(SENDING);
    Arc::new(Endpoint { usual, usual_read, handler })
}

impl Router {
    /// Returns a router without routes.
    pub fn new() -> Router {
        Router::default()
    }

    /// Adds a route for GET, and so for HEAD: the server leaves the body out.
    pub fn get<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Get, pattern, handler)
    }

    /// Adds a route for HEAD, which wins over that for GET.
    pub fn head<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Head, pattern, handler)
    }

    /// Adds a route for POST.
    pub fn post<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Post, pattern, handler)
    }

    /// Adds a route for PUT.
    pub fn put<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Put, pattern, handler)
    }

    /// Adds a route for PATCH.
    pub fn patch<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Patch, pattern, handler)
    }

    /// Adds a route for DELETE.
    pub fn delete<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Delete, pattern, handler)
    }

    /// Adds a route for OPTIONS, instead of the list of methods that the server sends.
    pub fn options<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(Method::Options, pattern, handler)
    }

    /// Adds a route for every method that has no route of its own with this pattern.
    pub fn any<R: IntoResponse>(
        mut self,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        let (pattern, endpoint) = (pattern.to_owned(), endpoint(handler));
        self.routes.push(Route::new(None, pattern, endpoint));
        self
    }

    /// Adds a route with a [`Handler`], such as [`Streaming`], or with a method of
    /// your own. A closure needs the type of its argument here.
    ///
    /// ```
    /// use threadbare::server::{Method, Request, Router};
    ///
    /// let purge = Method::parse(b"PURGE").expect("it is a token");
    /// let routes = Router::new().route(purge, "/cache", |_: &mut Request| "purged\n").build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    pub fn route(mut self, method: Method, pattern: &str, handler: impl Handler) -> Router {
        let (pattern, endpoint) = (pattern.to_owned(), endpoint(handler));
        self.routes.push(Route::new(Some(method), pattern, endpoint));
        self
    }

    /// Adds a route as [`Router::route`] does, for paths that no more literal pattern has, of any method.
    pub(in crate::server) fn unclaimed(
        mut self,
        method: Method,
        pattern: &str,
        handler: impl Handler,
    ) -> Router {
        let route = Route::new(Some(method), pattern.to_owned(), endpoint(handler));
        self.routes.push(Route { scope: Scope::Unclaimed, ..route });
        self
    }

    /// Adds a route whose handler reads the body [while it arrives](crate::server::Streaming).
    pub fn streaming<R: IntoResponse>(
        self,
        method: Method,
        pattern: &str,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.route(method, pattern, Streaming(handler))
    }

    /// Serves the files of `folder` below `prefix`, for GET and HEAD, as [`Files`] does: `/static/a.css` is
    /// the file `a.css` in the folder, and `/static/` its `index.html`. With the prefix `/` it serves every
    /// path that no other route matches. A path without a file gets the folder's `404.html`, else what the
    /// [fallback](Router::fallback) responds, else a 404. Folders are not [listed](Files::listing): the files of a
    /// program are for its pages. To list them, give `Files::new(folder)?` to [`Router::route`].
    ///
    /// A folder that does not exist is an error of [`Router::build`].
    pub fn files(mut self, prefix: &str, folder: impl AsRef<FsPath>) -> Router {
        let folder = folder.as_ref();
        let pattern = format!("{}/{{...}}", prefix.strip_suffix('/').unwrap_or(prefix));
        match Files::new(folder) {
            Ok(files) => {
                let files = files.listing(Listing::Off);
                let route = Route::new(Some(Method::Get), pattern, endpoint(files));
                self.routes.push(Route { absent: Absent::FallBack, ..route });
                self
            }
            Err(error) => {
                self.errors.push(format!("GET {pattern}: the folder {folder:?}: {error}"));
                self
            }
        }
    }

    /// Sets the handler of all requests whose path no route matches, of any method; without one they get a
    /// 404. A path that exists with another method gets a 405 all the same.
    pub fn fallback<R: IntoResponse>(
        mut self,
        handler: impl Fn(&mut Request) -> R + Send + Sync + 'static,
    ) -> Router {
        self.fallbacks.push((String::new(), endpoint(handler)));
        self
    }

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

    /// Continues with routes whose handlers get a value that all requests share, as in
    /// `fn list(notes: &Notes, request: &mut Request)`; [`RouterWithState`] has an example. What changes in the
    /// value needs a lock, as handlers run at the same time.
    pub fn with<S: Send + Sync + 'static>(self, state: S) -> RouterWithState<S> {
        RouterWithState::new(self, Arc::new(state))
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
    fn finished(self) -> Router {
        self.with_fallback_of_files().with_around_applied().with_checks_applied()
    }

    /// Returns all handlers.
    pub(super) fn endpoints(&mut self) -> impl Iterator<Item = &mut Arc<Endpoint>> {
        let routed = self.routes.iter_mut().map(|route| &mut route.endpoint);
        routed.chain(self.fallbacks.iter_mut().map(|(_, endpoint)| endpoint))
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

    /// Returns the router with the functions of [`Router::wrap`] put around each handler.
    fn with_around_applied(mut self) -> Router {
        let around: Arc<[Arc<dyn Around>]> = std::mem::take(&mut self.around).into();
        if !around.is_empty() {
            for held in self.endpoints() {
                *held = endpoint(Wrapped { around: Arc::clone(&around), inner: Arc::clone(held) });
            }
        }
        self
    }

    /// Checks the routes and sorts them.
    ///
    /// # Errors
    /// Every pattern that is not valid, every route or fallback that exists already, every folder that is absent, and
    /// every [parameter](Handler::params) of a handler that its pattern does not have.
    pub fn build(self) -> Result<Routes, RouteErrors> {
        let Router { routes, fallbacks, mut errors, .. } = self.finished();
        let mut paths: Vec<Path> = Vec::new();
        for route in routes {
            if let Err(error) = add(route, &mut paths) {
                errors.push(error);
            }
        }
        paths.sort_by(|a, b| a.pattern.rank().cmp(&b.pattern.rank()));
        let mut prefixes: Vec<Fallback> = Vec::new();
        for (prefix, endpoint) in fallbacks {
            match Pattern::of_prefix(&prefix) {
                Ok(prefix) if prefixes.iter().any(|other| other.prefix.same_shape(&prefix)) => {
                    errors.push(format!("the fallback of {}/: is there twice", prefix.text));
                }
                Ok(prefix) => prefixes.push(Fallback { prefix, endpoint }),
                Err(reason) => errors.push(format!("the fallback of {prefix}: {reason}")),
            }
        }
        prefixes.sort_by_key(|fallback| std::cmp::Reverse(fallback.prefix.rank().len()));
        match errors.is_empty() {
            true => Ok(Routes { paths, fallbacks: prefixes }),
            false => Err(RouteErrors(errors)),
        }
    }
}

/// Adds a route to the path that has its pattern.
fn add(route: Route, paths: &mut Vec<Path>) -> Result<(), String> {
    let Route { method, pattern: text, endpoint, absent: _, scope } = route;
    let name = match &method {
        Some(method) => format!("{method} {text}"),
        None => format!("any {text}"),
    };
    let pattern = Pattern::parse(&text)
        .map_err(|reason| format!("{name}: {reason}; right: /users/{{id}} or /{{path...}}"))?;
    let asked = endpoint.handler.params();
    if let Some(missing) = asked.iter().find(|asked| !pattern.has(asked)) {
        return Err(format!(
            "{name}: its handler needs {{{missing}}}, which the pattern does not have"
        ));
    }
    let at = paths.iter().position(|path| path.pattern.same_shape(&pattern));
    let at = at.unwrap_or_else(|| {
        let (methods, unclaimed) = (Vec::new(), Vec::new());
        paths.push(Path { pattern: pattern.clone(), methods, unclaimed, any: None });
        paths.len() - 1
    });
    let path = &mut paths[at];
    if path.pattern.text != pattern.text {
        return Err(format!("{name}: names the parts of {} otherwise", path.pattern.text));
    }
    match method {
        Some(method)
            if !path.methods.iter().chain(&path.unclaimed).any(|(held, _)| *held == method) =>
        {
            match scope {
                Scope::Pattern => path.methods.push((method, endpoint)),
                Scope::Unclaimed => path.unclaimed.push((method, endpoint)),
            }
        }
        None if path.any.is_none() => path.any = Some(endpoint),
        _ => return Err(format!("{name}: is there twice")),
    }
    Ok(())
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.routes.iter().map(|route| &route.pattern)).finish()
    }
}
