-- Counters are appended and folded. Triggers insert +1 and -1 rows in the statement that changes a state, and a background
-- task folds the rows. No counter row is ever contended, none can deadlock, and in every snapshot the sum equals a full count.
-- Many rows may have the same content, so each has a number: without a key, a publication would forbid their deletion. The numbers
-- come from caches, so they are not in the order of the rows.
CREATE TABLE project_counts (
    status text   NOT NULL,
    n      bigint NOT NULL,
    id     bigint GENERATED ALWAYS AS IDENTITY (CACHE 32) PRIMARY KEY
);

CREATE TABLE job_counts (
    queue text   NOT NULL,
    kind  text   NOT NULL,
    state text   NOT NULL,
    n     bigint NOT NULL,
    id    bigint GENERATED ALWAYS AS IDENTITY (CACHE 32) PRIMARY KEY
);

-- Outcomes of provisioning by minute and reason, with a histogram of durations (see histogram_bucket).
CREATE TABLE provision_stats (
    minute   timestamptz NOT NULL,
    outcome  text        NOT NULL CHECK (outcome IN ('ready', 'failed')),
    reason   text        NOT NULL,                             -- empty when ready
    bucket   smallint    NOT NULL,
    n        bigint      NOT NULL,
    total_ms bigint      NOT NULL,
    last_at  timestamptz NOT NULL,
    id       bigint GENERATED ALWAYS AS IDENTITY (CACHE 32),
    PRIMARY KEY (minute, id)
);

-- Jobs enqueued, attempts started (with their waiting time) and attempts ended (with their duration), by minute.
CREATE TABLE work_stats (
    minute   timestamptz NOT NULL,
    queue    text        NOT NULL,
    kind     text        NOT NULL,
    event    text        NOT NULL,                             -- enqueued, started, or an outcome
    bucket   smallint    NOT NULL,
    n        bigint      NOT NULL,
    total_ms bigint      NOT NULL,
    id       bigint GENERATED ALWAYS AS IDENTITY (CACHE 32),
    PRIMARY KEY (minute, id)
);
