//! Files that begin as compressed ones do, with a text behind it that the tests can read.

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// What a file of this name (`.gz`, `.zst`) must begin with to count as compressed, and then the text.
pub fn begun(name: &str, text: &str) -> Vec<u8> {
    let start = match name.rsplit('.').next() {
        Some("gz") => GZIP,
        Some("zst") => ZSTD,
        _ => b"",
    };
    [start, text.as_bytes()].concat()
}

/// The text of such a file, and of any other.
pub fn text_of(body: &[u8]) -> String {
    let text = body.strip_prefix(GZIP).or_else(|| body.strip_prefix(ZSTD)).unwrap_or(body);
    String::from_utf8_lossy(text).into_owned()
}
