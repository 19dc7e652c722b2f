//! `GET /projects`: pages, filters, search.

use std::collections::BTreeSet;

use serde_json::json;

use super::{api_server, assert_refused, ids, next_page};
use crate::harness::{Database, Server};

#[tokio::test]
async fn pages_have_no_duplicates_during_inserts() {
    let database = Database::new().await;
    let server = api_server(&database);
    let mut expected = Vec::new();
    for n in 0..130 {
        expected.push(server.create(&format!("p{n}")).await);
    }
    expected.reverse();
    let (mut seen, mut path, mut pages) = (Vec::new(), Some("/projects?limit=50".to_owned()), 0);
    while let Some(at) = path {
        let answer = server.get(&at).await.expect(200);
        seen.extend(ids(&answer.json()));
        path = next_page(&answer);
        pages += 1;
        server.create("a late one").await;
    }
    assert_eq!((pages, seen), (3, expected));
    assert_eq!(ids(&server.get("/projects").await.json()).len(), 50);
    assert_eq!(ids(&server.get("/projects?limit=200").await.json()).len(), 133);
}

#[tokio::test]
async fn next_page_keeps_mount_and_filter() {
    let database = Database::new().await;
    let server = api_server(&database);
    for n in 0..3 {
        server.post("/projects", json!({"name": format!("a&b=c {n}"), "labels": {"env": "é&x"}})).await.expect(201);
        server.create("other").await;
    }
    let first = "/api/v1/projects?label=env%3D%C3%A9%26x&search=a%26b%3Dc&status=creating&limit=2";
    let answer = server.get(first).await.expect(200);
    let next = next_page(&answer).unwrap();
    assert!(next.starts_with("/api/v1/projects?"), "{next}");
    let rest = server.get(&next).await.expect(200);
    let all: BTreeSet<String> = ids(&answer.json()).into_iter().chain(ids(&rest.json())).collect();
    assert_eq!((all.len(), next_page(&rest)), (3, None));
}

#[tokio::test]
async fn empty_list_is_an_empty_array() {
    let database = Database::new().await;
    let server = api_server(&database);
    let answer = server.get("/projects").await.expect(200);
    assert_eq!((answer.text.as_str(), answer.header("content-type")), ("[]", "application/json"));
    assert_eq!(next_page(&answer), None);
    server.create("a").await;
    assert_eq!(server.get(&format!("/projects?cursor={}", uuid::Uuid::nil())).await.expect(200).text, "[]");
}

#[tokio::test]
async fn deleted_projects_are_listed_only_on_request() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let (kept, gone) = (server.ready("kept").await, server.ready("gone").await);
    server.delete(&format!("/projects/{gone}")).await.expect(202);
    let tombstone = server.until(&gone, "deleted").await;
    assert_eq!(ids(&server.get("/projects").await.json()), [kept.as_str()]);
    assert_eq!(ids(&server.get("/projects?search=gone").await.json()), [""; 0]);
    assert_eq!(ids(&server.get("/projects?status=deleted").await.json()), [gone.as_str()]);
    assert_eq!(ids(&server.get("/projects?status=ready").await.json()), [kept]);
    assert_eq!(server.get(&format!("/projects/{gone}")).await.expect(200).json(), tombstone);
    assert!(tombstone["deadline_at"].is_null() && tombstone["error_reason"].is_null());
}

#[tokio::test]
async fn every_status_filters() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    for status in ["creating", "provisioning", "ready", "failed", "deleting", "deleted"] {
        let expected = if status == "creating" { vec![id.clone()] } else { vec![] };
        assert_eq!(ids(&server.get(&format!("/projects?status={status}")).await.expect(200).json()), expected);
    }
    assert_eq!(ids(&server.get("/projects?status=&label=&search=&limit=&cursor=").await.expect(200).json()), [id]);
}

#[tokio::test]
async fn all_requested_labels_must_match() {
    let database = Database::new().await;
    let server = api_server(&database);
    let mut made = Vec::new();
    for labels in [json!({"env": "prod", "team": "core"}), json!({"env": "prod"}), json!({"env": "test", "x": ""})] {
        let project = server.post("/projects", json!({"name": "a", "labels": labels})).await.expect(201).json();
        made.push(project["id"].as_str().unwrap().to_owned());
    }
    let cases: [(&str, &[usize]); 8] = [
        ("label=env=prod", &[1, 0]),
        ("label=env:prod", &[1, 0]),
        ("label=env=prod&label=team=core", &[0]),
        ("label=env=prod&label=team=web", &[]),
        ("label=env=Prod", &[]),
        ("label=x=", &[2]),
        ("label=env%3Dtest", &[2]),
        ("label=nothing=x", &[]),
    ];
    for (query, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|at| made[*at].clone()).collect();
        assert_eq!(ids(&server.get(&format!("/projects?{query}")).await.expect(200).json()), expected, "{query}");
    }
}

