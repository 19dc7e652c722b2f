-- Schedules: what starts by itself, when its time comes.
--
-- No process leads. Firing is a conditional statement, like a claim: whoever sees a due schedule first moves it on from the
-- turn that it saw, records the tick and enqueues the work, all in one statement (schedules/fire). Whoever comes second
-- finds another turn and does nothing. Which times are due is computed outside, in the schedule's time zone.

CREATE TABLE schedules (
    id         uuid             PRIMARY KEY,                    -- new when a name is used again
    name       text             NOT NULL UNIQUE CONSTRAINT schedule_name_has_1_to_200_characters CHECK (char_length(name) BETWEEN 1 AND 200),
    state      text             NOT NULL CONSTRAINT schedule_state_is_known CHECK (state IN ('enabled', 'paused')),
    expression text             NOT NULL,                       -- cron, @daily and the like, or @every and a duration
    time_zone  text             NOT NULL,                       -- an IANA name; the wall clock that cron means
    anchor_at  timestamptz      NOT NULL,                       -- what intervals are counted from
    misfire    text             NOT NULL CONSTRAINT misfire_is_known CHECK (misfire IN ('skip', 'latest', 'all')),
    catch_up   integer          NOT NULL CONSTRAINT catch_up_is_0_to_1000 CHECK (catch_up BETWEEN 0 AND 1000),
    grace      double precision NOT NULL CONSTRAINT grace_is_finite CHECK (grace >= 0 AND grace < 'Infinity'),
    overlap    text             NOT NULL CONSTRAINT overlap_is_known CHECK (overlap IN ('allow', 'skip')),
    jitter     double precision NOT NULL CONSTRAINT jitter_is_finite CHECK (jitter >= 0 AND jitter < 'Infinity'),
    target     text             NOT NULL CONSTRAINT target_is_known CHECK (target IN ('job', 'project')),
    spec       json             NOT NULL,                       -- what to start, as its kind of target reads it
    next_at    timestamptz,                                     -- the due time that nobody has dealt with yet; null: there is none
    last_at    timestamptz,                                     -- the due time of the latest start
    turn       bigint           NOT NULL DEFAULT 1,             -- goes up with every start, skip and edit
    version    bigint           NOT NULL DEFAULT 1,             -- the ETag: goes up with every edit
    reason     text,                                            -- why it was last edited or paused
    actor      text             NOT NULL,
    created_at timestamptz      NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz      NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
CREATE INDEX schedules_by_next ON schedules (next_at) WHERE state = 'enabled' AND next_at IS NOT NULL;

-- What became of each due time: one row for each start, and one for each row of due times that were left out together.
CREATE TABLE ticks (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id uuid        NOT NULL,                           -- its ticks outlive a schedule until retention takes them
    due_at      timestamptz NOT NULL,                           -- of several, the last
    since       timestamptz NOT NULL,                           -- of several, the first
    n           bigint      NOT NULL DEFAULT 1 CONSTRAINT a_tick_is_at_least_one CHECK (n > 0),
    cause       text        NOT NULL CONSTRAINT tick_cause_is_known CHECK (cause IN ('due', 'manual', 'backfill')),
    outcome     text        NOT NULL CONSTRAINT tick_outcome_is_known CHECK (outcome IN ('fired', 'skipped')),
    reason      text,
    job_id      uuid,
    project_id  uuid,
    actor       text        NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT what_fired_has_a_job CHECK ((outcome = 'fired') = (job_id IS NOT NULL)),
    CONSTRAINT what_was_skipped_says_why CHECK (outcome = 'fired' OR reason IS NOT NULL),
    CONSTRAINT what_fired_is_one CHECK (outcome = 'skipped' OR (n = 1 AND since = due_at))
);
-- The promise, as a wall: whatever is written later, no due time of a schedule starts anything twice.
CREATE UNIQUE INDEX a_due_time_starts_once ON ticks (schedule_id, due_at) WHERE outcome = 'fired';
CREATE INDEX ticks_of_schedule ON ticks (schedule_id, id);
CREATE INDEX ticks_of_job ON ticks (job_id) WHERE job_id IS NOT NULL;

ALTER TABLE events
    DROP CONSTRAINT event_entity_is_known,
    ADD CONSTRAINT event_entity_is_known
        CHECK (entity IN ('project', 'job', 'queue', 'worker', 'limit', 'schema', 'schedule'));

INSERT INTO retention (class) VALUES ('ticks');
