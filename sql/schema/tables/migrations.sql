-- What has been applied to this database.
-- Some functions are created before the tables that they use. Their bodies are checked later, when the functions are applied
-- again.
SET LOCAL check_function_bodies = off;

CREATE TABLE schema_migrations (
    version    integer     PRIMARY KEY,
    name       text        NOT NULL,
    supports   integer     NOT NULL DEFAULT 1,                 -- the oldest version that a program may know to run on this schema
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The file of each function as it was last applied, and the version of the program that applied all of them.
CREATE TABLE schema_functions (
    name            text      PRIMARY KEY,
    hash            bytea     NOT NULL,
    program_version integer[] NOT NULL
);
