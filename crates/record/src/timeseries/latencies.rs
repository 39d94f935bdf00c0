//! Distributions of durations over time.

use super::packed::{PackedLog, put_varint, take_varint};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// Durations to two significant digits, between a microsecond and a thousand hours, in bins of equal width.
/// Bins that are still being filled are histograms; the others are lists of the values that occurred, which
/// are small. A bin without values takes no room.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Latencies {
    width_secs: u32,
    /// By bin: the values that occurred, as [`pack`] writes them.
    packed: PackedLog,
    heads: Vec<BinHead>,
    /// By rising bin, those that had values lately.
    #[serde(skip)]
    open: VecDeque<OpenBin>,
    /// Bins before this one are packed.
    #[serde(skip)]
    first_open: u64,
    /// Histograms to be used again.
    #[serde(skip)]
    spare: Vec<Histogram<u32>>,
    /// What was recorded in bins that are packed already.
    #[serde(skip)]
    late: BTreeMap<u64, Vec<Counted>>,
    #[serde(skip)]
    late_values: usize,
}

/// A value by its [`place`], and how often it occurred.
type Counted = (u32, u32);

#[derive(Clone, Debug, PartialEq)]
struct OpenBin {
    bin: u64,
    values: Histogram<u32>,
}

/// The values of a bin that lie before a moment within it, by rising value.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct BinHead {
    before_ns: u64,
    values: Vec<Counted>,
}

/// How many seconds stay open: longer than nearly every answer takes.
const OPEN_SECS: u64 = 64;
const LOWEST: u64 = 1;
/// Longer than any run: a value beyond it would be told as this.
const HIGHEST: u64 = 3_600_000_000_000;
/// Late values are packed with the others when they are so many, and an eighth of the bytes of those.
const LATE_VALUES: usize = 1 << 17;

impl Latencies {
    pub(super) const fn new(width_secs: u32) -> Self {
        Self {
            width_secs,
            packed: PackedLog::new(),
            heads: Vec::new(),
            open: VecDeque::new(),
            first_open: 0,
            spare: Vec::new(),
            late: BTreeMap::new(),
            late_values: 0,
        }
    }

    /// Keeps apart what comes before these moments in their bins, before anything is recorded.
    pub(super) fn cut(&mut self, cuts: &[Timestamp]) {
        let width = self.width_nanos();
        let within = cuts.iter().map(|cut| cut.as_nanos()).filter(|cut| !cut.is_multiple_of(width));
        let heads = within.map(|before_ns| BinHead { before_ns, values: Vec::new() });
        self.heads = heads.collect();
    }

    #[inline]
    pub(super) fn record(&mut self, at: Timestamp, took: Duration) {
        let width = self.width_nanos();
        let bin = at.as_nanos() / width;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(LOWEST, HIGHEST);
        for head in &mut self.heads {
            if at.as_nanos() < head.before_ns && head.before_ns / width == bin {
                add_to(&mut head.values, place(micros), 1);
            }
        }
        if bin < self.first_open {
            add_to(self.late.entry(bin).or_default(), place(micros), 1);
            self.late_values += 1;
            return;
        }
        self.open_bin(bin).saturating_record(micros);
    }

    /// The histogram of a bin, which is opened if it is not open.
    #[inline]
    fn open_bin(&mut self, bin: u64) -> &mut Histogram<u32> {
        let place = match self.open.binary_search_by_key(&bin, |open| open.bin) {
            Ok(place) => place,
            Err(_) => {
                self.pack_before((bin + 1).saturating_sub(OPEN_SECS / u64::from(self.width_secs)));
                let place = self.open.partition_point(|open| open.bin < bin);
                let values = self.spare.pop().unwrap_or_else(empty);
                self.open.insert(place, OpenBin { bin, values });
                place
            }
        };
        &mut self.open[place].values
    }

