//! JSON schemas of payloads, by kind and version.

use time::OffsetDateTime;

use super::row::row;
use super::sql::{SCHEMAS_LIST, SCHEMAS_PUT, SCHEMAS_REMOVE};
use super::{Audit, Store, StoreError};

row! {
    /// A row of `schemas`.
    #[derive(Clone, Debug)]
    pub struct Schema {
        pub kind: String,
        pub version: i32,
        /// JSON text.
        pub schema: String,
        pub actor: String,
        pub created_at: OffsetDateTime,
    }
}

/// The outcome of putting a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    New {
        version: i32,
    },
    /// The version exists with the same content.
    Same,
    /// The version exists with other content.
    Other,
}

impl Store {
    /// `schemas/list`: of one kind, or all.
    pub async fn list_schemas(&self, kind: Option<&str>) -> Result<Vec<Schema>, StoreError> {
        self.fetch_all(&SCHEMAS_LIST, &[&kind]).await
    }

    /// `schemas/put`: as the given version, or as the next one.
    pub async fn put_schema(
        &self,
        kind: &str,
        version: Option<i32>,
        schema: &str,
        audit: &Audit,
    ) -> Result<PutOutcome, StoreError> {
        let row = self.one(&SCHEMAS_PUT, &[&kind, &version, &schema, &audit.actor, &audit.request_id]).await?;
        let (new, earlier): (Option<i32>, Option<String>) = (row.get("version")?, row.get("earlier")?);
        Ok(match new {
            Some(version) => PutOutcome::New { version },
            None if earlier.as_deref() == Some(schema) => PutOutcome::Same,
            None => PutOutcome::Other,
        })
    }

    /// `schemas/remove`: returns whether the schema existed.
    pub async fn remove_schema(&self, kind: &str, version: i32, audit: &Audit) -> Result<bool, StoreError> {
        let Audit { actor, request_id, .. } = audit;
        let removed: i64 = self.fetch_value(&SCHEMAS_REMOVE, &[&kind, &version, actor, request_id]).await?;
        Ok(removed > 0)
    }
}
