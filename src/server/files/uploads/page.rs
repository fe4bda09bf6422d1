//! The form by which a browser uploads files, as a part of a listing.

use crate::text::size;

/// Returns the form, for bodies of at most `limit` bytes. It is sent to the page that it is in, so that it is right
/// behind a proxy as well. The field that lets files be replaced comes first: it holds for the files that follow.
pub(in crate::server::files) fn form(limit: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let most = size(limit as f64);
    format!(
        "<form class=\"upload\" method=\"post\" enctype=\"multipart/form-data\">\
         <label class=\"replace\"><input type=\"checkbox\" name=\"replace\"> Replace files that exist</label>\
         <label>Upload files, {most} at most<input type=\"file\" name=\"files\" multiple required></label>\
         <button>Upload</button></form>\n"
    )
}
