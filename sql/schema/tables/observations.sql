-- What is known about projects beside their status: it comes from looking at what really exists.

-- Conditions of a project that is not deleted, and since when they have their status.
CREATE TABLE conditions (
    project_id uuid        NOT NULL,
    type       text        NOT NULL
        CHECK (type IN ('healthy', 'in_sync', 'as_requested')),
    status     text        NOT NULL
        CHECK (status IN ('true', 'false', 'unknown')),
    reason     text        NOT NULL,                           -- a short name, for programs
    message    text        NOT NULL,
    since      timestamptz NOT NULL,
    PRIMARY KEY (project_id, type)
);

-- Differences between what the projects say and what exists.
CREATE TABLE findings (
    id            uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    kind          text        NOT NULL
        CHECK (kind IN ('missing', 'changed', 'added', 'orphaned', 'residue')),
    project_id    uuid,                                        -- of an orphan: the project that its mark names
    provisioner   text        NOT NULL,
    cluster       text        NOT NULL,
    object        text        NOT NULL,                        -- such as: database p_01j7…
    message       text        NOT NULL,
    known         json,                                        -- of an orphan: the outputs that identify it
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    UNIQUE (cluster, object, kind)
);
CREATE INDEX findings_of_project ON findings (project_id) WHERE project_id IS NOT NULL;

-- When the clusters are searched for what belongs to no project.
CREATE TABLE inventories (
    cluster  text        PRIMARY KEY,
    due_at   timestamptz NOT NULL,
    taken_at timestamptz,                                      -- the latest success
    tried_at timestamptz,                                      -- the latest attempt that has ended
    error    text                                              -- why the latest attempt failed
);
