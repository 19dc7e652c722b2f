//! The whole command tree.

use std::sync::Mutex;

use clap::{ArgAction, Command};

use super::{command, finish};
use crate::harness::{Database, Server};

/// Commands that run until a signal, or measure for minutes. `end2end` waits for jobs, which limits of other commands here delay.
const LONG_RUNNING: &[&str] = &["serve", "dev", "bench", "end2end"];
/// Formats whose output is checked for every command, and those that the commands have in turn: all of these print the same rows.
const CHECKED: [&str; 2] = ["json", "jsonl"];
const OTHERS: [&str; 4] = ["yaml", "name", "table", "wide"];

fn leaves(command: &Command, path: &[String], all: &mut Vec<(Vec<String>, Command)>) {
    for sub in command.get_subcommands() {
        let path = [path, &[sub.get_name().to_owned()]].concat();
        if sub.has_subcommands() {
            leaves(sub, &path, all);
        } else {
            all.push((path, sub.clone()));
        }
    }
}

/// A value for each required argument, and `--yes`.
fn required_args(leaf: &Command) -> Vec<String> {
    let mut args = Vec::new();
    for arg in leaf.get_arguments() {
        let value = arg.get_possible_values().first().map_or("1".to_owned(), |it| it.get_name().to_owned());
        if arg.get_id() == "yes" {
            args.push("--yes".to_owned());
        } else if arg.is_required_set() && arg.is_positional() {
            args.push(value);
        } else if arg.is_required_set() && matches!(arg.get_action(), ArgAction::Set) {
            args.extend([format!("--{}", arg.get_long().unwrap()), value]);
        }
    }
    args
}

#[tokio::test]
async fn every_command_has_an_example_and_valid_output() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let folder = tempfile::tempdir().unwrap();
    let calls = Mutex::new(Vec::new());
    let mut all = Vec::new();
    leaves(&provost::cli::program(), &[], &mut all);
    assert!(all.len() > 70, "{}", all.len());
    for (n, (path, leaf)) in all.into_iter().enumerate() {
        let name = path.join(" ");
        let mut leaf = leaf;
        assert!(leaf.render_long_help().to_string().contains("Example"), "{name} has no example");
        let output = leaf.get_arguments().find(|it| it.get_long() == Some("output"));
        assert!(output.is_some_and(|it| it.get_short() == Some('o')), "{name} has no -o");
        if LONG_RUNNING.contains(&path[0].as_str()) {
            continue;
        }
        for format in CHECKED.into_iter().chain([OTHERS[n % OTHERS.len()]]) {
            let args = [path.clone(), required_args(&leaf), vec!["-o".into(), format.into()]].concat();
            calls.lock().unwrap().push((name.clone(), format, args));
        }
    }
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while let Some((name, format, args)) = { calls.lock().unwrap().pop() } {
                    let args: Vec<&str> = args.iter().map(String::as_str).collect();
                    let mut command = command(&server.url, &args);
                    command.env("DATABASE_URL", &database.url).current_dir(folder.path());
                    let ran = finish(command);
                    assert!([0, 1, 2, 3, 4, 5, 6, 7, 8].contains(&ran.code), "{name}: {ran:?}");
                    assert!(!ran.err.contains("panicked") && !ran.out.contains('\u{1b}'), "{name}: {ran:?}");
                    let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
                    match format {
                        "json" => assert!(ran.out.trim().is_empty() || is_json(&ran.out), "{name}: {ran:?}"),
                        "jsonl" => assert!(ran.out.lines().all(is_json), "{name}: {ran:?}"),
                        _ => {}
                    }
                }
            });
        }
    });
}

#[test]
fn typo_gets_a_suggestion_and_help_lists_exit_codes() {
    let typo = finish(command("http://127.0.0.1:1", &["project", "creat"])).expect(2);
    assert!(typo.err.contains("create"), "{typo:?}");
    let help = finish(command("http://127.0.0.1:1", &["help", "exit-codes"])).expect(0);
    for line in ["3  not found", "7  timed out", "130  interrupted"] {
        assert!(help.out.contains(line), "{help:?}");
    }
}

#[test]
fn client_help_omits_server_settings() {
    let help = finish(command("http://127.0.0.1:1", &["project", "list", "--help"])).expect(0).out;
    assert!(!help.contains("--database-url") && help.contains("--address"), "{help}");
    let help = finish(command("http://127.0.0.1:1", &["serve", "--help"])).expect(0).out;
    assert!(help.contains("--database-url") && !help.contains("--address"), "{help}");
}

#[tokio::test]
async fn completion_lists_names_and_ignores_errors() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("tab-completed").await;
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(finish(command(&server.url, &["completion", shell])).expect(0).out.contains("COMPLETE"));
    }
    let completed = |address: &str| {
        let mut command = command(address, &["--", "provost", "project", "get", "tab"]);
        command.env("COMPLETE", "fish");
        finish(command)
    };
    assert!(completed(&server.url).out.contains("tab-completed"));
    let offline = completed("http://127.0.0.1:1");
    assert!(!offline.out.contains("tab-completed") && offline.err.is_empty(), "{offline:?}");
}

#[test]
fn man_pages_cover_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    finish(command("http://127.0.0.1:1", &["man", path])).expect(0);
    let page = std::fs::read_to_string(folder.path().join("provost-project-create.1")).unwrap();
    assert!(page.contains("provost project create"), "{page}");
}
