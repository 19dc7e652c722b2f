//! What tables show of the things that several commands speak of.

use crate::cli::output::{Noun, Show, column, wide};

/// A job in a table.
pub static JOB: Noun = Noun {
    name: "job",
    key: "id",
    columns: &[
        column("ID", "id", Show::Exact),
        column("KIND", "kind", Show::Text),
        column("QUEUE", "queue", Show::Text),
        column("STATE", "state", Show::State),
        wide("PRIORITY", "priority", Show::Number),
        column("TRIES", "attempt", Show::Number),
        wide("TENANT", "tenant", Show::Text),
        wide("TAGS", "tags", Show::Text),
        wide("NAME", "payload.name", Show::Text),
        wide("WORKER", "worker_id", Show::Text),
        wide("PROGRESS", "progress.text", Show::Text),
        wide("DUE", "run_at", Show::When),
        column("CREATED", "created_at", Show::When),
        column("ERROR", "error", Show::Text),
    ],
};

/// A line of the whole record.
pub static RECORD: Noun = Noun {
    name: "event",
    key: "id",
    columns: &[
        column("WHEN", "occurred_at", Show::When),
        wide("ENTITY", "entity", Show::Exact),
        wide("ID", "entity_id", Show::Exact),
        column("FROM", "previous_state", Show::State),
        column("TO", "new_state", Show::State),
        column("TRY", "attempt", Show::Number),
        column("ACTOR", "actor", Show::Text),
        column("REASON", "reason", Show::Text),
    ],
};

/// A line that an execution wrote.
pub static LINE: Noun = Noun {
    name: "line",
    key: "id",
    columns: &[
        column("WHEN", "created_at", Show::When),
        column("STREAM", "stream", Show::Text),
        column("LINE", "content", Show::Text),
        wide("EXECUTION", "execution_id", Show::Exact),
    ],
};

/// One try.
pub static EXECUTION: Noun = Noun {
    name: "execution",
    key: "id",
    columns: &[
        column("ID", "id", Show::Exact),
        column("TRY", "attempt", Show::Number),
        wide("JOB", "job_id", Show::Exact),
        column("WORKER", "worker_id", Show::Text),
        column("CLAIMED", "claimed_at", Show::When),
        column("TOOK", "duration_ms", Show::Millis),
        column("OUTCOME", "outcome", Show::State),
        column("ERROR", "error", Show::Text),
    ],
};

/// Why a job waits.
pub static WAITING: Noun = Noun {
    name: "explanation",
    key: "reason",
    columns: &[column("REASON", "reason", Show::Exact), column("SUMMARY", "summary", Show::Text)],
};

/// Everything about a job.
pub static INSPECTION: Noun =
    Noun { name: "inspection", key: "job.id", columns: &[column("ID", "job.id", Show::Exact)] };

/// How many there are in a state.
pub static COUNT: Noun = Noun {
    name: "state",
    key: "state",
    columns: &[column("STATE", "state", Show::State), column("JOBS", "jobs", Show::Number)],
};

/// A schedule.
pub static SCHEDULE: Noun = Noun {
    name: "schedule",
    key: "name",
    columns: &[
        column("NAME", "name", Show::Exact),
        column("STATE", "state", Show::State),
        column("WHEN", "words", Show::Text),
        wide("EXPRESSION", "expression", Show::Text),
        column("NEXT", "next_at", Show::When),
        column("LAST", "last_at", Show::When),
        wide("MISFIRE", "misfire", Show::Text),
        wide("OVERLAP", "overlap", Show::Text),
        wide("BY", "actor", Show::Text),
    ],
};

/// What became of a due time.
pub static TICK: Noun = Noun {
    name: "tick",
    key: "id",
    columns: &[
        column("DUE", "due_at", Show::When),
        column("CAUSE", "cause", Show::Text),
        column("OUTCOME", "outcome", Show::State),
        column("JOB", "job_id", Show::Exact),
        column("STATE", "job_state", Show::State),
        column("WORKFLOW", "workflow_id", Show::Exact),
        wide("STATE", "workflow_state", Show::State),
        wide("PROJECT", "project_id", Show::Exact),
        column("REASON", "reason", Show::Text),
    ],
};

/// A due time.
pub static OCCURRENCE: Noun = Noun {
    name: "due",
    key: "at",
    columns: &[
        column("DUE", "at", Show::Exact),
        column("IN", "at", Show::When),
        column("THERE", "local", Show::Exact),
        column("OFFSET", "offset", Show::Exact),
        column("NOTE", "note", Show::Text),
    ],
};

/// A workflow.
pub static WORKFLOW: Noun = Noun {
    name: "workflow",
    key: "id",
    columns: &[
        column("ID", "id", Show::Exact),
        column("NAME", "name", Show::Text),
        column("STATE", "state", Show::State),
        column("DONE", "progress", Show::Share),
        column("STEPS", "steps.total", Show::Number),
        column("ACTIVE", "steps.active", Show::Number),
        column("FAILED", "steps.failed", Show::Number),
        wide("BLOCKED", "steps.blocked", Show::Number),
        wide("WAITING", "steps.waiting", Show::Number),
        wide("TENANT", "tenant", Show::Text),
        column("CREATED", "created_at", Show::When),
        wide("FINISHED", "finished_at", Show::When),
    ],
};

/// A page of the dashboard.
pub static PAGE: Noun = Noun { name: "page", key: "url", columns: &[column("URL", "url", Show::Exact)] };

/// How a server is.
pub static STATUS: Noun = Noun { name: "server", key: "address", columns: &[column("STATUS", "status", Show::State)] };

/// What came out of one kind of work in one queue.
pub static STAT: Noun = Noun {
    name: "kind",
    key: "kind",
    columns: &[
        column("QUEUE", "queue", Show::Text),
        column("KIND", "kind", Show::Text),
        column("WAITING", "waiting", Show::Number),
        column("ACTIVE", "in_flight", Show::Number),
        column("DEAD", "failed", Show::Number),
        column("ENQUEUED", "enqueued", Show::Number),
        column("COMPLETED", "completed", Show::Number),
        column("FAILURES", "failures", Show::Number),
        wide("TIMEOUTS", "timeouts", Show::Number),
        wide("CANCELED", "canceled", Show::Number),
        column("P50", "duration.p50_ms", Show::Millis),
        column("P95", "duration.p95_ms", Show::Millis),
        wide("P99", "duration.p99_ms", Show::Millis),
        column("WAIT P95", "wait.p95_ms", Show::Millis),
    ],
};

/// How many projects have a status.
pub static PROJECTS: Noun = Noun {
    name: "status",
    key: "status",
    columns: &[column("STATUS", "status", Show::State), column("PROJECTS", "projects", Show::Number)],
};
