//! `/internal`: the protocol of remote workers.

use std::time::Duration;

use uuid::Uuid;

use super::{Budget, Client, ClientError, Request, segment};
use crate::wire::internal::{
    Delivery, Dequeue, ExecutionResult, HeartbeatBatch, HeartbeatBatchResponse, LogsResponse, PostLogs, ResultResponse,
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

    /// Removes a worker that is shutting down.
    pub async fn leave(&self, worker: &str) -> Result<(), ClientError> {
        self.answer(Request::post(format!("/internal/workers/{}/leave", segment(worker)))).await.map(drop)
    }
}
