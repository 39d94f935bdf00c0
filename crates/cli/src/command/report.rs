//! `squall report`: a recording is judged and drawn again, from what its folder holds.

use crate::args::ReportArgs;
use crate::command::replay::scenario_of;
use crate::command::run::conclude;
use crate::error::{CliError, Exit};
use squall_record::{OutFolder, Recording};
use squall_report::RunOrigin;

pub(crate) fn report(args: &ReportArgs) -> Result<Exit, CliError> {
    let recording = Recording::read(&args.recording)?;
    let scenario = scenario_of(&recording, &args.recording)?;
    let folder = args.out.as_deref().map(OutFolder::for_report).transpose()?;
    let out = folder.as_ref().map_or(&*args.recording, OutFolder::path);
    let origin = RunOrigin::read(&args.recording);
    conclude(&scenario, &recording, out, (Ok(()), origin.as_ref()))
}
