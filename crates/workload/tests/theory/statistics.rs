//! Estimates from independent runs, each with its standard error: that of the jackknife, which leaves out one run after
//! the other (Efron 1982), so that tolerances come from the samples themselves.

/// What is added up over runs.
pub(crate) const SUMS: usize = 6;

/// The sums of one run: of gaps, their number, sum and squares; of counts in windows likewise.
pub(crate) type Sums = [f64; SUMS];

/// Of the times of a run: gaps between them, and how many are in each whole window.
pub(crate) fn sums(times: &[f64], until: f64, window: f64) -> Sums {
    let mut sums = [0.0; SUMS];
    for pair in times.windows(2) {
        let gap = pair[1] - pair[0];
        sums[0] += 1.0;
        sums[1] += gap;
        sums[2] += gap * gap;
    }
    let mut counts = vec![0.0; (until / window + 1e-9) as usize];
    for time in times {
        if let Some(count) = counts.get_mut((time / window) as usize) {
            *count += 1.0;
        }
    }
    for count in counts {
        sums[3] += 1.0;
        sums[4] += count;
        sums[5] += count * count;
    }
    sums
}

/// The coefficient of variation of gaps.
pub(crate) fn cv(sums: &Sums) -> f64 {
    let mean = sums[1] / sums[0];
    (sums[2] / sums[0] - mean * mean).max(0.0).sqrt() / mean
}

/// The mean of counts.
pub(crate) fn mean(sums: &Sums) -> f64 {
    sums[4] / sums[3]
}

/// The index of dispersion of counts: variance ÷ mean.
pub(crate) fn dispersion(sums: &Sums) -> f64 {
    let mean = mean(sums);
    (sums[5] - sums[3] * mean * mean) / (sums[3] - 1.0) / mean
}

/// An estimate and its standard error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) error: f64,
}

/// An estimate from all runs together.
pub(crate) fn estimate(runs: &[Sums], of: fn(&Sums) -> f64) -> Estimate {
    let mut all = [0.0; SUMS];
    for run in runs {
        for (sum, part) in all.iter_mut().zip(run) {
            *sum += part;
        }
    }
    let without = |run: &Sums| {
        let mut rest = all;
        for (sum, part) in rest.iter_mut().zip(run) {
            *sum -= part;
        }
        of(&rest)
    };
    let n = runs.len() as f64;
    let left: Vec<f64> = runs.iter().map(without).collect();
    let middle = left.iter().sum::<f64>() / n;
    let spread: f64 = left.iter().map(|value| (value - middle).powi(2)).sum();
    Estimate { value: of(&all), error: ((n - 1.0) / n * spread).sqrt() }
}

/// What does not agree with theory, in words: an estimate agrees within four standard errors, which are at most this part
/// of what theory says. Of 100 such comparisons one in 160 fails by chance; the seeds are fixed.
#[derive(Debug, Default)]
pub(crate) struct Disagreements(Vec<String>);

impl Disagreements {
    pub(crate) fn hold(&mut self, what: &str, estimate: Estimate, theory: f64, precision: f64) {
        let Estimate { value, error } = estimate;
        let told = format!("{what}: {value:.5} ± {error:.5}, theory says {theory:.5}");
        if error > precision * theory {
            self.0.push(format!("too uncertain to judge: {told}"));
        } else if (value - theory).abs() > 4.0 * error + 1e-9 * theory {
            self.0.push(told);
        }
    }

    #[track_caller]
    pub(crate) fn are_none(&self) {
        assert!(self.0.is_empty(), "{}", self.0.join("\n"));
    }
}
