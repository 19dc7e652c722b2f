use crate::domain::WorkflowState;
use crate::store::workflows::{Workflow, WorkflowFilter};
use crate::web::dashboard::tests::jobs::{at, uuid};
use crate::web::dashboard::tests::{HOSTILE, contains, rendered, shell, some};
use crate::web::dashboard::workflows::view::{Progress, ProgressPart, WorkflowRow, WorkflowsPage};
use crate::web::ui::{Nav, Pages, Tone};

pub fn workflow(n: u32, name: &str, state: WorkflowState) -> Workflow {
    Workflow {
        id: uuid(n),
        state,
        name: name.to_owned(),
        tenant: "acme".to_owned(),
        steps: 3,
        completed: 1,
        failed: 1,
        canceled: 0,
        blocked: 0,
        active: 1,
        actor: HOSTILE.to_owned(),
        created_at: at(0),
        updated_at: at(3),
        finished_at: (state != WorkflowState::Running).then(|| at(3)),
    }
}

pub fn progress() -> Progress {
    let part = |label, tone, x: &str| ProgressPart {
        label,
        count: "1".to_owned(),
        tone,
        x: x.to_owned(),
        width: "33.3".to_owned(),
    };
    let parts =
        vec![part("completed", Tone::Ok, "0"), part("active", Tone::Work, "33.3"), part("failed", Tone::Bad, "66.6")];
    Progress { text: "1 of 3 steps".to_owned(), parts }
}

fn page() -> WorkflowsPage {
    let row = |n, name, state| WorkflowRow { workflow: workflow(n, name, state), progress: progress() };
    WorkflowsPage {
        shell: shell("Workflows", Nav::Workflows),
        tabs: Vec::new(),
        filter: WorkflowFilter::default(),
        rows: vec![row(1, "nightly import", WorkflowState::Running), row(2, HOSTILE, WorkflowState::Failed)],
        pages: Pages { matching: "2".to_owned(), newer: None, older: some("/dashboard/workflows?cursor=1") },
        curl: "curl -X POST http://localhost/workflows/demo/thumbnail".to_owned(),
    }
}

#[test]
fn workflow_list_shows_progress_in_words() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["1 of 3 steps", "1 active, 1 failed", "width=\"33.3\"", "f-work", "Running", ">3 s<", "data-elapsed"],
    );
    contains(&main, &["tenant acme", "2 of 2", "rel=\"next\"", "data-mirror=\"nav-workflows\"", "name=\"search\""]);
    contains(&main, &["&#60;script"]);
}

#[test]
fn empty_workflow_list_names_filter() {
    let empty = || WorkflowsPage { rows: Vec::new(), ..page() };
    let page = empty();
    let main = rendered(&page, page.as_main());
    contains(&main, &["No workflows yet", "thumbnail</pre>", "action=\"/dashboard/workflows/demo\""]);
    let filter = WorkflowFilter { state: Some(WorkflowState::Failed), name: some(HOSTILE), ..Default::default() };
    let page = WorkflowsPage { filter, ..empty() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["No workflows match", "state <b>Failed</b>, name", "“&#60;script", "value=\"failed\""]);
    let newer = Pages { newer: some("/dashboard/workflows"), ..Pages::default() };
    let page = WorkflowsPage { pages: newer, ..empty() };
    contains(&rendered(&page, page.as_main()), &["End of list"]);
}
