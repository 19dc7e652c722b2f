//! Says three times per lease that we are still at work, for all executions of this process in one statement.

use std::collections::HashSet;
use std::sync::Arc;

use slog::warn;

use super::held::Held;
use super::source::{Database, Source};
use super::supervisor::Fault;
use super::{Parts, jittered, logger};
use crate::store::workers::Worker;

/// The heartbeat service. It goes on while running work finishes, so its end is not the stop of claiming.
pub fn service(
    parts: &Parts,
    me: &Arc<Worker>,
    held: &Arc<Held>,
) -> impl Fn() -> futures_util::future::BoxFuture<'static, Result<(), Fault>> + Send + Sync + 'static {
    let (parts, me, held) = (parts.clone(), me.clone(), held.clone());
    move || {
        let (parts, me, held) = (parts.clone(), me.clone(), held.clone());
        Box::pin(async move {
            let source = Database::new(&parts, &me);
            let log = logger(&parts, "heartbeat");
            let period = parts.config.lease_ttl / 3;
            loop {
                let mine = held.all();
                if !mine.is_empty() {
                    let kept: HashSet<_> = source.heartbeat(&mine).await?.into_iter().collect();
                    for (job, execution) in mine.iter().filter(|(_, execution)| !kept.contains(execution)) {
                        warn!(log, "lease lost"; "job_id" => %job, "execution_id" => %execution, "worker_id" => &me.id);
                        held.lose(*execution);
                    }
                }
                parts.store.heartbeat_worker(&me, parts.board.is_draining(), mine.len()).await?;
                tokio::time::sleep(jittered(period).min(period)).await;
            }
        })
    }
}
