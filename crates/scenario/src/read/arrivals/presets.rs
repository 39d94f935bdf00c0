//! Processes fitted to published traces. `docs/SCENARIOS.md` says how.

use core::time::Duration;
use squall_workload::{Arrivals, Rate};

/// A fitted process.
pub(super) struct ArrivalPreset {
    name: &'static str,
    of: fn(Rate) -> Arrivals,
}

pub(super) const PRESETS: &[ArrivalPreset] = &[
    // At 2.57 rps.
    ArrivalPreset {
        name: "azure-2023-code",
        of: |rate| Arrivals::OnOff {
            rate,
            on: Duration::from_millis(11_500),
            off: Duration::from_millis(50_100),
        },
    },
    // At 5.53 rps.
    ArrivalPreset {
        name: "azure-2023-conv",
        of: |rate| Arrivals::Hawkes { rate, branching: 0.92, decay: Duration::from_secs(22) },
    },
    ArrivalPreset { name: "servegen-client", of: |rate| Arrivals::gamma(rate, 1.42) },
    ArrivalPreset { name: "servegen-bursty-client", of: |rate| Arrivals::weibull(rate, 3.31) },
];

pub(super) static NAMES: [&str; PRESETS.len()] = {
    let mut names = [""; PRESETS.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = PRESETS[place].name;
        place += 1;
    }
    names
};

/// The process of a name of the table.
pub(super) fn of_name(name: &str, rate: Rate) -> Option<Arrivals> {
    let preset = PRESETS.iter().find(|preset| preset.name == name)?;
    Some((preset.of)(rate))
}
