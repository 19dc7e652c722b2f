//! Clusters as operators see them, and how many operations run in one at the same time.

use serde_json::{Value, json};

use super::{Setup, settings};
use crate::cli::run;
use crate::harness::{Database, Server, eventually, plain_tenants, tenants};

const CLUSTERS: &str = "[clusters.away]\nurl_env = \"AWAY_URL\"\n[clusters.plain]\nurl_env = \"PLAIN_URL\"\n";

async fn setup() -> Setup {
    let urls = [("AWAY_URL", "postgres://a:sesame@127.0.0.1:1/x"), ("PLAIN_URL", &*plain_tenants().admin_url)];
    Setup::configured("", CLUSTERS, &urls).await
}

#[tokio::test]
async fn clusters_show_what_provost_may_do() {
    let setup = setup().await;
    let clusters = setup.server.get("/clusters").await.expect(200).json();
    let names: Vec<&str> = clusters.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["away", "embedded", "plain", "test"]);
    let [away, embedded, plain, test] = [0, 1, 2, 3].map(|at| &clusters[at]);
    assert_eq!((&away["state"], &away["usable"]), (&json!("unreachable"), &json!(false)), "{away}");
    assert!(away["reason"].as_str().unwrap().contains("cannot connect"), "{away}");
    assert_eq!((&embedded["state"], &embedded["kind"]), (&json!("stopped"), &json!("embedded")));
    assert_eq!((&plain["state"], &plain["usable"]), (&json!("reachable"), &json!(true)), "{plain}");
    assert_eq!(plain["isolation"], "partial: PUBLIC may enter postgres, template1");
    let found = &plain["capabilities"];
    assert_eq!(
        (&found["login"], &found["superuser"], &found["create_databases"], &found["close_databases"]),
        (&json!("provost_admin"), &json!(false), &json!(true), &json!(false))
    );
    assert_eq!(test["capabilities"]["superuser"], !tenants().is_plain());
    assert_eq!(test["isolation"].as_str().unwrap().starts_with("full"), !tenants().is_plain());
    assert_eq!(setup.server.get("/clusters/plain").await.expect(200).json()["name"], "plain");
    assert_eq!(setup.server.get("/clusters/nowhere").await.code(), "not_found");
    assert!(!clusters.to_string().contains("sesame"));
    let page = setup.server.get("/dashboard/clusters").await.expect(200).text;
    assert!(page.contains("partial: PUBLIC may enter") && page.contains("Unreachable") && page.contains("Stopped"));
    assert!(!setup.folder.path().join("data/tenants").exists(), "a look starts nothing");
}

#[tokio::test]
async fn command_line_shows_clusters() {
    let setup = setup().await;
    let listed: Value = run(&setup.server, &["cluster", "list", "-o", "json"]).expect(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 4);
    let one = run(&setup.server, &["cluster", "get", "plain"]).expect(0).out;
    assert!(one.contains("provost_admin") && one.contains("partial"), "{one}");
    run(&setup.server, &["cluster", "get", "nowhere"]).expect(3);
}

#[tokio::test]
async fn login_without_rights_is_not_usable() {
    let setup = setup().await;
    let superuser = crate::harness::connect(&plain_tenants().superuser_url).await;
    superuser.batch_execute("CREATE ROLE poor LOGIN PASSWORD 'poor'").await.unwrap();
    let url = plain_tenants().admin_url.replace("provost_admin:provost_admin", "poor:poor");
    let Setup { server, database, folder } = setup;
    server.kill();
    let [key, cluster] = settings();
    let away = ("AWAY_URL", "postgres://127.0.0.1:1/x");
    let server = Server::within(folder.path(), &database.url, &[key, cluster, away, ("PLAIN_URL", &url)]);
    let plain = server.get("/clusters/plain").await.expect(200).json();
    assert_eq!((&plain["state"], &plain["usable"]), (&json!("reachable"), &json!(false)), "{plain}");
    assert!(plain["reason"].as_str().unwrap().contains("ALTER ROLE poor CREATEDB CREATEROLE"), "{plain}");
}

#[tokio::test]
async fn first_project_limits_the_operations_in_its_cluster() {
    let setup = Setup::new().await;
    assert_eq!(setup.server.get("/clusters/test").await.json()["concurrency"], Value::Null);
    setup.ready("a", json!({})).await;
    let queue = setup.server.get("/queues/cluster:test").await.expect(200).json();
    assert_eq!(queue["concurrency"], 4);
    assert_eq!(setup.server.get("/clusters/test").await.json()["concurrency"], 4);
    let other = json!({"name": "x", "template": "db", "queue": "other"});
    let refused = setup.server.post("/projects", other).await.expect(422).json();
    assert_eq!(refused["errors"][0]["field"], "queue", "{refused}");
    // An operator removes the limit, and it stays removed.
    setup.server.patch("/queues/cluster:test", json!({"concurrency": null})).await.expect(200);
    setup.ready("b", json!({})).await;
    assert_eq!(setup.server.get("/queues/cluster:test").await.json()["concurrency"], Value::Null);
}

