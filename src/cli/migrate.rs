//! `provost migrate`.

use super::args::Migrate;
use super::client::Global;
use super::database::{Database, connect, connect_existing, report_unusable_schema};
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, array, print};
use super::tables::{DATABASE_SCHEMA, MIGRATION};
use crate::config::Config;
use crate::store::{Connector, MigrateError, grant, migrate, pending};
use crate::wire::client::Body;

pub fn run(config: &Config, mode: Migrate, output: &Output, global: &Global) -> Exit {
    // A dry run does not create a private database.
    let database = if mode == Migrate::Apply { connect(config) } else { connect_existing(config) };
    let Database { private: _private, direct: connector, .. } = match database {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    let result = runtime.block_on(async {
        match mode {
            Migrate::Apply => apply(&connector, output).await,
            Migrate::Grant { role, only_to_read } => {
                let statements = grant(&connector, &role, only_to_read).await?;
                Ok(statements.iter().try_for_each(|it| print(&format!("{it};"))))
            }
            Migrate::DryRun => print_pending(&connector, false, output).await,
            Migrate::ShowSql => print_pending(&connector, true, output).await,
        }
    });
    match result {
        Ok(printed) => global.end(printed),
        Err(error) => report_unusable_schema(&error, &connector),
    }
}

async fn apply(connector: &Connector, output: &Output) -> Result<Result<(), Failure>, MigrateError> {
    let done = migrate(connector).await?;
    let address = connector.address();
    if output.format.is_for_people() {
        return Ok(print(&format!("{address}: schema version {} ({} migrations applied)", done.version, done.applied)));
    }
    let body = Body::default().with("database", Some(address)).with("version", Some(done.version));
    Ok(output.row(&DATABASE_SCHEMA, &body.with("applied", Some(done.applied)).text()))
}

async fn print_pending(
    connector: &Connector,
    show_sql: bool,
    output: &Output,
) -> Result<Result<(), Failure>, MigrateError> {
    let pending = pending(connector).await?;
    if output.format.is_for_people() {
        if pending.is_empty() {
            output.note("The schema is up to date.");
            return Ok(Ok(()));
        }
        if show_sql {
            return Ok(pending.iter().try_for_each(|(name, sql)| print(&format!("-- {name}\n{}\n", sql.trim_end()))));
        }
    }
    let row = |(name, sql): &(String, String)| {
        Body::default().with("name", Some(name)).with("sql", show_sql.then_some(sql)).text()
    };
    Ok(output.list(&MIGRATION, &array(pending.iter().map(row))))
}
