//! The rows of a trace, in the order of their times.

use crate::format::{FormatSpec, TraceLayout};
use crate::input::told;
use crate::moment::moment;
use crate::record::{BadRecord, CommaSeparated, JsonObjects, LogLines, LogPattern, Records};
use crate::reorder::{Misorder, ReorderWindow, TimedRow};
use crate::{TimeUnit, TraceError, TraceFormat, TraceInput, TraceOptions, TraceRow};
use std::io::BufRead as _;

/// No more tokens than the scenario's own distributions may have.
const TOKENS_MAX: u64 = 1_000_000_000;

/// The rows of a trace, in the order of their times. It holds no more of the file than one row, and the rows that wait
/// for earlier ones.
///
/// ```
/// use squall_trace::{TraceInput, TraceOptions, TraceReader};
///
/// let text = b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n";
/// let rows = TraceReader::open(&TraceInput::memory("azure.csv", text), &TraceOptions::default())?;
/// let times: Result<Vec<u64>, _> = rows.map(|row| row.map(|row| row.at)).collect();
/// assert_eq!(times?, [0, 52_000_000]);
/// # Ok::<(), squall_trace::TraceError>(())
/// ```
#[derive(Debug)]
pub struct TraceReader {
    file: String,
    format: TraceFormat,
    records: Records,
    columns: FoundColumns,
    window: ReorderWindow,
    /// The time of the first row, once it is known.
    first: Option<i64>,
    /// The rows of the file so far.
    read: u64,
    ended: bool,
    failed: bool,
}

/// The columns of a file by number, and how their values are read.
#[derive(Clone, Debug)]
struct FoundColumns {
    names: Vec<String>,
    time: usize,
    unit: TimeUnit,
    input_tokens: Option<usize>,
    output_tokens: Option<usize>,
    took: Option<usize>,
    kind: Option<usize>,
    session: Option<usize>,
    may_lack_sizes: bool,
}

impl TraceReader {
    /// Opens a trace, finds its format and its columns.
    ///
    /// # Errors
    /// When it cannot be read, has no header where one is expected, is of no known format, or lacks a column.
    pub fn open(input: &TraceInput, options: &TraceOptions) -> Result<Self, TraceError> {
        let file = input.name().to_owned();
        let at = |bad: BadRecord| TraceError::new(&file, bad.line, bad.what);
        let mut bytes = input.open()?;
        let start = bytes.fill_buf().map_err(|error| at(BadRecord::new(None, told(&error))))?;
        let start = start.to_vec();
        let first = first_line(&start);
        if first.trim().is_empty() && start.iter().all(u8::is_ascii_whitespace) {
            return Err(at(BadRecord::new(None, "it is empty; expected a row for each request")));
        }
        let format = match options.format {
            Some(format) => format,
            None => TraceFormat::of_first_line(&first, options.log_format.as_deref())
                .ok_or_else(|| at(unknown(&first)))?,
        };
        let spec = format.spec();
        let mut finder = ColumnFinder { spec, options, names: Vec::new() };
        let (records, columns) = match spec.layout {
            TraceLayout::Log(usual) => {
                let notation = options.log_format.as_deref().unwrap_or(usual);
                let pattern = LogPattern::new(notation)
                    .map_err(|what| at(BadRecord::new(None, format!("the log format: {what}"))))?;
                finder.names = pattern.names().map(str::to_owned).collect();
                let columns = finder.find().map_err(at)?;
                (Records::Log(LogLines::new(bytes, pattern, notation)), columns)
            }
            TraceLayout::CsvOrJson | TraceLayout::Json if begins_json(&start) => {
                finder.names = crate::record::first_keys(&object_of(&start));
                let found = finder.find().map_err(at)?;
                let mut objects = JsonObjects::new(bytes);
                objects.keep(found.names.clone());
                (Records::Json(objects), found)
            }
            TraceLayout::Json => {
                let what = format!("it begins with `{}`; expected a JSON object", cut(&first));
                return Err(at(BadRecord::new(1, what)));
            }
            TraceLayout::Csv | TraceLayout::CsvOrJson => {
                let rows = CommaSeparated::new(bytes).map_err(at)?;
                finder.names = rows.header().to_vec();
                let columns = finder.find().map_err(at)?;
                (Records::Csv(rows), columns)
            }
        };
        let reorder = options.reorder.map_or(spec.reorder * 1_000_000_000, |span| {
            u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
        });
        Ok(Self {
            file,
            format,
            records,
            columns,
            window: ReorderWindow::new(i64::try_from(reorder).unwrap_or(i64::MAX)),
            first: None,
            read: 0,
            ended: false,
            failed: false,
        })
    }

