//! Every statement there is, by name. The files under `sql/queries` are embedded; the test `rules` compares both lists
//! and prepares each statement against a fresh schema.

/// One SQL statement with the name that its file, its function, its metric and its errors share.
#[derive(Debug)]
pub struct Statement {
    /// Noun and verb, like `jobs/claim`.
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! statements {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(
            #[doc = "```sql"]
            #[doc = include_str!(concat!("../../sql/queries/", $name, ".sql"))]
            #[doc = "```"]
            pub const $constant: Statement =
                Statement { name: $name, text: include_str!(concat!("../../sql/queries/", $name, ".sql")) };
        )+
        /// All of them.
        pub const ALL: &[Statement] = &[$($constant),+];
    };
}

statements! {
    COUNTS_FAILURES = "counts/failures",
    COUNTS_FOLD_JOBS = "counts/fold_jobs",
    COUNTS_FOLD_PROJECTS = "counts/fold_projects",
    COUNTS_FOLD_PROVISIONS = "counts/fold_provisions",
    COUNTS_FOLD_WORK = "counts/fold_work",
    COUNTS_FORGET = "counts/forget",
    COUNTS_PROJECTS = "counts/projects",
    COUNTS_PROVISIONS = "counts/provisions",
    DATABASE_CREATE_SCHEMA = "database/create_schema",
    DATABASE_ENGINE_SESSION = "database/engine_session",
    DATABASE_EXAMINING_SESSION = "database/examining_session",
    DATABASE_LISTEN = "database/listen",
    DATABASE_LOCK_MIGRATIONS = "database/lock_migrations",
    DATABASE_MIGRATING_SESSION = "database/migrating_session",
    DATABASE_NOTIFY = "database/notify",
    DATABASE_PING = "database/ping",
    DATABASE_SCHEMA = "database/schema",
    DATABASE_SESSION = "database/session",
    DATABASE_VERSION = "database/version",
    DEAD_LETTERS_GROUPS = "dead_letters/groups",
    EVENTS_LIST = "events/list",
    EXECUTIONS_OF_JOB = "executions/of_job",
    EXECUTIONS_OF_WORKER = "executions/of_worker",
    JOBS_CANCEL = "jobs/cancel",
    JOBS_CLAIM = "jobs/claim",
    JOBS_CONNECTED = "jobs/connected",
    JOBS_COUNT_MATCHING = "jobs/count_matching",
    JOBS_COUNTS = "jobs/counts",
    JOBS_DEPENDENTS = "jobs/dependents",
    JOBS_EDGES = "jobs/edges",
    JOBS_ENQUEUE = "jobs/enqueue",
    JOBS_EVENTS = "jobs/events",
    JOBS_EXPIRE = "jobs/expire",
    JOBS_EXPLAIN = "jobs/explain",
    JOBS_FOLLOWERS = "jobs/followers",
    JOBS_FORGET = "jobs/forget",
    JOBS_GET = "jobs/get",
    JOBS_HEARTBEAT = "jobs/heartbeat",
    JOBS_LIST = "jobs/list",
    JOBS_LIST_FINISHED = "jobs/list_finished",
    JOBS_MATCHING = "jobs/matching",
    JOBS_NODES = "jobs/nodes",
    JOBS_OF_PROJECT = "jobs/of_project",
    JOBS_OVERDUE = "jobs/overdue",
    JOBS_PRIORITISE = "jobs/prioritise",
    JOBS_REAP = "jobs/reap",
    JOBS_RETRY = "jobs/retry",
    JOBS_SETTLE = "jobs/settle",
    LIMITS_LIST = "limits/list",
    LIMITS_PUT = "limits/put",
    LIMITS_REMOVE = "limits/remove",
    LINES_SWEEP = "lines/sweep",
    PROJECTS_CREATE = "projects/create",
    PROJECTS_DELETE = "projects/delete",
    PROJECTS_EVENTS = "projects/events",
    PROJECTS_EXPIRE = "projects/expire",
    PROJECTS_EXPLAIN = "projects/explain",
    PROJECTS_GET = "projects/get",
    PROJECTS_LIST = "projects/list",
    PROJECTS_PATCH = "projects/patch",
    PROJECTS_RETRY = "projects/retry",
    QUEUES_CREATE = "queues/create",
    QUEUES_KINDS = "queues/kinds",
    QUEUES_LIST = "queues/list",
    QUEUES_MOVE = "queues/move",
    RETENTION_PRUNE_COMPLETED = "retention/prune_completed",
    RETENTION_PRUNE_EVENTS = "retention/prune_events",
    RETENTION_PRUNE_EXECUTIONS = "retention/prune_executions",
    RETENTION_PRUNE_JOBS = "retention/prune_jobs",
    RETENTION_PRUNE_KEYS = "retention/prune_keys",
    RETENTION_PRUNE_TICKS = "retention/prune_ticks",
    RETENTION_PRUNE_WORKFLOWS = "retention/prune_workflows",
    SCHEDULES_DUE = "schedules/due",
    SCHEDULES_FIRE = "schedules/fire",
    SCHEDULES_LIST = "schedules/list",
    SCHEDULES_NOW = "schedules/now",
    SCHEDULES_PUT = "schedules/put",
    SCHEDULES_REMOVE = "schedules/remove",
    SCHEMAS_LIST = "schemas/list",
    SCHEMAS_PUT = "schemas/put",
    SCHEMAS_REMOVE = "schemas/remove",
    STATS_DEPTH = "stats/depth",
    STATS_FLOW = "stats/flow",
    STATS_RETENTION = "stats/retention",
    STATS_WORK = "stats/work",
    STATS_WORKERS = "stats/workers",
    TICKS_FIRED = "ticks/fired",
    TICKS_LATEST = "ticks/latest",
    TICKS_LIST = "ticks/list",
    WORKERS_FORGET = "workers/forget",
    WORKERS_HEARTBEAT = "workers/heartbeat",
    WORKERS_LEAVE = "workers/leave",
    WORKERS_LIST = "workers/list",
    WORKERS_MOVE = "workers/move",
    WORKERS_SUMMARY = "workers/summary",
    WORKFLOWS_COUNT = "workflows/count",
    WORKFLOWS_COUNT_RUNNING = "workflows/count_running",
    WORKFLOWS_EVENTS = "workflows/events",
    WORKFLOWS_GET = "workflows/get",
    WORKFLOWS_LIST = "workflows/list",
    WORKFLOWS_START = "workflows/start",
    WORKFLOWS_STEPS = "workflows/steps",
}
