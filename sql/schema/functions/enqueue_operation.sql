-- Enqueues the job of an operation on this project, and records the event of the job. Returns the id of the job.
CREATE OR REPLACE FUNCTION enqueue_operation(
    project projects, new_job_id uuid, job_kind text, max_attempts integer, actor text, request_id text, at timestamptz
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
WITH known AS (
    -- What earlier operations have recorded, such as the identity of the cluster; the last successful one counts first.
    SELECT DISTINCT ON (name) name, value
    FROM (SELECT o.name, o.value, 0 AS place, NULL::uuid AS job_id FROM outputs o WHERE o.project_id = project.id
          UNION ALL SELECT o.key, o.value, 1, s.job_id FROM steps s CROSS JOIN LATERAL json_each(s.output) AS o WHERE s.project_id = project.id) AS k
    ORDER BY name, place, job_id DESC
), enqueued AS (
    INSERT INTO jobs (id, state, kind, queue, tenant, priority, run_at, payload, project_id, max_attempts, created_at, updated_at)
    SELECT new_job_id, 'queued', job_kind, project.queue, project.tenant, project.priority, at,
           json_build_object('project_id', project.id, 'installation', (SELECT i.id FROM installation i), 'name', project.name, 'labels', project.labels, 'template', project.template,
                             'template_version', project.template_version, 'provisioner', coalesce(t.provisioner, project.template),
                             'settings', coalesce(t.settings, '{}'), 'parameters', project.parameters,
                             'known', (SELECT json_object_agg(k.name, k.value) FROM known k)),
           project.id, max_attempts, at, at
    FROM (SELECT) AS one LEFT JOIN templates t ON t.name = project.template AND t.version = project.template_version
    RETURNING id
), used AS (
    INSERT INTO queues (name, actor) SELECT project.queue, actor WHERE NOT EXISTS (SELECT FROM queues q WHERE q.name = project.queue)
    ON CONFLICT DO NOTHING
    RETURNING name, state
), recorded_queue AS (
    INSERT INTO events (entity, entity_name, previous_state, new_state, reason, actor, request_id)
    SELECT 'queue', name, 'none', state, 'first use', actor, request_id FROM used
)
INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
SELECT 'job', enqueued.id, 'none', 'queued', actor, enqueued.id, request_id, at FROM enqueued
RETURNING entity_id
$$;
