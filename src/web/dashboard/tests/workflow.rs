use crate::web::dashboard::tests::*;

fn card(n: u32, name: &str, state: JobState) -> GraphCard {
    GraphCard {
        href: format!("/dashboard/jobs/{}", id(n)),
        x: (n * 254).to_string(),
        y: "14".to_owned(),
        title: name.to_owned(),
        full: (n == 2).then(|| format!("{name} in full")),
        state,
        lasted: (state == JobState::Completed).then(|| "3 s".to_owned()),
        since: (state == JobState::Active)
            .then(|| GraphSince { iso: "2026-11-22T14:03:10Z".to_owned(), clock: "14:03:10".to_owned() }),
        critical: n == 1,
    }
}

fn step(n: u32, name: &str, state: JobState) -> StepRow {
    StepRow {
        id: id(n),
        step: Link::to(format!("/dashboard/jobs/{}", id(n)), name),
        kind: "metadata.aggregate".to_owned(),
        state,
        note: (state == JobState::Failed).then(|| HOSTILE.to_owned()),
        depends_on: if n == 1 {
            Vec::new()
        } else {
            vec![(HOSTILE.to_owned(), Some("however it ends")), ("b".to_owned(), None)]
        },
        more: (n == 3).then(|| "and 7 more".to_owned()),
        attempt: "1 of 3".to_owned(),
        waited: some("0.1 s"),
        waits_since: None,
        took: (state == JobState::Completed).then(|| "3 s".to_owned()),
        runs_since: (state == JobState::Active).then(|| stamp("14:03:10")),
        critical: n == 1,
    }
}

fn page() -> WorkflowPage {
    let drawing = GraphDrawing {
        width: "984".to_owned(),
        height: "84".to_owned(),
        edges: vec![(String::new(), "M1 1".to_owned()), ("bad unmet".to_owned(), "M2 2".to_owned())],
        heads: vec![("bad".to_owned(), "M3 3z".to_owned())],
        cards: vec![
            card(1, "fetch", JobState::Completed),
            card(2, HOSTILE, JobState::Active),
            card(3, "load", JobState::Failed),
        ],
    };
    let fall = |name: &str, critical| FallRow { name: name.to_owned(), took: "3 s".to_owned(), critical };
    WorkflowPage {
        shell: shell(HOSTILE, Nav::Workflows),
        id: id(9),
        short_id: short(9),
        name: HOSTILE.to_owned(),
        badge: Badge { tone: Tone::Work, icon: "ring", label: "Running" },
        can_cancel: true,
        can_retry: true,
        trouble: Some(Trouble {
            headline: "1 step failed.".to_owned(),
            steps: vec![(Link::to("/dashboard/jobs/1", HOSTILE), HOSTILE.to_owned())],
        }),
        progress: Progress { text: "1 of 3 steps".to_owned(), parts: Vec::new() },
        tenant: "acme".to_owned(),
        actor: HOSTILE.to_owned(),
        created: stamp("14:03:00"),
        ended: None,
        critical: Critical {
            steps: vec![Link::to("/dashboard/jobs/1", "fetch"), Link::to("/dashboard/jobs/2", HOSTILE)],
            more: some("3 more"),
            total: some("4.2 s"),
        },
        graph: Some(drawing),
        ranks: Vec::new(),
        steps: StepTable {
            rows: vec![
                step(1, "fetch", JobState::Completed),
                step(2, HOSTILE, JobState::Active),
                step(3, "load", JobState::Failed),
            ],
            ..StepTable::default()
        },
        falls: Some(Waterfall {
            desc: format!("5 s in all: {HOSTILE}"),
            some: None,
            height: "48".to_owned(),
            axis: vec!["0 s".to_owned(), "5 s".to_owned()],
            grid: vec!["0".to_owned(), "1000".to_owned()],
            rows: vec![fall("fetch", true), fall(HOSTILE, false)],
            waiting: "M0 10h5v4h-5z".to_owned(),
            running: vec![(Tone::Ok, "M5 6h600v12h-600z".to_owned())],
        }),
        timeline: Vec::new(),
        curls: Vec::new(),
    }
}

#[test]
fn the_drawing_is_made_of_links_and_says_what_its_looks_mean() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["role=\"group\"", "tabindex=\"0\"", "<path class=\"edge bad unmet\" d=\"M2 2\"/>", "<path class=\"tip bad\""],
    );
    contains(
        &main,
        &[
            "class=\"critical\" aria-describedby=\"on-path\"",
            "y=\"22\">fetch</text>",
            "y=\"22\" aria-hidden=\"true\">&#60;script",
            " in full</text>",
            "Completed · 3 s",
            "data-at=\"2026-11-22T14:03:10Z\"",
        ],
    );
    contains(&main, &["since 14:03:10", "comes from a step that failed", "does not yet", "critical path, thick"]);
    let only = GraphDrawing { edges: Vec::new(), ..page.graph.clone().unwrap_or_default() };
    let page = WorkflowPage { graph: Some(only), ..page };
    assert!(!rendered(&page, page.as_main()).contains("comes from a step that failed"));
}

#[test]
fn table_and_timeline_say_the_same_as_the_drawing() {
    let page = page();
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["metadata.aggregate · critical path", "(however it ends)", "<bdi>b</bdi>", "and 7 more", "0.1 s"],
    );
    contains(
        &main,
        &["role=\"img\" aria-labelledby=\"wf-title wf-desc\"", "waited for a worker, thin", "M5 6h600v12h-600z"],
    );
    contains(&main, &["4.2 s so far", "→ 3 more", "Retry failed steps", "Cancel…", "1 step failed."]);
}

#[test]
fn too_much_to_draw_is_listed_by_rank() {
    let failed = (JobState::Failed, Link::to("/dashboard/workflows/1?state=failed&rank=2#steps", "4 dead"));
    let rank = RankRow {
        rank: Link::to("/dashboard/workflows/1?rank=2#steps", "Rank 2"),
        steps: "9,998 steps".to_owned(),
        states: vec![failed],
    };
    let steps = StepTable {
        rank: Some(("rank 2".to_owned(), "/dashboard/workflows/1#steps".to_owned())),
        shown: some("Steps 201 to 400 of 9,998"),
        previous: some("/dashboard/workflows/1#steps"),
        next: some("/dashboard/workflows/1?page=3#steps"),
        tabs: ["All", "Dead", "Completed"].map(tab).to_vec(),
        rows: Vec::new(),
    };
    let page = WorkflowPage { graph: None, ranks: vec![rank], steps, falls: None, ..page() };
    let main = rendered(&page, page.as_main());
    contains(
        &main,
        &["too much to draw", "9,998 steps", "4 dead", "state=failed&#38;rank=2#steps", "Only those of rank 2."],
    );
    contains(&main, &["Steps 201 to 400 of 9,998", "Previous", "Next", "No step matches."]);
    assert!(!main.contains("class=\"dag\""));
}

fn tab(label: &str) -> Tab {
    let href = "/dashboard/workflows/1#steps".to_owned();
    Tab { label: label.to_owned(), count: "1".to_owned(), href, current: label == "All", quiet: false }
}
