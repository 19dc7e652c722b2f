//! A password is found nowhere but in the answer that reveals it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use provost::embedded::{Embedded, Options};
use reqwest::Method;
use serde_json::{Value, json};

use super::settings;
use crate::harness::{Database, Server, connect, eventually, run_folder, send};

/// A text that is in every place, because it is the name of a project and a reason: proof that the search finds what is there.
const PLANTED: &str = "canary7f3kq9zx";

/// Where passwords are looked for: the name of the place, and its text.
type Places = BTreeMap<String, String>;

/// One PostgreSQL that logs every statement, for Provost's database and for those of the projects.
fn talkative_cluster() -> Embedded {
    let settings =
        [("fsync", "off"), ("log_statement", "all"), ("log_min_duration_statement", "0"), ("shared_buffers", "32MB")];
    let options = Options {
        state_dir: run_folder("canary"),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        ..Options::default()
    };
    Embedded::start(&options).unwrap_or_else(|error| panic!("tests need a PostgreSQL: {error}"))
}

#[tokio::test]
async fn password_is_found_nowhere_after_a_full_life() {
    let cluster = talkative_cluster();
    connect(cluster.url()).await.batch_execute("CREATE DATABASE canary").await.unwrap();
    let url = cluster.url().replace("/postgres?", "/canary?");
    let folder = tempfile::tempdir().unwrap();
    let config = "[clusters.test]\nurl_env = \"TENANTS_URL\"\n\
                  [templates.db]\nprovisioner = \"postgres\"\nsettings = { cluster = \"test\" }\n\
                  [templates.db.parameters]\ntype = \"object\"\n";
    std::fs::write(folder.path().join("provost.toml"), config).unwrap();
    let [key, _] = settings();
    let tenants = ("TENANTS_URL", cluster.url());
    let server =
        Server::within(folder.path(), &url, &[key, tenants, ("PROVOST_LOG", "debug"), ("PROVOST_MAX_ATTEMPTS", "1")]);
    let database = Database::at(&url).await;
    let streamed = follow(&server).await;

    let (id, passwords) = full_life(&server).await;
    assert!(passwords.len() >= 3, "every credential has a password of its own");
    _ = server.get(&format!("/{PLANTED}")).await;
    let needles = needles(&cluster, passwords).await;
    let places = everywhere(&server, &database, &id, &streamed).await;
    assert!(places.len() > 60, "{:?}", places.keys());
    for place in [
        "log of PostgreSQL",
        "log of Provost",
        "stream",
        "table projects",
        "table events",
        "GET /projects",
        "GET /dashboard/projects",
    ] {
        assert!(places[place].contains(PLANTED), "the search does not find what is there: {place}");
    }
    for (place, text) in &places {
        for (what, needle) in &needles {
            assert!(!text.contains(needle), "{what} is in {place}: {:.300}", around(text, needle));
        }
    }
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(&id, "deleted").await;
    for (place, text) in everywhere(&server, &database, &id, &streamed).await {
        assert!(needles.iter().all(|(_, needle)| !text.contains(needle)), "after the deletion, in {place}");
    }
}

fn around<'a>(text: &'a str, needle: &str) -> &'a str {
    let at = text.find(needle).unwrap_or_default();
    &text[text.floor_char_boundary(at.saturating_sub(150))..]
}

/// Every operation, with its failures. Returns the project and the passwords that it has had.
async fn full_life(server: &Server) -> (String, BTreeSet<String>) {
    let body = json!({"name": PLANTED, "template": "db", "parameters": {"connections": 5}});
    let id = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    let path = format!("/projects/{id}");
    let mut passwords = BTreeSet::from([reveal(server, &id).await]);
    for verb in ["rotate", "rotate", "pause", "resume"] {
        server.post(&format!("{path}/{verb}"), json!({"reason": PLANTED})).await.expect(202);
        server.until(&id, if verb == "pause" { "paused" } else { "ready" }).await;
        passwords.insert(reveal(server, &id).await);
    }
    for parameters in [json!({"connections": 6, "extensions": ["pg_trgm"]}), json!({"extensions": ["plperlu"]})] {
        server.patch(&path, json!({ "parameters": parameters })).await.expect(202);
        server.until(&id, "ready").await;
    }
    let body = json!({"name": "never", "template": "db", "parameters": {"connections": 0}});
    let failed = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&failed, "failed").await;
    // The page that reveals is the only one with the password.
    let page =
        send(server.request(Method::POST, &format!("/dashboard{path}/reveal")).header("origin", &server.url)).await;
    assert!(passwords.iter().any(|it| page.text.contains(it)), "{} {:.300}", page.status, page.text);
    (id, passwords)
}

