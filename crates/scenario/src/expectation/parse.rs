//! The text of an expectation to its parts, each with its place: `[pN of] metric(argument) [over seeds] op
//! value [during phase]`. What the parts mean is checked in `resolve`.

use super::Comparison;
use crate::unit::Misfit;
use core::ops::Range;

/// A part of an expectation and its place in the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ExpectationPart<'t> {
    pub(crate) text: &'t str,
    pub(crate) span: Range<usize>,
}

/// An expectation in parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Parts<'t> {
    /// `p95` of `p95 of … over seeds`.
    pub(crate) quantile: Option<ExpectationPart<'t>>,
    pub(crate) metric: ExpectationPart<'t>,
    pub(crate) argument: Option<ExpectationPart<'t>>,
    pub(crate) comparison: Comparison,
    pub(crate) limit: ExpectationPart<'t>,
    pub(crate) during: Option<ExpectationPart<'t>>,
}

/// Takes an expectation apart; or the place that does not fit, and why.
pub(crate) fn parse(text: &str) -> Result<Parts<'_>, (Range<usize>, Misfit)> {
    let mut cursor = Cursor { text, at: 0 };
    let quantile = cursor.quantile();
    let metric = cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
    if metric.text.is_empty() {
        return Err(cursor.expected("a metric such as `success_rate`"));
    }
    let argument = cursor.argument()?;
    cursor.over_seeds(quantile.as_ref())?;
    let comparison = cursor.comparison()?;
    let limit = cursor.take_while(|c| !c.is_whitespace());
    if limit.text.is_empty() {
        return Err(cursor.expected("a limit such as `99%`, `2s` or `20`"));
    }
    let during = cursor.during()?;
    Ok(Parts { quantile, metric, argument, comparison, limit, during })
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> ExpectationPart<'t> {
        self.skip_space();
        let rest = self.rest();
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        let span = self.at..self.at + length;
        self.at = span.end;
        ExpectationPart { text: &self.text[span.clone()], span }
    }

    /// `p95 of`; what is no such beginning is left where it is.
    fn quantile(&mut self) -> Option<ExpectationPart<'t>> {
        let start = self.at;
        let quantile = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.');
        let of = self.take_while(|c| !c.is_whitespace());
        if of.text != "of" {
            self.at = start;
            return None;
        }
        Some(quantile)
    }

    /// `over seeds`, which a quantile needs and nothing else may have.
    fn over_seeds(
        &mut self,
        quantile: Option<&ExpectationPart<'t>>,
    ) -> Result<(), (Range<usize>, Misfit)> {
        let start = self.at;
        let over = self.take_while(|c| c.is_ascii_alphabetic());
        if over.text != "over" {
            self.at = start;
            return match quantile {
                None => Ok(()),
                Some(_) => Err(self.expected("`over seeds`")),
            };
        }
        let seeds = self.take_while(|c| c.is_ascii_alphabetic());
        if seeds.text != "seeds" {
            self.at = seeds.span.start;
            return Err(self.expected("`seeds` after `over`"));
        }
        if quantile.is_none() {
            let misfit = Misfit::new(
                "`over seeds` without a quantile",
                "expected a quantile \
                 before the metric",
            );
            let help = "write `p95 of …`, or leave it out: every seed must meet an expectation";
            return Err((over.span.start..seeds.span.end, misfit.help(help)));
        }
        Ok(())
    }

    fn argument(&mut self) -> Result<Option<ExpectationPart<'t>>, (Range<usize>, Misfit)> {
        self.skip_space();
        if !self.rest().starts_with('(') {
            return Ok(None);
        }
        let open = self.at;
        self.at += 1;
        let argument = self.take_while(|c| c != ')' && c != '(');
        if !self.rest().starts_with(')') {
            let misfit = Misfit::new("the parenthesis is not closed", "expected a `)` after this");
            return Err((open..self.at, misfit));
        }
        self.at += 1;
        let text = argument.text.trim_end();
        let span = argument.span.start..argument.span.start + text.len();
        if text.is_empty() {
            let misfit = Misfit::new("the argument is missing", "expected a name in between");
            return Err((open..self.at, misfit));
        }
        Ok(Some(ExpectationPart { text, span }))
    }

    fn comparison(&mut self) -> Result<Comparison, (Range<usize>, Misfit)> {
        let sign = self.take_while(|c| "<>=!≤≥≠".contains(c));
        match sign.text {
            "<=" => Ok(Comparison::AtMost),
            ">=" => Ok(Comparison::AtLeast),
            "<" => Ok(Comparison::Below),
            ">" => Ok(Comparison::Above),
            "==" => Ok(Comparison::Equal),
            "" => Err(self.expected("one of `<=`, `>=`, `<`, `>`, `==`")),
            text => {
                let misfit = Misfit::new(
                    format!("`{text}` does not compare"),
                    "expected one of `<=`, `>=`, `<`, `>`, `==`",
                );
                let instead = match text {
                    "=" => Some("=="),
                    "=<" | "≤" => Some("<="),
                    "=>" | "≥" => Some(">="),
                    _ => None,
                };
                let misfit = match instead {
                    Some(instead) => misfit.help(format!("write `{instead}`")),
                    None => misfit,
                };
                Err((sign.span, misfit))
            }
        }
    }

    fn during(&mut self) -> Result<Option<ExpectationPart<'t>>, (Range<usize>, Misfit)> {
        let word = self.take_while(|c| !c.is_whitespace());
        if word.text.is_empty() {
            return Ok(None);
        }
        if word.text != "during" {
            let message = format!("`{}` does not belong here", word.text);
            let misfit = Misfit::new(message, "expected `during` and a phase, or the end");
            return Err((word.span, misfit));
        }
        let phase = self.take_while(|c| !c.is_whitespace());
        if phase.text.is_empty() {
            return Err(self.expected("a phase after `during`"));
        }
        let extra = self.take_while(|_| true);
        if !extra.text.is_empty() {
            let message = format!("`{}` does not belong here", extra.text);
            return Err((extra.span, Misfit::new(message, "expected the end after the phase")));
        }
        Ok(Some(phase))
    }

    /// Something is missing where the cursor stands.
    fn expected(&self, what: &str) -> (Range<usize>, Misfit) {
        let rest = self.rest();
        let next = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let found = match &rest[..next] {
            "" => "the end".to_owned(),
            word => format!("`{word}`"),
        };
        // At the end, point at the last character: there is nothing after it.
        let last = self.text.char_indices().next_back().map_or(0, |(at, _)| at);
        let start = if next == 0 { last } else { self.at };
        let end = if next == 0 { self.text.len() } else { self.at + next };
        let message = format!("expected {what}, found {found}");
        let label = if next == 0 { "it ends here" } else { "not this" };
        (start..end, Misfit::new(message, label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_expectation_comes_apart_with_places() {
        let parts = parse("weight_adherence( chat ) >= 97% during calm").unwrap();
        assert_eq!(parts.metric, ExpectationPart { text: "weight_adherence", span: 0..16 });
        assert_eq!(parts.argument, Some(ExpectationPart { text: "chat", span: 18..22 }));
        assert_eq!(parts.comparison, Comparison::AtLeast);
        assert_eq!(parts.limit, ExpectationPart { text: "97%", span: 28..31 });
        assert_eq!(parts.during, Some(ExpectationPart { text: "calm", span: 39..43 }));
    }

    #[test]
    fn a_quantile_over_seeds_stands_around_the_metric() {
        let parts = parse("p95 of failover_time(eu) over seeds <= 2s during outage").unwrap();
        assert_eq!(parts.quantile, Some(ExpectationPart { text: "p95", span: 0..3 }));
        assert_eq!((parts.metric.text, parts.limit.text), ("failover_time", "2s"));
        assert_eq!(parse("success_rate >= 99%").unwrap().quantile, None);
    }

    #[test]
    fn white_space_is_free() {
        let parts = parse("throttled(eu)>=20").unwrap();
        assert_eq!((parts.limit.text, parts.during), ("20", None));
    }

    #[test]
    fn what_does_not_fit_is_pointed_at() {
        let place = |text: &str| parse(text).unwrap_err().0;
        assert_eq!(place("success_rate => 99%"), 13..15);
        assert_eq!(place("success_rate >="), 14..15);
        assert_eq!(place("throttled(eu >= 20"), 9..18);
        assert_eq!(place("success_rate >= 99% in calm"), 20..22);
        assert_eq!(place("success_rate >= 99% during calm now"), 32..35);
        assert_eq!(place("p95 of success_rate >= 99%"), 20..22);
        assert_eq!(place("p95 of success_rate over runs >= 99%"), 25..29);
        assert_eq!(place("success_rate over seeds >= 99%"), 13..23);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_places_lie_within_it(text in "\\PC{0,24}") {
            if let Err((span, _)) = parse(&text) {
                prop_assert!(text.get(span).is_some());
            }
        }
    }
}
