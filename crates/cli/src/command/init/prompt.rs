//! The questions of `squall init` at a terminal: a line each, with a default where there is one.

use crate::args::InitArgs;
use crate::error::CliError;
use squall_blueprint::{
    BlueprintOptions, CLIENT_TIMEOUT, GROUP, OUTPUT_TOKENS, PROMPT_TOKENS, ProviderSpec, read_slo,
};
use squall_scenario::read_duration;
use std::fmt::Display;
use std::io;

/// Reads a line; `None` at the end of the input.
pub(super) type ReadLine<'r> = &'r mut dyn FnMut() -> io::Result<Option<String>>;

/// Asks for what the flags do not say. `say` shows a line, `folder` is where to write if nothing else is said.
pub(super) fn ask(
    args: &InitArgs,
    folder: &str,
    read: ReadLine<'_>,
    say: &mut dyn FnMut(String),
) -> Result<BlueprintOptions, CliError> {
    let mut prompt = InitPrompt { read, say };
    let mix = &args.mix;
    prompt.tell("A blueprint for your mix of providers. An empty line takes the [default]; Ctrl-C writes nothing.");
    let group = match &args.group {
        Some(group) => group.clone(),
        None => prompt.line("What clients ask for as `model`", GROUP, as_typed)?,
    };
    let mut providers = mix.providers.clone();
    let mut fallbacks = mix.fallbacks.clone();
    if providers.is_empty() {
        prompt.tell("Providers: name each as PROVIDER:MODEL, such as openai:gpt-4o-mini or azure:my-deployment.");
        providers.push(prompt.provider("First provider", true)?.ok_or(CliError::InputEnded)?);
        while let Some(spec) = prompt.provider("Next provider (empty: that is all)", true)? {
            providers.push(spec);
        }
        let what = "A fallback for what none of these can serve (empty: none)";
        fallbacks.extend(prompt.provider(what, false)?);
    }
    let peak = match mix.peak {
        Some(peak) => peak,
        None => prompt.needed("Requests per second at the peak", str::parse)?,
    };
    let usual = match mix.usual {
        Some(usual) => Some(usual),
        None => {
            prompt.optional("Requests per second of every day [a tenth of the peak]", str::parse)?
        }
    };
    let slo = match mix.slo {
        Some(slo) => slo,
        None => prompt.line("The share of requests that have to succeed", "99.9%", read_slo)?,
    };
    let slo_ttft = match mix.slo_ttft {
        Some(ttft) => Some(ttft),
        None => prompt.optional(
            "95 % of streams have to begin within, such as 2s [no promise]",
            read_duration,
        )?,
    };
    let budget = match &mix.budget {
        Some(budget) => Some(budget.clone()),
        None => prompt.optional("Budget, such as $500/day or $9000/month [none]", str::parse)?,
    };
    let out = match &args.out {
        Some(out) => out.display().to_string(),
        None => prompt.line("The folder to write to", folder, as_typed)?,
    };
    Ok(BlueprintOptions {
        providers,
        fallbacks,
        peak,
        usual,
        slo,
        slo_ttft,
        budget,
        group,
        prompt_tokens: mix.prompt_tokens.unwrap_or(PROMPT_TOKENS),
        output_tokens: mix.output_tokens.unwrap_or(OUTPUT_TOKENS),
        client_timeout: mix.client_timeout.unwrap_or(CLIENT_TIMEOUT),
        out,
    })
}

fn as_typed(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

struct InitPrompt<'p> {
    read: ReadLine<'p>,
    say: &'p mut dyn FnMut(String),
}

