//! The parameters of a field: `form-data; name="to"` (RFC 2045, 5.1).

use super::accept::split_unquoted;
use super::chars::trim_ows;
use crate::proto::scan::position;

/// A parameter that stands there twice, or with quotes that do not end where it ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Returns the value of the parameter of this name, in any case, without its quotes.
pub(super) fn parameter(field: &[u8], wanted: &str) -> Result<Option<Vec<u8>>, Malformed> {
    let mut found = None;
    for part in split_unquoted(field, b';').skip(1) {
        let Some(equals) = position(b'=', part) else { continue };
        if trim_ows(&part[..equals]).eq_ignore_ascii_case(wanted.as_bytes()) {
            let value = unquoted(trim_ows(&part[equals + 1..])).ok_or(Malformed)?;
            if found.replace(value).is_some() {
                return Err(Malformed);
            }
        }
    }
    Ok(found)
}

/// Returns a text without its quotes. In them `\"` is a quote and `\\` a backslash, as programs send them;
/// browsers send `%22` instead, and any other backslash is one, as in `C:\cat.png`.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let Some(mut rest) = text.strip_prefix(b"\"") else {
        return position(b'"', text).is_none().then(|| text.to_vec());
    };
    let mut plain = Vec::with_capacity(rest.len());
    loop {
        match rest {
            [b'"'] => return Some(plain),
            [] | [b'"', ..] => return None,
            [b'\\', byte @ (b'"' | b'\\'), after @ ..] | [byte, after @ ..] => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_parameter() {
        for (field, want) in [
            ("form-data", Ok(None)),
            ("a=b", Ok(None)),
            ("x; a", Ok(None)),
            ("x; aa=b", Ok(None)),
            ("x; a*=b", Ok(None)),
            ("x;a=b", Ok(Some("b"))),
            ("x; A = b ; c", Ok(Some("b"))),
            ("x; a=", Ok(Some(""))),
            ("x; a=\"\"", Ok(Some(""))),
            ("x; a=\"b; c=d\"", Ok(Some("b; c=d"))),
            ("x; a=b c=d", Ok(Some("b c=d"))),
            ("x; a=\"b\\\"c\"", Ok(Some("b\"c"))),
            ("x; a=\"b\\\\\"", Ok(Some("b\\"))),
            ("x; a=\"C:\\b\\c\"", Ok(Some("C:\\b\\c"))),
            ("x; a=b\\", Ok(Some("b\\"))),
            ("x; b=\"; a=c\"", Ok(None)),
            ("x; b=\"\\\"; a=c\"; a=d", Ok(Some("d"))),
            ("x; a=\"", Err(Malformed)),
            ("x; a=\"b\\\"", Err(Malformed)),
            ("x; a=\"b\"c", Err(Malformed)),
            ("x; a=b\"c\"", Err(Malformed)),
            ("x; a=b; A=b", Err(Malformed)),
        ] {
            let want = want.map(|value: Option<&str>| value.map(|text| text.as_bytes().to_vec()));
            assert_eq!(parameter(field.as_bytes(), "a"), want, "{field}");
        }
    }
}
