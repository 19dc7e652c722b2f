//! Projects created over HTTP, one per request, by producers that wait for the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use crate::ceiling::Ceiling;
use crate::clock;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::error::Result;
use crate::http::Http;
use crate::options::Params;
use crate::report::Row;
use crate::sample::Sample;
use crate::starts::Starts;
use crate::system::{Profile, Setup, System, Work};

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let lasting = params.seconds("seconds", 3.0, 1.0);
    let given = params.count("conns", 0, 0);
    let conns: Vec<u64> = if given > 0 { vec![given] } else { vec![1, 16] };
    let of = |conns: u64| {
        let http = |label: &str, ceiling| {
            Alternative::new(format!("http {conns}{label}"), Some(ceiling), move |_| {
                once(bench, conns, lasting).boxed_local()
            })
        };
        [
            http("", Ceiling::Project { clients: conns, lasting }),
            http(", of the same statement", Ceiling::ProjectStatement { clients: conns, lasting }),
        ]
    };
    let alternatives: Vec<Alternative> = conns.into_iter().flat_map(of).collect();
    interleaved(bench, params.rounds(3), &alternatives).await
}

async fn once(bench: &Bench, conns: u64, lasting: Duration) -> Result<Sample> {
    let run = async |system: &System, _: &Setup| {
        let cpu = system.cpu();
        let (n, seconds) = create(system.host()?, conns, lasting).await?;
        Ok((n, seconds, system.cpu() - cpu))
    };
    let ((n, seconds, cpu), spent) = bench.on_fresh(Profile::Http, Work::Off, Starts::new(0, 0), run).await?;
    Ok(Sample::of(n as f64, seconds, spent, Some(cpu)))
}

/// How many were created, and in which time.
async fn create(host: &str, conns: u64, lasting: Duration) -> Result<(u64, f64)> {
    let created = Arc::new(AtomicU64::new(0));
    let (began, mut calls) = (clock::now(), JoinSet::new());
    let end = began + lasting.as_nanos() as u64;
    for _ in 0..conns {
        let (mut http, created) = (Http::connect(host).await?, created.clone());
        calls.spawn(async move {
            while clock::now() < end {
                http.post("/projects", "{\"name\":\"bench\"}").await?;
                created.fetch_add(1, Ordering::Relaxed);
            }
            Result::Ok(())
        });
    }
    while let Some(done) = calls.join_next().await {
        done??;
    }
    Ok((created.load(Ordering::Relaxed), clock::seconds_since(began)))
}
