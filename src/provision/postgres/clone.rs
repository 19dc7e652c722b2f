//! The steps that make a database as a copy of another one in the same cluster.
//!
//! PostgreSQL copies a database only while no session is in it, and holds back new sessions meanwhile. So the source is blocked for as
//! long as the copy takes, nothing about the source is changed, and whatever ends the copy opens the source again.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::sleep;
use tokio_postgres::types::ToSql;

use super::create::{database_output, drop_invalid, observed_database, unless_exists};
use super::link::Link;
use super::names::Names;
use super::remove::run_portions;
use super::session::{CLUSTER_ID, PgSession};
use super::sql;
use crate::provision::{Failure, Observed, Output, Source, Step, StepFuture};

/// The output with the time for which the source was blocked.
const BLOCKED: &str = "source_blocked_ms";
/// How often sessions that come between are ended. PostgreSQL waits 5 s for a database without sessions.
const PAUSE: Duration = Duration::from_millis(50);

/// The names of the source. Refuses a source in another cluster.
fn source(session: &PgSession<'_>) -> Result<Names, Failure> {
    let Some(Source { project_id, known }) = &session.work.source else {
        return Err(Failure::permanent(Failure::INVALID, "the job does not say which project to copy"));
    };
    let there = known.as_ref().and_then(|it| it.get(CLUSTER_ID));
    if there.is_some() && there != session.known.get(CLUSTER_ID) {
        let message = "the source is in another cluster: a database can be copied only within its cluster";
        return Err(Failure::permanent("other_cluster", message));
    }
    Ok(Names::of(*project_id, &session.work.installation))
}

/// The copy. A database that exists is complete, because PostgreSQL makes it in one transaction.
pub struct Copy;

impl Step<PgSession<'_>> for Copy {
    fn name(&self) -> &'static str {
        "copy"
    }

    /// A copy that ends early leaves nothing behind.
    fn can_be_interrupted(&self) -> bool {
        true
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(observed_database(session))
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let (names, source) = (session.names.clone(), source(session)?);
            let admin = session.admin().await?;
            let Some(found) = admin.row(sql::DATABASE, &[&source.database]).await? else {
                let message = format!("the database {} of the source does not exist", source.database);
                return Err(Failure::permanent("source_missing", message));
            };
            if found.get::<Option<String>>("marker")?.as_deref() != Some(&source.marker) {
                let message = format!("the database {} is not marked as that of the source", source.database);
                return Err(Failure::permanent("not_ours", message));
            }
            drop_invalid(admin, &names.database).await?;
            let blocked = copy(session, &source.database).await?;
            let admin = session.admin().await?;
            admin.run_rows(sql::MARK_DATABASE, &[&names.database, &names.marker]).await?;
            let row = admin.one(sql::DATABASE, &[&names.database]).await?;
            let mut output = database_output(session, row.get("oid")?);
            let milliseconds = u64::try_from(blocked.as_millis()).unwrap_or(u64::MAX);
            output.insert(BLOCKED.to_owned(), json!(milliseconds));
            Ok(output)
        })
    }

    fn undo<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, ()> {
        Box::pin(super::remove::drop_database(session))
    }
}

/// Copies the database, and ends the sessions in it until PostgreSQL has begun. Returns for how long the source was blocked.
async fn copy(session: &mut PgSession<'_>, source: &str) -> Result<Duration, Failure> {
    let mut other = session.beside().await?;
    let (database, connections) = (session.names.database.clone(), session.parameters.connections);
    let mut admin = session.take_admin().await?;
    // After a failure, the copy may still run in this connection: dropping it ends the copy.
    let blocked = copy_through(&mut admin, &mut other, &[&database, &source, &connections]).await?;
    session.put_back(admin);
    Ok(blocked)
}

/// Runs the copy in one connection, and ends sessions in the other one.
async fn copy_through(
    admin: &mut Link,
    other: &mut Link,
    [database, source, connections]: &[&(dyn ToSql + Sync); 3],
) -> Result<Duration, Failure> {
    // An attempt that is dropped opens the source again. Not every system can tell that a client is gone; then the copy ends by itself.
    _ = admin.run(sql::END_WITH_CLIENT).await;
    // A large database takes longer than other statements may.
    admin.run(sql::LONG_TIMEOUT).await?;
    let started = Instant::now();
    let copied = {
        let params = [*database, *source, *connections];
        let copying = admin.run_rows(sql::COPY_DATABASE, &params);
        tokio::pin!(copying);
        loop {
            tokio::select! {
                biased;
                result = &mut copying => break result,
                ended = put_out(other, *source) => ended?,
            }
        }
    };
    let blocked = started.elapsed();
    admin.run(sql::SESSION).await?;
    match unless_exists(copied) {
        Err(failure) if failure.code == "postgres_55006" => {
            let message = match admin.texts("obstacle", sql::SESSIONS_IN, &[*source]).await?.as_slice() {
                [] => failure.message,
                found => format!("{}; in the way: {}. End them, then retry.", failure.message, found.join(", ")),
            };
            Err(Failure::retryable("source_in_use", message))
        }
        result => result.map(|()| blocked),
    }
}

/// Ends the sessions in a database, and waits a moment.
async fn put_out(link: &mut Link, database: &(dyn ToSql + Sync)) -> Result<(), Failure> {
    link.query(sql::END_SESSIONS_IN, &[database]).await?;
    sleep(PAUSE).await;
    Ok(())
}

/// Gives everything in the copy to the roles of this project, so that the copy no longer depends on the roles of the source.
pub struct HandOver;

impl Step<PgSession<'_>> for HandOver {
    fn name(&self) -> &'static str {
        "hand_over"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let source = source(session)?;
            let left = leftovers(&mut session.inside().await?, &source).await?;
            Ok(Observed::done_if(left.is_empty()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let (source, owner) = (source(session)?, session.names.owner.clone());
            let mut inside = session.inside().await?;
            // DROP OWNED is never used here: it would also revoke the rights of the source in its own database.
            inside.run_rows(sql::HAND_OVER_SCHEMAS, &[&source.role_prefix, &owner]).await?;
            run_portions(&mut inside, sql::REASSIGN_RELATIONS, &source.role_prefix, &owner).await?;
            inside.run_rows(sql::HAND_OVER_OBJECTS, &[&source.role_prefix, &owner]).await?;
            run_portions(&mut inside, sql::HAND_OVER_POLICIES, &source.role_prefix, &owner).await?;
            inside.run_rows(sql::HAND_OVER_DEFAULTS, &[&source.role_prefix, &owner]).await?;
            inside.run_rows(sql::HAND_OVER_GRANTS, &[&source.role_prefix]).await?;
            match leftovers(&mut inside, &source).await?.as_slice() {
                [] => Ok(Output::new()),
                left => {
                    let message = format!("the copy still depends on the roles of the source: {}", left.join(", "));
                    Err(Failure::retryable("not_handed_over", message))
                }
            }
        })
    }
}

/// What in the database still depends on a role of the source, in words.
async fn leftovers(inside: &mut Link, source: &Names) -> Result<Vec<String>, Failure> {
    inside.texts("dependency", sql::DEPENDENCIES_INSIDE, &[&source.role_prefix]).await
}
