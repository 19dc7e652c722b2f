//! `/health`, `/metrics`, `/stats` and `/openapi.json`.

use super::{Answer, Budget, Client, ClientError, Request};

endpoints! {
    /// Counts projects by status.
    metrics() GET "/metrics";
    /// Returns all metrics in the Prometheus text format.
    prometheus() GET "/metrics/prometheus";
    /// Returns job statistics.
    stats(pairs) GET "/stats";
    /// Returns the API description.
    openapi() GET "/openapi.json";
}

impl Client {
    /// Returns the health of the server, even while its database is down.
    pub async fn health(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/health").accept_status(503).retry(Budget::none())).await
    }

    /// Returns whether the server can serve requests.
    pub async fn ready(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/readyz").accept_status(503).retry(Budget::none())).await
    }
}
