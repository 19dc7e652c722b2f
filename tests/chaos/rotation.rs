//! `pgbench` works on a database while its credential is replaced again and again.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use provost::domain::OperationKind;
use provost::store::Connector;
use serde_json::json;

use crate::fences::Stage;

const TIMEOUT: Duration = Duration::from_secs(90);

/// What the runs of `pgbench` did.
#[derive(Default)]
struct Progress {
    /// The current URL, and how many replacements came before.
    url: String,
    rotation: usize,
    /// The latest URL that a whole run has used.
    used: usize,
    runs: usize,
    transactions: usize,
    failures: Vec<String>,
    stop: bool,
}

/// Runs `pgbench` through this number of replacements. Returns whether no transaction failed and only old credentials are refused.
pub async fn run(rotations: usize) -> bool {
    let program = pgbench().expect("this needs pgbench, a program of PostgreSQL");
    let stage = Stage::new(None).await;
    let worker = stage.worker();
    let id = stage.request(OperationKind::Create, "", 9).await;
    until_ready(&stage, &id).await;
    let mut urls = vec![reveal(&stage, &id).await];
    let done = Command::new(&program).args(["-i", "-q", "-s", "1", &urls[0]]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));

    let progress = Arc::new(Mutex::new(Progress { url: urls[0].clone(), ..Progress::default() }));
    let bench = std::thread::spawn({
        let progress = progress.clone();
        move || while turn(&program, &progress) {}
    });
    for rotation in 1..=rotations {
        let started = Instant::now();
        stage.request(OperationKind::Rotate, &id, 9).await;
        until_ready(&stage, &id).await;
        urls.push(reveal(&stage, &id).await);
        {
            let mut progress = progress.lock().unwrap();
            (progress.url, progress.rotation) = (urls[rotation].clone(), rotation);
        }
        let took = started.elapsed();
        // The previous credential is valid until the next replacement, so every client must have read its URL again before that.
        let deadline = Instant::now() + TIMEOUT;
        while progress.lock().unwrap().used < rotation && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let progress = progress.lock().unwrap();
        println!("  rotation {rotation:2}  {:5.2} s  {:6} transactions", took.as_secs_f64(), progress.transactions);
    }
    progress.lock().unwrap().stop = true;
    bench.join().unwrap();
    let mut wrong = std::mem::take(&mut progress.lock().unwrap().failures);
    for (at, url) in urls.iter().enumerate() {
        let is_valid = Connector::parse(url).unwrap().connect().await.is_ok();
        if is_valid != (at + 2 > rotations) {
            wrong.push(format!("credential {} of {}: a login succeeds: {is_valid}", at + 1, urls.len()));
        }
    }
    drop(worker);
    let progress = progress.lock().unwrap();
    println!("{} runs of pgbench, {} transactions, {} findings", progress.runs, progress.transactions, wrong.len());
    wrong.iter().for_each(|it| println!("  {it}"));
    wrong.is_empty() && progress.transactions > 0
}

/// One run with the current URL. Returns whether there is to be another.
fn turn(program: &PathBuf, progress: &Mutex<Progress>) -> bool {
    let (url, rotation) = {
        let progress = progress.lock().unwrap();
        (progress.url.clone(), progress.rotation)
    };
    let done = Command::new(program).args(["-n", "-c", "4", "-j", "2", "-t", "50", &url]).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    let number = |label: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(label))?;
        line.trim().split(['/', ' ']).next()?.parse::<usize>().ok()
    };
    let (processed, failed) =
        (number("number of transactions actually processed:"), number("number of failed transactions:"));
    let mut progress = progress.lock().unwrap();
    progress.runs += 1;
    progress.transactions += processed.unwrap_or_default();
    if !done.status.success() || processed != Some(200) || failed.unwrap_or_default() > 0 {
        progress.failures.push(format!("{processed:?} of 200: {}", String::from_utf8_lossy(&done.stderr)));
    }
    progress.used = rotation;
    !progress.stop
}

async fn until_ready(stage: &Stage, id: &str) {
    let deadline = Instant::now() + TIMEOUT;
    while stage.status(id).await != "ready" {
        assert!(Instant::now() < deadline, "the project is not ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn reveal(stage: &Stage, id: &str) -> String {
    let access = stage.api.post(&format!("/projects/{id}/reveal"), json!({})).await.expect(200).json();
    access["uri"].as_str().unwrap().to_owned()
}

fn pgbench() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path).chain(versions.map(|it| it.path().join("bin")));
    folders.map(|folder| folder.join("pgbench")).find(|file| file.is_file())
}
