//! Parses random bytes as a response head.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::response_head(bytes));
