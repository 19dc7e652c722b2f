//! `provost dev`: a server with something to look at. What is shown is asked for over HTTP, as anybody would, and marked `demo`.

use std::time::Duration;

use super::Exit;
use super::browser::open;
use super::output::Json;
use super::serve;
use crate::config::Config;
use crate::wire::client::{Body, Budget, Client, ClientError, Request};
use crate::wire::json::raw;

/// Whoever waits for something of the demonstration waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(60);
/// Work that is still going on when somebody looks.
const LONG_MS: u64 = 8 * 60 * 1000;

/// Each project: its name, how it ends, and how long its work takes.
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
/// When it is there, the demonstration was added, and perhaps changed since.
const SCHEDULE: &str = "demo";
/// The one that is let go and gone, and the one whose removal takes a while.
const GONE: &str = "iris";
const GOING: &str = "juniper";

/// Serves until a signal; what there is to see comes once the server answers.
pub fn run(config: Config) -> Exit {
    let token = config.admin_token.as_ref().map(|it| it.reveal().to_owned());
    serve::run_and_tell(config, move |host| {
        let (address, token) = (format!("http://{host}"), token.clone());
        // It speaks over HTTP alone, holds nothing that must be put back, and may end with the process.
        std::thread::spawn(move || {
            open(&format!("{address}/dashboard"));
            if let Err(trouble) = seed(&address, token) {
                eprintln!("provost: the demonstration is not complete: {trouble}");
            }
        });
    })
}

fn seed(address: &str, token: Option<String>) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(show(&Client::new(address, token)?))?)
}

/// What is asked for under a key is there once, so whoever was interrupted goes on.
async fn show(client: &Client) -> Result<(), ClientError> {
    let schedules = read(client.list_schedules().await?.text);
    if schedules.list().iter().any(|it| it.text("name") == SCHEDULE) {
        return Ok(());
    }
    let projects = read(client.list_projects(&[("limit", Some("200".to_owned()))]).await?.text);
    if !schedules.list().is_empty() || projects.list().iter().any(|it| it.text("labels.demo") != "true") {
        eprintln!("provost: this database holds somebody's work already, so no demonstration was added to it.");
        return Ok(());
    }
    let mut leaving = Vec::new();
    for (name, outcome, duration_ms) in PROJECTS {
        let id = project(client, name, outcome, *duration_ms).await?;
        if [GONE, GOING].contains(name) {
            leaving.push(id);
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
    client.put_schedule(&schedule.with("reason", Some("something to look at"))).await?;
    for id in leaving {
        let project = read(client.wait_for_project(&id, "ready", PATIENCE).await?.text);
        if project.text("status") != "ready" {
            continue;
        }
        client.delete_project(&id, &Body::default().with("reason", Some("demo"))).await?;
    }
    Ok(())
}

/// What a server of our own answered.
fn read(text: String) -> Json {
    Json::parse(&text).unwrap_or(Json::Null)
}

/// Asks for a project; its id.
async fn project(client: &Client, name: &str, outcome: &str, duration_ms: u64) -> Result<String, ClientError> {
    #[derive(serde::Deserialize)]
    struct Born {
        id: String,
    }
    let reason = "no capacity left in this region";
    let simulate =
        format!("{{\"simulate\":{{\"outcome\":\"{outcome}\",\"duration_ms\":{duration_ms},\"reason\":\"{reason}\"}}}}");
    let body = Body::default()
        .with("name", Some(name))
        .with("labels", Some(raw("{\"demo\":\"true\"}".to_owned())))
        .with("parameters", Some(raw(simulate)));
    // Under its key it is there once, however often this is sent.
    let request = Request::post("/projects").text(body.text()).header("idempotency-key", Some(format!("demo-{name}")));
    Ok(client.send::<Born>(request.retry(Budget::default())).await?.id)
}
