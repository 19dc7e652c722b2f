//! The steps that shut a project out and remove it, and their reverse.

use super::create::is_marked;
use super::link::Link;
use super::session::PgSession;
use super::sql;
use crate::provision::{Failure, Observed, Output, Step, StepFuture};

/// Blocks all access: no login, no right to connect, no open session.
pub struct FenceOut;

impl Step<PgSession<'_>> for FenceOut {
    fn name(&self) -> &'static str {
        "fence_out"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let names = session.names.clone();
            let row =
                session.admin().await?.one(sql::IS_FENCED_OUT, &[&names.database, &names.credential_prefix]).await?;
            Ok(Observed::done_if(row.get("is_fenced_out")?))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let names = session.names.clone();
            let admin = session.admin().await?;
            // Sessions that are ended must not come back, so the login is forbidden first.
            admin.run_rows(sql::FENCE_OUT, &[&names.database, &names.owner, &names.credential_prefix]).await?;
            let credentials = admin.texts("name", sql::CREDENTIALS, &[&names.credential_prefix]).await?;
            put_out(admin, &credentials).await?;
            Ok(Output::new())
        })
    }

    fn undo<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, ()> {
        Box::pin(async { if session.work.opens { admit(session).await } else { Ok(()) } })
    }
}

/// Ends the sessions of credentials.
async fn put_out(admin: &mut Link, credentials: &[String]) -> Result<(), Failure> {
    if admin.one(sql::PUT_OUT, &[&credentials]).await?.get("ended")? {
        return Ok(());
    }
    Err(Failure::retryable("sessions_open", "a session of the project did not end within 5 s"))
}

/// Renames the database, so that nothing finds it by its name. This can be taken back.
pub struct SetAside;

impl Step<PgSession<'_>> for SetAside {
    fn name(&self) -> &'static str {
        "set_aside"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let name = session.names.database.clone();
            let found = session.admin().await?.row(sql::DATABASE, &[&name]).await?;
            Ok(Observed::done_if(found.is_none()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let names = session.names.clone();
            rename(session, &names.database, &names.aside).await?;
            Ok(Output::new())
        })
    }

    fn undo<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, ()> {
        Box::pin(bring_back(session))
    }
}

/// Gives the database its name again.
pub struct BringBack;

impl Step<PgSession<'_>> for BringBack {
    fn name(&self) -> &'static str {
        "bring_back"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let aside = session.names.aside.clone();
            let found = session.admin().await?.row(sql::DATABASE, &[&aside]).await?;
            Ok(Observed::done_if(found.is_none()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            bring_back(session).await?;
            Ok(Output::new())
        })
    }
}

/// Gives a database that was set aside its name again. One that was not is success.
pub async fn bring_back(session: &mut PgSession<'_>) -> Result<(), Failure> {
    let names = session.names.clone();
    rename(session, &names.aside, &names.database).await
}

/// Renames a database if it exists and is ours.
async fn rename(session: &mut PgSession<'_>, from: &str, to: &str) -> Result<(), Failure> {
    let marker = session.names.marker.clone();
    let admin = session.admin().await?;
    let Some(row) = admin.row(sql::DATABASE, &[&from]).await? else { return Ok(()) };
    is_marked("database", from, &row, &marker)?;
    admin.run_rows(sql::RENAME_DATABASE, &[&from, &to]).await
}

/// Lets the credentials in again.
pub struct Admit;

impl Step<PgSession<'_>> for Admit {
    fn name(&self) -> &'static str {
        "admit"
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            admit(session).await?;
            Ok(Output::new())
        })
    }
}

async fn admit(session: &mut PgSession<'_>) -> Result<(), Failure> {
    let names = session.names.clone();
    session.admin().await?.run_rows(sql::ADMIT, &[&names.database, &names.owner, &names.credential_prefix]).await
}

pub struct DropDatabase;

impl Step<PgSession<'_>> for DropDatabase {
    fn name(&self) -> &'static str {
        "drop_database"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let names = session.names.clone();
            let admin = session.admin().await?;
            let found = admin.row(sql::DATABASE, &[&names.database]).await?.is_some();
            let set_aside = admin.row(sql::DATABASE, &[&names.aside]).await?.is_some();
            Ok(Observed::done_if(!found && !set_aside))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            drop_database(session).await?;
            Ok(Output::new())
        })
    }
}

/// Drops the database, if it is ours. Absent is success.
pub async fn drop_database(session: &mut PgSession<'_>) -> Result<(), Failure> {
    let names = session.names.clone();
    for name in [&names.database, &names.aside] {
        drop_named(session, name).await?;
    }
    Ok(())
}

async fn drop_named(session: &mut PgSession<'_>, name: &str) -> Result<(), Failure> {
    let marker = session.names.marker.clone();
    let admin = session.admin().await?;
    let Some(row) = admin.row(sql::DATABASE, &[&name]).await? else { return Ok(()) };
    is_marked("database", name, &row, &marker)?;
    match admin.run_rows(sql::DROP_DATABASE, &[&name]).await {
        Err(failure) if failure.code == "postgres_55006" => {
            let message = match admin.texts("obstacle", sql::OBSTACLES, &[&name]).await?.as_slice() {
                [] => failure.message,
                names => format!("{}; in the way: {}. Remove them, then retry.", failure.message, names.join(", ")),
            };
            Err(Failure::retryable("database_in_use", message))
        }
        result => result,
    }
}

