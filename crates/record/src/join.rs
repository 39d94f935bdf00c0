//! Which attempt of its request an attempt was, told from the providers' logs.

use crate::AttemptRow;

/// Fills in the ordinals: the place of each attempt among those of its request over all providers, by
/// start time. An attempt without a token belongs to no request that we know, and is its own first.
pub fn join(attempts: &mut [AttemptRow]) {
    let mut order: Vec<usize> = (0..attempts.len()).collect();
    let key = |row: &AttemptRow| (row.request, row.started, row.deployment, row.ended);
    order.sort_by_key(|&place| key(&attempts[place]));
    let mut before: Option<(u64, u16)> = None;
    for place in order {
        let row = &mut attempts[place];
        row.ordinal = match (row.request, before) {
            (Some(request), Some((same, ordinal))) if request == same => ordinal.saturating_add(1),
            _ => 0,
        };
        before = row.request.map(|request| (request, row.ordinal));
    }
}
