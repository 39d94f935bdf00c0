//! Numbers as files and people have them.

/// Two decimals at most, none that says nothing: `0.25`, `12.5`, `200`.
pub(crate) fn short(number: f64) -> String {
    let decimals = if number < 1.0 { 3 } else { usize::from(number < 100.0) };
    trimmed(format!("{number:.decimals$}"))
}

/// A whole number, in millions where that is shorter: `12000`, `550000`, `5.2M`, `30M`.
pub(crate) fn count(number: u64) -> String {
    match number {
        1_000_000.. if number.is_multiple_of(100_000) => {
            format!("{}M", trimmed(format!("{:.1}", number as f64 / 1e6)))
        }
        _ => number.to_string(),
    }
}

/// All that a number says.
pub(crate) fn exact(number: f64) -> String {
    trimmed(format!("{number:.6}"))
}

/// A duration as files write it.
pub(crate) fn duration(time: core::time::Duration) -> String {
    match time.as_millis() {
        millis if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        millis => format!("{millis}ms"),
    }
}

/// A share in percent, with as many decimals as it has, four at most.
pub(crate) fn percent(share: f64) -> String {
    format!("{}%", trimmed(format!("{:.4}", share * 100.0)))
}

/// Dollars, to a hundredth of a cent.
pub(crate) fn dollars(amount: f64) -> String {
    match amount {
        amount if amount >= 100.0 => format!("${amount:.0}"),
        amount => format!("${}", trimmed(format!("{amount:.4}"))),
    }
}

fn trimmed(text: String) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A text as it may stand in a comment: on one line.
pub(crate) fn in_comment(text: &str) -> String {
    let plain = |c: char| {
        if c.is_control() || "\u{85}\u{2028}\u{2029}\u{feff}".contains(c) { ' ' } else { c }
    };
    text.chars().map(plain).collect()
}

/// Comment lines of a text, wrapped, each behind `indent`.
pub(crate) fn comment(indent: &str, text: &str) -> String {
    const WIDTH: usize = 108;
    let mut out = String::new();
    let mut line = format!("{indent}#");
    for word in in_comment(text).split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > indent.len() + 1
        {
            out.push_str(&line);
            out.push('\n');
            line = format!("{indent}#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_more_digits_than_they_say_something_with() {
        assert_eq!(
            [12_000, 5_200_000, 30_000_000, 1_234_567].map(count),
            ["12000", "5.2M", "30M", "1234567"]
        );
        let shorts = [200.0, 166.67, 46.42, 0.25, 7.0].map(short);
        assert_eq!(shorts, ["200", "167", "46.4", "0.25", "7"]);
        assert_eq!([0.999, 0.6, 1.0].map(percent), ["99.9%", "60%", "100%"]);
        assert_eq!([500.0, 0.1432, 2.5].map(dollars), ["$500", "$0.1432", "$2.5"]);
    }

    #[test]
    fn a_comment_is_wrapped_and_stays_a_comment() {
        let text = comment("  ", &format!("a\nb {}", "word ".repeat(40)));
        assert!(text.lines().all(|line| line.starts_with("  # ") && line.chars().count() <= 108));
        assert!(text.lines().count() > 1);
    }
}
