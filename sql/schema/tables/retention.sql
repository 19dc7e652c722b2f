-- What retention has removed, by class of row.
CREATE TABLE retention (
    class         text        PRIMARY KEY,
    removed       bigint      NOT NULL DEFAULT 0,
    pruned_at     timestamptz,                                 -- time of the latest removal
    last_event_id bigint      NOT NULL DEFAULT 0               -- class events: the highest event id that was examined
);
