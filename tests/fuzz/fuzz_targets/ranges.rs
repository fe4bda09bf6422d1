//! Parses random bytes as a Range field.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::ranges(bytes));
