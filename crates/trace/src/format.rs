//! The formats of traces: one row each in a table, with its columns, and how its file is known.

use std::fmt;
use std::str::FromStr;

/// A format of traces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TraceFormat {
    /// Azure's LLM inference traces.
    Azure,
    /// Mooncake's traces.
    Mooncake,
    /// BurstGPT.
    BurstGpt,
    /// LiteLLM's spend logs.
    Litellm,
    /// An access log of nginx.
    Nginx,
    /// An access log of Envoy.
    Envoy,
    /// Any CSV file with a header.
    Csv,
    /// JSON objects.
    Jsonl,
}

/// A unit of times that are numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl TimeUnit {
    /// Every unit, by its word.
    pub const WORDS: [&'static str; 4] = ["s", "ms", "us", "ns"];
    const ALL: [Self; 4] =
        [Self::Seconds, Self::Milliseconds, Self::Microseconds, Self::Nanoseconds];

    /// The unit of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let place = Self::WORDS.iter().position(|known| *known == word)?;
        Some(Self::ALL[place])
    }

    pub(crate) const fn nanos(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }

    /// The unit that the name of a column ends in: `t_ms`.
    pub(crate) fn of_column(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('_')?.1.to_ascii_lowercase();
        Self::of_word(&ending)
    }
}

/// How the rows of a format are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TraceLayout {
    /// Comma-separated with a header.
    Csv,
    /// JSON objects, one after the other or in one array.
    Json,
    /// Either of the two.
    CsvOrJson,
    /// Lines of a log format.
    Log(&'static str),
}

/// What is known of a format: its line of the table.
#[derive(Debug)]
pub(crate) struct FormatSpec {
    pub(crate) format: TraceFormat,
    pub(crate) word: &'static str,
    pub(crate) layout: TraceLayout,
    /// The names that a column may have, the first one that is there.
    pub(crate) time: &'static [&'static str],
    pub(crate) input_tokens: &'static [&'static str],
    pub(crate) output_tokens: &'static [&'static str],
    /// The time that a request took, in seconds, where its row has the time of its end.
    pub(crate) took: Option<&'static str>,
    pub(crate) unit: TimeUnit,
    /// Whether a row may lack its sizes.
    pub(crate) may_lack_sizes: bool,
    /// How much earlier than the latest a row may be, in seconds.
    pub(crate) reorder: u64,
    /// What is in its first line, by which it is known; none of a format that is known otherwise.
    marks: &'static [&'static str],
}

/// nginx's `combined`.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                        \"$http_referer\" \"$http_user_agent\"";
/// Envoy's default format string.
const ENVOY: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% \
                     %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \
                     \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \
                     \"%UPSTREAM_HOST%\"";

/// In most traces rows are in order; clocks of several writers are not.
const TEN_SECONDS: u64 = 10;
/// Access logs have requests in the order of their answers.
const FIVE_MINUTES: u64 = 300;

const TIMES: &[&str] = &[
    "time",
    "timestamp",
    "t",
    "t_s",
    "t_ms",
    "t_us",
    "t_ns",
    "time_s",
    "time_ms",
    "timestamp_s",
    "timestamp_ms",
    "arrival_time",
    "arrived_at",
    "start_time",
    "startTime",
    "created_at",
    "TIMESTAMP",
    "Timestamp",
];
const INPUTS: &[&str] = &[
    "input_tokens",
    "prompt_tokens",
    "input_length",
    "ContextTokens",
    "num_prefill_tokens",
    "Request tokens",
];
const OUTPUTS: &[&str] = &[
    "output_tokens",
    "completion_tokens",
    "output_length",
    "GeneratedTokens",
    "num_decode_tokens",
    "Response tokens",
];

