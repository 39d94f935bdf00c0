//! The tokens that an answer used: as they are told, and as they are read.

use crate::json::{LooseCount, Perhaps};
use serde::Deserialize;
use std::io::Write as _;

/// Tokens that an answer used, as the provider counts them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

/// `usage` as OpenAI writes it, and as others do: every count may be missing or odd.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OpenAiUsage {
    #[serde(alias = "input_tokens")]
    prompt_tokens: LooseCount,
    #[serde(alias = "output_tokens")]
    completion_tokens: LooseCount,
    total_tokens: LooseCount,
}

impl OpenAiUsage {
    /// What was used, if both counts are told, or one and the sum.
    pub(crate) fn known(shape: Perhaps<Self>) -> Option<Usage> {
        let Self { prompt_tokens, completion_tokens, total_tokens } = shape.0?;
        let rest = |known: u32| total_tokens.0?.checked_sub(known);
        let (input_tokens, output_tokens) = match (prompt_tokens.0, completion_tokens.0) {
            (Some(input), Some(output)) => (input, output),
            (Some(input), None) => (input, rest(input)?),
            (None, Some(output)) => (rest(output)?, output),
            (None, None) => return None,
        };
        Some(Usage { input_tokens, output_tokens })
    }

    /// What was used for an answer that has no tokens: the prompt alone.
    pub(super) fn known_of_prompt(shape: Perhaps<Self>) -> Option<Usage> {
        let shape = shape.0?;
        let input_tokens = shape.prompt_tokens.0.or(shape.total_tokens.0)?;
        Some(Usage { input_tokens, output_tokens: 0 })
    }
}

pub(super) fn push_usage(out: &mut Vec<u8>, usage: Usage) {
    let Usage { input_tokens, output_tokens } = usage;
    let total = u64::from(input_tokens) + u64::from(output_tokens);
    write!(
        out,
        r#"{{"prompt_tokens":{input_tokens},"completion_tokens":{output_tokens},"total_tokens":{total}}}"#
    )
    .expect("a Vec takes all");
}
