//! JSON objects, one after the other (JSON Lines) or in one array. Only the wanted keys of the outermost object are kept.

use super::{BadRecord, ROW_MAX};
use crate::input::{PlainBytes, told};
use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;
use std::io::BufRead as _;

/// The objects of a file.
#[derive(Debug)]
pub(crate) struct JsonObjects {
    bytes: PlainBytes,
    /// The keys that are kept.
    keys: Vec<String>,
    values: Vec<Option<String>>,
    object: Vec<u8>,
    /// The line of the next byte.
    line: u64,
    /// Whether an array was opened, and whether it was closed.
    in_array: bool,
    closed: bool,
}

impl JsonObjects {
    pub(crate) fn new(bytes: PlainBytes) -> Self {
        Self {
            bytes,
            keys: Vec::new(),
            values: Vec::new(),
            object: Vec::new(),
            line: 1,
            in_array: false,
            closed: false,
        }
    }

    /// Keeps these keys from now on; fields are numbered by them.
    pub(crate) fn keep(&mut self, keys: Vec<String>) {
        self.values = vec![None; keys.len()];
        self.keys = keys;
    }

    pub(super) fn advance(&mut self) -> Result<Option<u64>, BadRecord> {
        if !self.find_object()? {
            return Ok(None);
        }
        let line = self.line;
        self.take_object()?;
        self.values.iter_mut().for_each(|value| *value = None);
        let wanted = WantedKeys { keys: &self.keys, values: &mut self.values };
        let mut reader = serde_json::Deserializer::from_slice(&self.object);
        wanted.deserialize(&mut reader).map_err(|error| {
            BadRecord::new(line, format!("no JSON object: {}", without_place(&error)))
        })?;
        Ok(Some(line))
    }

    pub(super) fn field(&self, column: usize) -> Option<&str> {
        self.values.get(column)?.as_deref()
    }

    /// Goes to where the next object begins; whether there is one.
    fn find_object(&mut self) -> Result<bool, BadRecord> {
        loop {
            let Some(byte) = self.peek()? else {
                if self.in_array && !self.closed {
                    return Err(BadRecord::new(self.line, "the file ends within its array"));
                }
                return Ok(false);
            };
            match byte {
                b'{' if !self.closed => return Ok(true),
                b'[' if !self.in_array => self.in_array = true,
                b']' if self.in_array && !self.closed => self.closed = true,
                b'\n' => self.line += 1,
                b',' if self.in_array => {}
                b' ' | b'\t' | b'\r' => {}
                // The mark of UTF-8 that some editors put first.
                0xef | 0xbb | 0xbf if self.line == 1 => {}
                other => {
                    let what = format!("`{}`: expected a JSON object", char::from(other));
                    return Err(BadRecord::new(self.line, what));
                }
            }
            self.bytes.consume(1);
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, BadRecord> {
        let line = self.line;
        let buffer = self.bytes.fill_buf().map_err(|error| BadRecord::new(line, told(&error)))?;
        Ok(buffer.first().copied())
    }

    /// Takes the object that begins here, to the brace that closes it.
    fn take_object(&mut self) -> Result<(), BadRecord> {
        self.object.clear();
        let begun = self.line;
        let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
        loop {
            let line = self.line;
            let buffer =
                self.bytes.fill_buf().map_err(|error| BadRecord::new(line, told(&error)))?;
            if buffer.is_empty() {
                return Err(BadRecord::new(begun, "the file ends within this object"));
            }
            let mut taken = 0;
            for &byte in buffer {
                taken += 1;
                match byte {
                    b'\n' => self.line += 1,
                    _ if escaped => escaped = false,
                    b'\\' if in_text => escaped = true,
                    b'"' => in_text = !in_text,
                    b'{' if !in_text => depth += 1,
                    b'}' if !in_text => depth -= 1,
                    _ => {}
                }
                // A text does not go on in another line: a quote is missing.
                let torn = byte == b'\n' && in_text;
                if depth == 0 || torn {
                    break;
                }
            }
            self.object.extend_from_slice(&buffer[..taken]);
            self.bytes.consume(taken);
            if depth == 0 || (in_text && self.object.last() == Some(&b'\n')) {
                return Ok(());
            }
            if self.object.len() as u64 > ROW_MAX {
                let what = format!("an object has more than {} MiB", ROW_MAX >> 20);
                return Err(BadRecord::new(begun, what));
            }
        }
    }
}

/// A message without the line and column within its object.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or_else(|| text.clone(), |(what, _)| what.to_owned())
}

/// Reads an object, and keeps the values of some of its keys as texts.
struct WantedKeys<'k> {
    keys: &'k [String],
    values: &'k mut [Option<String>],
}

impl<'de> DeserializeSeed<'de> for WantedKeys<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WantedKeys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match self.keys.iter().position(|wanted| *wanted == *key) {
                Some(place) => self.values[place] = map.next_value_seed(ScalarText)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Reads a value as a text; `None` of null, and of what is no scalar.
struct ScalarText;

impl<'de> DeserializeSeed<'de> for ScalarText {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        reader: D,
    ) -> Result<Option<String>, D::Error> {
        let value: serde_json::Value = serde::Deserialize::deserialize(reader)?;
        Ok(match value {
            serde_json::Value::String(text) => Some(text.trim().to_owned()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::Bool(flag) => Some(flag.to_string()),
            serde_json::Value::Null => None,
            // Neither a time nor a number nor a name: told as what it is where it is wanted.
            nested => Some(nested.to_string()),
        })
    }
}

/// The keys of the first object of a text that may be cut off within it.
pub(crate) fn first_keys(object: &[u8]) -> Vec<String> {
    struct Keys<'k>(&'k mut Vec<String>);
    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                self.0.push(key);
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let mut keys = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(object);
    // What is wrong with it is told when it is read as a row.
    let _ = reader.deserialize_map(Keys(&mut keys));
    keys
}
