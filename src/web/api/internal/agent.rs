//! Agents that know nothing of leases: they ask for work, run a command, and say how it ended, in words of their own.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::moment;
use crate::store::jobs::{ClaimedJob, Job};
use crate::wire::internal::{AgentJob, AgentPayload};

/// What such an agent executes, when it does not say what.
pub const KIND: &str = "command";

/// How their ids begin. Their leases are long, because their heartbeats are rare.
const PREFIX: &str = "agent@";

/// The id of an agent that does not name its requests.
pub fn id_of(name: &str) -> String {
    format!("{PREFIX}{name}")
}

pub fn is_one(worker: &str) -> bool {
    worker.starts_with(PREFIX)
}

/// What of a job's payload concerns an agent. What is not there, or is something else, is empty: the agent says so itself.
pub fn payload(claimed: &ClaimedJob, job: Option<&Job>) -> AgentPayload {
    let payload: serde_json::Value = serde_json::from_str(&claimed.payload).unwrap_or_default();
    let text = |field: &str| payload[field].as_str().unwrap_or_default().to_owned();
    let name = Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| claimed.kind.clone());
    let words = payload["command"].as_array().into_iter().flatten();
    let job = AgentJob {
        id: claimed.lease.job_id,
        tenant_id: tenant_id(&claimed.tenant),
        name,
        image: text("image"),
        command: words.map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect(),
        default_timeout: claimed.timeout.map_or(0, |timeout| timeout.as_secs().max(1)),
        priority: job.map_or(0, |job| job.priority),
        callback_url: None,
        callback_headers: None,
        created_at: job.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |job| moment::text(job.created_at)),
    };
    AgentPayload { job, trace: Default::default() }
}

/// The tenant as a UUID, always the same one for the same name.
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
    fn a_tenant_has_one_uuid_and_a_uuid_is_itself() {
        let id = tenant_id("acme");
        assert_eq!((tenant_id("acme"), id.get_version_num()), (id, 8));
        assert_ne!(tenant_id("other"), id);
        assert_eq!(tenant_id(&id.to_string()), id);
    }
}
