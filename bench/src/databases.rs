//! The databases of a run: on the server of `DATABASE_URL` or on a private one, created fresh and dropped afterwards.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::options::Options;
use super::session::Session;
use super::sql::{CAN_CREATE, EXISTING_SCHEMAS, FOREIGN_JOBS, scripts};
use super::starts::Starts;
use super::system::{Profile, Setup, System, Work};
use super::usage::{Usage, UsageMeter};
use crate::error::{BenchError, Result};
use provost::config::Config;
use provost::embedded::{self, Embedded};
use provost::store::{Connector, migrate};

/// What all measurements share.
pub struct Bench {
    /// The server of the databases. Its own database is only observed.
    pub server: Setup,
    /// For observing only; the measured work never uses this session.
    pub session: Session,
    /// Whether the role may create databases. If not, the named database is used, which was empty.
    can_create: bool,
    created: Mutex<Vec<String>>,
}

/// A database of one measurement.
pub struct BenchDatabase {
    pub url: String,
    pub connector: Connector,
    name: Option<String>,
}

impl Bench {
    pub async fn open(server: Setup, options: &Options) -> Result<Self> {
        let session = Session::open(&server.connector).await?;
        let can_create = session.number(&CAN_CREATE, &[]).await? > 0;
        if session.number(&EXISTING_SCHEMAS, &[]).await? > 0 {
            if !options.force && session.number(&FOREIGN_JOBS, &[]).await? > 0 {
                return Err(BenchError::new(
                    "the database of DATABASE_URL holds jobs of other users, whom the load would disturb; use --force to measure anyway",
                ));
            }
            if !can_create {
                return Err(BenchError::new(
                    "the role may not create databases, and the database of DATABASE_URL is not empty",
                ));
            }
        }
        Ok(Self { server, session, can_create, created: Mutex::default() })
    }

    /// Fails if a measurement needs two databases and only the named one may be used.
    pub fn needs_two(&self) -> Result<()> {
        if self.can_create {
            return Ok(());
        }
        Err(BenchError::new("this measurement needs two databases, and the role may not create any"))
    }

    pub async fn usage_meter(&self) -> UsageMeter<'_> {
        UsageMeter::new(&self.session).await
    }

    /// A database without a schema.
    pub async fn without_schema(&self) -> Result<BenchDatabase> {
        if !self.can_create {
            let Setup { url, connector, .. } = self.server.clone();
            return Ok(BenchDatabase { url, connector, name: None });
        }
        let name = format!("provost_bench_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        self.created().push(name.clone());
        self.session.client.batch_execute(&scripts::CREATE_DATABASE.replace("{name}", &name)).await?;
        let url = with_database(&self.server.url, &name);
        Ok(BenchDatabase { connector: Connector::parse(&url)?, url, name: Some(name) })
    }

    /// A database with the schema of Provost and no rows.
    pub async fn fresh(&self) -> Result<(BenchDatabase, Setup)> {
        let database = self.without_schema().await?;
        migrate(&database.connector).await?;
        let setup = Setup { url: database.url.clone(), connector: database.connector.clone(), ..self.server.clone() };
        Ok((database, setup))
    }

    /// Runs a system on a fresh database. Returns the result of `run`, and what PostgreSQL spent on it.
    pub async fn on_fresh<T>(
        &self,
        profile: Profile,
        work: Work,
        starts: Arc<Starts>,
        run: impl AsyncFnOnce(&System, &Setup) -> Result<T>,
    ) -> Result<(T, Usage)> {
        let (database, setup) = self.fresh().await?;
        let system = System::start(&setup, profile, work, starts).await?;
        let meter = self.usage_meter().await;
        let before = meter.read().await;
        let done = run(&system, &setup).await?;
        let spent = meter.since(before).await;
        system.stop().await?;
        self.drop_database(database).await?;
        Ok((done, spent))
    }

    pub async fn drop_database(&self, database: BenchDatabase) -> Result<()> {
        match database.name {
            Some(name) => {
                self.session.client.batch_execute(&scripts::DROP_DATABASE.replace("{name}", &name)).await?;
                self.created().retain(|it| *it != name);
            }
            None => self.session.client.batch_execute(scripts::DROP_SCHEMAS).await?,
        }
        Ok(())
    }

    /// Drops the databases that an interrupted measurement left.
    pub async fn drop_remaining(&self) {
        let remaining = std::mem::take(&mut *self.created());
        for name in remaining {
            _ = self.session.client.batch_execute(&scripts::DROP_DATABASE.replace("{name}", &name)).await;
        }
    }

    fn created(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same server with another database. A connection string that is not a URL is a list of words, of which the last counts.
fn with_database(url: &str, name: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return format!("{url} dbname={name}") };
    let (base, query) = rest.split_once('?').map_or((rest, String::new()), |(base, query)| (base, format!("?{query}")));
    let server = base.split('/').next().unwrap_or_default();
    format!("{scheme}://{server}/{name}{query}")
}

/// A private PostgreSQL of this run with default settings. Dropping the value removes the server and its folder.
pub struct Private {
    server: Option<Embedded>,
    folder: PathBuf,
}

impl Private {
    pub fn start(config: &Config) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("provost-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        // As root, PostgreSQL runs as another user, who must be able to enter the folder.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        let mut private = Self { server: None, folder };
        private.server = Some(Embedded::start(&embedded::Options {
            state_dir: private.folder.join("postgres"),
            bin_dir: config.postgres_bin_dir.clone(),
            download: true,
            // Sixteen workers, their listeners and the clients need more than the default of one hundred.
            settings: vec![("max_connections".to_owned(), "300".to_owned())],
            ..embedded::Options::default()
        })?);
        Ok(private)
    }

    pub fn url(&self) -> &str {
        self.server.as_ref().map_or("", |it| it.url())
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.server.take());
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_database_changes_only_the_database() {
        for (url, changed) in [
            ("postgres://me:pw@db:5/app?sslmode=require", "postgres://me:pw@db:5/x?sslmode=require"),
            ("postgresql://db", "postgresql://db/x"),
            ("host=db dbname=app", "host=db dbname=app dbname=x"),
        ] {
            assert_eq!(with_database(url, "x"), changed);
        }
    }
}
