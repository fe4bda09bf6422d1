//! Conditional requests (RFC 9110, 13): whether the current state of a resource lets a request be done.
//!
//! One function, its steps in the order of section 13.2.2. A date that cannot be read is ignored, as
//! the RFC wants it. A list of tags that cannot be read matches nothing and lets nothing through
//! that changes anything: a client that guards a change and writes its guard wrong must not lose
//! what it guards.

use std::time::{Duration, SystemTime};

use super::date::parse_http_date;
use super::etag::{EntityTag, TagList};
use super::headers::Headers;
use super::method::Method;

/// The tag and the date of one state of a resource, which conditions compare (RFC 9110, 8.8); for
/// [`Request::precondition`](crate::server::Request::precondition).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Validators<'a> {
    /// `ETag`.
    pub etag: Option<EntityTag<'a>>,
    /// `Last-Modified`; fractions of a second are ignored.
    pub last_modified: Option<SystemTime>,
}

impl<'a> Validators<'a> {
    /// Returns the validators in the fields of a response. A malformed tag or date is left out.
    pub fn of(headers: &'a Headers) -> Validators<'a> {
        Validators {
            etag: headers.first("etag").and_then(EntityTag::parse),
            last_modified: single_date(headers, "last-modified"),
        }
    }

    /// Returns a tag alone, given with its quotes: `"v7"`. A malformed tag is left out.
    pub fn tagged(etag: &'a str) -> Validators<'a> {
        Validators { etag: EntityTag::parse(etag.as_bytes()), last_modified: None }
    }

    /// Returns true if there is neither a tag nor a date.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// The result of the conditions of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// They are true, or there are none: the request is done.
    Proceed,
    /// The client has this state already: 304.
    NotModified,
    /// The condition in the field of this name is false: 412, and nothing is done.
    Failed(&'static str),
}

/// Evaluates the conditions of a request to a resource in its `current` state, which is `None` when
/// there is no such resource.
///
/// To be called only if the response would be a 2xx otherwise: a 404 stays one (RFC 9110, 13.2.1).
pub fn evaluate(method: &Method, fields: &Headers, current: Option<&Validators<'_>>) -> Outcome {
    if matches!(method, Method::Connect | Method::Options | Method::Trace) {
        return Outcome::Proceed; // they select no representation (RFC 9110, 13.2.1)
    }
    let reads = matches!(method, Method::Get | Method::Head);
    let changed = current.and_then(|current| current.last_modified);
    // 1. and 2. The state must be the one that the client knows.
    if fields.has("if-match") {
        if !if_match(fields, current) {
            return Outcome::Failed("If-Match");
        }
    } else if let Some(changed) = changed
        && let Some(since) = single_date(fields, "if-unmodified-since")
        && whole_seconds(changed) > since
    {
        return Outcome::Failed("If-Unmodified-Since");
    }
    // 3. and 4. The state must be one that the client does not have.
    if fields.has("if-none-match") {
        match if_none_match(fields, current) {
            Some(true) => {}
            Some(false) if reads => return Outcome::NotModified,
            None if reads => {}
            Some(false) | None => return Outcome::Failed("If-None-Match"),
        }
    } else if let (true, Some(changed)) = (reads, changed)
        && let Some(since) = single_date(fields, "if-modified-since")
        && whole_seconds(changed) <= since
    {
        return Outcome::NotModified;
    }
    // 5. is `if_range`, for resources that have ranges.
    Outcome::Proceed
}

/// Returns true if the `Range` of a request may be served: the client has a part of this same state
/// (RFC 9110, 13.1.5), or does not name a state.
///
/// A tag is compared strongly; a date has to be the same, not a later one. With a weak tag no date
/// counts: a date is strong only if the state changes at most once in its second, and a weak tag does
/// not promise that (RFC 9110, 8.8.2.2).
pub fn if_range(fields: &Headers, current: &Validators<'_>) -> bool {
    let mut lines = fields.all("if-range");
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(value), None) => match EntityTag::parse(value) {
            Some(tag) => current.etag.is_some_and(|etag| etag.matches_strongly(tag)),
            None => {
                let date = parse_http_date(value);
                let is_strong = current.etag.is_none_or(|etag| !etag.is_weak());
                is_strong && date.is_some() && date == current.last_modified.map(whole_seconds)
            }
        },
        (Some(_), Some(_)) => false,
    }
}

/// Evaluates If-Match (RFC 9110, 13.1.1) by the strong comparison, as parts of different states must not be
/// mixed.
fn if_match(fields: &Headers, current: Option<&Validators<'_>>) -> bool {
    match (TagList::parse(fields.all("if-match")), current) {
        (Some(TagList::Any), current) => current.is_some(),
        (Some(TagList::Tags(tags)), Some(Validators { etag: Some(etag), .. })) => {
            tags.iter().any(|tag| tag.matches_strongly(*etag))
        }
        _ => false,
    }
}

/// Evaluates If-None-Match (RFC 9110, 13.1.2) by the weak comparison, as near enough is good enough for a
/// cache. `None` when the field is malformed.
fn if_none_match(fields: &Headers, current: Option<&Validators<'_>>) -> Option<bool> {
    Some(match (TagList::parse(fields.all("if-none-match"))?, current) {
        (TagList::Any, current) => current.is_none(),
        (TagList::Tags(tags), Some(Validators { etag: Some(etag), .. })) => {
            !tags.iter().any(|tag| tag.matches_weakly(*etag))
        }
        (TagList::Tags(_), _) => true,
    })
}

/// Returns the date in a field that may hold one only; `None` for several (RFC 9110, 13.1.3 and 13.1.4).
fn single_date(fields: &Headers, name: &str) -> Option<SystemTime> {
    let mut lines = fields.all(name);
    let date = parse_http_date(lines.next()?)?;
    lines.next().is_none().then_some(date)
}

/// Removes the fraction of a second: a date on the wire has none.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT, and a bit.
    const CHANGED: Duration = Duration::from_millis(784_111_777_400);

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn fields(lines: &str) -> Headers {
        let mut headers = Headers::new();
        for line in lines.split_terminator(" | ") {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{line}"));
            headers.append(name, value).unwrap();
        }
        headers
    }

