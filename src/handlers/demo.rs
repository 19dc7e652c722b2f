//! The kinds of work that demonstrations of job queues are made of. Nothing is sent, rendered or asked: each takes its
//! time and answers as the real one would. One row of `ALL` is one kind.

use std::time::Duration;

use rand::RngExt;
use serde_json::{Map, Value, json};

use super::{Handler, Job, Working, payload};
use crate::domain::Outcome;

/// One kind.
pub struct Demo {
    pub kind: &'static str,
    /// The texts that a payload cannot go without.
    required: &'static [&'static str],
    /// How many milliseconds it takes, when `durationMs` does not say so.
    duration_ms: u64,
    /// What goes wrong when it is told to fail (`forceError`).
    trouble: &'static str,
    /// The share that fails without being told, unless it is told not to.
    failure_rate: f64,
    result: fn(&Fields) -> Value,
    schema: &'static str,
}

type Fields = Map<String, Value>;

/// Where those find what earlier steps have made that ask for it.
const ASSETS: &str = "assets of earlier steps";

/// The schema of an object that needs some texts; every kind may be told how long to take and whether to fail.
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
    Demo {
        kind: "email.send",
        required: &["recipient"],
        duration_ms: 250,
        trouble: "simulated SMTP failure",
        failure_rate: 0.0,
        result: |it| json!({"provider": "smtp", "recipient": it["recipient"], "status": "accepted"}),
        schema: object!(; "recipient"),
    },
    Demo {
        kind: "report.generate",
        required: &["reportId"],
        duration_ms: 1000,
        trouble: "simulated report rendering failure",
        failure_rate: 0.0,
        result: |it| {
            let artifact = format!("s3://reports/{}.pdf", text(it, "reportId"));
            json!({"reportId": it["reportId"], "artifact": artifact, "rows": rows()})
        },
        schema: object!(; "reportId"),
    },
    Demo {
        kind: "cleanup.run",
        required: &[],
        duration_ms: 150,
        trouble: "simulated cleanup failure",
        failure_rate: 0.0,
        result: |it| json!({"status": "ok", "message": text(it, "message")}),
        schema: MESSAGE,
    },
    Demo {
        kind: "webhook.dispatch",
        required: &[],
        duration_ms: 400,
        trouble: "simulated 500 from downstream webhook",
        failure_rate: 0.0,
        result: |_| json!({"status": "delivered"}),
        schema: object!(;),
    },
    Demo {
        kind: "file.ingest",
        required: &["fileId", "source"],
        duration_ms: 300,
        trouble: "simulated ingest failure",
        failure_rate: 0.0,
        result: |it| json!({"fileId": it["fileId"], "source": it["source"], "status": "ingested"}),
        schema: object!(; "fileId", "source"),
    },
    Demo {
        kind: "image.thumbnail",
        required: &["fileId", "size"],
        duration_ms: 200,
        trouble: "simulated thumbnail failure",
        failure_rate: 0.0,
        result: |it| {
            let asset = format!("s3://thumbnails/{}-{}.png", text(it, "fileId"), text(it, "size"));
            json!({"fileId": it["fileId"], "size": it["size"], "asset": asset})
        },
        schema: object!(; "fileId", "size"),
    },
    Demo {
        kind: "metadata.aggregate",
        required: &["fileId"],
        duration_ms: 350,
        trouble: "simulated metadata aggregation failure",
        failure_rate: 0.0,
        result: |it| match it.get(ASSETS) {
            None => json!({"fileId": it["fileId"], "status": "aggregated"}),
            Some(assets) => json!({"fileId": it["fileId"], "status": "aggregated", "assets": assets}),
        },
        schema: object!(; "fileId"),
    },
    Demo {
        kind: "user.notify",
        required: &["userId", "channel"],
        duration_ms: 125,
        trouble: "simulated notification failure",
        failure_rate: 0.0,
        result: |it| json!({"userId": it["userId"], "channel": it["channel"], "status": "sent"}),
        schema: object!(; "userId", "channel"),
    },
    Demo {
        kind: "send_email",
        required: &[],
        duration_ms: 1000,
        trouble: "sending the email failed",
        failure_rate: 0.0,
        result: |_| json!({"status": "sent"}),
        schema: PARAMETERS,
    },
    Demo {
        kind: "run_query",
        required: &[],
        duration_ms: 1000,
        trouble: "query failed",
        failure_rate: 0.2,
        result: |_| json!({"status": "ok", "rows": rows()}),
        schema: PARAMETERS,
    },
];