pub struct DropCredentials;

impl Step<PgSession<'_>> for DropCredentials {
    fn name(&self) -> &'static str {
        "drop_credentials"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let credentials = credentials(session).await?;
            Ok(Observed::done_if(credentials.is_empty()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let credentials = credentials(session).await?;
            drop_credentials(session, credentials).await?;
            Ok(Output::new())
        })
    }
}

/// The names of the credentials that exist.
pub async fn credentials(session: &mut PgSession<'_>) -> Result<Vec<String>, Failure> {
    let prefix = session.names.credential_prefix.clone();
    session.admin().await?.texts("name", sql::CREDENTIALS, &[&prefix]).await
}

pub struct DropOwner;

impl Step<PgSession<'_>> for DropOwner {
    fn name(&self) -> &'static str {
        "drop_owner"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let owner = session.names.owner.clone();
            let found = session.admin().await?.row(sql::ROLE, &[&owner]).await?;
            Ok(Observed::done_if(found.is_none()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let owner = session.names.owner.clone();
            drop_roles(session, vec![owner]).await?;
            Ok(Output::new())
        })
    }
}

/// Drops roles. Absent is success. What stands in the way is released first: the names of roles are public, so any tenant can grant
/// something to a role of another project. If something still depends on a role, the failure says what.
pub async fn drop_roles(session: &mut PgSession<'_>, roles: Vec<String>) -> Result<(), Failure> {
    match session.admin().await?.run_rows(sql::DROP_ROLES, &[&roles]).await {
        Err(failure) if failure.code == IN_USE => {}
        result => return result,
    }
    for role in &roles {
        release(session, role).await?;
    }
    let admin = session.admin().await?;
    match admin.run_rows(sql::DROP_ROLES, &[&roles]).await {
        Err(failure) if failure.code == IN_USE => {
            let mut found = Vec::new();
            for role in &roles {
                found.extend(admin.texts("dependency", sql::DEPENDENCIES, &[role]).await?);
            }
            let message = format!("a role cannot be dropped, because it is still used by {}", found.join(", "));
            Err(Failure::retryable("role_in_use", message))
        }
        result => result,
    }
}

/// Runs the statements that another statement returns in portions, until it returns none. It is about the roles with this prefix, and
/// the owner role that takes their place.
pub async fn run_portions(inside: &mut Link, statement: &str, prefix: &str, owner: &str) -> Result<(), Failure> {
    loop {
        let statements = inside.texts("statement", statement, &[&prefix, &owner]).await?;
        if statements.is_empty() {
            return Ok(());
        }
        inside.run(&statements.join(";\n")).await?;
    }
}

/// The code of `dependent_objects_still_exist`.
const IN_USE: &str = "postgres_2bp01";

/// Revokes what was granted to a role, in every database. What a credential owns goes to the owner role. What the owner role owns
/// stays, in whichever database that is: it may be the data of a clone, or of somebody else.
async fn release(session: &mut PgSession<'_>, role: &str) -> Result<(), Failure> {
    let owner = session.names.owner.clone();
    for row in session.admin().await?.query(sql::DATABASES_OF_ROLE, &[&role]).await? {
        let (database, owns): (String, bool) = (row.get("name")?, row.get("owns")?);
        if owns && role == owner {
            continue;
        }
        // If it cannot be entered, the failure of the second attempt to drop the role names it.
        let Ok(mut inside) = session.inside_of(&database).await else { continue };
        if owns {
            run_portions(&mut inside, sql::REASSIGN_RELATIONS, role, &owner).await?;
            inside.run_rows(sql::REASSIGN_OWNED, &[&role, &owner]).await?;
        }
        inside.run_rows(sql::DROP_OWNED, &[&role]).await?;
    }
    Ok(())
}

/// Drops credentials after ending their sessions. The login is forbidden first: a session that comes between would outlive its role.
pub async fn retire(session: &mut PgSession<'_>, roles: Vec<String>) -> Result<(), Failure> {
    let admin = session.admin().await?;
    admin.run_rows(sql::FORBID_LOGIN, &[&roles]).await?;
    put_out(admin, &roles).await?;
    drop_credentials(session, roles).await
}

/// Drops credentials and forgets their passwords: a credential of the same name must not get an old password again.
async fn drop_credentials(session: &mut PgSession<'_>, roles: Vec<String>) -> Result<(), Failure> {
    drop_roles(session, roles.clone()).await?;
    for role in &roles {
        session.recorder.forget_secret(role).await?;
    }
    Ok(())
}

/// Looks whether anything is left. Only a successful look that finds nothing ends a removal.
pub struct VerifyGone;

impl Step<PgSession<'_>> for VerifyGone {
    fn name(&self) -> &'static str {
        "verify_gone"
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let names = session.names.clone();
            let admin = session.admin().await?;
            let remains =
                admin.texts("name", sql::REMAINS, &[&names.database, &names.aside, &names.role_prefix]).await?;
            if remains.is_empty() {
                return Ok(Output::new());
            }
            Err(Failure::retryable("not_gone", format!("still there: {}", remains.join(", "))))
        })
    }
}
