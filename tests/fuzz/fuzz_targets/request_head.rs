//! Parses random bytes as a request head.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::request_head(bytes));
