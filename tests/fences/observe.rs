//! Asks the provisioner itself, outside of any worker: which steps an operation has, and whether a recorded step is still true.

use std::collections::BTreeSet;

use provost::connection::Connector;
use provost::domain::OperationKind;
use provost::provision::postgres::{Clusters, Postgres};
use provost::provision::recorder::{RecordError, RecordFuture, RecordedStep};
use provost::provision::{Failure, Observed, Output, Provisioner, Recorder, StepChange, StopRequest, Work};
use provost::secrets::SensitiveText;
use serde_json::value::RawValue;
use uuid::Uuid;

/// The steps that always act: there is nothing to look at.
const BLIND: [&str; 5] = ["reach", "verify", "admit", "next_credential", "verify_gone"];

/// Knows which secrets are stored, and records nothing.
struct Reader(BTreeSet<String>);

impl Recorder for Reader {
    fn steps(&self) -> RecordFuture<'_, Vec<RecordedStep>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn record(&self, _: StepChange) -> RecordFuture<'_, Option<StopRequest>> {
        Box::pin(async { Ok(None) })
    }

    fn secret<'a>(&'a self, name: &'a str) -> RecordFuture<'a, Option<SensitiveText>> {
        Box::pin(async move { Ok(self.0.contains(name).then(|| SensitiveText::new(String::new()))) })
    }

    fn store_secret<'a>(&'a self, _: &'a str, _: &'a SensitiveText) -> RecordFuture<'a, ()> {
        Box::pin(async { Err(RecordError::Failed("only looks".into())) })
    }

    fn forget_secret<'a>(&'a self, _: &'a str) -> RecordFuture<'a, ()> {
        Box::pin(async { Err(RecordError::Failed("only looks".into())) })
    }
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

/// The work of a job, from its payload.
fn work(operation: OperationKind, payload: &serde_json::Value) -> Work {
    let known: Output = serde_json::from_value(payload["known"].clone()).unwrap_or_default();
    Work {
        project_id: payload["project_id"].as_str().and_then(|it| it.parse().ok()).unwrap_or_default(),
        installation: payload["installation"].as_str().unwrap_or_default().to_owned(),
        name: String::new(),
        operation,
        labels: Default::default(),
        template: "db".into(),
        template_version: 1,
        parameters: raw(&payload["parameters"].to_string()),
        settings: raw(&payload["settings"].to_string()),
        known,
        was_ready: payload["was_ready"].as_bool().unwrap_or_default(),
        opens: payload["opens"].as_bool().unwrap_or(true),
        source: serde_json::from_value(payload["source"].clone()).ok(),
        execution_id: Uuid::now_v7(),
        attempt: 1,
        is_last: true,
        log: Default::default(),
        stop: Default::default(),
    }
}

fn postgres(url: &str) -> Postgres {
    Postgres { clusters: Clusters::default().with("test", Connector::parse(url).unwrap()) }
}

/// The names of the steps of an operation.
pub fn steps(operation: OperationKind) -> Vec<&'static str> {
    let payload = serde_json::json!({
        "known": {"cluster_id": "1"}, "source": {"project_id": Uuid::nil()}, "parameters": {}, "settings": {"fixed": {"cluster": "test"}},
    });
    let (work, reader) = (work(operation, &payload), Reader(BTreeSet::new()));
    postgres("postgres://nobody@127.0.0.1:1/postgres").begin(&work, &reader).unwrap().names()
}

/// The steps of a finished operation that are not as they were recorded.
pub async fn untrue(
    url: &str,
    operation: OperationKind,
    payload: &serde_json::Value,
    recorded: &[Output],
    secrets: BTreeSet<String>,
) -> Result<Vec<String>, Failure> {
    let (work, reader, postgres) = (work(operation, payload), Reader(secrets), postgres(url));
    let mut attempt = postgres.begin(&work, &reader)?;
    recorded.iter().for_each(|output| attempt.recall(output));
    let mut untrue = Vec::new();
    for (position, name) in attempt.names().into_iter().enumerate() {
        if !BLIND.contains(&name) && attempt.observe(position).await? == Observed::Missing {
            untrue.push(format!("the step {name} of {operation} is recorded as done, and it is not"));
        }
    }
    Ok(untrue)
}