    /// The format of the file.
    #[must_use]
    pub const fn format(&self) -> TraceFormat {
        self.format
    }

    /// Whether its rows have tokens of prompts, and of answers.
    #[must_use]
    pub const fn has_sizes(&self) -> (bool, bool) {
        (self.columns.input_tokens.is_some(), self.columns.output_tokens.is_some())
    }

    fn error(&self, bad: BadRecord) -> TraceError {
        TraceError::new(&self.file, bad.line, bad.what)
    }

    /// Reads rows of the file until one of them is the next.
    fn next_row(&mut self) -> Result<Option<TraceRow>, BadRecord> {
        loop {
            if let Some(TimedRow { time, row, .. }) = self.window.pop(self.ended) {
                let first = *self.first.get_or_insert(time);
                let at = u64::try_from(time.saturating_sub(first)).unwrap_or(0);
                return Ok(Some(TraceRow { at, ..row }));
            }
            if self.ended {
                return match self.read {
                    0 => Err(BadRecord::new(None, "it has no rows; expected one for each request")),
                    _ => Ok(None),
                };
            }
            let Some(line) = self.records.advance()? else {
                self.ended = true;
                continue;
            };
            self.read += 1;
            let row = self.row(line)?;
            self.window.push(row).map_err(|misorder| BadRecord::new(line, misorder.to_string()))?;
        }
    }

    fn row(&self, line: u64) -> Result<TimedRow, BadRecord> {
        let columns = &self.columns;
        let text = |column: usize| self.records.field(column).map(Option::unwrap_or_default);
        let written = text(columns.time)?;
        let time = moment(written, columns.unit).ok_or_else(|| {
            let name = &columns.names[columns.time];
            let what = format!(
                "`{name}` is `{}`; expected a time in order to send a request",
                cut(written)
            );
            BadRecord::new(line, what)
        })?;
        let took = match columns.took {
            Some(column) => {
                let text = text(column)?;
                moment(text, TimeUnit::Seconds).filter(|took| *took >= 0).unwrap_or(0)
            }
            None => 0,
        };
        let tokens = |column: Option<usize>| match column {
            Some(column) => self.tokens(column, text(column)?, line),
            None => Ok(None),
        };
        let label = |column: Option<usize>| match column {
            Some(column) => Ok(Some(text(column)?.to_owned())),
            None => Ok(None),
        };
        let row = TraceRow {
            at: 0,
            line,
            input_tokens: tokens(columns.input_tokens)?,
            output_tokens: tokens(columns.output_tokens)?,
            kind: label(columns.kind)?,
            session: label(columns.session)?.filter(|session| !session.is_empty()),
        };
        Ok(TimedRow { time: time.saturating_sub(took), line, row })
    }

    fn tokens(&self, column: usize, text: &str, line: u64) -> Result<Option<u32>, BadRecord> {
        if self.columns.may_lack_sizes && ["", "-", "null", "NULL", "None"].contains(&text) {
            return Ok(None);
        }
        // Columns with gaps are written as numbers with a point by pandas and others.
        let whole = text.strip_suffix(".0").unwrap_or(text);
        let count = whole.parse::<u64>().ok().filter(|count| *count <= TOKENS_MAX);
        count.and_then(|count| u32::try_from(count).ok()).map(Some).ok_or_else(|| {
            let name = &self.columns.names[column];
            let what = format!(
                "`{name}` is `{}`; expected a number of tokens, from 0 to {TOKENS_MAX}",
                cut(text)
            );
            BadRecord::new(line, what)
        })
    }
}

impl Iterator for TraceReader {
    type Item = Result<TraceRow, TraceError>;

