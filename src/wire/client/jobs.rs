//! `/jobs`.

use std::time::Duration;

use super::{Answer, Body, Budget, Client, ClientError, Pairs, Request, segment};

impl Client {
    /// Jobs, newest first.
    pub async fn list_jobs(&self, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get("/jobs").pairs(pairs)).await
    }

    /// Has work done.
    pub async fn create_job(&self, body: &str, key: Option<&str>) -> Result<Answer, ClientError> {
        self.answer(Request::post("/jobs").text(body).key(key)).await
    }

    /// One job.
    pub async fn get_job(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}", segment(id)))).await
    }

    /// One job, as soon as it is finished, or time is up.
    pub async fn wait_for_job(&self, id: &str, at_most: Duration) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}", segment(id))).until("finished", at_most)).await
    }

    /// What its executions wrote, oldest first; with a wait, as soon as there is something, if more is to come.
    pub async fn job_logs(&self, id: &str, pairs: Pairs<'_>, wait: Option<Duration>) -> Result<Answer, ClientError> {
        let request = Request::get(format!("/jobs/{}/logs", segment(id))).pairs(pairs);
        let request = request.query("wait", wait.map(|it| format!("{}ms", it.as_millis())));
        self.answer(request.waits(wait.unwrap_or_default()).again(Budget::none())).await
    }

    /// Serves it sooner, or later.
    pub async fn patch_job(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::patch(format!("/jobs/{}", segment(id))).text(body.text())).await
    }

    /// Stops it.
    pub async fn cancel_job(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/jobs/{}/cancel", segment(id))).text(body.text())).await
    }

    /// Tries it again, now.
    pub async fn retry_job(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/jobs/{}/retry", segment(id))).text(body.text())).await
    }

    /// Does the same again, as a new job.
    pub async fn run_job_again(&self, id: &str, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post(format!("/jobs/{}/run-again", segment(id))).text(body.text())).await
    }

    /// Its record, newest first.
    pub async fn job_events(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}/events", segment(id))).pairs(pairs)).await
    }

    /// How it was tried, latest first.
    pub async fn job_executions(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}/executions", segment(id))).pairs(pairs)).await
    }

    /// Why it waits.
    pub async fn explain_job(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}/explain", segment(id)))).await
    }

    /// Everything about it at once.
    pub async fn inspect_job(&self, id: &str) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}/inspection", segment(id)))).await
    }

    /// The jobs that hang together with it.
    pub async fn job_graph(&self, id: &str, pairs: Pairs<'_>) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}/graph", segment(id))).pairs(pairs)).await
    }

    /// Stops many.
    pub async fn cancel_jobs(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/jobs/cancel").text(body.text())).await
    }

    /// Tries many again.
    pub async fn retry_jobs(&self, body: &Body) -> Result<Answer, ClientError> {
        self.answer(Request::post("/jobs/retry").text(body.text())).await
    }
}
