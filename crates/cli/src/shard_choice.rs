//! Which part of a run this process carries out: as it was typed, or else as the environment says.

use crate::args::ShardArgs;
use crate::error::CliError;
use crate::terminal;
use squall_determinism::{Shard, ShardError};

/// The shard itself, as `--shard` takes it.
const SHARD: &str = "SQUALL_SHARD";
/// How many shards there are, where a scheduler tells the number of this one alone.
const SHARDS: &str = "SQUALL_SHARDS";
/// Kubernetes: the index of a pod of an Indexed Job, from 0.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";
/// Slurm: the index of a task of a job array, the lowest one, how far apart they are, and how many there are.
const SLURM: [&str; 4] = [
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_ARRAY_TASK_COUNT",
];

/// The shard that this process is; `None` where nobody divided the run. Says so where the environment did.
///
/// # Errors
/// When the environment names a shard that there cannot be.
pub(crate) fn chosen(args: &ShardArgs) -> Result<Option<Shard>, CliError> {
    if args.shard.is_some() {
        return Ok(args.shard);
    }
    let Some((shard, by)) = by_environment(&environment)? else { return Ok(None) };
    terminal::status(format_args!("shard {shard}, by {by}"));
    Ok(Some(shard))
}

#[expect(clippy::disallowed_methods, reason = "schedulers number their tasks by the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The shard that an environment names, and by which variable.
fn by_environment(
    read: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<(Shard, &'static str)>, CliError> {
    let refused = |name: &str, value: &str, why: &dyn std::fmt::Display| {
        CliError::Shard(format!("the environment variable `{name}` is `{value}`: {why}"))
    };
    if let Some(text) = read(SHARD) {
        let shard = text.parse().map_err(|error: ShardError| refused(SHARD, &text, &error))?;
        return Ok(Some((shard, SHARD)));
    }
    let number = |name: &str| {
        let Some(text) = read(name) else { return Ok(None) };
        let number = text.trim().parse::<u32>();
        number.map(Some).map_err(|_| refused(name, &text, &"a whole number is expected"))
    };
    let shard = |index: u32, of: u32, name: &'static str| {
        let shard = Shard::new(index.saturating_add(1), of);
        let shard = shard.map_err(|error| refused(name, &index.to_string(), &error))?;
        Ok(Some((shard, name)))
    };
    let [id, least, step, count] = SLURM;
    if let Some(index) = number(KUBERNETES)? {
        let Some(of) = number(SHARDS)? else { return Err(untold(KUBERNETES, index)) };
        return shard(index, of, KUBERNETES);
    }
    let Some(task) = number(id)? else { return Ok(None) };
    let (least, step) = (number(least)?.unwrap_or(0), number(step)?.unwrap_or(1).max(1));
    let of = match number(SHARDS)? {
        Some(of) => Some(of),
        None => number(count)?,
    };
    let Some(of) = of else { return Err(untold(id, task)) };
    let place = task.checked_sub(least).filter(|place| place.is_multiple_of(step));
    let Some(place) = place.map(|place| place / step).filter(|place| *place < of) else {
        let why = format!(
            "the tasks of this array are not evenly numbered, so that it is none of {of} shards; use `--array=0-{}`",
            of.saturating_sub(1)
        );
        return Err(refused(id, &task.to_string(), &why));
    };
    shard(place, of, id)
}

/// A scheduler numbers its tasks and does not tell how many there are: as a whole run each would send all of the traffic.
fn untold(name: &str, index: u32) -> CliError {
    CliError::Shard(format!(
        "the environment variable `{name}` is {index}, and how many shards there are is not told: set `{SHARDS}`, or \
         give `--shard 1/1` for a whole run"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(environment: &[(&str, &str)]) -> Result<Option<String>, String> {
        let read = |name: &str| {
            environment.iter().find(|(each, _)| *each == name).map(|(_, value)| (*value).to_owned())
        };
        let shard = by_environment(&read).map_err(|error| error.to_string())?;
        Ok(shard.map(|(shard, by)| format!("{shard} {by}")))
    }

    #[test]
    fn a_shard_is_what_the_schedulers_say() {
        let (id, least, step, count) = (SLURM[0], SLURM[1], SLURM[2], SLURM[3]);
        for (environment, expected) in [
            (&[][..], None),
            (&[(SHARD, "2/8"), (KUBERNETES, "7"), (id, "5")][..], Some("2/8 SQUALL_SHARD")),
            (&[(KUBERNETES, "0"), (SHARDS, "4")][..], Some("1/4 JOB_COMPLETION_INDEX")),
            (&[(KUBERNETES, "3"), (SHARDS, "4")][..], Some("4/4 JOB_COMPLETION_INDEX")),
            (
                &[(id, "0"), (least, "0"), (step, "1"), (count, "4")][..],
                Some("1/4 SLURM_ARRAY_TASK_ID"),
            ),
            (&[(id, "4"), (least, "1"), (count, "4")][..], Some("4/4 SLURM_ARRAY_TASK_ID")),
            (
                &[(id, "7"), (least, "1"), (step, "2"), (count, "4")][..],
                Some("4/4 SLURM_ARRAY_TASK_ID"),
            ),
        ] {
            assert_eq!(told(environment), Ok(expected.map(str::to_owned)), "{environment:?}");
        }
    }

    #[test]
    fn an_environment_that_names_no_shard_is_refused_by_its_variable() {
        let (id, least, count) = (SLURM[0], SLURM[1], SLURM[3]);
        for (environment, expected) in [
            (&[(SHARD, "9/8")][..], "`SQUALL_SHARD` is `9/8`: there is no shard 9 of 8"),
            (
                &[(KUBERNETES, "2")][..],
                "`JOB_COMPLETION_INDEX` is 2, and how many shards there are",
            ),
            (
                &[(KUBERNETES, "4"), (SHARDS, "4")][..],
                "`JOB_COMPLETION_INDEX` is `4`: there is no shard 5",
            ),
            (&[(KUBERNETES, "x")][..], "`JOB_COMPLETION_INDEX` is `x`: a whole number is expected"),
            (&[(KUBERNETES, "1"), (SHARDS, "all")][..], "`SQUALL_SHARDS` is `all`"),
            (&[(id, "7"), (least, "1"), (count, "3")][..], "use `--array=0-2`"),
            (&[(id, "1")][..], "`SLURM_ARRAY_TASK_ID` is 1, and how many"),
        ] {
            let error = told(environment).expect_err("it names no shard");
            assert!(error.contains(expected), "{environment:?}: {error}");
        }
    }
}
