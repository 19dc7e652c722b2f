//! The steps that make a database.

use serde_json::json;
use tokio_postgres::types::ToSql;

use super::error::{DATABASE_FULL, LOGIN_REFUSED, exists_already};
use super::link::{Link, Row};
use super::session::PgSession;
use super::sql;
use crate::mutant::{self, Mutant};
use crate::provision::{Failure, Observed, Output, RecordError, Step, StepFuture};
use crate::secrets::SensitiveText;

/// The length of a password: 32 letters and digits have 190 bits.
const PASSWORD: usize = 32;

/// The role that owns everything in the database.
pub struct OwnerRole;

impl Step<PgSession<'_>> for OwnerRole {
    fn name(&self) -> &'static str {
        "owner_role"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let names = session.names.clone();
            let Some(role) = session.admin().await?.row(sql::ROLE, &[&names.owner]).await? else {
                return Ok(Observed::Missing);
            };
            let marked = is_marked("role", &names.owner, &role, &names.marker)?;
            Ok(Observed::done_if(marked && role.get("is_member")?))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let names = session.names.clone();
            let admin = session.admin().await?;
            unless_exists(admin.run_rows(sql::CREATE_OWNER, &[&names.owner]).await)?;
            admin.run_rows(sql::JOIN_ROLE, &[&names.owner, &names.marker]).await?;
            Ok(Output::new())
        })
    }

    fn undo<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, ()> {
        Box::pin(async {
            let owner = session.names.owner.clone();
            super::remove::drop_roles(session, vec![owner]).await
        })
    }
}

/// The database itself.
pub struct Database;

impl Step<PgSession<'_>> for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(observed_database(session))
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let (names, connections) = (session.names.clone(), session.parameters.connections);
            // An adopted database may have been set aside.
            super::remove::bring_back(session).await?;
            let admin = session.admin().await?;
            drop_invalid(admin, &names.database).await?;
            // If it exists, an earlier attempt has made it; `observe` has found nothing that is not ours.
            unless_exists(admin.run_rows(sql::CREATE_DATABASE, &[&names.database, &connections]).await)?;
            admin.run_rows(sql::MARK_DATABASE, &[&names.database, &names.marker]).await?;
            let row = admin.one(sql::DATABASE, &[&names.database]).await?;
            Ok(database_output(session, row.get("oid")?))
        })
    }

    fn undo<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, ()> {
        Box::pin(super::remove::drop_database(session))
    }
}

/// Whether the database of the project is there, complete and ours.
pub async fn observed_database(session: &mut PgSession<'_>) -> Result<Observed, Failure> {
    let names = session.names.clone();
    let Some(row) = session.admin().await?.row(sql::DATABASE, &[&names.database]).await? else {
        return Ok(Observed::Missing);
    };
    let marked = is_marked("database", &names.database, &row, &names.marker)?;
    if !row.get::<bool>("is_own")? {
        let message = format!("the database {} belongs to another role", names.database);
        return Err(Failure::permanent("not_ours", message));
    }
    let is_done = marked && !row.get::<bool>("is_invalid")?;
    Ok(if is_done { Observed::Done(database_output(session, row.get("oid")?)) } else { Observed::Missing })
}

/// Drops what an interrupted DROP DATABASE has left.
pub async fn drop_invalid(admin: &mut Link, database: &str) -> Result<(), Failure> {
    match admin.row(sql::DATABASE, &[&database]).await? {
        Some(row) if row.get("is_invalid")? => admin.run_rows(sql::DROP_DATABASE, &[&database]).await,
        _ => Ok(()),
    }
}

pub fn database_output(session: &PgSession<'_>, oid: i64) -> Output {
    Output::from([("database".to_owned(), json!(session.names.database)), ("database_oid".to_owned(), json!(oid))])
}

/// Whether a role or a database has our mark. Refuses what another project or another installation has marked.
pub fn is_marked(what: &str, name: &str, row: &Row, ours: &str) -> Result<bool, Failure> {
    match row.get::<Option<String>>("marker")? {
        Some(found) if found != ours => {
            let message =
                format!("the {what} {name} is marked as {found:?}; Provost does not touch what is not its own");
            Err(Failure::permanent("not_ours", message))
        }
        marker => Ok(marker.is_some()),
    }
}

