//! The request that a redirect leads to: a pure function of the requests so far and the response
//! (RFC 9110, 15.4).
//!
//! | status | POST becomes | HEAD, and other methods | the body |
//! |---|---|---|---|
//! | 301, 302 | GET, as in every client | stay the same | is dropped when POST becomes GET |
//! | 303 | GET | HEAD stays, others become GET | is dropped |
//! | 307, 308 | POST | stay the same | is sent again, if that is possible |
//!
//! A response with any other status, or without a Location, is returned as it is; an empty Location counts
//! as none, as with curl and browsers. A redirect to another host
//! or port loses the fields that were meant for the first one: Authorization, Cookie, Host
//! (`NextRequest::leaves_origin`). Refused, with the response kept: more redirects than allowed, the same
//! request a second time in one chain (a loop), two Locations that differ, a URL that cannot be fetched
//! (https among them), a body that cannot be sent again.

use std::borrow::Cow;

use crate::proto::http::head::ResponseHead;
use crate::proto::http::method::Method;
use crate::proto::http::status::Status;
use crate::proto::http::url::{Url, UrlError};

/// What the client does about redirects, for [`Config::redirects`](super::Config::redirects).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirects {
    /// Returns a redirect like any other response.
    Return,
    /// Follows at most this number in a row, by the table of [`RedirectRules`]; one more is an error.
    Follow(u32),
    /// Follows them by other rules.
    Custom(RedirectRules),
}

/// The rules for following redirects.
///
/// | status | POST becomes | HEAD, and other methods | the body |
/// |---|---|---|---|
/// | 301, 302 | GET, as in every client | stay the same | is dropped when POST becomes GET |
/// | 303 | GET | HEAD stays, others become GET | is dropped |
/// | 307, 308 | POST | stay the same | is sent again, if that is possible |
///
/// `Authorization` and `Cookie` are for the first host and port only. [`RedirectRules::up_to`] returns these rules,
/// and the fields change them.
///
/// ```
/// use threadbare::client::{Client, RedirectRules, Redirects};
///
/// let rules = RedirectRules { keep_post: vec![301, 302], ..RedirectRules::up_to(5) };
/// let client = Client::new().redirects(Redirects::Custom(rules));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectRules {
    /// The most redirects in a row; one more is an error. `None`: any number, but no loop.
    pub max: Option<u32>,
    /// The statuses, of 301, 302 and 303, after which POST stays POST and keeps its body.
    pub keep_post: Vec<u16>,
    /// Where Authorization and Cookie are sent.
    pub credentials: CredentialScope,
    /// What happens when a chain comes back to a request.
    pub on_repeat: OnRepeat,
    /// What the next request says of the page that led to it.
    pub referer: RefererRule,
}

/// Where Authorization and Cookie are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialScope {
    /// To the origin of the first request, until a redirect leads away from it.
    SameOrigin,
    /// To every host that a redirect leads to.
    AnyHost,
}

/// What a request that a redirect leads to says of the page that led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefererRule {
    /// Its Referer, if there is one, is that of the request before.
    Keep,
    /// Its Referer is the URL of the request before, without a fragment; but one that the caller added stays.
    Previous,
}

/// What happens when a chain comes back to the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRepeat {
    /// It is a loop, and an error.
    Fail,
    /// The request is sent, as the server may respond differently now. Without [`RedirectRules::max`] it is
    /// an error all the same.
    Allow,
}

impl RedirectRules {
    /// Returns the rules of the table above, for at most `max` redirects in a row.
    pub fn up_to(max: u32) -> RedirectRules {
        RedirectRules {
            max: Some(max),
            keep_post: Vec::new(),
            credentials: CredentialScope::SameOrigin,
            on_repeat: OnRepeat::Fail,
            referer: RefererRule::Keep,
        }
    }
}

impl Redirects {
    /// Returns the rules for following; `None`: redirects are not followed.
    pub(super) fn rules(&self) -> Option<Cow<'_, RedirectRules>> {
        match self {
            Redirects::Return => None,
            Redirects::Follow(max) => Some(Cow::Owned(RedirectRules::up_to(*max))),
            Redirects::Custom(rules) => Some(Cow::Borrowed(rules)),
        }
    }
}

