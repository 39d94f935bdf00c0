//! `squall replay`.

use crate::args::ReplayArgs;
use crate::command::run::conclude;
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_determinism::Seed;
use squall_record::{JournalReader, Mode, Recording};
use squall_router::journal;
use squall_scenario::Scenario;

pub(crate) fn replay(args: &ReplayArgs) -> Result<Exit, CliError> {
    let recording = Recording::read(&args.recording)?;
    let Some(bytes) = &recording.journal else {
        return Err(CliError::NoJournal(args.recording.clone()));
    };
    let name = args.recording.join("run.json").display().to_string();
    let mut scenario = Scenario::read(&name, &recording.header.scenario_text)?;
    scenario.set_seed(Seed::new(recording.header.seed));
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
