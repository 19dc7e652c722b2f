//! `GET /metrics`.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// Number of projects, read from exact counters.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metrics {
    pub counts_by_status: CountsByStatus,
    /// Same as `counts_by_status.failed`.
    pub failed_total: i64,
}

/// Every status is present, even with a count of 0.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"creating": 0, "provisioning": 1, "ready": 7, "failed": 2, "deleting": 0, "deleted": 3}))]
pub struct CountsByStatus(pub BTreeMap<String, i64>);
