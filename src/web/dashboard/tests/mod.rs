//! Every page of the job engine is rendered with data as they come, and with names as nobody wishes them.

mod dead_letters;
mod job;
mod jobs;
mod queues;
mod rest;
mod workers;
mod workflow;
mod workflows;

use askama::Template;

use crate::web::dashboard::dead_letters::view::*;
use crate::web::dashboard::jobs::list_view::*;
use crate::web::dashboard::jobs::view::*;
use crate::web::dashboard::limits::view::*;
use crate::web::dashboard::metrics::view::*;
use crate::web::dashboard::projects::view::*;
use crate::web::dashboard::queues::view::*;
use crate::web::dashboard::schedules::view::*;
use crate::web::dashboard::ui::confirm_view::*;
use crate::web::dashboard::ui::layout_view::*;
use crate::web::dashboard::ui::parts::*;
use crate::web::dashboard::ui::standalone_view::*;
use crate::web::dashboard::ui::state::*;
use crate::web::dashboard::ui::status::*;
use crate::web::dashboard::workers::view::*;
use crate::web::dashboard::workflows::list_view::*;
use crate::web::dashboard::workflows::view::*;

/// A user's own words that would like to be markup.
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

fn gauge(text: &str, percent: Option<u32>, tone: Tone) -> Gauge {
    Gauge { text: text.to_owned(), percent, tone }
}

fn changed() -> Changed {
    Changed { reason: some("card processor down"), actor: "maria".to_owned(), at: stamp("13:51:00") }
}

fn choices(values: &[(&str, &str)], chosen: &str) -> Vec<Choice> {
    let choice = |(value, label): &(&str, &str)| Choice {
        value: (*value).to_owned(),
        label: (*label).to_owned(),
        selected: *value == chosen,
    };
    values.iter().map(choice).collect()
}

/// Renders both representations, holds them against what is true of every page, and returns the fragment.
fn rendered(page: &impl Template, main: impl Template) -> String {
    let (document, main) = (page.render().unwrap_or_default(), main.render().unwrap_or_default());
    assert!(document.starts_with("<!doctype html>") && document.contains(&main), "the fragment is not the document's");
    assert_eq!(document.matches("<h1").count(), 1);
    for word in ["<script>alert", "<img", " style=", " onerror=", "javascript:"] {
        let ours = document.replace(&HOSTILE.replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;"), "");
        assert!(!ours.contains(word), "{word} came through");
    }
    for table in main.split("<table").skip(1) {
        assert!(table.contains("<caption") && table.contains("<th scope=\"col\""), "a table without its words");
    }
    for id in main.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(main.matches(&format!(" id=\"{id}\"")).count(), 1, "{id} stands twice");
    }
    for label in main.split("<label for=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(main.contains(&format!(" id=\"{label}\"")), "the label of {label} has no field");
    }
    for name in ["id", "name", "action", "method"] {
        assert!(!main.contains(&format!(" name=\"{name}\"")), "a control named {name} hides what a form has itself");
    }
    main
}

/// Whether all of these stand on the page; says which does not.
fn says(main: &str, words: &[&str]) {
    for word in words {
        assert!(main.contains(word), "it does not say {word:?}:\n{main}");
    }
}
