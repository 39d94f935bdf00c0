//! The gateway file.

use crate::design::Design;
use crate::numbers::{comment, in_comment};
use crate::router_text;
use core::fmt::Write as _;
use squall_config_file::name::quoted;

pub(crate) fn text(design: &Design<'_>) -> String {
    let mut out = String::new();
    let group = &design.mix.group;
    out.push_str(&comment(
        "",
        &format!(
            "The routing of `{group}`: {}. Written by `squall init`; change it as needed.",
            design.in_words()
        ),
    ));
    out.push_str("#\n");
    out.push_str("# Serve it:     squall gateway --config gateway.yaml\n");
    let _ = writeln!(
        out,
        "# Ask it:       curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\\n#                 \
         -d '{{\"model\": \"{}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'",
        in_comment(group)
    );
    out.push_str("# Look at it:   /ready, /health and /metrics (Prometheus) at the same address\n");
    let variables = design.variables();
    if !variables.is_empty() {
        let _ = writeln!(out, "# It needs these environment variables: {}", variables.join(", "));
    }
    out.push_str("#\n# To write all files of this blueprint again, with other numbers (and `--force`):\n#   ");
    let lines = design.options.command_line();
    out.push_str(
        &lines.iter().map(|line| in_comment(line)).collect::<Vec<_>>().join(" \\\n#     "),
    );
    out.push('\n');
    out.push_str("\nlisten: 127.0.0.1:8080\n\nproviders:\n");
    for each in design.mix.all() {
        let _ = writeln!(out, "  {}:", quoted(&each.name));
        let _ = writeln!(out, "    format: {}", each.format.as_str());
        let base = quoted(&each.base_url);
        let example = match each.base_url.as_str() {
            "$AZURE_API_BASE/openai" => "  # AZURE_API_BASE=https://RESOURCE.openai.azure.com",
            "$HOSTED_VLLM_API_BASE" => "  # HOSTED_VLLM_API_BASE=http://HOST:8000/v1",
            _ => "",
        };
        let _ = writeln!(out, "    base_url: {base}{example}");
        match &each.api_key {
            Some(key) => {
                let _ = writeln!(out, "    api_key: {}", quoted(key));
            }
            None => out.push_str(
                "    # No `api_key`: none is sent. Add `api_key: $NAME` if it wants one.\n",
            ),
        }
    }
    out.push('\n');
    out.push_str(&router_text::router(design));
    out
}
