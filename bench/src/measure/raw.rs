//! The raw start latency: one connection inserts a job and notifies in a transaction of its own; another receives the
//! notification and claims the job by one update.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::AsyncMessage;

use crate::ceiling::SCHEMA;
use crate::clock;
use crate::databases::Bench;
use crate::error::{BenchError, Result};
use crate::load::latency::Plan;
use crate::session::Session;
use provost::store::Connector;

const INSERT: &str = include_str!("../../sql/ceiling/enqueue_one.sql");
const NOTIFY: &str = include_str!("../../sql/ceiling/notify.sql");
const LISTEN: &str = include_str!("../../sql/ceiling/listen.sql");
const CLAIM: &str = include_str!("../../sql/ceiling/claim_one.sql");

/// From the acknowledgement to the claim, per job, in milliseconds.
pub async fn latencies(bench: &Bench, plan: Plan) -> Result<Vec<f64>> {
    let database = bench.without_schema().await?;
    let latencies = measure(&database.connector, plan).await;
    bench.drop_database(database).await?;
    latencies
}

async fn measure(connector: &Connector, plan: Plan) -> Result<Vec<f64>> {
    let session = Session::open(connector).await?;
    session.client.batch_execute(SCHEMA).await?;
    let (insert, notify) = (session.client.prepare(INSERT).await?, session.client.prepare(NOTIFY).await?);
    let mut claims = claimer(connector).await?;
    let mut latencies = Vec::new();
    for number in 0..plan.warmup + plan.n {
        let acknowledged = async {
            session.client.execute(&insert, &[]).await?;
            Result::Ok(clock::now())
        };
        // Pipelined on one connection, each in a transaction of its own.
        let (acknowledged, notified) = tokio::join!(acknowledged, session.client.query(&notify, &[]));
        notified?;
        let claimed = tokio::time::timeout(Duration::from_secs(5), claims.recv()).await.ok().flatten();
        let claimed = claimed.ok_or_else(|| BenchError::new("a notification did not arrive"))?;
        if number >= plan.warmup {
            latencies.push(clock::ms_between(acknowledged?, claimed));
        }
        tokio::time::sleep(plan.gap).await;
    }
    Ok(latencies)
}

/// Claims on every notification; reports when it got a job.
async fn claimer(connector: &Connector) -> Result<UnboundedReceiver<u64>> {
    let (client, mut connection) = connector.connect().await?;
    let (notifications, mut notified) = unbounded_channel();
    tokio::spawn(async move {
        let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if matches!(message, AsyncMessage::Notification(_)) && notifications.send(()).is_err() {
                return;
            }
        }
    });
    client.batch_execute(LISTEN).await?;
    let claim = client.prepare(CLAIM).await?;
    let (claims, claimed) = unbounded_channel();
    tokio::spawn(async move {
        while notified.recv().await.is_some() {
            if client.execute(&claim, &[]).await.is_ok_and(|n| n > 0) && claims.send(clock::now()).is_err() {
                return;
            }
        }
    });
    Ok(claimed)
}
