-- Events: the append-only record of state changes, with actor, reason and time. Entities without a uuid are recorded by name.
CREATE TABLE events (
    id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity         text        NOT NULL CONSTRAINT events_entity_check
        CHECK (entity IN ('project', 'job', 'queue', 'worker', 'limit', 'schema', 'schedule', 'workflow', 'step')),
    entity_id      uuid,
    previous_state text        NOT NULL,                       -- 'none' when the entity is created
    new_state      text        NOT NULL,
    reason         text,
    actor          text        NOT NULL,
    job_id         uuid,
    execution_id   uuid,
    request_id     text,
    occurred_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    entity_name    text,
    detail         json,                                       -- values before and after, for changes that no state shows
    CONSTRAINT events_subject_check CHECK ((entity_id IS NULL) <> (entity_name IS NULL))
);
CREATE INDEX events_of_entity ON events (entity_id, id);
CREATE INDEX events_of_name ON events (entity, entity_name, id) WHERE entity_name IS NOT NULL;
