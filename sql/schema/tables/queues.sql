-- Queues. A queue exists from its first use.
CREATE TABLE queues (
    name       text        PRIMARY KEY CONSTRAINT queue_name_has_1_to_128_characters CHECK (char_length(name) BETWEEN 1 AND 128),
    state      text        NOT NULL DEFAULT 'active'
        CONSTRAINT queue_state_is_known CHECK (state IN ('active', 'paused', 'draining')),
    reason     text,                                           -- why it is paused or draining
    actor      text        NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
