//! Virtual keys as they are written: in the keys file, and in requests to the admin API.

use super::KeyHash;
use serde::{Deserialize, Serialize};
use squall_router::{
    KeyGateLimits, Money, RateLimit, RateWindow, SpendBudget, SpendPeriod, UtcOffset,
};
use std::time::UNIX_EPOCH;

/// The longest name of a key, a tenant or an owner.
const NAME_MAX: usize = 128;

/// A virtual key as it is written.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDocument {
    /// Its name: in logs, and for whoever disables it. Letters, digits and `.`, `_`, `-`, `@`.
    pub id: String,
    /// `sha256:` and the SHA-256 of the key, in hexadecimal digits.
    pub hash: String,
    /// The tenant of the gateway's file whose limits hold as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Whose it is; nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The models that it may ask for, by the names of groups or aliases; a `*` at the end stands for anything. Without
    /// the list all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Requests per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u64>,
    /// Tokens per minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u64>,
    /// Requests at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetDocument>,
    /// Until when it is valid, as RFC 3339 has it: `2027-01-31T00:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Whether it is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// A budget as it is written. In thousandths of a cent, so that what is read is what is written.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetDocument {
    /// Dollars.
    pub dollars: f64,
    /// `day` or `month` (of the calendar, in UTC), or a time such as `24h` from the first that is spent on.
    pub per: String,
}

impl Eq for BudgetDocument {}

/// A virtual key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VirtualKey {
    /// As it is written.
    pub document: KeyDocument,
    pub(crate) hash: KeyHash,
    pub(crate) limits: KeyGateLimits,
    /// In nanoseconds since 1970.
    pub(crate) expires: Option<u64>,
}

impl VirtualKey {
    /// What is written, understood.
    ///
    /// # Errors
    /// What is wrong with the first field that cannot be.
    pub fn new(document: KeyDocument) -> Result<Self, String> {
        check_name("id", &document.id)?;
        let names = [("tenant", &document.tenant), ("owner", &document.owner)];
        for (field, name) in
            names.into_iter().filter_map(|(field, name)| Some((field, name.as_ref()?)))
        {
            if name.is_empty() || name.len() > NAME_MAX {
                return Err(format!("`{field}`: expected 1 to {NAME_MAX} bytes"));
            }
        }
        let hash = KeyHash::parse(&document.hash).ok_or_else(|| {
            "`hash`: expected `sha256:` and 64 hexadecimal digits, as `squall gateway key new` prints".to_owned()
        })?;
        if [document.rpm, document.tpm, document.concurrency.map(u64::from)].contains(&Some(0)) {
            return Err("a limit of 0 lets nothing through: disable the key instead".to_owned());
        }
        let rate = |per_minute| RateLimit { per_minute, window: RateWindow::Gcra { burst: None } };
        let budget = document.budget.as_ref().map(budget).transpose()?;
        let limits = KeyGateLimits {
            rpm: document.rpm.map(rate),
            tpm: document.tpm.map(rate),
            concurrency: document.concurrency,
            budget,
        };
        let expires = document.expires.as_deref().map(wall_nanos).transpose()?;
        Ok(Self { document, hash, limits, expires })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.document.id
    }

    /// Whether it may ask for a model, by the name that was asked for or that of the group.
    pub(crate) fn may_use(&self, model: &str, group: &str) -> bool {
        let Some(models) = &self.document.models else { return true };
        models.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => model.starts_with(start) || group == pattern,
            None => pattern == model || pattern == group,
        })
    }
}

fn check_name(field: &str, name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    if name.is_empty() || name.len() > NAME_MAX || !name.chars().all(fits) {
        return Err(format!(
            "`{field}`: expected 1 to {NAME_MAX} letters, digits or `.`, `_`, `-`, `@`"
        ));
    }
    Ok(())
}

