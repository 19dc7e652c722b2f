//! The graph of a workflow as JSON, Mermaid and Graphviz.

use serde_json::{Value, json};

use super::{graph, start, step, unserved_step, until};
use crate::harness::Database;
use crate::jobs::{fast_server, text};

#[tokio::test]
async fn graph_order_is_stable() {
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let steps = json!([
        unserved_step("end", &["b", "c"]),
        unserved_step("c", &["a"]),
        unserved_step("b", &["a"]),
        unserved_step("a", &[]),
        unserved_step("alone", &[]),
        unserved_step("far", &["end", "a"])
    ]);
    let id = start(&server, steps).await;
    let shown = graph(&server, &id).await;
    let again = graph(&server, &id).await;
    assert_eq!(
        (&shown["nodes"], &shown["edges"], &shown["critical_path"]),
        (&again["nodes"], &again["edges"], &again["critical_path"])
    );
    let nodes: Vec<(String, i64)> =
        shown["nodes"].as_array().unwrap().iter().map(|it| (text(it, "step"), it["rank"].as_i64().unwrap())).collect();
    let wanted = [("a", 0), ("alone", 0), ("c", 1), ("b", 1), ("end", 2), ("far", 3)];
    assert_eq!(nodes, wanted.map(|(name, rank)| (name.to_owned(), rank)));
    let name =
        |id: &Value| text(shown["nodes"].as_array().unwrap().iter().find(|it| it["job_id"] == *id).unwrap(), "step");
    let edges: Vec<String> = shown["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{}>{}", name(&it["from"]), name(&it["to"])))
        .collect();
    assert_eq!(edges, ["a>c", "a>b", "c>end", "b>end", "a>far", "end>far"]);
    let critical: Vec<String> = shown["critical_path"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(critical, ["a", "c", "end", "far"], "before anything has run, the path with the most steps");
}

#[tokio::test]
async fn critical_path_is_the_longest_chain() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let slow = |name: &str, after: &[&str], ms: u64| step(name, after, json!({"duration_ms": ms}));
    let id = start(
        &server,
        json!([
            slow("a", &[], 10),
            slow("quick", &["a"], 0),
            slow("slow", &["a"], 900),
            slow("z", &["quick", "slow"], 10)
        ]),
    )
    .await;
    until(&server, &id, "completed").await;
    let shown = graph(&server, &id).await;
    let on_path: Vec<String> = shown["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["critical"] == true)
        .map(|it| text(it, "step"))
        .collect();
    assert_eq!(
        (on_path, shown["critical_path"].as_array().unwrap().len()),
        (vec!["a".into(), "slow".into(), "z".into()], 3)
    );
    assert!(shown["critical_ms"].as_i64().unwrap() >= 900, "{shown}");
}

#[tokio::test]
async fn retries_count_toward_the_critical_path() {
    let database = Database::new().await;
    let server = fast_server(&database, &[]);
    let mut flaky = step("flaky", &[], json!({"outcome": "flaky", "fail_times": 1, "retry_after_s": 5.0}));
    flaky["max_attempts"] = json!(3);
    let id = start(&server, json!([flaky, step("steady", &[], json!({})), step("z", &["flaky", "steady"], json!({}))]))
        .await;
    until(&server, &id, "completed").await;
    let shown = graph(&server, &id).await;
    assert_eq!(shown["critical_path"][0], shown["nodes"][0]["job_id"], "{shown}");
    assert!(shown["critical_ms"].as_i64().unwrap() >= 5000);
}

#[tokio::test]
async fn mermaid_and_graphviz_escape_step_names() {
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let nasty = "\"]:::x; click n0 <b>#quot; \\ ünï";
    let id = start(&server, json!([unserved_step(nasty, &[]), unserved_step("b", &[nasty])])).await;
    let drawn = server.get(&format!("/workflows/{id}/graph?format=mermaid")).await.expect(200);
    assert!(drawn.header("content-type").starts_with("text/vnd.mermaid"));
    let lines: Vec<&str> = drawn.text.lines().collect();
    assert_eq!((lines[0], lines[3].trim()), ("flowchart LR", "n0 -.-> n1"));
    assert_eq!(lines[1].trim(), "n0[\"#34;#93;:::x#59; click n0 #60;b#62;#35;quot#59; #92; ünï<br/>queued\"]:::queued");
    let drawn = server.get(&format!("/workflows/{id}/graph?format=dot")).await.expect(200);
    assert!(drawn.header("content-type").starts_with("text/vnd.graphviz"));
    assert!(drawn.text.contains("n0 [label=\"\\\"]:::x; click n0 <b>#quot; \\\\ ünï\\nqueued\""), "{}", drawn.text);
    assert!(drawn.text.contains("n0 -> n1 [style=dashed];") && drawn.text.ends_with("}\n"));
    assert_eq!(server.get(&format!("/workflows/{id}/graph?format=png")).await.expect(400).code(), "invalid_parameter");
}
