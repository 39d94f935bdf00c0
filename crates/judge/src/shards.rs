//! What is known of the shards of a run, in lines for people and as a part of the summary, and what keeps a verdict from
//! being made of them.

use crate::text;
use schemars::JsonSchema;
use serde::Serialize;
use squall_record::{Recording, ShardSet};
use std::time::Duration;

/// How far apart shards may begin before they are no longer one run: rates are told by the second.
pub(crate) const SPREAD_MAX: Duration = Duration::from_secs(1);

/// How many numbers are named before the rest is counted.
const NAMED: usize = 10;

/// The shards of a run that a recording is of.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
pub struct ShardsSummary {
    /// How many shards the run has.
    pub of: u32,
    /// The numbers of those that are in the recording, from 1.
    pub members: Vec<u32>,
    /// How long after the first of them the last one began, each by the clock of its own machine; none where that is not
    /// known, as in virtual time.
    pub start_spread_ms: Option<u64>,
}

impl ShardsSummary {
    /// Of a recording; `None` for one of a run that was not divided.
    #[must_use]
    pub fn of(recording: &Recording) -> Option<Self> {
        let shards = recording.header.shards.as_ref()?;
        Some(Self {
            of: shards.of,
            members: shards.members.iter().map(|member| member.number).collect(),
            start_spread_ms: shards.spread().map(|spread| spread.as_millis() as u64),
        })
    }
}

/// Of which shards a recording is; `None` for one of a run that was not divided.
pub(crate) fn shards_line(recording: &Recording) -> Option<String> {
    let shards = recording.header.shards.as_ref()?;
    let of = shards.of;
    if let [only] = &shards.members[..] {
        return Some(format!("shard {} of {of}", only.number));
    }
    let which = match shards.is_whole() {
        true => format!("all {of} shards"),
        false => format!("{} of {of} shards", shards.members.len()),
    };
    let spread = shards.spread().map_or_else(String::new, |spread| {
        let spread = text::duration(spread);
        format!("; the last began {spread} after the first, each by its own clock")
    });
    Some(format!("{which}, joined{spread}"))
}

/// Why shards allow no verdict on their run: in short, and in a sentence.
pub(crate) fn shard_problems(recording: &Recording) -> Vec<(String, String)> {
    let Some(shards) = recording.header.shards.as_ref().filter(|shards| shards.of > 1) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    problems.extend(missing(shards));
    if recording.header.knows_attempts() {
        let text = format!(
            "each of the {0} shards had a router and providers of its own, which saw 1/{0} of the traffic: what they did \
             is not what they do under all of it",
            shards.of
        );
        problems.push(("each shard had a router of its own".to_owned(), text));
    }
    if let Some(spread) = shards.spread().filter(|spread| *spread > SPREAD_MAX) {
        let text = format!(
            "the last shard began {} after the first: together they are not the traffic of the scenario; agree on a start \
             with `--start-at`",
            text::duration(spread)
        );
        problems.push(("the shards did not begin together".to_owned(), text));
    }
    problems
}

fn missing(shards: &ShardSet) -> Option<(String, String)> {
    if shards.is_whole() {
        return None;
    }
    let of = shards.of;
    if let [only] = &shards.members[..] {
        let short = format!("this is shard {} of {of}", only.number);
        let text = format!("{short}: `squall merge` joins all of them, and judges the run");
        return Some((short, text));
    }
    let missing = shards.missing();
    let named: Vec<_> = missing.iter().take(NAMED).map(u32::to_string).collect();
    let more = match missing.len() - named.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let text = format!("of the {of} shards these are missing: {}{more}", named.join(", "));
    Some((format!("{} of {of} shards are missing", missing.len()), text))
}
