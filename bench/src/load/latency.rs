//! Start latency of an idle system: one job at a time, from the acknowledgement of the enqueue to the start of its handler.

use std::time::Duration;

use serde::Serialize;

use crate::BenchError;
use crate::clock::{self, ms_between};
use crate::error::Result;
use crate::stats::Spread;
use crate::system::System;

#[derive(Debug, Serialize)]
pub struct Latency {
    /// Jobs that were measured.
    pub n: u64,
    /// From the acknowledgement to the start. Negative if the handler starts before the producer has read the
    /// answer.
    pub start_ms: Spread,
    /// From the call to the start.
    pub from_call_ms: Spread,
    /// From the call to the acknowledgement.
    pub ack_ms: Spread,
    pub cpu_s: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub n: u64,
    pub gap: Duration,
    /// Jobs before the measured ones.
    pub warmup: u64,
    pub time_limit: Duration,
}

/// Expects starts for the numbers `0..n + warmup`.
pub async fn one_at_a_time(system: &System, plan: Plan) -> Result<Latency> {
    let mut producer = system.producer().await?;
    let deadline = clock::now() + plan.time_limit.as_nanos() as u64;
    let (mut start, mut from_call, mut ack) = (Vec::new(), Vec::new(), Vec::new());
    let mut cpu = system.cpu();
    for number in 0..plan.warmup + plan.n {
        if number == plan.warmup {
            cpu = system.cpu();
        }
        let called = clock::now();
        producer.enqueue(number).await?;
        let acknowledged = clock::now();
        let started = started(system, number, deadline).await?;
        if number >= plan.warmup {
            start.push(ms_between(acknowledged, started));
            from_call.push(ms_between(called, started));
            ack.push(ms_between(called, acknowledged));
        }
        tokio::time::sleep(plan.gap).await;
        if clock::now() >= deadline {
            break;
        }
    }
    Ok(Latency {
        n: start.len() as u64,
        start_ms: Spread::of(start),
        from_call_ms: Spread::of(from_call),
        ack_ms: Spread::of(ack),
        cpu_s: system.cpu() - cpu,
    })
}

async fn started(system: &System, number: u64, deadline: u64) -> Result<u64> {
    loop {
        if let Some(at) = system.starts.at(number) {
            return Ok(at);
        }
        system.check()?;
        let left = deadline.saturating_sub(clock::now()).min(1_000_000_000);
        if left == 0 {
            return Err(BenchError::new(format!("job {number} did not start in time")));
        }
        _ = tokio::time::timeout(Duration::from_nanos(left), system.starts.next_start()).await;
    }
}
