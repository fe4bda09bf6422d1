//! Parses random bytes as a URL.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::url(bytes));
