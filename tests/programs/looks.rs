//! Looks at what programs have made, and what happens when the key of a secret is lost.

use serde_json::{Value, json};

use super::terraform::Client;
use super::{KEY, Setup};
use crate::cli::run;
use crate::harness::{Server, eventually};

/// A look several times a second.
const OFTEN: (&str, &str) = ("PROVOST_OBSERVE_INTERVAL", "200ms");
const NEW: (&str, &str) = ("PROVOST_SECRET_KEY", "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
const MAKE: (&str, &str) = ("provision", "touch $R/$PROVOST_PROJECT_ID");
const REMOVE: (&str, &str) = ("deprovision", "rm -f $R/$PROVOST_PROJECT_ID");

impl Setup {
    async fn until_health_is(&self, id: &str, reason: &str) -> Value {
        eventually(&format!("the reason of the health is {reason}"), async || {
            let project = self.server.get(&format!("/projects/{id}")).await.expect(200).json();
            let conditions = project["conditions"].as_array().cloned().unwrap_or_default();
            conditions.into_iter().find(|it| it["type"] == "healthy" && it["reason"] == reason)
        })
        .await
    }

    /// The same with another key.
    fn with_another_key(self) -> Self {
        let Self { place, database, server } = self;
        server.kill();
        let server = place.server(&database, &[NEW]);
        Self { place, database, server }
    }
}

#[tokio::test]
async fn findings_of_two_projects_are_kept_apart() {
    let observe = ("observe", "test -e $R/$PROVOST_PROJECT_ID || exit 3");
    let it = Setup::with(&[MAKE, REMOVE, observe], "", &[OFTEN]).await;
    let ids = [it.ready("a", json!({})).await, it.ready("b", json!({})).await];
    for id in &ids {
        it.until_health_is(id, "observed").await;
        std::fs::remove_file(it.place.path().join("made").join(id)).unwrap();
    }
    for id in &ids {
        it.until_health_is(id, "missing").await;
    }
    for id in &ids {
        let drift = it.server.get(&format!("/drift?project={id}")).await.expect(200).json();
        let objects: Vec<&Value> = drift["findings"].as_array().unwrap().iter().map(|it| &it["object"]).collect();
        assert_eq!(objects, [&json!(format!("resource of project {id}"))]);
    }
}

#[tokio::test]
async fn look_that_takes_too_long_says_nothing() {
    // Only a look runs without the variables for locks.
    let observe = ("observe", "test \"$TF_HTTP_LOCK_METHOD\" || exec sleep 600");
    let more = "settings.observe_timeout = \"1s\"\n";
    let it = Setup::with(&[MAKE, REMOVE, observe], more, &[OFTEN]).await;
    let id = it.ready("shop", json!({})).await;
    let condition = it.until_health_is(&id, "timed_out").await;
    assert_eq!(
        (&condition["status"], &condition["message"]),
        (&json!("unknown"), &json!("the look did not end within 1 s"))
    );
}

#[tokio::test]
async fn look_only_reads_the_terraform_state() {
    let observe = ("observe", "test \"$TF_HTTP_LOCK_METHOD\" || { env >$R/new; mv $R/new $R/look; }");
    let it = Setup::with(&[MAKE, REMOVE, observe], "", &[OFTEN]).await;
    let id = it.ready("shop", json!({})).await;
    let text = it.until_made("look").await;
    let environment = text.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned()));
    let look = Client::of_run(&it.server, &environment.collect());
    look.send("GET", "", "").await.expect(404);
    Client::of(&it.server, &id).put("", 1, "content").await.expect(200);
    assert!(look.send("GET", "", "").await.expect(200).text.contains("content"));
    look.put("", 2, "changed").await.expect(401);
    look.lock("mine").await.expect(401);
    look.send("DELETE", "", "").await.expect(401);
    let other = it.ready("other", json!({})).await;
    look.at(&other).send("GET", "", "").await.expect(401);
    let events = it.server.get(&format!("/projects/{id}/events")).await.json();
    assert!(!events.to_string().contains("revealed"), "the programs of the project read it all the time");
    it.database.check_invariants().await;
}

