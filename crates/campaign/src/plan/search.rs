//! The search for the two ends of an answer: doubling until the other side is found, then bisection on the
//! logarithm. It takes for granted that what is met at a value is met at every easier one.

use crate::CampaignError;
use squall_judge::Judgement;

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchBounds {
    /// Whether a lower value is the harder one: so it is for a limit that is bought, and not for traffic.
    pub lower_is_harder: bool,
    /// How near the ends of an answer are brought: 0.02 for 2 %.
    pub within: f64,
    /// How often the value is doubled or halved in search of the other side.
    pub doublings: u32,
}

/// Between which values the answer lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bracket {
    /// The hardest value that is met; `None` if none was.
    pub met: Option<f64>,
    /// The easiest value that is surely missed; `None` if none was.
    pub missed: Option<f64>,
}

/// Finds the answer by trying values; `try_value` gives `None` for one that no file may hold.
pub(super) fn search(
    start: f64,
    limits: &SearchBounds,
    mut try_value: impl FnMut(f64) -> Result<Option<Judgement>, CampaignError>,
) -> Result<Bracket, CampaignError> {
    let harder = |value: f64, factor: f64| {
        rounded(if limits.lower_is_harder { value / factor } else { value * factor })
    };
    let mut tried = SearchWalk { values: Vec::new(), limits: *limits };
    // Out of the middle to a value that is met and one that is not.
    let mut value = start;
    let outwards = match try_value(value)? {
        None => return Ok(Bracket::default()),
        Some(judgement) => {
            tried.add(value, judgement);
            if judgement == Judgement::Met { 2.0 } else { 0.5 }
        }
    };
    for _ in 0..limits.doublings {
        if tried.hardest_met().is_some() && tried.easiest(|each| each != Judgement::Met).is_some() {
            break;
        }
        value = harder(value, outwards);
        match try_value(value)? {
            Some(judgement) => tried.add(value, judgement),
            None => break,
        }
    }
    // From what is met up to what is not met, then up to what is surely missed.
    tried.narrow(|judgement| judgement != Judgement::Met, &mut try_value)?;
    let mut value = tried.hardest().unwrap_or(start);
    for _ in 0..limits.doublings {
        let over = tried.easiest(|each| each != Judgement::Met).is_some();
        if !over || tried.easiest(|each| each == Judgement::Missed).is_some() {
            break;
        }
        value = harder(value, 1.0 + 4.0 * limits.within);
        match try_value(value)? {
            Some(judgement) => tried.add(value, judgement),
            None => break,
        }
    }
    tried.narrow(|judgement| judgement == Judgement::Missed, &mut try_value)?;
    Ok(Bracket {
        met: tried.hardest_met(),
        missed: tried.easiest(|judgement| judgement == Judgement::Missed),
    })
}

/// What was tried, the easiest first.
struct SearchWalk {
    values: Vec<(f64, Judgement)>,
    limits: SearchBounds,
}

impl SearchWalk {
    fn add(&mut self, value: f64, judgement: Judgement) {
        self.values.push((value, judgement));
        let lower_is_harder = self.limits.lower_is_harder;
        self.values.sort_by(
            |(a, _), (b, _)| {
                if lower_is_harder { b.total_cmp(a) } else { a.total_cmp(b) }
            },
        );
        self.values.dedup_by(|(a, _), (b, _)| a == b);
    }

    fn easiest(&self, wanted: impl Fn(Judgement) -> bool) -> Option<f64> {
        self.values.iter().find(|(_, judgement)| wanted(*judgement)).map(|&(value, _)| value)
    }

    /// The hardest value below which everything was met.
    fn hardest_met(&self) -> Option<f64> {
        let met = self.values.iter().take_while(|(_, judgement)| *judgement == Judgement::Met);
        met.last().map(|&(value, _)| value)
    }

    fn hardest(&self) -> Option<f64> {
        self.values.last().map(|&(value, _)| value)
    }

