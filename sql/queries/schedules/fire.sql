-- Fire a schedule: advance it, record a tick for each due time, and start the work, all in one statement.
-- $1 schedule  $2 expected revision  $3 cause  $4 starts (JSON: due_at, job_id or workflow_id, project_id, name, and the steps of
-- the workflow as in jobs/enqueue)  $5 jobs (JSON, as in jobs/enqueue)
-- $6 first missed due time, or null  $7 last missed due time  $8 their number  $9 why they are not started
-- $10 next due time or null (for cause due)  $11 actor  $12 reason or null  $13 request id  $14 deadline of a project (s)
-- $15 max attempts of a project's job  $16 notify?
--
-- The expected revision and the row lock ensure that one of several processes fires; SKIP LOCKED makes the others return
-- nothing without waiting. A start that is not possible is recorded as a skipped tick with its reason.
-- Locks: the schedule, then the project. Output: one row, or none if the schedule has changed or is locked.
WITH schedule AS MATERIALIZED (
    SELECT * FROM schedules WHERE id = $1 AND revision = $2 AND ($3::text <> 'due' OR state = 'enabled') FOR UPDATE SKIP LOCKED
), project AS MATERIALIZED (
    -- The lock keeps the project and its status until its operation begins.
    SELECT p.id, p.status FROM schedule JOIN projects p ON p.id = (schedule.spec ->> 'project_id')::uuid WHERE schedule.target = 'project' FOR UPDATE OF p
), running AS MATERIALIZED (
    -- Jobs and workflows, because an edit may have changed the target.
    SELECT unfinished.subject FROM schedule
    CROSS JOIN LATERAL (
        WITH latest AS (
            SELECT t.job_id, t.workflow_id FROM ticks t WHERE t.schedule_id = schedule.id AND t.outcome = 'fired' ORDER BY t.id DESC LIMIT 100
        )
        SELECT format('job %s', j.id) AS subject FROM latest JOIN jobs j ON j.id = latest.job_id
        WHERE j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
        UNION ALL
        SELECT format('workflow %s', w.id) FROM latest JOIN workflows w ON w.id = latest.workflow_id WHERE w.state = 'running'
        LIMIT 1
    ) AS unfinished
    WHERE schedule.overlap = 'skip' AND $3 = 'due'
), draining AS MATERIALIZED (
    -- A workflow starts as a whole, so one draining queue is enough to skip it.
    SELECT q.name FROM schedule JOIN queues q ON q.state = 'draining' AND q.name IN (
        SELECT CASE schedule.target WHEN 'job' THEN coalesce(schedule.spec ->> 'queue', 'default') ELSE 'default' END WHERE schedule.target <> 'workflow'
        UNION ALL SELECT step -> 'job' ->> 'queue' FROM json_array_elements(schedule.spec -> 'steps') AS step WHERE schedule.target = 'workflow')
    ORDER BY q.name LIMIT 1
), starts AS (
    SELECT w.*, row_number() OVER (ORDER BY w.due_at) AS ordinal
    FROM json_to_recordset($4::text::json) AS w (due_at timestamptz, job_id uuid, workflow_id uuid, project_id uuid, name text, steps json)
    -- Due times that have already fired, which a backfill or a clock that ran backwards repeats, are ignored.
    WHERE NOT EXISTS (SELECT FROM ticks t WHERE t.schedule_id = $1 AND t.due_at = w.due_at AND t.outcome = 'fired')
), checked AS MATERIALIZED (
    SELECT w.*, CASE
        WHEN EXISTS (SELECT FROM running) THEN format('%s, started earlier, is not finished', (SELECT subject FROM running))
        WHEN $3 = 'due' AND schedule.overlap = 'skip' AND w.ordinal > 1 THEN 'the run of an earlier due time is not finished'
        WHEN EXISTS (SELECT FROM draining)
            THEN format('the queue %s is draining and accepts no new jobs', (SELECT name FROM draining))
        WHEN schedule.target <> 'project' OR schedule.spec ->> 'action' = 'create' THEN NULL
        WHEN NOT EXISTS (SELECT FROM project) THEN 'the project does not exist'
        WHEN w.ordinal > 1 THEN 'the project already has a new operation'
        WHEN (SELECT status FROM project) <> ALL (CASE schedule.spec ->> 'action' WHEN 'retry' THEN '{failed}' ELSE '{ready,failed}' END::text[])
            THEN format('the project is %s', (SELECT status FROM project))
    END AS refusal
    FROM starts w CROSS JOIN schedule
), started AS (
    INSERT INTO ticks (schedule_id, due_at, since, cause, outcome, reason, job_id, workflow_id, project_id, actor)
    SELECT $1, due_at, due_at, $3, 'fired', $12::text, job_id, workflow_id, project_id, $11::text FROM checked WHERE refusal IS NULL ORDER BY due_at
    ON CONFLICT (schedule_id, due_at) WHERE outcome = 'fired' DO NOTHING
    RETURNING due_at, job_id, workflow_id, project_id
), skipped AS (
    INSERT INTO ticks (schedule_id, due_at, since, cause, outcome, reason, actor)
    SELECT $1, due_at, due_at, $3, 'skipped', refusal, $11 FROM checked WHERE refusal IS NOT NULL ORDER BY due_at
    RETURNING 1
), missed AS (
    INSERT INTO ticks (schedule_id, due_at, since, n, cause, outcome, reason, actor)
    SELECT $1, $7::timestamptz, $6::timestamptz, $8::bigint, $3, 'skipped', $9::text, $11 FROM schedule WHERE $6 IS NOT NULL
    RETURNING 1
), changed AS (
    UPDATE schedules s
    SET revision = s.revision + 1, next_at = CASE $3 WHEN 'due' THEN $10::timestamptz ELSE s.next_at END,
        last_at = greatest(s.last_at, (SELECT max(due_at) FROM started))
    FROM schedule WHERE s.id = schedule.id
    RETURNING s.id
), enqueued_jobs AS (
    SELECT e.job_id FROM schedule CROSS JOIN LATERAL enqueue_jobs(
        (SELECT json_agg(w) FROM json_array_elements($5::text::json) AS w WHERE (w ->> 'id')::uuid IN (SELECT job_id FROM started)),
        $11, $13::text, $16::boolean) AS e
    WHERE schedule.target = 'job'
), started_workflows AS (
    SELECT w.workflow_id FROM started
    JOIN starts USING (due_at)
    CROSS JOIN schedule
    CROSS JOIN LATERAL start_workflow(
        started.workflow_id, starts.name, schedule.spec ->> 'tenant', starts.steps, $11, $13, $16) AS w
    WHERE schedule.target = 'workflow'
), created_projects AS (
    SELECT (p.project).id FROM started
    JOIN starts USING (due_at)
    CROSS JOIN schedule
    CROSS JOIN LATERAL submit_project(
        started.project_id, started.job_id, starts.name, schedule.spec ->> 'template', schedule.spec ->> 'parameters', schedule.spec ->> 'labels',
        'default', NULL, 5::smallint, NULL, $14::float8, NULL, $15::integer, $11, $13, $16, NULL, NULL) AS p
    WHERE schedule.target = 'project' AND schedule.spec ->> 'action' = 'create'
), project_operations AS (
    SELECT o.outcome FROM started CROSS JOIN schedule CROSS JOIN LATERAL begin_project_operation(
        schedule.spec ->> 'action', started.project_id, started.job_id, $14, $15, $11, $12, $13, $16, NULL) AS o
    WHERE schedule.target = 'project' AND schedule.spec ->> 'action' <> 'create'
)
-- PostgreSQL runs a SELECT in a WITH clause only if its rows are read, hence the counts.
SELECT (SELECT count(*) FROM started) AS started, (SELECT count(*) FROM skipped) AS skipped,
       (SELECT count(*) FROM enqueued_jobs) + (SELECT count(*) FROM started_workflows) + (SELECT count(*) FROM created_projects) + (SELECT count(*) FROM project_operations) AS side_effects
FROM changed
