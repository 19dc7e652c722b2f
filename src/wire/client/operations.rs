//! What those look at who look after it.

use super::{Answer, Budget, Client, ClientError, Pairs, Request};

impl Client {
    /// How the process is, and what it stands on; also when its database does not answer.
    pub async fn health(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/health").also(503).again(Budget::none())).await
    }

    /// Whether it can serve.
    pub async fn ready(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/readyz").also(503).again(Budget::none())).await
    }

    /// How many projects there are, by status.
    pub async fn metrics(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/metrics")).await
    }

    /// Everything it counts, for Prometheus.
    pub async fn prometheus(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/metrics/prometheus")).await
    }

    /// What waits, what goes on, what came out.
    pub async fn stats(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/stats").pairs(pairs)).await
    }

    /// The whole record, newest first.
    pub async fn events(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/events").pairs(pairs)).await
    }

    /// The description of the API.
    pub async fn openapi(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/openapi.json")).await
    }
}
