//! Names of OpenTelemetry's semantic conventions: HTTP 1.23 (stable) and generative AI 1.38 (in development), and
//! our own below `squall.`.

use squall_wire::Format;
use squall_wire::chat::Operation;

pub(super) const ERROR_TYPE: &str = "error.type";
pub(super) const HTTP_METHOD: &str = "http.request.method";
pub(super) const HTTP_ROUTE: &str = "http.route";
pub(super) const HTTP_STATUS: &str = "http.response.status_code";
pub(super) const SERVER_ADDRESS: &str = "server.address";
pub(super) const SERVER_PORT: &str = "server.port";

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(super) const TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const TOKEN_TYPE: &str = "gen_ai.token.type";

pub(super) const REQUEST_ID: &str = "squall.request_id";
pub(super) const GROUPS: &str = "squall.groups";
pub(super) const TENANT: &str = "squall.tenant";
pub(super) const OUTCOME: &str = "squall.outcome";
pub(super) const ATTEMPTS: &str = "squall.attempts";
pub(super) const ATTEMPT: &str = "squall.attempt";
pub(super) const DEPLOYMENT: &str = "squall.deployment";

/// The provider that a gateway itself is to its clients. The conventions have no word for one.
pub(super) const GATEWAY: &str = "squall";

/// The conventions' word for an operation. They have none for responses, which are chats.
pub(super) const fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat | Operation::Response => "chat",
        Operation::Completion => "text_completion",
        Operation::Embedding => "embeddings",
        // The conventions have none for pictures either.
        Operation::Image | Operation::ImageEdit | Operation::ImageVariation => "image_generation",
        // Nor for sound.
        Operation::Speech => "speech",
        Operation::Transcription => "transcription",
        Operation::Translation => "translation",
    }
}

/// The conventions' word for whoever speaks a format.
pub(super) const fn provider(format: Format) -> &'static str {
    match format {
        Format::OpenAi => "openai",
        Format::Azure => "azure.ai.openai",
        Format::Anthropic => "anthropic",
        Format::Gemini => "gcp.gemini",
    }
}
