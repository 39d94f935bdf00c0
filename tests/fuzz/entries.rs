//! Where bytes from outside come in: one function for each kind of them. What it asserts is so for all bytes there are.
//! The fuzzers in `fuzz/` call these, and the test beside this file replays their corpus through the same ones.

mod files;
mod wire;

pub(crate) use files::{
    check_values, checklists, gateway_files, journals, litellm_files, recordings, scenarios, traces,
};
pub(crate) use wire::{answers, clients, headers, streams, vendors};

/// What takes bytes, and panics where something is not so.
pub(crate) type Entry = fn(&[u8]);

/// A name, which is that of its target and of its folder in the corpus, and its entry.
pub(crate) const ENTRIES: [(&str, Entry); 13] = [
    ("answers", answers),
    ("check_values", check_values),
    ("checklists", checklists),
    ("clients", clients),
    ("gateway_files", gateway_files),
    ("headers", headers),
    ("journals", journals),
    ("litellm_files", litellm_files),
    ("recordings", recordings),
    ("scenarios", scenarios),
    ("streams", streams),
    ("traces", traces),
    ("vendors", vendors),
];
