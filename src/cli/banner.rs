//! What the program says to the person who started it: where things are, or why not and what to do.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;

use super::Exit;
use crate::config::Config;
use crate::embedded::{Embedded, Options};
use crate::log::chain;
use crate::store::Connector;

/// Where things are. Printed once, when everything is up.
pub struct Banner<'a> {
    pub config: &'a Config,
    pub listen: Option<SocketAddr>,
    pub database: String,
    pub ready_in: std::time::Duration,
}

impl Banner<'_> {
    /// To stdout. Whoever reads it may have gone away already; that must not end the server.
    pub fn print(&self) {
        let mut out = std::io::stdout().lock();
        _ = self.write(&mut out).and_then(|()| out.flush());
    }

    fn write(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Self { config, listen, database, ready_in } = self;
        writeln!(out, "provost {}", env!("CARGO_PKG_VERSION"))?;
        if let Some(at) = listen {
            let host = reachable(at);
            writeln!(out, "  Dashboard   http://{host}/dashboard")?;
            writeln!(out, "  API         http://{host}/projects   (described at /openapi.json)")?;
            writeln!(out, "  Metrics     http://{host}/metrics")?;
        }
        writeln!(out, "  Database    {database}")?;
        if config.roles.worker {
            writeln!(out, "  Workers     {} slots in this process", config.worker_concurrency)?;
        }
        writeln!(out, "Ready in {:.1} s. Ctrl-C stops it; nothing is lost.", ready_in.as_secs_f64())?;
        if let (Some(at), None) = (listen, &config.admin_token) {
            writeln!(
                out,
                "Next: open the dashboard, or\n  curl -X POST http://{at}/projects -H 'content-type: application/json' -d '{{\"name\": \"my-first\"}}'"
            )?;
        }
        Ok(())
    }
}

/// Host and port as somebody at this machine reaches what is bound to `at`.
pub fn reachable(at: &SocketAddr) -> String {
    if at.ip().is_unspecified() { format!("localhost:{}", at.port()) } else { at.to_string() }
}

/// Starts the private PostgreSQL, when no other is named.
fn private_database(config: &Config) -> Result<Option<Embedded>, Exit> {
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
        eprintln!("No DATABASE_URL: starting a private PostgreSQL in {} …", options.state_dir.display());
    }
    Embedded::start(&options).map(Some).map_err(|error| {
        eprintln!("provost: no database.\n{}", chain(&error));
        Exit::Unreachable
    })
}

/// The database of `DATABASE_URL`, or the private one, for those who come after it was made: none is made for them.
pub fn database_that_is(config: &Config) -> Result<(Option<Embedded>, Connector), Exit> {
    if config.database_url.is_none() && !config.data_dir.join("postgres/data").exists() {
        eprintln!(
            "provost: DATABASE_URL is not set, and there is no private PostgreSQL in {}",
            config.data_dir.display()
        );
        return Err(Exit::Unreachable);
    }
    database(config)
}

/// The database of `DATABASE_URL`, or the private one, which is made where there is none.
pub fn database(config: &Config) -> Result<(Option<Embedded>, Connector), Exit> {
    let private = private_database(config)?;
    let url = private.as_ref().map(|it| it.url().to_owned());
    let url = url.as_deref().or(config.database_url.as_ref().map(|it| it.reveal())).unwrap_or_default();
    let connector = Connector::parse(url).map_err(|error| no_database(&error, None))?;
    Ok((private, connector))
}

/// The database of `DATABASE_URL` cannot be used: which, why, and three ways on.
pub fn no_database(error: &dyn std::error::Error, connector: Option<&Connector>) -> Exit {
    let address = connector.map(|it| format!(" at {}", it.address())).unwrap_or_default();
    eprintln!("provost: the database of DATABASE_URL{address} cannot be used.\n  {}", chain(error));
    eprintln!("Three ways on:");
    eprintln!("  - start that server, or correct DATABASE_URL (postgres://user:password@host:5432/database)");
    eprintln!("  - docker compose up: Provost together with a PostgreSQL of its own");
    eprintln!("  - unset DATABASE_URL: Provost then starts a private PostgreSQL itself");
    Exit::Unreachable
}
