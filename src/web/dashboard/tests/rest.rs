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
        happens: vec![
            "18 that wait are canceled at once.".to_owned(),
            "3 that run are asked to stop, and taken from their workers after 30 s.".to_owned(),
        ],
        stays: vec!["Their record: payload, events and attempts.".to_owned()],
        count: some("21 jobs"),
        listed: (1..6).map(item).collect(),
        more: some("and 16 more"),
        post_to: "/dashboard/jobs/bulk".to_owned(),
        hidden: vec![Hidden { field: "job_id".to_owned(), value: HOSTILE.to_owned() }],
        fields: Vec::new(),
        reason: Some(String::new()),
        button: "Cancel 21 jobs".to_owned(),
        icon: "ban".to_owned(),
        destroys: true,
        cancel: "/dashboard/jobs?state=queued".to_owned(),
        error: None,
        blocked: None,
    }
}

#[test]
fn what_cannot_be_undone_is_asked_with_its_consequences() {
    let page = confirm();
    let main = rendered(&page, page.as_main());
    says(&main, &["18 that wait are canceled at once.", "and 16 more", "name=\"confirmed\" value=\"1\"", "21 jobs"]);
    says(&main, &["btn destroy", "Back, change nothing", "name=\"reason\"", "name=\"job_id\" value=\"&#60;script"]);
    assert!(!main.contains("Are you sure"));
}

#[test]
fn further_fields_and_a_refusal_are_shown() {
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
        choices: choices(&[("", "as it was"), ("9", "9, goes first")], ""),
        ..ConfirmField::default()
    };
    let page = ConfirmPage {
        fields: vec![queue, priority],
        destroys: false,
        icon: "retry".to_owned(),
        heading: "Replay 21 jobs".to_owned(),
        button: "Replay 21 jobs".to_owned(),
        error: some("Now 23 jobs match, and the page spoke of 21."),
        ..confirm()
    };
    let main = rendered(&page, page.as_main());
    says(&main, &["id=\"move-to\"", "move-to-error", "<select id=\"priority\"", "Nothing was done.", "Now 23 jobs"]);
    let page = ConfirmPage { blocked: some("The job has ended."), ..confirm() };
    assert!(!rendered(&page, page.as_main()).contains("<form"));
}

fn limit(name: &str, held: Option<&str>) -> LimitRow {
    LimitRow {
        name: name.to_owned(),
        scope: "queue".to_owned(),
        value: some("bulk"),
        mode: "Rate".to_owned(),
        limit: "100 in 60 s, burst 20".to_owned(),
        used: gauge("88 of 100", Some(88), if held.is_some() { Tone::Wait } else { Tone::Work }),
        held_back: held.map(str::to_owned),
        free: held.map(|_| stamp("14:03:30")),
        enabled: held.is_some(),
        edit: "/dashboard/limits?edit=mail".to_owned(),
        delete: "/dashboard/limits/delete?limit=mail".to_owned(),
    }
}

fn limits() -> LimitsPage {
    LimitsPage {
        shell: shell("Limits", Nav::Limits),
        summary: "3 limits, 1 of them holds jobs back".to_owned(),
        rows: vec![limit("queue:bulk", Some("12 jobs")), limit("mail", None), limit(HOSTILE, None)],
        form: LimitForm {
            scopes: choices(
                &[("global", "everything"), ("queue", "a queue"), ("kind", "a kind"), ("tenant", "a tenant")],
                "queue",
            ),
            modes: choices(&[("concurrency", "how many run at once"), ("rate", "how many start in a window")], "rate"),
            enabled: true,
            ..LimitForm::default()
        },
    }
}

#[test]
fn a_limit_says_whom_it_holds_back() {
    let page = limits();
    let main = rendered(&page, page.as_main());
    says(
        &main,
        &["12 jobs", "next <time", "100 in 60 s, burst 20", "width=\"88\"", "name=\"limit_name\"", "Add a limit"],
    );
    says(
        &main,
        &["/dashboard/limits?edit=mail\"", "/dashboard/limits/delete?limit=mail\"", ">On</span>", ">Off</span>"],
    );
    let form = LimitForm {
        editing: some(HOSTILE),
        errors: vec![FieldError { field: "limit_name".to_owned(), message: "Choose another name.".to_owned() }],
        ..page.form.clone()
    };
    let page = LimitsPage { form, ..page };
    let main = rendered(&page, page.as_main());
    says(&main, &["name=\"editing\" value=\"&#60;script", "data-keep open", "href=\"#limit-name\"", "Save limit"]);
    let page = LimitsPage { rows: Vec::new(), ..limits() };
    says(&rendered(&page, page.as_main()), &["No limits", "as fast as they can"]);
}

#[test]
fn help_knows_the_words_and_the_keys() {
    let page = HelpPage { shell: shell("Help", Nav::Help) };
    let main = rendered(&page, page.as_main());
    says(&main, &["Dead letter", "Replay", "Run again", "Cordon", "<kbd>g</kbd> <kbd>d</kbd>", "<kbd>x</kbd>"]);
}
