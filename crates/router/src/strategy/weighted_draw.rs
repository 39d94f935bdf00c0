//! A draw by weight in linear time, for any weights.

use squall_determinism::RandomStream;

/// A place drawn by weight; `None` when all weigh nothing.
#[inline]
pub(super) fn weighted_draw(
    draws: &mut RandomStream,
    places: usize,
    weight: impl Fn(usize) -> u64,
) -> Option<usize> {
    let sum = (0..places).map(&weight).sum::<u64>();
    if sum == 0 {
        return None;
    }
    let mut left = draws.below(sum);
    (0..places).find(|&place| {
        let weight = weight(place);
        let hit = left < weight;
        left = left.saturating_sub(weight);
        hit
    })
}
