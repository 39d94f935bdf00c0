//! A seed run twice: the same bytes, or the first place at which they part.

use crate::CampaignError;
use crate::difference::Difference;
use squall_determinism::{Shard, Timestamp};
use squall_record::{JournalReader, Recording, RunEnd, RunHeader};
use squall_router::journal::decode_frame;
use squall_scenario::Scenario;
use squall_sim::{SimOptions, simulate_shard};
use std::fmt;

/// Runs a scenario once more, as far as the run of this header came; another digest is an error that says where they
/// part.
///
/// # Errors
/// When the two differ, or the router refuses the configuration.
pub fn verify_determinism(scenario: &Scenario, of: &RunHeader) -> Result<(), CampaignError> {
    let shard = shard_of(of);
    let again = || {
        simulate_shard(scenario, SimOptions::default(), shard, &mut |time| match of.ended {
            RunEnd::Interrupted { at } => time < at,
            RunEnd::Complete
            | RunEnd::Aborted { .. }
            | RunEnd::BrokenTrace { .. }
            | RunEnd::Killed { .. } => true,
        })
    };
    let (second, digest) = (again()?, &of.digest);
    if second.header.digest == *digest {
        return Ok(());
    }
    let first = again()?;
    let difference = first_difference(&first, &second).unwrap_or_else(|| Difference {
        at: None,
        event: 0,
        first: format!("the digest {digest}"),
        second: format!("{}; a third run was identical to the second", second.header.digest),
    });
    Err(CampaignError::Differ {
        scenario: scenario.name.clone(),
        seed: scenario.seed.value(),
        difference: Box::new(difference),
    })
}

/// The shard that a recording is of, if it is of one.
fn shard_of(header: &RunHeader) -> Option<Shard> {
    let shards = header.shards.as_ref()?;
    let [only] = &shards.members[..] else { return None };
    Shard::new(only.number, shards.of).ok()
}

/// The first place at which two recordings part; `None` if they are the same.
#[must_use]
pub fn first_difference(first: &Recording, second: &Recording) -> Option<Difference> {
    in_journals(first, second)
        .or_else(|| {
            let (a, b) = (&first.attempts, &second.attempts);
            in_rows(a, b, "attempt", |row| row.started)
        })
        .or_else(|| {
            let (a, b) = (&first.requests, &second.requests);
            in_rows(a, b, "request", |row| row.intended)
        })
        .or_else(|| {
            let (a, b) = (&first.header.digest, &second.header.digest);
            (a != b).then(|| Difference {
                at: None,
                event: 0,
                first: format!("the digest {a}"),
                second: b.clone(),
            })
        })
}

/// The first input of the router that is another, or to which it answered otherwise.
fn in_journals(first: &Recording, second: &Recording) -> Option<Difference> {
    let frames = |recording: &'_ Recording| -> Vec<Vec<u8>> {
        let bytes = recording.journal.as_deref().unwrap_or_default();
        let frames = JournalReader::new(bytes).and_then(JournalReader::frames);
        frames.unwrap_or_default().into_iter().map(<[u8]>::to_vec).collect()
    };
    let (a, b) = (frames(first), frames(second));
    let event = parting(&a, &b)?;
    let told = |frames: &[Vec<u8>]| match frames.get(event) {
        None => "the end".to_owned(),
        Some(frame) => match split(frame) {
            Some((_, input)) => input,
            None => "a frame that cannot be read".to_owned(),
        },
    };
    let at =
        [&a, &b].into_iter().filter_map(|frames| frames.get(event)).find_map(|frame| split(frame));
    let (one, other) = (told(&a), told(&b));
    let other = if one == other { "the same, with another output".to_owned() } else { other };
    Some(Difference { at: at.map(|(at, _)| at), event, first: one, second: other })
}

/// The time and the input of a frame, whose last word is of the outputs.
fn split(frame: &[u8]) -> Option<(Timestamp, String)> {
    let frame = decode_frame(frame)?;
    Some((frame.now, format!("{:?}", frame.input)))
}

fn in_rows<R: PartialEq + fmt::Debug>(
    first: &[R],
    second: &[R],
    what: &str,
    at: fn(&R) -> Timestamp,
) -> Option<Difference> {
    let event = parting(first, second)?;
    let told = |rows: &[R]| {
        rows.get(event).map_or_else(|| format!("no further {what}"), |row| format!("{row:?}"))
    };
    let row = first.get(event).or_else(|| second.get(event));
    Some(Difference { at: row.map(at), event, first: told(first), second: told(second) })
}

/// Where two lists part; `None` if they are the same.
fn parting<T: PartialEq>(first: &[T], second: &[T]) -> Option<usize> {
    let common = first.iter().zip(second).take_while(|(a, b)| a == b).count();
    (common < first.len().max(second.len())).then_some(common)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_determinism::Seed;
    use squall_sim::{simulate, simulate_watched};

    const SCENARIO: &str = "
name: twice
seed: 7
duration: 5s
traffic: { group: chat, rate: 20, prompt_tokens: 10, output_tokens: 5 }
providers: { one: { ttft: 100ms, itl: 10ms } }
router: { groups: { chat: { deployments: [ { name: one, provider: one } ] } } }
";

    fn scenario(seed: u64) -> Scenario {
        let mut scenario = Scenario::read("twice.yaml", SCENARIO).expect("it reads");
        scenario.set_seed(Seed::new(seed));
        scenario
    }

    fn recording(seed: u64) -> Recording {
        simulate(&scenario(seed), SimOptions::default()).expect("it runs")
    }

    #[test]
    fn a_run_that_was_interrupted_is_run_again_as_far_as_it_came() {
        let text = SCENARIO.replace("5s", "1h");
        let scenario = Scenario::read("long.yaml", &text).expect("it reads");
        let mut looks = 0;
        let interrupted = simulate_watched(&scenario, SimOptions::default(), &mut |_| {
            looks += 1;
            looks < 3
        });
        let header = interrupted.expect("it runs").header;
        assert!(matches!(header.ended, RunEnd::Interrupted { .. }), "{:?}", header.ended);
        assert!(verify_determinism(&scenario, &header).is_ok());
        let earlier = RunHeader { ended: RunEnd::Complete, ..header };
        assert!(verify_determinism(&scenario, &earlier).is_err(), "the whole hour is another run");
    }

    #[test]
    fn a_seed_run_twice_is_the_same_and_another_digest_is_told() {
        let header = recording(7).header;
        assert!(verify_determinism(&scenario(7), &header).is_ok());
        let other = RunHeader { digest: "0123".to_owned(), ..header };
        let error = verify_determinism(&scenario(7), &other).unwrap_err().to_string();
        assert!(error.starts_with("two runs of twice with seed 7 differ: "), "{error}");
    }

    #[test]
    fn two_runs_part_at_the_first_event_that_is_another() {
        let difference = first_difference(&recording(7), &recording(8)).expect("seeds differ");
        assert_eq!(difference.event, 0);
        assert!(difference.first.starts_with("Arrived"), "{difference}");
        assert_eq!(first_difference(&recording(7), &recording(7)), None);
    }

    #[test]
    fn a_row_that_the_router_never_hears_of_is_found_as_well() {
        let (first, mut second) = (recording(7), recording(7));
        second.attempts[3].output_tokens += 1;
        let difference = first_difference(&first, &second).expect("a row differs");
        assert_eq!((difference.event, difference.at), (3, Some(first.attempts[3].started)));
    }
}
