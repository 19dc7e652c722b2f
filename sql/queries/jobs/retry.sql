-- Retry jobs now. A dead letter is replayed: the same job is queued with its failures reset, optionally with another payload,
-- kind, queue or priority. A scheduled or retrying job becomes due. Jobs of projects are not retried: retry the project instead.
-- Locks the jobs in order of their ids.
-- $1 jobs  $2 actor  $3 reason or null  $4 request id  $5 notify?  $6 new payload  $7 new kind  $8 new queue  $9 new priority,
-- each null to keep  $10 only dead letters?
WITH locked AS MATERIALIZED (
    SELECT id, state, kind, queue, priority, payload, project_id, pending_dependencies FROM jobs WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE
), changed AS (
    UPDATE jobs j
    -- A job that failed while it was blocked is blocked again.
    SET state = CASE WHEN locked.pending_dependencies > 0 THEN 'blocked' ELSE 'queued' END, run_at = at, updated_at = at, finished_at = NULL,
        failures = CASE locked.state WHEN 'failed' THEN 0 ELSE j.failures END,
        replays = j.replays + (locked.state = 'failed')::integer,
        replayed_at = CASE locked.state WHEN 'failed' THEN at ELSE j.replayed_at END,
        deadline_at = CASE locked.state WHEN 'failed' THEN NULL ELSE j.deadline_at END,
        payload = coalesce($6::text::json, j.payload), kind = coalesce($7::text, j.kind), queue = coalesce($8::text, j.queue),
        priority = coalesce($9::smallint, j.priority)
    FROM locked, clock_timestamp() AS at
    WHERE j.id = locked.id AND locked.project_id IS NULL
      AND (locked.state = 'failed' OR NOT $10::boolean AND locked.state IN ('scheduled', 'retrying'))
      AND NOT (locked.pending_dependencies > 0 AND EXISTS (SELECT FROM job_dependencies e WHERE e.job_id = j.id AND cancels_dependent(e.policy, e.outcome)))
    RETURNING j.id, locked.state AS previous_state, j.state, j.kind, j.queue, j.priority, j.payload, j.updated_at
), recorded AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, reason, actor, job_id, request_id, occurred_at, detail)
    SELECT 'job', m.id, m.previous_state, m.state, $3::text, $2::text, m.id, $4::text, m.updated_at,
           CASE WHEN coalesce($6, $7, $8, $9::text) IS NOT NULL THEN json_build_object(
               'before', json_build_object('kind', f.kind, 'queue', f.queue, 'priority', f.priority, 'payload', f.payload),
               'after', json_build_object('kind', m.kind, 'queue', m.queue, 'priority', m.priority, 'payload', m.payload)) END
    FROM changed m JOIN locked f USING (id)
), inserted AS (
    INSERT INTO queues (name, actor)
    SELECT $8, $2 WHERE $8 IS NOT NULL AND EXISTS (SELECT FROM changed) AND NOT EXISTS (SELECT FROM queues q WHERE q.name = $8)
    ON CONFLICT DO NOTHING
    RETURNING name, state
), recorded_queue AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'queue', name, 'none', state, 'first use', $2, $4 FROM inserted
), notified AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM changed) AS q WHERE $5::boolean
)
SELECT locked.id, locked.state AS previous_state, locked.project_id IS NOT NULL AS of_project, changed.id IS NOT NULL AS changed,
       changed.id IS NULL AND locked.state = 'failed' AND locked.pending_dependencies > 0 AS is_unsatisfiable, (SELECT count(*) FROM notified) AS notified
FROM locked LEFT JOIN changed USING (id)
ORDER BY locked.id
