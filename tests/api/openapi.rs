//! `GET /openapi.json`: the document matches the routes.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::{UNKNOWN_ID, api_server, send_raw};
use crate::harness::{Database, Server, send};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

async fn document(server: &Server) -> Value {
    let answer = server.get("/openapi.json").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

/// The path with values of entities that do not exist.
fn unknown_path(path: &str) -> String {
    let names = [
        ("{id}", UNKNOWN_ID),
        ("{name}", "nobody"),
        ("{worker}", "nobody"),
        ("{limit}", "nobody"),
        ("{kind}", "nobody"),
        ("{version}", "1"),
    ];
    finite(&names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value)))
}

/// Makes a request to a stream end: an invalid parameter is rejected.
fn finite(path: &str) -> String {
    if path.ends_with("/stream") { format!("{path}?after=nobody") } else { path.to_owned() }
}

/// Every path and method with its description.
fn operations(document: &Value) -> Vec<(String, Method, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let found = item.as_object().unwrap().iter().filter(|(name, _)| METHODS.contains(&name.as_str()));
        let method = |name: &str| name.to_uppercase().parse().unwrap();
        found.map(|(name, it)| (path.clone(), method(name), it.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn documented_paths_exist_on_both_mounts() {
    let database = Database::new().await;
    let server = api_server(&database);
    let document = document(&server).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    for mount in ["", "/api/v1"] {
        for (path, method, _) in operations(&document) {
            let url = format!("{mount}{}", unknown_path(&path));
            let answer = send(server.request(method.clone(), &url)).await;
            let there = answer.status != 405 && !answer.text.contains("no_route");
            assert!(there && answer.status < 500, "{method} {url}: {} {}", answer.status, answer.text);
        }
    }
}

#[tokio::test]
async fn every_route_is_documented() {
    let database = Database::new().await;
    let document = document(&api_server(&database)).await;
    let documented: BTreeSet<String> =
        operations(&document).iter().map(|(path, method, _)| format!("{method} {path}")).collect();
    assert_eq!(documented, routes());
}

/// The routes in `src/web/api/mod.rs`, read from its source.
fn routes() -> BTreeSet<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/api/mod.rs")).unwrap();
    let api = text.split("fn own_routes(").nth(1).unwrap().split("\n}").next().unwrap();
    let resource = |text: &str| {
        let quoted: Vec<&str> = text.split(']').next().unwrap().split('"').skip(1).step_by(2).collect();
        // OpenAPI cannot describe other methods, such as LOCK.
        let methods = quoted[1..].iter().filter(|it| METHODS.contains(&it.to_lowercase().as_str()));
        methods.map(|method| format!("{method} {}", quoted[0])).collect::<Vec<_>>()
    };
    api.split("resource(").skip(1).flat_map(resource).collect()
}

#[tokio::test]
async fn every_operation_has_description_and_problems() {
    let database = Database::new().await;
    let document = document(&api_server(&database)).await;
    for (path, method, operation) in operations(&document) {
        let what = format!("{method} {path}");
        let text = |key: &str| operation[key].as_str().unwrap_or_default().to_owned();
        assert!(!text("summary").is_empty() || !text("description").is_empty(), "{what} is not described");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{what} never succeeds");
        for (status, response) in responses.iter().filter(|(status, _)| *status >= &"400".to_owned()) {
            let known = ["400", "403", "404", "409", "412", "413", "415", "422", "423", "503"];
            assert!(known.contains(&status.as_str()), "{what}: {status}");
            let described = response["content"].as_object().is_some_and(|it| !it.is_empty());
            assert!(described, "{what}: {status} has no content");
        }
        // For an unknown attempt, /internal responds with 409 `lease_lost`.
        let may_be_missing = path.contains('{') && method != Method::PUT && !path.starts_with("/internal/");
        assert_eq!(may_be_missing, responses.contains_key("404"), "{what}: 404");
    }
}

#[tokio::test]
async fn returned_problems_are_documented() {
    let database = Database::new().await;
    let server = api_server(&database);
    let document = document(&server).await;
    let large = format!("\"{}\"", "x".repeat(300_000));
    for (path, method, operation) in operations(&document) {
        let (known, unknown) = (unknown_path(&path), finite(&path.replace("{id}", "x").replace("{version}", "x")));
        let mut answers = vec![send_raw(&server, method.clone(), &known, "").await];
        answers.push(send_raw(&server, method.clone(), &unknown, "").await);
        if method == Method::GET {
            answers.push(server.get(&format!("{known}{}limit=0", if known.contains('?') { "&" } else { "?" })).await);
        } else {
            for body in ["{", "7", "{\"x\": 1}", large.as_str()] {
                answers.push(send_raw(&server, method.clone(), &known, body.to_owned()).await);
            }
            answers.push(
                send(server.request(method.clone(), &known).header("content-type", "text/plain").body("a")).await,
            );
        }
        for answer in answers.iter().filter(|it| it.status != 405) {
            let documented = operation["responses"].get(answer.status.to_string()).is_some();
            assert!(
                documented,
                "{method} {path} answers {}, which it does not document: {}",
                answer.status, answer.text
            );
        }
    }
}

#[tokio::test]
async fn documented_problem_matches_response() {
    let database = Database::new().await;
    let server = api_server(&database);
    let document = document(&server).await;
    let schema = document["components"]["schemas"]["Problem"]["properties"].as_object().unwrap().clone();
    let problem = server.get("/projects/x").await.expect(400).json();
    for key in problem.as_object().unwrap().keys() {
        assert!(schema.contains_key(key), "{key} is not in the document");
    }
}
