//! `squall explain`: why one request of a recording fared as it did.

use crate::args::ExplainArgs;
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_explain::{Explainer, RequestSelector};
use squall_record::Recording;

pub(crate) fn explain(args: &ExplainArgs) -> Result<Exit, CliError> {
    let recording = Recording::read(&args.recording)?;
    let name = args.recording.join("run.json").display().to_string();
    let which = match args.request {
        Some(named) => named,
        None if args.first_failed => RequestSelector::FirstFailed,
        None => RequestSelector::Slowest,
    };
    let refused =
        |source| CliError::Explain { path: args.recording.clone(), source: Box::new(source) };
    let explainer = Explainer::new(&name, &recording).map_err(refused)?;
    let explanation = explainer.explain(which).map_err(refused)?;
    terminal::data(explanation.to_text());
    terminal::field("explanation", || explanation.to_json());
    Ok(Exit::Met)
}
