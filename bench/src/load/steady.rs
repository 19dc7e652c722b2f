//! A steady load at a fixed rate. Latency counts from the scheduled arrival, not from the actual request, so that a slow
//! system cannot hide its delay by slowing the requests (coordinated omission).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;

use super::enqueue::producers;
use crate::clock::{self, ms_between};
use crate::producer::Producer;
use crate::stats::Spread;
use crate::system::System;
use crate::{Result, starts::Starts};

#[derive(Debug, Serialize)]
pub struct Steady {
    /// Jobs that were scheduled.
    pub offered: u64,
    /// Jobs that started.
    pub n: u64,
    /// Calls that failed.
    pub errs: u64,
    /// Starts per second, from the beginning to the last start.
    pub achieved: f64,
    /// From the scheduled arrival to the start of the handler.
    pub lat_ms: Spread,
    /// From the scheduled arrival to the acknowledgement.
    pub ack_ms: Spread,
    /// Until the last start, or until the grace time ended.
    pub seconds: f64,
    /// Whether every acknowledged job started.
    pub complete: bool,
    pub cpu_s: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Jobs per second.
    pub rate: f64,
    pub lasting: Duration,
    pub conns: u64,
    pub start: u64,
    /// How long to wait for starts after the last arrival.
    pub grace: Duration,
}

impl Plan {
    pub fn offered(&self) -> u64 {
        (self.rate * self.lasting.as_secs_f64()).floor() as u64
    }
}

/// The scheduled arrivals.
#[derive(Clone, Copy)]
struct Timetable {
    began: u64,
    rate: f64,
    start: u64,
}

impl Timetable {
    fn arrival(&self, number: u64) -> u64 {
        self.began + ((number - self.start) as f64 / self.rate * 1e9) as u64
    }
}

/// Expects starts for the numbers from `start` on, as many as are offered.
pub async fn at_a_rate(system: &System, plan: Plan) -> Result<Steady> {
    let producers = producers(system, plan.conns).await?;
    let (end, next) = (plan.start + plan.offered(), Arc::new(AtomicU64::new(plan.start)));
    let cpu = system.cpu();
    let table = Timetable { began: clock::now() + 20_000_000, rate: plan.rate, start: plan.start };
    let mut calls = JoinSet::new();
    for producer in producers {
        calls.spawn(produce(producer, table, next.clone(), end));
    }
    let (mut acks, mut errs) = (Vec::new(), 0);
    while let Some(done) = calls.join_next().await {
        let (mine, wrong) = done?;
        acks.extend(mine);
        errs += wrong;
    }
    let due = plan.offered() - errs;
    await_starts(&system.starts, due, plan.grace).await;
    let cpu_s = system.cpu() - cpu;
    let starts =
        (plan.start..end).filter_map(|number| Some(ms_between(table.arrival(number), system.starts.at(number)?)));
    let lat: Vec<f64> = starts.collect();
    let (n, last) = (lat.len() as u64, system.starts.first_and_last().map_or(table.began, |(_, last)| last));
    let seconds = if n >= due { ms_between(table.began, last) / 1e3 } else { clock::seconds_since(table.began) };
    Ok(Steady {
        offered: plan.offered(),
        n,
        errs,
        achieved: n as f64 / seconds.max(1e-9),
        lat_ms: Spread::of(lat),
        ack_ms: Spread::of(acks),
        seconds,
        complete: n >= due,
        cpu_s,
    })
}

/// Enqueues the next job when it is due, or at once if it is late. Returns the latencies and the number of errors.
async fn produce(mut producer: Producer, table: Timetable, next: Arc<AtomicU64>, end: u64) -> (Vec<f64>, u64) {
    let (mut acks, mut errs) = (Vec::new(), 0);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return (acks, errs);
        }
        let arrival = table.arrival(number);
        let wait = arrival.saturating_sub(clock::now());
        if wait > 0 {
            tokio::time::sleep(Duration::from_nanos(wait)).await;
        }
        match producer.enqueue(number).await {
            Ok(()) => acks.push(ms_between(arrival, clock::now())),
            Err(_) => errs += 1,
        }
    }
}

async fn await_starts(starts: &Starts, due: u64, grace: Duration) {
    let deadline = clock::now() + grace.as_nanos() as u64;
    while starts.distinct() < due && clock::now() < deadline {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
