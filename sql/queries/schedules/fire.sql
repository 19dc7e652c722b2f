-- Its time has come, or somebody asks for it: move the schedule on, record what becomes of each due time, and start the work.
-- One statement, so all of it or nothing; from the turn that was seen, so that of all who try, one does it. Nobody waits
-- here: a schedule that somebody else holds is theirs.
-- $1 schedule  $2 the turn that was seen  $3 cause  $4 starts (JSON: due_at, job_id or workflow_id, project_id, name, and the steps of the
-- workflow as in jobs/enqueue)  $5 jobs (JSON, as in jobs/enqueue)
-- $6 first that was missed, or null  $7 last  $8 how many  $9 why nothing of them is started
-- $10 next due time or null (when it is due)  $11 actor  $12 reason or null  $13 request id  $14 a project's deadline (s)
-- $15 a project's max attempts  $16 ring?
WITH seen AS MATERIALIZED (
    SELECT * FROM schedules WHERE id = $1 AND turn = $2 AND ($3::text <> 'due' OR state = 'enabled') FOR UPDATE SKIP LOCKED
), project AS MATERIALIZED (
    -- Locked, so that it is still there and in this state when its operation begins.
    SELECT p.id, p.status FROM seen JOIN projects p ON p.id = (seen.spec ->> 'project_id')::uuid WHERE seen.target = 'project' FOR UPDATE OF p
), running AS MATERIALIZED (
    -- Of either kind, as it may have started something else before it was edited.
    SELECT found.it FROM seen
    CROSS JOIN LATERAL (
        WITH latest AS (
            SELECT t.job_id, t.workflow_id FROM ticks t WHERE t.schedule_id = seen.id AND t.outcome = 'fired' ORDER BY t.id DESC LIMIT 100
        )
        SELECT format('job %s', j.id) AS it FROM latest JOIN jobs j ON j.id = latest.job_id
        WHERE j.state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
        UNION ALL
        SELECT format('workflow %s', w.id) FROM latest JOIN workflows w ON w.id = latest.workflow_id WHERE w.state = 'running'
        LIMIT 1
    ) AS found
    WHERE seen.overlap = 'skip' AND $3 = 'due'
), shut AS MATERIALIZED (
    -- Of a workflow all starts or nothing, so one queue that takes nothing is enough.
    SELECT q.name FROM seen JOIN queues q ON q.state = 'draining' AND q.name IN (
        SELECT CASE seen.target WHEN 'job' THEN coalesce(seen.spec ->> 'queue', 'default') ELSE 'default' END WHERE seen.target <> 'workflow'
        UNION ALL SELECT step -> 'job' ->> 'queue' FROM json_array_elements(seen.spec -> 'steps') AS step WHERE seen.target = 'workflow')
    ORDER BY q.name LIMIT 1
), wished AS (
    SELECT w.*, row_number() OVER (ORDER BY w.due_at) AS nth
    FROM json_to_recordset($4::text::json) AS w (due_at timestamptz, job_id uuid, workflow_id uuid, project_id uuid, name text, steps json)
    -- A due time that has started something is over; only a clock that ran backwards, or a backfill, comes to it again.
    WHERE NOT EXISTS (SELECT FROM ticks t WHERE t.schedule_id = $1 AND t.due_at = w.due_at AND t.outcome = 'fired')
), judged AS MATERIALIZED (
    SELECT w.*, CASE
        WHEN EXISTS (SELECT FROM running) THEN format('the %s that it started before is not finished', (SELECT it FROM running))
        WHEN $3 = 'due' AND seen.overlap = 'skip' AND w.nth > 1 THEN 'what it starts at an earlier due time is not finished'
        WHEN EXISTS (SELECT FROM shut) THEN format('the queue %s is draining and takes no new jobs', (SELECT name FROM shut))
        WHEN seen.target <> 'project' OR seen.spec ->> 'action' = 'create' THEN NULL
        WHEN NOT EXISTS (SELECT FROM project) THEN 'there is no such project'
        WHEN w.nth > 1 THEN 'the project is moved already'
        WHEN (SELECT status FROM project) <> ALL (CASE seen.spec ->> 'action' WHEN 'retry' THEN '{failed}' ELSE '{ready,failed}' END::text[])
            THEN format('the project is %s', (SELECT status FROM project))
    END AS refusal
    FROM wished w CROSS JOIN seen
), started AS (
    INSERT INTO ticks (schedule_id, due_at, since, cause, outcome, reason, job_id, workflow_id, project_id, actor)
    SELECT $1, due_at, due_at, $3, 'fired', $12::text, job_id, workflow_id, project_id, $11::text FROM judged WHERE refusal IS NULL ORDER BY due_at
    ON CONFLICT (schedule_id, due_at) WHERE outcome = 'fired' DO NOTHING
    RETURNING due_at, job_id, workflow_id, project_id
), left_out AS (
    INSERT INTO ticks (schedule_id, due_at, since, cause, outcome, reason, actor)
    SELECT $1, due_at, due_at, $3, 'skipped', refusal, $11 FROM judged WHERE refusal IS NOT NULL ORDER BY due_at
    RETURNING 1
), missed AS (
    INSERT INTO ticks (schedule_id, due_at, since, n, cause, outcome, reason, actor)
    SELECT $1, $7::timestamptz, $6::timestamptz, $8::bigint, $3, 'skipped', $9::text, $11 FROM seen WHERE $6 IS NOT NULL
    RETURNING 1
), moved AS (
    UPDATE schedules s
    SET turn = s.turn + 1, next_at = CASE $3 WHEN 'due' THEN $10::timestamptz ELSE s.next_at END,
        last_at = greatest(s.last_at, (SELECT max(due_at) FROM started))
    FROM seen WHERE s.id = seen.id
    RETURNING s.id
), enqueued AS (
    SELECT e.job_id FROM seen CROSS JOIN LATERAL enqueue_jobs(
        (SELECT json_agg(w) FROM json_array_elements($5::text::json) AS w WHERE (w ->> 'id')::uuid IN (SELECT job_id FROM started)),
        $11, $13::text, $16::boolean) AS e
    WHERE seen.target = 'job'
), arranged AS (
    SELECT w.workflow_id FROM started
    JOIN wished USING (due_at)
    CROSS JOIN seen
    CROSS JOIN LATERAL start_workflow(
        started.workflow_id, wished.name, seen.spec ->> 'tenant', wished.steps, $11, $13, $16) AS w
    WHERE seen.target = 'workflow'
), created AS (
    SELECT asked.id FROM started
    JOIN wished USING (due_at)
    CROSS JOIN seen
    CROSS JOIN LATERAL ask_for_project(
        started.project_id, started.job_id, wished.name, seen.spec ->> 'template', seen.spec ->> 'parameters', seen.spec ->> 'labels',
        $14::float8, $15::integer, $11, $13, $16, NULL, NULL) AS asked
    WHERE seen.target = 'project' AND seen.spec ->> 'action' = 'create'
), operated AS (
    SELECT o.moved FROM started CROSS JOIN seen CROSS JOIN LATERAL begin_operation(
        seen.spec ->> 'action', started.project_id, started.job_id, $14, $15, $11, $12, $13, $16, NULL) AS o
    WHERE seen.target = 'project' AND seen.spec ->> 'action' <> 'create'
)
-- What nobody reads is not run: whoever counts what was begun, begins it.
SELECT (SELECT count(*) FROM started) AS started, (SELECT count(*) FROM left_out) AS left_out,
       (SELECT count(*) FROM enqueued) + (SELECT count(*) FROM arranged) + (SELECT count(*) FROM created) + (SELECT count(*) FROM operated) AS begun
FROM moved
