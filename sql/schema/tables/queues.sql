-- Queues. A queue exists from its first use.
CREATE TABLE queues (
    name       text        PRIMARY KEY CHECK (char_length(name) BETWEEN 1 AND 128),
    state      text        NOT NULL DEFAULT 'active'
        CHECK (state IN ('active', 'paused', 'draining')),
    reason     text,                                           -- why it is paused or draining
    actor      text        NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
