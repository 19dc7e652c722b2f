-- Dependencies between jobs: one row per edge. A blocked job counts its open edges in jobs.pending_dependencies.
--
-- When a job ends, a trigger locks its dependents in order of their ids, records the outcome on each edge, decrements the
-- counters of satisfied dependents and unblocks those that reach zero. The lock serializes parents that end at the same time;
-- the recorded outcome makes a repeated release harmless. All statements lock in the same order: ended jobs, dependents,
-- workflows.
CREATE TABLE job_dependencies (
    job_id     uuid NOT NULL,                                  -- the dependent
    depends_on uuid NOT NULL,                                  -- its dependency
    policy     text NOT NULL CHECK (policy IN ('block', 'allow_failed', 'cancel')),
    outcome    text CHECK (outcome IN ('completed', 'failed', 'canceled')), -- null: not ended
    PRIMARY KEY (job_id, depends_on),
    CONSTRAINT job_dependencies_self_check CHECK (job_id <> depends_on)
) WITH (fillfactor = 70);
CREATE INDEX dependents ON job_dependencies (depends_on);

-- Jobs whose dependents are not all up to date: the rest of a release that was too large for one statement. Deleting a row
-- continues the release (see continue_releases).
CREATE TABLE pending_releases (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid   NOT NULL
);
