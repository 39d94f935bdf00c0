//! The store through which a gateway shares state with its replicas.

use super::secret::Secret;
use crate::diagnostic::Problem;
use crate::fields::Fields;
use crate::model::StoreLink;
use crate::settings::{Count, Span, Text, settings};

settings! {
    /// The store of a gateway.
    pub(super) static STORE_LINK: StoreLink = (
        "store-link",
        "the store of shared state",
        "The store in Redis 6 or later, or Valkey, through which this gateway shares rate limits, spend budgets, cooldowns \
         and probes with its replicas: each draws slices of the quota, so that all together stay within every limit; a cooldown or open \
         circuit is known to all within a second; one of them probes. While the store is away, each uses limit / \
         replicas. A change requires a restart.",
        check
    );
    /// `redis://HOST:PORT/DB`, `rediss://` for TLS, `redis+unix:///PATH` for a socket, with `USER:PASSWORD@` before
    /// the host; or `$NAME` for the environment variable that holds it.
    url: Secret;
    /// What the replicas that share call themselves: another name shares nothing with this one.
    fleet: Text;
    /// How many replicas there are, until the store says: what is used while the store has never answered is limit /
    /// replicas.
    replicas: Count::<u64>::between(1, 1_000);
    /// Between two requests to the store. At most half of `lease`.
    sync_interval: Span;
    /// How long an answer of the store may take; then it is asked again.
    store_timeout: Span;
    /// How long quota in hand is valid. A replica that does not hear from the store for so long goes by its share. The
    /// same in all replicas.
    lease: Span;
    /// After how long without a word from a replica its share is given to the others. The same in all replicas.
    forget_after: Span;
}

fn check(fields: &Fields<'_>, store: &StoreLink) {
    if store.url.is_none() {
        let message = "the store has no `url`";
        let problem = Problem::new(fields.span, message, "expected `url: redis://HOST:PORT`");
        fields.problems.push(problem);
    }
    if 2 * store.sync_interval > store.lease {
        let message = "a lease ends before the store was asked twice";
        let at = if fields.get("sync_interval").is_some() { "sync_interval" } else { "lease" };
        let label = "expected `lease` ≥ 2 × `sync_interval`";
        fields.problems.push(Problem::new(fields.span_of(at), message, label));
    }
}
