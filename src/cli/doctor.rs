//! `provost doctor`: checks the invariants of the database. It only reads.

use serde::Serialize;

use super::client::Global;
use super::database::{Database, connect_existing, report_unusable};
use super::exit::Exit;
use super::output::{Output, print};
use super::tables::INVARIANT;
use crate::config::Config;
use crate::log::chain;
use crate::store::invariants::{ExamineError, Finding, examine};

pub fn run(config: &Config, output: &Output, global: &Global) -> Exit {
    let Database { private: _private, direct: connector, .. } = match connect_existing(config) {
        Ok(database) => database,
        Err(exit) => return exit,
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Exit::Failure };
    match runtime.block_on(examine(&connector)) {
        Ok(findings) => {
            let printed = match output.format.is_for_people() {
                true => print(&as_text(&findings)),
                false => output.list(&INVARIANT, &as_json(&findings)),
            };
            match printed {
                Ok(()) if findings.iter().any(Finding::is_broken) => Exit::Failure,
                printed => global.end(printed),
            }
        }
        Err(error @ ExamineError::Unreachable(_)) => report_unusable(&error, Some(&connector)),
        Err(error) => {
            eprintln!("provost: cannot check {}: {}", connector.address(), chain(&error));
            Exit::Unreachable
        }
    }
}

fn as_text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|it| it.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for finding in findings {
        lines.push(format!("{:width$}  {}", finding.name, result(finding)));
        if finding.is_broken() {
            lines.push(format!("{:width$}  {}", "", finding.sentence));
        }
    }
    let broken = findings.iter().filter(|it| it.is_broken()).count();
    lines.push(match broken {
        0 => format!("\nAll {} invariants hold.", findings.len()),
        _ => format!("\n{broken} of {} invariants do not hold.", findings.len()),
    });
    lines.join("\n")
}

fn result(finding: &Finding) -> String {
    if finding.n == 0 {
        return "ok".to_owned();
    }
    let more = if finding.n > finding.examples.len() as u64 { ", …" } else { "" };
    let rows = if finding.n == 1 { "row" } else { "rows" };
    let note = if finding.for_information { " (for information)" } else { "" };
    format!("{} {rows}{note}: {}{more}", finding.n, finding.examples.join(", "))
}

fn as_json(findings: &[Finding]) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        name: &'a str,
        ok: bool,
        for_information: bool,
        rows: u64,
        examples: &'a [String],
        never: &'a str,
    }
    let lines = findings.iter().map(|it| Line {
        name: it.name,
        ok: !it.is_broken(),
        for_information: it.for_information,
        rows: it.n,
        examples: &it.examples,
        never: &it.sentence,
    });
    // Serializing strings and numbers cannot fail.
    serde_json::to_string_pretty(&lines.collect::<Vec<_>>()).unwrap_or_default()
}
