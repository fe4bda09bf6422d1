//! Parses random bytes as a Cookie field.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::cookie(bytes));