    /// Brings the easiest value that is `over` and the one before it as near to each other as was asked.
    fn narrow(
        &mut self,
        over: impl Fn(Judgement) -> bool,
        try_value: &mut impl FnMut(f64) -> Result<Option<Judgement>, CampaignError>,
    ) -> Result<(), CampaignError> {
        while let Some(place) = self.values.iter().position(|(_, judgement)| over(*judgement))
            && let Some(before) = place.checked_sub(1)
        {
            let (easy, hard) = (self.values[before].0, self.values[place].0);
            let middle = rounded((easy * hard).sqrt());
            let near = easy.max(hard) / easy.min(hard) <= 1.0 + self.limits.within;
            if near || middle == easy || middle == hard {
                break;
            }
            match try_value(middle)? {
                Some(judgement) => self.add(middle, judgement),
                None => break,
            }
        }
        Ok(())
    }
}

/// To three digits: a number that a person would write.
#[must_use]
pub fn rounded(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10_f64.powi(2 - value.log10().floor() as i32);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: SearchBounds = SearchBounds { lower_is_harder: false, within: 0.02, doublings: 10 };

    /// Met below `met`, missed above `missed`, and neither in between.
    fn world(met: f64, missed: f64) -> impl Fn(f64) -> Judgement {
        move |value| match value {
            _ if value <= met => Judgement::Met,
            _ if value < missed => Judgement::Inconclusive,
            _ => Judgement::Missed,
        }
    }

    fn found(
        start: f64,
        limits: &SearchBounds,
        world: impl Fn(f64) -> Judgement,
    ) -> (Bracket, usize) {
        let mut tries = 0;
        let bracket = search(start, limits, |value| {
            tries += 1;
            Ok(Some(world(value)))
        });
        (bracket.unwrap(), tries)
    }

    #[test]
    fn both_ends_are_found_from_below_and_from_above() {
        for start in [1.0, 200.0, 437.0, 450.0, 9_000.0] {
            let (bracket, tries) = found(start, &UP, world(437.0, 470.0));
            let (met, missed) = (bracket.met.unwrap(), bracket.missed.unwrap());
            assert!((437.0 / 1.02..=437.0).contains(&met), "{start}: {met}");
            assert!((470.0..=470.0 * 1.021).contains(&missed), "{start}: {missed}");
            assert!(tries < 30, "{tries} tries from {start}");
        }
    }

    #[test]
    fn a_lower_value_may_be_the_harder_one() {
        let down = SearchBounds { lower_is_harder: true, ..UP };
        let world = |value: f64| if value >= 3_100.0 { Judgement::Met } else { Judgement::Missed };
        let (bracket, _) = found(12_000.0, &down, world);
        assert!((3_100.0..3_165.0).contains(&bracket.met.unwrap()), "{bracket:?}");
        assert!((3_035.0..3_100.0).contains(&bracket.missed.unwrap()), "{bracket:?}");
    }

    #[test]
    fn what_has_no_end_is_left_open() {
        let (bracket, _) = found(10.0, &UP, |_| Judgement::Met);
        assert_eq!(bracket, Bracket { met: Some(10_200.0), missed: None });
        let (bracket, _) = found(10.0, &UP, |_| Judgement::Missed);
        assert_eq!(bracket.met, None);
        assert!(bracket.missed.unwrap() < 0.01);
    }

    #[test]
    fn a_value_that_no_file_may_hold_ends_the_search_there() {
        let bracket = search(100.0, &UP, |value| Ok((value < 500.0).then_some(Judgement::Met)));
        assert_eq!(bracket.unwrap(), Bracket { met: Some(400.0), missed: None });
    }

    #[test]
    fn values_are_such_as_a_person_would_write() {
        assert_eq!([1_234.5, 0.012_345, 99.96, 7.0].map(rounded), [1_230.0, 0.012_3, 100.0, 7.0]);
    }
}
