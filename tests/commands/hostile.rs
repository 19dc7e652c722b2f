//! Hostile payloads, and hostile programs that try to read what they must not.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use serde_json::{Value, json};

use super::{Place, Worker, enqueue, lines, run};
use crate::harness::{Database, Server, eventually};
use crate::jobs::{text, until};

#[tokio::test]
async fn payload_is_never_part_of_a_command_line() {
    let place = Place::script("tr '\\0' '|' < /proc/$$/cmdline; echo; exec cat > result.json", "");
    let canary = place.path().join("canary");
    let touch = format!("touch {}", canary.display());
    let corpus = [
        format!("$({touch})"),
        format!("`{touch}`"),
        format!("; {touch} #"),
        format!("\n{touch}\n"),
        format!("\r\n{touch}\r\n"),
        format!("| {touch}"),
        format!("&& {touch}"),
        format!("'; {touch}; '"),
        format!("\"; {touch}; \""),
        format!("\\\"; {touch}"),
        format!("${{IFS}}{touch}"),
        format!("() {{ :; }}; {touch}"),
        format!("%s%n$(({touch}))"),
        "--version".into(),
        "--help".into(),
        "-rf /".into(),
        "../../../etc/passwd".into(),
        "\u{1b}[2J\u{7}\u{8}".into(),
        "\u{202e}\u{feff}".into(),
        "*?[a-z]~!{a,b}".into(),
    ];
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    for hostile in corpus {
        for payload in [json!(hostile), json!({hostile.clone(): [hostile.clone()]})] {
            let job = run(&server, payload.clone()).await;
            assert_eq!((text(&job, "state"), &job["result"]), ("completed".into(), &payload));
            let line = lines(&server, &text(&job, "id")).await.remove(0);
            assert!(line.starts_with("stdout sh|-c|tr "), "{line}");
            assert!(line.ends_with("exec cat > result.json|"), "{line}");
        }
    }
    assert!(!canary.exists(), "part of a payload was executed");
    // NUL is rejected when the job is created.
    server.post("/jobs", json!({"kind": "command.it", "payload": "a\0b"})).await.expect(422);
}

#[tokio::test]
async fn result_must_be_a_file_of_the_program() {
    let elsewhere = tempfile::TempDir::new().unwrap();
    let file = elsewhere.path().join("result.json");
    std::fs::write(&file, "\"secret\"").unwrap();
    let (folder, secret) = (elsewhere.path().display(), file.display());
    let cases = [
        (format!("ln -s {secret} result.json"), "result.json must be a file, not a link"),
        (format!("ln {secret} result.json"), "result.json must be a file without other links"),
        ("mkfifo result.json".into(), "result.json must be a file"),
        ("mkdir result.json".into(), "result.json must be a file"),
        (format!("mv \"$PWD\" \"$PWD.away\" && ln -s {folder} \"$PWD\""), ""),
        ("echo '{' > result.json".into(), "result.json is not JSON"),
        ("printf '\\377' > result.json".into(), "result.json is not UTF-8"),
        (": > result.json".into(), "result.json is not JSON"),
        (
            "{ printf '\"'; head -c 1048575 /dev/zero | tr '\\0' x; printf '\"'; } > result.json".into(),
            "result.json must have at most 1048576 bytes; got 1048577",
        ),
    ];
    for (script, reason) in cases {
        let place = Place::script(&script, "");
        let database = Database::new().await;
        let server = place.server(&database, &[]);
        let id = enqueue(&server, json!({}), json!({"max_attempts": 3})).await;
        if reason.is_empty() {
            assert_eq!(until(&server, &id, "completed").await["result"], Value::Null, "{script}");
            // The program moved its directory away and left a link in its place.
            let is_gone = || async {
                let left = place.folders();
                left.iter().all(|it| it.extension().is_some_and(|it| it == "away")).then_some(left.len())
            };
            assert_eq!(eventually("the link is removed", is_gone).await, 1);
            assert!(file.exists(), "the target of a link is not removed");
            continue;
        }
        let job = until(&server, &id, "failed").await;
        assert!(text(&job, "error").starts_with(reason), "{script}: {}", job["error"]);
        assert_eq!(job["attempt"], 1, "completed work is not retried");
    }
    let place =
        Place::script("{ printf '\"'; head -c 1048574 /dev/zero | tr '\\0' x; printf '\"'; } > result.json", "");
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let job = run(&server, json!({})).await;
    assert_eq!(job["result"].as_str().map(str::len), Some(1_048_574), "{}", job["error"]);
}