    /// Packs the open bins before `first`, which becomes the first that may be open, unless it is already.
    fn pack_before(&mut self, first: u64) {
        let mut entry = Vec::new();
        while let Some(OpenBin { bin, mut values }) =
            self.open.pop_front_if(|oldest| oldest.bin < first)
        {
            entry.clear();
            pack(recorded(&values), &mut entry);
            self.packed.push(bin, &entry);
            values.reset();
            self.spare.push(values);
        }
        self.first_open = self.first_open.max(first);
        if self.late_values > LATE_VALUES.max(self.packed.bytes() / 8) {
            self.pack_late();
        }
    }

    /// Packs what came late with the rest.
    fn pack_late(&mut self) {
        let packed = std::mem::replace(&mut self.packed, PackedLog::new());
        let mut late = std::mem::take(&mut self.late).into_iter().peekable();
        self.late_values = 0;
        let mut entry = Vec::new();
        let mut push = |bin: u64, values: Vec<Counted>| {
            entry.clear();
            pack(values.into_iter(), &mut entry);
            self.packed.push(bin, &entry);
        };
        for (bin, bytes) in packed.entries() {
            while let Some((bin, values)) = late.next_if(|(late, _)| *late < bin) {
                push(bin, values);
            }
            let mut values: Vec<_> = unpack(bytes).collect();
            if let Some((_, more)) = late.next_if(|(late, _)| *late == bin) {
                more.into_iter().for_each(|(place, count)| add_to(&mut values, place, count));
            }
            push(bin, values);
        }
        late.for_each(|(bin, values)| push(bin, values));
    }

    /// Adds what others recorded, which are closed as these are.
    pub(super) fn add(&mut self, other: &Self) {
        self.late =
            other.packed.entries().map(|(bin, bytes)| (bin, unpack(bytes).collect())).collect();
        self.pack_late();
        for (head, others) in self.heads.iter_mut().zip(&other.heads) {
            for &(place, count) in &others.values {
                add_to(&mut head.values, place, count);
            }
        }
    }

    /// Packs every bin: nothing more is to come.
    pub(super) fn close(&mut self) {
        self.pack_before(self.open.back().map_or(0, |last| last.bin + 1));
        if !self.late.is_empty() {
            self.pack_late();
        }
        (self.open, self.spare) = (VecDeque::new(), Vec::new());
    }

    /// Finds its way in what was read. Tells whether that is as it is written.
    pub(super) fn index(&mut self) -> bool {
        let most = u64::MAX / self.width_nanos().max(1) - 1;
        let is_value = |&(place, _): &Counted| place <= self::place(HIGHEST);
        self.width_secs > 0
            && self.heads.iter().all(|head| head.values.iter().all(is_value))
            && self.packed.index(most, is_packed)
    }

    #[cfg(test)]
    pub(super) fn packed_bytes(&self) -> usize {
        self.packed.capacity()
    }

    /// The width of a bin.
    #[must_use]
    pub const fn width(&self) -> Duration {
        Duration::from_secs(self.width_secs as u64)
    }

    /// All values of a window: exactly those where its ends are bins' or were known when the run began, and else those
    /// of the bins that begin in it.
    #[must_use]
    pub fn window(&self, window: Range<Timestamp>) -> Histogram<u64> {
        let edge = |time: Timestamp| {
            let nanos = time.as_nanos();
            let head = self.heads.iter().find(|head| head.before_ns == nanos);
            let width = self.width_nanos();
            let bin = if head.is_some() { nanos / width } else { nanos.div_ceil(width) };
            (bin as usize, head)
        };
        let ((start, before), (end, last)) = (edge(window.start), edge(window.end));
        let mut merged = self.merged(start..end);
        for &(place, count) in last.iter().flat_map(|head| &head.values) {
            merged.saturating_record_n(value_at(place), count.into());
        }
        if let (Some(before), true) = (before, window.start < window.end) {
            let mut taken = empty();
            for &(place, count) in &before.values {
                taken.saturating_record_n(value_at(place), u64::from(count));
            }
            // What comes before the start is among the values of its bin.
            let _ = merged.subtract(taken);
        }
        merged
    }

