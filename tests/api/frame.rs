//! What applies to every request: request ids, headers, HEAD, methods, paths and both mounts.

use reqwest::Method;
use serde_json::json;

use super::{UNKNOWN_ID, api_server, assert_problem, ids};
use crate::harness::{Database, Server, eventually, send};

#[tokio::test]
async fn safe_request_id_is_kept_and_unsafe_replaced() {
    let database = Database::new().await;
    let server = api_server(&database);
    let ask = |id: &str| send(server.request(Method::GET, "/healthz").header("x-request-id", id));
    for id in ["abc", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a.b_c:d/e+f=@-", &"x".repeat(128)] {
        assert_eq!(ask(id).await.header("x-request-id"), id);
    }
    for id in ["", "a b", "<script>", "a\"b", "é", &"x".repeat(129), "a,b"] {
        let answer = ask(id).await.expect(200);
        assert!(uuid::Uuid::try_parse(answer.header("x-request-id")).is_ok(), "{id}: {:?}", answer.headers);
    }
    let (one, other) = (server.get("/healthz").await, server.get("/healthz").await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn request_id_is_in_problem_event_and_log() {
    let database = Database::new().await;
    let server = api_server(&database);
    let request = server.request(Method::POST, "/projects").header("x-request-id", "trace-7");
    let id = send(request.json(&json!({"name": "a"}))).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    let events = server.get(&format!("/projects/{id}/events")).await.json();
    assert_eq!(events[0]["request_id"], "trace-7");
    let refused = send(server.request(Method::GET, "/projects/x").header("x-request-id", "trace-8")).await;
    assert_eq!(refused.json()["request_id"], "trace-8");
    let logged = |id: &str, status: u16| {
        server.log().iter().filter(|line| line["request_id"] == id && line["status"] == status).count() == 1
    };
    eventually("both requests are logged, once", async || {
        (logged("trace-7", 201) && logged("trace-8", 400)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let database = Database::new().await;
    let server = api_server(&database);
    for path in
        ["/projects", "/projects/x", "/nothing", "/healthz", "/openapi.json", "/dashboard/projects", "/static/x"]
    {
        let answer = server.get(path).await;
        let expected = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        for (name, value) in expected {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        assert!(answer.header("content-security-policy").starts_with("default-src 'none';"), "{path}");
        assert!(!answer.header("cache-control").is_empty() && !answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!((answer.header("server"), answer.header("access-control-allow-origin")), ("", ""), "{path}");
    }
}

#[tokio::test]
async fn dynamic_responses_are_not_cached() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.create("a").await;
    for path in ["/projects".to_owned(), format!("/projects/{id}"), "/metrics".to_owned(), "/health".to_owned()] {
        let kept = server.get(&path).await.header("cache-control").to_owned();
        assert!(kept.contains("no-store") || kept.contains("no-cache"), "{path}: {kept}");
    }
}

#[tokio::test]
async fn head_is_get_without_body() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let id = server.ready("a").await;
    let paths = ["/projects".to_owned(), format!("/projects/{id}"), format!("/projects/{id}/events")];
    let fixed = ["/metrics", "/openapi.json", "/healthz", "/readyz", "/projects/x", "/nothing"];
    for path in paths.into_iter().chain(fixed.map(str::to_owned)) {
        let (head, get) = (send(server.request(Method::HEAD, &path)).await, server.get(&path).await);
        assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
        for name in ["content-type", "etag"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn unsupported_method_lists_allowed_ones() {
    let database = Database::new().await;
    let server = api_server(&database);
    let one = format!("/projects/{UNKNOWN_ID}");
    let all = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];
    let routes = [("/projects", "GET, POST"), (&one, "GET, PATCH, DELETE"), ("/metrics", "GET"), ("/health", "GET")];
    let under = [format!("{one}/retry"), format!("{one}/events"), format!("{one}/explain")];
    let under = under.iter().map(String::as_str).zip(["POST", "GET", "GET"]);
    let more = ["/metrics/prometheus", "/healthz", "/readyz", "/openapi.json"].map(|path| (path, "GET"));
    for (path, allowed) in routes.into_iter().chain(under).chain(more) {
        for method in all.iter().filter(|method| !allowed.split(", ").any(|it| it == method.as_str())) {
            for mount in ["", "/api/v1"] {
                let answer = send(server.request(method.clone(), &format!("{mount}{path}"))).await;
                assert_problem(&answer, 405, "method_not_allowed");
                assert_eq!(answer.header("allow"), allowed, "{method} {mount}{path}");
            }
        }
    }
}

#[tokio::test]
async fn unknown_path_points_to_openapi() {
    let database = Database::new().await;
    let server = api_server(&database);
    let inside = format!("/projects/{UNKNOWN_ID}/nothing");
    for path in ["/nothing", "/api/v1", "/api/v1/nothing", "/api/v2/projects", "/Projects", &inside, "/.git/config"] {
        let answer = server.get(path).await;
        assert_problem(&answer, 404, "no_route");
        assert!(answer.text.contains("/openapi.json"), "{}", answer.text);
    }
}

#[tokio::test]
async fn both_mounts_and_trailing_slashes_work() {
    let database = Database::new().await;
    let server = api_server(&database);
    let id = server.post("/api/v1/projects", json!({"name": "a"})).await.expect(201).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for mount in ["", "/api/v1"] {
        for path in ["/projects", "/projects/", "//projects", "/projects//"] {
            assert_eq!(
                ids(&server.get(&format!("{mount}{path}")).await.expect(200).json()),
                [id.as_str()],
                "{mount}{path}"
            );
        }
        let (one, events) = (format!("{mount}/projects/{id}"), format!("{mount}/projects/{id}/events/"));
        assert_eq!(server.get(&one).await.expect(200).json()["id"], json!(id));
        assert_eq!(server.get(&events).await.expect(200).json()[0]["new_state"], "creating");
        server.patch(&one, json!({"name": format!("b{mount}")})).await.expect(200);
        server.get(&format!("{one}/explain")).await.expect(200);
        server.post(&format!("{one}/retry"), json!({})).await.expect(409);
        server.post(&format!("{one}/cancel"), json!({})).await.expect(202);
        server.post(&format!("{one}/retry"), json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn root_lists_paths_and_redirects_browsers() {
    let database = Database::new().await;
    let server = api_server(&database);
    let welcome = server.get("/").await.expect(200).json();
    for key in ["projects", "metrics", "health", "openapi"] {
        server.get(welcome[key].as_str().unwrap()).await.expect(200);
    }
    let browser = send(server.request(Method::GET, "/").header("accept", "text/html,*/*;q=0.8")).await.expect(307);
    assert_eq!(browser.header("location"), "/dashboard/projects");
}
