//! The steps that replace a credential. The previous one stays valid until the next replacement.

use serde_json::{Value, json};

use super::create::{USER, Which};
use super::remove::{credentials, retire};
use super::session::PgSession;
use crate::provision::{Failure, Observed, Output, Step, StepFuture};

/// The output with the number of the current credential.
pub const NUMBER: &str = "credential";

/// Chooses the number of the new credential. It is recorded, so a later attempt continues with the same one.
pub struct NextCredential;

impl Step<PgSession<'_>> for NextCredential {
    fn name(&self) -> &'static str {
        "next_credential"
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let last = numbers(session).await?.into_iter().max().unwrap_or_default();
            Ok(Output::from([(NUMBER.to_owned(), json!(last + 1))]))
        })
    }
}

/// Drops every credential but the new one and the one that it replaces.
pub struct RetireOld;

impl Step<PgSession<'_>> for RetireOld {
    fn name(&self) -> &'static str {
        "retire_old"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let old = old(session).await?;
            Ok(Observed::done_if(old.is_empty()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let old = old(session).await?;
            retire(session, old).await?;
            Ok(Output::new())
        })
    }
}

/// Drops every credential but the first, which an adoption has just given a new password.
pub struct RetireOthers;

impl Step<PgSession<'_>> for RetireOthers {
    fn name(&self) -> &'static str {
        "retire_others"
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let first = session.names.credential(1);
            let others = credentials(session).await?.into_iter().filter(|it| *it != first).collect();
            retire(session, others).await?;
            Ok(Output::new())
        })
    }
}

async fn numbers(session: &mut PgSession<'_>) -> Result<Vec<u32>, Failure> {
    let prefix = session.names.credential_prefix.clone();
    let names = credentials(session).await?;
    Ok(names.iter().filter_map(|name| name.strip_prefix(&prefix)?.parse().ok()).collect())
}

async fn old(session: &mut PgSession<'_>) -> Result<Vec<String>, Failure> {
    // Clients use the recorded one. Others may be left by a rotation that did not end.
    let recorded = session.work.known.get(USER).and_then(Value::as_str).map(str::to_owned);
    let new = Which::Next.name(session)?;
    let mut old = credentials(session).await?;
    old.retain(|name| *name != new && Some(name) != recorded.as_ref());
    Ok(old)
}
