//! A weighted routing blueprint for a mix of providers: a gateway file, scenarios that judge it, a checklist for its
//! rollout, and the workflow that checks the scenarios in CI.
//!
//! Every value of a file has a comment that says why it is as it is, and every file is read back by the readers of its
//! kind before anybody sees it. What the mix cannot do is said twice: as a remark, and in the file that measures it.

mod checklist;
mod design;
mod gateway_file;
mod limit_squeeze;
mod mix;
mod numbers;
mod options;
mod outage;
mod provider_spec;
mod remarks;
mod rollout;
mod router_text;
mod scenario_text;
mod viral_spike;
mod workflow;

pub use mix::MixError;
pub use options::{
    BlueprintBudget, BlueprintOptions, CLIENT_TIMEOUT, GROUP, OUTPUT_TOKENS, PROMPT_TOKENS,
    RequestRate, TokenSizes, read_slo,
};
pub use provider_spec::{ProviderSpec, SPEC_EXAMPLE};

use design::Design;
use squall_config_file::diagnostic::Problems;
use squall_config_file::yaml;
use squall_scenario::{Checklist, Diagnostics, GatewayFile, Scenario};
use std::io;

/// The files of a blueprint, and what has to be known of the mix.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    files: Vec<BlueprintFile>,
    remarks: Vec<String>,
    variables: Vec<String>,
}

/// A file of a blueprint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BlueprintFile {
    /// Its place in the blueprint's folder.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// What kind of file it is.
    pub kind: BlueprintFileKind,
}

/// The kinds of files of a blueprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BlueprintFileKind {
    /// For `squall gateway`.
    Gateway,
    /// For `squall run` and `check`.
    Scenario,
    /// For `squall rehearse`.
    Checklist,
    /// For GitHub Actions.
    Workflow,
}

/// Why there is no blueprint.
#[derive(Clone, Debug)]
pub enum BlueprintError {
    /// The mix makes none.
    Mix(MixError),
    /// A file would not be read back. That is a defect of this crate.
    Unreadable(Box<Diagnostics>),
}

impl core::fmt::Display for BlueprintError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Mix(error) => error.fmt(f),
            Self::Unreadable(diagnostics) => {
                write!(
                    f,
                    "a file of the blueprint would not be read back, which is a defect of squall:\n{diagnostics}"
                )
            }
        }
    }
}

impl core::error::Error for BlueprintError {}

impl Blueprint {
    /// The blueprint for what is asked.
    ///
    /// # Errors
    /// What of the mix makes no sense, all of it at once.
    pub fn new(options: &BlueprintOptions) -> Result<Self, BlueprintError> {
        let design = Design::new(options).map_err(BlueprintError::Mix)?;
        let mut files =
            vec![file("gateway.yaml", gateway_file::text(&design), BlueprintFileKind::Gateway)];
        let scenarios =
            [viral_spike::text(&design), limit_squeeze::text(&design), rollout::text(&design)];
        for (name, text) in scenarios.into_iter().chain(outage::texts(&design)) {
            files.push(file(&format!("scenarios/{name}.yaml"), text, BlueprintFileKind::Scenario));
        }
        files.push(file("checklist.yaml", checklist::text(&design), BlueprintFileKind::Checklist));
        let workflow = workflow::text(&design);
        files.push(file(".github/workflows/squall.yml", workflow, BlueprintFileKind::Workflow));
        files.iter().try_for_each(|file| read_back(file, &files[0].text))?;
        let (remarks, variables) = (remarks::of(&design), design.variables());
        Ok(Self { files, remarks, variables })
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[BlueprintFile] {
        &self.files
    }

    /// What the mix cannot do, and what was assumed: a sentence each, with the numbers.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The environment variables that the gateway needs.
    #[must_use]
    pub fn variables(&self) -> &[String] {
        &self.variables
    }
}

fn file(path: &str, text: String, kind: BlueprintFileKind) -> BlueprintFile {
    BlueprintFile { path: path.to_owned(), text, kind }
}

/// Reads a file as the command for its kind does. `gateway` is the text of the gateway file, which scenarios include.
fn read_back(file: &BlueprintFile, gateway: &str) -> Result<(), BlueprintError> {
    let load = |path: &str| match path {
        "../gateway.yaml" => Ok(gateway.to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let (path, text) = (file.path.as_str(), file.text.as_str());
    let read = match file.kind {
        BlueprintFileKind::Gateway => GatewayFile::read(path, text).map(|_| ()),
        BlueprintFileKind::Scenario => Scenario::read_with(path, text, &load).map(|_| ()),
        BlueprintFileKind::Checklist => Checklist::read(path, text).map(|_| ()),
        BlueprintFileKind::Workflow => {
            let problems = Problems::default();
            let parsed = yaml::parse(text, &problems);
            match parsed {
                Some(_) if problems.is_empty() => Ok(()),
                _ => Err(Diagnostics::new(path, text, problems.into_vec())),
            }
        }
    };
    read.map_err(|problems| BlueprintError::Unreadable(Box::new(problems)))
}
