//! What payloads look like, by kind and version.

use time::OffsetDateTime;

use super::projects::Audit;
use super::sql::{SCHEMAS_LIST, SCHEMAS_PUT, SCHEMAS_REMOVE};
use super::{Reader, Store, StoreError};

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

/// What became of a schema that was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    New {
        version: i32,
    },
    /// This version says exactly that already.
    Same,
    /// This version says something else.
    Other,
}

impl Store {
    /// `schemas/list`: of one kind, or all.
    pub async fn list_schemas(&self, kind: Option<&str>) -> Result<Vec<Schema>, StoreError> {
        let rows = self.rows(&SCHEMAS_LIST, &[&kind]).await?;
        let read = |row: Reader| {
            Ok(Schema {
                kind: row.get("kind")?,
                version: row.get("version")?,
                schema: row.get("schema")?,
                actor: row.get("actor")?,
                created_at: row.get("created_at")?,
            })
        };
        Reader::all(rows, &SCHEMAS_LIST).map(read).collect()
    }

    /// `schemas/put`: as this version, or the next.
    pub async fn put_schema(
        &self,
        kind: &str,
        version: Option<i32>,
        schema: &str,
        audit: &Audit,
    ) -> Result<Put, StoreError> {
        let row = self.one(&SCHEMAS_PUT, &[&kind, &version, &schema, &audit.actor, &audit.request_id]).await?;
        let (new, earlier): (Option<i32>, Option<String>) = (row.get("version")?, row.get("earlier")?);
        Ok(match new {
            Some(version) => Put::New { version },
            None if earlier.as_deref() == Some(schema) => Put::Same,
            None => Put::Other,
        })
    }

    /// `schemas/remove`: whether there was one.
    pub async fn remove_schema(&self, kind: &str, version: i32, audit: &Audit) -> Result<bool, StoreError> {
        let row = self.one(&SCHEMAS_REMOVE, &[&kind, &version, &audit.actor, &audit.request_id]).await?;
        Ok(row.get::<i64>("n")? > 0)
    }
}
