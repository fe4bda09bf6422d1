//! Domain names: sequences of labels, which are octets. Kept as they came, and compared without case
//! (RFC 1035, 2.3.3; RFC 4343).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::iter::{from_fn, successors};
use std::net::IpAddr;

/// The most octets of a name, with a length before each label and the empty label at the end.
pub(super) const MAX_NAME: usize = 255;
/// The most octets of a label.
const MAX_LABEL: u8 = 63;

const LONG: &str = "a name has at most 255 octets (RFC 1035, 2.3.4)";
const QUOTE: &str = "a quotation mark in a name needs a backslash (RFC 1035, 5.1)";
const ESCAPE: &str =
    "a character, or three digits up to 255, must follow a backslash (RFC 1035, 5.1)";

/// A domain name that ends at the root.
///
/// ```
/// use threadbare::proto::dns::Name;
///
/// let zone = Name::parse("example.org.")?;
/// let host = Name::parse_within("www", &zone)?;
/// assert_eq!(host.to_string(), "www.example.org.");
/// assert!(host.is_within(&zone));
/// assert_eq!(host, Name::parse("WWW.Example.ORG")?);
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone)]
pub struct Name(
    /// The form in a message, without compression: each label after its length, and a 0 at the end. A
    /// length is less than 64, so that it is no letter when two names are compared without case.
    Box<[u8]>,
);

impl Name {
    /// Returns the root, which has no labels.
    pub fn root() -> Name {
        Name(Box::new([0]))
    }

    /// Parses the usual notation. A dot at the end may be missing.
    ///
    /// # Errors
    /// The rule that the text breaks, and where it is from.
    pub fn parse(text: &str) -> Result<Name, &'static str> {
        Name::parse_within(text, &Name::root())
    }

    /// Parses the notation of master files: a name without a dot at its end continues with `origin`, and
    /// `@` is `origin` itself. `\.` is a dot within a label, `\DDD` an octet in decimal.
    ///
    /// # Errors
    /// The rule that the text breaks, and where it is from.
    pub fn parse_within(text: &str, origin: &Name) -> Result<Name, &'static str> {
        match text {
            "" => return Err("the name is empty; the root is a dot (RFC 1035, 5.1)"),
            "." => return Ok(Name::root()),
            "@" => return Ok(origin.clone()),
            _ => {}
        }
        // Each label after its length, which is not known before its end.
        let (mut wire, mut label) = (Vec::new(), Vec::new());
        let end_label = |wire: &mut Vec<u8>, label: &mut Vec<u8>| {
            let length = u8::try_from(label.len()).ok().filter(|&length| length <= MAX_LABEL);
            wire.push(length.ok_or("a label has at most 63 octets (RFC 1035, 2.3.4)")?);
            let is_empty = label.is_empty();
            wire.append(label);
            if is_empty { Err("a label of the name is empty (RFC 1035, 3.1)") } else { Ok(()) }
        };
        for octet in unescape(text) {
            match octet.ok_or(ESCAPE)? {
                (b'.', false) => end_label(&mut wire, &mut label)?,
                (b'"', false) => return Err(QUOTE),
                (octet, _) => label.push(octet),
            }
        }
        if label.is_empty() {
            wire.push(0);
        } else {
            end_label(&mut wire, &mut label)?;
            wire.extend_from_slice(&origin.0);
        }
        let is_long = wire.len() > MAX_NAME;
        if is_long { Err(LONG) } else { Ok(Name::from_wire(&wire)) }
    }

    /// Returns the name of these octets: labels with their lengths, and a 0. The caller has checked that
    /// they are, and that they are no more than [`MAX_NAME`].
    pub(super) fn from_wire(wire: &[u8]) -> Name {
        Name(wire.into())
    }

    /// Returns the name that owns the PTR record of an address (RFC 1035, 3.5; RFC 3596, 2.5).
    pub fn reverse(address: IpAddr) -> Name {
        let (octets, zone) = match address {
            IpAddr::V4(address) => (address.octets().to_vec(), "in-addr.arpa."),
            IpAddr::V6(address) => (address.octets().to_vec(), "ip6.arpa."),
        };
        let label = |octet: &u8| match address {
            IpAddr::V4(_) => format!("{octet}."),
            IpAddr::V6(_) => format!("{:x}.{:x}.", octet & 0xf, octet >> 4),
        };
        let text = octets.iter().rev().map(label).collect::<String>() + zone;
        Name::parse(&text).expect("labels of at most 7 octets, 74 in all")
    }

    /// Returns the octets of the name as in a message, without compression.
    pub fn wire(&self) -> &[u8] {
        &self.0
    }

    /// Returns true if this is the root.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// Returns the labels, without the empty one at the end.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let labels = suffixes(&self.0).map(|suffix| &suffix[1..=usize::from(suffix[0])]);
        labels.filter(|label| !label.is_empty())
    }

    /// Returns the name without its first label; `None` for the root.
    pub fn parent(&self) -> Option<Name> {
        suffixes(&self.0).nth(1).map(Name::from_wire)
    }

    /// Returns true if this name is `zone` or below it.
    pub fn is_within(&self, zone: &Name) -> bool {
        suffixes(&self.0).any(|suffix| suffix.eq_ignore_ascii_case(&zone.0))
    }
}

/// Returns the rest of a name from each of its labels on; the last one is the root.
pub(super) fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    successors(Some(wire), |rest| match usize::from(rest[0]) {
        0 => None,
        length => Some(&rest[1 + length..]),
    })
}

/// Returns the octets of a text, each with true if it came after a backslash, as itself or in decimal;
/// `None` for a backslash that neither a character nor three digits up to 255 follow.
pub(super) fn unescape(text: &str) -> impl Iterator<Item = Option<(u8, bool)>> {
    let mut rest = text.as_bytes();
    from_fn(move || {
        let (octet, length) = match rest {
            [b'\\', b'0'..=b'9', ..] => {
                let digits = rest.get(1..4).and_then(|digits| str::from_utf8(digits).ok());
                (digits.and_then(|digits| Some((digits.parse().ok()?, true))), 4)
            }
            [b'\\', octet @ ..] => (octet.first().map(|&octet| (octet, true)), 2),
            [octet, ..] => (Some((*octet, false)), 1),
            [] => return None,
        };
        rest = rest.get(length..).unwrap_or_default();
        Some(octet)
    })
}

/// Writes an octet so that [`unescape`] reads it: `special` ones after a backslash, and those that are
/// not visible, except `space`, in decimal.
pub(super) fn escape(
    octet: u8,
    special: &[u8],
    space: u8,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match octet {
        _ if special.contains(&octet) => write!(f, "\\{}", char::from(octet)),
        _ if octet.is_ascii_graphic() || octet == space => write!(f, "{}", char::from(octet)),
        _ => write!(f, "\\{octet:03}"),
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // All at once: it costs a hasher little more than one octet does.
        let mut lower = [0; MAX_NAME];
        let lower = &mut lower[..self.0.len()];
        lower.copy_from_slice(&self.0);
        lower.make_ascii_lowercase();
        state.write(lower);
    }
}

/// The notation of master files, always with a dot at the end.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        for label in self.labels() {
            label.iter().try_for_each(|&octet| escape(octet, b".\\\";()@$", b'.', f))?;
            f.write_str(".")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
