//! Fuzzes `traces`, which is described in `tests/fuzz`.

#![no_main]

#[expect(dead_code, reason = "each target calls one of them")]
#[path = "../../tests/fuzz/entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entries::traces(bytes));