/// The result of creating something that an earlier attempt may have created.
pub fn unless_exists(result: Result<(), Failure>) -> Result<(), Failure> {
    result.or_else(|failure| if exists_already(&failure) { Ok(()) } else { Err(failure) })
}

/// Who may do what: the owner role in the database, PUBLIC nothing.
pub struct Grants;

impl Step<PgSession<'_>> for Grants {
    fn name(&self) -> &'static str {
        "grants"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let (names, parameters) = (session.names.clone(), session.parameters.clone());
            let admin = session.admin().await?;
            let limits: [&(dyn ToSql + Sync); 4] =
                [&names.database, &names.owner, &parameters.connections, &parameters.statement_timeout];
            let is_granted = match admin.row(sql::GRANTED, &limits).await? {
                Some(row) => row.get::<Option<bool>>("is_granted")?.unwrap_or_default(),
                None => false,
            };
            if !is_granted {
                return Ok(Observed::Missing);
            }
            match session.inside().await?.row(sql::SCHEMA_OWNER, &[&names.owner]).await? {
                Some(row) => Ok(Observed::done_if(row.get("is_given")?)),
                // The tenant has dropped the schema.
                None => Ok(Observed::done_if(true)),
            }
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let (names, parameters) = (session.names.clone(), session.parameters.clone());
            let admin = session.admin().await?;
            let limits: [&(dyn ToSql + Sync); 4] =
                [&names.database, &names.owner, &parameters.connections, &parameters.statement_timeout];
            admin.run_rows(sql::GRANT_DATABASE, &limits).await?;
            let mut inside = session.inside().await?;
            // A tenant may have dropped the schema.
            let schema = inside.row(sql::SCHEMA_OWNER, &[&names.owner]).await?;
            if schema.map_or(Ok(false), |row| row.get("is_given").map(|is_given: bool| !is_given))? {
                inside.run_rows(sql::GIVE_SCHEMA, &[&names.owner]).await?;
            }
            Ok(Output::new())
        })
    }
}

/// The extensions that the parameters name. An extension that is no longer named stays: the database may need it.
pub struct Extensions;

impl Step<PgSession<'_>> for Extensions {
    fn name(&self) -> &'static str {
        "extensions"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let wanted = session.parameters.extensions.clone();
            if wanted.is_empty() {
                return Ok(Observed::Done(Output::new()));
            }
            let missing = session.inside().await?.query(sql::MISSING_EXTENSIONS, &[&wanted]).await?;
            Ok(Observed::done_if(missing.is_empty()))
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let wanted = session.parameters.extensions.clone();
            session.inside().await?.run_rows(sql::MISSING_EXTENSIONS, &[&wanted]).await?;
            Ok(Output::new())
        })
    }
}

/// Which credential of a project. They are counted from 1.
#[derive(Clone, Copy)]
pub enum Which {
    First,
    /// The one that the step `next_credential` has chosen.
    Next,
}

impl Which {
    pub fn name(self, session: &PgSession<'_>) -> Result<String, Failure> {
        let number = match self {
            Self::First => Some(1),
            Self::Next => session.known.get(super::rotate::NUMBER).and_then(serde_json::Value::as_u64),
        };
        let number = number.and_then(|it| u32::try_from(it).ok());
        let number = number
            .ok_or_else(|| Failure::permanent("no_number", "the number of the new credential is not recorded"))?;
        Ok(session.names.credential(number))
    }
}

/// A login.
pub struct Credential(pub Which);

impl Step<PgSession<'_>> for Credential {
    fn name(&self) -> &'static str {
        "credential"
    }

    fn observe<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Observed> {
        Box::pin(async {
            let (name, names) = (self.0.name(session)?, session.names.clone());
            let Some(role) = session.admin().await?.row(sql::ROLE, &[&name]).await? else {
                return Ok(Observed::Missing);
            };
            let marked = is_marked("role", &name, &role, &names.marker)?;
            let has_password = stored_password(session, &name).await?.is_some();
            let is_done = marked && has_password && role.get("may_log_in")?;
            Ok(if is_done { Observed::Done(user(&name)) } else { Observed::Missing })
        })
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let (name, names) = (self.0.name(session)?, session.names.clone());
            // Stored first: if the attempt ended after the password was set, the password would be lost.
            let password = password(session, &name).await?;
            let admin = session.admin().await?;
            unless_exists(admin.run_rows(sql::CREATE_CREDENTIAL, &[&name, &names.owner]).await)?;
            admin.run_rows(sql::JOIN_ROLE, &[&name, &names.marker]).await?;
            set_password(admin, &name, &password).await?;
            Ok(user(&name))
        })
    }

    fn undo<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, ()> {
        Box::pin(async {
            let name = self.0.name(session)?;
            super::remove::retire(session, vec![name]).await
        })
    }
}

