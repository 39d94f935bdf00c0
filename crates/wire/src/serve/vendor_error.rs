//! What an answer tells beside its content: an error, and its headers.

use super::{ApiEndpoint, ParsedRequest};
use crate::{HeaderGauge, LimitHeaders};
use squall_failure::{FailureClass, ProviderLimitKind};
use std::time::Duration;

/// An error that is to be told.
#[derive(Clone, Copy, Debug)]
pub struct VendorError<'a> {
    /// What went wrong.
    pub class: FailureClass,
    /// The HTTP status. Where it is more exact than the class, the body follows it.
    pub status: u16,
    /// What was asked for, where it could be read.
    pub asked: Option<&'a ParsedRequest>,
    /// The key that the request came with.
    pub key: Option<&'a str>,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// The longest prompt that the provider takes, in tokens, if there is one.
    pub context_window: Option<u32>,
    /// The number of the answer, as in its headers.
    pub request_id: &'a str,
    /// The limit that was reached. Of its capacity a vendor says nothing: as without one.
    pub exceeded: Option<ProviderLimitKind>,
    /// When it may pass.
    pub wait: Option<Duration>,
    /// The limits as they stand.
    pub limits: &'a HeaderLimits,
    /// Something more exact than the class says.
    pub message: Option<&'a str>,
    /// The field of the request that is wrong.
    pub param: Option<&'a str>,
    /// The code of that mistake, where its vendor has one.
    pub code: Option<&'a str>,
}

/// What a vendor tells of itself. What only a gateway can know of a call is a failure of the server's to its clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum VendorClass {
    Throttled,
    Overloaded,
    Server,
    Timeout,
    RequestTooLarge,
    Auth,
    NotFound,
    ContextWindow,
    ContentPolicy,
    BadRequest,
    QuotaSpent,
}

impl VendorClass {
    pub(crate) const fn of(class: FailureClass) -> Self {
        match class {
            FailureClass::Throttled => Self::Throttled,
            FailureClass::Overloaded => Self::Overloaded,
            FailureClass::Timeout => Self::Timeout,
            FailureClass::RequestTooLarge => Self::RequestTooLarge,
            FailureClass::Auth => Self::Auth,
            FailureClass::NotFound => Self::NotFound,
            FailureClass::ContextWindow => Self::ContextWindow,
            FailureClass::ContentPolicy => Self::ContentPolicy,
            FailureClass::BadRequest => Self::BadRequest,
            FailureClass::QuotaSpent => Self::QuotaSpent,
            FailureClass::Server
            | FailureClass::Connect
            | FailureClass::Stalled
            | FailureClass::Cut
            | FailureClass::AnswerTooLarge
            | FailureClass::Resources
            | FailureClass::Malformed => Self::Server,
        }
    }
}

impl<'a> VendorError<'a> {
    /// An error of which nothing else is known.
    #[must_use]
    pub const fn new(class: FailureClass, status: u16, limits: &'a HeaderLimits) -> Self {
        Self {
            class,
            status,
            asked: None,
            key: None,
            input_tokens: 0,
            context_window: None,
            request_id: "",
            exceeded: None,
            wait: None,
            limits,
            message: None,
            param: None,
            code: None,
        }
    }

    /// What its vendor tells of it.
    pub(crate) const fn vendor_class(&self) -> VendorClass {
        VendorClass::of(self.class)
    }

    /// The model that was asked.
    pub(crate) fn model(&self) -> &'a str {
        self.asked.map_or("", |asked| &asked.model)
    }

    /// What was asked for.
    pub(crate) fn endpoint(&self) -> Option<ApiEndpoint> {
        self.asked.map(|asked| asked.endpoint)
    }

    /// The gauge of the limit that was reached, if it has one.
    pub(crate) fn gauge(&self) -> Option<HeaderGauge> {
        match self.exceeded? {
            ProviderLimitKind::Requests => Some(self.limits.both.requests),
            ProviderLimitKind::Tokens => Some(self.limits.both.tokens),
            ProviderLimitKind::InputTokens => Some(self.limits.input),
            ProviderLimitKind::OutputTokens => Some(self.limits.output),
            ProviderLimitKind::Day | ProviderLimitKind::Growth | ProviderLimitKind::Capacity => {
                None
            }
        }
    }

    /// The window that a prompt is too long for, and the prompt's tokens, which are more. A provider of no
    /// window of its own that is told to say so has one of `usual` tokens, and the prompt is longer by what
    /// it really has.
    pub(crate) fn window(&self, usual: u32) -> (u32, u32) {
        match self.context_window.filter(|&window| window < self.input_tokens) {
            Some(window) => (window, self.input_tokens),
            None => {
                let window = self.context_window.unwrap_or(usual);
                (window, window.saturating_add(self.input_tokens.max(1)))
            }
        }
    }

    /// The wait in whole seconds, rounded up.
    pub(crate) fn wait_secs(&self) -> Option<u64> {
        self.wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
    }
}

/// Limits as headers tell them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HeaderLimits {
    /// Requests and tokens per minute.
    pub both: LimitHeaders,
    /// Tokens of prompts, where they are counted apart.
    pub input: HeaderGauge,
    /// Tokens of answers, likewise.
    pub output: HeaderGauge,
}

/// What the headers of an answer tell.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHeaderData<'a> {
    /// The number of the answer.
    pub request_id: &'a str,
    /// The limits as they stand.
    pub limits: &'a HeaderLimits,
    /// Wall time, since 1970.
    pub unix: Duration,
    /// How long the answer took to begin.
    pub took: Duration,
}

/// A key as errors show it: the ends of one that is long enough to keep its middle to itself.
pub(crate) fn masked(key: &str) -> String {
    let letters: Vec<char> = key.chars().collect();
    let shown = letters.len() / 4;
    let (head, tail) = (shown.min(8), shown.min(4));
    let stars = letters.len().saturating_sub(head + tail).min(MASK_MOST);
    let head = letters[..head].iter();
    let tail = letters[letters.len() - tail..].iter();
    head.copied().chain(std::iter::repeat_n('*', stars)).chain(tail.copied()).collect()
}

/// Stars in a masked key: whoever sends a book for a key does not get one back.
const MASK_MOST: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_its_ends_and_never_whole() {
        assert_eq!(
            masked("sk-VKMIsabcdefghijklmnopqrstuvwxyzwjh3"),
            format!("sk-VKMIs{}wjh3", "*".repeat(26))
        );
        assert_eq!(masked("sk-1"), "s**1");
        assert_eq!(masked("ab"), "**");
        assert_eq!(masked(""), "");
        assert_eq!(masked("schlüsselé"), "sc******lé");
        assert!(masked(&"x".repeat(1 << 20)).len() < 200);
    }
}
