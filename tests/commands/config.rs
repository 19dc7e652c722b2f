//! Commands come from `provost.toml` alone, and what is wrong there ends the start.

use std::process::Output;

use serde_json::json;

use super::Place;
use crate::harness::{Database, Server};
use crate::jobs::{enqueue, until};

fn provost(place: &Place, words: &[&str], settings: &[(&str, &str)]) -> Output {
    Server::command().args(words).current_dir(place.path()).envs(settings.iter().copied()).output().unwrap()
}

#[tokio::test]
async fn what_is_wrong_ends_the_start_and_names_the_key() {
    let place = Place::with("[commands.it]\nargv = [\"cat\"]\nenv = [\"DATABASE_URL\"]\ngrace = \"soon\"");
    for words in [&["serve"][..], &["worker", "--server", "http://127.0.0.1:1"], &["config"]] {
        let ended = provost(&place, words, &[]);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains("commands.it.env (provost.toml) holds DATABASE_URL"), "{said}");
        assert!(said.contains("commands.it.grace (provost.toml) must be a duration"), "{said}");
    }
    let place = Place::with("commands = \"cat\"");
    assert_eq!(provost(&place, &["config"], &[]).status.code(), Some(2));
}

#[tokio::test]
async fn no_flag_and_no_variable_makes_a_command() {
    let place = Place::with("");
    let told = provost(&place, &["config"], &[("PROVOST_COMMANDS", "[x]\nargv = [\"cat\"]")]);
    assert_eq!(told.status.code(), Some(2), "it is no setting");
    assert_eq!(provost(&place, &["serve", "--commands", "x"], &[]).status.code(), Some(2));
}

#[tokio::test]
async fn the_configuration_shows_them() {
    let place = Place::with("[commands.it]\nargv = [\"cat\", \"-n\"]");
    let told = provost(&place, &["config", "-o", "json"], &[]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let row = json!({"name": "commands.it", "value": "cat -n", "source": "provost.toml"});
    assert!(told.as_array().unwrap().contains(&row), "{told}");
}

#[tokio::test]
async fn the_example_works() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/commands");
    let database = Database::new().await;
    let server = Server::within(folder.as_ref(), &database.url, &[]);
    let id = enqueue(&server, json!({"kind": "command.count", "payload": {"text": "three little words"}})).await;
    assert_eq!(until(&server, &id, "completed").await["result"], json!({"words": 3}));
    let wrong = server.post("/jobs", json!({"kind": "command.count", "payload": {"words": 1}})).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
}
