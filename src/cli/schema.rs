//! `provost migrate`: brings the schema up to date and ends, or says what that would change.

use super::args::Migrate;
use super::output::{Noun, Output, Show, column, quoted, say};
use super::{Exit, banner, ended};
use crate::config::Config;
use crate::store::{Connector, MigrateError, migrate, pending};

/// The schema in a table.
static SCHEMA: Noun = Noun { name: "schema", key: "version", columns: &[] };

/// A migration in a table.
static MIGRATION: Noun = Noun { name: "migration", key: "name", columns: &[column("NAME", "name", Show::Exact)] };

pub fn run(config: &Config, how: Migrate, output: &Output) -> Exit {
    let private = match banner::private_database(config) {
        Ok(private) => private,
        Err(exit) => return exit,
    };
    let url = private.as_ref().map(|it| it.url().to_owned());
    let url = url.as_deref().or(config.database_url.as_ref().map(|it| it.reveal())).unwrap_or_default();
    let connector = match Connector::parse(url) {
        Ok(connector) => connector,
        Err(error) => return banner::no_database(&error, None),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    let done = runtime.block_on(async {
        match how {
            Migrate::Apply => apply(&connector, output).await,
            Migrate::Name | Migrate::Show => rehearse(&connector, how, output).await,
        }
    });
    done.unwrap_or_else(|error| banner::no_database(&error, Some(&connector)))
}

async fn apply(connector: &Connector, output: &Output) -> Result<Exit, MigrateError> {
    let done = migrate(connector).await?;
    let address = connector.address();
    if output.format.is_for_people() {
        println!("{address}: schema {} ({} migrations applied)", done.version, done.applied);
        return Ok(Exit::Success);
    }
    let (database, version, applied) = (quoted(&address), done.version, done.applied);
    let text = format!("{{\"database\":{database},\"version\":{version},\"applied\":{applied}}}");
    Ok(ended(output.row(&SCHEMA, &text)))
}

async fn rehearse(connector: &Connector, how: Migrate, output: &Output) -> Result<Exit, MigrateError> {
    let missing = pending(connector).await?;
    if missing.is_empty() && output.format.is_for_people() {
        output.note("The schema is up to date.");
        return Ok(Exit::Success);
    }
    if how == Migrate::Show && output.format.is_for_people() {
        let written = missing.iter().try_for_each(|(name, sql)| say(&format!("-- {name}\n{}\n", sql.trim_end())));
        return Ok(ended(written));
    }
    let row = |(name, sql): &(String, String)| match how {
        Migrate::Show => format!("{{\"name\":{},\"sql\":{}}}", quoted(name), quoted(sql)),
        _ => format!("{{\"name\":{}}}", quoted(name)),
    };
    let rows: Vec<String> = missing.iter().map(row).collect();
    Ok(ended(output.list(&MIGRATION, &format!("[{}]", rows.join(",")))))
}
