//! `/schemas`.

use super::{Answer, Body, Client, ClientError, Pairs, Request, segment};

impl Client {
    /// What payloads are checked against.
    pub async fn list_schemas(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/schemas").pairs(pairs)).await
    }

    /// Registers a schema for a kind.
    pub async fn put_schema(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::put(format!("/schemas/{}", segment(id))).text(body.text())).await
    }

    /// Stops checking against one version.
    pub async fn delete_schema(&self, kind: &str, version: u32) -> Result<Answer, ClientError> {
        self.answer(Request::delete(format!("/schemas/{}/{version}", segment(kind)))).await
    }
}
