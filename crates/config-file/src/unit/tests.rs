//! What each unit accepts, and what it says about the rest.

use super::*;
use proptest::prelude::*;

#[test]
fn durations_are_exact_in_every_unit() {
    let cases = [
        ("350ms", 350_000_000),
        ("4s", 4_000_000_000),
        ("1.5s", 1_500_000_000),
        ("1m30s", 90_000_000_000),
        ("2h", 7_200_000_000_000),
        ("250us", 250_000),
        ("7ns", 7),
        ("0s", 0),
        ("1_000ms", 1_000_000_000),
    ];
    for (text, nanos) in cases {
        assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
    }
}

#[test]
fn a_duration_without_a_unit_is_told_which_to_write() {
    let misfit = duration("20").unwrap_err();
    assert_eq!(misfit.message, "a duration needs a unit");
    assert_eq!(misfit.help.as_deref(), Some("write `20s` or `20ms`"));
}

#[test]
fn what_is_no_duration_is_refused() {
    for text in
        ["", "s", "20 s", "20sec", "-1s", "1s1m", "1s1s", "1.5.5s", "0.1ns", "9000h", "1e3s"]
    {
        assert!(duration(text).is_err(), "{text}");
    }
}

#[test]
fn shares_are_kept_to_the_millionth() {
    assert_eq!(share("70%"), Ok(Share::percent(70)));
    assert_eq!(share("99.5%").map(Share::ppm), Ok(995_000));
    assert_eq!(share("0.0001%").map(Share::ppm), Ok(1));
    for text in ["0.7", "70", "101%", "-1%", "%", "0.00001%", "half"] {
        assert!(share(text).is_err(), "{text}");
    }
    assert_eq!(share("0.7").unwrap_err().help.as_deref(), Some("write `70%`"));
    assert_eq!(share("70").unwrap_err().help.as_deref(), Some("write `70%`"));
}

#[test]
fn counts_take_underscores_and_suffixes() {
    assert_eq!(count("3000"), Ok(3000));
    assert_eq!(count("3_000"), Ok(3000));
    assert_eq!(count("12k"), Ok(12_000));
    assert_eq!(count("1.5M"), Ok(1_500_000));
    for text in ["-1", "1.5", "k", "3K", "ten", "_1", "99999999999999999999"] {
        assert!(count(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_and_factors_are_not_negative() {
    assert_eq!(number("0.5"), Ok(0.5));
    assert!(number("-1").is_err() && number("nan").is_err() && number("inf").is_err());
    assert_eq!(
        number("20rps").unwrap_err().help.as_deref(),
        Some("the unit is in the name of the key: write `20`")
    );
    assert_eq!(factor_milli("1.5x"), Ok(1500));
    assert!(factor_milli("3").is_err() && factor_milli("0x").is_err());
}

#[test]
fn a_range_names_the_part_that_is_wrong() {
    assert_eq!(range("0s..20s"), Ok((Duration::ZERO, Duration::from_secs(20))));
    assert_eq!(range("0s..20").unwrap_err().0, 4..6);
    assert_eq!(range("20s..0s").unwrap_err().1.message, "it ends before it starts");
    assert!(range("20s").is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,12}") {
        drop((duration(&text), share(&text), count(&text)));
        drop((number(&text), factor_milli(&text), range(&text)));
    }

    #[test]
    fn whole_milliseconds_survive(millis in 0_u64..10_000_000_000) {
        prop_assert_eq!(duration(&format!("{millis}ms")), Ok(Duration::from_millis(millis)));
    }
}
