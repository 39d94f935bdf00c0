//! Lines of JSON. `tracing-subscriber` has such a format too, which costs a request five times as much: it
//! goes through serializers and their maps for what is a flat object.

use std::fmt::{self, Debug, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

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
        writer.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut writer)?;
        writer.write_str("\",\"level\":\"")?;
        writer.write_str(metadata.level().as_str())?;
        writer.write_char('"')?;
        let mut fields = JsonFields { writer, result: Ok(()) };
        event.record(&mut fields);
        let JsonFields { mut writer, result } = fields;
        result?;
        writer.write_str(",\"target\":\"")?;
        escape(&mut writer, metadata.target())?;
        writer.write_str("\"}\n")
    }
}

/// Writes fields as members of an object, each after a comma.
struct JsonFields<'w> {
    writer: Writer<'w>,
    result: fmt::Result,
}

impl JsonFields<'_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let writer = &mut self.writer;
        let mut write = || {
            writer.write_str(",\"")?;
            // Raw identifiers are none outside of Rust.
            let name = field.name();
            escape(writer, name.strip_prefix("r#").unwrap_or(name))?;
            writer.write_str("\":")
        };
        self.result = self.result.and_then(|()| write()).and_then(|()| value(writer));
    }
}

impl Visit for JsonFields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            escape(writer, value)?;
            writer.write_char('"')
        });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| writer.write_str(if value { "true" } else { "false" }));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, |writer| match value.is_finite() {
            true => write!(writer, "{value}"),
            false => writer.write_str("null"),
        });
    }

    /// The message, and what is given by `?` or `%`.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            write!(Escaped(writer), "{value:?}")?;
            writer.write_char('"')
        });
    }
}

/// Text within a string.
struct Escaped<'w, W>(&'w mut W);

impl<W: Write> Write for Escaped<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text)
    }
}

fn escape(writer: &mut impl Write, text: &str) -> fmt::Result {
    let is_special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    // Most texts hold none of them, and are looked through without a branch at each byte.
    if !text.bytes().fold(false, |found, byte| found | is_special(byte)) {
        return writer.write_str(text);
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_special) {
        writer.write_str(&rest[..at])?;
        match rest.as_bytes()[at] {
            b'"' => writer.write_str("\\\"")?,
            b'\\' => writer.write_str("\\\\")?,
            b'\n' => writer.write_str("\\n")?,
            b'\r' => writer.write_str("\\r")?,
            b'\t' => writer.write_str("\\t")?,
            other => write!(writer, "\\u{other:04x}")?,
        }
        rest = &rest[at + 1..];
    }
    writer.write_str(rest)
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