impl Handler for &'static Demo {
    fn run<'a>(&'a self, job: &'a Job) -> Working<'a> {
        Box::pin(async move {
            let (mut fields, takes, fails) = match self.read(&job.payload) {
                Ok(read) => read,
                Err(refused) => return refused,
            };
            job.log.line("stdout", format!("simulating {}, which takes {} ms", self.kind, takes.as_millis()));
            tokio::time::sleep(takes).await;
            if fails {
                job.log.line("stderr", self.trouble);
                return Outcome::failed(self.trouble);
            }
            if let Some(inputs) = &job.inputs {
                fields.insert(ASSETS.to_owned(), assets(inputs));
            }
            Outcome::Done { result: Some((self.result)(&fields).to_string()), next: Vec::new() }
        })
    }

    fn schema(&self) -> Option<&'static str> {
        Some(self.schema)
    }
}

impl Demo {
    fn read(&self, text: &str) -> Result<(Fields, Duration, bool), Outcome> {
        let fields: Fields = payload::read(text)?;
        self.check(&fields).map_err(Outcome::refused)?;
        let takes = Duration::from_millis(duration_ms(&fields).map_err(Outcome::refused)?.unwrap_or(self.duration_ms));
        let told = force_error(&fields).map_err(Outcome::refused)?;
        let fails = told.unwrap_or_else(|| rand::rng().random::<f64>() < self.failure_rate);
        Ok((fields, takes, fails))
    }

    /// Names everything that is missing, so that nobody has to mend one thing at a time.
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

/// The first of two spellings that is there.
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

/// What the jobs that it depended on have made, as far as their answers say.
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

    /// Kind, what is missing without a payload, a payload that will do, its result without `rows`.
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
    async fn each_takes_its_time_and_answers() {
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
    async fn what_is_missing_is_named_all_at_once() {
        for (kind, missing, ..) in CASES.iter().filter(|(_, missing, ..)| !missing.is_empty()) {
            assert_eq!(run(kind, "").await, Outcome::refused(*missing), "{kind}");
        }
        assert_eq!(run("file.ingest", r#"{"fileId":"f","source":""}"#).await, Outcome::refused("source is required"));
        assert_eq!(run("email.send", r#"{"recipient":5}"#).await, Outcome::refused("recipient must be a string"));
    }

    #[tokio::test(start_paused = true)]
    async fn each_fails_when_told_and_both_spellings_are_understood() {
        for (demo, (kind, _, payload, _)) in ALL.iter().zip(CASES) {
            for more in [json!({"forceError": true, "durationMs": 5}), json!({"force_error": true, "duration_ms": 5})] {
                let payload = with(payload, more).replace(r#""forceError":false,"#, "");
                let started = Instant::now();
                assert_eq!(run(kind, &payload).await, Outcome::failed(demo.trouble), "{payload}");
                assert!(started.elapsed() < Duration::from_millis(20), "{kind}");
            }
        }
        for (payload, reason) in [
            (r#"{"durationMs":-1}"#, "durationMs must be a whole number of milliseconds"),
            (r#"{"force_error":"yes"}"#, "force_error must be true or false"),
        ] {
            assert_eq!(run("cleanup.run", payload).await, Outcome::refused(reason));
        }
    }

    #[test]
    fn the_schema_requires_what_the_handler_requires() {
        for demo in ALL {
            let schema: Value = serde_json::from_str(demo.schema).unwrap();
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().flat_map(Value::as_str).collect();
            assert_eq!(required, demo.required, "{}", demo.kind);
        }
    }
}
