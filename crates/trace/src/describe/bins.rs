//! Requests over time for a chart: bins that grow wider with the trace, so that there are never many.

/// There are fewer bins than this.
const BINS_MAX: usize = 2_048;
/// The width that bins begin with: 10 ms.
const FIRST_WIDTH: u64 = 10_000_000;

/// Requests over time, in bins of one width from the first request on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChartBins {
    /// In nanoseconds: 10 ms times a power of two.
    pub width: u64,
    /// Requests of each bin; the last one may not be full.
    pub counts: Vec<u64>,
}

impl Default for ChartBins {
    fn default() -> Self {
        Self { width: FIRST_WIDTH, counts: Vec::new() }
    }
}

impl ChartBins {
    pub(super) fn add(&mut self, at: u64) {
        while at / self.width >= BINS_MAX as u64 {
            self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.width *= 2;
        }
        let bin = (at / self.width) as usize;
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }
}
