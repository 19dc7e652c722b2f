//! The schema as files: the manifest of `sql/schema` and of later migrations.
//!
//! The first migration applies the whole manifest in this order. It is frozen once released: a change of a table, a view or a
//! trigger is a new entry in [`LATER`]. Functions are not frozen. Edit the file of a function, and the next start of the
//! program replaces it (see [`super::migrate`]). The previous release keeps running against the new functions during a rolling
//! update, so a function keeps its name, its parameters and its result: add a parameter with a default in a new overload, and
//! drop the old function in the migration of a later release. A migration that needs a new function creates it.

/// A file below `sql/schema` or `sql/migrations`: its name without folder and ending, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! parts {
    ($($name:literal),+ $(,)?) => {
        &[$(Part { name: $name, text: include_str!(concat!("../../sql/schema/", $name, ".sql")) }),+]
    };
}

/// Tables with their indexes and constraints, then views.
pub const TABLES: &[Part] = parts![
    "tables/migrations",
    "tables/projects",
    "tables/jobs",
    "tables/lines",
    "tables/workflows",
    "tables/dependencies",
    "tables/executions",
    "tables/events",
    "tables/queues",
    "tables/workers",
    "tables/limits",
    "tables/schemas",
    "tables/schedules",
    "tables/counts",
    "tables/retention",
    "views/executions",
];

/// Functions. One that is written in the language SQL comes after those that it calls.
pub const FUNCTIONS: &[Part] = parts![
    // Values.
    "functions/uuid_v7",
    "functions/first_uuid_v7",
    "functions/bucket_of",
    "functions/is_name",
    // Limits and lanes.
    "functions/covers",
    "functions/tokens_now",
    "functions/has_line",
    "functions/oldest_due",
    // Dependencies and workflows.
    "functions/is_met",
    "functions/dooms",
    "functions/why_doomed",
    "functions/workflow_state",
    "functions/inputs_of",
    "functions/tell_dependents",
    "functions/recall_dependents",
    "functions/count_steps",
    "functions/tell_on",
    // Triggers of jobs, attempts and projects.
    "functions/refuse_illegal_job_move",
    "functions/follow_moved_jobs",
    "functions/follow_gone_jobs",
    "functions/tally_new_jobs",
    "functions/tally_moved_jobs",
    "functions/tally_gone_jobs",
    "functions/tally_ended",
    "functions/refuse_illegal_move",
    "functions/tally_new_projects",
    "functions/tally_moved_projects",
    "functions/tally_gone_projects",
    // What the program and applications call.
    "functions/refuse_draining",
    "functions/enqueue_jobs",
    "functions/enqueue",
    "functions/start_workflow",
    "functions/ask_for_project",
    "functions/begin_operation",
    "functions/operate",
    "functions/create_project",
    "functions/retry_project",
    "functions/delete_project",
];

/// Triggers, and the rows that every database starts with.
pub const TRIGGERS: &[Part] =
    parts!["triggers/projects", "triggers/jobs", "triggers/dependencies", "triggers/executions", "rows",];

/// Migrations after the first, in order: the first entry is version 2. Each is a file `sql/migrations/V2__name.sql`, runs in
/// a transaction of its own, and is never changed after its release.
pub const LATER: &[Part] = &[];

/// Every part, for checks.
pub fn parts() -> impl Iterator<Item = &'static Part> {
    [TABLES, FUNCTIONS, TRIGGERS, LATER].into_iter().flatten()
}
