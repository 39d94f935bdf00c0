//! What follows from a declaration.

use super::written::{bytes, count, duration, factor};
use super::*;
use crate::diagnostic::Diagnostics;
use crate::read::file;
use core::time::Duration;
use squall_determinism::Share;

#[derive(Clone, Debug, Eq, PartialEq)]
struct Limits {
    rate: u32,
    inner: TestInner,
    wait: Option<Duration>,
    price: squall_router::Money,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct TestInner {
    share: Share,
    policy: TestPolicy,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum TestPolicy {
    Keep,
    Drop,
}

impl Default for Limits {
    fn default() -> Self {
        let inner = TestInner { share: Share::percent(20), policy: TestPolicy::Keep };
        Self { rate: 12_000, inner, wait: None, price: squall_router::Money(7) }
    }
}

kinds::vocabulary! {
    static POLICY: TestPolicy = "keep" => TestPolicy::Keep, "drop" => TestPolicy::Drop;
}

settings! {
    static LIMITS: Limits = ("limits", "limits", "For a test.");
    /// How many.
    #[was("tempo")]
    rate: Count::<u32>::SOME;
    /// What of them,
    /// over two lines.
    portion => inner.share: Percent;
    /// What becomes of the rest.
    policy => inner.policy: Word(&POLICY);
    /// How long.
    wait: Maybe(Span, "for ever");
    /// What it costs.
    price: Required(PerMillion);
}

fn read(text: &str) -> Result<Limits, Diagnostics> {
    file("limits.yaml", text, &LIMITS.section, |fields| {
        Some(LIMITS.read(&fields, &Limits::default()))
    })
}

#[test]
fn documented_defaults_are_those_of_the_struct() {
    let defaults: Vec<_> = LIMITS.section.keys().map(Key::default_text).collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(defaults, [text("12k"), text("20%"), text("keep"), text("for ever"), None]);
    let meaning = LIMITS.section.key("portion").unwrap().meaning;
    assert_eq!(meaning, "What of them, over two lines.");
}

#[test]
fn what_was_written_reads_as_the_value_it_was_written_from() {
    let inner = TestInner { share: Share::percent(3), policy: TestPolicy::Drop };
    let wait = Some(Duration::from_millis(1_500));
    let price = squall_router::Money(2_500_000);
    let limits = Limits { rate: 7, inner, wait, price };
    let written = LIMITS.write(&limits).to_string();
    assert_eq!(
        written, "{ rate: 7, portion: 3%, policy: drop, wait: 1500ms, price: $2.5 }",
        "every setting is there"
    );
    assert_eq!(read(&written).unwrap(), limits);
}

#[test]
fn what_goes_beyond_the_defaults_is_told_key_by_key() {
    let limits = Limits { rate: 7, ..Limits::default() };
    let default = LIMITS.write(&Limits::default());
    assert_eq!(LIMITS.write(&limits).beyond(&default).to_string(), "{ rate: 7 }");
    assert_eq!(default.beyond(&default), Written::Unset);
}

#[test]
fn a_former_name_is_read_as_the_new_one() {
    let limits = read("tempo: 4\nprice: 1\n").unwrap();
    assert_eq!(limits.rate, 4);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let problems = read("rate: 0\nportion: 7\npolicy: kepe\n").unwrap_err();
    let messages: Vec<_> = problems.problems().iter().map(|each| each.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "limits needs `price`",
            "`0` is out of range",
            "a share needs its `%`",
            "unknown word `kepe`"
        ]
    );
}

#[test]
fn values_are_written_in_the_unit_that_a_person_would_take() {
    let cases = [(0, "0s"), (1_500, "1500ms"), (60_000, "60s"), (90_000, "90s"), (120_000, "2m")];
    for (millis, text) in cases {
        assert_eq!(duration(Duration::from_millis(millis)), text);
    }
    assert_eq!(duration(Duration::from_secs(86_400)), "1d");
    assert_eq!([9_999, 10_000, 10_001, 3_000_000].map(count), ["9999", "10k", "10001", "3M"]);
    assert_eq!([16 << 20, 50_000_000, 50_001].map(bytes), ["16MiB", "50MB", "50.001kB"]);
    assert_eq!([1_000, 1_500].map(factor), ["1x", "1.5x"]);
}
