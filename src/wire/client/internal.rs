//! `/internal`: the protocol of remote workers.

use std::time::Duration;

use uuid::Uuid;

use super::{Budget, Client, ClientError, Request, segment};
use crate::wire::internal::{
    Delivery, Dequeue, EarlierStep, ExecutionResult, HeartbeatBatch, HeartbeatBatchResponse, LogsResponse, PostLogs,
    RecordStep, ResultResponse, RunTokenReply, RunTokenRequest, SecretReply, SecretRequest, StepReply,
};

impl Client {
    /// Claims jobs. Not retried: the caller repeats the request with the same `request_id` and receives the same jobs.
    pub async fn dequeue(&self, request: &Dequeue, timeout: Duration) -> Result<Delivery, ClientError> {
        self.send(Request::post("/internal/executions/dequeue").json(request).timeout(timeout)).await
    }

    /// Sends one heartbeat for all attempts of a worker.
    pub async fn heartbeat(
        &self,
        batch: &HeartbeatBatch,
        timeout: Duration,
    ) -> Result<HeartbeatBatchResponse, ClientError> {
        self.send(Request::post("/internal/executions/heartbeat").json(batch).timeout(timeout)).await
    }

    /// Settles an attempt.
    pub async fn put_result(&self, id: Uuid, result: &ExecutionResult) -> Result<ResultResponse, ClientError> {
        let path = format!("/internal/executions/{id}/result");
        self.send(Request::put(path).json(result).retry(Budget::default())).await
    }

    /// Appends log lines. Not retried: the server would store the lines twice.
    pub async fn post_logs(&self, id: Uuid, logs: &PostLogs) -> Result<LogsResponse, ClientError> {
        self.send(Request::post(format!("/internal/executions/{id}/logs")).json(logs)).await
    }

    /// The steps that were recorded for the operation of an attempt.
    pub async fn recorded_steps(&self, id: Uuid, job: Uuid) -> Result<Vec<EarlierStep>, ClientError> {
        let job = job.to_string();
        self.send(Request::get(format!("/internal/executions/{id}/steps")).pairs(&[("job_id", Some(job))])).await
    }

    /// Records a step. Repeating a change is safe.
    pub async fn record_step(&self, id: Uuid, step: &RecordStep) -> Result<StepReply, ClientError> {
        self.send(Request::put(format!("/internal/executions/{id}/steps")).json(step)).await
    }

    /// Reads a secret of the project that an attempt works on.
    pub async fn read_secret(&self, id: Uuid, request: &SecretRequest) -> Result<SecretReply, ClientError> {
        self.send(Request::post(format!("/internal/executions/{id}/secrets/read")).json(request)).await
    }

    /// Stores a secret of the project that an attempt works on.
    pub async fn store_secret(&self, id: Uuid, request: &SecretRequest) -> Result<(), ClientError> {
        self.answer(Request::put(format!("/internal/executions/{id}/secrets")).json(request)).await.map(drop)
    }

    /// Deletes a secret of the project that an attempt works on.
    pub async fn forget_secret(&self, id: Uuid, request: &SecretRequest) -> Result<(), ClientError> {
        self.answer(Request::post(format!("/internal/executions/{id}/secrets/forget")).json(request)).await.map(drop)
    }

    /// The token with which the programs of an attempt reach the Terraform state of its project.
    pub async fn run_token(&self, id: Uuid, job_id: Uuid) -> Result<RunTokenReply, ClientError> {
        self.send(Request::post(format!("/internal/executions/{id}/token")).json(&RunTokenRequest { job_id })).await
    }

    /// Removes a worker that is shutting down.
    pub async fn leave(&self, worker: &str) -> Result<(), ClientError> {
        self.answer(Request::post(format!("/internal/workers/{}/leave", segment(worker)))).await.map(drop)
    }
}
