//! `squall replay`.

use crate::args::ReplayArgs;
use crate::command::run::conclude;
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_determinism::Seed;
use squall_record::{JournalReader, Mode, Recording};
use squall_router::journal;
use squall_scenario::Scenario;
use std::path::Path;

pub(crate) fn replay(args: &ReplayArgs) -> Result<Exit, CliError> {
    let recording = Recording::read(&args.recording)?;
    let Some(bytes) = &recording.journal else {
        let path = args.recording.clone();
        return Err(CliError::NoJournal { path, has_rows: recording.has_rows() });
    };
    let scenario = scenario_of(&recording, &args.recording)?;
    let frames = JournalReader::new(bytes)?.frames()?;
    let changes = scenario.changes.iter().map(|change| change.router.clone());
    let replayed = journal::replay(
        scenario.router.clone(),
        changes,
        scenario.seed,
        scenario.epoch_nanos(),
        frames,
    )?;
    verify_digest(&scenario, &recording)?;
    terminal::data(format_args!(
        "replayed: {} inputs produced the same {} outputs",
        replayed.frames, replayed.outputs
    ));
    terminal::field(
        "replayed",
        || serde_json::json!({ "inputs": replayed.frames, "outputs": replayed.outputs }),
    );
    // The recording stays as it is.
    conclude(&scenario, &recording, &args.recording, (Ok(()), None))
}

/// The scenario that a recording in a folder is of.
pub(crate) fn scenario_of(recording: &Recording, folder: &Path) -> Result<Scenario, CliError> {
    let name = folder.join("run.json").display().to_string();
    let mut scenario = Scenario::read(&name, &recording.header.scenario_text)?;
    scenario.set_seed(Seed::new(recording.header.seed));
    Ok(scenario)
}

/// Makes the digest again: from the rows of a live run, by another run of a simulated one.
fn verify_digest(scenario: &Scenario, recording: &Recording) -> Result<(), CliError> {
    let header = &recording.header;
    match header.mode {
        Mode::Simulated => Ok(squall_campaign::verify_determinism(scenario, header)?),
        Mode::Live => {
            let digest = recording.digest_of_rows();
            let told = header.digest.clone();
            if digest == told { Ok(()) } else { Err(CliError::Digest { told, digest }) }
        }
    }
}