    /// The next row. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.next_row().map_err(|bad| self.error(bad)).transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

impl std::fmt::Display for Misorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooEarly(nanos) => write!(
                f,
                "time goes backwards: the row is {} s before the latest one; expected rows in the order of time, or \
                 `reorder` of more than that",
                *nanos as f64 / 1e9
            ),
            Self::TooMany(rows) => write!(
                f,
                "more than {rows} rows lie within the time by which rows may be out of order; expected a smaller `reorder`"
            ),
        }
    }
}

/// Finds the columns of a file among its names.
struct ColumnFinder<'o> {
    spec: &'static FormatSpec,
    options: &'o TraceOptions,
    names: Vec<String>,
}

impl ColumnFinder<'_> {
    fn find(mut self) -> Result<FoundColumns, BadRecord> {
        let (spec, columns) = (self.spec, &self.options.columns);
        let time = self.column(columns.time.as_deref(), spec.time)?;
        let time = time.ok_or_else(|| self.lacks("time", spec.time))?;
        let input_tokens = self.column(columns.input_tokens.as_deref(), spec.input_tokens)?;
        let output_tokens = self.column(columns.output_tokens.as_deref(), spec.output_tokens)?;
        for (found, name, usual) in [
            (input_tokens, "input_tokens", spec.input_tokens),
            (output_tokens, "output_tokens", spec.output_tokens),
        ] {
            if found.is_none() && !spec.may_lack_sizes {
                return Err(self.lacks(name, usual));
            }
        }
        let took = self.column(None, spec.took.as_slice())?;
        let kind = self.column(columns.kind.as_deref(), &[])?;
        let session = self.column(columns.session.as_deref(), &[])?;
        let of_name = TimeUnit::of_column(&self.names[time]);
        Ok(FoundColumns {
            unit: self.options.time_unit.or(of_name).unwrap_or(spec.unit),
            names: std::mem::take(&mut self.names),
            time,
            input_tokens,
            output_tokens,
            took,
            kind,
            session,
            may_lack_sizes: spec.may_lack_sizes,
        })
    }

    /// The column that was asked for, else the first of the usual ones that is there.
    fn column(&self, asked: Option<&str>, usual: &[&str]) -> Result<Option<usize>, BadRecord> {
        let place = |name: &str| self.names.iter().position(|known| known == name);
        match asked {
            Some(name) => place(name).map(Some).ok_or_else(|| {
                BadRecord::new(1, format!("there is no column `{name}`; {}", self.has()))
            }),
            None => Ok(usual.iter().find_map(|name| place(name))),
        }
    }

    fn lacks(&self, what: &str, usual: &[&str]) -> BadRecord {
        let wanted = match usual {
            [] => String::new(),
            [one] => format!("expected `{one}`, "),
            several => format!("expected one of {}, ", several.join(", ")),
        };
        BadRecord::new(
            1,
            format!("no column for {what}: {wanted}or its name by `columns`; {}", self.has()),
        )
    }

    fn has(&self) -> String {
        let mut names: Vec<_> =
            self.names.iter().take(20).map(|name| format!("`{}`", cut(name))).collect();
        if self.names.len() > names.len() {
            names.push("…".to_owned());
        }
        format!("the file has {}", names.join(", "))
    }
}

fn unknown(first: &str) -> BadRecord {
    let expected = "expected the header of a CSV file such as `TIMESTAMP,ContextTokens,GeneratedTokens`, JSON objects, or \
                    an access log of nginx or Envoy; say which by `format`, or what a line looks like by `log_format`";
    BadRecord::new(1, format!("the first line is of no known format: `{}`; {expected}", cut(first)))
}

fn begins_json(start: &[u8]) -> bool {
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace() && byte.is_ascii());
    matches!(first, Some(b'{' | b'['))
}

/// From the first brace on.
fn object_of(start: &[u8]) -> Vec<u8> {
    let from = start.iter().position(|byte| *byte == b'{').unwrap_or(start.len());
    start[from..].to_vec()
}

/// The first line that says something.
fn first_line(start: &[u8]) -> String {
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    // An array may begin in a line of its own.
    match first.trim() {
        "[" | "[{" | "{" => text.chars().take(4_096).filter(|char| *char != '\n').collect(),
        _ => first.to_owned(),
    }
}

/// A text that is not too long to be told.
pub(crate) fn cut(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
