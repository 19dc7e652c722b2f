-- The states of Terraform, one for each project. Every version is kept; its content is a secret of the project, so it goes away with
-- the project's secrets.
CREATE TABLE terraform_states (
    project_id   uuid        NOT NULL,
    version      integer     NOT NULL,                         -- from 1
    secret_id    uuid        UNIQUE REFERENCES secrets (id) ON DELETE CASCADE, -- null: the state was deleted
    serial       bigint      NOT NULL,                         -- Terraform counts it up with every change
    lineage      text        NOT NULL,                         -- a state that does not descend from this one has another
    digest       text        NOT NULL,                         -- SHA-256 of the content
    bytes        integer     NOT NULL,
    actor        text        NOT NULL,
    execution_id uuid,                                         -- the attempt that wrote it; null: somebody else
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (project_id, version)
);

-- Who may change a state. A lock of an attempt ends with the attempt, every other one only on request.
CREATE TABLE terraform_locks (
    project_id   uuid        PRIMARY KEY,
    lock_id      text        NOT NULL,
    info         json        NOT NULL,                         -- what the holder says about itself
    execution_id uuid        UNIQUE,
    actor        text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
