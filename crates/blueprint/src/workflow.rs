//! The CI workflow.

use crate::design::Design;
use core::fmt::Write as _;

/// Where the action comes from, for a tree that says where it is published.
fn action() -> String {
    let repository = option_env!("CARGO_PKG_REPOSITORY").unwrap_or_default();
    let owner = repository.trim_end_matches('/').strip_prefix("https://github.com/");
    let owner = owner.filter(|owner| !owner.is_empty()).unwrap_or("OWNER/squall");
    format!("{owner}/.github/actions/squall@v{}", env!("CARGO_PKG_VERSION"))
}

pub(crate) fn text(design: &Design<'_>) -> String {
    let mut out = String::from(
        "# Checks the scenarios on every pull request: a change of weights, limits or cooldowns that breaks one of them\n\
         # is red there, beside the line that it breaks.\n#\n\
         # GitHub reads this file at .github/workflows in the root of a repository. If this folder is not the root, move\n\
         # the file there, and write the scenarios' folder as it is seen from the root.\n",
    );
    let action = action();
    if action.starts_with("OWNER") {
        out.push_str("# OWNER is the account on GitHub that Squall is published under.\n");
    }
    let _ = write!(
        out,
        "name: routing of {}

on:
  pull_request:
  push:
    branches: [main]

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    timeout-minutes: 20
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false

      # 59 seeds of every scenario: with fewer, nothing can be said of 95 % of all runs.
      - uses: {action}
        with:
          scenarios: scenarios

      # The verdicts as JUnit XML, JSON and Markdown.
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: squall
          path: reports/check
",
        plain(&design.mix.group)
    );
    out
}

/// A name that means the same in YAML without quotes.
fn plain(text: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    text.chars().map(fits).collect()
}
