//! The patterns of paths: literal segments, named ones, and the rest.

use std::borrow::Cow;
use std::sync::Arc;

use crate::proto::http::chars::decimal;
use crate::server::request::Params;

/// The segments of a request's path, decoded.
pub(super) type Segments<'p> = Vec<Cow<'p, [u8]>>;

/// The pattern of a route.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) text: String,
    segments: Vec<Segment>,
    /// The text has no names and nothing to decode: a path that equals it matches this pattern.
    pub(super) is_literal: bool,
}

/// Sorted in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    Literal(String),
    /// A decimal number that fits into 64 bits.
    Number(Arc<str>),
    Param(Arc<str>),
    Rest(Option<Arc<str>>),
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Segment::Number(name) | Segment::Param(name) | Segment::Rest(Some(name)) => Some(name),
            Segment::Literal(_) | Segment::Rest(None) => None,
        }
    }

    fn same_name(&self, other: &Segment) -> bool {
        self.name().is_some_and(|name| other.name() == Some(name))
    }
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Pattern, &'static str> {
        let path = text.strip_prefix('/').ok_or("a pattern begins with /")?;
        let mut segments: Vec<Segment> = Vec::new();
        for part in path.split('/') {
            if matches!(segments.last(), Some(Segment::Rest(_))) {
                return Err("nothing may follow {name...}");
            }
            let segment = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                None if part.starts_with([':', '*']) => {
                    return Err("a name stands in braces");
                }
                None if part.contains(['{', '}']) => {
                    return Err("a name in braces is a whole segment");
                }
                None => Segment::Literal(part.to_owned()),
                Some(name) => match (name.strip_suffix("..."), name.strip_suffix(":u64")) {
                    (Some(""), _) => Segment::Rest(None),
                    (Some(name), _) => Segment::Rest(Some(name.into())),
                    (None, Some(name)) => Segment::Number(name.into()),
                    (None, None) => Segment::Param(name.into()),
                },
            };
            match &segment {
                Segment::Param(name) | Segment::Number(name) | Segment::Rest(Some(name))
                    if name.is_empty() || name.contains(['{', '}', '.', ':']) =>
                {
                    return Err("a name is one or more letters, and may end with :u64");
                }
                _ if segments.iter().any(|other| other.same_name(&segment)) => {
                    return Err("a name stands there twice");
                }
                _ => segments.push(segment),
            }
        }
        let is_literal = |segment| matches!(segment, &Segment::Literal(_));
        let is_literal = !text.contains('%') && segments.iter().all(is_literal);
        Ok(Pattern { text: text.to_owned(), segments, is_literal })
    }

    /// Reads a prefix of paths, such as `/api`; it is empty for all paths.
    ///
    /// # Errors
    /// As [`Pattern::parse`].
    pub(super) fn of_prefix(text: &str) -> Result<Pattern, &'static str> {
        match text {
            "" => Ok(Pattern { text: String::new(), segments: Vec::new(), is_literal: false }),
            _ => Pattern::parse(text),
        }
    }

    /// Returns true if both match the same paths; their names may differ.
    pub(super) fn same_shape(&self, other: &Pattern) -> bool {
        let same = |(a, b): (&Segment, &Segment)| match (a, b) {
            (Segment::Literal(a), Segment::Literal(b)) => a == b,
            (Segment::Number(_), Segment::Number(_))
            | (Segment::Param(_), Segment::Param(_))
            | (Segment::Rest(_), Segment::Rest(_)) => true,
            _ => false,
        };
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(same)
    }

    /// Returns the sort key: literal, number, named, the rest; segment by segment.
    pub(super) fn rank(&self) -> Vec<&Segment> {
        self.segments.iter().collect()
    }

    #[inline(always)] // called for each pattern of a router: 330 instructions a request
    pub(super) fn fits(&self, parts: &[Cow<'_, [u8]>]) -> bool {
        let long_enough = match self.segments.last() {
            Some(Segment::Rest(_)) => parts.len() >= self.segments.len(),
            _ => parts.len() == self.segments.len(),
        };
        let fits = |(segment, part): (&Segment, &Cow<'_, [u8]>)| match segment {
            Segment::Literal(literal) => literal.as_bytes() == part.as_ref(),
            Segment::Number(_) => decimal(part).is_some(),
            Segment::Param(_) => !part.is_empty() && str::from_utf8(part).is_ok(),
            Segment::Rest(_) => true,
        };
        long_enough && self.segments.iter().zip(parts).all(fits)
    }

    /// Returns true if the path begins with what this pattern matches.
    pub(super) fn begins(&self, parts: &[Cow<'_, [u8]>]) -> bool {
        let start = self.segments.len().min(parts.len());
        self.segments.len() <= parts.len() && self.fits(&parts[..start])
    }

    /// Returns true if it has a part of this name; `...` is the rest, whatever its name.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_it = |segment: &Segment| match segment {
            Segment::Rest(_) if name == "..." => true,
            segment => segment.name() == Some(name),
        };
        self.segments.iter().any(is_it)
    }

    /// Returns the values of the named segments, decoded. Those of `{name...}` are joined by `/`.
    #[inline(always)]
    pub(super) fn params(&self, parts: &[Cow<'_, [u8]>]) -> Params {
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let named = self.segments.iter().enumerate().filter_map(|(at, segment)| match segment {
            Segment::Literal(_) | Segment::Rest(None) => None,
            Segment::Param(name) | Segment::Number(name) => {
                Some((Arc::clone(name), text(&parts[at])))
            }
            Segment::Rest(Some(name)) => Some((Arc::clone(name), text(&parts[at..].join(&b'/')))),
        });
        let before_rest = match self.segments.last() {
            Some(Segment::Rest(_)) => self.segments.len() - 1,
            _ => 0,
        };
        Params { named: named.collect(), before_rest }
    }
}
