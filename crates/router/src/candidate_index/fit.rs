//! Which deployments of a group fit a kind of request, in the order in which they are preferred.
//!
//! That depends on the configuration alone, so it is computed once for each kind and remembered: a request with
//! tags among a thousand deployments then costs as much as one without.

use crate::deployment::{Deployment, RequestNeeds, TagClass};
use crate::{DeploymentId, Features, RegionId, TagMatch, Tags};
use alloc::vec::Vec;
use core::cmp::Reverse;

/// How many kinds of requests a group remembers; one more replaces the oldest.
const KINDS: usize = 16;

/// The rank of a deployment that does not fit.
const UNFIT: u8 = u8::MAX;

/// What of a request decides which deployments fit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct CapabilityKey {
    tags: Tags,
    features: Features,
    region: Option<RegionId>,
}

/// The deployments for one kind of request.
#[derive(Clone, Debug)]
pub(crate) struct FitRow {
    kind: CapabilityKey,
    /// By place: 0 is preferred to 1, and so on.
    pub(crate) rank: Vec<u8>,
    /// How many ranks there are; `None` if they are too many to be told apart here.
    pub(crate) ranks: Option<u8>,
    /// Whether every deployment fits, and all are of one rank.
    pub(crate) all_equal: bool,
    /// The shortest context window of those that fit.
    pub(crate) window: u32,
}

/// The kinds of requests that came lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct FitCache {
    rows: Vec<FitRow>,
    oldest: usize,
    /// Scratch space: the distinct ranks, best first.
    distinct: Vec<(Reverse<TagClass>, u8)>,
}

impl FitCache {
    /// The row for these needs.
    #[inline]
    pub(crate) fn row(
        &mut self,
        needs: &RequestNeeds,
        rule: TagMatch,
        (ids, orders): (&[DeploymentId], &[u8]),
        deployments: &[Deployment],
    ) -> &FitRow {
        let RequestNeeds { tags, features, region, .. } = *needs;
        let kind = CapabilityKey { tags, features, region };
        let known = self.rows.iter().position(|row| row.kind == kind);
        let place = known.unwrap_or_else(|| {
            let place = self.vacate(kind);
            self.fill(place, needs, rule, (ids, orders), deployments);
            place
        });
        &self.rows[place]
    }

    /// A row for a kind: a new one, or the oldest.
    #[cold]
    fn vacate(&mut self, kind: CapabilityKey) -> usize {
        if self.rows.len() < KINDS {
            let row = FitRow { kind, rank: Vec::new(), ranks: None, all_equal: false, window: 0 };
            self.rows.push(row);
            return self.rows.len() - 1;
        }
        let place = self.oldest;
        self.oldest = (place + 1) % KINDS;
        self.rows[place].kind = kind;
        place
    }

    fn fill(
        &mut self,
        place: usize,
        needs: &RequestNeeds,
        rule: TagMatch,
        (ids, orders): (&[DeploymentId], &[u8]),
        deployments: &[Deployment],
    ) {
        let row = &mut self.rows[place];
        let members = ids.iter().map(|id| &deployments[id.index()]);
        // The best class of tags comes first, and within it the lowest order.
        let preference = |(deployment, &order): (&Deployment, &u8)| {
            let class = deployment.tags(needs.tags, rule);
            let fits = deployment.serves(needs) && (class != TagClass::No || needs.tags.is_empty());
            fits.then_some((Reverse(class), order))
        };
        self.distinct.clear();
        self.distinct.extend(members.clone().zip(orders).filter_map(preference));
        self.distinct.sort_unstable();
        self.distinct.dedup();
        let distinct = &self.distinct;
        let rank = |preference: Option<_>| match preference.map(|own| distinct.binary_search(&own))
        {
            Some(Ok(rank)) => u8::try_from(rank).unwrap_or(UNFIT),
            Some(Err(_)) | None => UNFIT,
        };
        row.rank.clear();
        row.rank.extend(members.clone().zip(orders).map(preference).map(rank));
        row.ranks = u8::try_from(distinct.len()).ok().filter(|&ranks| ranks < UNFIT);
        row.all_equal = row.rank.iter().all(|&rank| rank == 0);
        let fitting = members.zip(&row.rank).filter(|&(_, &rank)| rank != UNFIT);
        row.window = fitting.map(|(each, _)| each.max_input_tokens()).min().unwrap_or(u32::MAX);
    }
}