impl InitPrompt<'_> {
    fn tell(&mut self, text: &str) {
        (self.say)(text.to_owned());
    }

    fn answer(&mut self, question: &str) -> Result<String, CliError> {
        (self.say)(format!("{question}:"));
        let line = (self.read)().map_err(|source| CliError::Io {
            what: "cannot read the terminal".to_owned(),
            source,
        })?;
        line.map(|line| line.trim().to_owned()).ok_or(CliError::InputEnded)
    }

    /// Asks until the answer can be read; an empty one is none.
    fn optional<T, E: Display>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, CliError> {
        loop {
            let answer = self.answer(question)?;
            if answer.is_empty() {
                return Ok(None);
            }
            match read(&answer) {
                Ok(value) => return Ok(Some(value)),
                Err(error) => (self.say)(format!("  {error}")),
            }
        }
    }

    /// Asks until there is an answer.
    fn needed<T, E: Display>(
        &mut self,
        question: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, CliError> {
        loop {
            if let Some(value) = self.optional(question, &read)? {
                return Ok(value);
            }
        }
    }

    /// Asks; an empty answer is the default.
    fn line<T, E: Display>(
        &mut self,
        question: &str,
        default: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, CliError> {
        let question = format!("{question} [{default}]");
        let or_default = |text: &str| read(if text.is_empty() { default } else { text });
        loop {
            let answer = self.answer(&question)?;
            match or_default(&answer) {
                Ok(value) => return Ok(value),
                Err(error) => (self.say)(format!("  {error}")),
            }
        }
    }

    /// A provider, and what belongs to it, a question each. Whatever is typed after a comma is not asked for.
    fn provider(
        &mut self,
        question: &str,
        weighted: bool,
    ) -> Result<Option<ProviderSpec>, CliError> {
        let Some(mut spec) = self.optional(question, str::parse::<ProviderSpec>)? else {
            return Ok(None);
        };
        let questions = [
            (
                "like",
                "  The model behind this deployment, such as gpt-4o-mini",
                !spec.is_named_by_its_owner(),
            ),
            ("weight", "  Its weight, compared with the others'", !weighted),
            ("rpm", "  Requests per minute, from the vendor's console [no limit]", false),
            ("tpm", "  Tokens per minute [no limit]", false),
        ];
        for (key, question, is_left_out) in questions {
            if is_left_out || spec.has(key) {
                continue;
            }
            let with =
                |value: &str| format!("{},{key}={value}", spec.text()).parse::<ProviderSpec>();
            let found = match key {
                "weight" => Some(self.line(question, "1", with)?),
                _ => self.optional(question, with)?,
            };
            if let Some(more) = found {
                spec = more;
            }
        }
        Ok(Some(spec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn asked(
        flags: &[&str],
        answers: &[&str],
    ) -> (Result<BlueprintOptions, CliError>, Vec<String>) {
        let line = [&["squall", "init"], flags].concat();
        let args = crate::args::Args::parse_from(line);
        let crate::args::Command::Init(init) = args.command else { panic!("it is `init`") };
        let mut left = answers.iter();
        let mut said = Vec::new();
        let mut read = || Ok(left.next().map(|line| format!("{line}\n")));
        let options = ask(&init, "blueprint", &mut read, &mut |text| said.push(text));
        (options, said)
    }

    #[test]
    fn questions_lead_to_what_the_flags_say() {
        let answers = [
            "",
            "openai:gpt-4o-mini",
            "60",
            "30000",
            "30M",
            "azure:mine",
            "gpt-4o-mini",
            "40",
            "12k",
            "",
            "",
            "",
            "200rps",
            "",
            "99.95%",
            "2s",
            "$500/day",
            "out",
        ];
        let (options, said) = asked(&[], &answers);
        let options = options.unwrap_or_else(|error| panic!("{error}\n{}", said.join("\n")));
        let line = options.command_line().join(" ");
        assert_eq!(
            line,
            "squall init --provider openai:gpt-4o-mini,weight=60,rpm=30000,tpm=30M --provider \
             azure:mine,like=gpt-4o-mini,weight=40,rpm=12k --peak 200rps --slo 99.95% --slo-ttft 2s --budget \
             '$500/day' --out out"
        );
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again_with_the_reason() {
        let answers = [
            "nobody:x",
            "openai:gpt-4o,weight=1,rpm=60,tpm=1M",
            "",
            "",
            "fast",
            "20",
            "",
            "100%",
            "",
            "",
            "",
            "",
        ];
        let (options, said) = asked(&[], &[&[""], &answers[..]].concat());
        assert!(options.is_ok(), "{}", said.join("\n"));
        let said = said.join("\n");
        assert!(said.contains("no provider is called `nobody`"), "{said}");
        assert!(
            said.contains("`fast` is not a rate") && said.contains("one failed request"),
            "{said}"
        );
        // What is typed with the provider is not asked for.
        assert!(!said.contains("Tokens per minute"), "{said}");
    }

    #[test]
    fn flags_are_not_asked_for_and_an_end_of_the_input_ends_it() {
        let flags = ["--provider", "openai:gpt-4o", "--peak", "9", "--group", "g", "--out", "o"];
        let (options, said) = asked(&flags, &["", "", "", ""]);
        assert_eq!(
            said.iter().filter(|line| line.ends_with(':')).count(),
            4,
            "{}",
            said.join("\n")
        );
        assert_eq!(options.map(|options| options.out).ok(), Some("o".to_owned()));
        let (options, _) = asked(&flags, &["", ""]);
        assert!(matches!(options, Err(CliError::InputEnded)));
    }
}