    fn current() -> Validators<'static> {
        let last_modified = Some(SystemTime::UNIX_EPOCH + CHANGED);
        Validators { last_modified, ..Validators::tagged("\"now\"") }
    }

    /// Fields; what GET and HEAD come to, what PUT and DELETE come to, and PUT where nothing is yet.
    #[test]
    fn the_order_of_13_2_2() {
        use Outcome::{Failed, NotModified, Proceed};
        const MATCH: Outcome = Failed("If-Match");
        const NONE_MATCH: Outcome = Failed("If-None-Match");
        const UNMODIFIED: Outcome = Failed("If-Unmodified-Since");
        let rows: &[(&str, Outcome, Outcome, Outcome)] = &[
            ("", Proceed, Proceed, Proceed),
            ("If-Match: *", Proceed, Proceed, MATCH),
            ("If-Match: \"now\"", Proceed, Proceed, MATCH),
            ("If-Match: \"old\"", MATCH, MATCH, MATCH),
            ("If-Match: W/\"now\"", MATCH, MATCH, MATCH),
            ("If-Match: \"old\", \"now\"", Proceed, Proceed, MATCH),
            ("If-Match: \"old\" | If-Match: \"now\"", Proceed, Proceed, MATCH),
            ("If-Match: now", MATCH, MATCH, MATCH),
            ("If-Match: \"now\", old", MATCH, MATCH, MATCH),
            ("If-Match: *, \"now\"", MATCH, MATCH, MATCH),
            ("If-Match: ", MATCH, MATCH, MATCH),
            ("If-None-Match: *", NotModified, NONE_MATCH, Proceed),
            ("If-None-Match: \"now\"", NotModified, NONE_MATCH, Proceed),
            ("If-None-Match: W/\"now\"", NotModified, NONE_MATCH, Proceed),
            ("If-None-Match: \"old\"", Proceed, Proceed, Proceed),
            ("If-None-Match: \"old\", W/\"now\"", NotModified, NONE_MATCH, Proceed),
            ("If-None-Match: \"old\" | If-None-Match: \"now\"", NotModified, NONE_MATCH, Proceed),
            ("If-None-Match: now", Proceed, NONE_MATCH, NONE_MATCH),
            ("If-None-Match: \"now\" x", Proceed, NONE_MATCH, NONE_MATCH),
            ("If-Modified-Since: {before}", Proceed, Proceed, Proceed),
            ("If-Modified-Since: {then}", NotModified, Proceed, Proceed),
            ("If-Modified-Since: {after}", NotModified, Proceed, Proceed),
            ("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", NotModified, Proceed, Proceed),
            ("If-Modified-Since: Sun Nov  6 08:49:37 1994", NotModified, Proceed, Proceed),
            ("If-Modified-Since: Mon, 06 Nov 1994 08:49:37 GMT", Proceed, Proceed, Proceed),
            ("If-Modified-Since: {then}, {then}", Proceed, Proceed, Proceed),
            ("If-Modified-Since: {then} | If-Modified-Since: {then}", Proceed, Proceed, Proceed),
            ("If-Modified-Since: yesterday", Proceed, Proceed, Proceed),
            ("If-Unmodified-Since: {before}", UNMODIFIED, UNMODIFIED, Proceed),
            ("If-Unmodified-Since: {then}", Proceed, Proceed, Proceed),
            ("If-Unmodified-Since: {after}", Proceed, Proceed, Proceed),
            ("If-Unmodified-Since: 0", Proceed, Proceed, Proceed),
            ("If-Unmodified-Since: {before} | If-Unmodified-Since: x", Proceed, Proceed, Proceed),
            // If-Match goes before If-Unmodified-Since, If-None-Match before If-Modified-Since.
            ("If-Match: \"now\" | If-Unmodified-Since: {before}", Proceed, Proceed, MATCH),
            ("If-Match: \"old\" | If-Unmodified-Since: {after}", MATCH, MATCH, MATCH),
            ("If-None-Match: \"old\" | If-Modified-Since: {after}", Proceed, Proceed, Proceed),
            ("If-None-Match: x | If-Modified-Since: {after}", Proceed, NONE_MATCH, NONE_MATCH),
            (
                "If-None-Match: \"now\" | If-Modified-Since: {before}",
                NotModified,
                NONE_MATCH,
                Proceed,
            ),
            // The first pair goes before the second.
            ("If-None-Match: \"now\" | If-Match: \"old\"", MATCH, MATCH, MATCH),
            ("If-None-Match: \"now\" | If-Match: \"now\"", NotModified, NONE_MATCH, MATCH),
            ("If-Modified-Since: {after} | If-Match: *", NotModified, Proceed, MATCH),
            (
                "If-Modified-Since: {then} | If-Unmodified-Since: {before}",
                UNMODIFIED,
                UNMODIFIED,
                Proceed,
            ),
        ];
        for (lines, reads, writes, creates) in rows {
            let lines =
                lines.replace("{before}", BEFORE).replace("{then}", THEN).replace("{after}", AFTER);
            let fields = fields(&lines);
            for (method, want) in [
                (Method::Get, reads),
                (Method::Head, reads),
                (Method::Put, writes),
                (Method::Delete, writes),
                (Method::Post, writes),
                (Method::Extension("BREW".into()), writes),
                (Method::Options, &Proceed),
                (Method::Trace, &Proceed),
            ] {
                let got = evaluate(&method, &fields, Some(&current()));
                assert_eq!(got, *want, "{method} {lines}");
            }
            assert_eq!(evaluate(&Method::Put, &fields, None), *creates, "nothing there; {lines}");
        }
    }

    #[test]
    fn without_validators_only_stars_can_be_told() {
        use Outcome::{Failed, NotModified, Proceed};
        for (lines, want) in [
            ("If-Match: *", Proceed),
            ("If-Match: \"x\"", Failed("If-Match")),
            ("If-None-Match: *", NotModified),
            ("If-None-Match: \"x\"", Proceed),
            ("If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT", Proceed),
            ("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT", Proceed),
        ] {
            let none = Validators::default();
            assert_eq!(evaluate(&Method::Get, &fields(lines), Some(&none)), want, "{lines}");
        }
    }

    #[test]
    fn a_weak_tag_is_known_but_never_matched() {
        let weak = Validators::tagged("W/\"now\"");
        for tag in ["\"now\"", "W/\"now\""] {
            let judge = |name: &str| {
                evaluate(&Method::Get, &fields(&format!("{name}: {tag}")), Some(&weak))
            };
            assert_eq!(judge("If-None-Match"), Outcome::NotModified);
            assert_eq!(judge("If-Match"), Outcome::Failed("If-Match"));
            assert!(!if_range(&fields(&format!("If-Range: {tag}")), &weak));
        }
    }

    #[test]
    fn a_part_is_sent_of_the_same_state_only() {
        for (lines, want) in [
            ("", true),
            ("If-Range: \"now\"", true),
            ("If-Range: \"old\"", false),
            ("If-Range: W/\"now\"", false),
            ("If-Range: now", false),
            ("If-Range: *", false),
            ("If-Range: \"now\", \"now\"", false),
            ("If-Range: \"now\" | If-Range: \"now\"", false),
            ("If-Range: {then}", true),
            ("If-Range: Sunday, 06-Nov-94 08:49:37 GMT", true),
            ("If-Range: {before}", false),
            ("If-Range: {after}", false),
            ("If-Range: ", false),
        ] {
            let lines =
                lines.replace("{before}", BEFORE).replace("{then}", THEN).replace("{after}", AFTER);
            assert_eq!(if_range(&fields(&lines), &current()), want, "{lines}");
        }
        let none = Validators::default();
        assert!(!if_range(&fields("If-Range: x"), &none), "no date is not the same as no date");
        let same_date = fields(&format!("If-Range: {THEN}"));
        for (tag, want) in [("\"now\"", true), ("W/\"now\"", false), ("", true)] {
            let state = Validators { etag: Validators::tagged(tag).etag, ..current() };
            assert_eq!(if_range(&same_date, &state), want, "the date of what is tagged {tag:?}");
        }
    }
}