fn budget(document: &BudgetDocument) -> Result<SpendBudget, String> {
    let BudgetDocument { dollars, per } = document;
    if !(*dollars > 0.0 && *dollars <= 1e6) {
        return Err("`budget.dollars`: expected more than 0 and at most 1000000".to_owned());
    }
    let period = match per.as_str() {
        "day" => SpendPeriod::Day(UtcOffset::default()),
        "month" => SpendPeriod::Month(UtcOffset::default()),
        time => {
            let period = humantime::parse_duration(time).ok();
            let period =
                period.filter(|period| period.as_secs() >= 1 && period.as_secs() <= 366 * 86_400);
            SpendPeriod::Rolling(period.ok_or_else(|| {
                format!("`budget.per`: `{time}`: expected `day`, `month` or a time such as `24h`, at most a year")
            })?)
        }
    };
    let limit = Money::dollars(*dollars);
    Ok(SpendBudget { name: String::new(), limit, period, spent: Money::default() })
}

fn wall_nanos(text: &str) -> Result<u64, String> {
    let refused = || format!("`expires`: `{text}`: expected a time such as `2027-01-31T00:00:00Z`");
    let at = humantime::parse_rfc3339(text).map_err(|_| refused())?;
    let nanos = at.duration_since(UNIX_EPOCH).map_err(|_| refused())?.as_nanos();
    // Later than 2554 is as good as never.
    Ok(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(more: &str) -> Result<VirtualKey, String> {
        let hash = KeyHash::of("sk-1");
        let text = format!(r#"{{"id":"ci","hash":"{hash}"{more}}}"#);
        let document = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        VirtualKey::new(document)
    }

    #[test]
    fn a_key_is_what_is_written_and_is_written_back_as_it_was() {
        let more = r#","tenant":"web","owner":"ci@example.com","models":["chat","gpt-*"],"rpm":60,"tpm":1000,"concurrency":3,"budget":{"dollars":2.5,"per":"month"},"expires":"2027-01-31T00:00:00Z","disabled":true"#;
        let key = read(more).expect("it is one");
        assert_eq!(key.hash, KeyHash::of("sk-1"));
        assert_eq!(key.expires, Some(1_801_353_600_000_000_000));
        assert_eq!(
            key.limits.budget.as_ref().map(|budget| budget.limit),
            Some(Money::dollars(2.5))
        );
        let written = serde_json::to_string(&key.document).expect("it can be");
        assert_eq!(serde_json::from_str::<KeyDocument>(&written).expect("JSON"), key.document);
        let rolling = read(r#","budget":{"dollars":1,"per":"24h"}"#).expect("it is one");
        let period = rolling.limits.budget.map(|budget| budget.period);
        assert_eq!(period, Some(SpendPeriod::Rolling(Duration::from_secs(86_400))));
    }

    #[test]
    fn what_cannot_be_is_told_by_its_field_and_never_with_a_key() {
        for (more, told) in [
            (r#","rpm":0"#, "a limit of 0"),
            (r#","budget":{"dollars":-1,"per":"day"}"#, "`budget.dollars`"),
            (r#","budget":{"dollars":1,"per":"week"}"#, "`budget.per`: `week`"),
            (r#","expires":"tomorrow""#, "`expires`: `tomorrow`"),
            (r#","tenant":"""#, "`tenant`"),
            (r#","limit":3"#, "unknown field `limit`"),
        ] {
            let refused = read(more).expect_err(more);
            assert!(refused.contains(told), "{refused}");
        }
        let plain =
            KeyDocument { hash: "sk-secret".to_owned(), ..read("").expect("it is one").document };
        let refused = VirtualKey::new(plain).expect_err("it is no hash");
        assert!(refused.contains("`hash`") && !refused.contains("secret"), "{refused}");
    }

    #[test]
    fn models_are_names_of_groups_or_aliases_or_how_they_begin() {
        let key = read(r#","models":["chat","gpt-*"]"#).expect("it is one");
        let may = |model, group| key.may_use(model, group);
        assert!(
            may("chat", "chat")
                && may("nick", "chat")
                && may("gpt-4o", "any")
                && may("gpt-4o", "gpt-*")
        );
        assert!(!may("chatter", "chatter") && !may("claude", "claude"));
        assert!(read("").expect("it is one").may_use("anything", "anything"));
        let none = read(r#","models":[]"#).expect("it is one");
        assert!(!none.may_use("chat", "chat"));
    }
}
