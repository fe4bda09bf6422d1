//! Collects routes, and checks them: the [`Router`].

use std::path::Path as FsPath;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

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
use crate::server::middleware::{Around, Check};
use crate::server::request::Request;

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
    pub(super) routes: Vec<Route>,
    /// The prefix, and the handler.
    pub(super) fallbacks: Vec<(String, Arc<Endpoint>)>,
    /// The first is the outermost.
    pub(super) around: Vec<Arc<dyn Around>>,
    /// The first comes first, and all of them come before what is around.
    pub(super) checks: Vec<Arc<dyn Check>>,
    pub(super) errors: Vec<String>,
}

pub(super) struct Route {
    /// `None` for all methods that have no route of their own.
    pub(super) method: Option<Method>,
    pub(super) pattern: String,
    pub(super) endpoint: Arc<Endpoint>,
    /// What becomes of a request for which the handler finds nothing.
    pub(super) absent: Absent,
    pub(super) scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// The handler's own response.
    Respond,
    /// The fallback, if there is one.
    FallBack,
}

/// The paths that a route is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
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

    /// Continues with routes whose handlers get a value that all requests share, as in
    /// `fn list(notes: &Notes, request: &mut Request)`; [`RouterWithState`] has an example. What changes in the
    /// value needs a lock, as handlers run at the same time.
    pub fn with<S: Send + Sync + 'static>(self, state: S) -> RouterWithState<S> {
        RouterWithState::new(self, Arc::new(state))
    }

    /// Returns the router with a mistake of the program, for [`Router::build`].
    pub(super) fn with_error(mut self, error: String) -> Router {
        self.errors.push(error);
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
