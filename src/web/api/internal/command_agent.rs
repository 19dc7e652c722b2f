//! Command agents: clients without leases. An agent requests work, runs a command and reports its outcome in a format of its own.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::moment;
use crate::store::jobs::{ClaimedJob, Job};
use crate::wire::internal::{AgentJob, AgentPayload};

/// The default kind of an agent's jobs.
pub const KIND: &str = "command";

/// Prefix of the worker ids of agents.
const PREFIX: &str = "agent@";

/// The worker id of an agent.
pub fn worker_id(name: &str) -> String {
    format!("{PREFIX}{name}")
}

pub fn is_agent(worker: &str) -> bool {
    worker.starts_with(PREFIX)
}

/// The payload in the format of agents. Fields that are missing or have another type are empty; the agent reports them as errors.
pub fn payload(claimed: &ClaimedJob, job: Option<&Job>) -> AgentPayload {
    let payload: serde_json::Value = serde_json::from_str(&claimed.payload).unwrap_or_default();
    let text = |field: &str| payload[field].as_str().unwrap_or_default().to_owned();
    let name = Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| claimed.kind.clone());
    let arguments = payload["command"].as_array().into_iter().flatten();
    let job = AgentJob {
        id: claimed.lease.job_id,
        tenant_id: tenant_id(&claimed.tenant),
        name,
        image: text("image"),
        command: arguments.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect(),
        default_timeout: claimed.timeout.map_or(0, |timeout| timeout.as_secs().max(1)),
        priority: job.map_or(0, |job| job.priority),
        callback_url: None,
        callback_headers: None,
        created_at: job.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |job| moment::text(job.created_at)),
    };
    AgentPayload { job, trace: Default::default() }
}

/// The tenant as a UUID, derived from its name unless the name is a UUID.
fn tenant_id(tenant: &str) -> Uuid {
    Uuid::try_parse(tenant).unwrap_or_else(|_| {
        let hash: [u8; 32] = Sha256::digest(format!("provost tenant\0{tenant}")).into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_id_is_stable_and_keeps_uuids() {
        let id = tenant_id("acme");
        assert_eq!((tenant_id("acme"), id.get_version_num()), (id, 8));
        assert_ne!(tenant_id("other"), id);
        assert_eq!(tenant_id(&id.to_string()), id);
    }
}