    /// All values of some bins.
    #[must_use]
    pub fn merged(&self, bins: Range<usize>) -> Histogram<u64> {
        let mut merged = empty();
        let entries = self.packed.entries_from(bins.start as u64);
        for (_, bytes) in entries.take_while(|&(bin, _)| bin < bins.end as u64) {
            for (place, count) in unpack(bytes) {
                merged.saturating_record_n(value_at(place), count.into());
            }
        }
        merged
    }

    const fn width_nanos(&self) -> u64 {
        self.width_secs as u64 * 1_000_000_000
    }
}

fn empty<T: hdrhistogram::Counter>() -> Histogram<T> {
    Histogram::new_with_bounds(LOWEST, HIGHEST, 2)
        .unwrap_or_else(|_| unreachable!("the bounds are constants that fit"))
}

/// Adds a value to a sorted list.
fn add_to(values: &mut Vec<Counted>, place: u32, count: u32) {
    match values.binary_search_by_key(&place, |&(each, _)| each) {
        Ok(there) => values[there].1 = values[there].1.saturating_add(count),
        Err(there) => values.insert(there, (place, count)),
    }
}

/// The values that occurred, and how often. The histogram's own iterator walks its thousands of buckets
/// from zero; this walks from the least value to the greatest.
fn recorded(histogram: &Histogram<u32>) -> impl Iterator<Item = Counted> {
    let values = (!histogram.is_empty()).then(|| (histogram.min(), histogram.max()));
    let places = values.into_iter().flat_map(|(least, greatest)| place(least)..=place(greatest));
    let counted = places.map(|place| (place, histogram.count_at(value_at(place))));
    counted.filter(|&(_, count)| count > 0)
}

/// Of the values that a histogram of two digits tells apart, each power of two has so many.
const PLACES: u64 = 128;

/// The place of a value among those that a histogram tells apart.
const fn place(value: u64) -> u32 {
    let shift = ((2 * PLACES - 1) | value).ilog2() - PLACES.ilog2();
    shift * PLACES as u32 + (value >> shift) as u32
}

/// The greatest value of a place.
const fn value_at(place: u32) -> u64 {
    let (place, places) = (place as u64, PLACES);
    let shift = (place / places).saturating_sub(1);
    ((place - shift * places + 1) << shift) - 1
}

/// Appends values by rising place: how far each is from the one before, and how often it occurred.
fn pack(values: impl Iterator<Item = Counted>, bytes: &mut Vec<u8>) {
    let mut last = 0;
    for (place, count) in values {
        put_varint((place - last).into(), bytes);
        put_varint(count.into(), bytes);
        last = place;
    }
}

/// The values that [`pack`] appended.
fn unpack(mut bytes: &[u8]) -> impl Iterator<Item = Counted> {
    let mut place = 0;
    std::iter::from_fn(move || {
        place += take_varint(&mut bytes)? as u32;
        Some((place, take_varint(&mut bytes)? as u32))
    })
}

/// Whether [`pack`] may have appended these bytes.
fn is_packed(mut bytes: &[u8]) -> bool {
    let mut place = 0_u64;
    while !bytes.is_empty() {
        let counted = take_varint(&mut bytes).zip(take_varint(&mut bytes));
        let Some((step, count)) = counted else { return false };
        place = place.saturating_add(step);
        let is_known = place <= u64::from(self::place(HIGHEST));
        if !is_known || !(1..=u64::from(u32::MAX)).contains(&count) {
            return false;
        }
    }
    true
}

impl PartialEq for Latencies {
    /// Two that are closed are alike if their values are.
    fn eq(&self, other: &Self) -> bool {
        (&self.packed, &self.heads, &self.open, &self.late)
            == (&other.packed, &other.heads, &other.open, &other.late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_place_is_what_a_histogram_tells_apart(
            value in (0..42_u32, any::<u64>()).prop_map(|(bits, any)| (any % (1 << bits)).clamp(LOWEST, HIGHEST)),
        ) {
            let histogram = empty::<u64>();
            prop_assert_eq!(value_at(place(value)), histogram.highest_equivalent(value));
            prop_assert_eq!(place(value_at(place(value))), place(value));
            prop_assert_eq!(place(value_at(place(value)) + 1), place(value) + 1);
        }
    }
}
