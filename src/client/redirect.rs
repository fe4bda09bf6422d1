//! Where a redirect leads: a pure function of what was asked and what was answered (RFC 9110, 15.4).
//!
//! | status | POST becomes | HEAD stays HEAD, and others | the body |
//! |---|---|---|---|
//! | 301, 302 | GET, as every client does | stay what they are | goes with POST |
//! | 303 | GET | become GET | goes |
//! | 307, 308 | POST | stay what they are | is sent again, if it can be |
//!
//! Any other status, and one of these without a Location, is the answer. A hop to another host or port
//! loses what was meant for the first one: Authorization, Cookie, Host ([`Hop::leaves_origin`]). Refused,
//! with the answer kept: more hops than allowed, the same request a second time in one chain
//! (nothing here changes between the two, so it would go round for ever), two Locations that differ,
//! an address that cannot be fetched (https among them), a body that is gone.

use std::borrow::Cow;

use crate::proto::http::head::ResponseHead;
use crate::proto::http::method::Method;
use crate::proto::http::status::Status;
use crate::proto::http::url::{Url, UrlError};

/// What is done about redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirects {
    /// A redirect is an answer as any other.
    Answer,
    /// So many in a row are followed, by the table above; one more is an error.
    Follow(u32),
    /// They are followed by other rules.
    By(Rules),
}

/// By which rules redirects are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// So many in a row, and one more is an error; `None`: any number, as long as they don't go round.
    pub most: Option<u32>,
    /// The statuses, of 301, 302 and 303, behind which POST stays POST and keeps its body.
    pub stays_post: Vec<u16>,
    /// Who gets what was meant for the first host.
    pub secrets: Secrets,
    /// The same request a second time in one chain.
    pub again: Again,
}

/// Where Authorization and Cookie go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// To the origin that they were meant for, until a redirect leads away from it.
    StayHome,
    /// Wherever a redirect leads.
    Travel,
}

/// What it means when a chain comes back to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It goes round: an error.
    Loop,
    /// The server may answer in another way by now. Without [`Rules::most`] it is a loop even so.
    Hope,
}

impl Rules {
    /// The table above, for so many redirects in a row.
    pub fn up_to(most: u32) -> Rules {
        let (secrets, again) = (Secrets::StayHome, Again::Loop);
        Rules { most: Some(most), stays_post: Vec::new(), secrets, again }
    }
}

impl Redirects {
    /// By which rules they are followed; `None`: they are not.
    pub(super) fn rules(&self) -> Option<Cow<'_, Rules>> {
        match self {
            Redirects::Answer => None,
            Redirects::Follow(most) => Some(Cow::Owned(Rules::up_to(*most))),
            Redirects::By(rules) => Some(Cow::Borrowed(rules)),
        }
    }
}

/// A request of a chain, as far as it matters for the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its address.
    pub url: Url,
}

/// The request that a redirect asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Its method.
    pub method: Method,
    /// Its address; the fragment is the one before's, unless it brings its own.
    pub url: Url,
    /// Is the body sent again? If not, the fields that describe it go, too.
    pub keeps_body: bool,
    /// Does it lead to another host or port?
    pub leaves_origin: bool,
    /// Do Authorization and Cookie go there, too?
    pub keeps_secrets: bool,
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectError {
    /// More than so many in a row.
    TooMany(u32),
    /// This was asked for before.
    Loop(Url),
    /// It leads to nowhere that can be fetched.
    Location(UrlError),
    /// It has more than one Location, and they differ.
    Locations,
    /// The body has to be sent again, but came from a reader and is gone.
    BodyGone,
}

