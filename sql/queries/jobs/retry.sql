-- Try these again, now. A dead letter is replayed: the same job, queued anew with its failures forgiven, perhaps with another
-- payload, kind, queue or priority; what waits for its time is due at once. A project's job is left alone: retry the project.
-- $1 jobs  $2 actor  $3 reason or null  $4 request id  $5 ring?  $6 new payload  $7 new kind  $8 new queue  $9 new priority, each
-- null to keep  $10 only dead letters?
WITH found AS MATERIALIZED (
    SELECT id, state, kind, queue, priority, payload, project_id, waits_for FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
), moved AS (
    UPDATE jobs j
    -- It may have been given up before what it depends on let it go; then it waits for that again.
    SET state = CASE WHEN found.waits_for > 0 THEN 'blocked' ELSE 'queued' END, run_at = at, updated_at = at, finished_at = NULL,
        failures = CASE found.state WHEN 'failed' THEN 0 ELSE j.failures END,
        replays = j.replays + (found.state = 'failed')::integer,
        replayed_at = CASE found.state WHEN 'failed' THEN at ELSE j.replayed_at END,
        deadline_at = CASE found.state WHEN 'failed' THEN NULL ELSE j.deadline_at END,
        payload = coalesce($6::text::json, j.payload), kind = coalesce($7::text, j.kind), queue = coalesce($8::text, j.queue),
        priority = coalesce($9::smallint, j.priority)
    FROM found, clock_timestamp() AS at
    WHERE j.id = found.id AND found.project_id IS NULL
      AND (found.state = 'failed' OR NOT $10::boolean AND found.state IN ('scheduled', 'retrying'))
      AND NOT (found.waits_for > 0 AND EXISTS (SELECT FROM job_dependencies e WHERE e.job_id = j.id AND dooms(e.policy, e.outcome)))
    RETURNING j.id, found.state AS previous_state, j.state, j.kind, j.queue, j.priority, j.payload, j.updated_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at, detail)
    SELECT 'job', m.id, m.previous_state, m.state, $3::text, $2::text, m.id, $4::text, m.updated_at,
           CASE WHEN coalesce($6, $7, $8, $9::text) IS NOT NULL THEN json_build_object(
               'before', json_build_object('kind', f.kind, 'queue', f.queue, 'priority', f.priority, 'payload', f.payload),
               'after', json_build_object('kind', m.kind, 'queue', m.queue, 'priority', m.priority, 'payload', m.payload)) END
    FROM moved m JOIN found f USING (id)
), born AS (
    INSERT INTO queues (name, actor)
    SELECT $8, $2 WHERE $8 IS NOT NULL AND EXISTS (SELECT FROM moved) AND NOT EXISTS (SELECT FROM queues q WHERE q.name = $8)
    ON CONFLICT DO NOTHING
    RETURNING name, state
), told_of_queue AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'queue', name, 'none', state, 'first use', $2, $4 FROM born
), rung AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM moved) AS q WHERE $5::boolean
)
SELECT found.id, found.state AS was, found.project_id IS NOT NULL AS of_project, moved.id IS NOT NULL AS moved,
       moved.id IS NULL AND found.state = 'failed' AND found.waits_for > 0 AS is_doomed, (SELECT count(*) FROM rung) AS rung
FROM found LEFT JOIN moved USING (id)
ORDER BY found.id
