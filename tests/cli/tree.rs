//! Every command there is.

use clap::{ArgAction, Command};

use super::{command, ran};
use crate::harness::{Database, Server};

/// Those that go on until somebody stops them, or that measure for minutes.
const LONG: &[&str] = &["serve", "dev", "bench"];

fn leaves(command: &Command, path: &[String], found: &mut Vec<(Vec<String>, Command)>) {
    for sub in command.get_subcommands() {
        let path = [path, &[sub.get_name().to_owned()]].concat();
        if sub.has_subcommands() {
            leaves(sub, &path, found);
        } else {
            found.push((path, sub.clone()));
        }
    }
}

/// Something for everything that must be there, and a yes.
fn filled(leaf: &Command) -> Vec<String> {
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
async fn every_command_answers_in_json_or_says_nothing_and_has_an_example_and_a_code_that_is_told() {
    let database = Database::new().await;
    let server = Server::on(&database);
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    leaves(&provost::cli::program(), &[], &mut all);
    assert!(all.len() > 70, "{}", all.len());
    for (path, leaf) in all {
        let name = path.join(" ");
        let mut leaf = leaf;
        assert!(leaf.render_long_help().to_string().contains("Example"), "{name} has no example");
        let output = leaf.get_arguments().find(|it| it.get_long() == Some("output"));
        assert!(output.is_some_and(|it| it.get_short() == Some('o')), "{name} has no -o");
        if LONG.contains(&path[0].as_str()) {
            continue;
        }
        for format in ["json", "jsonl", "yaml", "name", "table", "wide"] {
            let args: Vec<String> = [path.clone(), filled(&leaf), vec!["-o".into(), format.into()]].concat();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let mut command = command(&server.url, &args);
            command.env("DATABASE_URL", &database.url).current_dir(folder.path());
            let ran = ran(command);
            assert!([0, 1, 2, 3, 4, 5, 6, 7, 8].contains(&ran.code), "{name}: {ran:?}");
            assert!(!ran.err.contains("panicked") && !ran.out.contains('\u{1b}'), "{name}: {ran:?}");
            let is_json = |text: &str| serde_json::from_str::<serde_json::Value>(text).is_ok();
            match format {
                "json" => assert!(ran.out.trim().is_empty() || is_json(&ran.out), "{name}: {ran:?}"),
                "jsonl" => assert!(ran.out.lines().all(is_json), "{name}: {ran:?}"),
                _ => {}
            }
            // Once in each format is enough for those that only look; the others have changed something by now.
            if name == "end2end" {
                break;
            }
        }
    }
}

#[test]
fn a_typo_is_told_with_what_was_meant_and_help_tells_the_exit_codes() {
    let typo = ran(command("http://127.0.0.1:1", &["project", "creat"])).expect(2);
    assert!(typo.err.contains("create"), "{typo:?}");
    let help = ran(command("http://127.0.0.1:1", &["help", "exit-codes"])).expect(0);
    for line in ["3  there is no such thing", "7  time is up", "130  interrupted"] {
        assert!(help.out.contains(line), "{help:?}");
    }
}

#[test]
fn settings_of_a_server_stay_out_of_the_help_of_what_speaks_to_one() {
    let help = ran(command("http://127.0.0.1:1", &["project", "list", "--help"])).expect(0).out;
    assert!(!help.contains("--database-url") && help.contains("--address"), "{help}");
    let help = ran(command("http://127.0.0.1:1", &["serve", "--help"])).expect(0).out;
    assert!(help.contains("--database-url") && !help.contains("--address"), "{help}");
}

#[tokio::test]
async fn shells_complete_names_and_say_nothing_when_nobody_answers() {
    let database = Database::new().await;
    let server = Server::on(&database);
    server.ready("tab-completed").await;
    for shell in ["bash", "zsh", "fish", "powershell"] {
        assert!(ran(command(&server.url, &["completion", shell])).expect(0).out.contains("COMPLETE"));
    }
    let completed = |address: &str| {
        let mut command = command(address, &["--", "provost", "project", "get", "tab"]);
        command.env("COMPLETE", "fish");
        ran(command)
    };
    assert!(completed(&server.url).out.contains("tab-completed"));
    let alone = completed("http://127.0.0.1:1");
    assert!(!alone.out.contains("tab-completed") && alone.err.is_empty(), "{alone:?}");
}

#[test]
fn manual_pages_come_from_the_same_source() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    ran(command("http://127.0.0.1:1", &["man", path])).expect(0);
    let page = std::fs::read_to_string(folder.path().join("provost-project-create.1")).unwrap();
    assert!(page.contains("provost project create"), "{page}");
}
