//! `/workers`.

use super::{Answer, Body, Client, ClientError, Pairs, Request, segment};

impl Client {
    /// The workers.
    pub async fn list_workers(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/workers").pairs(pairs)).await
    }

    /// One worker.
    pub async fn get_worker(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workers/{}", segment(id)))).await
    }

    /// What it holds right now.
    pub async fn worker_executions(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workers/{}/executions", segment(id)))).await
    }

    /// Takes no more work.
    pub async fn cordon_worker(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/workers/{}/cordon", segment(id))).text(body.text())).await
    }

    /// Takes work again.
    pub async fn uncordon_worker(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/workers/{}/uncordon", segment(id))).text(body.text())).await
    }

    /// Takes no more work, and hands back what does not finish in time.
    pub async fn drain_worker(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/workers/{}/drain", segment(id))).text(body.text())).await
    }

    /// Forgets one that is lost.
    pub async fn forget_worker(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::delete(format!("/workers/{}", segment(id))).text(body.text())).await
    }
}
