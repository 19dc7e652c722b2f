//! `provost doctor`: is everything in this database as it must be? Reads only.

use serde::Serialize;

use super::Exit;
use super::banner::{database_that_is, no_database};
use super::client::{Context, Global};
use super::output::say;
use super::output::{Noun, Output, Show, column};
use crate::config::Config;
use crate::log::chain;
use crate::store::invariants::{ExamineError, Finding, examine};

/// An invariant in a table.
static FINDING: Noun = Noun {
    name: "invariant",
    key: "name",
    columns: &[column("NAME", "name", Show::Exact), column("OK", "ok", Show::Text)],
};

/// Examines the database of `DATABASE_URL`, or the private one.
pub fn run(config: &Config, output: &Output, global: &Global) -> Exit {
    let (_private, connector) = match database_that_is(config) {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    match runtime.block_on(examine(&connector)) {
        Ok(findings) => {
            let told = match output.format.is_for_people() {
                true => say(&for_people(&findings)),
                false => output.list(&FINDING, &machines(&findings)),
            };
            if let Err(failure) = told {
                return Context::beforehand(global, failure);
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

fn for_people(findings: &[Finding]) -> String {
    let width = findings.iter().map(|it| it.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for finding in findings {
        lines.push(format!("{:width$}  {}", finding.name, verdict(finding)));
        if finding.is_broken() {
            lines.push(format!("{:width$}  {}", "", finding.sentence));
        }
    }
    let broken = findings.iter().filter(|it| it.is_broken()).count();
    lines.push(match broken {
        0 => format!("\nEverything is as it must be ({} invariants).", findings.len()),
        _ => format!("\n{broken} of {} invariants do not hold.", findings.len()),
    });
    lines.join("\n")
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
