//! The search for the ends of an answer: doubling until the other side is found, on both sides before it says that there
//! is none, then bisection on the logarithm. What it calls met is sampled inside: a value that is met while an easier one
//! is not makes the answer one of ranges, since the value is not monotone.

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

/// A range of values of which every one that was tried is met, with what is not met beside it: all as numbers, whichever
/// way is harder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetRange {
    /// The highest value below it that is not met; `None` if none was tried.
    pub below: Option<f64>,
    /// Its least value that was tried.
    pub from: f64,
    /// Its greatest.
    pub to: f64,
    /// The lowest value above it that is not met.
    pub above: Option<f64>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SearchAnswer {
    pub(super) bracket: Bracket,
    /// The ranges that are met, where the value is not monotone; else none.
    pub(super) ranges: Vec<MetRange>,
}

type TryValue<'a> = dyn FnMut(f64) -> Result<Option<Judgement>, CampaignError> + 'a;

/// Where values inside what is met are tried: at these parts of the way to the hardest that is, and of the easiest.
const INSIDE: [f64; 3] = [0.125, 0.35, 0.7];

/// Finds the answer by trying values; `try_value` gives `None` for one that no file may hold.
pub(super) fn search(
    start: f64,
    limits: &SearchBounds,
    mut try_value: impl FnMut(f64) -> Result<Option<Judgement>, CampaignError>,
) -> Result<SearchAnswer, CampaignError> {
    let try_value: &mut TryValue<'_> = &mut try_value;
    let mut tried = SearchWalk { values: Vec::new(), limits: *limits };
    match try_value(start)? {
        None => return Ok(SearchAnswer::default()),
        Some(judgement) => tried.add(start, judgement),
    }
    // Out of the middle to a value that is met: to the easier ones, and then to the harder ones.
    for factor in [0.5, 2.0] {
        tried.walk(start, factor, |tried| tried.is_any_met(), try_value)?;
    }
    let Some(met) = tried.hardest_of_all() else {
        return Ok(SearchAnswer { bracket: tried.bracket(), ranges: Vec::new() });
    };
    // And from there to one that is not.
    tried.walk(met, 2.0, |tried| tried.hardest() != tried.hardest_of_all(), try_value)?;
    for part in INSIDE {
        tried.try_inside(part, try_value)?;
    }
    if tried.is_monotone() {
        // From what is met up to what is not met, then up to what is surely missed.
        tried.narrow(|judgement| judgement != Judgement::Met, try_value)?;
        let hardest = tried.hardest().unwrap_or(start);
        let is_over = |tried: &SearchWalk| {
            let any = |wanted: fn(Judgement) -> bool| tried.easiest(wanted).is_some();
            !any(|each| each != Judgement::Met) || any(|each| each == Judgement::Missed)
        };
        tried.walk(hardest, 1.0 + 4.0 * limits.within, is_over, try_value)?;
        tried.narrow(|judgement| judgement == Judgement::Missed, try_value)?;
    }
    // What was tried last may have shown that it is not.
    if !tried.is_monotone() {
        tried.narrow_all(try_value)?;
    }
    let ranges = if tried.is_monotone() { Vec::new() } else { tried.ranges() };
    Ok(SearchAnswer { bracket: tried.bracket(), ranges })
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

    /// Tries values from one on, each so many times as hard as the one before, until that is `enough`.
    fn walk(
        &mut self,
        from: f64,
        factor: f64,
        enough: impl Fn(&Self) -> bool,
        try_value: &mut TryValue<'_>,
    ) -> Result<(), CampaignError> {
        let mut value = from;
        for _ in 0..self.limits.doublings {
            if enough(self) {
                break;
            }
            let lower = self.limits.lower_is_harder;
            value = rounded(if lower { value / factor } else { value * factor });
            match try_value(value)? {
                Some(judgement) => self.add(value, judgement),
                None => break,
            }
        }
        Ok(())
    }

    /// Tries a value at a part of the way to the hardest that is met, where none was tried nearby.
    fn try_inside(&mut self, part: f64, try_value: &mut TryValue<'_>) -> Result<(), CampaignError> {
        let Some(met) = self.hardest_of_all() else { return Ok(()) };
        let lower = self.limits.lower_is_harder;
        let value = rounded(if lower { met / part } else { met * part });
        let is_near =
            |&(other, _): &(f64, Judgement)| value.max(other) / value.min(other) < 1.0 + INSIDE[0];
        if !self.values.iter().any(is_near)
            && let Some(judgement) = try_value(value)?
        {
            self.add(value, judgement);
        }
        Ok(())
    }

    fn is_any_met(&self) -> bool {
        self.values.iter().any(|(_, judgement)| *judgement == Judgement::Met)
    }

    /// The hardest value that is met, whatever easier ones are.
    fn hardest_of_all(&self) -> Option<f64> {
        let met = self.values.iter().rfind(|(_, judgement)| *judgement == Judgement::Met);
        met.map(|&(value, _)| value)
    }

    /// Whether every value is met that is easier than one that is.
    fn is_monotone(&self) -> bool {
        self.hardest_met() == self.hardest_of_all()
    }

    fn bracket(&self) -> Bracket {
        let met = self.hardest_of_all();
        let beyond =
            self.values.iter().skip_while(|(value, _)| met.is_some_and(|met| *value != met));
        let missed = beyond.into_iter().find(|(_, judgement)| *judgement == Judgement::Missed);
        Bracket { met, missed: missed.map(|&(value, _)| value) }
    }

    /// The ranges that are met, the lowest first.
    fn ranges(&self) -> Vec<MetRange> {
        let mut values = self.values.clone();
        values.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut ranges: Vec<MetRange> = Vec::new();
        let mut below = None;
        let mut open = false;
        for (value, judgement) in values {
            match (judgement == Judgement::Met, ranges.last_mut().filter(|_| open)) {
                (true, Some(range)) => range.to = value,
                (true, None) => {
                    ranges.push(MetRange { below, from: value, to: value, above: None });
                }
                (false, Some(range)) => range.above = Some(value),
                (false, None) => {}
            }
            open = judgement == Judgement::Met;
            if !open {
                below = Some(value);
            }
        }
        ranges
    }

    /// Brings every value that is met and its neighbour that is not as near to each other as was asked.
    fn narrow_all(&mut self, try_value: &mut TryValue<'_>) -> Result<(), CampaignError> {
        for _ in 0..MOST_EDGES {
            let limits = self.limits;
            let edge = self.values.windows(2).find_map(|pair| {
                let ((easy, one), (hard, other)) = (pair[0], pair[1]);
                let is_edge = (one == Judgement::Met) != (other == Judgement::Met);
                between(easy, hard, limits.within).filter(|_| is_edge)
            });
            let Some(middle) = edge else { break };
            match try_value(middle)? {
                Some(judgement) => self.add(middle, judgement),
                None => break,
            }
        }
        Ok(())
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
        try_value: &mut TryValue<'_>,
    ) -> Result<(), CampaignError> {
        while let Some(place) = self.values.iter().position(|(_, judgement)| over(*judgement))
            && let Some(before) = place.checked_sub(1)
        {
            let (easy, hard) = (self.values[before].0, self.values[place].0);
            let Some(middle) = between(easy, hard, self.limits.within) else { break };
            match try_value(middle)? {
                Some(judgement) => self.add(middle, judgement),
                None => break,
            }
        }
        Ok(())
    }
}

