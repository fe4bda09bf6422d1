//! Parses random bytes as a chunked body.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::chunked(bytes));
