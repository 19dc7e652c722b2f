//! The statements with which the benchmark program observes. The work that is measured goes through `provost::store`.

use provost::store::sql::Statement;

macro_rules! statements {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(
            pub const $constant: Statement =
                Statement::new($name, include_str!(concat!("../sql/", $name, ".sql")));
        )+
    };
}

statements! {
    BACKEND = "backend",
    CAN_CREATE = "can_create",
    DUE = "due",
    HISTORY = "history",
    MANY_PROJECTS = "many_projects",
    EXISTING_SCHEMAS = "existing_schemas",
    REMAINING = "remaining",
    SERVER = "server",
    SIZE = "size",
    FOREIGN_JOBS = "foreign_jobs",
    TRANSACTIONS = "transactions",
    WAL = "wal",
}

/// Scripts without parameters; `{name}` is replaced.
pub mod scripts {
    pub const ANALYZE: &str = include_str!("../sql/scripts/analyze.sql");
    pub const CREATE_DATABASE: &str = include_str!("../sql/scripts/create_database.sql");
    pub const DROP_DATABASE: &str = include_str!("../sql/scripts/drop_database.sql");
    pub const DROP_SCHEMAS: &str = include_str!("../sql/scripts/drop_schemas.sql");
    pub const HOLD_SNAPSHOT: &str = include_str!("../sql/scripts/hold_snapshot.sql");
    pub const VACUUM: &str = include_str!("../sql/scripts/vacuum.sql");
    pub const NO_TIMEOUT: &str = include_str!("../sql/scripts/no_timeout.sql");
}
