//! Why recordings cannot be joined.

/// Why recordings cannot be joined.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum MergeError {
    /// There is nothing to join.
    #[error("there is no recording to merge")]
    Nothing,
    /// A recording is of a whole run.
    #[error(
        "`{label}` is the recording of a whole run, and of no shard: only runs with `--shard` can be merged"
    )]
    NoShard {
        /// Which recording.
        label: String,
    },
    /// A shard is there already.
    #[error("shard {number} is in `{other}` and in `{label}`: name each shard once")]
    Twice {
        /// Its number.
        number: u32,
        /// The later recording.
        label: String,
        /// The earlier one.
        other: String,
    },
    /// Two recordings are of different plans.
    #[error("`{first}` and `{label}` are not shards of one run: {what}")]
    OtherPlan {
        /// The first recording.
        first: String,
        /// The one that differs.
        label: String,
        /// In what.
        what: String,
    },
    /// Shards are missing.
    #[error(
        "{} missing of {of}: name {} as well, or merge what there is with `--partial`, which gives no verdict",
        shards(missing),
        if missing.len() == 1 { "its recording" } else { "their recordings" }
    )]
    Missing {
        /// Their numbers.
        missing: Vec<u32>,
        /// How many shards the run has.
        of: u32,
    },
}

/// `shard 3 is`, `shards 3 and 7 are`.
fn shards(numbers: &[u32]) -> String {
    match numbers {
        [one] => format!("shard {one} is"),
        several => format!("shards {} are", listed(several)),
    }
}

/// How many numbers are named before the rest is counted.
const NAMED: usize = 10;

fn listed(numbers: &[u32]) -> String {
    let named: Vec<_> = numbers.iter().take(NAMED).map(u32::to_string).collect();
    match (numbers.len().saturating_sub(NAMED), named.split_last()) {
        (0, Some((last, before))) => format!("{} and {last}", before.join(", ")),
        (more, _) => format!("{} and {more} more", named.join(", ")),
    }
}
