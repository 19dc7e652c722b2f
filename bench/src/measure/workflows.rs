//! The cost of dependencies: drain of workflows, against the same jobs without dependencies.

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::drain::{Workers, drain};
use crate::clock;
use crate::compare::{Alternative, interleaved};
use crate::databases::Bench;
use crate::error::{BenchError, Result};
use crate::options::Params;
use crate::producer::job;
use crate::report::Row;
use crate::sample::Sample;
use crate::session::Session;
use crate::sql::scripts;
use crate::starts::{KIND, Starts};
use crate::system::{Profile, System, Work};
use provost::domain::workflow::{StepDefinition, StepDependency, WorkflowDefinition};
use provost::domain::{Ident, Policy};

/// The steps before a step, by its number.
type Shape = fn(u64, u64) -> Vec<u64>;

const SHAPES: [(&str, Shape); 4] = [
    ("no edges", |_, _| Vec::new()),
    ("one, all, one", fan_out_and_in),
    ("diamonds", diamonds),
    ("chains of a hundred", chains),
];

pub async fn run(bench: &Bench, params: Params<'_>) -> Result<Vec<Row>> {
    let n = params.count("n", 10_000, 2000);
    let of = |(label, shape): (&'static str, Shape)| {
        Alternative::new(label, None, move |_| once(bench, n, shape).boxed_local())
    };
    interleaved(bench, params.rounds(3), &SHAPES.map(of)).await
}

/// Fan-out and fan-in: the first step before all others, the last after all.
fn fan_out_and_in(at: u64, n: u64) -> Vec<u64> {
    match at {
        0 => Vec::new(),
        _ if at + 1 == n => (1..at).collect(),
        _ => vec![0],
    }
}

/// Groups of four: one step, two after it, one after those.
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

/// Starts a workflow of this shape without workers, then drains it.
async fn once(bench: &Bench, n: u64, shape: Shape) -> Result<Sample> {
    let (database, setup) = bench.fresh().await?;
    let system = System::start(&setup, Profile::Embedded, Work::Off, Starts::new(0, 0)).await?;
    let began = clock::now();
    system.producer().await?.start(plan(n, shape)?).await?;
    let start_ms = clock::ms_between(began, clock::now());
    system.stop().await?;
    let session = Session::open(&setup.connector).await?;
    session.client.batch_execute(scripts::ANALYZE).await?;
    drop(session);
    let sample = drain(bench, &setup, n, 0, Workers::Profile(Profile::Embedded)).await;
    bench.drop_database(database).await?;
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
        return Err(BenchError::new("a workflow has at least one step (--n)"));
    }
    Ok(WorkflowDefinition {
        name: format!("bench {}", Uuid::now_v7()),
        tenant: Ident::default(),
        steps: (0..n).map(step).collect(),
    })
}
