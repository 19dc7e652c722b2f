//! What a program receives on stdin.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::settings::Verb;
use crate::provision::{Failure, Output, Work};
use crate::secrets::SensitiveText;

/// The parameters as they were written: large numbers and spaces survive.
type Parameters = BTreeMap<String, Box<RawValue>>;

#[derive(Serialize)]
struct Input<'a> {
    program: &'static str,
    operation: &'static str,
    /// Whether the program removes what an operation that failed or was canceled has made.
    undo: bool,
    project: Project<'a>,
    template: Template<'a>,
    installation: &'a str,
    parameters: Parameters,
    outputs: &'a Output,
    /// The project to copy; only for a clone.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Origin<'a>>,
    secrets: BTreeMap<&'a str, &'a str>,
    attempt: i32,
    execution_id: Uuid,
}

#[derive(Serialize)]
struct Project<'a> {
    id: Uuid,
    name: &'a str,
    labels: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Origin<'a> {
    id: Uuid,
    outputs: Option<&'a Output>,
}

#[derive(Serialize)]
struct Template<'a> {
    name: &'a str,
    version: i32,
}

/// The part of the settings of a job that is used: see `Template::settings_json`.
#[derive(Default, Deserialize)]
struct Carried {
    #[serde(default)]
    defaults: Parameters,
}

/// JSON text for stdin. It contains the secrets.
pub fn text(
    work: &Work,
    verb: Verb,
    is_undo: bool,
    outputs: &Output,
    secrets: &[(&str, SensitiveText)],
) -> Result<SensitiveText, Failure> {
    let invalid = |error: serde_json::Error| Failure::permanent(Failure::INVALID, error.to_string());
    let carried: Option<Carried> = serde_json::from_str(work.settings.get()).map_err(invalid)?;
    let mut parameters = carried.unwrap_or_default().defaults;
    parameters.extend(serde_json::from_str::<Parameters>(work.parameters.get()).map_err(invalid)?);
    let input = Input {
        program: verb.as_str(),
        operation: work.operation.as_str(),
        undo: is_undo,
        project: Project { id: work.project_id, name: &work.name, labels: &work.labels },
        template: Template { name: &work.template, version: work.template_version },
        installation: &work.installation,
        parameters,
        outputs,
        source: work.source.as_ref().map(|it| Origin { id: it.project_id, outputs: it.known.as_ref() }),
        secrets: secrets.iter().map(|(name, value)| (*name, value.reveal())).collect(),
        attempt: work.attempt,
        execution_id: work.execution_id,
    };
    serde_json::to_string(&input).map(SensitiveText::new).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::OperationKind;
    use crate::provision::tests::memory::work;

    #[test]
    fn defaults_come_first_and_numbers_keep_their_digits() {
        let settings = RawValue::from_string(r#"{"defaults": {"a": 1, "b": 2}}"#.to_owned()).unwrap();
        let work = Work { settings, ..work(OperationKind::Create, r#"{"b": 123456789012345678901234567890.10}"#) };
        let secrets = [("key", SensitiveText::new("sesame".into()))];
        let text = text(&work, Verb::Observe, true, &Output::new(), &secrets).unwrap();
        for part in [
            r#""parameters":{"a":1,"b":123456789012345678901234567890.10}"#,
            r#""program":"observe","operation":"create","undo":true"#,
            r#""secrets":{"key":"sesame"}"#,
        ] {
            assert!(text.reveal().contains(part), "{part}");
        }
    }
}