/// A request of a chain of redirects: the parts that matter for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visited {
    /// Its method.
    pub(super) method: Method,
    /// Its URL.
    pub(super) url: Url,
}

/// The request that a redirect leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NextRequest {
    /// Its method.
    pub(super) method: Method,
    /// Its URL, with the fragment of the one before, unless the Location has one.
    pub(super) url: Url,
    /// Whether the body is sent again. If not, the fields that describe it are dropped, too.
    pub(super) keeps_body: bool,
    /// Whether it goes to another host or port.
    pub(super) leaves_origin: bool,
    /// Whether Authorization and Cookie are sent, too.
    pub(super) keeps_credentials: bool,
    /// The new Referer.
    pub(super) referer: Option<String>,
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectError {
    /// More than this number in a row.
    TooMany(u32),
    /// The chain comes back to this URL.
    Loop(Url),
    /// The Location is not a valid URL.
    Location(UrlError),
    /// The response has Locations that differ.
    ConflictingLocations,
    /// The body would have to be sent again, but came from a reader that cannot rewind.
    BodyConsumed,
}

impl std::fmt::Display for RedirectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RedirectError::TooMany(max) => write!(f, "more than {max} redirects one after another"),
            RedirectError::Loop(url) => write!(f, "the redirects form a loop: {url} again"),
            RedirectError::Location(UrlError::Scheme(scheme)) if scheme == "https" => {
                f.write_str("the server redirects to https, which is not supported")
            }
            RedirectError::Location(_) => {
                f.write_str("the server redirects to a URL that is not valid")
            }
            RedirectError::ConflictingLocations => {
                f.write_str("the server redirects with two different Location fields (RFC 9110, 10.2.2)")
            }
            RedirectError::BodyConsumed => f.write_str(
                "the server redirects and requires the body again, but it was read from a stream and is \
                 not available; right: a body in memory, or in a file",
            ),
        }
    }
}

impl std::error::Error for RedirectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RedirectError::Location(error) => Some(error),
            _ => None,
        }
    }
}

/// Returns the request that `response` redirects to; `None`: it is not a redirect. `trail` holds the requests
/// of this chain in order; `response` belongs to the last one. `can_replay` says whether the body, if there
/// is one, can be sent a second time.
///
/// # Errors
/// [`RedirectError`] says why it cannot be followed.
pub(super) fn redirect(
    trail: &[Visited],
    response: &ResponseHead,
    can_replay: bool,
    rules: &RedirectRules,
) -> Result<Option<NextRequest>, RedirectError> {
    let (Some(last), true) = (trail.last(), is_redirect(response.status)) else { return Ok(None) };
    let mut locations = response.headers.all("location").filter(|location| !location.is_empty());
    let Some(location) = locations.next() else { return Ok(None) };
    if last.method == Method::Connect {
        return Ok(None); // CONNECT requests a tunnel, not a document
    }
    if locations.any(|other| other != location) {
        return Err(RedirectError::ConflictingLocations);
    }
    let (method, keeps_body) = next_method(&last.method, response.status, rules);
    let url = last.url.resolve(location).map_err(RedirectError::Location)?;
    if let Some(max) = rules.max.filter(|&max| trail.len() > max as usize) {
        return Err(RedirectError::TooMany(max));
    }
    let is_same = |visited: &Visited| {
        visited.method == method && visited.url.has_origin_of(&url) && visited.url.path == url.path
    };
    let refuses_loops = rules.on_repeat == OnRepeat::Fail || rules.max.is_none();
    if refuses_loops && trail.iter().any(is_same) {
        return Err(RedirectError::Loop(url));
    }
    if keeps_body && !can_replay {
        return Err(RedirectError::BodyConsumed);
    }
    let leaves_origin = !last.url.has_origin_of(&url);
    let keeps_credentials = !leaves_origin || rules.credentials == CredentialScope::AnyHost;
    let referer = match rules.referer {
        RefererRule::Keep => None,
        RefererRule::Previous => Some(format!("http://{}{}", last.url.authority, last.url.path)),
    };
    let next = NextRequest { method, url, keeps_body, leaves_origin, keeps_credentials, referer };
    Ok(Some(next))
}

