//! From the creation to the removal, and what the programs receive.

use serde_json::{Value, json};

use super::{CANARY, Setup};
use crate::harness::Server;

/// Outputs, parameters and a resource: a file named after the project.
const OUTPUTS: &str = "settings.outputs.url = {}\nsettings.outputs.port = { type = \"integer\" }\n\
    settings.outputs.key = { secret = true }\n";
const PARAMETERS: &str = "[templates.it.parameters]\ntype = \"object\"\n\
    properties.size = { type = \"integer\", default = 3 }\nproperties.note = { type = \"string\" }\n";

fn scripts(extra: &'static str) -> Vec<(&'static str, String)> {
    let provision = "cat >$R/provision.json; echo making >&2; touch $R/$PROVOST_PROJECT_ID; \
         echo '{\"url\": \"http://x\", \"port\": 80, \"key\": \"'$(cat $R/canary)'\"}'"
        .to_owned();
    let update = "cat >$R/update.json; echo '{\"port\": 81}'".to_owned();
    let rotate = "cat >$R/rotate.json; echo '{\"key\": \"'$(cat $R/canary)'-2\"}'".to_owned();
    let deprovision = format!("cat >$R/deprovision.json; rm -f $R/$PROVOST_PROJECT_ID {extra}");
    vec![("provision", provision), ("update", update), ("rotate", rotate), ("deprovision", deprovision)]
}

async fn setup(more: &[(&str, &str)]) -> Setup {
    let scripts = scripts("");
    let scripts: Vec<(&str, &str)> = scripts.iter().map(|(verb, it)| (*verb, it.as_str())).collect();
    let settings = format!("{OUTPUTS}{PARAMETERS}");
    Setup::new(&[&scripts[..], more].concat(), &settings).await
}

async fn reveal(server: &Server, id: &str) -> Value {
    let access = server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200);
    assert_eq!(access.header("cache-control"), "no-store");
    access.json()
}

#[tokio::test]
async fn programs_make_change_and_remove_the_resource() {
    let it = setup(&[]).await;
    let id = it.ready("shop", json!({"note": "hello"})).await;
    let input = it.input("provision.json");
    let project = json!({"id": id, "name": "shop", "labels": {"team": "x"}});
    assert_eq!((&input["project"], &input["operation"]), (&project, &json!("create")));
    assert_eq!(input["template"], json!({"name": "it", "version": 1}));
    assert_eq!(input["parameters"], json!({"size": 3, "note": "hello"}), "with the defaults");
    assert_eq!((&input["outputs"], &input["secrets"]), (&json!({}), &json!({})));
    let outputs = it.server.get(&format!("/projects/{id}/outputs")).await.json();
    assert_eq!(outputs, json!({"url": "http://x", "port": 80}), "without the secret");
    assert_eq!(it.steps(&id).await, ["provision done"]);
    assert!(it.lines(&id).await.contains(&"stderr making".to_owned()));

    it.server.patch(&format!("/projects/{id}"), json!({"parameters": {"size": 5}})).await.expect(202);
    it.server.until(&id, "ready").await;
    let input = it.input("update.json");
    assert_eq!((&input["program"], &input["parameters"]), (&json!("update"), &json!({"size": 5})));
    assert_eq!(input["outputs"], json!({"url": "http://x", "port": 80}));
    assert_eq!(input["secrets"], json!({"key": CANARY}));
    let outputs = it.server.get(&format!("/projects/{id}/outputs")).await.json();
    assert_eq!(outputs, json!({"url": "http://x", "port": 81}), "an output that is not printed stays");

    it.server.post(&format!("/projects/{id}/rotate"), json!({})).await.expect(202);
    it.server.until(&id, "ready").await;
    assert_eq!(reveal(&it.server, &id).await["secrets"], json!({"key": format!("{CANARY}-2")}));

    assert!(it.made(&id).is_some());
    it.server.delete(&format!("/projects/{id}")).await.expect(202);
    it.server.until(&id, "deleted").await;
    assert!(it.made(&id).is_none() && it.input("deprovision.json")["undo"] == false);
    assert_eq!(it.database.text("SELECT count(*)::text FROM secrets").await, "0");
    it.place.is_tidy().await;
    it.database.check_invariants().await;
}

