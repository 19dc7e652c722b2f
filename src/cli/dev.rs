//! `provost dev`: a server with demo data. The data is created over HTTP and labeled `demo`.

use std::time::Duration;

use super::browser::open;
use super::exit::Exit;
use super::output::Json;
use super::serve;
use crate::config::Config;
use crate::wire::client::{Body, Budget, Client, ClientError, Request};
use crate::wire::json::raw;

/// The longest wait for a demo project.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Keeps a project in transition while a user looks around.
const LONG_MS: u64 = 8 * 60 * 1000;

/// The demo projects: name, outcome, and duration of the provisioning in ms.
const PROJECTS: &[(&str, &str, u64)] = &[
    ("acme-eu", "ready", 800),
    ("acme-us", "ready", 1200),
    ("atlas", "ready", 600),
    ("borealis", "ready", 2000),
    ("cobalt", "ready", 400),
    ("delta", "ready", 1500),
    ("ember", "failed", 900),
    ("fjord", "failed", 700),
    ("garnet", "ready", LONG_MS),
    ("harbor", "ready", LONG_MS),
    ("iris", "ready", 300),
    ("juniper", "ready", 20_000),
];
/// The projects that are deleted once they are ready.
const DELETED: [&str; 2] = ["iris", "juniper"];
/// The demo schedule. If it exists, the demo data was added before.
const SCHEDULE: &str = "demo";

/// Runs a server until a signal, and adds the demo data once it answers.
pub fn run(config: Config) -> Exit {
    let token = config.admin_token.as_ref().map(|it| it.reveal().to_owned());
    serve::run_then(config, move |host| {
        let (address, token) = (format!("http://{host}"), token.clone());
        // The thread only sends HTTP requests, and may end with the process.
        std::thread::spawn(move || {
            open(&format!("{address}/dashboard"));
            if let Err(error) = seed(&address, token) {
                eprintln!("provost: the demo data is incomplete: {error}");
            }
        });
    })
}

fn seed(address: &str, token: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(create_demo(&Client::new(address, token)?))?)
}

/// Creates the demo data. Idempotency keys make an interrupted run safe to repeat.
async fn create_demo(client: &Client) -> Result<(), ClientError> {
    let schedules = read(client.list_schedules().await?.text);
    if schedules.list().iter().any(|it| it.text("name") == SCHEDULE) {
        return Ok(());
    }
    let projects = read(client.list_projects(&[("limit", Some("200".to_owned()))]).await?.text);
    if !schedules.list().is_empty() || projects.list().iter().any(|it| it.text("labels.demo") != "true") {
        eprintln!("provost: the database is not empty, so no demo data was added.");
        return Ok(());
    }
    let mut deleted = Vec::new();
    for (name, outcome, duration_ms) in PROJECTS {
        let id = create_project(client, name, outcome, *duration_ms).await?;
        if DELETED.contains(name) {
            deleted.push(id);
        }
    }
    client.run_demo_workflow(&Body::default()).await?;
    for reason in ["the recipient does not exist", "the mail server closed the connection"] {
        let payload = format!("{{\"outcome\":\"failed\",\"duration_ms\":50,\"reason\":\"{reason}\"}}");
        let job = Body::default().with("kind", Some("simulated")).with("payload", Some(raw(payload)));
        let job = job.with("tags", Some(["demo"])).with("max_attempts", Some(1)).text();
        client.create_job(&job, Some(&format!("demo-{reason}"))).await?;
    }
    let schedule = Body::default().with("name", Some(SCHEDULE)).with("every", Some("1m")).with("kind", Some("echo"));
    let schedule = schedule.with("payload", Some(raw("{\"due\":\"{{due_at}}\"}".to_owned())));
    client.put_schedule(&schedule.with("reason", Some("demo data"))).await?;
    for id in deleted {
        let project = read(client.wait_for_project(&id, "ready", TIMEOUT).await?.text);
        if project.text("status") == "ready" {
            client.delete_project(&id, &[], &Body::default().with("reason", Some("demo data"))).await?;
        }
    }
    Ok(())
}

fn read(text: String) -> Json {
    Json::parse(&text).unwrap_or(Json::Null)
}

/// Creates a project and returns its id.
async fn create_project(client: &Client, name: &str, outcome: &str, duration_ms: u64) -> Result<String, ClientError> {
    #[derive(serde::Deserialize)]
    struct Created {
        id: String,
    }
    let reason = "no capacity left in this region";
    let simulate =
        format!("{{\"simulate\":{{\"outcome\":\"{outcome}\",\"duration_ms\":{duration_ms},\"reason\":\"{reason}\"}}}}");
    let body = Body::default()
        .with("name", Some(name))
        .with("labels", Some(raw("{\"demo\":\"true\"}".to_owned())))
        .with("parameters", Some(raw(simulate)));
    let request = Request::post("/projects").text(body.text()).header("idempotency-key", Some(format!("demo-{name}")));
    Ok(client.send::<Created>(request.retry(Budget::default())).await?.id)
}
