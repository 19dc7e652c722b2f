//! Registers this process, whatever its roles are, so that others see what the fleet lacks.

use std::time::Duration;

use super::supervisor::{ServiceFuture, service};
use super::{EngineResources, identity};
use crate::store::processes::Process;

/// How often a process renews its registration.
const INTERVAL: Duration = Duration::from_secs(10);

/// The service that registers this process.
pub fn presence(resources: &EngineResources, process: Process) -> impl Fn() -> ServiceFuture + Send + Sync + 'static {
    service((resources.clone(), process), |(resources, process)| async move {
        loop {
            resources.store.heartbeat_process(&process).await?;
            tokio::time::sleep(INTERVAL).await;
        }
    })
}

/// This process.
pub fn process(resources: &EngineResources) -> Process {
    let worker = identity(&resources.context);
    let roles = &resources.context.config.roles;
    let named = [("api", roles.api), ("worker", roles.worker), ("scheduler", roles.scheduler)];
    Process {
        id: worker.id,
        host: worker.host,
        pid: worker.pid,
        version: worker.version,
        roles: named.into_iter().filter(|(_, has)| *has).map(|(role, _)| role).collect(),
    }
}