#[tokio::test]
async fn project_with_a_lost_key_is_rotated_and_deleted() {
    let prints =
        |verb: &'static str| format!("cat >$R/{verb}-$PROVOST_PROJECT_ID.json; echo '{{\"key\": \"of {verb}\"}}'");
    let (provision, rotate, update) = (prints("provision"), prints("rotate"), prints("update"));
    let scripts = [
        ("provision", provision.as_str()),
        ("rotate", &rotate),
        ("update", &update),
        ("deprovision", "cat >$R/deprovision-$PROVOST_PROJECT_ID.json"),
    ];
    let outputs = "settings.outputs.key = { secret = true }\noperations.update.max_attempts = 1\n";
    let it = Setup::with(&scripts, outputs, &[]).await;
    let (id, other) = (it.ready("shop", json!({})).await, it.ready("other", json!({})).await);
    let it = it.with_another_key();
    let path = format!("/projects/{id}");
    it.server.patch(&path, json!({"parameters": {}})).await.expect(202);
    let project = it.server.until(&id, "ready").await;
    assert!(project["failure"]["message"].as_str().unwrap().contains("is encrypted with the key"), "{project}");
    assert!(
        it.made(&format!("update-{id}.json")).is_none(),
        "it could take the lack of the secret for a reason to make another one"
    );

    let rows = run(&it.server, &["credentials", "reissue", "--all", "-o", "json"]).expect(0).json();
    let started: Vec<(&Value, &Value)> =
        rows.as_array().unwrap().iter().map(|it| (&it["project_id"], &it["started"])).collect();
    assert_eq!(started, [(&json!(id), &json!(true)), (&json!(other), &json!(true))]);
    let project = it.server.until(&id, "ready").await;
    assert_eq!(project["failure"], Value::Null, "{project}");
    assert_eq!(it.input(&format!("rotate-{id}.json"))["secrets"], json!({}));
    assert!(it.lines(&id).await.iter().any(|it| it.contains("the program runs without the secret key")));
    let access = it.server.post(&format!("{path}/reveal"), json!({})).await.expect(200).json();
    assert_eq!(access["secrets"], json!({"key": "of rotate"}));
    it.server.until(&other, "ready").await;

    it.database.run("UPDATE secrets SET key_id = 'lost'").await;
    it.server.delete(&path).await.expect(202);
    it.server.until(&id, "deleted").await;
    assert_eq!(it.input(&format!("deprovision-{id}.json"))["secrets"], json!({}));
    it.database.check_invariants().await;
}

#[tokio::test]
async fn refusal_does_not_end_the_replacement_of_credentials() {
    let provision = ("provision", "echo '{\"key\": \"sesame\"}'");
    let more = "settings.outputs.key = { secret = true }\n\
                [templates.also]\nprovisioner = \"command\"\nsettings.provision = [\"sh\", \"-c\", \"echo '{\\\"key\\\": \\\"x\\\"}'\"]\n\
                settings.deprovision = [\"true\"]\nsettings.rotate = [\"sh\", \"-c\", \"echo '{\\\"key\\\": \\\"y\\\"}'\"]\n\
                settings.outputs.key = { secret = true }\n";
    let it = Setup::new(&[provision, REMOVE], more).await;
    let refusing = it.ready("a", json!({})).await;
    let body = json!({"name": "b", "template": "also"});
    let other = it.server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    it.server.until(&other, "ready").await;
    let it = it.with_another_key();
    let rows = run(&it.server, &["credentials", "reissue", "--all", "-o", "json"]).expect(8).json();
    let errors: Vec<bool> = rows.as_array().unwrap().iter().map(|it| it["error"].is_string()).collect();
    assert_eq!((&rows[0]["project_id"], &rows[1]["project_id"]), (&json!(refusing), &json!(other)));
    assert_eq!(errors, [true, false], "{rows}");
    it.server.until(&other, "ready").await;
    let rest = it.server.post("/credentials/reissue", json!({"after": refusing})).await.expect(202).json();
    assert_eq!(rest, json!([]), "only what follows");
}

/// The program of the example looks at what it has made.
#[tokio::test]
async fn terraform_example_is_looked_at() {
    if !super::terraform::has_terraform() {
        return;
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/terraform");
    let database = crate::harness::Database::new().await;
    let server = Server::within(folder.as_ref(), &database.url, &[KEY, OFTEN]);
    let body = json!({"name": "shop", "template": "terraform", "parameters": {"size": 2}});
    let id = server.post("/projects", body).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    server.until(&id, "ready").await;
    eventually("it is healthy", async || {
        let project = server.get(&format!("/projects/{id}")).await.json();
        assert_ne!(project["health"], "unhealthy", "{project}");
        (project["health"] == "healthy").then_some(())
    })
    .await;
}
