//! Renders every page of the job engine with realistic and with hostile data.

mod dead_letters;
mod job;
mod jobs;
mod limits;
mod queues;
mod rest;
mod workers;
mod workflow;
mod workflows;

use askama::Template;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::{QueueState, WorkerState};
use crate::store::queues::{KindWaiting, Queue};
use crate::store::workers::{RegisteredWorker, Worker};
use crate::web::dashboard::HelpPage;
use crate::web::dashboard::queues::limits::QueueLimits;
use crate::web::dashboard::queues::list::QueuesPage;
use crate::web::dashboard::queues::page::{QueuePage, QueueWorker};
use crate::web::dashboard::workers::list::WorkersPage;
use crate::web::dashboard::workers::page::{OutcomeRow, RunningRow, WorkerPage};
use crate::web::ui::*;

/// User input that looks like markup.
const HOSTILE: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>";

fn shell(title: &str, nav: Nav) -> Shell {
    Shell {
        title: title.to_owned(),
        nav,
        crumbs: Vec::new(),
        theme: Theme::System,
        zone: Zone::Browser,
        poll_seconds: 2,
        live: true,
        shortcuts: true,
        signed_in: true,
        asset_version: "0".to_owned(),
        version: "0.1.0".to_owned(),
        db_ok: true,
        flash: None,
        project_count: Some("12".to_owned()),
        job_count: Some("10,000+".to_owned()),
        workflow_count: Some("4".to_owned()),
        dead_count: Some("37".to_owned()),
        server_time: stamp("14:03:22"),
    }
}

fn at(time: &str) -> OffsetDateTime {
    OffsetDateTime::parse(&format!("2026-11-22T{time}Z"), &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn stamp(time: &str) -> Stamp {
    Stamp { iso: format!("2026-11-22T{time}Z"), text: format!("2026-11-22 {time} UTC") }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn id(n: u32) -> String {
    format!("019ab3c4-9d01-7{n:03x}-8f11-0242ac12{:04x}", n * 7 % 65_521)
}

fn short(n: u32) -> String {
    let id = id(n);
    format!("{}…{}", &id[..8], &id[32..])
}

fn changed() -> Changed {
    Changed { reason: some("card processor down"), actor: "maria".to_owned(), at: stamp("13:51:00") }
}

fn choices(values: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    values.iter().map(|(value, label)| Choice::new(value, *label, chosen)).collect()
}

/// Renders both representations, checks what holds for every page, and returns the fragment.
fn rendered(page: &impl Template, main: impl Template) -> String {
    let (document, main) = (page.render().unwrap_or_default(), main.render().unwrap_or_default());
    assert!(
        document.starts_with("<!doctype html>") && document.contains(&main),
        "the document does not contain the fragment"
    );
    assert_eq!(document.matches("<h1").count(), 1);
    for word in ["<script>alert", "<img", " style=", " onerror=", "javascript:"] {
        let ours = document.replace(&HOSTILE.replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;"), "");
        assert!(!ours.contains(word), "{word} is not escaped");
    }
    for table in main.split("<table").skip(1) {
        assert!(
            table.contains("<caption") && table.contains("<th scope=\"col\""),
            "a table without caption or headers"
        );
    }
    for id in main.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(main.matches(&format!(" id=\"{id}\"")).count(), 1, "duplicate id {id}");
    }
    for label in main.split("<label for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(main.contains(&format!(" id=\"{label}\"")), "the label {label} has no field");
    }
    for name in ["id", "name", "action", "method"] {
        assert!(!main.contains(&format!(" name=\"{name}\"")), "a control named {name} hides a form property");
    }
    main
}

/// Asserts that the page contains all texts.
fn contains(main: &str, texts: &[&str]) {
    for text in texts {
        assert!(main.contains(text), "no {text:?} in:\n{main}");
    }
}
