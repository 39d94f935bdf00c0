//! Other configurations, each from its time on.

use squall_clock::Clock;
use squall_determinism::Timestamp;
use squall_gateway::GatewayView;
use squall_router::ConfigId;

/// Makes the configurations that were prepared hold, one after the other, each from its time on.
pub(crate) async fn follow(clock: Clock, gateway: GatewayView, times: Vec<Timestamp>) {
    // Number 0 is the configuration that the run begins with.
    for (time, config) in times.into_iter().zip((1..).map(ConfigId)) {
        clock.sleep_until(time).await;
        gateway.reconfigure(config);
    }
}
