-- JSON schemas of payloads, by kind and version.
CREATE TABLE schemas (
    kind       text        NOT NULL,
    version    integer     NOT NULL CHECK (version > 0),
    schema     json        NOT NULL,
    actor      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (kind, version)
);
