//! Lines of JSON. `tracing-subscriber` has such a format too, which costs a request five times as much: it
//! goes through serializers and their maps for what is a flat object.

use std::fmt::{self, Debug, Write};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The length that a line of a request has, and more.
const LINE: usize = 512;

/// An event as one object on a line: `timestamp`, `level`, the event's fields, `target`. Squall has no spans,
/// and those of libraries are left out.
#[derive(Debug)]
pub(super) struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = String::with_capacity(LINE);
        line.push_str("{\"timestamp\":\"");
        write!(line, "{}", humantime::format_rfc3339_micros(now()))?;
        line.push_str("\",\"level\":\"");
        line.push_str(metadata.level().as_str());
        line.push('"');
        let mut fields = JsonFields { line };
        event.record(&mut fields);
        let JsonFields { mut line } = fields;
        line.push_str(",\"target\":\"");
        escape(&mut line, metadata.target());
        line.push_str("\"}\n");
        // All at once: the writer is behind a pointer, and a line has a hundred parts.
        writer.write_str(&line)
    }
}

#[expect(clippy::disallowed_methods, reason = "a log tells the time of day")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Writes fields as members of an object, each after a comma.
struct JsonFields {
    line: String,
}

impl JsonFields {
    fn name(&mut self, field: &Field) {
        // Names are identifiers, with dots at most; raw ones are none outside of Rust.
        let name = field.name();
        self.line.push_str(",\"");
        self.line.push_str(name.strip_prefix("r#").unwrap_or(name));
        self.line.push_str("\":");
    }

    /// A value that needs no quotes.
    fn bare(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.line.push_str(value);
    }
}

impl Visit for JsonFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.line.push('"');
        escape(&mut self.line, value);
        self.line.push('"');
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, if value { "true" } else { "false" });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, itoa::Buffer::new().format(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, itoa::Buffer::new().format(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if !value.is_finite() {
            return self.bare(field, "null");
        }
        self.name(field);
        let _infallible = write!(self.line, "{value}");
    }

    /// The message, and what is given by `?` or `%`.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.line.push('"');
        // A value that fails to show itself ends where it did.
        let _ = write!(EscapedText(&mut self.line), "{value:?}");
        self.line.push('"');
    }
}

/// Text within a string.
struct EscapedText<'l>(&'l mut String);

impl Write for EscapedText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text);
        Ok(())
    }
}

fn escape(line: &mut String, text: &str) {
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Most texts hold none of them, and are looked through without a branch at each byte.
    if !text.bytes().fold(false, |found, byte| found | is_special(byte)) {
        return line.push_str(text);
    }
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\0'..' ' => {
                let _infallible = write!(line, "\\u{:04x}", u32::from(character));
            }
            _ => line.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_an_object_on_one_line_whatever_its_fields_hold() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(JsonLines)
            .with_writer(move || writer.clone())
            .finish();
        let odd: String = (0..0x300_u32).filter_map(char::from_u32).collect();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(
                target: "squall::odd",
                text = odd.as_str(),
                none = None::<&str>,
                some = Some(7_u64),
                less = -3,
                share = 0.25,
                endless = f64::INFINITY,
                yes = true,
                debug = ?"a\"b\n",
                r#type = %"shown",
                "it said \"{}\"", "a\\b",
            );
        });
        let written = String::from_utf8(kept.0.lock().expect("no panic").clone()).expect("UTF-8");
        let line = written.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "{line}");
        let mut value: Value = serde_json::from_str(line).expect("JSON");
        let timestamp = value.as_object_mut().and_then(|object| object.remove("timestamp"));
        let timestamp = timestamp.expect("a time");
        assert!(timestamp.as_str().is_some_and(|text| text.ends_with('Z')), "{timestamp}");
        let expected = serde_json::json!({
            "level": "WARN",
            "message": "it said \"a\\b\"",
            "text": odd,
            "some": 7,
            "less": -3,
            "share": 0.25,
            "endless": null,
            "yes": true,
            "debug": "\"a\\\"b\\n\"",
            "type": "shown",
            "target": "squall::odd",
        });
        assert_eq!(value, expected);
    }
}
