//! Custom strategies.

use crate::{Balancer, DeploymentConfig};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

/// A strategy of the user's own; made by [`Strategy::custom`](crate::Strategy::custom). Two are equal if one is
/// a clone of the other.
#[derive(Clone)]
pub struct CustomStrategy {
    name: Arc<str>,
    build: Arc<dyn BuildBalancer>,
}

/// What builds a balancer from the deployments of a group.
trait BuildBalancer: Send + Sync {
    fn build(&self, deployments: &[DeploymentConfig]) -> Box<dyn Balancer>;
}

/// A function that does.
struct BuildFn<F>(F);

impl<B: Balancer, F: Fn(&[DeploymentConfig]) -> B + Send + Sync> BuildBalancer for BuildFn<F> {
    fn build(&self, deployments: &[DeploymentConfig]) -> Box<dyn Balancer> {
        Box::new((self.0)(deployments))
    }
}

impl CustomStrategy {
    pub(super) fn new<B: Balancer>(
        name: &str,
        build: impl Fn(&[DeploymentConfig]) -> B + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), build: Arc::new(BuildFn(build)) }
    }

    /// How it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn balancer(&self, deployments: &[DeploymentConfig]) -> Box<dyn Balancer> {
        self.build.build(deployments)
    }
}

impl fmt::Debug for CustomStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomStrategy").field(&self.name).finish()
    }
}

impl PartialEq for CustomStrategy {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::addr_eq(Arc::as_ptr(&self.build), Arc::as_ptr(&other.build))
    }
}

impl Eq for CustomStrategy {}
