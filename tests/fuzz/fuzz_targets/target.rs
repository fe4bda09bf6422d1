//! Parses random bytes as a request target.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::target(bytes));
