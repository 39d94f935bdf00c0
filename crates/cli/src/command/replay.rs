//! `squall replay`.

use crate::args::ReplayArgs;
use crate::command::run::conclude;
use crate::error::{Error, Exit};
use crate::terminal;
use squall_determinism::Seed;
use squall_record::{JournalReader, Recording};
use squall_router::journal;
use squall_scenario::{EPOCH_NANOS, Scenario};

pub(crate) fn replay(args: &ReplayArgs) -> Result<Exit, Error> {
    let recording = Recording::read(&args.recording)?;
    let Some(bytes) = &recording.journal else {
        return Err(Error::NoJournal(args.recording.clone()));
    };
    let name = args.recording.join("run.json").display().to_string();
    let mut scenario = Scenario::read(&name, &recording.header.scenario_text)?;
    scenario.set_seed(Seed::new(recording.header.seed));
    let frames = JournalReader::new(bytes)?.frames()?;
    let changes = scenario.changes.iter().map(|change| change.router.clone());
    let replayed =
        journal::replay(scenario.router.clone(), changes, scenario.seed, EPOCH_NANOS, frames)?;
    terminal::data(format_args!(
        "replayed: {} inputs gave the same {} outputs",
        replayed.frames, replayed.outputs
    ));
    conclude(&scenario, &recording, &args.recording)
}
