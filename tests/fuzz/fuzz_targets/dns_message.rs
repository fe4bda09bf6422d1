//! Parses random bytes as a DNS message.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| threadbare_fuzz::dns_message(bytes));
