//! Limits: how often, or how many at once.

use time::OffsetDateTime;

use super::projects::Audit;
use super::sql::{LIMITS_LIST, LIMITS_PUT, LIMITS_REMOVE};
use super::{Reader, Store, StoreError};
use crate::domain::{LimitMode, LimitScope};

/// What a limit says.
#[derive(Clone, Debug)]
pub struct Limit {
    pub name: String,
    pub scope: LimitScope,
    /// Which queue, kind or tenant; nothing for the global scope.
    pub value: Option<String>,
    pub mode: LimitMode,
    pub most: i32,
    /// A rate's window, in seconds.
    pub span: Option<f64>,
    /// A rate's burst.
    pub burst: Option<i32>,
    pub enabled: bool,
}

/// A limit, and how much of it is used now.
#[derive(Clone, Debug)]
pub struct LimitUse {
    pub limit: Limit,
    pub active: Option<i64>,
    pub tokens: Option<f64>,
    pub free_at: Option<OffsetDateTime>,
    /// Due jobs that it speaks of, up to 10,001.
    pub waiting: i64,
    pub actor: String,
    pub updated_at: OffsetDateTime,
}

impl LimitUse {
    /// Whether it gives nothing right now.
    pub fn is_tight(&self) -> bool {
        let limit = &self.limit;
        limit.enabled
            && match limit.mode {
                LimitMode::Rate => self.tokens.is_some_and(|tokens| tokens < 1.0),
                LimitMode::Concurrency => self.active.is_some_and(|active| active >= limit.most.into()),
            }
    }
}

impl Store {
    /// `limits/list`: all of them, or the one of this name.
    pub async fn list_limits(&self, name: Option<&str>) -> Result<Vec<LimitUse>, StoreError> {
        let rows = self.rows(&LIMITS_LIST, &[&name]).await?;
        Reader::all(rows, &LIMITS_LIST).map(|row| limit_use(&row)).collect()
    }

    /// `limits/put`: whether it is new.
    pub async fn put_limit(&self, limit: &Limit, audit: &Audit) -> Result<bool, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let Limit { name, scope, value, mode, most, span, burst, enabled } = limit;
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 12] = [
            name,
            &scope.as_str(),
            value,
            &mode.as_str(),
            most,
            span,
            burst,
            enabled,
            actor,
            reason,
            request_id,
            &tell,
        ];
        // Whoever makes the same limit at the same moment comes first; the next look finds it.
        for _ in 0..5 {
            if let Some(row) = self.row(&LIMITS_PUT, &params).await? {
                self.wakeup.committed(tell);
                return Reader { row, statement: LIMITS_PUT.name }.get("is_new");
            }
        }
        Err(StoreError::Busy { statement: LIMITS_PUT.name, source: None })
    }

    /// `limits/remove`: whether there was one.
    pub async fn remove_limit(&self, name: &str, audit: &Audit) -> Result<bool, StoreError> {
        let tell = self.wakeup.may_notify();
        let Audit { actor, reason, request_id } = audit;
        let row = self.one(&LIMITS_REMOVE, &[&name, actor, reason, request_id, &tell]).await?;
        self.wakeup.committed(tell);
        Ok(row.get::<i64>("n")? > 0)
    }
}

fn limit_use(row: &Reader) -> Result<LimitUse, StoreError> {
    Ok(LimitUse {
        limit: Limit {
            name: row.get("name")?,
            scope: row.word("scope", "limit scope", LimitScope::parse)?,
            value: row.get("value")?,
            mode: row.word("mode", "limit mode", LimitMode::parse)?,
            most: row.get("amount")?,
            span: row.get("window_s")?,
            burst: row.get("burst")?,
            enabled: row.get("enabled")?,
        },
        active: row.get("active")?,
        tokens: row.get("tokens")?,
        free_at: row.get("free_at")?,
        waiting: row.get("waiting")?,
        actor: row.get("actor")?,
        updated_at: row.get("updated_at")?,
    })
}
