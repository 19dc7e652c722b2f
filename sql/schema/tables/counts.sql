-- Counters are appended and folded. Triggers insert +1 and -1 rows in the statement that changes a state, and a background
-- task folds the rows. No counter row is ever contended, none can deadlock, and in every snapshot the sum equals a full count.
CREATE TABLE project_tallies (
    status text   NOT NULL,
    n      bigint NOT NULL
);

CREATE TABLE job_tallies (
    queue text   NOT NULL,
    kind  text   NOT NULL,
    state text   NOT NULL,
    n     bigint NOT NULL
);

-- Outcomes of provisioning by minute and reason, with a histogram of durations (see bucket_of).
CREATE TABLE provision_tallies (
    minute   timestamptz NOT NULL,
    outcome  text        NOT NULL CONSTRAINT provision_outcome_is_known CHECK (outcome IN ('ready', 'failed')),
    reason   text        NOT NULL,                             -- empty when ready
    bucket   smallint    NOT NULL,
    n        bigint      NOT NULL,
    total_ms bigint      NOT NULL,
    last_at  timestamptz NOT NULL
);
CREATE INDEX provision_tallies_by_minute ON provision_tallies (minute);

-- Jobs enqueued, attempts started (with their waiting time) and attempts ended (with their duration), by minute.
CREATE TABLE work_tallies (
    minute   timestamptz NOT NULL,
    queue    text        NOT NULL,
    kind     text        NOT NULL,
    what     text        NOT NULL,                             -- enqueued, started, or an outcome
    bucket   smallint    NOT NULL,
    n        bigint      NOT NULL,
    total_ms bigint      NOT NULL
);
CREATE INDEX work_tallies_by_minute ON work_tallies (minute);
