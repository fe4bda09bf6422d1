//! The report, in its forms.

pub mod csv;
pub mod fail_if;
pub mod json;
pub mod junit;
pub mod tap;
pub mod text;

/// The most bytes of a message in the forms for machines.
const MOST: usize = 4096;

/// Returns the beginning of a message as text, with CR and LF as `\r` and `\n`.
fn excerpt(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(MOST)];
    let mut text = String::new();
    for line in shown.split_inclusive(|&byte| byte == b'\n') {
        text.push_str(&crate::proto::http::excerpt::Excerpt::whole(line));
    }
    if shown.len() < bytes.len() {
        text.push_str("...");
    }
    text
}
