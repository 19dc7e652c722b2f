//! The first steps of an operation: a cluster that can be used, and that only its tenants can enter.

use serde_json::json;

use super::session::{CLUSTER_ID, PgSession, checked_facts};
use super::sql;
use crate::domain::OperationKind;
use crate::provision::{Failure, Observed, Output, Step, StepFuture};

/// Connects, takes the lock of the project, and checks the server.
pub struct Reach;

impl Step<PgSession<'_>> for Reach {
    fn name(&self) -> &'static str {
        "reach"
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let facts = checked_facts(session.admin().await?).await?;
            check_limit(session, facts.max_connections)?;
            let connector = session.connector().await?;
            Ok(Output::from([
                (CLUSTER_ID.to_owned(), json!(facts.system_identifier)),
                ("host".to_owned(), json!(connector.host())),
                ("port".to_owned(), json!(connector.port())),
                ("server_version".to_owned(), json!(facts.version_text)),
            ]))
        })
    }
}

/// Refuses a limit of connections that the cluster cannot give.
fn check_limit(session: &PgSession<'_>, max_connections: i32) -> Result<(), Failure> {
    let sets_limit =
        matches!(session.work.operation, OperationKind::Create | OperationKind::Clone | OperationKind::Update);
    let wanted = session.parameters.connections;
    if !sets_limit || wanted <= max_connections {
        return Ok(());
    }
    let message = format!("connections is {wanted}, and the cluster accepts {max_connections} in all: choose fewer");
    Err(Failure::permanent(Failure::INVALID, message))
}

/// Shuts PUBLIC out of every database of the cluster, once: otherwise every tenant could connect to every database.
pub struct LockDown;

impl Step<PgSession<'_>> for LockDown {
    fn name(&self) -> &'static str {
        "lock_down"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let open = session.admin().await?.query(sql::OPEN_DATABASES, &[]).await?;
            Ok(Observed::done_if(open.is_empty()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let admin = session.admin().await?;
            for statement in admin.texts("statement", sql::OPEN_DATABASES, &[]).await? {
                match admin.run(&statement).await {
                    // Dropped meanwhile.
                    Err(failure) if failure.code == "postgres_3d000" => {}
                    result => result?,
                }
            }
            Ok(Output::new())
        })
    }
}
