//! Some fields of a body, read apart from its text: the rest is passed over.

use super::{Refused, read_json};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// What a provider refuses beside what none takes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// Whether a field that the vendor does not have is refused, as the vendor does.
    pub strict: bool,
    /// The most tokens that an answer may be asked to have.
    pub max_output_tokens: Option<u32>,
}

/// The fields of a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct PickedFields {
    /// Those that were wanted, but for those that are null.
    pub(crate) fields: Map<String, Value>,
    /// The names of the others; not told where nobody asked.
    pub(crate) others: Vec<String>,
}

impl PickedFields {
    /// Reads the fields with these names, and the names of the others if need be.
    pub(crate) fn read(
        body: &[u8],
        wanted: &'static [&'static str],
        others: bool,
    ) -> Result<Self, Refused> {
        #[derive(Deserialize)]
        struct Object<'a>(#[serde(borrow)] &'a serde_json::value::RawValue);
        let Object(raw) = read_json(body)?;
        let mut json = serde_json::Deserializer::from_str(raw.get());
        let picked = Pick { wanted, others }.deserialize(&mut json);
        picked.map_err(|error| Refused::plain(format!("Invalid request: {error}")))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// A field that is a flag.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(&Value::Bool(true))
    }
}

/// The most names of others that are kept: one is enough to refuse a body.
const OTHERS_MOST: usize = 64;

#[derive(Clone, Copy)]
struct Pick {
    wanted: &'static [&'static str],
    others: bool,
}

impl<'de> DeserializeSeed<'de> for Pick {
    type Value = PickedFields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PickedFields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pick {
    type Value = PickedFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PickedFields, A::Error> {
        let mut picked = PickedFields::default();
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if self.wanted.contains(&&*name) {
                let value: Value = map.next_value()?;
                if !value.is_null() {
                    picked.fields.insert(name.into_owned(), value);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
                if self.others && picked.others.len() < OTHERS_MOST {
                    picked.others.push(name.into_owned());
                }
            }
        }
        Ok(picked)
    }
}
