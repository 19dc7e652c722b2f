-- Projects: what users request and what provisioners build.
CREATE TABLE projects (
    id                uuid             PRIMARY KEY,            -- UUIDv7: sorts by creation time
    status            text             NOT NULL
        CONSTRAINT projects_status_check
        CHECK (status IN ('creating', 'provisioning', 'ready', 'failed', 'updating', 'pausing', 'paused', 'resuming', 'deleting', 'deleted')),
    name              text             NOT NULL
        CHECK (char_length(name) BETWEEN 1 AND 255),
    error_reason      text,
    template          text             NOT NULL,
    template_version  integer          NOT NULL DEFAULT 1,
    parameters        json             NOT NULL,               -- json, not jsonb: returned byte for byte
    previous_parameters json,                                  -- restored if the update in progress fails
    labels            jsonb            NOT NULL
        CHECK (jsonb_typeof(labels) = 'object' AND NOT jsonb_path_exists(labels, '$.* ? (@.type() != "string")')),
    version           bigint           NOT NULL DEFAULT 1,     -- the ETag
    operation         text             NOT NULL DEFAULT 'create', -- the current operation, or else the last one
    operation_timeout double precision NOT NULL DEFAULT 600,   -- how long that operation may take once it has started (s)
    failure           json,                                    -- why the last operation failed; null if it did not
    is_protected      boolean          NOT NULL DEFAULT false, -- refuses deletion
    stop_request      text                                     -- what the current operation is to stop for
        CONSTRAINT projects_stop_request_check CHECK (stop_request IN ('cancel', 'delete')),
    removal_timeout   double precision,                        -- for the removal that follows the current operation (s)
    removal_attempts  integer,
    requested_at      timestamptz      NOT NULL,               -- start of the current operation
    deadline_at       timestamptz,                             -- when the current operation is abandoned
    created_at        timestamptz      NOT NULL,
    updated_at        timestamptz      NOT NULL,
    CONSTRAINT projects_reason_check CHECK ((status = 'failed') = (error_reason IS NOT NULL)),
    CONSTRAINT projects_deadline_check CHECK (
        (status IN ('creating', 'provisioning', 'updating', 'pausing', 'resuming', 'deleting')) = (deadline_at IS NOT NULL)),
    CONSTRAINT projects_stop_check CHECK (stop_request IS NULL OR deadline_at IS NOT NULL)
);
CREATE INDEX projects_by_status ON projects (status, id DESC);
CREATE INDEX projects_not_deleted ON projects (id DESC) WHERE status <> 'deleted';
CREATE INDEX projects_by_deadline ON projects (deadline_at) WHERE deadline_at IS NOT NULL;
CREATE INDEX projects_by_label ON projects USING gin (labels jsonb_path_ops);

-- Idempotency keys of requests that create projects.
CREATE TABLE idempotency_keys (
    key          text        PRIMARY KEY,
    request_hash text        NOT NULL,
    project_id   uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
