//! Parses random bytes as a form with files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::multipart(bytes));
