//! A row for each of several URLs.

use std::cmp::Reverse;

use super::text::cell;
use super::{QUANTILES, UrlSummary};
use crate::text::grouped;

/// The most rows.
const ROWS: usize = 20;
/// The width of the last column.
const URL: usize = 34;

/// Returns the table; of more than 20 URLs, the slowest ones. Empty without several URLs.
pub(super) fn url_rows(urls: &[UrlSummary]) -> String {
    let place = |name| QUANTILES.iter().position(|(known, _)| *known == name).unwrap_or_default();
    let (median, high, most) = (place("p50"), place("p99"), place("max"));
    let mut shown: Vec<&UrlSummary> = urls.iter().collect();
    if urls.len() > ROWS {
        // Stable: of equal ones, the first.
        shown.sort_by_key(|url| {
            Reverse(url.latency.as_ref().map(|latency| latency.quantiles[high]))
        });
        shown.truncate(ROWS);
    }
    let start = common_start(&shown);
    let rows = shown.iter().map(|url| {
        let time = |place| cell(url.latency.as_ref().and_then(|latency| latency.measured(place)));
        let (answers, errors) = (grouped(url.answers), grouped(url.errors()));
        let times = [median, high, most].map(time).concat();
        format!(
            "{answers:>11}{errors:>8}{times}  {}\n",
            shortened(url.asked.get(start..).unwrap_or_default())
        )
    });
    let head = format!("{:>11}{:>8}{:>8}{:>8}{:>8}\n", "responses", "errors", "50%", "99%", "max");
    match urls.len() {
        0 | 1 => String::new(),
        all if all > ROWS => {
            let all = grouped(all as u64);
            format!(
                "{head}{}the slowest {ROWS} of {all} URLs; --json-out has all\n",
                rows.collect::<String>()
            )
        }
        _ => head + &rows.collect::<String>(),
    }
}

/// Returns how many bytes all of these have in common up to the path: method, scheme and server.
fn common_start(urls: &[&UrlSummary]) -> usize {
    let start = |url: &UrlSummary| {
        let server = url.asked.find("://").map_or(0, |at| at + 3);
        server + url.asked.get(server..).and_then(|rest| rest.find('/')).unwrap_or_default()
    };
    let Some(first) = urls.first() else { return 0 };
    let common = start(first);
    let is_common = |url: &&UrlSummary| url.asked.get(..common) == first.asked.get(..common);
    if urls.iter().all(is_common) { common } else { 0 }
}

/// Returns a URL without its middle, if it is long.
fn shortened(url: &str) -> String {
    let chars: Vec<char> = url.chars().collect();
    if chars.len() <= URL {
        return url.to_owned();
    }
    let (start, end) = (&chars[..URL / 2], &chars[chars.len() + 1 + URL / 2 - URL..]);
    start.iter().chain(&['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(asked: &str) -> UrlSummary {
        let asked = asked.to_owned();
        UrlSummary { asked, weight: 1, answers: 3, not_2xx: 1, failed: 1, latency: None }
    }

    #[test]
    fn rows_show_what_differs_and_nothing_that_was_not_measured() {
        assert_eq!(url_rows(&[url("GET http://a/")]), "");
        let long = format!("GET http://a:8080/{}?x=1", "y".repeat(50));
        let page = url_rows(&[url("GET http://a:8080/"), url(&long)]);
        let want = "  responses  errors     50%     99%     max\n          3       2       -       -       -  /\n\
                    \u{20}         3       2       -       -       -  /yyyyyyyyyyyyyyyy…yyyyyyyyyyyy?x=1\n";
        assert_eq!(page, want);
        let page = url_rows(&[url("GET http://a/x"), url("GET http://b/x")]);
        assert!(
            page.contains("  GET http://a/x\n") && page.contains("  GET http://b/x\n"),
            "{page}"
        );
        let many: Vec<UrlSummary> = (0..30).map(|n| url(&format!("GET http://a/{n}"))).collect();
        let page = url_rows(&many);
        assert!(
            page.lines().count() == 22 && page.ends_with("20 of 30 URLs; --json-out has all\n"),
            "{page}"
        );
    }
}
