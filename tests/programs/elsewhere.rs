//! Programs of a worker without a database: the server knows the template, but not its programs.

use serde_json::json;

use super::KEY;
use crate::commands::Place;
use crate::harness::{Database, Server, send};

const ON_THE_SERVER: &str = "[templates.it]\nprovisioner = \"remote\"\nqueue = \"elsewhere\"\n\
    [templates.it.parameters]\ntype = \"object\"\nproperties.size = { type = \"integer\", default = 3 }\n";

/// Checks what it receives, and prints its token as a secret.
const PROVISION: &str = "cat >input.json; grep -q '\"size\":3' input.json || exit 64; \
    test \"$TF_HTTP_ADDRESS\" && test \"$TF_HTTP_PASSWORD\" || exit 65; \
    echo hello >&2; echo '{\"url\": \"'$TF_HTTP_ADDRESS'\", \"key\": \"'$TF_HTTP_PASSWORD'\"}'";

#[tokio::test]
async fn worker_without_a_database_runs_its_own_programs() {
    let (here, there) = (
        Place::with(ON_THE_SERVER),
        Place::with(&format!(
            "[templates.it]\nprovisioner = \"command\"\nsettings.work_dir = \"{{work}}\"\n\
         settings.provision = [\"sh\", \"-c\", {}]\nsettings.deprovision = [\"true\"]\n\
         settings.outputs.url = {{}}\nsettings.outputs.key = {{ secret = true }}\n",
            json!(PROVISION)
        )),
    );
    let database = Database::new().await;
    let server: Server = here.server(&database, &[KEY, ("PROVOST_WORKER_QUEUES", "default")]);
    let mut worker = there.worker(&server);
    let project = server.post("/projects", json!({"name": "shop", "template": "it"})).await.expect(201).json();
    let id = project["id"].as_str().unwrap();
    server.until(id, "ready").await;
    let outputs = server.get(&format!("/projects/{id}/outputs")).await.json();
    assert_eq!(outputs, json!({"url": format!("{}/projects/{id}/terraform/state", server.url)}));
    let access = server.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200).json();
    let token = access["secrets"]["key"].as_str().unwrap();
    let operations = server.get(&format!("/projects/{id}/operations")).await.json();
    let job = operations[0]["job_id"].as_str().unwrap();
    let executions = server.get(&format!("/jobs/{job}/executions")).await.json();
    let late = server.request(reqwest::Method::GET, &format!("/projects/{id}/terraform/state"));
    let late = send(late.basic_auth(executions[0]["id"].as_str().unwrap(), Some(token))).await.expect(409);
    assert_eq!(late.code(), "lease_lost", "the token of the attempt has ended with it");
    assert!(crate::commands::lines(&server, job).await.contains(&"stderr hello".to_owned()));
    server.delete(&format!("/projects/{id}")).await.expect(202);
    server.until(id, "deleted").await;
    worker.signal("TERM");
    assert_eq!(worker.exit_code(), 0);
    there.is_tidy().await;
    database.check_invariants().await;
}
