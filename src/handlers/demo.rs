//! Demonstration handlers. They send, render and query nothing: each sleeps and returns a result like the real one. One
//! row of `ALL` is one kind.

use std::time::Duration;

use rand::RngExt;
use serde_json::{Map, Value, json};

use super::{Handler, HandlerFuture, Job, fallible, payload};
use crate::domain::Outcome;

pub struct Demo {
    pub kind: &'static str,
    /// The string fields that a payload must have.
    required: &'static [&'static str],
    /// The duration, unless the payload sets `durationMs`.
    duration_ms: u64,
    /// The reason of a failure.
    error: &'static str,
    /// The share of jobs that fail, unless the payload sets `forceError`.
    failure_rate: f64,
    result: fn(&Fields) -> Value,
    schema: &'static str,
}

type Fields = Map<String, Value>;

/// The field that holds the assets of dependencies.
const ASSETS: &str = "assets of earlier steps";

/// The schema of an object with required strings. Every kind also accepts a duration and whether to fail.
macro_rules! object {
    ($($more:literal)? ; $($first:literal $(, $field:literal)*)?) => {
        concat!(
            r#"{"type":"object","properties":{"#,
            $("\"", $first, r#"":{"type":"string","minLength":1},"#, $("\"", $field, r#"":{"type":"string","minLength":1},"#,)*)?
            $($more, ",",)?
            r#""durationMs":{"type":"integer","minimum":0},"duration_ms":{"type":"integer","minimum":0},"#,
            r#""forceError":{"type":"boolean"},"force_error":{"type":"boolean"}}"#,
            $(r#","required":[""#, $first, $("\",\"", $field,)* r#""]"#,)?
            "}"
        )
    };
}

const MESSAGE: &str = object!(r#""message":{"type":"string"}"#;);
const PARAMETERS: &str = object!(r#""parameters":{"type":"object","additionalProperties":{"type":"string"}}"#;);

pub const ALL: &[Demo] = &[
    demo(
        "email.send",
        &["recipient"],
        250,
        "simulated SMTP failure",
        object!(; "recipient"),
        |it| json!({"provider": "smtp", "recipient": it["recipient"], "status": "accepted"}),
    ),
    demo("report.generate", &["reportId"], 1000, "simulated report rendering failure", object!(; "reportId"), |it| {
        let artifact = format!("s3://reports/{}.pdf", text(it, "reportId"));
        json!({"reportId": it["reportId"], "artifact": artifact, "rows": rows()})
    }),
    demo(
        "cleanup.run",
        &[],
        150,
        "simulated cleanup failure",
        MESSAGE,
        |it| json!({"status": "ok", "message": text(it, "message")}),
    ),
    demo(
        "webhook.dispatch",
        &[],
        400,
        "simulated 500 from downstream webhook",
        object!(;),
        |_| json!({"status": "delivered"}),
    ),
    demo(
        "file.ingest",
        &["fileId", "source"],
        300,
        "simulated ingest failure",
        object!(; "fileId", "source"),
        |it| json!({"fileId": it["fileId"], "source": it["source"], "status": "ingested"}),
    ),
    demo(
        "image.thumbnail",
        &["fileId", "size"],
        200,
        "simulated thumbnail failure",
        object!(; "fileId", "size"),
        |it| {
            let asset = format!("s3://thumbnails/{}-{}.png", text(it, "fileId"), text(it, "size"));
            json!({"fileId": it["fileId"], "size": it["size"], "asset": asset})
        },
    ),
    demo("metadata.aggregate", &["fileId"], 350, "simulated metadata aggregation failure", object!(; "fileId"), |it| {
        match it.get(ASSETS) {
            None => json!({"fileId": it["fileId"], "status": "aggregated"}),
            Some(assets) => json!({"fileId": it["fileId"], "status": "aggregated", "assets": assets}),
        }
    }),
    demo(
        "user.notify",
        &["userId", "channel"],
        125,
        "simulated notification failure",
        object!(; "userId", "channel"),
        |it| json!({"userId": it["userId"], "channel": it["channel"], "status": "sent"}),
    ),
    demo("send_email", &[], 1000, "sending the email failed", PARAMETERS, |_| json!({"status": "sent"})),
    Demo {
        failure_rate: 0.2,
        ..demo("run_query", &[], 1000, "query failed", PARAMETERS, |_| json!({"status": "ok", "rows": rows()}))
    },
];

const fn demo(
    kind: &'static str,
    required: &'static [&'static str],
    duration_ms: u64,
    error: &'static str,
    schema: &'static str,
    result: fn(&Fields) -> Value,
) -> Demo {
    Demo { kind, required, duration_ms, error, failure_rate: 0.0, result, schema }
}

impl Handler for &'static Demo {
    fn run<'a>(&'a self, job: &'a Job) -> HandlerFuture<'a> {
        fallible(async {
            let (mut fields, duration, fails) = self.read(&job.payload)?;
            job.log.line("stdout", format!("simulating {} for {} ms", self.kind, duration.as_millis()));
            tokio::time::sleep(duration).await;
            if fails {
                job.log.line("stderr", self.error);
                return Ok(Outcome::failed(self.error));
            }
            if let Some(inputs) = &job.inputs {
                fields.insert(ASSETS.to_owned(), assets(inputs));
            }
            Ok(Outcome::Done { result: Some((self.result)(&fields).to_string()), next: Vec::new() })
        })
    }

    fn schema(&self) -> Option<&'static str> {
        Some(self.schema)
    }
}

impl Demo {
    fn read(&self, text: &str) -> Result<(Fields, Duration, bool), Outcome> {
        let fields: Fields = payload::read(text)?;
        self.check(&fields).map_err(Outcome::fatal)?;
        let duration = Duration::from_millis(duration_ms(&fields).map_err(Outcome::fatal)?.unwrap_or(self.duration_ms));
        let forced = force_error(&fields).map_err(Outcome::fatal)?;
        let fails = forced.unwrap_or_else(|| rand::rng().random::<f64>() < self.failure_rate);
        Ok((fields, duration, fails))
    }

    /// Names all missing fields at once.
    fn check(&self, fields: &Fields) -> Result<(), String> {
        let missing = |field: &&str| matches!(fields.get(*field), None | Some(Value::Null)) || fields[*field] == "";
        let missing: Vec<&str> = self.required.iter().copied().filter(missing).collect();
        match missing.as_slice() {
            [] => {}
            [one] => return Err(format!("{one} is required")),
            several => return Err(format!("{} are required", several.join(" and "))),
        }
        match self.required.iter().find(|field| !fields[**field].is_string()) {
            Some(field) => Err(format!("{field} must be a string")),
            None => Ok(()),
        }
    }
}

/// The value under the first spelling that is present.
fn either<'a>(fields: &'a Fields, names: [&'static str; 2]) -> Option<(&'static str, &'a Value)> {
    names.iter().find_map(|name| Some((*name, fields.get(*name)?))).filter(|(_, value)| !value.is_null())
}

fn duration_ms(fields: &Fields) -> Result<Option<u64>, String> {
    let Some((name, value)) = either(fields, ["durationMs", "duration_ms"]) else { return Ok(None) };
    value.as_u64().map(Some).ok_or_else(|| format!("{name} must be a whole number of milliseconds"))
}

fn force_error(fields: &Fields) -> Result<Option<bool>, String> {
    let Some((name, value)) = either(fields, ["forceError", "force_error"]) else { return Ok(None) };
    value.as_bool().map(Some).ok_or_else(|| format!("{name} must be true or false"))
}

/// The `asset` of each dependency that has one.
fn assets(inputs: &str) -> Value {
    let inputs: Fields = serde_json::from_str(inputs).unwrap_or_default();
    inputs.values().filter_map(|input| input["result"].get("asset").cloned()).collect()
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn rows() -> u32 {
    rand::rng().random_range(250..5250)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::tests::run;
    use tokio::time::Instant;

    /// Kind, error for an empty payload, a valid payload, its result without `rows`.
    const CASES: &[(&str, &str, &str, &str)] = &[
        (
            "email.send",
            "recipient is required",
            r#"{"recipient":"a@b.c"}"#,
            r#"{"provider":"smtp","recipient":"a@b.c","status":"accepted"}"#,
        ),
        (
            "report.generate",
            "reportId is required",
            r#"{"reportId":"r1"}"#,
            r#"{"reportId":"r1","artifact":"s3://reports/r1.pdf"}"#,
        ),
        ("cleanup.run", "", r#"{"message":"hi"}"#, r#"{"status":"ok","message":"hi"}"#),
        ("webhook.dispatch", "", r#"{"anything":[1]}"#, r#"{"status":"delivered"}"#),
        (
            "file.ingest",
            "fileId and source are required",
            r#"{"fileId":"f1","source":"s3"}"#,
            r#"{"fileId":"f1","source":"s3","status":"ingested"}"#,
        ),
        (
            "image.thumbnail",
            "fileId and size are required",
            r#"{"fileId":"X","size":"sm"}"#,
            r#"{"fileId":"X","size":"sm","asset":"s3://thumbnails/X-sm.png"}"#,
        ),
        ("metadata.aggregate", "fileId is required", r#"{"fileId":"f1"}"#, r#"{"fileId":"f1","status":"aggregated"}"#),
        (
            "user.notify",
            "userId and channel are required",
            r#"{"userId":"u","channel":"email"}"#,
            r#"{"userId":"u","channel":"email","status":"sent"}"#,
        ),
        ("send_email", "", r#"{"parameters":{"to":"a@b.c"}}"#, r#"{"status":"sent"}"#),
        ("run_query", "", r#"{"forceError":false}"#, r#"{"status":"ok"}"#),
    ];

    fn with(payload: &str, more: Value) -> String {
        let mut fields: Fields = serde_json::from_str(payload).unwrap();
        fields.extend(more.as_object().unwrap().clone());
        Value::Object(fields).to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn each_demo_sleeps_and_returns_its_result() {
        assert_eq!(CASES.len(), ALL.len());
        for (demo, (kind, _, payload, expected)) in ALL.iter().zip(CASES) {
            let started = Instant::now();
            let Outcome::Done { result: Some(result), .. } = run(kind, payload).await else { panic!("{kind}") };
            let over = started.elapsed().saturating_sub(Duration::from_millis(demo.duration_ms));
            assert!(started.elapsed().as_millis() as u64 >= demo.duration_ms && over.as_millis() < 3, "{kind}");
            let mut result: Fields = serde_json::from_str(&result).unwrap();
            if let Some(rows) = result.remove("rows") {
                assert!((250..5250).contains(&rows.as_u64().unwrap()), "{kind}");
            }
            assert_eq!(Value::Object(result), serde_json::from_str::<Value>(expected).unwrap(), "{kind}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_missing_fields_are_named_at_once() {
        for (kind, missing, ..) in CASES.iter().filter(|(_, missing, ..)| !missing.is_empty()) {
            assert_eq!(run(kind, "").await, Outcome::fatal(*missing), "{kind}");
        }
        assert_eq!(run("file.ingest", r#"{"fileId":"f","source":""}"#).await, Outcome::fatal("source is required"));
        assert_eq!(run("email.send", r#"{"recipient":5}"#).await, Outcome::fatal("recipient must be a string"));
    }

    #[tokio::test(start_paused = true)]
    async fn forced_errors_work_in_both_spellings() {
        for (demo, (kind, _, payload, _)) in ALL.iter().zip(CASES) {
            for more in [json!({"forceError": true, "durationMs": 5}), json!({"force_error": true, "duration_ms": 5})] {
                let payload = with(payload, more).replace(r#""forceError":false,"#, "");
                let started = Instant::now();
                assert_eq!(run(kind, &payload).await, Outcome::failed(demo.error), "{payload}");
                assert!(started.elapsed() < Duration::from_millis(20), "{kind}");
            }
        }
        for (payload, reason) in [
            (r#"{"durationMs":-1}"#, "durationMs must be a whole number of milliseconds"),
            (r#"{"force_error":"yes"}"#, "force_error must be true or false"),
        ] {
            assert_eq!(run("cleanup.run", payload).await, Outcome::fatal(reason));
        }
    }

    #[test]
    fn schema_and_handler_require_the_same_fields() {
        for demo in ALL {
            let schema: Value = serde_json::from_str(demo.schema).unwrap();
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().flat_map(Value::as_str).collect();
            assert_eq!(required, demo.required, "{}", demo.kind);
        }
    }
}
