//! Whether a delta holds anything that a model made, whatever the vendor calls it.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a delta says of itself rather than of the answer. All else that is not empty was made by the model:
/// text, thoughts under a dozen names, sound, pictures, parts of calls.
const ABOUT_ITSELF: [&str; 6] = ["role", "name", "id", "index", "type", "object"];

/// Whether a delta holds something that the model made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Made(pub(super) bool);

/// Whether a value is more than nothing: a text, a list or an object that is not empty.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Something(pub(super) bool);

impl<'de> Deserialize<'de> for Made {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentLook { skips_names: true }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Something {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentLook { skips_names: false }).map(Self)
    }
}

struct ContentLook {
    skips_names: bool,
}

impl<'de> Visitor<'de> for ContentLook {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(!text.is_empty())
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut any = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(any)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<bool, A::Error> {
        let mut any = false;
        while let Some(Name { is_about_itself }) = fields.next_key()? {
            if self.skips_names && is_about_itself {
                fields.next_value::<IgnoredAny>()?;
            } else if self.skips_names {
                any |= fields.next_value::<Something>()?.0;
            } else {
                fields.next_value::<IgnoredAny>()?;
                any = true;
            }
        }
        Ok(any)
    }
}

/// The name of a field of a delta.
struct Name {
    is_about_itself: bool,
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name { is_about_itself: ABOUT_ITSELF.contains(&name) })
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}
