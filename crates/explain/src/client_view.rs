//! What the client of a request saw, in words.

use squall_record::RequestOutcome;

/// What the client of a request saw.
pub(crate) fn client_saw(outcome: RequestOutcome, status: u16) -> String {
    match outcome {
        RequestOutcome::Succeeded => "the client got a whole answer".to_owned(),
        RequestOutcome::Failed { class, .. } => {
            let class = class.as_str();
            format!("the client saw `{class}` (status {status})")
        }
        RequestOutcome::GaveUp => "the client gave up".to_owned(),
        RequestOutcome::Unfinished => "the run ended first".to_owned(),
    }
}
