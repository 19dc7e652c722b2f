//! The table of statements. The files under `sql/queries` are embedded; the test `rules` compares both lists and prepares each
//! statement against a fresh schema.

/// An SQL statement. Its file, its metric and its errors share its name.
#[derive(Debug)]
pub struct Statement {
    /// Noun and verb, like `jobs/claim`.
    pub name: &'static str,
    pub text: &'static str,
    /// Whether the statement itself changes rows. One that only calls a function which does is not recognized.
    pub writes: bool,
}

impl Statement {
    /// A statement with this name and text.
    pub const fn new(name: &'static str, text: &'static str) -> Self {
        let writes = contains(text, "INSERT INTO ") || contains(text, "UPDATE ") || contains(text, "DELETE FROM ");
        Self { name, text, writes }
    }
}

/// Whether a text contains a word, also at compile time.
const fn contains(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let mut start = 0;
    while start + word.len() <= text.len() {
        let mut n = 0;
        while n < word.len() && text[start + n] == word[n] {
            n += 1;
        }
        if n == word.len() {
            return true;
        }
        start += 1;
    }
    false
}

macro_rules! statements {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(
            #[doc = "```sql"]
            #[doc = include_str!(concat!("../../sql/queries/", $name, ".sql"))]
            #[doc = "```"]
            pub const $constant: Statement =
                Statement::new($name, include_str!(concat!("../../sql/queries/", $name, ".sql")));
        )+
        /// All statements.
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
    DATABASE_CHANGED_FUNCTIONS = "database/changed_functions",
    DATABASE_CREATE_SCHEMA = "database/create_schema",
    DATABASE_ENGINE_SESSION = "database/engine_session",
    DATABASE_EXAMINING_SESSION = "database/examining_session",
    DATABASE_FACTS = "database/facts",
    DATABASE_GRANTS = "database/grants",
    DATABASE_LARGE = "database/large",
    DATABASE_LISTEN = "database/listen",
    DATABASE_LOCK_MIGRATIONS = "database/lock_migrations",
    DATABASE_MIGRATING_SESSION = "database/migrating_session",
    DATABASE_NOTIFY = "database/notify",
    DATABASE_PARAMETERS = "database/parameters",
    DATABASE_PING = "database/ping",
    DATABASE_RECORD_FUNCTIONS = "database/record_functions",
    DATABASE_RECORD_MIGRATION = "database/record_migration",
    DATABASE_SCHEMA = "database/schema",
    DATABASE_SESSION = "database/session",
    DATABASE_VERSION = "database/version",
    DEAD_LETTERS_GROUPS = "dead_letters/groups",
    DELIVERIES_REPLAY = "deliveries/replay",
    DELIVERIES_RESERVE = "deliveries/reserve",
    EVENTS_FOLLOW = "events/follow",
    EVENTS_LIST = "events/list",
    EXECUTIONS_ACTIVE = "executions/active",
    EXECUTIONS_ENDED = "executions/ended",
    EXECUTIONS_OF_JOB = "executions/of_job",
    EXECUTIONS_OF_WORKER = "executions/of_worker",
    JOBS_CANCEL = "jobs/cancel",
    JOBS_CLAIM = "jobs/claim",
    JOBS_CONNECTED = "jobs/connected",
    JOBS_COUNTS = "jobs/counts",
    JOBS_COUNT_MATCHING = "jobs/count_matching",
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
    JOBS_PRIORITIZE = "jobs/prioritize",
    JOBS_REAP = "jobs/reap",
    JOBS_RELEASE = "jobs/release",
    JOBS_RETRY = "jobs/retry",
    JOBS_SETTLE = "jobs/settle",
    LANES_SWEEP = "lanes/sweep",
    LIMITS_LIST = "limits/list",
    LIMITS_PUT = "limits/put",
    LIMITS_REMOVE = "limits/remove",
    LOGS_APPEND = "logs/append",
    LOGS_LATEST = "logs/latest",
    LOGS_OF_EXECUTION = "logs/of_execution",
    LOGS_OF_JOB = "logs/of_job",
    OBSERVATIONS_ACT = "observations/act",
    OBSERVATIONS_CLAIM = "observations/claim",
    OBSERVATIONS_CLAIM_INVENTORY = "observations/claim_inventory",
    OBSERVATIONS_FINDING = "observations/finding",
    OBSERVATIONS_FINDINGS = "observations/findings",
    OBSERVATIONS_INVENTORIES = "observations/inventories",
    OBSERVATIONS_LEAVE = "observations/leave",
    OBSERVATIONS_RECORD = "observations/record",
    OBSERVATIONS_RECORD_INVENTORY = "observations/record_inventory",
    OBSERVATIONS_REQUEST = "observations/request",
    OBSERVATIONS_REQUEST_ALL = "observations/request_all",
    OBSERVATIONS_UNHEALTHY = "observations/unhealthy",
    OBSERVATIONS_UNOBSERVED = "observations/unobserved",
    PROCESSES_FLEET = "processes/fleet",
    PROCESSES_HEARTBEAT = "processes/heartbeat",
    PROCESSES_LEAVE = "processes/leave",
    PROJECTS_ANNOUNCE_EXPIRY = "projects/announce_expiry",
    PROJECTS_BEGIN_OPERATION = "projects/begin_operation",
    PROJECTS_CANCEL = "projects/cancel",
    PROJECTS_CREATE = "projects/create",
    PROJECTS_DUE_FOR_DELETION = "projects/due_for_deletion",
    PROJECTS_EVENTS = "projects/events",
    PROJECTS_EXPIRE = "projects/expire",
    PROJECTS_EXPLAIN = "projects/explain",
    PROJECTS_FIND_OR_CREATE = "projects/find_or_create",
    PROJECTS_FORCE = "projects/force",
    PROJECTS_GET = "projects/get",
    PROJECTS_LIST = "projects/list",
    PROJECTS_OF_NAME = "projects/of_name",
    PROJECTS_OUTPUTS = "projects/outputs",
    PROJECTS_PATCH = "projects/patch",
    QUEUES_CREATE = "queues/create",
    QUEUES_KINDS = "queues/kinds",
    QUEUES_LIST = "queues/list",
    QUEUES_SET_STATE = "queues/set_state",
    RETENTION_PRUNE_COMPLETED = "retention/prune_completed",
    RETENTION_PRUNE_DELIVERIES = "retention/prune_deliveries",
    RETENTION_PRUNE_EVENTS = "retention/prune_events",
    RETENTION_PRUNE_EXECUTIONS = "retention/prune_executions",
    RETENTION_PRUNE_JOBS = "retention/prune_jobs",
    RETENTION_PRUNE_KEYS = "retention/prune_keys",
    RETENTION_PRUNE_LOGS = "retention/prune_logs",
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
    SECRETS_GET = "secrets/get",
    SECRETS_KEYS = "secrets/keys",
    SECRETS_NAMES = "secrets/names",
    SECRETS_OF_ATTEMPT = "secrets/of_attempt",
    SECRETS_PUT = "secrets/put",
    SECRETS_RECORD_REVEAL = "secrets/record_reveal",
    SECRETS_REMOVE = "secrets/remove",
    SECRETS_REWRAP = "secrets/rewrap",
    SECRETS_TO_REWRAP = "secrets/to_rewrap",
    SECRETS_UNREADABLE = "secrets/unreadable",
    STATS_DEPTH = "stats/depth",
    STATS_FLOW = "stats/flow",
    STATS_RETENTION = "stats/retention",
    STATS_WORK = "stats/work",
    STATS_WORKERS = "stats/workers",
    STEPS_OF_ATTEMPT = "steps/of_attempt",
    STEPS_OF_PROJECT = "steps/of_project",
    STEPS_RECORD = "steps/record",
    TEMPLATES_LATEST = "templates/latest",
    TEMPLATES_PUT = "templates/put",
    TERRAFORM_GET = "terraform/get",
    TERRAFORM_LOCK = "terraform/lock",
    TERRAFORM_MAY_USE = "terraform/may_use",
    TERRAFORM_PUT = "terraform/put",
    TERRAFORM_REMOVE = "terraform/remove",
    TERRAFORM_UNLOCK = "terraform/unlock",
    TERRAFORM_VERSIONS = "terraform/versions",
    TICKS_FIRED = "ticks/fired",
    TICKS_LATEST = "ticks/latest",
    TICKS_LIST = "ticks/list",
    WORKERS_FORGET = "workers/forget",
    WORKERS_HEARTBEAT = "workers/heartbeat",
    WORKERS_LEAVE = "workers/leave",
    WORKERS_LIST = "workers/list",
    WORKERS_SET_STATE = "workers/set_state",
    WORKERS_SUMMARY = "workers/summary",
    WORKFLOWS_COUNT = "workflows/count",
    WORKFLOWS_COUNT_RUNNING = "workflows/count_running",
    WORKFLOWS_EVENTS = "workflows/events",
    WORKFLOWS_GET = "workflows/get",
    WORKFLOWS_LIST = "workflows/list",
    WORKFLOWS_START = "workflows/start",
    WORKFLOWS_STEPS = "workflows/steps",
}
