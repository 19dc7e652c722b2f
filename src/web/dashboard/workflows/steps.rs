//! The steps of a workflow as a table, and by stage if there are too many to draw.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::JobState;
use crate::domain::workflow::Layout;
use crate::web::dashboard::jobs::format::{CANCELED, without_prefix};
use crate::web::dashboard::workflows::data::{Step, Steps};
use crate::web::dashboard::workflows::view::{Stage, StepRow, StepTable};
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::web::ui::{Link, StateBadge, Tab, count, first_line, links, plural, short_id};

/// Rows per page.
const ROWS: usize = 200;
/// How many stages are listed.
const MAX_STAGES: usize = 100;
/// How many dependencies of a step are named.
const NAMED: usize = 6;

/// The filter of the table. A stage is called `rank` in the URL, and counted from 1 there.
#[derive(Clone, Copy, Default)]
pub struct Filter {
    state: Option<JobState>,
    rank: Option<usize>,
    page: usize,
}

impl Filter {
    pub fn parse(query: &Query) -> Result<Self, ApiError> {
        let number = |name: &str| {
            let parse = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=1_000_000).contains(n));
            let error = || ApiError::parameter(name, "must be a whole number of at least 1");
            query.get(name).map(|text| parse(text).ok_or_else(error)).transpose()
        };
        let state = query
            .get("state")
            .map(|word| JobState::parse(word).ok_or_else(|| ApiError::parameter("state", "is not a state of a step")));
        Ok(Self { state: state.transpose()?, rank: number("rank")?, page: number("page")?.unwrap_or(1) - 1 })
    }

    fn href(&self, id: Uuid) -> String {
        let (rank, page) = (self.rank.map(|it| it.to_string()), (self.page > 0).then(|| (self.page + 1).to_string()));
        let pairs = [
            ("state", self.state.map_or("", JobState::as_str)),
            ("rank", rank.as_deref().unwrap_or_default()),
            ("page", page.as_deref().unwrap_or_default()),
        ];
        format!("{}#steps", links::with_query(&links::workflow_page(id), &pairs))
    }
}

/// The order of states: the ones that need attention first.
const STATES: [JobState; 8] = [
    JobState::Failed,
    JobState::Active,
    JobState::Retrying,
    JobState::Queued,
    JobState::Scheduled,
    JobState::Blocked,
    JobState::Canceled,
    JobState::Completed,
];

/// The table, in the order of the drawing if there is one.
pub fn table(id: Uuid, steps: &Steps, layout: Option<&Layout>, filter: &Filter) -> StepTable {
    let all: Vec<&Step> = match layout {
        Some(layout) => layout.order.iter().filter_map(|index| steps.list.get(*index)).collect(),
        None => steps.list.iter().collect(),
    };
    let in_stage = |step: &&Step| filter.rank.is_none_or(|rank| step.node.rank + 1 == rank);
    let in_stage: Vec<&Step> = all.into_iter().filter(in_stage).collect();
    let matches = |step: &&Step| filter.state.is_none_or(|state| step.state() == state);
    let matching: Vec<&Step> = in_stage.iter().copied().filter(matches).collect();
    let first = filter.page * ROWS;
    let rows: Vec<StepRow> = matching.iter().skip(first).take(ROWS).map(|step| row(steps, step)).collect();
    let last = first + rows.len();
    let page = |page: usize| Filter { page, ..*filter }.href(id);
    StepTable {
        tabs: tabs(id, filter, &in_stage),
        stage: filter.rank.map(|rank| (format!("Stage {rank}"), Filter { rank: None, page: 0, ..*filter }.href(id))),
        shown: (matching.len() > ROWS).then(|| {
            format!("Steps {} to {} of {}", count(first as i64 + 1), count(last as i64), count(matching.len() as i64))
        }),
        previous: (filter.page > 0).then(|| page(filter.page - 1)),
        next: (last < matching.len()).then(|| page(filter.page + 1)),
        rows,
    }
}

fn counts(steps: &[&Step]) -> BTreeMap<JobState, i64> {
    let mut counts = BTreeMap::new();
    steps.iter().for_each(|step| *counts.entry(step.state()).or_default() += 1);
    counts
}

fn tabs(id: Uuid, filter: &Filter, steps: &[&Step]) -> Vec<Tab> {
    let counts = counts(steps);
    let tab = |label: &str, state: Option<JobState>, n: i64| Tab {
        label: label.to_owned(),
        count: count(n),
        href: Filter { state, page: 0, ..*filter }.href(id),
        current: filter.state == state,
        quiet: false,
    };
    let states = STATES.iter().filter(|state| counts.contains_key(state) || filter.state == Some(**state));
    let states =
        states.map(|state| tab(state.badge().label, Some(*state), counts.get(state).copied().unwrap_or_default()));
    std::iter::once(tab("All", None, steps.len() as i64)).chain(states).collect()
}

fn row(steps: &Steps, step: &Step) -> StepRow {
    let dependency = |id: &Uuid| {
        let name = steps.get(*id).map_or_else(|| short_id(*id), |it| it.name().to_owned());
        (name, steps.policy(step.id(), *id))
    };
    let error = step.row.error.as_deref().map(first_line);
    let depends_on = &step.node.depends_on;
    let rest = depends_on.len().saturating_sub(NAMED);
    StepRow {
        step: step.clone(),
        note: match step.state() {
            JobState::Blocked => step.node.blocked_reason.clone(),
            JobState::Failed | JobState::Retrying => error.map(str::to_owned),
            JobState::Canceled => error.and_then(|error| without_prefix(error, CANCELED)),
            _ => None,
        },
        depends_on: depends_on.iter().take(NAMED).map(dependency).collect(),
        more: (rest > 0).then(|| format!("and {} more", count(rest as i64))),
    }
}

/// The first [`MAX_STAGES`] stages, and how many there are.
pub fn stages(id: Uuid, steps: &Steps) -> (Vec<Stage>, usize) {
    let mut stages: BTreeMap<usize, Vec<&Step>> = BTreeMap::new();
    steps.list.iter().for_each(|step| stages.entry(step.node.rank + 1).or_default().push(step));
    let stage = |(rank, steps): (usize, Vec<&Step>)| {
        let filter = Filter { rank: Some(rank), ..Filter::default() };
        let counts = counts(&steps);
        let state = |state: &JobState| {
            let label = format!("{} {state}", count(*counts.get(state)?));
            Some(Link::to(Filter { state: Some(*state), ..filter }.href(id), label))
        };
        Stage {
            link: Link::to(filter.href(id), format!("Stage {rank}")),
            steps: plural(steps.len() as i64, "step"),
            states: STATES.iter().filter_map(state).collect(),
        }
    };
    let total = stages.len();
    (stages.into_iter().take(MAX_STAGES).map(stage).collect(), total)
}
