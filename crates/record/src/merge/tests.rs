//! What is joined is the recording of the run, and what is no part of it is refused.

use super::*;
use crate::{
    AnswerSeen, AttemptOutcome, AttemptRow, CellMarks, DeploymentInfo, JoinCounts, Lacked, Logs,
    Mode, RequestOutcome, RequestRow, RowRetention, RunEnd, RunHeader, SeenBy, ShardSet,
    TargetInfo,
};
use proptest::prelude::*;
use squall_determinism::{Shard, Timestamp};
use squall_failure::{FailureClass, FailureSource};
use std::time::Duration;

fn header() -> RunHeader {
    RunHeader {
        scenario: "test".to_owned(),
        scenario_text: "name: test\nseed: 7\n".to_owned(),
        seed: 7,
        mode: Mode::Live,
        duration: Duration::from_secs(90),
        ended: RunEnd::Complete,
        groups: vec!["chat".to_owned(), "small".to_owned()],
        deployments: vec![DeploymentInfo {
            name: "eu".to_owned(),
            group: 0,
            provider: 0,
            weight: 1,
        }],
        providers: vec!["one".to_owned()],
        kinds: vec!["paid".to_owned(), "free".to_owned()],
        changes: Vec::new(),
        lag: None,
        server_lag: Vec::new(),
        target: Some(TargetInfo {
            name: "http://gateway/v1".to_owned(),
            join: JoinCounts { attempts: 3, header: 3, ..JoinCounts::default() },
            ..TargetInfo::default()
        }),
        traces: Vec::new(),
        shards: None,
        lacked: Lacked::default(),
        marks: CellMarks {
            cuts: vec![Timestamp::from_millis(2_550)],
            within: vec![Duration::from_secs(2)],
        },
        digest: String::new(),
        version: "0.1.0".to_owned(),
    }
}

/// The part of some requests that is a shard's, with the attempts for them.
fn recorded(shard: Option<Shard>, requests: &[RequestRow], keep: RowRetention) -> Recording {
    let is_own = |request: u64| shard.unwrap_or_default().has(request);
    let requests: Vec<_> = requests.iter().filter(|row| is_own(row.request)).copied().collect();
    let attempts = requests.iter().map(attempt).collect();
    let began = |shard: Shard| Some(Duration::from_millis(1_000 + u64::from(shard.number())));
    let shards = shard.map(|shard| ShardSet::one(shard, began(shard)));
    let logs = Logs { requests, attempts, ..Logs::default() };
    Recording::of_logs(RunHeader { shards, ..header() }, keep, logs)
}

fn attempt(request: &RequestRow) -> AttemptRow {
    AttemptRow {
        request: Some(request.request),
        ordinal: 0,
        deployment: 0,
        seen_by: SeenBy::Provider,
        started: request.sent,
        first_token: request.first_token,
        ended: request.ended,
        outcome: AttemptOutcome::Succeeded,
        status: 200,
        retry_after: None,
        fault: None,
        limit: None,
        stream: request.stream,
        input_tokens: request.input_tokens,
        output_tokens: request.output_tokens,
    }
}

prop_compose! {
    fn row()(
        intended in 0..80_000_000_000_u64, lag in 0..9_000_000_u64, took in 1_000_u64..70_000_000_000,
        group in 0..2_u16, kind in 0..2_u16, stream in any::<bool>(), fate in 0..6_u8,
    ) -> RequestRow {
        let at = Timestamp::from_nanos;
        let class = FailureClass::Server;
        RequestRow {
            request: 0, group, kind, intended: at(intended), sent: at(intended + lag),
            first_token: Some(at(intended + took / 2)), ended: at(intended + took), stream,
            input_tokens: 10, output_tokens: 20, received_tokens: 20,
            outcome: match fate {
                0 => RequestOutcome::GaveUp,
                1 => RequestOutcome::Failed { class, source: FailureSource::Provider },
                _ => RequestOutcome::Succeeded,
            },
            status: 200, answer: AnswerSeen::WHOLE, calls: 1 }
    }
}

