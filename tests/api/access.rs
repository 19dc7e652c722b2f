//! Access control: tokens, sessions, Host header and cross-site requests.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{api_server, assert_problem};
use crate::harness::{Answer, Database, Server, send};

const TOKEN: &str = "a-token-of-this-test-0123456789";

fn guarded(database: &Database) -> Server {
    Server::with(&database.url, &[("PROVOST_ADMIN_TOKEN", TOKEN), ("PROVOST_ROLES", "api")])
}

fn login(server: &Server, token: &str, next: &str) -> RequestBuilder {
    let body = format!("token={token}&next={next}");
    let request = server.request(Method::POST, "/dashboard/login");
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn unauthenticated_requests_reach_only_health_and_login() {
    let database = Database::new().await;
    let server = guarded(&database);
    for path in ["/healthz", "/readyz", "/api/v1/healthz", "/api/v1/readyz", "/healthz/", "/dashboard/login"] {
        server.get(path).await.expect(200);
    }
    let closed =
        ["/projects", "/api/v1/projects", "/metrics", "/metrics/prometheus", "/health", "/openapi.json", "/nothing"];
    for path in closed.into_iter().chain(["//projects", "/healthz/..%2fprojects", "/static/../projects"]) {
        let answer = server.get(path).await;
        assert_problem(&answer, 401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{path}");
    }
    assert_problem(&server.post("/projects", json!({"name": "a"})).await, 401, "unauthorized");
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
}

#[tokio::test]
async fn partial_token_is_rejected() {
    let database = Database::new().await;
    let server = guarded(&database);
    let ask = |value: String| send(server.request(Method::GET, "/projects").header("authorization", value));
    for value in [format!("Bearer {TOKEN}"), format!("bearer {TOKEN}"), format!("BEARER  {TOKEN} ")] {
        ask(value).await.expect(200);
    }
    let wrong = ["", "Bearer", "Bearer ", TOKEN, "Basic YTpi", &format!("Basic {TOKEN}"), &format!("Bearer {TOKEN}x")];
    for value in
        wrong.into_iter().chain([&*format!("Bearer {}", &TOKEN[1..]), &*format!("Bearer {}", TOKEN.to_uppercase())])
    {
        assert_problem(&ask(value.to_owned()).await, 401, "unauthorized");
    }
    assert_problem(&server.get(&format!("/projects?token={TOKEN}")).await, 401, "unauthorized");
}

#[tokio::test]
async fn any_host_is_served_with_token() {
    let database = Database::new().await;
    let server = guarded(&database);
    let request = server.request(Method::GET, "/projects").header("host", "provost.example").bearer_auth(TOKEN);
    send(request).await.expect(200);
}

#[tokio::test]
async fn browser_can_sign_in_and_out() {
    let database = Database::new().await;
    let server = guarded(&database);
    let first = server.get("/dashboard/projects?status=failed").await.expect(303);
    let form = first.header("location").to_owned();
    assert_eq!(form, "/dashboard/login?next=%2Fdashboard%2Fprojects%3Fstatus%3Dfailed");
    assert!(server.get(&form).await.expect(200).text.contains("/dashboard/projects?status=failed"));
    let signed_in = send(login(&server, TOKEN, "/dashboard/projects?status%3Dfailed")).await.expect(303);
    assert_eq!(signed_in.header("location"), "/dashboard/projects?status=failed");
    let set = signed_in.header("set-cookie").to_owned();
    assert!(
        ["HttpOnly", "SameSite=Strict", "Path=/"].iter().all(|it| set.contains(it)) && !set.contains(TOKEN),
        "{set}"
    );
    let with = |method, path: &str| server.request(method, path).header("cookie", cookie_of(&signed_in));
    send(with(Method::GET, "/dashboard/projects")).await.expect(200);
    send(with(Method::GET, "/projects")).await.expect(200);
    send(with(Method::POST, "/projects").json(&json!({"name": "a"}))).await.expect(201);
    let out = send(with(Method::POST, "/dashboard/logout")).await.expect(303);
    assert!(out.header("set-cookie").starts_with("provost_session=;"), "{:?}", out.headers);
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{:?}", out.headers);
}

#[tokio::test]
async fn sign_in_with_wrong_token_fails() {
    let database = Database::new().await;
    let server = guarded(&database);
    for token in ["", "wrong", "%00"] {
        let answer = send(login(&server, token, "/dashboard/projects")).await.expect(401);
        assert!(!answer.headers.contains_key("set-cookie"), "{:?}", answer.headers);
    }
    for cookie in ["provost_session=", "provost_session=0000", &format!("provost_session={TOKEN}"), "provost_session"] {
        let answer = send(server.request(Method::GET, "/projects").header("cookie", cookie)).await;
        assert_problem(&answer, 401, "unauthorized");
    }
}

#[tokio::test]
async fn sign_in_never_redirects_to_other_site() {
    let database = Database::new().await;
    let server = guarded(&database);
    for next in ["https://evil.example", "//evil.example", "/%5Cevil.example", "/dashboard/%5Cevil", "/projects", ""] {
        let answer = send(login(&server, TOKEN, next)).await.expect(303);
        assert_eq!(answer.header("location"), "/dashboard/projects", "{next}");
    }
}

#[tokio::test]
async fn only_local_hosts_are_served_without_token() {
    let database = Database::new().await;
    let server = api_server(&database);
    let ask = |path: &str, host: &str| send(server.request(Method::GET, path).header("host", host));
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80"] {
        ask("/projects", host).await.expect(200);
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example:80", "0.0.0.0"] {
        for path in ["/projects", "/metrics", "/dashboard/projects", "/nothing"] {
            assert_problem(&ask(path, host).await, 421, "misdirected_request");
        }
    }
}

#[tokio::test]
async fn cross_site_changes_are_rejected() {
    let database = Database::new().await;
    let server = api_server(&database);
    let own = server.url.clone();
    let post = |name: &'static str, value: String| {
        let request = server.request(Method::POST, "/projects").header(name, value);
        send(request.json(&json!({"name": "a"})))
    };
    for site in ["cross-site", "same-site"] {
        assert_problem(&post("sec-fetch-site", site.to_owned()).await, 403, "cross_site_request");
    }
    for origin in ["https://evil.example", "null", "http://localhost:1", ""] {
        assert_problem(&post("origin", origin.to_owned()).await, 403, "cross_site_request");
    }
    assert_eq!(database.number("SELECT count(*) FROM projects").await, 0);
    for (name, value) in [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none"), ("origin", own.as_str())] {
        post(name, value.to_owned()).await.expect(201);
    }
    send(server.request(Method::GET, "/projects").header("sec-fetch-site", "cross-site")).await.expect(200);
}

#[tokio::test]
async fn cross_site_changes_are_rejected_with_token() {
    let database = Database::new().await;
    let server = guarded(&database);
    let signed_in = send(login(&server, TOKEN, "")).await.expect(303);
    for (name, value) in [("authorization", format!("Bearer {TOKEN}")), ("cookie", cookie_of(&signed_in))] {
        let request = server.request(Method::DELETE, "/projects/x").header(name, value);
        assert_problem(&send(request.header("sec-fetch-site", "cross-site")).await, 403, "cross_site_request");
    }
    let forged = send(login(&server, TOKEN, "").header("origin", "https://evil.example")).await;
    assert_problem(&forged, 403, "cross_site_request");
}
