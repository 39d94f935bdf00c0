//! Numbers as the panels show them: short, and in columns.

use crate::model::StateView;

/// `1:05`, `1:01:05`: a time since the start.
pub(super) fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// `12.3`, `123`: a rate.
pub(super) fn rate(rate: f64) -> String {
    if rate < 99.95 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}

/// `99.9%`, never rounded up to a whole that it did not reach; `–` for none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(none, |share| format!("{:.1}%", (share * 1_000.0 + 1e-6).floor() / 10.0))
}

/// `34%`: a share, rounded.
pub(super) fn share(share: Option<f64>) -> String {
    share.map_or_else(none, |share| format!("{:.0}%", share * 100.0))
}

/// `340 ms`, `12.3 s`.
pub(super) fn millis(millis: Option<u64>) -> String {
    match millis {
        None => none(),
        Some(millis @ 0..10_000) => format!("{millis} ms"),
        Some(millis) => format!("{:.1} s", millis as f64 / 1_000.0),
    }
}

/// `1.08`.
pub(super) fn factor(factor: Option<f64>) -> String {
    factor.map_or_else(none, |factor| format!("{factor:.2}"))
}

/// `ejected 3 s`: a state, and for how long it lasts at least.
pub(super) fn state(state: StateView, for_s: Option<f64>) -> String {
    let word = state.as_str();
    for_s.map_or_else(|| word.to_owned(), |seconds| format!("{word} {:.0} s", seconds.ceil()))
}

fn none() -> String {
    "–".to_owned()
}