#[tokio::test]
async fn secret_output_is_only_revealed() {
    let it = setup(&[]).await;
    let id = it.ready("shop", json!({})).await;
    it.server.patch(&format!("/projects/{id}"), json!({"parameters": {"size": 5}})).await.expect(202);
    it.server.until(&id, "ready").await;
    let operations = it.server.get(&format!("/projects/{id}/operations")).await.json();
    let job = operations[0]["job_id"].as_str().unwrap().to_owned();
    let mut paths = vec!["/events?limit=200".to_owned(), "/jobs?limit=100".to_owned(), "/metrics".to_owned()];
    for rest in ["", "/outputs", "/operations", "/steps", "/events", "/explain"] {
        paths.push(format!("/projects/{id}{rest}"));
    }
    paths.extend(["", "/logs", "/events", "/inspection"].map(|rest| format!("/jobs/{job}{rest}")));
    paths.extend([format!("/dashboard/projects/{id}"), format!("/dashboard/jobs/{job}")]);
    for path in paths {
        let answer = it.server.get(&path).await.expect(200);
        assert!(!answer.text.contains(CANARY), "{path} contains the secret");
    }
    let dump =
        "SELECT string_agg(query_to_xml(format('SELECT t::text FROM %I t', tablename), true, false, '')::text, '')
                FROM pg_tables WHERE schemaname = 'provost'";
    let dump = it.database.text(dump).await;
    assert!(dump.contains("http://x") && !dump.contains(CANARY), "the database contains the secret");
    assert!(!it.server.raw_log().contains(CANARY), "the log contains the secret");
    let carried =
        "SELECT string_agg(payload::text, '') || (SELECT string_agg(settings::text, '') FROM templates) FROM jobs";
    assert!(!it.database.text(carried).await.contains("PROVOST_PROJECT_ID"), "the programs stay with the worker");
    assert_eq!(reveal(&it.server, &id).await["secrets"], json!({"key": CANARY}));
    let events = it.server.get(&format!("/projects/{id}/events")).await.json();
    assert!(events[0]["reason"].as_str().unwrap().contains("revealed"), "{}", events[0]);
}

#[tokio::test]
async fn observe_decides_whether_a_program_runs() {
    let observe = "cat >/dev/null; echo look >>$R/looks; test -e $R/adopted || exit 3; \
                   echo '{\"url\": \"http://adopted\", \"port\": 1, \"key\": \"k\"}'";
    let it = setup(&[("observe", observe)]).await;
    let id = it.ready("made", json!({})).await;
    assert!(it.made(&id).is_some(), "missing, so it is made");
    std::fs::write(it.place.path().join("made/adopted"), "").unwrap();
    let other = it.ready("adopted", json!({})).await;
    assert!(it.made(&other).is_none(), "as wanted, so nothing runs");
    let outputs = it.server.get(&format!("/projects/{other}/outputs")).await.json();
    assert_eq!(outputs["url"], "http://adopted");

    it.server.delete(&format!("/projects/{id}")).await.expect(202);
    let failed = it.server.until(&id, "failed").await;
    assert_eq!(failed["failure"]["code"], "still_exists", "{failed}");
    std::fs::remove_file(it.place.path().join("made/adopted")).unwrap();
    it.server.delete(&format!("/projects/{id}")).await.expect(202);
    it.server.until(&id, "deleted").await;
    assert_eq!(it.steps(&id).await, ["deprovision done", "verify_gone done"]);
}

#[tokio::test]
async fn hostile_names_and_parameters_are_only_data() {
    let it = setup(&[]).await;
    let note = "'; touch $R/pwned; $(touch $R/pwned) `touch $R/pwned` \"\\\n\u{202e}\u{1f600}";
    for name in ["$(touch $R/pwned)", "\"; touch $R/pwned; #", "--help", "../../etc\u{202e}", "'\\''"] {
        let id = it.ready(name, json!({"note": note})).await;
        let input = it.input("provision.json");
        assert_eq!((&input["project"]["name"], &input["parameters"]["note"]), (&json!(name), &json!(note)));
        assert_eq!(input["project"]["id"], id);
    }
    assert!(it.made("pwned").is_none());
}
