//! What every scenario of a blueprint has: the head, the phases, the traffic, mocks of the providers, the router, and
//! what is expected.

use crate::design::Design;
use crate::mix::{ASSUMED_ITL, ASSUMED_TTFT, AnswerSpeed, MixDeployment};
use crate::numbers::comment;
use core::fmt::Write as _;
use squall_config_file::name::quoted;

/// The router of every scenario.
const ROUTER: &str = "
# The router of gateway.yaml itself: what is judged here is what is served, and a change there is judged here.
router:
  include: ../gateway.yaml#router
";

/// A scenario, before it is text.
#[derive(Debug, Default)]
pub(crate) struct ScenarioDraft {
    pub(crate) name: String,
    /// What it asks, and what is known of the answer; a paragraph each.
    pub(crate) about: Vec<String>,
    /// A sentence for its report.
    pub(crate) description: String,
    /// Names, starts and ends in seconds.
    pub(crate) phases: Vec<(&'static str, u64, u64)>,
    /// The rate as files write it, and why it is so.
    pub(crate) rate: String,
    pub(crate) why_rate: String,
    /// Faults by deployments' names.
    pub(crate) faults: Vec<(String, String)>,
    /// Groups beside those of the gateway.
    pub(crate) more_groups: String,
    /// Reasons and expectations.
    pub(crate) expect: Vec<(String, String)>,
}

impl ScenarioDraft {
    pub(crate) fn expect(&mut self, why: impl Into<String>, line: impl Into<String>) {
        self.expect.push((why.into(), line.into()));
    }

    /// The name of its file, and its text.
    pub(crate) fn written(self, design: &Design<'_>) -> (String, String) {
        let mut out = String::new();
        for (place, about) in self.about.iter().enumerate() {
            if place > 0 {
                out.push_str("#\n");
            }
            out.push_str(&comment("", about));
        }
        let name = &self.name;
        let one = format!("squall run scenarios/{name}.yaml --sim");
        let _ = writeln!(out, "#\n# {one:<48}  one run, with a report");
        let _ = writeln!(
            out,
            "# {:<48}  59 seeds of every scenario, and one verdict",
            "squall check scenarios"
        );
        let _ = writeln!(out, "name: {name}\ndescription: {}", quoted(&self.description));
        out.push_str("seed: 1\n\n");
        let phases = self.phases.iter().map(|(name, from, to)| format!("{name}: {from}s..{to}s"));
        let _ = writeln!(out, "phases: {{ {} }}\n", phases.collect::<Vec<_>>().join(", "));
        self.traffic(design, &mut out);
        self.providers(design, &mut out);
        out.push_str(ROUTER);
        if !self.more_groups.is_empty() {
            out.push_str("  groups:\n");
        }
        out.push_str(&self.more_groups);
        out.push_str("\nexpect:\n");
        for (why, line) in &self.expect {
            out.push_str(&comment("  ", why));
            let _ = writeln!(out, "  - {line}");
        }
        (self.name, out)
    }

    fn traffic(&self, design: &Design<'_>, out: &mut String) {
        let _ = writeln!(out, "traffic:\n  group: {}", quoted(&design.mix.group));
        out.push_str(
            "  # Independent users, who do not wait for each other.\n  arrivals: poisson\n",
        );
        out.push_str(&comment("  ", &self.why_rate));
        let _ = writeln!(out, "  rate: {}", self.rate);
        let (prompt, answer) = (design.options.prompt_tokens, design.options.output_tokens);
        out.push_str("  # Half of them below the median, one in 20 above the p95: take your own from your logs.\n");
        for (key, sizes) in [("prompt_tokens", prompt), ("output_tokens", answer)] {
            let _ = writeln!(
                out,
                "  {key}: {{ lognormal: {{ median: {}, p95: {} }} }}",
                sizes.median, sizes.p95
            );
        }
        let _ = writeln!(out, "  stream: 70%\n  client: {{ timeout: {}s }}\n", design.patience());
    }

    fn providers(&self, design: &Design<'_>, out: &mut String) {
        out.push_str("# Mocks of the providers: as fast as measured of their models, with your limits.\nproviders:\n");
        for each in design.mix.all() {
            let _ =
                writeln!(out, "  {}:\n    format: {}", quoted(&each.name), each.format.as_str());
            speed(each, out);
            if each.has_rate_limit() {
                let window = each.window(design.large_request());
                let limits: Vec<_> = each.rate_limits().collect();
                let _ = writeln!(out, "    limits: {{ {}, window: {window} }}", limits.join(", "));
            }
            if let Some(most) = each.concurrency {
                let _ = writeln!(
                    out,
                    "    capacity: {{ concurrent: {most}, queue: {most} }}  # as many again wait"
                );
            }
            let faults = self.faults.iter().filter(|(name, _)| *name == each.name);
            let faults: Vec<_> = faults.map(|(_, fault)| fault).collect();
            if !faults.is_empty() {
                out.push_str("    faults:\n");
                for fault in faults {
                    let _ = writeln!(out, "      - {fault}");
                }
            }
        }
    }
}

fn speed(each: &MixDeployment, out: &mut String) {
    let mut own = |ttft: core::time::Duration, itl: core::time::Duration| {
        let (ttft, itl) = (ttft.as_millis(), itl.as_secs_f64() * 1e3);
        let _ =
            writeln!(out, "    ttft: {{ lognormal: {{ median: {ttft}ms, p95: {}ms }} }}", ttft * 2);
        let _ = writeln!(out, "    itl: {itl}ms");
    };
    match each.speed {
        AnswerSpeed::Preset(preset) => {
            let _ = writeln!(out, "    like: {}", preset.name);
        }
        AnswerSpeed::Said { ttft, itl } => own(ttft, itl),
        AnswerSpeed::Assumed => {
            own(ASSUMED_TTFT, ASSUMED_ITL);
            out.push_str("    # Assumed, since nothing is known of this model: measure both (`ttft=`, `itl=`).\n");
        }
    }
}
