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
    "tables/operations",
    "tables/templates",
    "tables/secrets",
    "tables/terraform",
    "tables/jobs",
    "tables/lanes",
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
    "tables/observations",
    "views/executions",
];

/// Functions. One that is written in the language SQL comes after those that it calls.
pub const FUNCTIONS: &[Part] = parts![
    // Values.
    "functions/uuid_v7",
    "functions/min_uuid_v7",
    "functions/histogram_bucket",
    "functions/is_valid_name",
    // Limits and lanes.
    "functions/limit_applies",
    "functions/available_tokens",
    "functions/has_open_lane",
    "functions/oldest_due",
    // Dependencies and workflows.
    "functions/satisfies",
    "functions/cancels_dependent",
    "functions/cancellation_reason",
    "functions/workflow_state",
    "functions/inputs_of",
    "functions/release_dependents",
    "functions/reblock_dependents",
    "functions/count_steps",
    "functions/continue_releases",
    // Triggers of jobs, attempts and projects.
    "functions/reject_illegal_job_transition",
    "functions/propagate_updated_jobs",
    "functions/propagate_deleted_jobs",
    "functions/track_inserted_jobs",
    "functions/track_updated_jobs",
    "functions/track_deleted_jobs",
    "functions/count_ended_executions",
    "functions/release_terraform_locks",
    "functions/reject_illegal_project_transition",
    "functions/count_inserted_projects",
    "functions/count_updated_projects",
    "functions/count_deleted_projects",
    // What the program and applications call.
    "functions/queue_of_template",
    "functions/reject_if_draining",
    "functions/enqueue_jobs",
    "functions/enqueue",
    "functions/start_workflow",
    "functions/known_outputs",
    "functions/operation_payload",
    "functions/enqueue_operation",
    "functions/set_condition",
    "functions/project_conditions",
    "functions/interrupt_steps",
    "functions/supersede_jobs",
    "functions/grace_of_template",
    "functions/can_be_restored",
    "functions/may_expire",
    "functions/finish_operation",
    "functions/lock_project",
    "functions/stop_operation",
    "functions/cancel_operation",
    "functions/force_project",
    "functions/submit_project",
    "functions/find_or_submit_project",
    "functions/stuck_operation",
    "functions/continue_undo",
    "functions/begin_project_operation",
    "functions/act_on_orphan",
    "functions/run_project_operation",
    "functions/create_project",
    "functions/retry_project",
    "functions/delete_project",
    "functions/separate_copy",
    // The states of Terraform.
    "functions/may_use_terraform_state",
    "functions/open_terraform_state",
    "functions/lock_terraform_state",
    "functions/unlock_terraform_state",
    "functions/put_terraform_state",
    "functions/remove_terraform_state",
];

/// Triggers, and the rows that every database starts with.
pub const TRIGGERS: &[Part] =
    parts!["triggers/projects", "triggers/jobs", "triggers/dependencies", "triggers/executions", "rows",];

/// A migration after the first.
#[derive(Clone, Copy, Debug)]
pub struct Later {
    pub part: Part,
    /// The oldest version that a program may know to run on the schema after this migration. A migration that only adds keeps the
    /// number of the one before. One that removes or renames has the version of the release that uses it no longer. See
    /// `docs/upgrading.md`.
    pub supports: i32,
}

/// Migrations after the first, in order: the first entry is version 2. Each is a file `sql/migrations/V2__name.sql`, runs in
/// a transaction of its own, and is never changed after its release.
pub const LATER: &[Later] = &[];

/// Every part, for checks.
pub fn parts() -> impl Iterator<Item = &'static Part> {
    [TABLES, FUNCTIONS, TRIGGERS].into_iter().flatten().chain(LATER.iter().map(|it| &it.part))
}