/// Every format. Those that are known by less come later.
pub(crate) const FORMATS: [FormatSpec; 8] = [
    FormatSpec {
        format: TraceFormat::Azure,
        word: "azure",
        layout: TraceLayout::Csv,
        time: &["TIMESTAMP"],
        input_tokens: &["ContextTokens"],
        output_tokens: &["GeneratedTokens"],
        took: None,
        unit: TimeUnit::Seconds,
        may_lack_sizes: false,
        reorder: TEN_SECONDS,
        marks: &["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
    },
    FormatSpec {
        format: TraceFormat::Mooncake,
        word: "mooncake",
        layout: TraceLayout::Json,
        time: &["timestamp"],
        input_tokens: &["input_length"],
        output_tokens: &["output_length"],
        took: None,
        unit: TimeUnit::Milliseconds,
        may_lack_sizes: false,
        reorder: TEN_SECONDS,
        marks: &["\"timestamp\"", "\"input_length\"", "\"output_length\""],
    },
    FormatSpec {
        format: TraceFormat::BurstGpt,
        word: "burstgpt",
        layout: TraceLayout::Csv,
        time: &["Timestamp"],
        input_tokens: &["Request tokens"],
        output_tokens: &["Response tokens"],
        took: None,
        unit: TimeUnit::Seconds,
        may_lack_sizes: false,
        reorder: TEN_SECONDS,
        marks: &["Timestamp", "Request tokens", "Response tokens"],
    },
    FormatSpec {
        format: TraceFormat::Litellm,
        word: "litellm",
        layout: TraceLayout::CsvOrJson,
        time: &["startTime"],
        input_tokens: &["prompt_tokens"],
        output_tokens: &["completion_tokens"],
        took: None,
        unit: TimeUnit::Seconds,
        may_lack_sizes: true,
        // Rows are written when requests end, and exports are in the order of their keys.
        reorder: FIVE_MINUTES,
        marks: &["startTime", "prompt_tokens", "completion_tokens"],
    },
    FormatSpec {
        format: TraceFormat::Envoy,
        word: "envoy",
        layout: TraceLayout::Log(ENVOY),
        time: &["START_TIME"],
        input_tokens: &[],
        output_tokens: &[],
        took: None,
        unit: TimeUnit::Seconds,
        may_lack_sizes: true,
        reorder: FIVE_MINUTES,
        marks: &[],
    },
    FormatSpec {
        format: TraceFormat::Nginx,
        word: "nginx",
        layout: TraceLayout::Log(COMBINED),
        time: &["msec", "time_iso8601", "time_local"],
        input_tokens: &[],
        output_tokens: &[],
        took: Some("request_time"),
        unit: TimeUnit::Seconds,
        may_lack_sizes: true,
        reorder: FIVE_MINUTES,
        marks: &[],
    },
    FormatSpec {
        format: TraceFormat::Jsonl,
        word: "jsonl",
        layout: TraceLayout::Json,
        time: TIMES,
        input_tokens: INPUTS,
        output_tokens: OUTPUTS,
        took: None,
        unit: TimeUnit::Seconds,
        may_lack_sizes: true,
        reorder: TEN_SECONDS,
        marks: &[],
    },
    FormatSpec {
        format: TraceFormat::Csv,
        word: "csv",
        layout: TraceLayout::Csv,
        time: TIMES,
        input_tokens: INPUTS,
        output_tokens: OUTPUTS,
        took: None,
        unit: TimeUnit::Seconds,
        may_lack_sizes: true,
        reorder: TEN_SECONDS,
        marks: &[],
    },
];

impl TraceFormat {
    /// Every format, by its word.
    pub const WORDS: [&'static str; FORMATS.len()] = {
        let mut words = [""; FORMATS.len()];
        let mut place = 0;
        while place < words.len() {
            words[place] = FORMATS[place].word;
            place += 1;
        }
        words
    };

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.spec().word
    }

    pub(crate) fn spec(self) -> &'static FormatSpec {
        static TABLE: [FormatSpec; 8] = FORMATS;
        let spec = TABLE.iter().find(|spec| spec.format == self);
        spec.expect("every format has its line of the table")
    }

    /// The format of a file that begins with this line; `None` where it is of no known one.
    pub(crate) fn of_first_line(line: &str, log_format: Option<&str>) -> Option<Self> {
        if let Some(notation) = log_format {
            return Some(if notation.contains('%') { Self::Envoy } else { Self::Nginx });
        }
        let marked = FORMATS.iter().find(|spec| {
            !spec.marks.is_empty() && spec.marks.iter().all(|mark| line.contains(mark))
        });
        if let Some(spec) = marked {
            return Some(spec.format);
        }
        let text = line.trim_start();
        let is_json = text.starts_with('{') || text.strip_prefix('[').is_some_and(begins_object);
        if is_json {
            return Some(Self::Jsonl);
        }
        let matches = |pattern: &str| {
            crate::record::LogPattern::new(pattern)
                .is_ok_and(|pattern| pattern.fields(line).is_some())
        };
        if matches(ENVOY) {
            return Some(Self::Envoy);
        }
        if matches(COMBINED) {
            return Some(Self::Nginx);
        }
        let is_header = line.split(',').all(|name| name.trim().parse::<f64>().is_err());
        (line.contains(',') && is_header || TIMES.contains(&line.trim())).then_some(Self::Csv)
    }
}

fn begins_object(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('{')
}

impl FromStr for TraceFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = FORMATS.iter().find(|spec| spec.word == word).map(|spec| spec.format);
        found.ok_or_else(|| {
            format!("`{word}` is no format of traces; expected {}", Self::WORDS.join(", "))
        })
    }
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