impl std::fmt::Display for RedirectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RedirectError::TooMany(most) => {
                write!(f, "more than {most} redirects in a row")
            }
            RedirectError::Loop(url) => write!(f, "the redirects go round: {url} once more"),
            RedirectError::Location(UrlError::Scheme(scheme)) if scheme == "https" => {
                f.write_str("the server redirects to https, which is not spoken here")
            }
            RedirectError::Location(_) => {
                f.write_str("the server redirects to what cannot be fetched")
            }
            RedirectError::Locations => {
                f.write_str("the server redirects to two places at once (RFC 9110, 10.2.2)")
            }
            RedirectError::BodyGone => f.write_str(
                "the server redirects, and wants the body again, which came from a reader and is \
                 gone; right: a body in memory, or in a file",
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

/// Where `answer`, which the last of `trail` got, leads; `None`: nowhere, it is the answer. `trail` is
/// all that has been asked in this chain, in order, never empty; `can_replay` says whether the body, if there is one, can be sent a second time.
///
/// # Errors
/// [`RedirectError`] says why it cannot be followed.
pub fn redirect(
    trail: &[Asked],
    answer: &ResponseHead,
    can_replay: bool,
    rules: &Rules,
) -> Result<Option<Hop>, RedirectError> {
    let (Some(asked), true) = (trail.last(), is_redirect(answer.status)) else { return Ok(None) };
    let mut locations = answer.headers.all("location");
    let Some(location) = locations.next() else { return Ok(None) };
    if asked.method == Method::Connect {
        return Ok(None); // it asks for a tunnel, not for a document
    }
    if locations.any(|other| other != location) {
        return Err(RedirectError::Locations);
    }
    let (method, keeps_body) = becomes(&asked.method, answer.status, rules);
    let url = asked.url.resolve(location).map_err(RedirectError::Location)?;
    if let Some(most) = rules.most.filter(|&most| trail.len() > most as usize) {
        return Err(RedirectError::TooMany(most));
    }
    let is_same = |asked: &Asked| {
        asked.method == method && asked.url.has_origin_of(&url) && asked.url.path == url.path
    };
    let is_loop = rules.again == Again::Loop || rules.most.is_none();
    if is_loop && trail.iter().any(is_same) {
        return Err(RedirectError::Loop(url));
    }
    if keeps_body && !can_replay {
        return Err(RedirectError::BodyGone);
    }
    let leaves_origin = !asked.url.has_origin_of(&url);
    let keeps_secrets = !leaves_origin || rules.secrets == Secrets::Travel;
    Ok(Some(Hop { method, url, keeps_body, leaves_origin, keeps_secrets }))
}

/// Is it one of the five that can be followed without asking anyone? 300 offers a choice, 304 is about
/// a cache, 305 and 306 are history.
pub(super) fn is_redirect(status: Status) -> bool {
    matches!(status.code(), 301 | 302 | 303 | 307 | 308)
}

/// The method of the next request, and whether the body goes with it.
fn becomes(method: &Method, status: Status, rules: &Rules) -> (Method, bool) {
    match (status.code(), method) {
        (code, Method::Post) if rules.stays_post.contains(&code) => (Method::Post, true),
        (303, Method::Head) => (Method::Head, false),
        (303, _) | (301 | 302, Method::Post) => (Method::Get, false),
        _ => (method.clone(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, url: &str) -> Asked {
        let method = Method::parse(method.as_bytes()).unwrap();
        Asked { method, url: Url::parse(url).unwrap() }
    }

    fn answer(status: u16, locations: &[&str]) -> ResponseHead {
        let mut head = ResponseHead::new(Status::new(status).unwrap());
        for location in locations {
            head.headers.append("Location", location).unwrap();
        }
        head
    }

    /// `METHOD url`, and what happens to the body and the secrets.
    fn shown(hop: &Hop) -> String {
        let body = if hop.keeps_body { " +body" } else { "" };
        let leaves = match (hop.leaves_origin, hop.keeps_secrets) {
            (false, _) => "",
            (true, false) => " leaves",
            (true, true) => " travels",
        };
        format!("{} {}{body}{leaves}", hop.method, hop.url)
    }

    #[test]
    fn where_a_redirect_leads() {
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
            ("300 is an answer", "GET", 300, "/y", None),
            ("304 is an answer", "GET", 304, "/y", None),
            ("305 is an answer", "GET", 305, "/y", None),
            ("201 is an answer", "POST", 201, "/y", None),
            ("CONNECT is not followed", "CONNECT", 302, "/y", None),
        ] {
            let hop = redirect(
                &[asked(method, at)],
                &answer(status, &[location]),
                true,
                &Rules::up_to(5),
            );
            assert_eq!(hop.unwrap().as_ref().map(shown).as_deref(), want, "{name}");
        }
        let trail = [asked("GET", at)];
        assert_eq!(
            redirect(&trail, &answer(302, &[]), true, &Rules::up_to(5)),
            Ok(None),
            "no Location"
        );
        let trail = [asked("GET", "http://a:81/x#f")];
        for (locations, want) in
            [(&["/y", "/y"][..], "http://a:81/y#f"), (&["/y#g"], "http://a:81/y#g")]
        {
            let hop =
                redirect(&trail, &answer(302, locations), true, &Rules::up_to(5)).unwrap().unwrap();
            assert_eq!(hop.url.to_string(), want);
        }
    }

    #[test]
    fn what_is_not_followed() {
        use RedirectError::*;
        let url = |text: &str| Url::parse(text).unwrap();
        let trail = [asked("POST", "a/1"), asked("GET", "a/2"), asked("GET", "b/3")];
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
            ("two places", &trail, 301, &["/4", "/5"], true, 9, Some(Locations)),
            ("a body that is gone", &trail[..1], 307, &["/4"], false, 9, Some(BodyGone)),
            ("not needed", &trail[..1], 303, &["/4"], false, 9, None),
        ] {
            let got = redirect(trail, &answer(status, locations), can_replay, &Rules::up_to(most));
            assert_eq!(got.err(), want, "{name}");
        }
    }

    #[test]
    fn other_rules() {
        let usual = Rules::up_to(9);
        let stays = |codes: &[u16]| Rules { stays_post: codes.to_vec(), ..usual.clone() };
        let travel = Rules { secrets: Secrets::Travel, ..usual.clone() };
        let hope = Rules { again: Again::Hope, ..usual.clone() };
        let no_limit = Rules { most: None, ..hope.clone() };
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
            let hop = redirect(&[asked(method, "a/x")], &answer(status, &[location]), true, &rules);
            let want = want.map(str::to_owned).map_err(|error| error(Url::parse("a/x").unwrap()));
            assert_eq!(hop.map(|hop| shown(&hop.unwrap())), want, "{name}");
        }
        let trail = vec![asked("GET", "a/1"); 1000];
        let rules = Rules { most: None, ..usual };
        assert!(redirect(&trail, &answer(302, &["/2"]), true, &rules).unwrap().is_some());
    }
}
