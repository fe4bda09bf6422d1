//! Routes that lead elsewhere: [`Router::redirect`].

use super::build::Router;
use crate::proto::http::chars::{QUERY, UNRESERVED, percent_encode};
use crate::proto::http::method::Method;
use crate::proto::http::status::Status;
use crate::proto::http::target::segments;
use crate::server::request::Request;
use crate::server::response::Response;

/// Whose requests are redirected: all that have a body to be sent again (308 keeps it), and GET with its HEAD.
const METHODS: [Method; 5] =
    [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

impl Router {
    /// Redirects requests for `from` to `to` with a 308, which keeps the method (RFC 9110, 15.4.9), and with the query.
    /// If `from` ends with a slash, all that is below it is redirected, and the rest of the path follows `to`; else this
    /// path alone. `to` is a path, or the URL of another site.
    ///
    /// ```
    /// use threadbare::server::Router;
    ///
    /// let routes = Router::new()
    ///     .redirect("/old", "/new")
    ///     .redirect("/manual/", "https://docs.example.org/v2/") // /manual/a?b leads to .../v2/a?b
    ///     .build()?;
    /// # Ok::<(), threadbare::server::RouteErrors>(())
    /// ```
    ///
    /// `from` is no pattern. A redirect that leads to itself, or to another host by `//`, is an error of
    /// [`Router::build`].
    pub fn redirect(mut self, from: &str, to: &str) -> Router {
        if let Some(fault) = fault(from, to) {
            return self.with_error(format!("redirect {from} to {to}: {fault}"));
        }
        let pattern = match from.ends_with('/') {
            true => format!("{from}{{...}}"),
            false => from.to_owned(),
        };
        let depth = if from.ends_with('/') { Some(segments(from).count() - 1) } else { None };
        for method in METHODS {
            let to = to.to_owned();
            let redirect = move |request: &mut Request| respond(request, &to, depth);
            self = self.route(method, &pattern, redirect);
        }
        self
    }
}

/// Returns the redirect: `depth` segments of the path are replaced, or all.
fn respond(request: &Request, to: &str, depth: Option<usize>) -> Response {
    let mut location = to.to_owned();
    if let Some(depth) = depth {
        // Each name is encoded anew, so that none of them is a scheme, a host, or a step up.
        let rest = segments(request.head.target.path()).skip(depth);
        let rest: Vec<_> = rest.map(|name| percent_encode(&name, &UNRESERVED)).collect();
        let rest = rest.join("/");
        // An empty first name would make `//host` of a target that is `/`.
        location.push_str(rest.trim_start_matches('/'));
    }
    if let Some(query) = request.head.target.query() {
        location.push(if to.contains('?') { '&' } else { '?' });
        let parts = query.split('%').map(|part| percent_encode(part.as_bytes(), &QUERY));
        location.push_str(&parts.collect::<Vec<_>>().join("%"));
    }
    let text = format!("308 Permanent Redirect\n\nThis is at {location} now.\n");
    Response::text(text).status(Status::PERMANENT_REDIRECT).field("Location", location)
}

/// Returns what is wrong with a redirect.
fn fault(from: &str, to: &str) -> Option<&'static str> {
    let is_url = to.strip_prefix("https://").or(to.strip_prefix("http://"));
    let visible = |text: &str| text.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    if !from.starts_with('/')
        || from.contains(['{', '}', '?', '#'])
        || !visible(from)
        || from.contains("//")
    {
        return Some(
            "it begins with a path; right: /old=/new, or /old/=/new/ for all that is below",
        );
    }
    let is_path = to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\");
    let is_url = is_url.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if !visible(to) || !(is_path || is_url) || to.contains('#') {
        return Some("it leads to a path, or to an http or https URL; right: /old=/new");
    }
    let is_open = from.ends_with('/') && is_url && !to.ends_with('/');
    if is_open || (from.ends_with('/') && !to.ends_with('/')) {
        return Some("what all below a path leads to ends with a slash, too; right: /old/=/new/");
    }
    let path = to.split('?').next().unwrap_or_default();
    let leads_back = match from.ends_with('/') {
        true => path.starts_with(from),
        false => path == from,
    };
    leads_back.then_some("it leads to itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_redirected() {
        for (from, to, right) in [
            ("/old", "/new", true),
            ("/old", "/new/", true),
            ("/old", "/new?a=b", true),
            ("/old/", "/new/", true),
            ("/old/", "https://example.org/", true),
            ("/old", "https://example.org", true),
            ("/old/", "/new", false),
            ("/old/", "https://example.org", false),
            ("/old", "//evil.example", false),
            ("/old", "/\\evil.example", false),
            ("/old", "javascript:alert(1)", false),
            ("/old", "https:///a", false),
            ("/old", "", false),
            ("/old", "/a\r\nb", false),
            ("old", "/new", false),
            ("/{x}", "/new", false),
            ("/a", "/a", false),
            ("/a", "/a?b", false),
            ("/a/", "/a/b/", false),
            ("/", "/", false),
        ] {
            assert_eq!(fault(from, to).is_none(), right, "{from}={to}");
        }
    }
}
