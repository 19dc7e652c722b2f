//! `provost migrate`: brings the schema up to date and ends, or says what that would change.

use super::args::Migrate;
use super::client::Global;
use super::failure::Failure;
use super::output::{Noun, Output, Show, column, quoted, say};
use super::{Exit, banner, ended};
use crate::config::Config;
use crate::store::{Connector, MigrateError, migrate, pending};

/// The schema in a table.
static SCHEMA: Noun = Noun { name: "schema", key: "version", columns: &[] };

/// A migration in a table.
static MIGRATION: Noun = Noun { name: "migration", key: "name", columns: &[column("NAME", "name", Show::Exact)] };

pub fn run(config: &Config, how: Migrate, output: &Output, global: &Global) -> Exit {
    // Whoever only asks what would change is not given a database for it.
    let database = if how == Migrate::Apply { banner::database(config) } else { banner::database_that_is(config) };
    let (_private, connector) = match database {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    let done = runtime.block_on(async {
        match how {
            Migrate::Apply => apply(&connector, output).await,
            Migrate::Name | Migrate::Show => rehearse(&connector, how, output).await,
        }
    });
    match done {
        Ok(told) => ended(global, told),
        Err(error) => banner::no_database(&error, Some(&connector)),
    }
}

async fn apply(connector: &Connector, output: &Output) -> Result<Result<(), Failure>, MigrateError> {
    let done = migrate(connector).await?;
    let address = connector.address();
    if output.format.is_for_people() {
        return Ok(say(&format!("{address}: schema {} ({} migrations applied)", done.version, done.applied)));
    }
    let (database, version, applied) = (quoted(&address), done.version, done.applied);
    let text = format!("{{\"database\":{database},\"version\":{version},\"applied\":{applied}}}");
    Ok(output.row(&SCHEMA, &text))
}

async fn rehearse(connector: &Connector, how: Migrate, output: &Output) -> Result<Result<(), Failure>, MigrateError> {
    let missing = pending(connector).await?;
    if missing.is_empty() && output.format.is_for_people() {
        output.note("The schema is up to date.");
        return Ok(Ok(()));
    }
    if how == Migrate::Show && output.format.is_for_people() {
        return Ok(missing.iter().try_for_each(|(name, sql)| say(&format!("-- {name}\n{}\n", sql.trim_end()))));
    }
    let row = |(name, sql): &(String, String)| match how {
        Migrate::Show => format!("{{\"name\":{},\"sql\":{}}}", quoted(name), quoted(sql)),
        _ => format!("{{\"name\":{}}}", quoted(name)),
    };
    let rows: Vec<String> = missing.iter().map(row).collect();
    Ok(output.list(&MIGRATION, &format!("[{}]", rows.join(","))))
}
