use askama::Template;

use crate::domain::JobState;
use crate::store::dead_letters::DeadLetterGroup;
use crate::store::jobs::Filter;
use crate::web::dashboard::dead_letters::view::{DeadLettersPage, ErrorGroup, ReplayForm, ReplayPage};
use crate::web::dashboard::jobs::format::priorities;
use crate::web::dashboard::tests::jobs::{at, job, uuid};
use crate::web::dashboard::tests::{HOSTILE, contains, rendered, shell, some};
use crate::web::ui::{Bulk, FieldError, Nav, Pages};

fn group(error: &str, n: i64) -> ErrorGroup {
    let error = error.to_owned();
    let kind = "email.send".to_owned();
    ErrorGroup {
        group: DeadLetterGroup { error, kind, n, first_at: at(0), last_at: at(60), example_id: uuid(1) },
        percent: 57,
        href: "/dashboard/dead-letters?kind=email.send&error=SmtpTimeout".to_owned(),
    }
}

fn list() -> DeadLettersPage {
    DeadLettersPage {
        shell: shell("Dead letters", Nav::DeadLetters),
        total: "37".to_owned(),
        filter: Filter::default(),
        groups: vec![group("SmtpTimeout: 10 s elapsed", 21), group(&format!("{HOSTILE}\nstack"), 16)],
        rows: (1..12).map(|n| job(n, JobState::Failed)).collect(),
        pages: Pages { matching: "37".to_owned(), newer: None, older: some("/dashboard/dead-letters?cursor=1") },
        bulk: Bulk { filter: Vec::new(), back: "/dashboard/dead-letters".to_owned(), matching: "37".to_owned() },
        kinds: vec!["email.send".to_owned()],
        queues: vec!["bulk".to_owned()],
    }
}

fn replay() -> ReplayPage {
    let job = job(1, JobState::Failed);
    ReplayPage {
        shell: shell("Edit and replay", Nav::DeadLetters).without_polling(),
        form: ReplayForm { payload: job.payload.clone(), queue: "bulk".to_owned(), ..ReplayForm::default() },
        job,
        queues: vec!["bulk".to_owned(), "default".to_owned()],
        priorities: priorities("5", None),
        others: some("20"),
        blocked: None,
    }
}

#[test]
fn dead_letters_are_grouped_and_listed() {
    let page = list();
    let main = rendered(&page, page.as_main());
    contains(&main, &["Replay 21…", "name=\"error\" value=\"&#60;script", "replayed once", "11 of 37"]);
    contains(&main, &["name=\"verb\" value=\"replay\"", "name=\"verb\" value=\"delete\"", "data-mirror=\"nav-dead\""]);
    contains(&main, &["/replay\">Edit and replay", "/delete\">Delete…"]);
}

#[test]
fn empty_dead_letter_list_names_total() {
    let page = DeadLettersPage { rows: Vec::new(), groups: Vec::new(), total: "0".to_owned(), ..list() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["No failed jobs"]);
    assert!(!main.contains("<form"));
    let filter = Filter { error: some(HOSTILE), ..Filter::default() };
    let page = DeadLettersPage { filter, total: "37".to_owned(), ..page };
    contains(&rendered(&page, page.as_main()), &["No dead letters match", "37 in total", "Clear filter"]);
}

#[test]
fn navigation_marks_dead_letters_red() {
    let mut page = list();
    assert!(page.render().is_ok_and(|document| document.contains("class=\"n t-bad\" id=\"nav-dead\">37<")));
    page.shell.dead_count = some("0");
    assert!(page.render().is_ok_and(|document| document.contains("class=\"n\" id=\"nav-dead\">0<")));
}

#[test]
fn replay_form_keeps_values_and_errors() {
    let page = replay();
    let main = rendered(&page, page.as_main());
    let payload = "{&#34;to&#34;: 9007199254740993}";
    contains(
        &main,
        &[&format!("{payload}</pre>"), &format!("{payload}</textarea>"), "5 (default)", "name=\"priority\""],
    );
    contains(&main, &["Also replay the other 20 with this error", "name=\"others\" value=\"1\""]);
    let form = ReplayForm {
        errors: vec![FieldError::new("payload", "Line 1 is not JSON.")],
        payload: format!("</textarea>{HOSTILE}"),
        with_others: true,
        ..ReplayForm::default()
    };
    let page = ReplayPage { form, ..replay() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["href=\"#payload\"", "payload-error", "value=\"1\" checked", "&#60;/textarea&#62;"]);
    let page = ReplayPage { blocked: some("Only failed jobs can be replayed."), ..replay() };
    assert!(!rendered(&page, page.as_main()).contains("<form"));
}
