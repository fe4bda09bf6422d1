//! Routes whose handlers share a value: a [`Router`] with its state.

use std::path::Path;
use std::sync::Arc;

use super::build::Router;
use super::{RouteErrors, Routes};
use crate::proto::http::method::Method;
use crate::server::handler::Handler;
use crate::server::into_response::IntoResponse;
use crate::server::middleware::Next;
use crate::server::request::Request;

/// A [`Router`] whose handlers get a value that all requests share; [`Router::with`] returns it.
///
/// ```
/// use std::sync::Mutex;
/// use threadbare::server::{Request, Router};
///
/// struct Counter(Mutex<u64>);
///
/// fn count(counter: &Counter, _: &mut Request) -> String {
///     let mut count = counter.0.lock().expect("no handler panics with it");
///     *count += 1;
///     format!("{count}\n")
/// }
///
/// let routes = Router::new()
///     .with(Counter(Mutex::new(0)))
///     .get("/count", count)
///     .get("/peek", |counter, _| format!("{:?}\n", counter.0))
///     .build()?;
/// # Ok::<(), threadbare::server::RouteErrors>(())
/// ```
#[derive(Debug)]
pub struct RouterWithState<S> {
    router: Router,
    state: Arc<S>,
}

impl<S: Send + Sync + 'static> RouterWithState<S> {
    pub(super) fn new(router: Router, state: Arc<S>) -> RouterWithState<S> {
        RouterWithState { router, state }
    }

    /// Adds something to the router that may keep the state.
    fn on(self, add: impl FnOnce(Router, Arc<S>) -> Router) -> RouterWithState<S> {
        let RouterWithState { router, state } = self;
        RouterWithState { router: add(router, Arc::clone(&state)), state }
    }

    /// Adds a route for GET, and so for HEAD, as [`Router::get`]; the handler gets the state as well.
    pub fn get<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.get(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for POST, as [`Router::post`]; the handler gets the state as well.
    pub fn post<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.post(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for PUT, as [`Router::put`]; the handler gets the state as well.
    pub fn put<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.put(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for PATCH, as [`Router::patch`]; the handler gets the state as well.
    pub fn patch<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.patch(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for DELETE, as [`Router::delete`]; the handler gets the state as well.
    pub fn delete<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.delete(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for every method that has no route of its own with this pattern, as [`Router::any`].
    pub fn any<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.any(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for HEAD, as [`Router::head`]; the handler gets the state as well.
    pub fn head<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.head(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route for OPTIONS, as [`Router::options`]; the handler gets the state as well.
    pub fn options<R: IntoResponse>(
        self,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.options(pattern, move |request| handler(&state, request)))
    }

    /// Adds a route with a [`Handler`], as [`Router::route`]; it does not get the state.
    pub fn route(self, method: Method, pattern: &str, handler: impl Handler) -> RouterWithState<S> {
        self.on(|router, _| router.route(method, pattern, handler))
    }

    /// Adds a route whose handler reads the body while it arrives, as [`Router::streaming`]; the handler gets
    /// the state as well.
    pub fn streaming<R: IntoResponse>(
        self,
        method: Method,
        pattern: &str,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| {
            router.streaming(method, pattern, move |request: &mut Request| handler(&state, request))
        })
    }

    /// Wraps every route in a function that gets the state as well, as [`Router::wrap`].
    pub fn wrap<R: IntoResponse>(
        self,
        around: impl Fn(&S, &mut Request, Next<'_>) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| {
            router.wrap(move |request: &mut Request, next: Next<'_>| around(&state, request, next))
        })
    }

    /// Adds the routes of another router below `prefix`, as [`Router::nest`].
    pub fn nest(self, prefix: &str, inner: impl Into<Router>) -> RouterWithState<S> {
        self.on(|router, _| router.nest(prefix, inner))
    }

    /// Serves the files of `folder` below `prefix`, as [`Router::files`].
    pub fn files(self, prefix: &str, folder: impl AsRef<Path>) -> RouterWithState<S> {
        self.on(|router, _| router.files(prefix, folder))
    }

    /// Sets the handler of all requests whose path no route matches, as [`Router::fallback`].
    pub fn fallback<R: IntoResponse>(
        self,
        handler: impl Fn(&S, &mut Request) -> R + Send + Sync + 'static,
    ) -> RouterWithState<S> {
        self.on(|router, state| router.fallback(move |request| handler(&state, request)))
    }

    /// Returns the router with its routes, to add routes without a state, or with another one.
    pub fn into_router(self) -> Router {
        self.router
    }

    /// Checks the routes and sorts them, as [`Router::build`].
    ///
    /// # Errors
    /// As [`Router::build`].
    pub fn build(self) -> Result<Routes, RouteErrors> {
        self.router.build()
    }
}

impl<S> From<RouterWithState<S>> for Router {
    fn from(with_state: RouterWithState<S>) -> Router {
        with_state.router
    }
}
