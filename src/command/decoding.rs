//! `--compressed`: which codings are requested, and what becomes of a body that has one.
//!
//! Without the feature `inflate`, none is requested, so the body is the same; one that comes all the same is an error.

use super::error::CommandError;
use super::resume::ResumeOutcome;
use crate::cli::client::ClientOptions;
#[cfg(feature = "inflate")]
use crate::client::ACCEPTED_CODINGS;
use crate::client::{BodyForm, ResponseHead};

/// The codings that this program decodes, as in `Accept-Encoding`.
#[cfg(feature = "inflate")]
const ACCEPTED: Option<&str> = Some(ACCEPTED_CODINGS);
#[cfg(not(feature = "inflate"))]
const ACCEPTED: Option<&str> = None;

/// Returns the value of `Accept-Encoding`. A download is continued without a coding, because its offset counts bytes of
/// the local file, and those are not coded.
pub(super) fn accepted(options: &ClientOptions) -> Option<&'static str> {
    ACCEPTED.filter(|_| options.compressed && options.resume.is_none())
}

/// Returns a command for curl that decodes, too; the field that asks for it is there.
pub(super) fn as_curl(options: &ClientOptions, line: String) -> String {
    match options.compressed {
        true => line.replacen("curl ", "curl --compressed ", 1),
        false => line,
    }
}

/// Returns what is written of a body.
pub(super) fn body_form(options: &ClientOptions) -> BodyForm {
    match (options.raw, options.compressed) {
        (true, _) => BodyForm::AsReceived,
        #[cfg(feature = "inflate")]
        (false, true) => BodyForm::Decoded,
        (false, _) => BodyForm::Content,
    }
}

/// Checks that a body can be decoded, if it has to be.
///
/// # Errors
/// curl's 61, for a part of a coded body, and for any coded one without the feature.
pub(super) fn check(
    options: &ClientOptions,
    head: &ResponseHead,
    came: ResumeOutcome,
) -> Result<(), CommandError> {
    let Some(coding) = coding(head).filter(|_| options.compressed && !options.raw) else {
        return Ok(());
    };
    let what = match (came, ACCEPTED) {
        (ResumeOutcome::Rest, _) => {
            format!(
                "this is the rest of a body in the coding {coding}, which cannot be decoded alone"
            )
        }
        (_, None) => format!(
            "the body has the coding {coding}, but this client was built without --features inflate, and \
             decodes none; right: without --compressed, to get it as it is"
        ),
        (_, Some(_)) => return Ok(()),
    };
    Err(CommandError::Failed(61, what))
}

/// Returns the list of the codings of a body, if it has some.
fn coding(head: &ResponseHead) -> Option<String> {
    let lists = head.headers.all("content-encoding").map(String::from_utf8_lossy);
    let list = lists.collect::<Vec<_>>().join(", ");
    let mut names = list.split(',').map(str::trim_ascii);
    let is_none =
        |name: &str| ["", "identity", "none"].iter().any(|it| name.eq_ignore_ascii_case(it));
    names.any(|name| !is_none(name)).then_some(list)
}
