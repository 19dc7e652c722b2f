use crate::domain::{JobState, WorkflowState};
use crate::web::dashboard::tests::job::node;
use crate::web::dashboard::tests::jobs::{at, uuid};
use crate::web::dashboard::tests::workflows::{progress, workflow};
use crate::web::dashboard::tests::{HOSTILE, contains, rendered, shell, some};
use crate::web::dashboard::workflows::data::Step;
use crate::web::dashboard::workflows::view::{
    CriticalPath, Failure, GraphCard, GraphDrawing, Stage, StepRow, StepTable, Waterfall, WaterfallRow, WorkflowPage,
};
use crate::web::ui::{Link, Nav, Tab, Tone};
use crate::wire::GraphNode;

fn step(n: u32, name: &str, state: JobState) -> Step {
    let graph_node = GraphNode {
        job_id: uuid(n),
        step: some(name),
        workflow_id: None,
        kind: "metadata.aggregate".to_owned(),
        queue: "bulk".to_owned(),
        state: state.to_string(),
        rank: 0,
        blocked_reason: None,
        error: None,
        canceled_by: None,
        depends_on: Vec::new(),
        dependents: Vec::new(),
        attempt: 1,
        ready_at: Some(at(189)),
        started_at: None,
        finished_at: None,
        critical: n == 1,
    };
    Step::new(node(n, name, state), graph_node)
}

fn steps() -> [Step; 3] {
    [step(1, "fetch", JobState::Completed), step(2, HOSTILE, JobState::Active), step(3, "load", JobState::Failed)]
}

fn page() -> WorkflowPage {
    let card = |step: Step| GraphCard {
        title: if step.name() == HOSTILE { "<script>…".to_owned() } else { step.name().to_owned() },
        x: "254".to_owned(),
        y: "14".to_owned(),
        step,
    };
    let row = |step: Step| StepRow {
        note: (step.state() == JobState::Failed).then(|| HOSTILE.to_owned()),
        depends_on: vec![(HOSTILE.to_owned(), Some("any outcome")), ("b".to_owned(), None)],
        more: some("and 7 more"),
        step,
    };
    let bar = |name: &str, critical| WaterfallRow { name: name.to_owned(), took: "3 s".to_owned(), critical };
    WorkflowPage {
        shell: shell(HOSTILE, Nav::Workflows),
        workflow: workflow(9, HOSTILE, WorkflowState::Running),
        failure: Some(Failure {
            headline: "1 step failed.".to_owned(),
            steps: vec![(Link::to("/dashboard/jobs/1", HOSTILE), HOSTILE.to_owned())],
        }),
        progress: progress(),
        critical: CriticalPath {
            steps: vec![Link::to("/dashboard/jobs/1", "fetch"), Link::to("/dashboard/jobs/2", HOSTILE)],
            more: some("3 more"),
            total: some("4.2 s"),
        },
        graph: Some(GraphDrawing {
            width: "984".to_owned(),
            height: "84".to_owned(),
            edges: vec![(String::new(), "M1 1".to_owned()), ("bad unmet".to_owned(), "M2 2".to_owned())],
            arrows: vec![("bad".to_owned(), "M3 3z".to_owned())],
            cards: steps().into_iter().map(card).collect(),
        }),
        stages: Vec::new(),
        stages_note: "too large to draw; steps by stage".to_owned(),
        steps: StepTable { rows: steps().into_iter().map(row).collect(), ..StepTable::default() },
        waterfall: Some(Waterfall {
            desc: format!("5 s in total: {HOSTILE}"),
            excerpt: None,
            height: "48".to_owned(),
            axis: vec!["0 s".to_owned(), "5 s".to_owned()],
            grid: vec!["0".to_owned(), "1000".to_owned()],
            rows: vec![bar("fetch", true), bar(HOSTILE, false)],
            waiting: "M0 10h5v4h-5z".to_owned(),
            running: vec![(Tone::Ok, "M5 6h600v12h-600z".to_owned())],
        }),
        timeline: Vec::new(),
        curls: Vec::new(),
    }
}

#[test]
fn drawing_shows_states_and_full_names() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["class=\"edge bad unmet\" d=\"M2 2\"", "class=\"tip bad\"", "class=\"critical\"", "Completed · 3 s"],
    );
    contains(
        &main,
        &["aria-hidden=\"true\">&#60;script&#62;…", "class=\"full-name\"", "since 14:03:10", "critical path (thick)"],
    );
    contains(&main, &["</svg>failed</li>", "</svg>waiting</li>"]);
    let graph = GraphDrawing { edges: Vec::new(), ..page.graph.unwrap_or_default() };
    let page = WorkflowPage { graph: Some(graph), ..self::page() };
    assert!(!rendered(&page, page.as_main()).contains("</svg>failed</li>"));
}

#[test]
fn table_and_timeline_match_drawing() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(&main, &["metadata.aggregate · critical path", "(any outcome)", "<bdi>b</bdi>", "and 7 more"]);
    contains(&main, &["aria-labelledby=\"wf-title wf-desc\"", "waiting for a worker (thin)", "M5 6h600v12h-600z"]);
    contains(&main, &["4.2 s so far", "→ 3 more", "Retry failed steps", "Cancel…", "1 step failed."]);
}

#[test]
fn large_workflow_is_listed_by_stage() {
    let stage = Stage {
        link: Link::to("/dashboard/workflows/1?rank=2#steps", "Stage 2"),
        steps: "9,998 steps".to_owned(),
        states: vec![Link::to("/dashboard/workflows/1?state=failed&rank=2#steps", "4 failed")],
    };
    let tab = |label: &str| Tab {
        label: label.to_owned(),
        count: "1".to_owned(),
        href: "/dashboard/workflows/1#steps".to_owned(),
        current: label == "All",
        quiet: false,
    };
    let steps = StepTable {
        stage: Some(("Stage 2".to_owned(), "/dashboard/workflows/1#steps".to_owned())),
        shown: some("Steps 201 to 400 of 9,998"),
        previous: some("/dashboard/workflows/1#steps"),
        next: some("/dashboard/workflows/1?page=3#steps"),
        tabs: ["All", "Failed", "Completed"].map(tab).to_vec(),
        rows: Vec::new(),
    };
    let page = WorkflowPage { graph: None, stages: vec![stage], steps, waterfall: None, ..page() };
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["too large to draw", "9,998 steps", "4 failed", "state=failed&#38;rank=2#steps", "Stage 2 only."],
    );
    contains(&main, &["Steps 201 to 400 of 9,998", "Previous", "Next", "No steps match."]);
    assert!(!main.contains("class=\"dag\""));
}
