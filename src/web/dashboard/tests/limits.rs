use crate::domain::{LimitMode, LimitScope};
use crate::store::limits::{Limit, LimitUse};
use crate::web::dashboard::limits::view::{LimitForm, LimitsPage};
use crate::web::dashboard::tests::jobs::at;
use crate::web::dashboard::tests::{HOSTILE, contains, rendered, shell, some};
use crate::web::ui::{FieldError, Nav};

fn limit(name: &str, tokens: f64) -> LimitUse {
    LimitUse {
        limit: Limit {
            name: name.to_owned(),
            scope: LimitScope::Queue,
            value: some("bulk"),
            mode: LimitMode::Rate,
            max: 100,
            window: Some(60.0),
            burst: Some(20),
            enabled: name != "mail",
        },
        active: None,
        tokens: Some(tokens),
        free_at: Some(at(210)),
        waiting: 12,
        actor: "maria".to_owned(),
        updated_at: at(0),
    }
}

fn page() -> LimitsPage {
    LimitsPage {
        shell: shell("Limits", Nav::Limits),
        rows: vec![limit("queue:bulk", 0.0), limit("mail", 2.0), limit(HOSTILE, 2.0)],
        form: LimitForm { enabled: true, ..LimitForm::default() }.with_choices("queue", "rate"),
    }
}

#[test]
fn limit_shows_usage_and_waiting_jobs() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(&main, &["3 limits, 1 throttling now", "12 jobs", "next <time", "100 per 1 m, burst 20", "width=\"90\""]);
    contains(&main, &["name=\"limit_name\"", "Add a limit", ">On</span>", ">Off</span>"]);
    contains(&main, &["/dashboard/limits?edit=mail\"", "/dashboard/limits/delete?limit=mail\""]);
}

#[test]
fn rejected_limit_form_is_open() {
    let errors = vec![FieldError::new("limit_name", "Choose another name.")];
    let form = LimitForm { editing: some(HOSTILE), errors, ..page().form };
    let page = LimitsPage { form, ..self::page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["name=\"editing\" value=\"&#60;script", "data-keep open", "href=\"#limit-name\"", "Save limit"]);
}

#[test]
fn empty_limit_list_explains_limits() {
    let page = LimitsPage { rows: Vec::new(), ..page() };
    contains(&rendered(&page, page.as_main()), &["No limits", "as fast as they can"]);
}
