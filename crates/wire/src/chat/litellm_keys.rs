//! Keys in the bodies of LiteLLM's clients that LiteLLM's proxy takes for itself: read, and taken out, since no
//! provider knows them.

use bytes::Bytes;
use core::fmt;
use core::time::Duration;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What a LiteLLM client's body asks of the router.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LitellmKeys {
    /// `fallbacks`: groups in their order; empty for none, as `disable_fallbacks` says too.
    pub fallbacks: Option<Vec<String>>,
    /// `num_retries`.
    pub retries: Option<u16>,
    /// `timeout`, in seconds there.
    pub timeout: Option<Duration>,
    /// `metadata.tags`, or `tags`.
    pub tags: Vec<String>,
}

/// The longest time-out that is taken.
const TIMEOUT_MAX: f64 = 86_400.0;

/// Keys of a body that are LiteLLM's own, beside those that begin with `mock_`.
const KEYS: [&str; 9] = [
    "fallbacks",
    "context_window_fallback_dict",
    "disable_fallbacks",
    "num_retries",
    "max_retries",
    "timeout",
    "request_timeout",
    "tags",
    "litellm_metadata",
];

impl LitellmKeys {
    /// Takes LiteLLM's keys out of a body; every other key keeps its place and the bytes of its value. A body
    /// without any, and one that is no JSON object, stays as it is.
    #[must_use]
    pub fn take(body: Bytes) -> (Self, Bytes) {
        let mut found = Self::default();
        let Some(text) = std::str::from_utf8(&body).ok().filter(|text| may_hold(text)) else {
            return (found, body);
        };
        let Ok(JsonMembers(fields)) = serde_json::from_str(text) else { return (found, body) };
        let model = fields.iter().find(|(key, _)| key == "model");
        let model = model.and_then(|(_, raw)| serde_json::from_str::<String>(raw.get()).ok());
        let mut kept: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(fields.len());
        let mut is_changed = false;
        for (key, raw) in &fields {
            if KEYS.contains(&key.as_ref()) || key.starts_with("mock_") {
                found.read(key, raw.get(), model.as_deref());
                is_changed = true;
            } else if key == "metadata" && raw.get().contains("\"tags\"") {
                let rest = found.read_metadata(raw.get());
                is_changed |= rest.is_some();
                match rest {
                    None => kept.push((key, Cow::Borrowed(raw.get()))),
                    Some(rest) if rest == "{}" => {}
                    Some(rest) => kept.push((key, Cow::Owned(rest))),
                }
            } else {
                kept.push((key, Cow::Borrowed(raw.get())));
            }
        }
        if !is_changed {
            return (found, body);
        }
        let parts = kept.iter().map(|(key, raw)| format!("{}:{raw}", Value::from(*key)));
        let text = format!("{{{}}}", parts.collect::<Vec<_>>().join(","));
        (found, text.into())
    }

    fn read(&mut self, key: &str, raw: &str, model: Option<&str>) {
        let Ok(value) = serde_json::from_str::<Value>(raw) else { return };
        match key {
            "fallbacks" => self.fallbacks = groups(&value, model).or_else(|| self.fallbacks.take()),
            "disable_fallbacks" if value == Value::Bool(true) => self.fallbacks = Some(Vec::new()),
            "num_retries" => {
                self.retries = value.as_u64().and_then(|number| u16::try_from(number).ok());
            }
            "timeout" | "request_timeout" => {
                let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok());
                let fits = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= TIMEOUT_MAX);
                self.timeout = fits.map(Duration::from_secs_f64).or(self.timeout);
            }
            "tags" => self.tags.extend(texts(&value)),
            "litellm_metadata" => self.tags.extend(texts(&value["tags"])),
            _ => {}
        }
    }

    /// What is left of `metadata` without its tags; `None` if it has no list of them.
    fn read_metadata(&mut self, raw: &str) -> Option<String> {
        let mut metadata = serde_json::from_str::<serde_json::Map<String, Value>>(raw).ok()?;
        // OpenAI's own metadata has texts: a tag that is one is the client's.
        let tags = metadata.get("tags").filter(|tags| tags.is_array())?;
        self.tags.extend(texts(tags));
        metadata.remove("tags");
        Some(Value::Object(metadata).to_string())
    }
}

