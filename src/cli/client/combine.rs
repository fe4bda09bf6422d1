//! Which options of an operation of `client` cannot be combined.

use super::options::{ClientOptions, Resume, UploadFrom};

/// Checks the options of one operation.
///
/// # Errors
/// What is wrong, and what is right.
pub(super) fn check(options: &ClientOptions) -> Result<(), String> {
    if options.urls.is_empty() {
        return Err("no URL; right: client http://127.0.0.1:8080/".to_owned());
    }
    let sends = sends(options)?;
    pipelined(options)?;
    resumed(options, sends)?;
    match (options.head, sends) {
        (true, Some(flag)) => {
            Err(format!("-I and {flag} cannot be combined: HEAD has no body; right: one of them"))
        }
        _ => Ok(()),
    }
}

/// Returns the flag that sets the body.
fn sends(options: &ClientOptions) -> Result<Option<&'static str>, String> {
    let has_file = options.uploads.iter().any(|file: &Option<UploadFrom>| file.is_some());
    match (&options.data[..], &options.form[..], has_file) {
        ([_, ..], [_, ..], _) => {
            Err("-d and -F cannot be combined: each sets the body; right: one of them")
        }
        ([_, ..], [], true) | ([], [_, ..], true) => {
            Err("-T cannot be combined with -d or -F: each sets the body; right: one of them")
        }
        ([], [], true) if options.get => {
            Err("-G and -T cannot be combined: only -T sends a body; right: one of them")
        }
        ([], [], true) => Ok(Some("-T")),
        ([], [_, ..], false) => Ok(Some("-F")),
        ([_, ..], [], false) => Ok(Some("-d").filter(|_| !options.get)),
        ([], [], false) => Ok(None),
    }
    .map_err(str::to_owned)
}

fn pipelined(options: &ClientOptions) -> Result<(), String> {
    if !options.pipeline {
        return Ok(());
    }
    let and = |what: &str| Err(format!("--pipeline and {what}; right: one of them"));
    match (options.global.parallel.on, options.global.trace, options.resume) {
        (true, ..) => and("-Z cannot be combined: -Z uses several connections"),
        (_, true, _) => and("--trace cannot be combined"),
        (.., Some(_)) => and("-C cannot be combined"),
        (false, false, None) => Ok(()),
    }
}

fn resumed(options: &ClientOptions, sends: Option<&str>) -> Result<(), String> {
    if options.resume.is_some()
        && let Some(other) = options.files.not_with_resume()
    {
        return Err(format!(
            "-C continues a file that is there, and cannot be combined with {other}; right: one of them"
        ));
    }
    let has_stdin = options.uploads.contains(&Some(UploadFrom::Stdin));
    let wrong = match options.resume {
        Some(Resume::From(_)) if sends == Some("-T") && has_stdin => {
            "-C OFFSET -T needs a file, whose length is known; right: -C OFFSET -T FILE"
        }
        Some(Resume::From(_)) if sends == Some("-T") && options.range.is_none() => return Ok(()),
        Some(_) if options.range.is_some() || sends.is_some() || options.head => {
            "-C continues a GET, or with OFFSET a -T, and cannot be combined with \
             -r, -I, -d or -F; right: -C without them"
        }
        Some(Resume::AtHand) if !options.has_file() => {
            "-C - needs a file to continue; right: -C - -o FILE, or -C - -O"
        }
        _ => return Ok(()),
    };
    Err(wrong.to_owned())
}
