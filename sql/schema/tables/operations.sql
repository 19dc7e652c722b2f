-- Operations on projects. The record of an operation is its job; here are the rules, the steps and what they produce.

-- Each operation: from which statuses it starts, and which status it leads to. The same table is `OperationKind` in
-- `src/domain/project.rs`.
CREATE TABLE operation_kinds (
    operation      text   PRIMARY KEY,
    job_kind       text   NOT NULL UNIQUE,
    allowed_from   text[] NOT NULL,
    first_status   text   NOT NULL,                            -- until a worker claims the job
    running_status text   NOT NULL,
    done_status    text   NOT NULL,
    failed_status  text   NOT NULL,
    reverse        text                                        -- follows by itself if the operation failed and was not undone
);
INSERT INTO operation_kinds VALUES
    ('create', 'project.provision', '{failed}', 'creating', 'provisioning', 'ready', 'failed', NULL),
    ('clone', 'project.clone', '{failed}', 'creating', 'provisioning', 'ready', 'failed', NULL),
    ('adopt', 'project.adopt', '{failed}', 'creating', 'provisioning', 'ready', 'failed', NULL),
    ('update', 'project.update', '{ready}', 'updating', 'updating', 'ready', 'ready', NULL),
    ('rotate', 'project.rotate', '{ready}', 'updating', 'updating', 'ready', 'ready', NULL),
    ('pause', 'project.pause', '{ready}', 'pausing', 'pausing', 'paused', 'ready', 'resume'),
    ('resume', 'project.resume', '{paused}', 'resuming', 'resuming', 'ready', 'paused', NULL),
    ('retire', 'project.retire', '{ready,failed,paused}', 'deleting', 'deleting', 'pending_deletion', 'ready', 'restore'),
    ('restore', 'project.restore', '{pending_deletion}', 'restoring', 'restoring', 'ready', 'pending_deletion', NULL),
    ('delete', 'project.deprovision', '{ready,failed,paused,pending_deletion}', 'deleting', 'deleting', 'deleted', 'failed', NULL);

-- The steps of an operation. A step is recorded as running before it acts, and its end is fenced by the execution id.
CREATE TABLE steps (
    job_id       uuid        NOT NULL,
    position     integer     NOT NULL,                         -- from 0, in the order of execution
    project_id   uuid        NOT NULL,
    name         text        NOT NULL
        CHECK (char_length(name) BETWEEN 1 AND 128),
    state        text        NOT NULL
        CONSTRAINT steps_state_check
        CHECK (state IN ('running', 'done', 'failed', 'undoing', 'undone', 'undo_failed', 'undo_skipped', 'skipped')),
    attempt      integer     NOT NULL DEFAULT 1,               -- how often the step has been started
    execution_id uuid        NOT NULL,                         -- the attempt of the job that changed the step last
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    code         text,                                         -- a short name of the failure, for programs
    error        text,                                         -- kept while the step is undone
    is_retryable boolean,
    output       json,                                         -- what the step produced, without secrets
    PRIMARY KEY (job_id, position),
    CONSTRAINT steps_end_check CHECK ((state IN ('running', 'undoing')) = (ended_at IS NULL)),
    CONSTRAINT steps_error_check CHECK (state NOT IN ('failed', 'undo_failed') OR error IS NOT NULL)
);
CREATE INDEX steps_of_project ON steps (project_id, job_id);

-- The outputs of the last successful operation, such as host and port. Secret outputs are in `secrets`.
CREATE TABLE outputs (
    project_id uuid NOT NULL,
    name       text NOT NULL,
    value      json NOT NULL,
    PRIMARY KEY (project_id, name)
);
