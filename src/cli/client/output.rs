//! The flags of `client` that say what becomes of an answer, and of a request that is not sent.

use std::path::PathBuf;

use super::{ClientOptions, DryRun, Fail, Pretty, Progress};
use crate::cli::Effect::{Switch, Value};
use crate::cli::{Expected, Flag};

/// The table.
pub(super) const FLAGS: &[Flag<ClientOptions>] = &[
    Flag::new(
        Some('i'),
        "include",
        Switch(|options, on| options.include = on),
        "print the head of each response before its body",
    ),
    Flag::new(
        Some('N'),
        "no-buffer",
        Switch(|_, _| {}),
        "accepted, as by curl: output is always written as it arrives",
    ),
    Flag::new(
        Some('f'),
        "fail",
        Switch(|options, on| options.fail = on.then_some(Fail::Bare)),
        "fail (22) if the status is 400 or above, and do not print the body",
    ),
    Flag::new(
        None,
        "fail-with-body",
        Switch(|options, on| options.fail = on.then_some(Fail::WithBody)),
        "like -f, but print the body",
    ),
    Flag::new(
        Some('v'),
        "verbose",
        Switch(|options, on| options.global.verbose = on),
        "show the steps, the request head and the response head on stderr",
    ),
    Flag::new(
        Some('s'),
        "silent",
        Switch(|options, on| options.global.silent = on),
        "show no errors and no progress line on stderr",
    ),
    Flag::new(
        Some('S'),
        "show-error",
        Switch(|options, on| options.global.show_error = on),
        "with -s, show errors",
    ),
    Flag::new(
        Some('w'),
        "write-out",
        Value("FORMAT", |options, value| {
            let format = value.to_str().ok_or(Expected("a text, such as '%{http_code}\\n'"))?;
            options.write_out = Some(format.to_owned());
            Ok(())
        }),
        "print FORMAT after each transfer, with the values of %{http_code}, %{time_total}, \
         %{json} and so on; @FILE reads it from a file",
    ),
    Flag::new(
        None,
        "json-out",
        Value("FILE", |options, value| {
            options.global.json_out = Some(PathBuf::from(value));
            Ok(())
        }),
        "write one line of JSON for each transfer, with every value of -w; - is stdout",
    ),
    Flag::new(
        None,
        "pretty",
        Value("WHEN", |options, value| {
            options.pretty = match value.to_str() {
                Some("auto") => Pretty::Auto,
                Some("always") => Pretty::Always,
                Some("never") => Pretty::Never,
                _ => return Err(Expected("auto, always or never")),
            };
            Ok(())
        }),
        "indent and colour JSON: auto (on a terminal), always or never; no colours with \
         NO_COLOR or TERM=dumb",
    ),
    Flag::new(
        None,
        "stderr",
        Value("FILE", |options, value| {
            let file = Some(value).filter(|value| !value.is_empty());
            options.global.stderr = Some(file.ok_or(Expected("a file, or - for stdout"))?.into());
            Ok(())
        }),
        "write to FILE what else goes to stderr; - is stdout",
    ),
    Flag::new(
        Some('#'),
        "progress-bar",
        Switch(|options, on| {
            options.global.progress = if on { Progress::Bar } else { Progress::Line };
        }),
        "show a bar instead of the progress line, on a terminal",
    ),
    Flag::new(
        None,
        "no-progress-meter",
        Switch(|options, on| {
            options.global.progress = if on { Progress::None } else { Progress::Line };
        }),
        "show no progress line on a terminal",
    ),
    Flag::new(
        None,
        "limit-rate",
        Value("SPEED", |options, value| {
            let speed = value.to_str().and_then(bytes).filter(|&speed| speed > 0);
            options.limit_rate =
                Some(speed.ok_or(Expected("bytes per second, such as 5000, 100k or 2M"))?);
            Ok(())
        }),
        "send and receive at most SPEED bytes of a body per second, such as 100k or 2M",
    ),
    Flag::new(
        None,
        "max-filesize",
        Value("BYTES", |options, value| {
            let most = value.to_str().and_then(bytes);
            let most = most.ok_or(Expected("a number of bytes, such as 5000, 100k, 2M or 1G"))?;
            options.max_filesize = Some(most).filter(|&most| most > 0);
            Ok(())
        }),
        "fail (63) if a body has more than BYTES, such as 100k, 2M or 1G: before the body, if its length \
         is known, else when it is too long; 0 is no limit",
    ),
    Flag::new(
        None,
        "compressed",
        Switch(|options, on| options.compressed = on),
        "ask for a compressed body (gzip or deflate, if --version lists inflate), and write what it is",
    ),
    Flag::new(
        None,
        "raw",
        Switch(|options, on| options.raw = on),
        "write bodies as they are received: the sizes of chunks are not taken out, and no coding is \
         decoded",
    ),
];

/// The table of what is shown instead of sending.
pub(super) const DRY: &[Flag<ClientOptions>] = &[
    Flag::new(
        None,
        "offline",
        Switch(|options, on| options.dry_run = on.then_some(DryRun::Bytes)),
        "print the bytes of the request",
    ),
    Flag::new(
        None,
        "as",
        Value("PROGRAM", |options, value| {
            options.dry_run = Some(match value.to_str() {
                Some("curl") => DryRun::Curl,
                Some("nc") => DryRun::Nc,
                _ => return Err(Expected("curl or nc")),
            });
            Ok(())
        }),
        "print the request as a command for curl or nc",
    ),
];

/// Parses digits only.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Parses a number of bytes, as curl does: `k`, `M`, `G`, `T` and `P` are 1024 times as much each.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (digits, factor) = match text.strip_suffix(|unit: char| unit.is_ascii_alphabetic()) {
        None => (text, 1),
        Some(digits) => match text.chars().next_back()?.to_ascii_lowercase() {
            'b' => (digits, 1),
            'k' => (digits, 1 << 10),
            'm' => (digits, 1 << 20),
            'g' => (digits, 1 << 30),
            't' => (digits, 1 << 40),
            'p' => (digits, 1 << 50),
            _ => return None,
        },
    };
    number(digits)?.checked_mul(factor)
}
