//! A vendor's format: OpenAI's under another name, which stands for a folder of its own.

use super::edit::{Addition, after, before, create, replace};

const TABLE: &str = "crates/wire/src/vendor.rs";

pub(super) const ADDITION: Addition = Addition {
    what: "a vendor's format",
    goal: 2,
    own: Some("crates/wire/src/vendor/example"),
    word: "example_format",
    documents: &["docs/SCENARIOS.md", "docs/schema/scenario.json", "docs/schema/gateway.json"],
    edits: &[
        after(TABLE, "mod azure;", "mod example;"),
        after(
            TABLE,
            "    Gemini,",
            "    /// An example.
    Example,",
        ),
        replace(
            TABLE,
            "    pub const ALL: [Self; 4] =",
            "    pub const ALL: [Self; 5] =
        [Self::OpenAi, Self::Azure, Self::Anthropic, Self::Gemini, Self::Example];",
        ),
        before(
            TABLE,
            "            Self::OpenAi => &Vendor {",
            "            Self::Example => &Vendor {
                word: \"example_format\",
                base_path: \"/v1\",
                dialect: &example::Example,
                server: &example::ExampleServer,
            },",
        ),
        create("crates/wire/src/vendor/example.rs", FOLDER),
        after(
            "docs/FORMATS.md",
            "    api_key: $GEMINI_API_KEY",
            "  example:
    format: example_format
    base_url: https://api.example.com/v1
    api_key: $EXAMPLE_API_KEY",
        ),
    ],
};

const FOLDER: &str = "//! An example: OpenAI's format under another name.

pub(super) use super::openai::{OpenAi as Example, OpenAiServer as ExampleServer};
";
