//! `/schemas`.

use super::{Answer, Client, ClientError, Request, segment};

endpoints! {
    /// Lists payload schemas.
    list_schemas(pairs) GET "/schemas";
    /// Registers a schema for a kind.
    put_schema(id, body) PUT "/schemas/" id;
}

impl Client {
    /// Deletes one version of a schema.
    pub async fn delete_schema(&self, kind: &str, version: u32) -> Result<Answer, ClientError> {
        self.answer(Request::delete(format!("/schemas/{}/{version}", segment(kind)))).await
    }
}
