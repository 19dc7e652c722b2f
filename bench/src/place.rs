//! Where is measured: on the server of `DATABASE_URL` or on a private one, and there in fresh databases that are removed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use super::gauge::Gauge;
use super::options::Options;
use super::session::Session;
use super::sql::{CAN_CREATE, OURS, STRANGERS, scripts};
use super::system::Setup;
use crate::error::{BenchError, Result};
use provost::config::Config;
use provost::embedded::{self, Embedded};
use provost::store::{Connector, migrate};

/// Everything that the measurements share.
pub struct Bench {
    pub config: Arc<Config>,
    pub vital: Handle,
    pub slots: usize,
    /// Ours alone; nothing that is measured goes through it.
    pub session: Session,
    url: String,
    /// Whether we may make databases. If not, the one that was named is used, which was empty.
    makes: bool,
    made: Mutex<Vec<String>>,
}

/// A database to measure in.
pub struct BenchDatabase {
    pub url: String,
    pub connector: Connector,
    name: Option<String>,
}

impl Bench {
    pub async fn open(
        config: Arc<Config>,
        url: String,
        vital: Handle,
        slots: usize,
        options: &Options,
    ) -> Result<Self> {
        let session = Session::open(&Connector::parse(&url)?).await?;
        let makes = session.number(&CAN_CREATE, &[]).await? > 0;
        if session.number(&OURS, &[]).await? > 0 {
            if !options.force && session.number(&STRANGERS, &[]).await? > 0 {
                return Err(BenchError::new(
                    "the database of DATABASE_URL holds jobs that are not the bench's, so somebody may depend on this server; --force measures all the same",
                ));
            }
            if !makes {
                return Err(BenchError::new(
                    "we may not create databases here, and the one of DATABASE_URL is not empty",
                ));
            }
        }
        Ok(Self { config, vital, slots, session, url, makes, made: Mutex::default() })
    }

    /// An error where two databases are needed at once and only the one that was named may be used.
    pub fn needs_two(&self) -> Result<()> {
        if self.makes {
            return Ok(());
        }
        Err(BenchError::new("this compares two databases, and we may not create any here"))
    }

    pub async fn gauge(&self) -> Gauge<'_> {
        Gauge::new(&self.session).await
    }

    /// An empty database.
    pub async fn bare(&self) -> Result<BenchDatabase> {
        if !self.makes {
            let connector = Connector::parse(&self.url)?;
            return Ok(BenchDatabase { url: self.url.clone(), connector, name: None });
        }
        let name = format!("provost_bench_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        self.made().push(name.clone());
        self.session.client.batch_execute(&scripts::CREATE_DATABASE.replace("{name}", &name)).await?;
        let url = with_database(&self.url, &name);
        Ok(BenchDatabase { connector: Connector::parse(&url)?, url, name: Some(name) })
    }

    /// A database with our schema and nothing in it.
    pub async fn fresh(&self) -> Result<(BenchDatabase, Setup)> {
        let place = self.bare().await?;
        migrate(&place.connector).await?;
        let setup = self.setup(&place);
        Ok((place, setup))
    }

    pub fn setup(&self, place: &BenchDatabase) -> Setup {
        Setup {
            config: self.config.clone(),
            url: place.url.clone(),
            connector: place.connector.clone(),
            vital: self.vital.clone(),
            slots: self.slots,
        }
    }

    /// Removes it and everything in it.
    pub async fn leave(&self, place: BenchDatabase) -> Result<()> {
        match place.name {
            Some(name) => {
                self.session.client.batch_execute(&scripts::DROP_DATABASE.replace("{name}", &name)).await?;
                self.made().retain(|it| *it != name);
            }
            None => self.session.client.batch_execute(scripts::DROP_SCHEMAS).await?,
        }
        Ok(())
    }

    /// Removes what a measurement that was broken off has left.
    pub async fn tidy(&self) {
        let left = std::mem::take(&mut *self.made());
        for name in left {
            _ = self.session.client.batch_execute(&scripts::DROP_DATABASE.replace("{name}", &name)).await;
        }
    }

    fn made(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same server, another database. What is no URL is a list of words, of which the last one counts.
fn with_database(url: &str, name: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return format!("{url} dbname={name}") };
    let (base, query) = rest.split_once('?').map_or((rest, String::new()), |(base, query)| (base, format!("?{query}")));
    let server = base.split('/').next().unwrap_or_default();
    format!("{scheme}://{server}/{name}{query}")
}

/// A private PostgreSQL of this run, in a folder of its own, with the server's default settings. Dropping it removes both.
pub struct Private {
    server: Option<Embedded>,
    folder: PathBuf,
}

impl Private {
    pub fn start(config: &Config) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = std::env::temp_dir().join(format!("provost-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        // Whoever runs as root has PostgreSQL run as somebody else, who must be able to pass through.
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
        let mut private = Self { server: None, folder };
        private.server = Some(Embedded::start(&embedded::Options {
            state_dir: private.folder.join("postgres"),
            bin_dir: config.postgres_bin_dir.clone(),
            download: true,
            // Sixteen workers, their listeners and the clients need more than the usual hundred.
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
    fn only_the_database_of_a_url_changes() {
        for (url, changed) in [
            ("postgres://me:pw@db:5/app?sslmode=require", "postgres://me:pw@db:5/x?sslmode=require"),
            ("postgresql://db", "postgresql://db/x"),
            ("host=db dbname=app", "host=db dbname=app dbname=x"),
        ] {
            assert_eq!(with_database(url, "x"), changed);
        }
    }
}
