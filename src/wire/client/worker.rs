//! What workers ask of a server.

use std::time::Duration;

use uuid::Uuid;

use super::{Budget, Client, ClientError, Request, segment};
use crate::wire::worker::{
    Delivery, Dequeue, ExecutionResult, HeartbeatBatch, HeartbeatBatchAnswer, LogsAnswer, PostLogs, ResultAnswer,
};

impl Client {
    /// Work to do. Sent once: whoever asks again under the same `request_id` gets the same.
    pub async fn dequeue(&self, ask: &Dequeue, patience: Duration) -> Result<Delivery, ClientError> {
        self.send(Request::post("/internal/executions/dequeue").json(ask).within(patience)).await
    }

    /// One heartbeat for everything that a worker holds.
    pub async fn beat(&self, beat: &HeartbeatBatch, patience: Duration) -> Result<HeartbeatBatchAnswer, ClientError> {
        self.send(Request::post("/internal/executions/heartbeat").json(beat).within(patience)).await
    }

    /// How an execution ended.
    pub async fn end_execution(&self, id: Uuid, result: &ExecutionResult) -> Result<ResultAnswer, ClientError> {
        self.send(Request::put(of(id, "result")).json(result).again(Budget::default())).await
    }

    /// What an execution wrote. Sent once, because lines that come twice are there twice.
    pub async fn post_logs(&self, id: Uuid, logs: &PostLogs) -> Result<LogsAnswer, ClientError> {
        self.send(Request::post(of(id, "logs")).json(logs)).await
    }

    /// The worker is going.
    pub async fn leave(&self, worker: &str) -> Result<(), ClientError> {
        self.answer(Request::post(format!("/internal/workers/{}/leave", segment(worker)))).await.map(drop)
    }
}

fn of(id: Uuid, what: &str) -> String {
    format!("/internal/executions/{id}/{what}")
}
