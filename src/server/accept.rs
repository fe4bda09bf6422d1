//! Which of the forms of an answer a client would rather have (RFC 9110, 12.5.1).
//!
//! A form has the weight of the range that names it most exactly: `text/html` before `text/*` before
//! `*/*`. A range without a weight has 1; 0 is "never"; one that is no number is not heard.

use crate::proto::http::chars::trim_ows;
use crate::proto::http::headers::Headers;

/// Is HTML named, and does it weigh as much as plain text at least? So it is with browsers; a
/// client that takes anything (`*/*`, or no `Accept`), as curl does, gets text.
pub(super) fn prefers_html(headers: &Headers) -> bool {
    let html = weight(headers, b"text/html");
    let named = html.is_some_and(|(exactness, weight)| exactness == 2 && weight > 0);
    let weight_of = |found: Option<(u8, u16)>| found.map_or(0, |(_, weight)| weight);
    named && weight_of(html) >= weight_of(weight(headers, b"text/plain"))
}

/// How exactly a type is named, and its weight in thousandths.
fn weight(headers: &Headers, wanted: &[u8]) -> Option<(u8, u16)> {
    let ranges = headers.list("accept").filter_map(|range| {
        let mut parts = range.split(|&byte| byte == b';').map(trim_ows);
        let exactness = match parts.next()? {
            b"*/*" => 0,
            range if range.eq_ignore_ascii_case(b"text/*") => 1,
            range if range.eq_ignore_ascii_case(wanted) => 2,
            _ => return None,
        };
        let weight = parts.find_map(|part| match part {
            [b'q' | b'Q', b'=', number @ ..] => Some(thousandths(number)),
            _ => None,
        });
        Some((exactness, weight.unwrap_or(Some(1000))?))
    });
    ranges.max()
}

/// `qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )` (RFC 9110, 12.4.2).
fn thousandths(number: &[u8]) -> Option<u16> {
    let (whole, fraction) = match number {
        [whole, b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        [whole] => (whole, &[][..]),
        _ => return None,
    };
    let mut sum = u16::from(*b"01".iter().find(|&digit| digit == whole)? - b'0');
    for at in 0..3 {
        let digit = fraction.get(at).unwrap_or(&b'0');
        sum = sum * 10 + u16::from(Some(digit).filter(|digit| digit.is_ascii_digit())? - b'0');
    }
    Some(sum).filter(|&sum| sum <= 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_html_and_curl_gets_text() {
        const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,\
             image/avif,image/webp,image/apng,*/*;q=0.8";
        for (accept, html) in [
            (CHROMIUM, true),
            ("text/html, application/xml;q=0.9, */*;q=0.8", true),
            ("Text/HTML;q=0.9", true),
            ("text/html;charset=utf-8", true),
            ("text/html;level=1;q=0.001", true),
            ("text/html, text/plain", true),
            ("text/html;q=0", false),
            ("text/html;q=0.000, */*", false),
            ("text/html;q=0.5, */*", false),
            ("text/html;q=0.5, text/*;q=0.6", false),
            ("text/plain, text/html;q=0.9", false),
            ("text/html;q=0.5, text/plain;q=0.1, */*", true),
            ("text/html;q=1.5", false),
            ("text/html;q=x", false),
            ("text/html;q=", false),
            ("text/html;q=0.1234", false),
            ("text/html;q=1.000", true),
            ("text/html;q=:", false),
            ("text/htmlx, text", false),
            ("*/*", false),
            ("text/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let mut headers = Headers::new();
            headers.append("Accept", accept).unwrap();
            assert_eq!(prefers_html(&headers), html, "{accept}");
        }
        assert!(!prefers_html(&Headers::new()));
    }
}
