//! The statements of this provisioner, from `sql/provision/postgres`. Some do the work; those whose rows are statements are sent in
//! a second step, so that PostgreSQL itself quotes every identifier and every text.

macro_rules! statements {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(pub const $constant: &str = include_str!(concat!("../../../sql/provision/postgres/", $name, ".sql"));)+
        /// All statements by name, for the tests.
        pub const ALL: &[(&str, &str)] = &[$(($name, $constant)),+];
    };
}

statements! {
    ADMIT = "admit",
    CLOSE_MAINTENANCE = "close_maintenance",
    COPY_DATABASE = "copy_database",
    CREATE_CREDENTIAL = "create_credential",
    CREATE_DATABASE = "create_database",
    CREATE_MAINTENANCE = "create_maintenance",
    CREATE_OWNER = "create_owner",
    CREDENTIALS = "credentials",
    DATABASE = "database",
    DATABASES_OF_ROLE = "databases_of_role",
    DEPENDENCIES = "dependencies",
    DEPENDENCIES_INSIDE = "dependencies_inside",
    DROP_DATABASE = "drop_database",
    DROP_OWNED = "drop_owned",
    DROP_ROLES = "drop_roles",
    END_SESSIONS_IN = "end_sessions_in",
    FACTS = "facts",
    FENCE_OUT = "fence_out",
    FORBID_LOGIN = "forbid_login",
    FOREIGN_MARKS = "foreign_marks",
    GIVE_SCHEMA = "give_schema",
    GRANTED = "granted",
    GRANT_DATABASE = "grant_database",
    HAND_OVER_DEFAULTS = "hand_over_defaults",
    HAND_OVER_GRANTS = "hand_over_grants",
    HAND_OVER_OBJECTS = "hand_over_objects",
    HAND_OVER_SCHEMAS = "hand_over_schemas",
    INSPECT = "inspect",
    INVENTORY = "inventory",
    INVENTORY_CLUSTER = "inventory_cluster",
    INVENTORY_FILES = "inventory_files",
    INVENTORY_INVALID = "inventory_invalid",
    IS_FENCED_OUT = "is_fenced_out",
    JOIN_ROLE = "join_role",
    LOG_AGAIN = "log_again",
    MAINTENANCE = "maintenance",
    MARK_DATABASE = "mark_database",
    MISSING_EXTENSIONS = "missing_extensions",
    NO_TIMEOUT = "no_timeout",
    OBSTACLES = "obstacles",
    OPEN_DATABASES = "open_databases",
    PUT_OUT = "put_out",
    REASSIGN_OWNED = "reassign_owned",
    REASSIGN_RELATIONS = "reassign_relations",
    REMAINS = "remains",
    RENAME_DATABASE = "rename_database",
    ROLE = "role",
    SCHEMA_OWNER = "schema_owner",
    SESSION = "session",
    SESSIONS_IN = "sessions_in",
    SET_PASSWORD = "set_password",
    STOP_LOGGING = "stop_logging",
    TAKE_OVER = "take_over",
    TRY_FENCE = "try_fence",
    WAIT_FOR_FENCE = "wait_for_fence",
    WHOAMI = "whoami",
}