#[tokio::test]
async fn operations_beyond_the_limit_wait_and_say_why() {
    let setup = Setup::configured("concurrency = 1\n", "", &[]).await;
    let gate = setup.database.gate("steps", "NEW.name = 'reach' AND NEW.state = 'done'").await;
    let first = setup.create("a", json!({})).await;
    gate.is_reached(&setup.database).await;
    let second = setup.create("b", json!({})).await;
    let explained = eventually("the second waits for the limit", async || {
        let it = setup.server.get(&format!("/projects/{second}/explain")).await.expect(200).json();
        (it["reason"] == "throttled").then_some(it)
    })
    .await;
    assert!(explained["summary"].as_str().unwrap().contains("queue:cluster:test"), "{explained}");
    let cluster = setup.server.get("/clusters/test").await.json();
    assert_eq!(
        (&cluster["concurrency"], &cluster["active"], &cluster["held_back"]),
        (&json!(1), &json!(1), &json!(1)),
        "{cluster}"
    );
    // Other projects do not wait for the cluster.
    let other = setup.server.ready("simulated").await;
    assert_eq!(setup.server.get(&format!("/projects/{other}")).await.json()["status"], "ready");
    gate.open().await;
    for id in [first, second] {
        setup.server.until(&id, "ready").await;
    }
    setup.database.check_invariants().await;
}

#[tokio::test]
async fn mistakes_about_clusters_end_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[clusters.bad]\nurl_env = \"BAD_URL\"\n[clusters.far]\nurl_env = \"FAR_URL\"\nconcurrency = 0\n\
                  [clusters.embedded]\nurl_env = \"FAR_URL\"\n\
                  [templates.a]\nprovisioner = \"postgres\"\nsettings = { cluster = \"nowhere\" }\n\
                  [templates.b]\nprovisioner = \"postgres\"\nsettings = { clutser = \"far\" }\n\
                  [templates.c]\nprovisioner = \"simulated\"\nsettings = { speed = 1 }\n\
                  [templates.d]\nprovisioner = \"postgres\"\nsettings = { cluster = \"bad\" }\n\
                  [commands.it]\nargv = []\n";
    std::fs::write(folder.path().join("provost.toml"), config).unwrap();
    let mut command = Server::command();
    command.args(["serve"]).env("DATABASE_URL", "postgres://127.0.0.1:1/x").current_dir(folder.path());
    command.env("BAD_URL", "mysql://sesame@[x").env("FAR_URL", "postgres://127.0.0.1:1/x");
    // Settings, keys, commands, clusters and templates are checked together.
    command.env("PROVOST_LEASE_TTL", "soon").env("PROVOST_HTTP_ALLOW", "*").env("PROVOST_DEFAULT_TEMPLATE", "e");
    command.env("PROVOST_SECRET_KEY_FILE", "no-such-file").env("PROVOST_SECRET_KEY_PREVIOUS", "short");
    let ended = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(2), "{stderr}");
    for mistake in [
        "PROVOST_LEASE_TTL (environment) must be a duration",
        "PROVOST_HTTP_ALLOW: ",
        "PROVOST_SECRET_KEY_FILE: ",
        "PROVOST_SECRET_KEY_PREVIOUS: ",
        "PROVOST_DEFAULT_TEMPLATE is \"e\", which does not exist",
        "commands.it.argv (provost.toml)",
        "clusters.bad (provost.toml) has an unusable URL: not a PostgreSQL URL",
        "clusters.far (provost.toml) has the concurrency 0",
        "clusters.embedded (provost.toml) is the embedded cluster",
        "templates.a.settings.cluster (provost.toml) is \"nowhere\", which is not configured; use one of bad, embedded, far",
        "templates.b.settings (provost.toml) are invalid: unknown field `clutser`",
        "templates.c.settings.speed (provost.toml) is not a setting of this provisioner",
    ] {
        assert!(stderr.contains(mistake), "{mistake}\n{stderr}");
    }
    assert_eq!(stderr.matches("  - ").count(), 12, "{stderr}");
    assert!(!stderr.contains("DATABASE_URL") && !stderr.contains("sesame"), "{stderr}");
}

/// A worker without the cluster of a project says so.
#[tokio::test]
async fn unknown_cluster_is_named_in_the_failure() {
    let setup = Setup::new().await;
    let id = setup.ready("a", json!({})).await;
    let Setup { server, database, folder } = setup;
    server.kill();
    std::fs::write(folder.path().join("provost.toml"), "").unwrap();
    let [key, _] = settings();
    let server = Server::within(folder.path(), &database.url, &[key, ("PROVOST_MAX_ATTEMPTS", "1")]);
    server.post(&format!("/projects/{id}/pause"), json!({})).await.expect(202);
    let project = server.until(&id, "ready").await;
    assert_eq!(project["failure"]["code"], "unknown_cluster", "{project}");
    let steps = server.get(&format!("/projects/{id}/steps")).await.json();
    assert_eq!((&steps[0]["name"], &steps[0]["state"]), (&json!("begin"), &json!("skipped")), "{steps}");
    _ = Database::at(&database.url).await;
}
