-- Projects: what users request and what provisioners build.
CREATE TABLE projects (
    id                uuid             PRIMARY KEY,            -- UUIDv7: sorts by creation time
    status            text             NOT NULL
        CONSTRAINT projects_status_check
        CHECK (status IN ('creating', 'provisioning', 'ready', 'failed', 'updating', 'pausing', 'paused', 'resuming', 'deleting', 'pending_deletion', 'restoring', 'deleted')),
    name              text             NOT NULL
        CHECK (char_length(name) BETWEEN 1 AND 255),
    error_reason      text,
    template          text             NOT NULL,
    template_version  integer          NOT NULL DEFAULT 1,
    source_id         uuid,                                    -- the project of which this one is a clone
    parameters        json             NOT NULL,               -- json, not jsonb: returned byte for byte
    previous_parameters json,                                  -- restored if the update in progress fails
    labels            jsonb            NOT NULL
        CHECK (jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, '$.* ? (@.type() != "string")')),
    tenant            text             NOT NULL DEFAULT 'default', -- tenant, queue and priority of the jobs of its operations
    queue             text             NOT NULL DEFAULT 'default',
    priority          smallint         NOT NULL DEFAULT 5
        CHECK (priority BETWEEN 0 AND 9),
    operation_deadline double precision                        -- how long each operation may take (s); null: as the template says
        CHECK (operation_deadline > 0 AND operation_deadline < 'Infinity'),
    version           bigint           NOT NULL DEFAULT 1,     -- the ETag
    was_ready         boolean          NOT NULL DEFAULT false, -- it has worked: what it consists of is never undone
    operation         text             NOT NULL DEFAULT 'create', -- the current operation, or else the last one
    operation_timeout double precision NOT NULL DEFAULT 600,   -- how long that operation may take once it has started (s)
    failure           json,                                    -- why the last operation failed; null if it did not
    is_protected      boolean          NOT NULL DEFAULT false, -- refuses deletion
    stop_request      text                                     -- what the current operation is to stop for
        CONSTRAINT projects_stop_request_check CHECK (stop_request IN ('cancel', 'delete')),
    removal_timeout   double precision,                        -- for the removal that follows the current operation (s)
    removal_attempts  integer,
    removal_grace     double precision,                        -- how long what is deleted can be restored (s)
    delete_after      timestamptz,                             -- when the grace time ends
    status_before_deletion text                                -- to which `undelete` leads
        CHECK (status_before_deletion IN ('ready', 'paused', 'failed')),
    expires_at        timestamptz                              -- when the project is deleted
        CHECK (expires_at < '10000-01-01 00:00:00+00'),
    observe_after     timestamptz,                             -- when the next look at what exists is due
    observed_at       timestamptz,                             -- the latest look
    expiry_announced  boolean          NOT NULL DEFAULT false, -- the event of the coming deletion is recorded
    requested_at      timestamptz      NOT NULL,               -- start of the current operation
    deadline_at       timestamptz,                             -- when the current operation is abandoned
    created_at        timestamptz      NOT NULL,
    updated_at        timestamptz      NOT NULL,
    CONSTRAINT projects_reason_check CHECK ((status = 'failed') = (error_reason IS NOT NULL)),
    CONSTRAINT projects_deadline_check CHECK (
        (status IN ('creating', 'provisioning', 'updating', 'pausing', 'resuming', 'deleting', 'restoring')) = (deadline_at IS NOT NULL)),
    CONSTRAINT projects_delete_after_check CHECK ((status = 'pending_deletion') <= (delete_after IS NOT NULL)),
    CONSTRAINT projects_stop_check CHECK (stop_request IS NULL OR deadline_at IS NOT NULL)
);
CREATE INDEX projects_by_status ON projects (status, id DESC);
CREATE INDEX projects_not_deleted ON projects (id DESC) WHERE status <> 'deleted';
CREATE INDEX projects_by_deadline ON projects (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE INDEX projects_by_delete_after ON projects (delete_after) WHERE delete_after IS NOT NULL;
CREATE INDEX projects_by_expiry ON projects (expiry_announced, expires_at) WHERE expires_at IS NOT NULL AND status <> 'deleted';
CREATE INDEX projects_by_observation ON projects (observe_after) WHERE observe_after IS NOT NULL;
CREATE INDEX projects_by_name ON projects (name, id) WHERE status <> 'deleted';
CREATE INDEX projects_by_label ON projects USING gin (labels jsonb_path_ops);

-- Idempotency keys of requests that create projects.
CREATE TABLE idempotency_keys (
    key          text        PRIMARY KEY,
    request_hash text        NOT NULL,
    project_id   uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
