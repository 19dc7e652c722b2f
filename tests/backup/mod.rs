//! Copies of the database: publications, dumps, base backups and replicas. What docs/operations.md says about them.

mod archive;
mod beside;
mod dump;
mod identity;
mod replica;
mod unfinished;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Database, run_folder};

/// Runs a program of PostgreSQL, which must succeed.
fn run(name: &str, arguments: &[&str]) {
    let output = Command::new(program(name)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a file of statements, of which all must succeed.
fn run_file(url: &str, file: &Path) {
    run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", file.to_str().unwrap(), url]);
}

/// A program of the newest version that is installed, or the first one in `PATH`.
fn program(name: &str) -> PathBuf {
    let configured = std::env::var_os("POSTGRES_BIN_DIR").map(PathBuf::from);
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|it| it.path());
    let mut installed: Vec<_> = installed.map(|it| it.join("bin")).collect();
    installed.sort_by_key(|it| it.parent().and_then(|it| it.file_name()?.to_str()?.parse::<u32>().ok()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = configured.into_iter().chain(installed.into_iter().rev()).chain(std::env::split_paths(&path));
    let found = places.map(|it| it.join(name)).find(|it| it.is_file());
    found.unwrap_or_else(|| panic!("these tests need {name}, a program of PostgreSQL"))
}

/// An empty database in the cluster of this URL.
async fn database_in(cluster: &str, name: &str) -> Database {
    Database::at(cluster).await.run(&format!("CREATE DATABASE {name}")).await;
    Database::at(&cluster.replacen("/postgres?", &format!("/{name}?"), 1)).await
}

/// The block of docs/operations.md in this language that contains a word, so that the suite runs what operators read.
fn documented(language: &str, word: &str) -> String {
    let text = include_str!("../../docs/operations.md");
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0));
    let mut found = blocks.filter(|block| block.contains(word));
    let block = found.next().unwrap_or_else(|| panic!("docs/operations.md has no {language} with {word}"));
    assert!(found.next().is_none(), "several blocks contain {word}");
    block.to_owned()
}

/// The folder of a cluster that `start_cluster_with` starts for this purpose.
fn folder_of(purpose: &str) -> PathBuf {
    run_folder(purpose)
}
