//! A row of the table: what is known, what came out, and how near it must be.

/// What is known of a quantity, and what the simulator made of it.
#[derive(Debug)]
pub(crate) struct Row {
    system: String,
    written: String,
    quantity: String,
    expected: f64,
    simulated: f64,
    within: Within,
}

/// How near is near enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Within {
    /// So many percent of what is expected.
    Percent(f64),
    /// So much more or less.
    Absolute(f64),
    /// No more than this: a critical value, or a bound that always holds.
    AtMost(f64),
}

impl Row {
    pub(crate) fn new(
        (system, written): (&str, &str),
        quantity: &str,
        expected: f64,
        simulated: f64,
        within: Within,
    ) -> Self {
        Self {
            system: system.to_owned(),
            written: written.to_owned(),
            quantity: quantity.to_owned(),
            expected,
            simulated,
            within,
        }
    }

    pub(crate) fn agrees(&self) -> bool {
        let off = (self.simulated - self.expected).abs();
        match self.within {
            Within::Percent(percent) => off <= self.expected.abs() * percent / 100.0,
            Within::Absolute(most) => off <= most,
            Within::AtMost(most) => self.simulated <= most,
        }
    }

    fn markdown(&self) -> String {
        let Self { system, written, quantity, expected, simulated, within } = self;
        let within = match within {
            Within::Percent(percent) => format!("{percent} %"),
            Within::Absolute(most) => format!("± {}", digits(*most)),
            Within::AtMost(most) => format!("at most {}", digits(*most)),
        };
        let written = if written.is_empty() { String::new() } else { format!("`{written}`") };
        let (expected, simulated) = (digits(*expected), digits(*simulated));
        format!("| {system} | {written} | {quantity} | {expected} | {simulated} | {within} |")
    }
}

/// The table in Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = "| system | configuration | quantity | expected | simulated | tolerance |\n\
                    | --- | --- | --- | ---: | ---: | ---: |\n"
        .to_owned();
    for row in rows {
        text.push_str(&row.markdown());
        text.push('\n');
    }
    text
}

/// Five digits that count, without zeros behind them.
fn digits(value: f64) -> String {
    let before = if value.abs() < 1.0 { 0 } else { value.abs().log10() as usize + 1 };
    let text = format!("{value:.*}", 5_usize.saturating_sub(before));
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn five_digits_count() {
    for (value, text) in
        [(0.0, "0"), (0.121_66, "0.12166"), (5.0, "5"), (3.465_74, "3.4657"), (44_811.4, "44811")]
    {
        assert_eq!(digits(value), text);
    }
}