/// Returns whether the status is one of the five that can be followed without a decision by the user. 300
/// offers a choice, 304 is about a cache, 305 and 306 are obsolete.
pub(super) fn is_redirect(status: Status) -> bool {
    matches!(status.code(), 301 | 302 | 303 | 307 | 308)
}

/// Returns the method of the next request, and whether the body is sent with it.
fn next_method(method: &Method, status: Status, rules: &RedirectRules) -> (Method, bool) {
    match (status.code(), method) {
        (code, Method::Post) if rules.keep_post.contains(&code) => (Method::Post, true),
        (303, Method::Head) => (Method::Head, false),
        (303, _) | (301 | 302, Method::Post) => (Method::Get, false),
        _ => (method.clone(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visited(method: &str, url: &str) -> Visited {
        let method = Method::parse(method.as_bytes()).unwrap();
        Visited { method, url: Url::parse(url).unwrap() }
    }

    fn response(status: u16, locations: &[&str]) -> ResponseHead {
        let mut head = ResponseHead::new(Status::new(status).unwrap());
        for location in locations {
            head.headers.append("Location", location).unwrap();
        }
        head
    }

    /// Returns `METHOD url`, and what happens to the body and the secrets.
    fn shown(hop: &NextRequest) -> String {
        let body = if hop.keeps_body { " +body" } else { "" };
        let leaves = match (hop.leaves_origin, hop.keeps_credentials) {
            (false, _) => "",
            (true, false) => " leaves",
            (true, true) => " travels",
        };
        format!("{} {}{body}{leaves}", hop.method, hop.url)
    }

    #[test]
    fn the_request_that_a_redirect_leads_to() {
        let at = "http://a:81/d/x?q";
        for (name, method, status, location, want) in [
            ("301 keeps GET", "GET", 301, "/y", Some("GET http://a:81/y +body")),
            ("301 keeps HEAD", "HEAD", 301, "/y", Some("HEAD http://a:81/y +body")),
            ("301 makes POST a GET", "POST", 301, "/y", Some("GET http://a:81/y")),
            ("301 keeps PUT", "PUT", 301, "/y", Some("PUT http://a:81/y +body")),
            ("302 makes POST a GET", "POST", 302, "/y", Some("GET http://a:81/y")),
            ("302 keeps DELETE", "DELETE", 302, "/y", Some("DELETE http://a:81/y +body")),
            ("303 makes POST a GET", "POST", 303, "/y", Some("GET http://a:81/y")),
            ("303 makes PUT a GET", "PUT", 303, "/y", Some("GET http://a:81/y")),
            ("303 keeps HEAD", "HEAD", 303, "/y", Some("HEAD http://a:81/y")),
            ("307 keeps POST", "POST", 307, "/y", Some("POST http://a:81/y +body")),
            ("308 keeps POST", "POST", 308, "/y", Some("POST http://a:81/y +body")),
            ("308 keeps any", "BREW", 308, "/y", Some("BREW http://a:81/y +body")),
            ("relative", "GET", 302, "y", Some("GET http://a:81/d/y +body")),
            ("query only", "GET", 302, "?r", Some("GET http://a:81/d/x?r +body")),
            ("dots", "GET", 302, "../../y/.", Some("GET http://a:81/y/ +body")),
            ("another port", "GET", 302, "//a/y", Some("GET http://a/y +body leaves")),
            ("another host", "GET", 302, "http://b:81/", Some("GET http://b:81/ +body leaves")),
            ("the same host", "GET", 302, "http://A:81/", Some("GET http://a:81/ +body")),
            ("300 is returned", "GET", 300, "/y", None),
            ("304 is returned", "GET", 304, "/y", None),
            ("305 is returned", "GET", 305, "/y", None),
            ("201 is returned", "POST", 201, "/y", None),
            ("CONNECT is not followed", "CONNECT", 302, "/y", None),
        ] {
            let hop = redirect(
                &[visited(method, at)],
                &response(status, &[location]),
                true,
                &RedirectRules::up_to(5),
            );
            assert_eq!(hop.unwrap().as_ref().map(shown).as_deref(), want, "{name}");
        }
        let trail = [visited("GET", at)];
        for none in [&[][..], &[""], &["", ""]] {
            let got = redirect(&trail, &response(302, none), true, &RedirectRules::up_to(5));
            assert_eq!(got, Ok(None), "no Location: {none:?}");
        }
        let trail = [visited("GET", "http://a:81/x#f")];
        for (locations, want) in [
            (&["/y", "/y"][..], "http://a:81/y#f"),
            (&["/y#g"], "http://a:81/y#g"),
            (&["", "/y"], "http://a:81/y#f"),
        ] {
            let hop = redirect(&trail, &response(302, locations), true, &RedirectRules::up_to(5))
                .unwrap()
                .unwrap();
            assert_eq!(hop.url.to_string(), want);
        }
    }

    #[test]
    fn redirects_that_are_not_followed() {
        use RedirectError::*;
        let url = |text: &str| Url::parse(text).unwrap();
        let trail = [visited("POST", "a/1"), visited("GET", "a/2"), visited("GET", "b/3")];
        for (name, trail, status, locations, can_replay, most, want) in [
            ("one too many", &trail[..], 302, &["/4"][..], true, 2, Some(TooMany(2))),
            ("not yet", &trail, 302, &["/4"], true, 3, None),
            ("none", &trail[..1], 302, &["/4"], true, 0, Some(TooMany(0))),
            ("back", &trail, 302, &["http://A:80/2#x"], true, 9, Some(Loop(url("a:80/2#x")))),
            ("to itself", &trail, 307, &["3"], true, 9, Some(Loop(url("b/3")))),
            ("POST, redirect, GET", &trail[..1], 303, &["1"], true, 9, None),
            (
                "https",
                &trail,
                301,
                &["https://b/3"],
                true,
                9,
                Some(Location(UrlError::Scheme("https".into()))),
            ),
            ("two places", &trail, 301, &["/4", "/5"], true, 9, Some(ConflictingLocations)),
            ("a body that is gone", &trail[..1], 307, &["/4"], false, 9, Some(BodyConsumed)),
            ("not needed", &trail[..1], 303, &["/4"], false, 9, None),
        ] {
            let got = redirect(
                trail,
                &response(status, locations),
                can_replay,
                &RedirectRules::up_to(most),
            );
            assert_eq!(got.err(), want, "{name}");
        }
    }

    #[test]
    fn other_rules() {
        let usual = RedirectRules::up_to(9);
        let stays = |codes: &[u16]| RedirectRules { keep_post: codes.to_vec(), ..usual.clone() };
        let travel = RedirectRules { credentials: CredentialScope::AnyHost, ..usual.clone() };
        let hope = RedirectRules { on_repeat: OnRepeat::Allow, ..usual.clone() };
        let no_limit = RedirectRules { max: None, ..hope.clone() };
        for (name, rules, method, status, location, want) in [
            ("301", stays(&[301]), "POST", 301, "/y", Ok("POST http://a/y +body")),
            ("303", stays(&[303]), "POST", 303, "/y", Ok("POST http://a/y +body")),
            ("not 302", stays(&[301, 303]), "POST", 302, "/y", Ok("GET http://a/y")),
            ("PUT is no POST", stays(&[303]), "PUT", 303, "/y", Ok("GET http://a/y")),
            ("secrets travel", travel, "GET", 302, "//b/y", Ok("GET http://b/y +body travels")),
            ("a loop", usual.clone(), "GET", 302, "/x", Err(RedirectError::Loop)),
            ("hope", hope, "GET", 302, "/x", Ok("GET http://a/x +body")),
            ("without end", no_limit, "GET", 302, "/x", Err(RedirectError::Loop)),
        ] {
            let hop =
                redirect(&[visited(method, "a/x")], &response(status, &[location]), true, &rules);
            let want = want.map(str::to_owned).map_err(|error| error(Url::parse("a/x").unwrap()));
            assert_eq!(hop.map(|hop| shown(&hop.unwrap())), want, "{name}");
        }
        let trail = vec![visited("GET", "a/1"); 1000];
        let rules = RedirectRules { max: None, ..usual };
        assert!(redirect(&trail, &response(302, &["/2"]), true, &rules).unwrap().is_some());
    }
}