/// The peak memory of a process, in MiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn output_flood_neither_grows_memory_nor_blocks() {
    let line = "a line that is as long as lines are on most days of the week ".repeat(4);
    let flood = format!("yes '{line}' | head -c 100000000; echo end >&2; head -c 5000000 /dev/zero");
    let place = Place::script(&flood, "output = \"1MiB\"");
    let database = Database::new().await;
    let server = place.server(&database, &[("PROVOST_LEASE_TTL", "1s")]);
    run(&server, json!({})).await;
    let before = peak(server.pid());
    let id = enqueue(&server, json!({}), json!({"max_attempts": 1})).await;
    let others = || async {
        let noop = crate::jobs::enqueue(&server, json!({"kind": "noop"})).await;
        until(&server, &noop, "completed").await;
        (crate::jobs::job(&server, &id).await["state"] == "completed").then_some(())
    };
    eventually("the flood ends and other jobs run", others).await;
    let grown = peak(server.pid()) - before;
    assert!(grown < 24, "the second flood took {grown} MiB more than the first");
    assert!(before < 160, "the first took {before} MiB");
    assert_eq!(crate::jobs::outcomes(&server, &id).await, ["completed"], "no lease was lost");
    let kept = database.number("SELECT sum(octet_length(line))::bigint FROM execution_logs").await;
    assert!((1_000_000..2_300_000).contains(&kept), "{kept}");
    let notes = database.number("SELECT count(*) FROM execution_logs WHERE line LIKE 'output truncated%'").await;
    assert_eq!(notes, 2, "one note per run");
}

const NOBODY: u32 = 65534;

/// A worker that does not run as root, in a directory that root created.
fn worker_of_nobody(place: &Place, server: &Server) -> Worker {
    chown(place.work(), Some(NOBODY), Some(NOBODY)).unwrap();
    // The user nobody cannot enter every directory that the test user can.
    let program = place.path().join("provost");
    std::fs::copy(env!("CARGO_BIN_EXE_provost"), &program).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["worker", "--server", &server.url]).current_dir(place.path()).uid(NOBODY).gid(NOBODY);
    command.env("PROVOST_WORKER_TOKEN", "a-secret-0123456789");
    Worker::started(command)
}

#[tokio::test]
async fn read_only_directories_are_removed() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: only root may start a worker as another user");
    }
    let elsewhere = tempfile::TempDir::new().unwrap();
    chown(elsewhere.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    std::fs::set_permissions(elsewhere.path(), PermissionsExt::from_mode(0o500)).unwrap();
    let link = format!("ln -s {} a/b/link", elsewhere.path().display());
    let script = format!("mkdir -p a/b && echo x > a/b/file && {link} && chmod 500 a/b && chmod 0 a && chmod 500 .");
    let place = Place::script(&script, "");
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let _worker = worker_of_nobody(&place, &server);
    let job = run(&server, json!({})).await;
    assert_eq!(text(&job, "state"), "completed", "{}", job["error"]);
    place.is_tidy().await;
    let mode = std::fs::metadata(elsewhere.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o500, "the target of a link is unchanged");
    assert_eq!(lines(&server, &text(&job, "id")).await, [""; 0], "no note about a failed removal");
}

#[tokio::test]
async fn command_cannot_read_the_secrets_of_its_worker() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("skipped: only root may start a worker as another user");
    }
    let script = "tr '\\0' '\\n' < /proc/$PPID/environ; echo tried; grep Name /proc/$PPID/status";
    let place = Place::script(script, "");
    let database = Database::new().await;
    let server = crate::jobs::server_without_workers(&database);
    let _worker = worker_of_nobody(&place, &server);
    let job = run(&server, json!({})).await;
    let written = lines(&server, &text(&job, "id")).await;
    assert!(!written.iter().any(|line| line.contains("a-secret")), "{written:?}");
    let of_us = "stdout Name:\tprovost".to_owned();
    assert!(written.contains(&"stdout tried".to_owned()) && written.contains(&of_us), "{written:?}");
}

#[tokio::test]
async fn unstorable_result_is_rejected() {
    let place = Place::script(
        r#"read -r kind; case $kind in *deep*) printf '[%.0s' $(seq 5000); printf ']%.0s' $(seq 5000);; *) printf '{"a":"\\ud800"}';; esac > result.json"#,
        "",
    );
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    for payload in ["deep", "half"] {
        let job = run(&server, json!(payload)).await;
        assert_eq!(text(&job, "state"), "failed", "{job}");
        assert!(text(&job, "error").starts_with("result.json "), "{job}");
    }
}

#[tokio::test]
async fn command_has_no_terminal_and_no_worker_files() {
    let place = Place::script(
        "(exec < /dev/tty) 2>/dev/null && echo tty; ls /proc/self/fd; ps -o sid= -p $$ || cut -d' ' -f6 /proc/$$/stat; echo $$",
        "",
    );
    let database = Database::new().await;
    let server = place.server(&database, &[]);
    let job = run(&server, json!(null)).await;
    let written = lines(&server, &text(&job, "id")).await;
    assert!(!written.iter().any(|line| line.ends_with(" tty")), "{written:?}");
    let open = written.iter().filter_map(|line| line.strip_prefix("stdout ")?.trim().parse::<u32>().ok());
    let numbers: Vec<u32> = open.collect();
    let (session, itself) = (numbers[numbers.len() - 2], numbers[numbers.len() - 1]);
    assert_eq!(session, itself, "the program leads a session: {written:?}");
    // The three standard streams, and the directory that `ls` reads.
    assert!(numbers[..numbers.len() - 2].iter().all(|number| *number <= 3), "{written:?}");
}
