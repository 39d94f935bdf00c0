//! The vendors, a folder each, and the two halves of what they speak. Another one is a folder and its lines here.

mod anthropic;
mod azure;
mod gemini;
pub mod openai;

use crate::call::ClientFormat;
use crate::chat::FrontApi;
use crate::front::FrontFormat;
use crate::serve::ServerFormat;

/// The API that a provider speaks.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Format {
    /// OpenAI, and those who copy it.
    #[default]
    OpenAi,
    /// Azure OpenAI: OpenAI's bodies at paths of its own, with errors of its own.
    Azure,
    /// Anthropic messages.
    Anthropic,
    /// Gemini `generateContent`.
    Gemini,
}

/// What there is to know of a format.
struct Vendor {
    /// The word for it in files and logs.
    word: &'static str,
    /// Where its API begins at a host.
    base_path: &'static str,
    /// What it is to those who call it.
    dialect: &'static dyn ClientFormat,
    /// What it is to those who serve it.
    server: &'static dyn ServerFormat,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Azure, Self::Anthropic, Self::Gemini];

    /// The words for all of them, in their order.
    pub const WORDS: [&'static str; Self::ALL.len()] = {
        let mut words = [""; Self::ALL.len()];
        let mut place = 0;
        while place < words.len() {
            words[place] = Self::ALL[place].as_str();
            place += 1;
        }
        words
    };

    const fn vendor(self) -> &'static Vendor {
        match self {
            Self::OpenAi => &Vendor {
                word: "openai",
                base_path: "/v1",
                dialect: &openai::OpenAi,
                server: &openai::OpenAiServer,
            },
            Self::Azure => &Vendor {
                word: "azure",
                base_path: "/openai",
                dialect: &azure::Azure,
                server: &azure::AzureServer,
            },
            Self::Anthropic => &Vendor {
                word: "anthropic",
                base_path: "/v1",
                dialect: &anthropic::Anthropic,
                server: &anthropic::AnthropicServer,
            },
            Self::Gemini => &Vendor {
                word: "gemini",
                base_path: "/v1beta",
                dialect: &gemini::Gemini,
                server: &gemini::GeminiServer,
            },
        }
    }

    /// The word for it in files and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.vendor().word
    }

    /// The format that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// Where its API begins at a host: what a base URL ends with.
    #[must_use]
    pub const fn base_path(self) -> &'static str {
        self.vendor().base_path
    }
}

/// The format, as a caller needs it.
#[must_use]
pub const fn dialect(format: Format) -> &'static dyn ClientFormat {
    format.vendor().dialect
}

/// The format, as a server needs it.
#[must_use]
pub const fn server(format: Format) -> &'static dyn ServerFormat {
    format.vendor().server
}

/// The API, as a gateway in front of which its clients are needs it.
#[must_use]
pub const fn front_format(api: FrontApi) -> &'static dyn FrontFormat {
    match api {
        FrontApi::Messages => &anthropic::AnthropicFront,
        FrontApi::Responses => &openai::ResponsesFront,
        FrontApi::Contents => &gemini::GeminiFront,
    }
}

impl FrontApi {
    /// The format whose deployments speak it themselves.
    #[must_use]
    pub const fn format(self) -> Format {
        match self {
            Self::Messages => Format::Anthropic,
            Self::Responses => Format::OpenAi,
            Self::Contents => Format::Gemini,
        }
    }
}
