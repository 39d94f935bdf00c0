//! Texts with placeholders: `http://127.0.0.1:${port}/v1`.

use crate::unit::Misfit;
use core::fmt;
use core::str::FromStr;

/// A text with placeholders, such as `http://${provider.eu.host}:${provider.eu.port}`. A literal `${` is written
/// `$${`; any other `$` is a dollar sign.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Template {
    parts: Vec<TemplatePart>,
}

/// A part of a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TemplatePart {
    /// A text that stands for itself.
    Literal(String),
    /// A value that is known when the servers of a run listen.
    Placeholder(Placeholder),
}

/// What a placeholder stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Placeholder {
    /// `${port}`: a free port for the target to listen at. `${port.NAME}` is another, for each name: an
    /// administration port, for instance.
    Port(Option<String>),
    /// `${dir}`: the target's own folder.
    Folder,
    /// `${env.NAME}`: an environment variable of this process.
    Environment(String),
    /// `${provider.NAME.PART}`: a part of the address of a mock provider.
    Provider {
        /// Its name.
        name: String,
        /// Which part.
        part: ProviderPart,
    },
}

/// A part of the address of a mock provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderPart {
    /// Its base URL with the version: `http://127.0.0.1:9001/v1`.
    Url,
    /// Its base URL without a path: `http://127.0.0.1:9001`.
    Origin,
    /// Its host: `127.0.0.1`.
    Host,
    /// Its port: `9001`.
    Port,
    /// A key that it accepts.
    Key,
}

impl ProviderPart {
    const WORDS: [(&'static str, Self); 5] = [
        ("url", Self::Url),
        ("origin", Self::Origin),
        ("host", Self::Host),
        ("port", Self::Port),
        ("key", Self::Key),
    ];
}

impl Template {
    /// Its parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[TemplatePart] {
        &self.parts
    }

    /// Its placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Placeholder(placeholder) => Some(placeholder),
            TemplatePart::Literal(_) => None,
        })
    }

    /// The text, with every placeholder as `value` has it.
    ///
    /// # Errors
    /// The first error of `value`.
    pub fn fill<E>(&self, value: impl Fn(&Placeholder) -> Result<String, E>) -> Result<String, E> {
        self.parts.iter().try_fold(String::new(), |text, part| {
            Ok(match part {
                TemplatePart::Literal(literal) => text + literal,
                TemplatePart::Placeholder(placeholder) => text + &value(placeholder)?,
            })
        })
    }
}

/// A text without placeholders, whatever it says.
impl From<&str> for Template {
    fn from(text: &str) -> Self {
        Self { parts: vec![TemplatePart::Literal(text.to_owned())] }
    }
}

impl FromStr for Template {
    type Err = Misfit;

    fn from_str(text: &str) -> Result<Self, Misfit> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let before = &rest[..start];
            if let Some(before) = before.strip_suffix('$') {
                literal.push_str(before);
                literal.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            literal.push_str(before);
            let inside = &rest[start + 2..];
            let end = inside.find('}').ok_or_else(|| unclosed(inside))?;
            if !literal.is_empty() {
                parts.push(TemplatePart::Literal(core::mem::take(&mut literal)));
            }
            parts.push(TemplatePart::Placeholder(inside[..end].parse()?));
            rest = &inside[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(TemplatePart::Literal(literal));
        }
        Ok(Self { parts })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            TemplatePart::Literal(text) => f.write_str(&text.replace("${", "$${")),
            TemplatePart::Placeholder(placeholder) => write!(f, "{placeholder}"),
        })
    }
}

/// What may stand between `${` and `}`.
const KNOWN: &str = "known are `${port}`, `${dir}`, `${env.NAME}`, and `${provider.NAME.url}` or `.origin`, `.host`, \
                     `.port`, `.key`; a literal `${` is written `$${`";

fn unclosed(inside: &str) -> Misfit {
    let shown: String = inside.chars().take(20).collect();
    Misfit::new(format!("`${{{shown}` has no `}}`"), "a placeholder that does not end").help(KNOWN)
}

impl FromStr for Placeholder {
    type Err = Misfit;

    /// Reads what stands between `${` and `}`.
    fn from_str(text: &str) -> Result<Self, Misfit> {
        let unknown = || {
            let shown: String = text.chars().take(60).collect();
            let message = format!("unknown placeholder `${{{shown}}}`");
            Misfit::new(message, "no such value").help(KNOWN)
        };
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned()).ok_or_else(unknown);
        if text == "port" {
            return Ok(Self::Port(None));
        }
        if text == "dir" {
            return Ok(Self::Folder);
        }
        if let Some(name) = text.strip_prefix("port.") {
            return named(name).map(|name| Self::Port(Some(name)));
        }
        if let Some(name) = text.strip_prefix("env.") {
            return named(name).map(Self::Environment);
        }
        // A provider's name may hold dots.
        let (name, part) = text
            .strip_prefix("provider.")
            .and_then(|rest| rest.rsplit_once('.'))
            .ok_or_else(unknown)?;
        let part = ProviderPart::WORDS.into_iter().find(|(word, _)| *word == part);
        let (_, part) = part.ok_or_else(unknown)?;
        Ok(Self::Provider { name: named(name)?, part })
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(None) => f.write_str("${port}"),
            Self::Port(Some(name)) => write!(f, "${{port.{name}}}"),
            Self::Folder => f.write_str("${dir}"),
            Self::Environment(name) => write!(f, "${{env.{name}}}"),
            Self::Provider { name, part } => {
                let word = ProviderPart::WORDS.iter().find(|(_, known)| known == part);
                write!(f, "${{provider.{name}.{}}}", word.map_or("", |(word, _)| word))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        let template: Template = text.parse().expect(text);
        template
            .fill(|placeholder| Ok::<_, ()>(format!("<{placeholder}>")))
            .expect("no value fails")
    }

    #[test]
    fn placeholders_are_filled_in_and_everything_else_stays() {
        assert_eq!(filled("http://127.0.0.1:${port}/v1"), "http://127.0.0.1:<${port}>/v1");
        assert_eq!(filled("${provider.azure.eu.host}x"), "<${provider.azure.eu.host}>x");
        assert_eq!(filled("$host $uri { $ } $"), "$host $uri { $ } $");
        assert_eq!(filled("a $${HOME} b $$${port}"), "a ${HOME} b $${port}");
        assert_eq!(filled(""), "");
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["$${a} ${port.admin} ${env.KEY}", "${dir}/${provider.a.url}", "$$$", "plain"] {
            let template: Template = text.parse().expect(text);
            assert_eq!(template.to_string().parse::<Template>(), Ok(template), "{text}");
        }
    }

    #[test]
    fn an_unknown_placeholder_is_told_with_those_that_are_known() {
        for text in ["${prot}", "${provider.a}", "${provider..url}", "${env.}", "${}", "${port"] {
            let misfit = text.parse::<Template>().expect_err(text);
            assert!(misfit.message.contains(text.trim_end_matches('}')), "{misfit:?}");
            assert!(misfit.help.is_some_and(|help| help.contains("${provider.NAME.url}")));
        }
    }
}
