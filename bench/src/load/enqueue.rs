//! Enqueueing: one job per call by producers that wait for each acknowledgement, or many jobs per call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::clock;
use crate::error::Result;
use crate::producer::{Producer, QueueOf};
use crate::system::System;

#[derive(Debug, Serialize)]
pub struct Enqueued {
    /// Jobs that were acknowledged.
    pub n: u64,
    /// Calls that failed.
    pub errs: u64,
    pub seconds: f64,
    pub cpu_s: f64,
}

/// A producer stops after this many errors.
const MAX_ERRORS: u64 = 100;

/// One job per call by `conns` producers, numbered from `start`.
pub async fn one_by_one(system: &System, conns: u64, lasting: Duration, start: u64) -> Result<Enqueued> {
    let (next, errs) = (Arc::new(AtomicU64::new(start)), Arc::new(AtomicU64::new(0)));
    let producers = producers(system, conns).await?;
    let (began, cpu) = (clock::now(), system.cpu());
    let end = began + lasting.as_nanos() as u64;
    let mut calls = JoinSet::new();
    for mut producer in producers {
        let (next, errs) = (next.clone(), errs.clone());
        calls.spawn(async move {
            while clock::now() < end && errs.load(Ordering::Relaxed) < MAX_ERRORS {
                if producer.enqueue(next.fetch_add(1, Ordering::Relaxed)).await.is_err() {
                    errs.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    while calls.join_next().await.is_some() {}
    let (seconds, cpu_s) = (clock::seconds_since(began), system.cpu() - cpu);
    let errs = errs.load(Ordering::Relaxed);
    Ok(Enqueued { n: next.load(Ordering::Relaxed) - start - errs, errs, seconds, cpu_s })
}

/// `n` jobs in calls of `batch` by `conns` producers, numbered from `start`; on request, each in a queue of its own.
pub async fn in_bulk(system: &System, n: u64, batch: u64, conns: u64, start: u64, queue: QueueOf) -> Result<Enqueued> {
    let next = Arc::new(AtomicU64::new(start));
    let producers = producers(system, conns).await?;
    let (began, cpu, end) = (clock::now(), system.cpu(), start + n);
    let mut calls = JoinSet::new();
    for mut producer in producers {
        let next = next.clone();
        calls.spawn(async move {
            loop {
                let from = next.fetch_add(batch, Ordering::Relaxed);
                if from >= end {
                    return Ok(());
                }
                producer.enqueue_many(from..end.min(from + batch), queue).await?;
            }
        });
    }
    while let Some(done) = calls.join_next().await {
        let done: Result<()> = done?;
        done?;
    }
    Ok(Enqueued { n, errs: 0, seconds: clock::seconds_since(began), cpu_s: system.cpu() - cpu })
}

/// Waits until all are connected.
pub async fn producers(system: &System, conns: u64) -> Result<Vec<Producer>> {
    let mut producers = Vec::new();
    for _ in 0..conns.max(1) {
        producers.push(system.producer().await?);
    }
    Ok(producers)
}
