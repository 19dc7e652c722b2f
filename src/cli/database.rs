//! Connects to the database: the one of `DATABASE_URL`, or a private PostgreSQL.

use std::io::IsTerminal;

use super::exit::Exit;
use crate::config::Config;
use crate::embedded::{Embedded, Options};
use crate::log::chain;
use crate::store::Connector;

/// The database of `DATABASE_URL`, or a private one, which is created if it does not exist.
pub fn connect(config: &Config) -> Result<(Option<Embedded>, Connector), Exit> {
    let private = start_private(config)?;
    let url = private.as_ref().map(|it| it.url().to_owned());
    let url = url.as_deref().or(config.database_url.as_ref().map(|it| it.reveal())).unwrap_or_default();
    let connector = Connector::parse(url).map_err(|error| report_unusable(&error, None))?;
    Ok((private, connector))
}

/// The database of `DATABASE_URL`, or the private one if it exists.
pub fn connect_existing(config: &Config) -> Result<(Option<Embedded>, Connector), Exit> {
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
