//! `cost`: the price of all tokens that providers bill, in dollars: Σ (prompt tokens × `price.input` + output tokens sent ×
//! `price.output`) over the attempts that sent any of their answer. A refused, throttled or failed attempt that sent
//! nothing is not billed, as vendors do not bill it; one that was cut or left is billed for what it sent.
//!
//! `cost_per_thousand`: 1,000 × the cost of the attempts at a group's deployments ÷ the requests for that group, or of all
//! attempts ÷ all requests.
//!
//! Prices are those that the deployments have at the start of the run. Minimum sample: none; 20 requests.

use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    match spent(ask) {
        Err(reason) => Measurement::inconclusive(reason),
        Ok(spent) => Measurement::Measured(Measured {
            value: MetricValue::Dollars(spent.dollars),
            n: spent.attempts,
            of: "attempts",
            detail: spent.detail,
        }),
    }
}

pub(super) fn per_thousand(ask: &MetricQuery<'_>) -> Measurement {
    let is_of_kinds = ask.argument.is_some_and(|of| of.kinds().is_some());
    if is_of_kinds && !ask.recording.cells.kinds.is_empty() {
        return Measurement::inconclusive("attempts are billed by deployment and not by kind");
    }
    let sums = ask.requests().iter().map(|cells| u64::from(cells.sum(ask.window.clone()).arrived));
    let requests: u64 = sums.sum();
    if requests < MINIMUM {
        return Measurement::too_few(requests, "requests", MINIMUM);
    }
    match spent(ask) {
        Err(reason) => Measurement::inconclusive(reason),
        Ok(spent) => Measurement::Measured(Measured {
            value: MetricValue::Dollars(1_000.0 * spent.dollars / requests as f64),
            n: requests,
            of: "requests",
            detail: spent.detail,
        }),
    }
}

/// What the attempts that are asked about cost.
struct Spent {
    dollars: f64,
    attempts: u64,
    /// Of each deployment, what it cost.
    detail: Vec<String>,
}

fn spent(ask: &MetricQuery<'_>) -> Result<Spent, String> {
    let prices = ask.scenario.deployments();
    let prices: Vec<_> =
        prices.map(|(.., each)| (each.price.input.0, each.price.output.0)).collect();
    let (mut spent, mut priced) = (Spent { dollars: 0.0, attempts: 0, detail: Vec::new() }, false);
    for deployment in ask.deployments() {
        let price = prices.get(deployment).copied().unwrap_or_default();
        let sum = ask.recording.cells.deployments[deployment].sum(ask.window.clone());
        if sum.output_tokens > 0 && sum.billed_tokens == 0 && sum.input_tokens > 0 {
            return Err("this recording did not count the tokens that are billed".to_owned());
        }
        priced |= price != (0, 0);
        let dollars = of(price, sum.billed_tokens, sum.output_tokens);
        spent.dollars += dollars;
        spent.attempts += u64::from(sum.started);
        spent.detail.push(format!("{}: {}", ask.info(deployment).name, text::dollars(dollars)));
    }
    if priced { Ok(spent) } else { Err("no deployment of it has a `price`".to_owned()) }
}

/// What so many tokens cost, in dollars. Prices, of prompts and of answers, are in millionths of a millionth of one.
fn of((input, output): (u64, u64), input_tokens: u64, output_tokens: u64) -> f64 {
    let each = |pico: u64, tokens: u64| u128::from(pico) * u128::from(tokens);
    (each(input, input_tokens) + each(output, output_tokens)) as f64 / 1e12
}

const MINIMUM: u64 = 20;