/// The output with the name of the current credential.
pub const USER: &str = "user";

fn user(name: &str) -> Output {
    Output::from([(USER.to_owned(), json!(name))])
}

/// The stored password of a credential. One whose key is lost counts as none: it is replaced.
async fn stored_password(session: &mut PgSession<'_>, credential: &str) -> Result<Option<SensitiveText>, Failure> {
    match session.recorder.secret(credential).await {
        Err(RecordError::Unreadable(_)) => Ok(None),
        result => Ok(result?),
    }
}

/// The stored password of a credential; a new one if there is none.
async fn password(session: &mut PgSession<'_>, credential: &str) -> Result<SensitiveText, Failure> {
    if let Some(password) = stored_password(session, credential).await? {
        return Ok(password);
    }
    // What is stored and cannot be read would stay otherwise.
    session.recorder.forget_secret(credential).await?;
    use rand::distr::{Alphanumeric, SampleString as _};
    let password = SensitiveText::new(Alphanumeric.sample_string(&mut rand::rng(), PASSWORD));
    if !mutant::is_on(Mutant::SecretAfterRole) {
        session.recorder.store_secret(credential, &password).await?;
    }
    // Another attempt may have stored one first.
    Ok(session.recorder.secret(credential).await?.unwrap_or(password))
}

/// Sets what PostgreSQL stores instead of a password. If that fails, the server does not log the rest of this session either.
async fn set_password(admin: &mut Link, role: &str, password: &SensitiveText) -> Result<(), Failure> {
    let verifier = postgres_protocol::password::scram_sha_256(password.reveal().as_bytes());
    admin.query(sql::STOP_LOGGING, &[]).await?;
    admin.run_rows(sql::SET_PASSWORD, &[&role, &verifier]).await?;
    admin.query(sql::LOG_AGAIN, &[]).await.map(drop)
}

/// Logs in as the tenant will.
pub struct Verify(pub Which);

impl Step<PgSession<'_>> for Verify {
    fn name(&self) -> &'static str {
        "verify"
    }

    fn act<'a>(&'a self, session: &'a mut PgSession<'_>) -> StepFuture<'a, Output> {
        Box::pin(async {
            let name = self.0.name(session)?;
            let password = password(session, &name).await?;
            match log_in(session, &name, &password).await {
                Err(failure) if failure.code == LOGIN_REFUSED => {
                    // The role has another password than the stored one: replace it.
                    set_password(session.admin().await?, &name, &password).await?;
                    log_in(session, &name, &password).await?;
                }
                result => result?,
            }
            Ok(Output::new())
        })
    }
}

async fn log_in(session: &mut PgSession<'_>, user: &str, password: &SensitiveText) -> Result<(), Failure> {
    let (database, owner) = (session.names.database.clone(), session.names.owner.clone());
    let connector = session.connector().await?.with_login(user, password.reveal(), &database);
    let mut link = match Link::raw(&connector, "the new credential cannot log in").await {
        // PostgreSQL checks the limit of the database last: password, login and the right to connect were accepted.
        Err(failure) if failure.code == DATABASE_FULL => return Ok(()),
        result => result?,
    };
    let row = link.one(sql::WHOAMI, &[]).await?;
    let (role, found): (String, String) = (row.get("role")?, row.get("database")?);
    if (role.as_str(), found.as_str()) == (owner.as_str(), database.as_str()) {
        return Ok(());
    }
    let message = format!("the new credential works as {role} in {found}, not as {owner} in {database}");
    Err(Failure::retryable("wrong_session", message))
}
