//! Commands come only from `provost.toml`; an invalid file ends the start.

use std::process::Output;

use serde_json::json;

use super::Place;
use crate::harness::{Database, Server};
use crate::jobs::{enqueue, until};

fn provost(place: &Place, words: &[&str], settings: &[(&str, &str)]) -> Output {
    Server::command().args(words).current_dir(place.path()).envs(settings.iter().copied()).output().unwrap()
}

#[tokio::test]
async fn invalid_command_ends_the_start_and_names_the_key() {
    let place = Place::with("[commands.it]\nargv = [\"cat\"]\nenv = [\"DATABASE_URL\"]\ngrace = \"soon\"");
    for words in [&["serve"][..], &["worker", "--server", "http://127.0.0.1:1"], &["config"]] {
        let ended = provost(&place, words, &[]);
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("commands.it.env (provost.toml) contains DATABASE_URL"), "{stderr}");
        assert!(stderr.contains("commands.it.grace (provost.toml) must be a duration"), "{stderr}");
    }
    let place = Place::with("commands = \"cat\"");
    assert_eq!(provost(&place, &["config"], &[]).status.code(), Some(2));
}

#[tokio::test]
async fn flags_and_variables_cannot_define_commands() {
    let place = Place::with("");
    let output = provost(&place, &["config"], &[("PROVOST_COMMANDS", "[x]\nargv = [\"cat\"]")]);
    assert_eq!(output.status.code(), Some(2), "not a setting");
    assert_eq!(provost(&place, &["serve", "--commands", "x"], &[]).status.code(), Some(2));
}

#[tokio::test]
async fn config_lists_the_commands() {
    let place = Place::with("[commands.it]\nargv = [\"cat\", \"-n\"]");
    let output = provost(&place, &["config", "-o", "json"], &[]);
    let output: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = json!({"name": "commands.it", "value": "cat -n", "source": "provost.toml"});
    assert!(output.as_array().unwrap().contains(&row), "{output}");
}

/// The blocks of `provost.toml` in the documents.
#[test]
fn documented_configurations_are_valid() {
    let documents = ["projects", "commands", "provisioners"];
    let read = |name| std::fs::read_to_string(format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut checked = 0;
    for text in documents.map(read) {
        let blocks = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        for block in blocks {
            let settings = [("CLUSTER_URL", "postgres://127.0.0.1:1/postgres"), ("PROVOST_WORKER_QUEUES", "default")];
            let output = provost(&Place::with(block), &["config"], &settings);
            assert!(output.status.success(), "{block}\n{}", String::from_utf8_lossy(&output.stderr));
            checked += 1;
        }
    }
    assert_eq!(checked, 4);
}

#[tokio::test]
async fn example_runs() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/commands");
    let database = Database::new().await;
    let server = Server::within(folder.as_ref(), &database.url, &[]);
    let id = enqueue(&server, json!({"kind": "command.count", "payload": {"text": "three little words"}})).await;
    assert_eq!(until(&server, &id, "completed").await["result"], json!({"words": 3}));
    let wrong = server.post("/jobs", json!({"kind": "command.count", "payload": {"words": 1}})).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
}