async fn reveal(server: &Server, id: &str) -> String {
    let access = server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200).json();
    let url = access["uri"].as_str().unwrap();
    let password = url.split(':').nth(2).unwrap().split('@').next().unwrap().to_owned();
    assert_eq!(password.len(), 32);
    password
}

/// The passwords in the forms in which they could be written down, and what PostgreSQL stores for them.
async fn needles(cluster: &Embedded, passwords: BTreeSet<String>) -> Vec<(&'static str, String)> {
    let mut needles = vec![("a verifier", "SCRAM-SHA-256$".to_owned())];
    let verifiers =
        "SELECT split_part(rolpassword, ':', 2) FROM pg_authid WHERE rolname LIKE 'p\\_%' AND rolpassword IS NOT NULL";
    let rows = connect(cluster.url()).await.query(verifiers, &[]).await.unwrap();
    assert!(!rows.is_empty());
    needles.extend(rows.iter().map(|row| ("the key of a verifier", row.get(0))));
    for password in passwords {
        needles.push(("a password in hexadecimal", password.bytes().map(|it| format!("{it:02x}")).collect()));
        needles.push(("a password", password));
    }
    needles
}

/// Collects the stream of events until the server ends.
async fn follow(server: &Server) -> Arc<Mutex<String>> {
    let text = Arc::<Mutex<String>>::default();
    let mut response = server.request(Method::GET, "/events/stream").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let into = text.clone();
    tokio::spawn(async move {
        while let Ok(Some(bytes)) = response.chunk().await {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes));
        }
    });
    text
}

async fn everywhere(server: &Server, database: &Database, id: &str, streamed: &Mutex<String>) -> Places {
    let mut places = Places::new();
    let ids = Ids { project: id, jobs: column(database, "SELECT id::text FROM jobs").await };
    let executions = column(database, "SELECT id::text FROM executions").await;
    pages(server, &mut places).await;
    answers(server, &ids, &executions, &mut places).await;
    for table in column(database, "SELECT tablename::text FROM pg_tables WHERE schemaname = 'provost'").await {
        let rows = column(database, &format!("SELECT t::text FROM {table} AS t")).await;
        places.insert(format!("table {table}"), rows.join("\n"));
    }
    let log = std::path::Path::new(&run_folder("canary")).join("postgres.log");
    eventually("the stream has the last event", async || {
        let last = database.text("SELECT max(id) FROM events").await;
        streamed.lock().unwrap().contains(&format!("\"id\":{last},")).then_some(())
    })
    .await;
    places.insert("log of PostgreSQL".into(), String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned());
    places.insert("log of Provost".into(), server.raw_log());
    places.insert("stream".into(), streamed.lock().unwrap().clone());
    places
}

async fn column(database: &Database, sql: &str) -> Vec<String> {
    database.rows(sql, &[]).await.iter().map(|row| row.get(0)).collect()
}

struct Ids<'a> {
    project: &'a str,
    jobs: Vec<String>,
}

/// Every answer of the API to a GET, by the paths of the OpenAPI document.
async fn answers(server: &Server, ids: &Ids<'_>, executions: &[String], places: &mut Places) {
    let document: Value = server.get("/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().unwrap();
    for path in paths.iter().filter(|(_, item)| item.get("get").is_some()).map(|(path, _)| path) {
        if path.ends_with("/stream") {
            continue;
        }
        let values: Vec<&str> = match path.split('/').nth(1) {
            _ if !path.contains('{') => vec![""],
            Some("projects") => vec![ids.project],
            Some("jobs") => ids.jobs.iter().map(String::as_str).collect(),
            Some("executions") => executions.iter().map(String::as_str).collect(),
            Some("templates") => vec!["db"],
            _ => vec!["default"],
        };
        for value in values {
            let mut url = path.clone();
            while let Some((before, rest)) = url.split_once('{') {
                url = format!("{before}{value}{}", rest.split_once('}').unwrap().1);
            }
            places.insert(format!("GET {url}"), server.get(&url).await.text);
        }
    }
}

/// Every page that links lead to.
async fn pages(server: &Server, places: &mut Places) {
    let (mut waiting, mut seen) = (vec!["/dashboard/projects".to_owned()], BTreeSet::new());
    while let Some(path) = waiting.pop() {
        // Filters and sorted lists show the same again.
        let is_new = seen.insert(path.split('?').next().unwrap_or_default().to_owned());
        if !is_new || seen.len() > 150 {
            continue;
        }
        let answer = server.get(&path).await;
        let links = answer.text.split("href=\"").skip(1).filter_map(|it| it.split('"').next());
        waiting.extend(links.filter(|it| it.starts_with("/dashboard")).map(str::to_owned));
        places.insert(format!("GET {path}"), answer.text);
    }
}
