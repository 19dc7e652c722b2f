//! `provost doctor`: is everything in this database as it must be? Reads only.

use serde::Serialize;

use super::Exit;
use super::banner::{no_database, private_database};
use super::output::{Noun, Output, Show, column};
use crate::config::Config;
use crate::log::chain;
use crate::store::Connector;
use crate::store::invariants::{ExamineError, Finding, examine};

/// An invariant in a table.
static FINDING: Noun = Noun {
    name: "invariant",
    key: "name",
    columns: &[column("NAME", "name", Show::Exact), column("OK", "ok", Show::Text)],
};

/// Examines the database of `DATABASE_URL`, or the private one.
pub fn run(config: &Config, output: &Output) -> Exit {
    if config.database_url.is_none() && !config.data_dir.join("postgres/data").exists() {
        eprintln!(
            "provost: DATABASE_URL is not set, and there is no private PostgreSQL in {}",
            config.data_dir.display()
        );
        return Exit::Unreachable;
    }
    let private = match private_database(config) {
        Ok(private) => private,
        Err(exit) => return exit,
    };
    let url = private.as_ref().map(|it| it.url().to_owned());
    let url = url.as_deref().or(config.database_url.as_ref().map(|it| it.reveal())).unwrap_or_default();
    let connector = match Connector::parse(url) {
        Ok(connector) => connector,
        Err(error) => return no_database(&error, None),
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    match runtime.block_on(examine(&connector)) {
        Ok(findings) => {
            if output.format.is_for_people() {
                tell_people(&findings);
            } else if output.list(&FINDING, &machines(&findings)).is_err() {
                return Exit::Failure;
            }
            if findings.iter().any(Finding::is_broken) { Exit::Failure } else { Exit::Success }
        }
        Err(error @ ExamineError::Unreachable(_)) => no_database(&error, Some(&connector)),
        Err(error) => {
            eprintln!("provost: {} cannot be examined: {}", connector.address(), chain(&error));
            Exit::Unreachable
        }
    }
}

fn tell_people(findings: &[Finding]) {
    let width = findings.iter().map(|it| it.name.len()).max().unwrap_or_default();
    for finding in findings {
        println!("{:width$}  {}", finding.name, verdict(finding));
        if finding.is_broken() {
            println!("{:width$}  {}", "", finding.sentence);
        }
    }
    let broken = findings.iter().filter(|it| it.is_broken()).count();
    match broken {
        0 => println!("\nEverything is as it must be ({} invariants).", findings.len()),
        _ => println!("\n{broken} of {} invariants do not hold.", findings.len()),
    }
}

fn verdict(finding: &Finding) -> String {
    if finding.n == 0 {
        return "ok".to_owned();
    }
    let more = if finding.n > finding.examples.len() as u64 { ", …" } else { "" };
    let rows = if finding.n == 1 { "row" } else { "rows" };
    let note = if finding.for_information { " (for information)" } else { "" };
    format!("{} {rows}{note}: {}{more}", finding.n, finding.examples.join(", "))
}

fn machines(findings: &[Finding]) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        name: &'a str,
        ok: bool,
        for_information: bool,
        rows: u64,
        examples: &'a [String],
        never: &'a str,
    }
    let lines: Vec<Line> = findings
        .iter()
        .map(|it| Line {
            name: it.name,
            ok: !it.is_broken(),
            for_information: it.for_information,
            rows: it.n,
            examples: &it.examples,
            never: &it.sentence,
        })
        .collect();
    // These are texts and numbers; they can always be written.
    serde_json::to_string_pretty(&lines).unwrap_or_default()
}
