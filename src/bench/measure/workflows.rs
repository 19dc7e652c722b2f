//! Jobs that wait for jobs: what their edges cost, against the same jobs without any, drained in the same run.

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::Ask;
use super::drain::{Way, drain};
use crate::bench::compare::{Alternative, Sample, interleaved};
use crate::bench::marks::{KIND, Marks};
use crate::bench::place::Bench;
use crate::bench::producer::job;
use crate::bench::report::Row;
use crate::bench::rig::{Profile, Rig, Work};
use crate::bench::session::Session;
use crate::bench::sql::scripts;
use crate::bench::{Result, Trouble, clock};
use crate::domain::workflow::{StepDefinition, StepDependency, WorkflowDefinition};
use crate::domain::{Ident, Policy};

/// For the step with this number out of so many: those before it.
type Shape = fn(u64, u64) -> Vec<u64>;

const SHAPES: [(&str, Shape); 4] =
    [("no edges", |_, _| Vec::new()), ("one, all, one", wide), ("diamonds", diamonds), ("chains of a hundred", chains)];

pub async fn run(bench: &Bench, ask: Ask<'_>) -> Result<Vec<Row>> {
    let n = ask.count("n", 10_000, 2000);
    let of = |(label, shape): (&'static str, Shape)| {
        Alternative::new(label, None, move |_| once(bench, n, shape).boxed_local())
    };
    interleaved(bench, ask.rounds(3), &SHAPES.map(of)).await
}

/// The first before all, and the last after all.
fn wide(at: u64, n: u64) -> Vec<u64> {
    match at {
        0 => Vec::new(),
        _ if at + 1 == n => (1..at).collect(),
        _ => vec![0],
    }
}

/// Four at a time: one, two after it, one after those.
fn diamonds(at: u64, _: u64) -> Vec<u64> {
    match at % 4 {
        0 => Vec::new(),
        3 => vec![at - 2, at - 1],
        nth => vec![at - nth],
    }
}

fn chains(at: u64, _: u64) -> Vec<u64> {
    if at.is_multiple_of(100) { Vec::new() } else { vec![at - 1] }
}

/// Starts a workflow of this shape while nobody works, and drains it.
async fn once(bench: &Bench, n: u64, shape: Shape) -> Result<Sample> {
    let (place, ground) = bench.fresh().await?;
    let rig = Rig::start(&ground, Profile::Embedded, Work::Off, Marks::new(0, 0)).await?;
    let began = clock::now();
    rig.producer().await?.start(plan(n, shape)?).await?;
    let start_ms = clock::ms_between(began, clock::now());
    rig.stop().await?;
    let session = Session::open(&ground.connector).await?;
    session.client.batch_execute(scripts::ANALYZE).await?;
    drop(session);
    let sample = drain(bench, &ground, n, 0, Way::Profile(Profile::Embedded)).await;
    bench.leave(place).await?;
    Ok(sample?.with("start_ms", start_ms))
}

fn plan(n: u64, shape: Shape) -> Result<WorkflowDefinition> {
    let ident = Ident::parse(KIND)?;
    let link = |at: u64| StepDependency { step: at.to_string(), policy: Policy::Block };
    let step = |at: u64| StepDefinition {
        name: at.to_string(),
        job: job(at, &ident, &ident),
        depends_on: shape(at, n).into_iter().map(link).collect(),
    };
    if n == 0 {
        return Err(Trouble::new("a workflow has at least one step (--n)"));
    }
    Ok(WorkflowDefinition {
        name: format!("bench {}", Uuid::now_v7()),
        tenant: Ident::default(),
        steps: (0..n).map(step).collect(),
    })
}
