//! The numbers behind `GET /metrics`.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// How many projects there are. Read from counters that are exact in every snapshot, never by scanning.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metrics {
    pub counts_by_status: CountsByStatus,
    /// How many are `failed` now: the same number as `counts_by_status.failed`.
    pub failed_total: i64,
}

/// Every status is always there, also with 0.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"creating": 0, "provisioning": 1, "ready": 7, "failed": 2, "deleting": 0, "deleted": 3}))]
pub struct CountsByStatus(pub BTreeMap<String, i64>);
