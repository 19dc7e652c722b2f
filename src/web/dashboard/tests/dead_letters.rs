use askama::Template;

use crate::web::dashboard::tests::*;

fn row(n: u32) -> DeadRow {
    DeadRow {
        id: id(n),
        short_id: short(n),
        kind: "email.send".to_owned(),
        error: if n.is_multiple_of(2) {
            "SmtpTimeout: 10 s elapsed while talking to mx.example.org".to_owned()
        } else {
            format!("panicked at {HOSTILE}\n  at send (mail.rs:12)")
        },
        failures: "5 of 5".to_owned(),
        replays: n.is_multiple_of(3).then(|| "replayed once before".to_owned()),
        died: stamp("14:01:00"),
        queue: Link::to("/dashboard/queues/bulk", "bulk"),
        tenant: n.is_multiple_of(4).then(|| "acme".to_owned()),
        project: None,
    }
}

fn group(error: &str, count: &str, percent: u32) -> DeadGroup {
    DeadGroup {
        error: error.to_owned(),
        kind: "email.send".to_owned(),
        count: count.to_owned(),
        percent,
        first: stamp("12:00:00"),
        last: stamp("14:01:00"),
        href: "/dashboard/dead-letters?kind=email.send&error=SmtpTimeout".to_owned(),
    }
}

fn list() -> DeadLettersPage {
    DeadLettersPage {
        shell: shell("Dead letters", Nav::DeadLetters),
        total: "37".to_owned(),
        filter: DeadFilter { here: "/dashboard/dead-letters".to_owned(), ..DeadFilter::default() },
        groups: vec![group("SmtpTimeout: 10 s elapsed", "21", 57), group(&format!("{HOSTILE}\nstack"), "16", 43)],
        rows: (1..12).map(row).collect(),
        pages: Pages { matching: "37".to_owned(), newer: None, older: some("/dashboard/dead-letters?cursor=1") },
        bulk: Bulk { filter: Vec::new(), back: "/dashboard/dead-letters".to_owned(), matching: "37".to_owned() },
        kinds: vec!["email.send".to_owned()],
        queues: vec!["bulk".to_owned()],
    }
}

fn page() -> ReplayPage {
    let priorities: Vec<(&str, &str)> = vec![("5", "5, usual"), ("9", "9, goes first")];
    ReplayPage {
        shell: Shell { live: false, ..shell("Edit and replay", Nav::DeadLetters) },
        id: id(1),
        short_id: short(1),
        kind: "email.send".to_owned(),
        error: format!("SmtpTimeout {HOSTILE}"),
        failures: "5 of 5".to_owned(),
        died: stamp("14:01:00"),
        original: "{\"to\": 9007199254740993}".to_owned(),
        payload: "{\"to\": 9007199254740993}".to_owned(),
        queue: "bulk".to_owned(),
        queues: vec!["bulk".to_owned(), "default".to_owned()],
        priorities: choices(&priorities, "5"),
        others: some("the other 20 with this error"),
        with_others: false,
        reason: String::new(),
        blocked: None,
        errors: Vec::new(),
    }
}

#[test]
fn they_are_shown_by_error_and_one_by_one() {
    let page = list();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &[
            "Replay 21…",
            "name=\"error\" value=\"&#60;script",
            "name=\"verb\" value=\"replay\"",
            "name=\"verb\" value=\"delete\"",
            "/replay\">Edit and replay",
            "/delete\">Delete…",
            "replayed once before",
            "All of it",
            "11 of 37",
            "data-mirror=\"nav-dead\"",
        ],
    );
}

#[test]
fn none_is_good() {
    let page = DeadLettersPage { rows: Vec::new(), groups: Vec::new(), total: "0".to_owned(), ..list() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["Nothing here. Good."]);
    assert!(!main.contains("<form"));
    let filter = DeadFilter { error: HOSTILE.to_owned(), ..DeadFilter::default() };
    let page = DeadLettersPage { filter, total: "37".to_owned(), ..page };
    contains(&rendered(&page, page.as_main()), &["No dead letters match", "There are 37 in all", "Clear filter"]);
}

#[test]
fn the_red_pill_is_for_those_that_are() {
    let mut page = list();
    assert!(page.render().is_ok_and(|document| document.contains("class=\"n t-bad\" id=\"nav-dead\">37<")));
    page.shell.dead_count = some("0");
    assert!(page.render().is_ok_and(|document| document.contains("class=\"n\" id=\"nav-dead\">0<")));
}

#[test]
fn a_payload_is_mended_beside_the_original() {
    let replay = page();
    let main = rendered(&replay, replay.as_main());
    contains(
        &main,
        &["{&#34;to&#34;: 9007199254740993}</pre>", "{&#34;to&#34;: 9007199254740993}</textarea>", "5, usual"],
    );
    contains(&main, &["Also the other 20 with this error", "name=\"others\" value=\"1\"", "name=\"priority\""]);
    let errors = vec![FieldError { field: "payload".to_owned(), message: "Line 1 is not JSON.".to_owned() }];
    let refused = ReplayPage { errors, payload: format!("</textarea>{HOSTILE}"), with_others: true, ..page() };
    let main = rendered(&refused, refused.as_main());
    contains(&main, &["href=\"#payload\"", "payload-error", "value=\"1\" checked", "&#60;/textarea&#62;"]);
    let blocked = ReplayPage { blocked: some("It is queued already."), ..page() };
    assert!(!rendered(&blocked, blocked.as_main()).contains("<form"));
}
