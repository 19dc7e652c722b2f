//! `/workflows`.

use std::time::Duration;

use super::{Answer, Body, Client, ClientError, Pairs, Request, segment};

impl Client {
    /// Workflows, newest first.
    pub async fn list_workflows(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/workflows").pairs(pairs)).await
    }

    /// Has steps done.
    pub async fn create_workflow(&self, body: &str, key: Option<&str>) -> Result<Answer, ClientError> {
        self.answer(Request::post("/workflows").text(body).key(key)).await
    }

    /// Starts the one of the demonstration.
    pub async fn run_demo_workflow(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/workflows/demo/thumbnail").text(body.text())).await
    }

    /// One workflow.
    pub async fn get_workflow(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workflows/{}", segment(id)))).await
    }

    /// How its steps hang together.
    pub async fn workflow_graph(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workflows/{}/graph", segment(id))).pairs(pairs)).await
    }

    /// Its record, newest first.
    pub async fn workflow_events(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workflows/{}/events", segment(id))).pairs(pairs)).await
    }

    /// Stops it.
    pub async fn cancel_workflow(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/workflows/{}/cancel", segment(id))).text(body.text())).await
    }

    /// Goes on from what failed.
    pub async fn retry_workflow(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/workflows/{}/retry", segment(id))).text(body.text())).await
    }

    /// One workflow, as soon as no step of it can go on by itself, or time is up.
    pub async fn wait_for_workflow(&self, id: &str, at_most: Duration) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/workflows/{}", segment(id))).until("finished", at_most)).await
    }
}
