//! `/dlq`.

use super::{Answer, Body, Client, ClientError, Pairs, Request};

impl Client {
    /// Dead letters, the latest first.
    pub async fn list_dead_letters(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/dlq").pairs(pairs)).await
    }

    /// What they died of.
    pub async fn group_dead_letters(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/dlq/groups").pairs(pairs)).await
    }

    /// Queues them anew, perhaps changed.
    pub async fn replay_dead_letters(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/dlq/replay").text(body.text())).await
    }

    /// Lets them go.
    pub async fn delete_dead_letters(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/dlq/delete").text(body.text())).await
    }
}
