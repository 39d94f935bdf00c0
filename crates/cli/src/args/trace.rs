//! What can be typed of traces.

use clap::builder::PossibleValuesParser;
use clap::{Args as ClapArgs, Subcommand};
use squall_trace::{TimeUnit, TraceColumns, TraceFormat};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, ClapArgs)]
pub(crate) struct TraceArgs {
    #[command(subcommand)]
    pub(crate) command: TraceCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Tell a trace in figures: rates, peaks, burstiness, sizes
    Describe(TraceDescribeArgs),
    /// Fit laws to a trace, and print them as the section `traffic` of a scenario, with how well they fit
    Fit(TraceFitArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TraceFitArgs {
    #[command(flatten)]
    pub(crate) file: TraceFileArgs,
    /// The length of the windows that have a rate each [default: about fifty of them, a hundred requests each on average]
    #[arg(long, value_name = "DURATION", value_parser = squall_scenario::read_duration)]
    pub(crate) window: Option<Duration>,
    /// The model group that the section names
    #[arg(long, value_name = "NAME", default_value = "chat")]
    pub(crate) group: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct TraceDescribeArgs {
    #[command(flatten)]
    pub(crate) file: TraceFileArgs,
    /// Write a page, the chart (SVG, PNG) and the figures (JSON) into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// A trace, and how it is read.
#[derive(Debug, ClapArgs)]
pub(crate) struct TraceFileArgs {
    /// The trace, or the name of one that comes with Squall: azure-code-bursts
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    /// Its format [default: as the first lines tell]
    #[arg(long, value_parser = PossibleValuesParser::new(TraceFormat::WORDS))]
    pub(crate) format: Option<String>,
    /// Read another column: `time`, `input_tokens`, `output_tokens`, `kind` or `session`, then its name in the file
    #[arg(long = "column", value_name = "WHAT=NAME", value_parser = column)]
    pub(crate) columns: Vec<(ColumnRole, String)>,
    /// The unit of times that are numbers [default: as the column's name or the format tells]
    #[arg(long, value_name = "UNIT", value_parser = PossibleValuesParser::new(TimeUnit::WORDS))]
    pub(crate) time_unit: Option<String>,
    /// What a line of an access log looks like, as nginx (`$name`) or Envoy (`%NAME%`) write it
    #[arg(long, value_name = "PATTERN")]
    pub(crate) log_format: Option<String>,
    /// How much earlier a row may be than the latest one before it [default: 10s; 5m of access logs]
    #[arg(long, value_name = "DURATION", value_parser = squall_scenario::read_duration)]
    pub(crate) reorder: Option<Duration>,
}

/// What a column of a trace says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ColumnRole {
    Time,
    InputTokens,
    OutputTokens,
    Kind,
    Session,
}

impl TraceFileArgs {
    /// The columns that were asked for; of several for one thing the last.
    pub(crate) fn trace_columns(&self) -> TraceColumns {
        let mut columns = TraceColumns::default();
        for (role, name) in &self.columns {
            let column = match role {
                ColumnRole::Time => &mut columns.time,
                ColumnRole::InputTokens => &mut columns.input_tokens,
                ColumnRole::OutputTokens => &mut columns.output_tokens,
                ColumnRole::Kind => &mut columns.kind,
                ColumnRole::Session => &mut columns.session,
            };
            *column = Some(name.clone());
        }
        columns
    }
}

fn column(text: &str) -> Result<(ColumnRole, String), String> {
    let expected = "expected time, input_tokens, output_tokens, kind or session, `=`, and the name of a column";
    let (role, name) = text.split_once('=').ok_or(expected)?;
    let role = match role {
        "time" => ColumnRole::Time,
        "input_tokens" => ColumnRole::InputTokens,
        "output_tokens" => ColumnRole::OutputTokens,
        "kind" => ColumnRole::Kind,
        "session" => ColumnRole::Session,
        _ => return Err(expected.to_owned()),
    };
    Ok((role, name.to_owned()))
}