/// Whether one of the keys may stand in a text: most bodies have none, and are spared the reading.
fn may_hold(text: &str) -> bool {
    let words =
        ["\"mock_", "\"tags\"", "fallback", "retries\"", "timeout\"", "\"litellm_metadata\""];
    words.iter().any(|word| text.contains(word))
}

/// The groups of `fallbacks`: names, or maps with a `model`; or of lists by group those of `model`.
fn groups(value: &Value, model: Option<&str>) -> Option<Vec<String>> {
    let mut groups = Vec::new();
    for item in value.as_array()? {
        match item {
            Value::String(name) => groups.push(name.clone()),
            Value::Object(map) => match map.get("model").and_then(Value::as_str) {
                Some(name) => groups.push(name.to_owned()),
                None => {
                    groups
                        .extend(model.and_then(|model| map.get(model)).into_iter().flat_map(texts));
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
        }
    }
    Some(groups)
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The fields of an object in their order, with the bytes of their values.
struct JsonMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JsonMembersVisitor;
        impl<'de> Visitor<'de> for JsonMembersVisitor {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(KeyText(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(JsonMembersVisitor).map(JsonMembers)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct KeyText<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn take(text: &str) -> (LitellmKeys, String) {
        let (keys, body) = LitellmKeys::take(Bytes::copy_from_slice(text.as_bytes()));
        (keys, String::from_utf8(body.to_vec()).expect("it is text"))
    }

    #[test]
    fn what_is_litellms_is_read_and_taken_out() {
        let (keys, body) = take(
            r#"{"model":"a","messages":[ {"role":"user","content":"x"} ],"fallbacks":["b",{"model":"c"}],"num_retries":4,
            "timeout":7.5,"metadata":{"tags":["paid"],"user":"u"},"mock_response":"hi","mock_testing_fallbacks":true}"#,
        );
        assert_eq!(keys.fallbacks, Some(vec!["b".to_owned(), "c".to_owned()]));
        assert_eq!((keys.retries, keys.timeout), (Some(4), Some(Duration::from_millis(7_500))));
        assert_eq!(keys.tags, ["paid"]);
        let rest =
            r#"{"model":"a","messages":[ {"role":"user","content":"x"} ],"metadata":{"user":"u"}}"#;
        assert_eq!(body, rest);
    }

    #[test]
    fn metadata_that_held_tags_alone_goes_with_them_and_openais_own_stays() {
        assert_eq!(take(r#"{"model":"a","metadata":{"tags":["x"]}}"#).1, r#"{"model":"a"}"#);
        let own = r#"{"model":"a","metadata":{"tags":"x, y"}}"#;
        assert_eq!(take(own), (LitellmKeys::default(), own.to_owned()));
    }

    #[test]
    fn fallbacks_by_group_are_those_of_the_model_and_none_are_none() {
        let by_group = take(r#"{"model":"a","fallbacks":[{"a":["b"]},{"c":["d"]}]}"#).0.fallbacks;
        assert_eq!(by_group, Some(vec!["b".to_owned()]));
        assert_eq!(take(r#"{"model":"a","fallbacks":[]}"#).0.fallbacks, Some(Vec::new()));
        let off = take(r#"{"model":"a","disable_fallbacks":true}"#).0.fallbacks;
        assert_eq!(off, Some(Vec::new()));
    }

    #[test]
    fn a_body_without_them_stays_byte_for_byte() {
        for text in [
            r#"{ "model" : "a", "messages": [{"content":"a timeout\" of fallbacks"}] , "x":1.0 }"#,
            "no JSON with \"tags\"",
            "[\"tags\"]",
        ] {
            assert_eq!(take(text), (LitellmKeys::default(), text.to_owned()));
        }
    }
}
