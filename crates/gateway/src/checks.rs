//! Checks of deployments apart from traffic: what the core asks for, carried out.

use crate::desk::{Check, Desk};
use crate::directory::Switchboard;
use squall_router::Input;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;

/// Carries them out, each in a task of its own; never ends while the gateway serves.
pub(crate) async fn run(
    desk: Arc<Desk>,
    switchboard: Arc<Switchboard>,
    mut wanted: UnboundedReceiver<Check>,
) {
    while let Some(check) = wanted.recv().await {
        let endpoint = switchboard.endpoint(check.deployment);
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let passed = endpoint.check(check.timeout).await;
            desk.tell(Input::Checked { deployment: check.deployment, passed });
        });
    }
}
