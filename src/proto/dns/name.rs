//! Domain names: sequences of labels, which are octets. Kept as they came, and compared without case
//! (RFC 1035, 2.3.3; RFC 4343).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

/// The most octets of a name, with a length before each label and the empty label at the end.
pub(super) const MAX_NAME: usize = 255;
/// The most octets of a label.
const MAX_LABEL: usize = 63;

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
/// # Ok::<(), threadbare::proto::dns::InvalidName>(())
/// ```
#[derive(Clone)]
pub struct Name {
    /// The form in a message, without compression: each label after its length, and a 0 at the end. A
    /// length is less than 64, so that it is no letter when two names are compared without case.
    wire: Box<[u8]>,
}

/// Why a text is no name (RFC 1035, 2.3.4 and 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidName {
    /// The text is empty; the root is a dot.
    Empty,
    /// Two dots in a row, or one at the beginning.
    EmptyLabel,
    /// A label has more than 63 octets.
    LongLabel,
    /// The name has more than 255 octets.
    Long,
    /// A quotation mark without a backslash.
    Quote,
    /// A backslash without a character, or three digits up to 255, after it.
    Escape,
}

impl Name {
    /// Returns the root, which has no labels.
    pub fn root() -> Name {
        Name { wire: Box::new([0]) }
    }

    /// Parses the usual notation. A dot at the end may be missing.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn parse(text: &str) -> Result<Name, InvalidName> {
        Name::parse_within(text, &Name::root())
    }

    /// Parses the notation of master files: a name without a dot at its end continues with `origin`, and
    /// `@` is `origin` itself. `\.` is a dot within a label, `\DDD` an octet in decimal.
    ///
    /// # Errors
    /// [`InvalidName`].
    pub fn parse_within(text: &str, origin: &Name) -> Result<Name, InvalidName> {
        match text {
            "" => return Err(InvalidName::Empty),
            "." => return Ok(Name::root()),
            "@" => return Ok(origin.clone()),
            _ => {}
        }
        let (mut wire, mut label) = (Vec::new(), Vec::new());
        for octet in unescape(text) {
            match octet.ok_or(InvalidName::Escape)? {
                (b'.', false) => push_label(&mut wire, &mut label)?,
                (b'"', false) => return Err(InvalidName::Quote),
                (octet, _) => label.push(octet),
            }
        }
        if label.is_empty() {
            return Name::root().below(wire);
        }
        push_label(&mut wire, &mut label)?;
        origin.below(wire)
    }

    /// Returns the name of these octets: labels with their lengths, and a 0. The caller has checked that
    /// they are, and that they are no more than [`MAX_NAME`].
    pub(super) fn from_wire(wire: &[u8]) -> Name {
        Name { wire: wire.into() }
    }

    /// Returns the name that owns the PTR record of an address (RFC 1035, 3.5; RFC 3596, 2.5).
    pub fn reverse(address: IpAddr) -> Name {
        let text = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
            }
            IpAddr::V6(address) => {
                let octets = address.octets().into_iter().rev();
                let digits = octets.map(|octet| format!("{:x}.{:x}.", octet & 0xf, octet >> 4));
                digits.collect::<String>() + "ip6.arpa."
            }
        };
        Name::parse(&text).expect("labels of at most 7 octets, 74 in all")
    }

    /// Returns the octets of the name as in a message, without compression.
    pub fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// Returns true if this is the root.
    pub fn is_root(&self) -> bool {
        self.wire.len() == 1
    }

    /// Returns the labels, without the empty one at the end.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        suffixes(&self.wire).map(|suffix| &suffix[1..=usize::from(suffix[0])])
    }

    /// Returns the name without its first label; `None` for the root.
    pub fn parent(&self) -> Option<Name> {
        let after = &self.wire[1..];
        (!self.is_root()).then(|| Name { wire: after[usize::from(self.wire[0])..].into() })
    }

    /// Returns true if this name is `zone` or below it.
    pub fn is_within(&self, zone: &Name) -> bool {
        suffixes(&self.wire).chain([&[0][..]]).any(|suffix| suffix.eq_ignore_ascii_case(&zone.wire))
    }

    /// Returns `label` before this name: `*` and `example.org.` are `*.example.org.`
    ///
    /// # Errors
    /// [`InvalidName::LongLabel`], [`InvalidName::EmptyLabel`] or [`InvalidName::Long`].
    pub fn child(&self, label: &[u8]) -> Result<Name, InvalidName> {
        let mut wire = Vec::new();
        push_label(&mut wire, &mut label.to_vec())?;
        self.below(wire)
    }

    /// Returns these labels before this name.
    fn below(&self, mut labels: Vec<u8>) -> Result<Name, InvalidName> {
        labels.extend_from_slice(&self.wire);
        let is_long = labels.len() > MAX_NAME;
        if is_long { Err(InvalidName::Long) } else { Ok(Name::from_wire(&labels)) }
    }
}

/// Returns the rest of a name from each of its labels on, without the last one, which is the root.
pub(super) fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let suffix = rest;
        let length = usize::from(*suffix.first()?);
        rest = suffix.get(1 + length..)?;
        (length > 0).then_some(suffix)
    })
}

/// Appends the label after its length, and empties it.
fn push_label(wire: &mut Vec<u8>, label: &mut Vec<u8>) -> Result<(), InvalidName> {
    let length = u8::try_from(label.len()).ok().filter(|&length| usize::from(length) <= MAX_LABEL);
    match length {
        Some(0) => Err(InvalidName::EmptyLabel),
        None => Err(InvalidName::LongLabel),
        Some(length) => {
            wire.push(length);
            wire.append(label);
            Ok(())
        }
    }
}

/// Returns the octets of a text, each with true if it came after a backslash, as itself or in decimal;
/// `None` for a backslash that neither a character nor three digits up to 255 follow.
pub(super) fn unescape(text: &str) -> impl Iterator<Item = Option<(u8, bool)>> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (octet, length) = match rest {
            [b'\\', digits @ ..] if digits.first().is_some_and(u8::is_ascii_digit) => {
                let digits = digits.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
                (digits.and_then(|digits| digits.parse().ok()).map(|octet| (octet, true)), 4)
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
        self.wire.eq_ignore_ascii_case(&other.wire)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in &self.wire {
            state.write_u8(byte.to_ascii_lowercase());
        }
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

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidName::Empty => "the name is empty; the root is written as a dot (RFC 1035, 5.1)",
            InvalidName::EmptyLabel => "a label of the name is empty (RFC 1035, 3.1)",
            InvalidName::LongLabel => "a label has at most 63 octets (RFC 1035, 2.3.4)",
            InvalidName::Long => "a name has at most 255 octets (RFC 1035, 2.3.4)",
            InvalidName::Quote => "a quotation mark in a name needs a backslash (RFC 1035, 5.1)",
            InvalidName::Escape => {
                "a character, or three digits up to 255, must follow a backslash (RFC 1035, 5.1)"
            }
        })
    }
}

impl std::error::Error for InvalidName {}
