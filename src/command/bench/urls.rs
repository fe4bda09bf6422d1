//! The URLs of a measurement: those of the command line, and those of the file of `--urls`, with their weights. Pure.

/// The most URLs, each of which has its own figures.
pub const MOST: usize = 10_000;

/// The highest weight.
const HEAVIEST: u32 = 1_000_000;

/// What a line should be.
const RIGHT: &str = "a URL, or a weight from 1 to 1000000 and a URL: 3 http://127.0.0.1:8080/";

/// A URL, and how often it is requested for each request of one with weight 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightedUrl {
    /// The URL as it was typed.
    pub url: String,
    /// Its weight, at least 1.
    pub weight: u32,
    /// Where it is from, for errors: `urls.txt:3`.
    pub place: Option<String>,
}

impl WeightedUrl {
    /// Returns a URL of the command line: all of those have the same weight.
    pub fn typed(url: &str) -> WeightedUrl {
        WeightedUrl { url: url.to_owned(), weight: 1, place: None }
    }
}

/// Parses a file: a line for each URL, `[WEIGHT] URL`. Empty lines, and those that begin with `#`, say nothing.
///
/// # Errors
/// One line: the file and the number of the line, what is wrong, and what is right.
pub fn parse(name: &str, text: &[u8]) -> Result<Vec<WeightedUrl>, String> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let mut urls = Vec::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let place = || format!("{name}:{number}");
        let line = str::from_utf8(line).map_err(|_| {
            format!(
                "{}: the line is not UTF-8; right: other bytes percent-encoded, such as %C3%BC",
                place()
            )
        })?;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (weight, url) = line_of(line)
            .ok_or_else(|| format!("{}: {line:?} is wrong; right: {RIGHT}", place()))?;
        urls.push(WeightedUrl { url: url.to_owned(), weight, place: Some(place()) });
        if urls.len() > MOST {
            return Err(format!("{}: these are more than {MOST} URLs; right: fewer", place()));
        }
    }
    match urls.is_empty() {
        true => Err(format!("{name}: there is no URL; right: on each line, {RIGHT}")),
        false => Ok(urls),
    }
}

fn line_of(line: &str) -> Option<(u32, &str)> {
    let Some((weight, url)) = line.split_once(char::is_whitespace) else { return Some((1, line)) };
    let is_number = weight.bytes().all(|byte| byte.is_ascii_digit());
    let weight =
        weight.parse().ok().filter(|weight| is_number && (1..=HEAVIEST).contains(weight))?;
    let url = url.trim_start();
    (!url.contains(char::is_whitespace)).then_some((weight, url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_and_without_weights() {
        let text = "\u{feff}# all\n\nhttp://a/\r\n 3 http://b/x?y=z#f \n\t20\t:8080/\n#3 http://c/\n8080/x";
        let got = parse("f", text.as_bytes()).unwrap();
        let got: Vec<(u32, &str, &str)> =
            got.iter().map(|one| (one.weight, &*one.url, one.place.as_deref().unwrap())).collect();
        let want = [
            (1, "http://a/", "f:3"),
            (3, "http://b/x?y=z#f", "f:4"),
            (20, ":8080/", "f:5"),
            (1, "8080/x", "f:7"),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn wrong_lines_are_named() {
        for (text, said) in [
            ("", "f: there is no URL"),
            ("# no\n\n", "f: there is no URL"),
            ("http://a/\n0 http://b/", "f:2: \"0 http://b/\" is wrong; right: a URL, or a weight"),
            ("1000001 http://b/", "f:1: "),
            ("-1 http://b/", "f:1: "),
            ("1.5 http://b/", "f:1: "),
            ("+1 http://b/", "f:1: "),
            ("GET http://b/", "f:1: "),
            ("http://b/ 3", "f:1: "),
            ("3 http://b/ x", "f:1: "),
        ] {
            let error = parse("f", text.as_bytes()).unwrap_err();
            assert!(error.starts_with(said) && error.contains("; right: "), "{text:?}: {error}");
            assert_eq!(error.lines().count(), 1);
        }
        let error = parse("f", b"http://a/\n\xff").unwrap_err();
        assert!(error.starts_with("f:2: the line is not UTF-8"), "{error}");
        let error = parse("f", "a/\n".repeat(10_001).as_bytes()).unwrap_err();
        assert!(error.starts_with("f:10001: "), "{error}");
    }
}
