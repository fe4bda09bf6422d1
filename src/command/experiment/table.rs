//! Tables of comma-separated values (RFC 4180): what is written, and what is read again by `--resume`.

/// Returns the line of these fields.
pub(super) fn line<'f>(fields: impl IntoIterator<Item = &'f str>) -> String {
    let quoted = fields.into_iter().map(|field| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

/// Returns the fields of a line, whose fields have no line ends; `None` if a quote is not closed.
pub(super) fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if is_quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    (!is_quoted).then_some(fields)
}

/// Returns a number with at most six digits behind the point, and none that say nothing.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for row in [&["a", "", "b"][..], &["1,5", "say \"no\"", "x"], &["\""], &[""]] {
            assert_eq!(fields(line(row.iter().copied()).trim_end_matches('\n')).unwrap(), row);
        }
        assert_eq!(fields("a,\"b"), None);
        assert_eq!(
            (number(1.0), number(0.1), number(1e-9)),
            ("1".into(), "0.1".into(), "0".into())
        );
    }
}
