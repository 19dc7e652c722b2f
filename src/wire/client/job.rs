//! `/jobs`.

use std::time::Duration;

use super::{Answer, Budget, Client, ClientError, Pairs, Request, segment};

endpoints! {
    /// Lists jobs, newest first.
    list_jobs(pairs) GET "/jobs";
    /// Enqueues a job.
    create_job(text, key) POST "/jobs";
    /// Returns a job.
    get_job(id) GET "/jobs/" id;
    /// Changes the priority of a job.
    patch_job(id, body) PATCH "/jobs/" id;
    /// Cancels a job.
    cancel_job(id, body) POST "/jobs/" id "/cancel";
    /// Retries a job now.
    retry_job(id, body) POST "/jobs/" id "/retry";
    /// Enqueues a copy of a finished job.
    run_job_again(id, body) POST "/jobs/" id "/run-again";
    /// Lists the events of a job, newest first.
    job_events(id, pairs) GET "/jobs/" id "/events";
    /// Lists the attempts of a job, latest first.
    job_executions(id, pairs) GET "/jobs/" id "/executions";
    /// Explains the state of a job.
    explain_job(id) GET "/jobs/" id "/explain";
    /// Returns a job with its explanation and history.
    inspect_job(id) GET "/jobs/" id "/inspection";
    /// Returns the dependency graph around a job.
    job_graph(id, pairs) GET "/jobs/" id "/graph";
    /// Cancels many jobs.
    cancel_jobs(bulk) POST "/jobs/cancel";
    /// Retries many jobs.
    retry_jobs(bulk) POST "/jobs/retry";
}

impl Client {
    /// Returns a job once it has finished, or in its current state after `timeout`.
    pub async fn wait_for_job(&self, id: &str, timeout: Duration) -> Result<Answer, ClientError> {
        self.answer(Request::get(format!("/jobs/{}", segment(id))).wait_until("finished", timeout)).await
    }

    /// Lists log lines of a job, oldest first. With `wait`, the server holds the request until there are lines.
    pub async fn job_logs(&self, id: &str, pairs: Pairs<'_>, wait: Option<Duration>) -> Result<Answer, ClientError> {
        let request = Request::get(format!("/jobs/{}/logs", segment(id))).pairs(pairs);
        let request = request.query("wait", wait.map(|it| format!("{}ms", it.as_millis())));
        self.answer(request.wait(wait.unwrap_or_default()).retry(Budget::none())).await
    }
}
