//! A blueprint for a mix of providers: from flags, or from answers at a terminal, to a folder.

use super::{prompt, write_all};
use crate::args::{InitArgs, MixArgs};
use crate::error::{CliError, Exit};
use crate::terminal;
use serde_json::Value;
use squall_blueprint::{
    Blueprint, BlueprintOptions, CLIENT_TIMEOUT, GROUP, OUTPUT_TOKENS, PROMPT_TOKENS,
};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

/// The folder of a blueprint for which none is named.
const FOLDER: &str = "blueprint";

pub(super) fn blueprint(args: &InitArgs) -> Result<Exit, CliError> {
    let missing = missing(&args.mix);
    let options = match missing.as_slice() {
        [] => from_flags(args).ok_or(CliError::InputEnded)?,
        _ if io::stdin().is_terminal() && io::stderr().is_terminal() => {
            let mut read = || {
                let mut line = String::new();
                io::stdin().read_line(&mut line).map(|read| (read > 0).then_some(line))
            };
            prompt::ask(args, FOLDER, &mut read, &mut |text| terminal::status(text))?
        }
        [flag] => return Err(CliError::InitLacks { missing: format!("{flag} is") }),
        [flags @ .., last] => {
            let missing = format!("{} and {last} are", flags.join(", "));
            return Err(CliError::InitLacks { missing });
        }
    };
    let out = PathBuf::from(&options.out);
    let blueprint = Blueprint::new(&options)?;
    let files = blueprint.files().iter().map(|file| (out.join(&file.path), file.text.as_str()));
    let files: Vec<_> = files.collect();
    write_all::write(&files, args.force)?;
    tell(&blueprint, &out);
    Ok(Exit::Met)
}

/// The flags that have no default.
fn missing(mix: &MixArgs) -> Vec<&'static str> {
    let given = [
        ("--provider", !mix.providers.is_empty()),
        ("--peak", mix.peak.is_some()),
        ("--slo", mix.slo.is_some()),
    ];
    given.into_iter().filter(|(_, is_given)| !is_given).map(|(flag, _)| flag).collect()
}

/// What the flags say; `None` if one is missing.
fn from_flags(args: &InitArgs) -> Option<BlueprintOptions> {
    let mix = &args.mix;
    let out = args.out.as_deref().unwrap_or_else(|| Path::new(FOLDER));
    Some(BlueprintOptions {
        providers: mix.providers.clone(),
        fallbacks: mix.fallbacks.clone(),
        peak: mix.peak?,
        usual: mix.usual,
        slo: mix.slo?,
        slo_ttft: mix.slo_ttft,
        budget: mix.budget.clone(),
        group: args.group.clone().unwrap_or_else(|| GROUP.to_owned()),
        prompt_tokens: mix.prompt_tokens.unwrap_or(PROMPT_TOKENS),
        output_tokens: mix.output_tokens.unwrap_or(OUTPUT_TOKENS),
        client_timeout: mix.client_timeout.unwrap_or(CLIENT_TIMEOUT),
        out: out.display().to_string(),
    })
}

fn tell(blueprint: &Blueprint, out: &Path) {
    for remark in blueprint.remarks() {
        terminal::status(format_args!("warning: {remark}"));
    }
    for file in blueprint.files() {
        terminal::data(format_args!("wrote {}", out.join(&file.path).display()));
    }
    let words = |words: &[String]| Value::from(words.to_vec());
    let paths = blueprint.files().iter().map(|file| out.join(&file.path).display().to_string());
    terminal::field("files", || words(&paths.collect::<Vec<_>>()));
    terminal::field("warnings", || words(blueprint.remarks()));
    terminal::field("variables", || words(blueprint.variables()));
    let out = out.display();
    terminal::status(format_args!(
        "next: cd {out}
      squall check scenarios                   does the mix hold?
      squall rehearse checklist.yaml           the rollout, step by step
      squall gateway --config gateway.yaml     serve it"
    ));
    if !blueprint.variables().is_empty() {
        terminal::status(format_args!(
            "the gateway needs these variables: {}",
            blueprint.variables().join(", ")
        ));
    }
}
