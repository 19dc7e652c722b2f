use crate::web::dashboard::tests::*;

fn row(n: u32, name: &str, badge: Badge) -> WorkflowRow {
    let part = |label, count: &str, tone, x: &str, width: &str| ProgressPart {
        label,
        count: count.to_owned(),
        tone,
        x: x.to_owned(),
        width: width.to_owned(),
    };
    let parts = vec![
        part("completed", "4", Tone::Ok, "0", "133.3"),
        part("active", "1", Tone::Work, "133.3", "33.3"),
        part("blocked", "1", Tone::Block, "166.7", "33.3"),
    ];
    WorkflowRow {
        id: id(n),
        short_id: short(n),
        name: name.to_owned(),
        badge,
        tenant: some("acme"),
        progress: Progress { text: "4 of 6 steps".to_owned(), parts },
        started: stamp("14:03:00"),
        took: (badge.label != "Running").then(|| "3.2 s".to_owned()),
    }
}

fn page() -> WorkflowsPage {
    let running = Badge { tone: Tone::Work, icon: "ring", label: "Running" };
    let failed = Badge { tone: Tone::Bad, icon: "cross", label: "Failed" };
    let tab = |label: &str, count: &str, current| Tab {
        label: label.to_owned(),
        count: count.to_owned(),
        href: "/dashboard/workflows".to_owned(),
        current,
        quiet: false,
    };
    WorkflowsPage {
        shell: shell("Workflows", Nav::Workflows),
        tabs: vec![tab("All", "2", true), tab("Running", "1", false)],
        filter: WorkflowFilter::default(),
        rows: vec![row(1, "nightly import", running), row(2, HOSTILE, failed)],
        pages: Pages { matching: "2".to_owned(), newer: None, older: some("/dashboard/workflows?cursor=1") },
        curl: "curl -X POST http://localhost/workflows/demo/thumbnail".to_owned(),
    }
}

#[test]
fn the_list_says_how_far_each_is_without_colour() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["4 of 6 steps", "1 active, 1 blocked", "width=\"133.3\"", "f-work", "Running", "3.2 s", "data-elapsed"],
    );
    contains(
        &main,
        &["for acme", "2 of 2", "rel=\"next\"", "data-mirror=\"nav-workflows\"", "name=\"search\"", "&#60;script"],
    );
}

#[test]
fn an_empty_list_says_what_belongs_there() {
    let page = WorkflowsPage { rows: Vec::new(), ..page() };
    let main = rendered(&page, page.as_main());
    contains(&main, &["No workflows yet", "thumbnail</pre>", "action=\"/dashboard/workflows/demo\""]);
    let filter =
        WorkflowFilter { state: Some(("failed", "Failed")), search: HOSTILE.to_owned(), tenant: String::new() };
    let page = WorkflowsPage { filter, ..page };
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["No workflows match", "in the state <b>Failed</b>", "“&#60;script", "name=\"state\" value=\"failed\""],
    );
    let page = WorkflowsPage { pages: Pages { newer: some("/dashboard/workflows"), ..page.pages.clone() }, ..page };
    contains(&rendered(&page, page.as_main()), &["There is nothing older", "Go to the newest"]);
}
