//! The keys that encrypt secrets: moving to another one, and losing one.

use serde_json::{Value, json};

use super::{KEY, Setup, can_connect, settings};
use crate::cli::run;
use crate::harness::{Server, eventually};

const NEW: (&str, &str) = ("PROVOST_SECRET_KEY", "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
const PREVIOUS: (&str, &str) = ("PROVOST_SECRET_KEY_PREVIOUS", KEY.1);

/// Runs `provost secrets` on the database of a test.
fn secrets(setup: &Setup, verb: &str, keys: &[(&str, &str)], code: i32) -> Value {
    let mut command = Server::command();
    command.args(["secrets", verb, "-o", "json"]).env("DATABASE_URL", &setup.database.url).envs(keys.iter().copied());
    let ended = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(code), "{stderr}");
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("not JSON: {stderr}"))
}

/// The same database with a server that has other keys.
fn restarted(setup: Setup, keys: &[(&'static str, &'static str)]) -> Setup {
    let Setup { server, database, folder } = setup;
    server.kill();
    let [_, cluster] = settings();
    let server = Server::within(folder.path(), &database.url, &[&[cluster][..], keys].concat());
    Setup { server, database, folder }
}

#[tokio::test]
async fn secrets_move_to_the_new_key_while_servers_work() {
    let setup = Setup::new().await;
    let old = setup.ready("old", json!({})).await;
    let url = setup.url(&old).await;
    let setup = restarted(setup, &[NEW, PREVIOUS]);
    assert_eq!(setup.url(&old).await, url, "the previous key is accepted");
    let new = setup.ready("new", json!({})).await;
    let status = secrets(&setup, "status", &[NEW, PREVIOUS], 0);
    let words: Vec<&Value> = status.as_array().unwrap().iter().map(|it| &it["status"]).collect();
    assert!(words.contains(&&json!("current")) && words.contains(&&json!("previous")), "{status}");

    let moved = secrets(&setup, "rotate-key", &[NEW, PREVIOUS], 0);
    assert_eq!((&moved["moved"], &moved["unreadable"]), (&json!(1), &json!(0)), "{moved}");
    assert_eq!(setup.url(&old).await, url);
    assert_eq!(secrets(&setup, "rotate-key", &[NEW, PREVIOUS], 0)["moved"], 0, "there is nothing left to do");

    let setup = restarted(setup, &[NEW]);
    assert_eq!(setup.url(&old).await, url, "the previous key is no longer needed");
    setup.url(&new).await;
    let status = secrets(&setup, "status", &[NEW], 0);
    assert_eq!((status.as_array().unwrap().len(), &status[0]["secrets"]), (1, &json!(2)), "{status}");
    assert_eq!(status[0]["status"], "current");
}

/// More unreadable secrets than a batch has.
#[tokio::test]
async fn unreadable_secrets_do_not_keep_others_from_moving() {
    let setup = Setup::new().await;
    let id = setup.ready("a", json!({})).await;
    let url = setup.url(&id).await;
    let copies = "INSERT INTO secrets (id, project_id, name, key_id, wrapped_key, ciphertext)
                  SELECT min_uuid_v7('epoch'::timestamptz + n * interval '1 s'), project_id, 'copy' || n, key_id, wrapped_key, ciphertext
                  FROM secrets, generate_series(1, 600) AS n";
    setup.database.run(copies).await;
    let moved = secrets(&setup, "rotate-key", &[NEW, PREVIOUS], 8);
    assert_eq!((&moved["moved"], &moved["unreadable"]), (&json!(1), &json!(600)), "{moved}");
    setup.database.run("DELETE FROM secrets WHERE name LIKE 'copy%'").await;
    assert_eq!(restarted(setup, &[NEW]).url(&id).await, url);
}

#[tokio::test]
async fn lost_key_is_named_and_credentials_are_issued_again() {
    let setup = Setup::new().await;
    let (a, b, c) =
        (setup.ready("a", json!({})).await, setup.ready("b", json!({})).await, setup.ready("c", json!({})).await);
    let old = setup.url(&a).await;
    setup.server.post(&format!("/projects/{c}/pause"), json!({})).await.expect(202);
    setup.server.until(&c, "paused").await;
    let setup = restarted(setup, &[NEW]);
    let refused = setup.server.post(&format!("/projects/{a}/reveal"), json!({})).await.expect(409);
    assert_eq!(refused.code(), "secret_unreadable");
    assert!(refused.json()["detail"].as_str().unwrap().contains("provost credentials reissue"), "{}", refused.text);
    assert_eq!(secrets(&setup, "status", &[NEW], 0)[0]["status"], "missing");

    // One project, then all the others.
    run(&setup.server, &["credentials", "reissue", "a"]).expect(0);
    setup.server.until(&a, "ready").await;
    let new = setup.url(&a).await;
    assert!(new != old && can_connect(&new).await && can_connect(&old).await, "both are valid for now");
    run(&setup.server, &["credentials", "reissue"]).expect(2);
    let reissued = run(&setup.server, &["credentials", "reissue", "--all", "-o", "json"]).expect(0).json();
    let rows: Vec<(&Value, &Value)> =
        reissued.as_array().unwrap().iter().map(|it| (&it["project_id"], &it["started"])).collect();
    assert_eq!(rows, [(&json!(b), &json!(true)), (&json!(c), &json!(false))], "{reissued}");
    assert_eq!(reissued[1]["status"], "paused");
    let project = setup.server.until(&b, "ready").await;
    assert_eq!(project["failure"], Value::Null, "{project}");
    assert!(can_connect(&setup.url(&b).await).await);
    // Resuming needs no secret.
    setup.server.post(&format!("/projects/{c}/resume"), json!({})).await.expect(202);
    setup.server.until(&c, "ready").await;
    run(&setup.server, &["credentials", "reissue", "--all"]).expect(0);
    eventually("the last one is issued", async || {
        let answer = setup.server.post(&format!("/projects/{c}/reveal"), json!({})).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

/// An earlier attempt has stored a password under a key that is lost now.
#[tokio::test]
async fn replacement_goes_on_although_its_password_is_unreadable() {
    let setup = Setup::new().await;
    let id = setup.ready("a", json!({})).await;
    let stale = "INSERT INTO secrets (id, project_id, name, key_id, wrapped_key, ciphertext)
                 SELECT uuid_v7(), project_id, replace(name, '_c1', '_c2'), 'lost', wrapped_key, ciphertext FROM secrets";
    setup.database.run(stale).await;
    setup.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    let project = setup.server.until(&id, "ready").await;
    assert_eq!(project["failure"], Value::Null, "{project}");
    let url = setup.url(&id).await;
    assert!(url.contains("_c2:") && can_connect(&url).await);
}