#[tokio::test]
async fn conflicting_label_values_are_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    server.post("/projects", json!({"name": "a", "labels": {"env": "prod"}})).await.expect(201);
    let answer = server.get("/projects?label=env=test&label=env=prod").await;
    assert!(answer.status == 400 || answer.text == "[]", "all labels must fit: {} {}", answer.status, answer.text);
}

/// The databases of the suite have the collation `C`, whose `lower` changes only ASCII letters.
#[tokio::test]
async fn search_ignores_case_in_every_script() {
    let database = Database::new().await;
    assert_eq!(database.text("SELECT lower('Ä')").await, "Ä", "the collation is C");
    let server = api_server(&database);
    let names = ["Größe", "ΟΔΟΣ", "Ёлка", "ǅ", "a.b [c] (d|e)+ $^"];
    for name in names {
        server.create(name).await;
        let step = json!({"name": "a", "kind": "unserved"});
        server.post("/workflows", json!({"name": name, "steps": [step]})).await.expect(201);
        database.rows("SELECT enqueue('unserved', payload => to_json($1::text))", &[&name]).await;
    }
    database.run("SET session_replication_role = replica; UPDATE jobs SET error = payload #>> '{}' WHERE kind = 'unserved' AND workflow_id IS NULL").await;
    let cases = [
        ("RÖẞ", 0),
        ("größe", 0),
        ("οδος", 1),
        ("δοσ", 1),
        ("ёЛКА", 2),
        ("ǆ", 3),
        ("A.B [C] (D|E)+ $^", 4),
        ("[c]", 4),
    ];
    for (part, expected) in cases {
        for (path, field) in [("/projects?search", "name"), ("/workflows?name", "name"), ("/jobs?error", "error")] {
            let part = percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC);
            let found = server.get(&format!("{path}={part}")).await.expect(200).json();
            let found: Vec<_> = found.as_array().unwrap().iter().map(|it| it[field].as_str().unwrap()).collect();
            assert_eq!(found, [names[expected]], "{path}={part}");
        }
    }
    assert_refused(
        &server.get(&format!("/workflows?name={}", "a".repeat(256))).await,
        400,
        "invalid_parameter",
        "name",
    );
}

#[tokio::test]
async fn search_matches_name_part_or_id_prefix() {
    let database = Database::new().await;
    let server = api_server(&database);
    let billing = server.create("Billing-EU").await;
    let arabic = server.create("قاعدة البيانات").await;
    let percent = server.create("100%_sure\\").await;
    let cases = [
        ("billing", vec![&billing]),
        ("NG-e", vec![&billing]),
        ("+billing+", vec![&billing]),
        ("%D8%A8%D9%8A%D8%A7%D9%86", vec![&arabic]),
        ("%25", vec![&percent]),
        ("_", vec![&percent]),
        ("%5C", vec![&percent]),
        ("'", vec![]),
        (&billing, vec![&billing]),
        (&billing[..30], vec![&billing]),
        (&billing.to_uppercase(), vec![&billing]),
        (&billing[10..], vec![]),
    ];
    for (text, expected) in cases {
        let found = ids(&server.get(&format!("/projects?search={text}")).await.expect(200).json());
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{text}");
    }
    let long = |n| format!("/projects?search={}", "%C3%A9".repeat(n));
    server.get(&long(255)).await.expect(200);
    assert_refused(&server.get(&long(256)).await, 400, "invalid_parameter", "search");
}

#[tokio::test]
async fn invalid_query_parameter_is_named() {
    let database = Database::new().await;
    let server = api_server(&database);
    let cases = [
        ("status=sleeping", "status"),
        ("status=Ready", "status"),
        ("status=ready&status=failed", "status"),
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=201", "limit"),
        ("limit=1.5", "limit"),
        ("limit=ten", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=1", "cursor"),
        ("cursor=%27%3B--", "cursor"),
        ("label=prod", "label"),
        ("label==x", "label"),
        ("label=a%20b=c", "label"),
        ("label=env=%00", "label"),
        ("search=%00", "search"),
        ("color=red", "color"),
        ("Limit=1", "Limit"),
        ("offset=1", "offset"),
    ];
    for mount in ["", "/api/v1"] {
        for (query, parameter) in cases {
            let answer = server.get(&format!("{mount}/projects?{query}")).await;
            assert_refused(&answer, 400, "invalid_parameter", parameter);
        }
    }
}
