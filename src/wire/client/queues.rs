//! `/queues`.

use super::{Answer, Body, Client, ClientError, Request, segment};

impl Client {
    /// The queues, by name.
    pub async fn list_queues(&self) -> Result<Answer, ClientError> {
        self.answer(Request::get("/queues")).await
    }

    /// Lets there be a queue.
    pub async fn create_queue(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/queues").text(body.text())).await
    }

    /// One queue.
    pub async fn get_queue(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/queues/{}", segment(id)))).await
    }

    /// Changes how many of its jobs may be active at once.
    pub async fn patch_queue(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::patch(format!("/queues/{}", segment(id))).text(body.text())).await
    }

    /// Gives nothing any more; what comes waits.
    pub async fn pause_queue(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/queues/{}/pause", segment(id))).text(body.text())).await
    }

    /// Gives and takes again.
    pub async fn resume_queue(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/queues/{}/resume", segment(id))).text(body.text())).await
    }

    /// Takes nothing new; what waits is worked off.
    pub async fn drain_queue(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/queues/{}/drain", segment(id))).text(body.text())).await
    }
}
