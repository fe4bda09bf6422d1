//! Parses random bytes as a master file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::master_file(bytes));
