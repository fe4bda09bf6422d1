//! Decodes random bytes as a coded body.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::content_coding(bytes));
