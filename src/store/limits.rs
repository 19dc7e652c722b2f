//! Limits on the rate or the concurrency of jobs.

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;

use super::row::row;
use super::sql::{LIMITS_LIST, LIMITS_PUT, LIMITS_REMOVE};
use super::{Audit, Store, StoreError};
use crate::domain::{LimitMode, LimitScope};

/// How often a limit is put again when another request creates it at the same time.
const PUT_ATTEMPTS: usize = 5;

row! {
    /// The definition of a limit.
    #[derive(Clone, Debug)]
    pub struct Limit {
        pub name: String,
        pub scope: LimitScope,
        /// The queue, kind or tenant; none for the global scope.
        pub value: Option<String>,
        pub mode: LimitMode,
        pub max: i32 as "amount",
        /// The window of a rate, in seconds.
        pub window: Option<f64> as "window_s",
        /// The burst of a rate.
        pub burst: Option<i32>,
        pub enabled: bool,
    }

    /// A limit and its current use.
    #[derive(Clone, Debug)]
    pub struct LimitUse {
        pub limit: Limit = Limit::from_row,
        pub active: Option<i64>,
        pub tokens: Option<f64>,
        pub free_at: Option<OffsetDateTime>,
        /// Due jobs in the scope of the limit, counted up to 10,001.
        pub waiting: i64,
        pub actor: String,
        pub updated_at: OffsetDateTime,
    }
}

impl LimitUse {
    /// Whether the limit holds jobs back now.
    pub fn is_exhausted(&self) -> bool {
        let limit = &self.limit;
        limit.enabled
            && match limit.mode {
                LimitMode::Rate => self.tokens.is_some_and(|tokens| tokens < 1.0),
                LimitMode::Concurrency => self.active.is_some_and(|active| active >= limit.max.into()),
            }
    }
}

impl Store {
    /// `limits/list`: every limit, or the one with this name.
    pub async fn list_limits(&self, name: Option<&str>) -> Result<Vec<LimitUse>, StoreError> {
        self.fetch_all(&LIMITS_LIST, &[&name]).await
    }

    /// `limits/put`: creates or replaces a limit. Returns whether it is new.
    pub async fn put_limit(&self, limit: &Limit, audit: &Audit) -> Result<bool, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let Limit { name, scope, value, mode, max, window, burst, enabled } = limit;
        let (scope, mode) = (scope.as_str(), mode.as_str());
        // The statement returns no row when another request created the limit after its snapshot; the next one sees it.
        for _ in 0..PUT_ATTEMPTS {
            let notify = self.wakeup.may_notify();
            let params: [&(dyn ToSql + Sync); 12] =
                [name, &scope, value, &mode, max, window, burst, enabled, actor, reason, request_id, &notify];
            let is_new = self.fetch_optional_value(&LIMITS_PUT, &params).await?;
            if let Some(is_new) = self.committed(notify, is_new) {
                return Ok(is_new);
            }
        }
        Err(StoreError::Busy { statement: LIMITS_PUT.name, source: None })
    }

    /// `limits/remove`: returns whether the limit existed.
    pub async fn remove_limit(&self, name: &str, audit: &Audit) -> Result<bool, StoreError> {
        let Audit { actor, reason, request_id } = audit;
        let notify = self.wakeup.may_notify();
        let removed: i64 = self.fetch_value(&LIMITS_REMOVE, &[&name, actor, reason, request_id, &notify]).await?;
        self.wakeup.committed(notify);
        Ok(removed > 0)
    }
}
