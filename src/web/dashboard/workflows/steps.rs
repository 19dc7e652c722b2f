//! The steps of a workflow: what each of them is at, as a table, and by rank where there are too many to draw.

use std::collections::{BTreeMap, HashMap};

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::workflow::Layout;
use crate::domain::{JobState, Policy};
use crate::store::workflows::{Edge, Node};
use crate::web::dashboard::jobs::list::attempt;
use crate::web::dashboard::jobs::timeline::{CANCELED, without};
use crate::web::dashboard::ui::{Link, StateBadge, Tab, count, elapsed, first_line, links, plural, short_id, stamp};
use crate::web::dashboard::workflows::view::{RankRow, StepRow, StepTable};
use crate::web::error::ApiError;
use crate::web::query::Query;
use crate::wire::{Graph, GraphNode};

/// How many steps a page lists, and how many of those that a step depends on it names.
pub const ROWS: usize = 200;
const NAMED: usize = 6;

/// A graph with what else is known about its nodes.
pub struct Known {
    pub graph: Graph,
    /// The database's clock when it was asked.
    pub at: OffsetDateTime,
    nodes: HashMap<Uuid, Node>,
    places: HashMap<Uuid, usize>,
    /// By waiting step and the one that it waits for: what is unusual about that.
    policies: HashMap<(Uuid, Uuid), &'static str>,
}

impl Known {
    pub fn new(graph: Graph, nodes: Vec<Node>, edges: &[Edge], at: OffsetDateTime) -> Self {
        let unusual = |policy: Policy| match policy {
            Policy::AllowFailed => Some("however it ends"),
            Policy::Cancel => Some("canceled if it fails"),
            Policy::Block => None,
        };
        Self {
            places: graph.nodes.iter().enumerate().map(|(place, it)| (it.job_id, place)).collect(),
            policies: edges.iter().filter_map(|it| Some(((it.job_id, it.depends_on), unusual(it.policy)?))).collect(),
            nodes: nodes.into_iter().map(|node| (node.id, node)).collect(),
            graph,
            at,
        }
    }

    pub fn by_id(&self, id: Uuid) -> Option<&GraphNode> {
        self.graph.nodes.get(self.place(id)?)
    }

    /// Where it stands among the nodes.
    pub fn place(&self, id: Uuid) -> Option<usize> {
        self.places.get(&id).copied()
    }

    /// The row of a node of this graph.
    pub fn node(&self, it: &GraphNode) -> &Node {
        &self.nodes[&it.job_id]
    }

    pub fn state(&self, it: &GraphNode) -> JobState {
        self.node(it).state
    }

    /// When it waited for a worker and when it ran: its latest attempt, until now where it goes on.
    pub fn times(&self, it: &GraphNode) -> Times {
        let node = self.node(it);
        let ready = it.ready_at;
        match node.state {
            JobState::Blocked | JobState::Scheduled | JobState::Retrying => Times::default(),
            JobState::Queued => Times { waited: ready.map(|from| (from, None)), ran: None },
            JobState::Active => Times {
                waited: ready.zip(node.claimed_at).map(|(from, to)| (from.min(to), Some(to))),
                ran: node.claimed_at.map(|from| (from, None)),
            },
            // Whatever was canceled before it was claimed has not run.
            JobState::Completed | JobState::Failed | JobState::Canceled => {
                let ran = node.claimed_at.zip(node.finished_at).filter(|(from, to)| from <= to && node.attempt > 0);
                Times {
                    waited: ready.zip(ran).map(|(ready, (from, _))| (ready.min(from), Some(from))),
                    ran: ran.map(|(from, to)| (from, Some(to))),
                }
            }
        }
    }
}

/// From when until when; without an end, it goes on.
pub type Stretch = (OffsetDateTime, Option<OffsetDateTime>);

#[derive(Clone, Copy, Default)]
pub struct Times {
    pub waited: Option<Stretch>,
    pub ran: Option<Stretch>,
}

/// How long a stretch lasted that is over.
pub fn lasted(stretch: Option<Stretch>) -> Option<String> {
    stretch.and_then(|(from, to)| Some(elapsed(from, to?)))
}

/// Since when a stretch lasts that is not.
pub fn since(stretch: Option<Stretch>) -> Option<OffsetDateTime> {
    stretch.filter(|(_, to)| to.is_none()).map(|(from, _)| from)
}

pub fn link(it: &GraphNode) -> Link {
    Link::to(links::job_page(it.job_id), it.name())
}

/// What narrows the table, as the URL says it. Ranks are counted from 1 there, as people do.
#[derive(Clone, Default)]
pub struct Narrowed {
    state: Option<JobState>,
    rank: Option<usize>,
    page: usize,
}

