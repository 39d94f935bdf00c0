//! Rates of traffic as it was measured or told of, by name. `docs/SCENARIOS.md` has the source of each number.

use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::schema::{Key, Schema};
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_workload::{Decay, Diurnal, DoubleHump, Plateau, Rate, RateCurve, RateSegment, Surge};

/// A preset.
struct RatePreset {
    name: &'static str,
    /// How often its base its peak is.
    peak: f64,
    rate: fn(Scale) -> Rate,
}

/// What a preset is made to: the rates of its base and its peak, and how many times as fast it passes.
#[derive(Clone, Copy)]
struct Scale {
    base: f64,
    peak: f64,
    speed: f64,
}

impl Scale {
    /// So long, or as much of it as the speed leaves.
    fn secs(self, seconds: u32) -> Duration {
        Duration::from_secs_f64(f64::from(seconds) / self.speed).max(Duration::from_millis(10))
    }

    /// The base and this part of what the peak has more.
    fn part(self, part: f64) -> f64 {
        self.base + (self.peak - self.base) * part
    }
}

const PRESETS: &[RatePreset] = &[
    RatePreset { name: "calm-diurnal", peak: 1.5, rate: calm_diurnal },
    RatePreset { name: "launch-day", peak: 10.0, rate: launch_day },
    RatePreset { name: "front-page", peak: 25.0, rate: front_page },
    RatePreset { name: "one-tenant-stampede", peak: 40.0, rate: stampede },
    RatePreset { name: "stairs", peak: 299.0, rate: stairs },
    RatePreset { name: "needle-train", peak: 70.0, rate: needle_train },
    RatePreset { name: "double-hump", peak: 3.23, rate: double_hump },
];

const MINUTE: u32 = 60;
const HOUR: u32 = 3_600;

/// The mean is the base, and the peak-to-trough ratio is what others have as their peak.
fn calm_diurnal(scale: Scale) -> Rate {
    let period = scale.secs(24 * HOUR);
    let peak_to_trough = scale.peak / scale.base.max(f64::MIN_POSITIVE);
    let diurnal = Diurnal { mean: scale.base, peak_to_trough, period, peak_at: period / 2 };
    Rate::curve(RateCurve::Diurnal(diurnal))
}

fn launch_day(scale: Scale) -> Rate {
    let (base, peak, over) = (scale.base, scale.peak, scale.secs(60));
    let top = Timestamp::from(over + scale.secs(30 * MINUTE));
    let decay = Decay { exponent: 0.6, scale: scale.secs(HOUR) };
    Rate {
        segments: vec![
            RateSegment::Ramp { at: Timestamp::ZERO, from: base, to: peak, over },
            RateSegment::Spike { at: top, base, peak, rise: Duration::ZERO, decay },
        ],
    }
}

fn front_page(scale: Scale) -> Rate {
    // Half after an hour: 3,600 ÷ (2^(1/1.4) − 1).
    let decay = Decay { exponent: 1.4, scale: scale.secs(5_619) };
    let (rise, tau) = (scale.secs(90), scale.secs(18));
    let surge = Surge { base: scale.base, peak: scale.peak, rise, tau, decay };
    Rate::curve(RateCurve::Surge(surge))
}

fn stampede(scale: Scale) -> Rate {
    let (rise, hold) = (scale.secs(10 * MINUTE), scale.secs(20 * MINUTE));
    let plateau = Plateau { base: scale.base, peak: scale.peak, rise, hold, drop: rise };
    Rate::curve(RateCurve::plateau(plateau))
}

fn stairs(scale: Scale) -> Rate {
    // 5, 58, 978, 1,495, 395 and 2.9 rps: parts of the way from 5 to 1,495. The last is about the first.
    let levels = [0.0, 53.0, 973.0, 1_490.0, 390.0, 0.0].map(|more| scale.part(more / 1_490.0));
    Rate::curve(RateCurve::stairs(&levels, scale.secs(10 * MINUTE)))
}

fn needle_train(scale: Scale) -> Rate {
    let (width, every) = (scale.secs(5 * MINUTE), scale.secs(HOUR));
    Rate::curve(RateCurve::needles((scale.base, scale.peak), width, every.max(width * 2), None))
}

fn double_hump(scale: Scale) -> Rate {
    // 156, 504, 245, 503 rps.
    let ten = scale.secs(10 * MINUTE);
    Rate::curve(RateCurve::double_hump(DoubleHump {
        base: scale.base,
        first: scale.peak,
        valley: scale.part(89.0 / 348.0),
        second: scale.part(347.0 / 348.0),
        rise: ten,
        hold: scale.secs(30 * MINUTE),
        gap: ten,
    }))
}

static NAMES: [&str; PRESETS.len()] = {
    let mut names = [""; PRESETS.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = PRESETS[place].name;
        place += 1;
    }
    names
};

/// The names of all presets.
#[cfg(test)]
pub(in crate::read) fn names() -> &'static [&'static str] {
    &NAMES
}

pub(super) const PRESET: &str = "preset";

/// A preset and its settings, beside the other shapes.
pub(super) const KEYS: &[Key] = &[
    Key::choice(
        PRESET,
        Schema::Word(&NAMES),
        "Traffic as it was measured or told of, with the settings below.",
    ),
    Key::optional(
        "base",
        Schema::Number,
        "required for a preset",
        "Of a preset: the rate that it begins with, in requests per second; the mean of a diurnal one.",
    ),
    Key::optional(
        "peak",
        Schema::Factor,
        "that of the preset",
        "Of a preset: how many times the base its peak is; the peak-to-trough ratio of a diurnal one.",
    ),
    Key::optional(
        "speed",
        Schema::Factor,
        "as it was",
        "Of a preset: how many times as fast it passes: `60x` makes an hour a minute. Rates are kept, so that limits by the \
         minute see less of it.",
    ),
];

/// What belongs to a preset alone.
const SETTINGS: [&str; 3] = ["base", "peak", "speed"];

pub(super) fn refuse_settings(fields: &Fields<'_>) {
    for name in SETTINGS {
        if fields.get(name).is_some() {
            let message = format!("`{name}` here belongs to a `preset`");
            let help = "write it under the key of the shape, if that has one";
            let problem = Problem::new(fields.key_span(name), message, "of no effect here");
            fields.problems.push(problem.help(help));
        }
    }
}

pub(super) fn read(fields: &Fields<'_>) -> Option<Rate> {
    let word = fields.word("preset");
    let base = if fields.get("base").is_some() { fields.number("base")? } else { 0.0 };
    let preset = PRESETS.iter().find(|preset| Some(preset.name) == word)?;
    if base <= 0.0 {
        let message = "a preset needs a `base` above 0";
        let problem = Problem::new(fields.span_of("base"), message, "no rate to begin with");
        fields.problems.push(problem.help("add `base: 20` for twenty requests per second"));
        return None;
    }
    let factor = |name: &str| Some(f64::from(fields.factor_milli(name)?) / 1e3);
    let (peak, speed) = (factor("peak").unwrap_or(preset.peak), factor("speed").unwrap_or(1.0));
    if peak < 1.0 {
        let message = "the peak of a preset is below its base";
        let label = "expected `1x` or more";
        fields.problems.push(Problem::new(fields.span_of("peak"), message, label));
        return None;
    }
    Some((preset.rate)(Scale { base, peak: base * peak, speed }))
}
