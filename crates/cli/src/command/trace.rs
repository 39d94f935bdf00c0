//! `squall trace`: a trace in figures, and as laws.

use crate::args::{TraceArgs, TraceCommand, TraceDescribeArgs, TraceFileArgs, TraceFitArgs};
use crate::error::{CliError, Exit};
use crate::terminal;
use squall_report::{TraceReport, trace_json, trace_lines, write_trace};
use squall_trace::{
    TimeUnit, TraceError, TraceFormat, TraceInput, TraceOptions, TraceReader, preset,
    traffic_section,
};

pub(crate) fn trace(args: &TraceArgs) -> Result<Exit, CliError> {
    match &args.command {
        TraceCommand::Describe(args) => describe(args),
        TraceCommand::Fit(args) => fit(args),
    }
}

fn describe(args: &TraceDescribeArgs) -> Result<Exit, CliError> {
    let description = squall_trace::describe(open(&args.file)?)?;
    let report = TraceReport { file: args.file.path.display().to_string(), description };
    trace_lines(&report).iter().for_each(terminal::data);
    terminal::field("trace", || trace_json(&report));
    if let Some(folder) = &args.out {
        let paths = write_trace(folder, &report)?;
        terminal::status(format_args!("wrote {}", paths.html.display()));
        terminal::field("html", || paths.html.display().to_string().into());
    }
    Ok(Exit::Met)
}

fn fit(args: &TraceFitArgs) -> Result<Exit, CliError> {
    if args.window.is_some_and(|window| window.is_zero()) {
        return Err(TraceError {
            file: "--window".to_owned(),
            line: None,
            what: "expected more than 0s".to_owned(),
        }
        .into());
    }
    let fitted = squall_trace::fit(&input(&args.file), &options(&args.file), args.window)?;
    let has_gamma = squall_scenario::arrival_words().contains(&"gamma");
    let file = args.file.path.display().to_string();
    terminal::product("traffic", &traffic_section(&fitted, &file, &args.group, has_gamma));
    terminal::field("fit", || serde_json::to_value(&fitted).unwrap_or_default());
    Ok(Exit::Met)
}

fn open(args: &TraceFileArgs) -> Result<TraceReader, TraceError> {
    TraceReader::open(&input(args), &options(args))
}

/// The trace: a file, or where there is none of this name, one that comes with Squall.
fn input(args: &TraceFileArgs) -> TraceInput {
    let known = args.path.to_str().and_then(preset).filter(|_| !args.path.exists());
    known.map_or_else(|| TraceInput::file(&args.path), |preset| preset.input())
}

fn options(args: &TraceFileArgs) -> TraceOptions {
    TraceOptions {
        format: args.format.as_deref().and_then(|word| word.parse::<TraceFormat>().ok()),
        columns: args.trace_columns(),
        time_unit: args.time_unit.as_deref().and_then(TimeUnit::of_word),
        log_format: args.log_format.clone(),
        reorder: args.reorder,
    }
}