impl Narrowed {
    pub fn read(query: &Query) -> Result<Self, ApiError> {
        let number = |name: &str| {
            let whole = |text: &str| text.parse::<usize>().ok().filter(|n| (1..=1_000_000).contains(n));
            let wrong = || ApiError::parameter(name, "must be a whole number from 1");
            query.get(name).map(|text| whole(text).ok_or_else(wrong)).transpose()
        };
        let state = query.get("state").map(|word| {
            JobState::parse(word).ok_or_else(|| ApiError::parameter("state", "is not one that a step has"))
        });
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

/// The order of states in tabs and sums: what needs a person first, then what moves.
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

/// The table, in the order of the drawing where there is one.
pub fn table(id: Uuid, known: &Known, layout: Option<&Layout>, narrowed: &Narrowed) -> StepTable {
    let nodes = &known.graph.nodes;
    let all: Vec<&GraphNode> = match layout {
        Some(layout) => layout.order.iter().filter_map(|at| nodes.get(*at)).collect(),
        None => nodes.iter().collect(),
    };
    let of_rank = |it: &&GraphNode| narrowed.rank.is_none_or(|rank| it.rank + 1 == rank);
    let ranked: Vec<&GraphNode> = all.into_iter().filter(of_rank).collect();
    let sums = sums(known, ranked.iter().copied());
    let matching: Vec<&GraphNode> =
        ranked.iter().copied().filter(|it| narrowed.state.is_none_or(|state| known.state(it) == state)).collect();
    let first = narrowed.page * ROWS;
    let rows: Vec<StepRow> = matching.iter().skip(first).take(ROWS).map(|it| row(known, it)).collect();
    let last = first + rows.len();
    let turned = |page: usize| Narrowed { page, ..narrowed.clone() }.href(id);
    StepTable {
        tabs: tabs(id, narrowed, ranked.len(), &sums),
        rank: narrowed
            .rank
            .map(|rank| (format!("rank {rank}"), Narrowed { rank: None, page: 0, ..narrowed.clone() }.href(id))),
        shown: (matching.len() > ROWS).then(|| {
            format!("Steps {} to {} of {}", count(first as i64 + 1), count(last as i64), count(matching.len() as i64))
        }),
        previous: (narrowed.page > 0).then(|| turned(narrowed.page - 1)),
        next: (last < matching.len()).then(|| turned(narrowed.page + 1)),
        rows,
    }
}

fn sums<'a>(known: &Known, nodes: impl Iterator<Item = &'a GraphNode>) -> BTreeMap<JobState, i64> {
    let mut sums = BTreeMap::new();
    nodes.for_each(|it| *sums.entry(known.state(it)).or_default() += 1);
    sums
}

fn tabs(id: Uuid, narrowed: &Narrowed, all: usize, sums: &BTreeMap<JobState, i64>) -> Vec<Tab> {
    let tab = |label: &str, state: Option<JobState>, n: i64| Tab {
        label: label.to_owned(),
        count: count(n),
        href: Narrowed { state, page: 0, ..narrowed.clone() }.href(id),
        current: narrowed.state == state,
        quiet: false,
    };
    let there = |state: &&JobState| sums.contains_key(state) || narrowed.state == Some(**state);
    let each = STATES
        .iter()
        .filter(there)
        .map(|state| tab(state.badge().label, Some(*state), sums.get(state).copied().unwrap_or_default()));
    std::iter::once(tab("All", None, all as i64)).chain(each).collect()
}

fn row(known: &Known, it: &GraphNode) -> StepRow {
    let (node, times) = (known.node(it), known.times(it));
    let on = |id: &Uuid| {
        let name = known.by_id(*id).map_or_else(|| short_id(*id), |it| it.name().to_owned());
        (name, known.policies.get(&(it.job_id, *id)).copied())
    };
    let rest = it.depends_on.len().saturating_sub(NAMED);
    StepRow {
        id: it.job_id.to_string(),
        step: link(it),
        kind: it.kind.clone(),
        state: node.state,
        note: match node.state {
            JobState::Blocked => it.blocked_reason.clone(),
            JobState::Failed | JobState::Retrying => node.error.as_deref().map(|error| first_line(error).to_owned()),
            JobState::Canceled => node.error.as_deref().and_then(|error| without(first_line(error), CANCELED)),
            _ => None,
        },
        depends_on: it.depends_on.iter().take(NAMED).map(on).collect(),
        more: (rest > 0).then(|| format!("and {} more", count(rest as i64))),
        attempt: attempt(node.attempt, node.max_attempts),
        waited: lasted(times.waited),
        waits_since: since(times.waited).map(stamp),
        took: lasted(times.ran),
        runs_since: since(times.ran).map(stamp),
        critical: it.critical,
    }
}

/// In place of a drawing.
pub fn ranks(id: Uuid, known: &Known) -> Vec<RankRow> {
    let mut ranks: BTreeMap<usize, Vec<&GraphNode>> = BTreeMap::new();
    known.graph.nodes.iter().for_each(|it| ranks.entry(it.rank).or_default().push(it));
    let row = |(rank, nodes): (&usize, &Vec<&GraphNode>)| {
        let narrowed = Narrowed { rank: Some(rank + 1), ..Narrowed::default() };
        let sums = sums(known, nodes.iter().copied());
        let of = |state: &JobState| {
            let n = *sums.get(state)?;
            let label = format!("{} {}", count(n), state.badge().label.to_lowercase());
            let href = Narrowed { state: Some(*state), ..narrowed.clone() }.href(id);
            Some((*state, Link::to(href, label)))
        };
        RankRow {
            rank: Link::to(narrowed.href(id), format!("Rank {}", rank + 1)),
            steps: plural(nodes.len() as i64, "step"),
            states: STATES.iter().filter_map(of).collect(),
        }
    };
    ranks.iter().map(row).collect()
}
