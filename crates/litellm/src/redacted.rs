//! Diagnostics of a LiteLLM file whose excerpts and sentences show no secret.

use crate::secrets;
use squall_config_file::diagnostic::{Diagnostics, Problem};

/// The problems of `text`, with every secret of it covered by as many `*`.
pub(super) fn diagnostics(path: &str, text: &str, problems: Vec<Problem>) -> Diagnostics {
    let (covered, hidden) = secrets::covered(text);
    let said = |sentence: &str| {
        hidden.iter().fold(sentence.to_owned(), |sentence, secret| {
            sentence.replace(secret.as_str(), secrets::HIDDEN)
        })
    };
    let problems = problems.into_iter().map(|mut problem| {
        problem.message = said(&problem.message);
        problem.label = said(&problem.label);
        problem.help = problem.help.as_deref().map(said);
        problem
    });
    Diagnostics::new(path, &covered, problems.collect())
}
