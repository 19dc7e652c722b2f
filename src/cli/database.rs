//! Connects to the database: the one of `DATABASE_URL`, or a private PostgreSQL.

use std::io::IsTerminal;

use super::exit::Exit;
use super::process::report_invalid_settings;
use crate::config::Config;
use crate::domain::Outage;
use crate::embedded::{Embedded, Options};
use crate::log::chain;
use crate::store::{Connector, MigrateError};

/// The database of this process.
pub struct Database {
    /// The private PostgreSQL, if it is that one.
    pub private: Option<Embedded>,
    pub connector: Connector,
    /// Leads past a pooler, if the settings say how.
    pub direct: Connector,
}

/// The database of `DATABASE_URL`, or a private one, which is created if it does not exist.
pub fn connect(config: &Config) -> Result<Database, Exit> {
    let private = start_private(config)?;
    let url = private.as_ref().map(|it| it.url().to_owned());
    let url = url.as_deref().or(config.database_url.as_ref().map(|it| it.reveal())).unwrap_or_default();
    let connector = connector("DATABASE_URL", url)?.pooling(config.database_pooling);
    let direct = match &config.database_direct_url {
        Some(url) if private.is_none() => self::connector("PROVOST_DATABASE_DIRECT_URL", url.reveal())?,
        _ => connector.clone(),
    };
    Ok(Database { private, connector, direct })
}

fn connector(setting: &str, url: &str) -> Result<Connector, Exit> {
    Connector::parse(url).map_err(|error| report_invalid_settings(&[format!("{setting}: {}", chain(&error))]))
}

/// The database of `DATABASE_URL`, or the private one if it exists.
pub fn connect_existing(config: &Config) -> Result<Database, Exit> {
    if config.database_url.is_none() && !config.data_dir.join("postgres/data").exists() {
        eprintln!(
            "provost: DATABASE_URL is not set, and {} contains no data of a private PostgreSQL",
            config.data_dir.display()
        );
        return Err(Exit::Unreachable);
    }
    connect(config)
}

fn start_private(config: &Config) -> Result<Option<Embedded>, Exit> {
    if config.database_url.is_some() {
        return Ok(None);
    }
    let options = Options {
        state_dir: config.data_dir.join("postgres"),
        bin_dir: config.postgres_bin_dir.clone(),
        download: true,
        ..Options::default()
    };
    if std::io::stderr().is_terminal() {
        eprintln!("DATABASE_URL is not set: starting a private PostgreSQL in {} …", options.state_dir.display());
    }
    Embedded::start(&options).map(Some).map_err(|error| {
        eprintln!("provost: cannot start the private PostgreSQL.\n{}", chain(&error));
        Exit::Unreachable
    })
}

/// Reports why the schema cannot be used, and what to do.
pub fn report_unusable_schema(error: &MigrateError, connector: &Connector) -> Exit {
    let advice = match error.outage() {
        Some(Outage::NoConnection) => return report_unusable(error, Some(connector)),
        // The error itself says what to do.
        None => String::new(),
        Some(Outage::MissingPrivilege) => {
            let user = connector.user();
            format!(
                "The role {user} lacks a right. As the owner of the schema, run: provost migrate --grant {user}\n\
                 If the schema does not exist, or is older than this program, run provost migrate first, as a role that has CREATE on \
                 the database."
            )
        }
        Some(outage) => outage.advice().to_owned(),
    };
    eprintln!("provost: cannot use the database at {}.\n  {}", connector.address(), chain(error));
    if !advice.is_empty() {
        eprintln!("{advice}");
    }
    Exit::Unreachable
}

/// Reports that the database of `DATABASE_URL` is unusable, why, and what to do.
pub fn report_unusable(error: &dyn std::error::Error, connector: Option<&Connector>) -> Exit {
    let address = connector.map(|it| format!(" at {}", it.address())).unwrap_or_default();
    eprintln!("provost: cannot use the database{address} that DATABASE_URL names.\n  {}", chain(error));
    eprintln!("You can:");
    eprintln!("  - start that server, or correct DATABASE_URL (postgres://user:password@host:5432/database)");
    eprintln!("  - run docker compose up, which starts Provost and PostgreSQL");
    eprintln!("  - unset DATABASE_URL, so that Provost starts a private PostgreSQL");
    Exit::Unreachable
}
