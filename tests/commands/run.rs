//! The input of a program, and what its output becomes.

use serde_json::json;

use super::{Place, enqueue, lines, run};
use crate::harness::Database;
use crate::jobs::{text, until};

#[tokio::test]
async fn command_reads_stdin_and_writes_log_and_result() {
    let place = Place::script("cat > got; echo to you; echo to them >&2; mv got result.json", "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    // Numbers that no float can hold survive unchanged.
    let body = r#"{"kind": "command.it", "payload": {"n": 12345678901234567890123, "t": "ü\n"}}"#;
    let request = server.request(reqwest::Method::POST, "/jobs").header("content-type", "application/json");
    let job = crate::harness::send(request.body(body)).await.expect(201).json();
    let id = text(&job, "id");
    until(&server, &id, "completed").await;
    let shown = server.get(&format!("/jobs/{id}")).await.expect(200).text;
    assert!(shown.contains(r#""result":{"n": 12345678901234567890123, "t": "ü\n"}"#), "{shown}");
    let mut written = lines(&server, &id).await;
    written.sort();
    assert_eq!(written, ["stderr to them", "stdout to you"]);
    place.is_tidy().await;
    database.check_invariants().await;
}

#[tokio::test]
async fn environment_has_only_allowed_variables() {
    let more = "env = [\"PROVE_LANG\", \"NOT_THERE\"]\nset = {FIXED = \"a b\"}";
    let place = Place::script("env | sort > list; pwd >> list; stat -c %a . >> list; cat list", more);
    let database = Database::new().await;
    let token = ("PROVOST_ADMIN_TOKEN", "");
    let server = place.server(&database, &[("PROVE_LANG", "xy"), ("PROVE_SECRET", "z"), token]);
    let id = enqueue(&server, json!({}), json!({"tenant": "acme"})).await;
    let job = until(&server, &id, "completed").await;
    let execution = text(&server.get(&format!("/jobs/{id}/executions")).await.expect(200).json()[0], "id");
    let written = lines(&server, &id).await;
    let folder = written[written.len() - 2].strip_prefix("stdout ").unwrap();
    assert!(folder.starts_with(place.work().to_str().unwrap()), "{folder}");
    assert_eq!(written.last().unwrap(), "stdout 700");
    // The shell adds PWD itself.
    let own = |line: &&String| {
        !["stdout PWD=", "stdout OLDPWD=", "stdout _=", "stdout SHLVL="].iter().any(|it| line.starts_with(it))
    };
    let variables: Vec<&String> = written[..written.len() - 2].iter().filter(own).collect();
    let expected = [
        "stdout FIXED=a b".to_owned(),
        "stdout PROVE_LANG=xy".to_owned(),
        "stdout PROVOST_ATTEMPT=1".to_owned(),
        format!("stdout PROVOST_EXECUTION_ID={execution}"),
        format!("stdout PROVOST_JOB_ID={id}"),
        "stdout PROVOST_TENANT=acme".to_owned(),
    ];
    assert_eq!(variables, expected.iter().collect::<Vec<_>>());
    assert_eq!(job["result"], json!(null));
}

#[tokio::test]
async fn inputs_are_in_a_file() {
    let place = Place::script("cp \"$PROVOST_INPUTS\" result.json", "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let steps = json!([
        {"name": "first", "kind": "echo", "payload": {"n": 1}},
        {"name": "second", "kind": "command.it", "depends_on": ["first"]},
    ]);
    let workflow = server.post("/workflows", json!({"name": "two", "steps": steps})).await.expect(201).json();
    let path = format!("/workflows/{}", text(&workflow, "id"));
    let ended = || async {
        let it = server.get(&path).await.expect(200).json();
        (it["state"] == "completed").then_some(it)
    };
    crate::harness::eventually("the workflow is completed", ended).await;
    let jobs = server.get("/jobs?kind=command.it").await.expect(200).json();
    let job = crate::jobs::job(&server, &text(&jobs[0], "id")).await;
    assert_eq!(job["result"]["first"]["result"], json!({"n": 1}), "{job}");
}

#[tokio::test]
async fn exit_code_decides_the_outcome() {
    let script = "read -r line; eval \"$(printf '%s' \"$line\" | tr -d '\"')\"";
    let place = Place::script(script, "refuse_on = [65]");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let cases = [
        ("exit 3", "Exit code 3"),
        ("echo not this >&2; echo no quota >&2; echo nor this; exit 7", "Exit code 7: no quota"),
        ("kill -9 $$", "Killed by signal 9 (SIGKILL)"),
        ("exit 65", "Exit code 65"),
    ];
    for (payload, reason) in cases {
        let job = run(&server, json!(payload)).await;
        assert_eq!((text(&job, "state"), text(&job, "error")), ("failed".into(), reason.into()), "{payload}");
    }
    let job = run(&server, json!("echo '{}' > result.json")).await;
    assert_eq!((text(&job, "state"), &job["result"]), ("completed".into(), &json!({})));
    let again = json!({"max_attempts": 2, "backoff": {"base": 0.1, "strategy": "fixed"}});
    let spent = |job: &serde_json::Value| job["attempt"].as_i64().unwrap();
    let refused = enqueue(&server, json!("exit 65"), again.clone()).await;
    assert_eq!(spent(&until(&server, &refused, "failed").await), 1, "a retry would not help");
    let failed = enqueue(&server, json!("exit 3"), again).await;
    assert_eq!(spent(&until(&server, &failed, "failed").await), 2);
    place.is_tidy().await;
    assert_eq!(super::zombies(server.pid()), 0);
}

#[tokio::test]
async fn missing_program_fails_with_a_reason() {
    let place = Place::with("[commands.it]\nargv = [\"/no/such/program\"]\n[commands.folder]\nargv = [\"/etc\"]");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let error = text(&run(&server, json!({})).await, "error");
    assert_eq!(error, "it: cannot start: No such file or directory (os error 2)");
    let id = crate::jobs::enqueue(&server, json!({"kind": "command.folder", "max_attempts": 1})).await;
    let error = text(&until(&server, &id, "failed").await, "error");
    assert_eq!(error, "folder: cannot start: Permission denied (os error 13)");
}

#[tokio::test]
async fn command_need_not_read_its_payload() {
    let place = Place::script("exec 0<&-; echo '\"fine\"' > result.json", "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let job = run(&server, json!({"much": "x".repeat(200_000)})).await;
    assert_eq!(job["result"], json!("fine"), "{}", job["error"]);
}

#[tokio::test]
async fn server_and_remote_worker_check_payloads() {
    let schema = "schema = {type = \"object\", required = [\"n\"], properties = {n = {type = \"integer\"}}}";
    let place = Place::script("echo 1 > result.json", schema);
    let database = Database::new().await;
    let server = place.server(&database, &[("PROVOST_ROLES", "api,scheduler")]);
    let wrong = json!({"kind": "command.it", "payload": {"n": "one"}});
    let answer = server.post("/jobs", wrong).await.expect(422).json();
    assert!(answer["errors"][0]["field"].as_str().unwrap().starts_with("payload/n"), "{answer}");
    let elsewhere = Database::new().await;
    let other = crate::jobs::server_without_workers(&elsewhere);
    let _worker = place.worker(&other);
    let good = enqueue(&other, json!({"n": 1}), json!({})).await;
    assert_eq!(until(&other, &good, "completed").await["result"], json!(1));
    let job = run(&other, json!({"n": "one"})).await;
    let error = text(&job, "error");
    assert!(error.starts_with("the payload does not match its schema: payload/n: "), "{error}");
}

#[tokio::test]
async fn limits_apply_from_the_start() {
    let more = "memory = \"1GiB\"\ncpu_seconds = 9\nopen_files = 32\nfile_size = \"64KiB\"";
    let script = "ulimit -v; ulimit -t; ulimit -n; ulimit -c; ulimit -n 64 && echo raised; head -c 100000 /dev/zero > big; ls -l big | cut -d' ' -f5";
    let place = Place::script(script, more);
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let id = text(&run(&server, json!({})).await, "id");
    let written: Vec<String> = lines(&server, &id).await.into_iter().filter(|it| it.starts_with("stdout")).collect();
    assert_eq!(written, ["1048576", "9", "32", "0", "65536"].map(|it| format!("stdout {it}")));
}

#[tokio::test]
async fn command_runs_as_another_user() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: only root may change its user");
    }
    let place = Place::script("id -u; id -g; id -G; cat > result.json", "user = \"nobody\"\ngroup = 4321");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let job = run(&server, json!({"n": 1})).await;
    assert_eq!(job["result"], json!({"n": 1}), "{}", job["error"]);
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid;
    let expected = [format!("stdout {nobody}"), "stdout 4321".into(), "stdout 4321".into()];
    assert_eq!(lines(&server, &text(&job, "id")).await, expected, "the worker's groups are dropped");
    place.is_tidy().await;
}
