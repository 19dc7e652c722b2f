-- Enqueues the job of an operation on this project, and records the event of the job. Returns the id of the job.
CREATE OR REPLACE FUNCTION enqueue_operation(
    project projects, new_job_id uuid, job_kind text, max_attempts integer, actor text, request_id text, at timestamptz
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
WITH enqueued AS (
    INSERT INTO jobs (id, state, kind, queue, tenant, priority, run_at, payload, project_id, max_attempts, created_at, updated_at)
    VALUES (new_job_id, 'queued', job_kind, project.queue, project.tenant, project.priority, at, operation_payload(project), project.id,
            max_attempts, at, at)
    RETURNING id, queue
), used AS (
    INSERT INTO queues (name, actor) SELECT project.queue, actor WHERE NOT EXISTS (SELECT FROM queues q WHERE q.name = project.queue)
    ON CONFLICT DO NOTHING
    RETURNING name, state
), recorded_queue AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'queue', name, 'none', state, 'first use', actor, request_id FROM used
), bounded AS (
    -- The first operation in a cluster limits how many run at the same time. Operators can change the limit, or remove it.
    INSERT INTO limits (name, scope, value, mode, amount, tokens, actor)
    SELECT 'queue:' || queue, 'queue', queue, 'concurrency', 4, 0, actor FROM enqueued
    WHERE starts_with(queue, 'cluster:') AND NOT EXISTS (SELECT FROM queues q WHERE q.name = enqueued.queue)
    ON CONFLICT DO NOTHING
    RETURNING name, value, amount
), bounded_event AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, actor, request_id, detail)
    SELECT 'limit', name, 'none', 'enabled', actor, request_id,
           json_build_object('after', json_build_object('scope', 'queue', 'value', value, 'mode', 'concurrency', 'limit', amount)) FROM bounded
)
INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
SELECT 'job', enqueued.id, 'none', 'queued', actor, enqueued.id, request_id, at FROM enqueued
RETURNING entity_id
$$;
