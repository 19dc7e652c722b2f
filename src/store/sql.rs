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
    COUNTS_FOLD_PROJECTS = "counts/fold_projects",
    COUNTS_FOLD_PROVISIONS = "counts/fold_provisions",
    COUNTS_FORGET = "counts/forget",
    COUNTS_PROJECTS = "counts/projects",
    COUNTS_PROVISIONS = "counts/provisions",
    DATABASE_CREATE_SCHEMA = "database/create_schema",
    DATABASE_LISTEN = "database/listen",
    DATABASE_LOCK_MIGRATIONS = "database/lock_migrations",
    DATABASE_MIGRATING_SESSION = "database/migrating_session",
    DATABASE_NOTIFY = "database/notify",
    DATABASE_PING = "database/ping",
    DATABASE_SCHEMA = "database/schema",
    DATABASE_SESSION = "database/session",
    DATABASE_VERSION = "database/version",
    JOBS_CLAIM = "jobs/claim",
    JOBS_HEARTBEAT = "jobs/heartbeat",
    JOBS_OF_PROJECT = "jobs/of_project",
    JOBS_REAP = "jobs/reap",
    JOBS_SETTLE = "jobs/settle",
    PROJECTS_CREATE = "projects/create",
    PROJECTS_DELETE = "projects/delete",
    PROJECTS_EVENTS = "projects/events",
    PROJECTS_EXPIRE = "projects/expire",
    PROJECTS_EXPLAIN = "projects/explain",
    PROJECTS_GET = "projects/get",
    PROJECTS_LIST = "projects/list",
    PROJECTS_PATCH = "projects/patch",
    PROJECTS_RETRY = "projects/retry",
    WORKERS_FORGET = "workers/forget",
    WORKERS_HEARTBEAT = "workers/heartbeat",
    WORKERS_LEAVE = "workers/leave",
    WORKERS_SUMMARY = "workers/summary",
}
