-- Schedules start jobs, projects and workflows at due times.
--
-- There is no leader. The first process that sees a due schedule advances it from the revision that it read, records the tick
-- and enqueues the work in one statement (schedules/fire); any other process finds a newer revision and does nothing. Due times
-- are computed by the program, in the time zone of the schedule.
CREATE TABLE schedules (
    id         uuid             PRIMARY KEY,                    -- new when a name is reused
    name       text             NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 200),
    state      text             NOT NULL CHECK (state IN ('enabled', 'paused')),
    expression text             NOT NULL,                       -- cron, a macro like @daily, or @every with a duration
    time_zone  text             NOT NULL,                       -- IANA name; cron expressions use its wall clock
    anchor_at  timestamptz      NOT NULL,                       -- start of intervals
    misfire    text             NOT NULL CHECK (misfire IN ('skip', 'latest', 'all')),
    catch_up   integer          NOT NULL CHECK (catch_up BETWEEN 0 AND 1000),
    grace      double precision NOT NULL CHECK (grace >= 0 AND grace < 'Infinity'),
    overlap    text             NOT NULL CHECK (overlap IN ('allow', 'skip')),
    jitter     double precision NOT NULL CHECK (jitter >= 0 AND jitter < 'Infinity'),
    target     text             NOT NULL CHECK (target IN ('job', 'project', 'workflow')),
    spec       json             NOT NULL,                       -- what to start, in the format of the target
    next_at    timestamptz,                                     -- the next due time; null: none
    last_at    timestamptz,                                     -- due time of the latest start
    revision   bigint           NOT NULL DEFAULT 1,             -- increases with every start, skip and edit
    version    bigint           NOT NULL DEFAULT 1,             -- the ETag: increases with every edit
    reason     text,                                            -- of the latest edit or pause
    actor      text             NOT NULL,
    created_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz      NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
CREATE INDEX schedules_by_next ON schedules (next_at) WHERE state = 'enabled' AND next_at IS NOT NULL;

-- Ticks: one row for each start, and one for each series of consecutive due times that were skipped.
CREATE TABLE ticks (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id uuid        NOT NULL,                           -- no foreign key: ticks outlive their schedule
    due_at      timestamptz NOT NULL,                           -- the last due time of a series
    since       timestamptz NOT NULL,                           -- the first
    n           bigint      NOT NULL DEFAULT 1 CHECK (n > 0),
    cause       text        NOT NULL CHECK (cause IN ('due', 'manual', 'backfill')),
    outcome     text        NOT NULL CHECK (outcome IN ('fired', 'skipped')),
    reason      text,
    job_id      uuid,
    project_id  uuid,
    actor       text        NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    workflow_id uuid,
    CONSTRAINT ticks_started_check CHECK ((outcome = 'fired') = (num_nonnulls(job_id, workflow_id) = 1)),
    CONSTRAINT ticks_reason_check CHECK (outcome = 'fired' OR reason IS NOT NULL),
    CONSTRAINT ticks_fired_check CHECK (outcome = 'skipped' OR (n = 1 AND since = due_at))
);
-- No statement can start one due time of a schedule twice.
CREATE UNIQUE INDEX ticks_fired_once ON ticks (schedule_id, due_at) WHERE outcome = 'fired';
CREATE INDEX ticks_of_schedule ON ticks (schedule_id, id);
CREATE INDEX ticks_of_job ON ticks (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX ticks_of_workflow ON ticks (workflow_id) WHERE workflow_id IS NOT NULL;