fn shards(of: u32) -> impl DoubleEndedIterator<Item = Shard> {
    (1..=of).map(move |number| Shard::new(number, of).expect("there is such a shard"))
}

fn merged(parts: impl IntoIterator<Item = Recording>) -> Result<MergedRun, MergeError> {
    let mut merge = ShardMerge::default();
    for (part, number) in parts.into_iter().zip(1..) {
        merge.add(&format!("part-{number}"), part)?;
    }
    merge.finish(false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_recordings_of_all_shards_are_that_of_the_run_in_whatever_order_they_come(
        mut rows in prop::collection::vec(row(), 0..300), of in 1..6_u32,
    ) {
        rows.sort_by_key(|row| row.intended);
        rows.iter_mut().zip(0..).for_each(|(row, request)| row.request = request);
        for keep in [RowRetention::Rows, RowRetention::Cells] {
            let whole = recorded(None, &rows, keep);
            let part = |shard| recorded(Some(shard), &rows, keep);
            let joined = merged(shards(of).map(part)).unwrap().recording;
            prop_assert_eq!(&joined.cells, &whole.cells);
            prop_assert_eq!(&joined.requests, &whole.requests);
            prop_assert_eq!(&joined.attempts, &whole.attempts);
            match keep {
                RowRetention::Rows => prop_assert_eq!(joined.header.lag, whole.header.lag),
                // The quantiles of the whole are not above the greatest of its parts.
                RowRetention::Cells => prop_assert!(
                    joined.header.lag.map(|lag| lag.p99) >= whole.header.lag.map(|lag| lag.p99)
                        && joined.header.lag.map(|lag| lag.max) == whole.header.lag.map(|lag| lag.max)
                ),
            }
            let turned = merged(shards(of).rev().map(part)).unwrap().recording;
            prop_assert_eq!(joined, turned);
        }
    }

    #[test]
    fn what_was_joined_in_steps_is_as_what_was_joined_at_once(
        mut rows in prop::collection::vec(row(), 1..100),
    ) {
        rows.sort_by_key(|row| row.intended);
        rows.iter_mut().zip(0..).for_each(|(row, request)| row.request = request);
        let part = |shard| recorded(Some(shard), &rows, RowRetention::Rows);
        let at_once = merged(shards(5).map(part)).unwrap().recording;
        let mut first = ShardMerge::default();
        for shard in shards(5).take(3) {
            first.add("first", part(shard)).unwrap();
        }
        let first = first.finish(true).unwrap().recording;
        let in_steps = merged(std::iter::once(first).chain(shards(5).skip(3).map(part)));
        prop_assert_eq!(in_steps.unwrap().recording, at_once);
    }
}

fn no_rows(shard: &str) -> Recording {
    recorded(Some(shard.parse().expect(shard)), &[], RowRetention::Rows)
}

fn refusal(change: impl FnOnce(&mut RunHeader)) -> String {
    let mut other = no_rows("2/2");
    change(&mut other.header);
    merged([no_rows("1/2"), other]).expect_err("they differ").to_string()
}

#[test]
fn what_is_not_of_the_same_plan_is_refused_with_the_difference() {
    let said = "`part-1` and `part-2` are not shards of one run: ";
    for (refusal, told) in [
        (refusal(|header| header.seed = 8), "one has the seed 7, and the other 8"),
        (
            refusal(|header| header.scenario_text = "name: test\nseed: 9\n".to_owned()),
            "line 2 of the scenario is `seed: 7` in one, and `seed: 9` in the other",
        ),
        (
            refusal(|header| header.scenario_text.push('#')),
            "the scenario has more lines in one than in the other",
        ),
        (
            refusal(|header| header.scenario = "other".to_owned()),
            "one is of the scenario `test`, and the other of `other`",
        ),
        (
            refusal(|header| header.shards = no_rows("2/3").header.shards),
            "one is of 2 shards, and the other of 3",
        ),
        (
            refusal(|header| header.version = "0.2.0".to_owned()),
            "one was run by squall 0.1.0, and the other by 0.2.0",
        ),
        (refusal(|header| header.mode = Mode::Simulated), "one is live, and the other simulated"),
        (
            refusal(|header| header.target = None),
            "one tested http://gateway/v1, and the other the built-in router",
        ),
        (
            refusal(|header| header.kinds.clear()),
            "their groups, deployments or kinds of requests differ",
        ),
    ] {
        assert_eq!(refusal, format!("{said}{told}"));
    }
}

#[test]
fn a_shard_that_is_there_twice_and_one_that_is_missing_are_named() {
    let twice = merged([no_rows("1/2"), no_rows("1/2")]).expect_err("it is there twice");
    assert_eq!(twice.to_string(), "shard 1 is in `part-1` and in `part-2`: name each shard once");
    let missing = merged([no_rows("2/4"), no_rows("3/4")]).expect_err("two are missing");
    assert_eq!(missing, MergeError::Missing { missing: vec![1, 4], of: 4 });
    assert!(missing.to_string().starts_with("shards 1 and 4 are missing of 4: name their"));
    assert_eq!(merged([]).expect_err("nothing"), MergeError::Nothing);
    let whole = recorded(None, &[], RowRetention::Rows);
    assert_eq!(
        merged([whole]).expect_err("whole"),
        MergeError::NoShard { label: "part-1".to_owned() }
    );
}

#[test]
fn a_run_ends_as_the_worst_of_its_shards_when_the_first_of_them_was_cut() {
    let at = Timestamp::from_secs;
    let ended = |ends: [RunEnd; 3]| {
        let parts = shards(3).zip(ends).map(|(shard, ended)| {
            let mut part = recorded(Some(shard), &[], RowRetention::Rows);
            part.header.ended = ended;
            part
        });
        merged(parts).expect("they are of one plan").recording.header.ended
    };
    let (complete, aborted) = (RunEnd::Complete, RunEnd::Aborted { at: at(9) });
    let interrupted = RunEnd::Interrupted { at: at(5) };
    let killed = RunEnd::Killed { at: at(7), torn: 1 };
    let broken = RunEnd::BrokenTrace { at: at(8) };
    assert_eq!(ended([aborted, broken, complete]), broken);
    assert_eq!(ended([complete, complete, complete]), complete);
    assert_eq!(ended([complete, aborted, complete]), aborted);
    assert_eq!(ended([aborted, complete, interrupted]), interrupted);
    assert_eq!(ended([killed, interrupted, killed]), RunEnd::Killed { at: at(5), torn: 2 });
}

#[test]
fn rows_that_some_shards_have_not_are_left_out_and_that_is_told() {
    let mut row = RequestRow {
        request: 0,
        group: 0,
        kind: 0,
        intended: Timestamp::from_secs(1),
        sent: Timestamp::from_secs(1),
        first_token: None,
        ended: Timestamp::from_secs(2),
        stream: false,
        input_tokens: 1,
        output_tokens: 1,
        received_tokens: 1,
        outcome: RequestOutcome::Succeeded,
        status: 200,
        answer: AnswerSeen::WHOLE,
        calls: 1,
    };
    let first = row;
    row.request = 1;
    let with = recorded(Shard::new(1, 2).ok(), &[first, row], RowRetention::Rows);
    let without = recorded(Shard::new(2, 2).ok(), &[first, row], RowRetention::Cells);
    let joined = merged([with, without]).expect("they are of one plan");
    assert_eq!(joined.without_rows, ["part-2"]);
    assert!(!joined.recording.has_rows());
    assert_eq!(joined.recording.cells.counts(), (2, 2));
}

#[test]
fn the_spread_of_the_starts_is_told_where_all_are_known() {
    let whole = merged(shards(3).map(|shard| no_rows(&shard.to_string()))).expect("one plan");
    let mut shards = whole.recording.header.shards.expect("they are shards");
    assert_eq!(shards.spread(), Some(Duration::from_millis(2)));
    shards.members[1].began = None;
    assert_eq!(shards.spread(), None);
}
