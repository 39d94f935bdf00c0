//! Names of what is shared, as hashes: the same in every replica with the same configuration.

use squall_determinism::Digest;

/// Names a resource, together with its limit and window: a replica with another limit has another resource, so that the
/// state of two configurations is never mixed.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ResourceKey(pub u64);

impl ResourceKey {
    /// The key of a limit of `kind` (such as `rpm`) of `name`, one of `owner` (such as `deployment`).
    #[must_use]
    pub fn new(owner: &str, name: &str, kind: &str, limit: u64, window_ms: u64) -> Self {
        let mut digest = Digest::new();
        [owner, name, kind].into_iter().for_each(|text| digest.bytes(text.as_bytes()));
        [limit, window_ms].into_iter().for_each(|word| digest.word(word));
        Self(digest.short())
    }
}

/// Names a deployment.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DeploymentKey(pub u64);

impl DeploymentKey {
    /// The key of the deployment of this name in the model group of this name.
    #[must_use]
    pub fn new(group: &str, deployment: &str) -> Self {
        let mut digest = Digest::new();
        digest.bytes(group.as_bytes());
        digest.bytes(deployment.as_bytes());
        Self(digest.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_kind_limit_or_window_is_another_resource() {
        let key = ResourceKey::new("deployment", "eu", "rpm", 600, 60_000);
        assert_eq!(key, ResourceKey::new("deployment", "eu", "rpm", 600, 60_000));
        for other in [
            ResourceKey::new("group", "eu", "rpm", 600, 60_000),
            ResourceKey::new("deployment", "us", "rpm", 600, 60_000),
            ResourceKey::new("deployment", "eu", "tpm", 600, 60_000),
            ResourceKey::new("deployment", "eu", "rpm", 601, 60_000),
            ResourceKey::new("deployment", "eu", "rpm", 600, 60_001),
        ] {
            assert_ne!(key, other);
        }
    }
}
