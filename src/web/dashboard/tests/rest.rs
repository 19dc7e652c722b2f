use crate::web::dashboard::tests::*;

fn confirm() -> ConfirmPage {
    let item = |n: u32| ConfirmItem {
        label: if n == 2 { HOSTILE.to_owned() } else { format!("email.send {}", short(n)) },
        href: format!("/dashboard/jobs/{}", id(n)),
        note: some("queued"),
    };
    ConfirmPage {
        shell: Shell { live: false, ..shell("Cancel jobs", Nav::Jobs) },
        heading: "Cancel 21 jobs".to_owned(),
        subject: "kind email.send, queue bulk".to_owned(),
        effects: vec![
            "18 waiting jobs are canceled immediately.".to_owned(),
            "3 active jobs are revoked after 30 s.".to_owned(),
        ],
        kept: vec!["Their record: payload, events and attempts.".to_owned()],
        count: some("21 jobs"),
        listed: (1..6).map(item).collect(),
        more: some("and 16 more"),
        post_to: "/dashboard/jobs/bulk".to_owned(),
        hidden: vec![Hidden::new("job_id", HOSTILE)],
        fields: Vec::new(),
        reason: Some(String::new()),
        icon: "ban".to_owned(),
        destructive: true,
        back: "/dashboard/jobs?state=queued".to_owned(),
        error: None,
        blocked: None,
    }
}

#[test]
fn confirmation_shows_consequences() {
    let page = confirm();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["18 waiting jobs are canceled immediately.", "and 16 more", "name=\"confirmed\" value=\"1\"", "21 jobs"],
    );
    contains(&main, &["btn destroy", "Go back", "name=\"reason\"", "name=\"job_id\" value=\"&#60;script"]);
    assert!(!main.contains("Are you sure"));
}

#[test]
fn confirmation_shows_fields_and_error() {
    let queue = ConfirmField {
        field: "move_to".to_owned(),
        label: "Queue".to_owned(),
        hint: "empty for the same".to_owned(),
        error: some("There is no such queue."),
        ..ConfirmField::default()
    };
    let priority = ConfirmField {
        field: "priority".to_owned(),
        label: "Priority".to_owned(),
        choices: choices(&[("", "unchanged"), ("9", "9 runs first")], ""),
        ..ConfirmField::default()
    };
    let page = ConfirmPage {
        fields: vec![queue, priority],
        destructive: false,
        icon: "retry".to_owned(),
        heading: "Replay 21 jobs".to_owned(),
        error: some("23 jobs match now, 21 when this page was loaded."),
        ..confirm()
    };
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["id=\"move-to\"", "move-to-error", "<select id=\"priority\"", "Nothing was changed.", "23 jobs match now"],
    );
    let page = ConfirmPage { blocked: some("The job has ended."), ..confirm() };
    assert!(!rendered(&page, page.as_main()).contains("<form"));
}

#[test]
fn help_lists_terms_and_shortcuts() {
    let page = HelpPage { shell: shell("Help", Nav::Help) };
    let main = rendered(&page, page.as_main());
    contains(&main, &["Dead letter", "Replay", "Run again", "Cordon", "<kbd>g</kbd> <kbd>d</kbd>", "<kbd>x</kbd>"]);
}
