//! `-H @FILE`: fields from a file, one in each line. Empty lines are skipped, and those that begin with `#`.

use std::path::Path;

use super::build_request::read_data;
use super::error::CommandError;
use crate::cli::client::{Field, parse_field};

/// Returns the fields, with those of each file in its place.
///
/// # Errors
/// When a file cannot be read, or a line is no field. The line is not shown: it may have a password.
pub(super) fn with_files(fields: &[Field]) -> Result<Vec<Field>, CommandError> {
    let mut all = Vec::with_capacity(fields.len());
    for field in fields {
        match field {
            Field::File(path) => all.extend(fields_of(path)?),
            field => all.push(field.clone()),
        }
    }
    Ok(all)
}

fn fields_of(path: &Path) -> Result<Vec<Field>, CommandError> {
    let text = read_data(path)?;
    let lines =
        text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    let one = |(at, line): (usize, &[u8])| {
        let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
        parse_field(line).filter(|_| !is_folded).ok_or_else(|| {
            let place = format!("{}, line {}", path.display(), at + 1);
            CommandError::Usage(format!(
                "{place}: no field; right: 'Name: value', 'Name;' for an empty value, or 'Name:' to remove a field"
            ))
        })
    };
    lines.map(one).collect()
}

/// Returns true if a field of this name is removed.
pub(super) fn removes(fields: &[Field], name: &str) -> bool {
    fields
        .iter()
        .any(|field| matches!(field, Field::Remove(removed) if removed.eq_ignore_ascii_case(name)))
}