/// How many values are tried at the edges of ranges, at most.
const MOST_EDGES: usize = 40;

/// The value in the middle of two; `None` where they are near enough.
fn between(easy: f64, hard: f64, within: f64) -> Option<f64> {
    let middle = rounded((easy * hard).sqrt());
    let near = easy.max(hard) / easy.min(hard) <= 1.0 + within;
    (!near && middle != easy && middle != hard).then_some(middle)
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
        let answer = search(start, limits, |value| {
            tries += 1;
            Ok(Some(world(value)))
        });
        let answer = answer.unwrap();
        assert_eq!(answer.ranges, [], "it is monotone");
        (answer.bracket, tries)
    }

    #[test]
    fn both_ends_are_found_from_below_and_from_above() {
        for start in [1.0, 200.0, 437.0, 450.0, 9_000.0] {
            let (bracket, tries) = found(start, &UP, world(437.0, 470.0));
            let (met, missed) = (bracket.met.unwrap(), bracket.missed.unwrap());
            assert!((437.0 / 1.02..=437.0).contains(&met), "{start}: {met}");
            assert!((470.0..=470.0 * 1.021).contains(&missed), "{start}: {missed}");
            assert!(tries < 34, "{tries} tries from {start}");
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
        let answer = search(100.0, &UP, |value| Ok((value < 500.0).then_some(Judgement::Met)));
        assert_eq!(answer.unwrap().bracket, Bracket { met: Some(400.0), missed: None });
    }

    /// Met between two values, and missed on both sides.
    fn window(from: f64, to: f64) -> impl FnMut(f64) -> Result<Option<Judgement>, CampaignError> {
        move |value| {
            let met = (from..=to).contains(&value);
            Ok(Some(if met { Judgement::Met } else { Judgement::Missed }))
        }
    }

    #[test]
    fn what_is_missed_on_both_sides_is_a_range_from_wherever_the_search_begins() {
        for lower_is_harder in [false, true] {
            let limits = SearchBounds { lower_is_harder, ..UP };
            for start in [600.0, 2_000.0, 9_000.0] {
                let answer = search(start, &limits, window(1_500.0, 4_700.0)).unwrap();
                let [range] = answer.ranges[..] else { panic!("{start}: {answer:?}") };
                let near = |value: f64, edge: f64| (value / edge - 1.0).abs() <= 0.021;
                assert!(near(range.from, 1_500.0) && near(range.to, 4_700.0), "{range:?}");
                let (below, above) = (range.below.unwrap(), range.above.unwrap());
                assert!(near(below, 1_500.0) && below < 1_500.0, "{range:?}");
                assert!(near(above, 4_700.0) && above > 4_700.0, "{range:?}");
            }
        }
    }

    #[test]
    fn a_hole_inside_what_is_met_is_found_by_a_sample() {
        // Missed between 90 and 160, which doubling from 200 up to 437 does not see.
        let world = |value: f64| {
            let missed = (90.0..160.0).contains(&value) || value > 437.0;
            Ok(Some(if missed { Judgement::Missed } else { Judgement::Met }))
        };
        let answer = search(200.0, &UP, world).unwrap();
        let [low, high] = answer.ranges[..] else { panic!("{answer:?}") };
        assert!(
            (88.0..90.0).contains(&low.to) && (160.0..164.0).contains(&high.from),
            "{answer:?}"
        );
        assert!((428.0..=437.0).contains(&answer.bracket.met.unwrap()), "{answer:?}");
    }

    #[test]
    fn nowhere_is_said_when_neither_side_has_a_value_that_is_met() {
        let mut tried = Vec::new();
        let answer = search(10.0, &UP, |value| {
            tried.push(value);
            Ok(Some(Judgement::Missed))
        });
        assert_eq!(answer.unwrap().bracket.met, None);
        assert!(tried.iter().any(|value| *value > 10_000.0), "{tried:?}");
        assert!(tried.iter().any(|value| *value < 0.01), "{tried:?}");
    }

    #[test]
    fn values_are_such_as_a_person_would_write() {
        assert_eq!([1_234.5, 0.012_345, 99.96, 7.0].map(rounded), [1_230.0, 0.012_3, 100.0, 7.0]);
    }
}
