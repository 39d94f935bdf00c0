//! Addresses and keys of providers, as LiteLLM 1.110 takes them.

use super::*;
use std::io;

fn nothing(_: &str) -> io::Result<String> {
    Err(io::ErrorKind::NotFound.into())
}

fn called(word: &str, api_base: Option<&str>, api_version: Option<&str>) -> (Format, String) {
    let address = UpstreamAddress { api_base, api_version, ..UpstreamAddress::default() };
    let read = upstream(word, address, &nothing);
    assert!(read.is_spoken, "{word}");
    (read.format, read.base_url)
}

#[track_caller]
fn check(word: &str, api_base: Option<&str>, api_version: Option<&str>, expected: (Format, &str)) {
    let (format, base) = called(word, api_base, api_version);
    assert_eq!((format, base.as_str()), expected, "{word} {api_base:?}");
}

#[test]
fn each_vendor_is_called_in_its_own_format() {
    check("openai", None, None, (Format::OpenAi, "https://api.openai.com/v1"));
    check("groq", None, None, (Format::OpenAi, "https://api.groq.com/openai/v1"));
    check("anthropic", None, None, (Format::Anthropic, "https://api.anthropic.com/v1"));
    let gemini = "https://generativelanguage.googleapis.com/v1beta";
    check("gemini", None, None, (Format::Gemini, gemini));
    check("ollama", Some("http://host:11434"), None, (Format::OpenAi, "http://host:11434/v1"));
    check("ollama_chat", None, None, (Format::OpenAi, "http://localhost:11434/v1"));
    check("hosted_vllm", None, None, (Format::OpenAi, "$HOSTED_VLLM_API_BASE"));
}

#[test]
fn azures_address_is_that_of_the_resource_and_its_version_a_query() {
    let host = Some("https://eu.openai.azure.com/");
    let plain = (Format::Azure, "https://eu.openai.azure.com/openai");
    check("azure", host, Some("2024-10-21"), plain);
    let deployment = Some("https://eu.openai.azure.com/openai/deployments/gpt-4o");
    check("azure", deployment, Some("2024-10-21"), plain);
    let usual = "https://eu.openai.azure.com/openai?api-version=2025-02-01-preview";
    check("azure", host, None, (Format::Azure, usual));
    let v1 = "https://eu.openai.azure.com/openai/v1";
    check("azure", Some(v1), None, (Format::OpenAi, v1));
    check("azure", host, Some("preview"), (Format::OpenAi, v1));
    check("azure", None, Some("2024-10-21"), (Format::Azure, "$AZURE_API_BASE/openai"));
}

#[test]
fn anthropics_address_may_be_that_of_a_proxy() {
    for base in ["https://proxy", "https://proxy/", "https://proxy/v1", "https://proxy/v1/messages"]
    {
        check("anthropic", Some(base), None, (Format::Anthropic, "https://proxy/v1"));
    }
}

#[test]
fn an_address_in_a_variable_is_a_variable_of_ours() {
    let base = Some("os.environ/BASE");
    check("openai", base, None, (Format::OpenAi, "$BASE"));
    check("ollama", base, None, (Format::OpenAi, "$BASE/v1"));
    check("anthropic", base, None, (Format::Anthropic, "$BASE/v1"));
}

#[test]
fn a_password_in_an_address_goes_into_a_variable() {
    let address = UpstreamAddress {
        api_base: Some("https://user:hunter2@host/v1"),
        ..UpstreamAddress::default()
    };
    let read = upstream("openai", address, &nothing);
    assert_eq!((read.base_url.as_str(), read.caveat), ("$OPENAI_API_BASE", Some(LITERAL_ADDRESS)));
}

#[test]
fn keys_have_the_names_that_litellm_takes_them_from() {
    let key = |word: &str, api_key| {
        let address = UpstreamAddress { api_key, ..UpstreamAddress::default() };
        upstream(word, address, &nothing).api_key
    };
    assert_eq!(key("mistral", None).as_deref(), Some("$MISTRAL_API_KEY"));
    assert_eq!(key("ollama", None), None);
    assert_eq!(key("openai", Some("os.environ/MINE")).as_deref(), Some("$MINE"));
    assert_eq!(key("openai", Some("sk-very-secret")).as_deref(), Some("$OPENAI_API_KEY"));
}

#[test]
fn two_keys_in_the_file_are_two_variables() {
    let mut all = Vec::new();
    for key in ["one", "two", "one"] {
        let address = UpstreamAddress { api_key: Some(key), ..UpstreamAddress::default() };
        place(&mut all, upstream("openai", address, &nothing));
    }
    let keys: Vec<_> = all.iter().filter_map(|each| each.api_key.as_deref()).collect();
    assert_eq!(keys, ["$OPENAI_API_KEY", "$OPENAI_API_KEY_2"]);
}

#[test]
fn what_needs_another_protocol_is_not_spoken() {
    for word in ["bedrock", "vertex_ai", "sagemaker", "cohere", "huggingface", "watsonx", "chatgpt"]
    {
        let read = upstream(word, UpstreamAddress::default(), &nothing);
        assert!(!read.is_spoken, "{word}");
    }
}

#[test]
fn providers_are_told_apart_as_litellm_does() {
    assert_eq!(split("openai/gpt-4o", None, None), Some(("openai", "gpt-4o")));
    assert_eq!(split("gpt-4o", None, None), Some(("openai", "gpt-4o")));
    assert_eq!(split("mine", Some("openai"), None), Some(("openai", "mine")));
    assert_eq!(split("openai/x", Some("azure"), None), Some(("azure", "openai/x")));
    assert_eq!(split("meta-llama/x", None, Some("http://h/v1")), None);
    let groq = Some("https://api.groq.com/openai/v1");
    assert_eq!(split("llama3", None, groq), Some(("groq", "llama3")));
    assert_eq!(split("*", None, None), Some(("openai", "*")));
    assert_eq!(split("home-grown", None, Some("http://h/v1")), None);
}
