-- Enqueues the job of an operation on this project, and records the event of the job. Returns the id of the job.
CREATE OR REPLACE FUNCTION enqueue_operation(
    project projects, new_job_id uuid, job_kind text, max_attempts integer, actor text, request_id text, at timestamptz
) RETURNS uuid LANGUAGE sql SET search_path = provost, pg_temp AS $$
WITH enqueued AS (
    INSERT INTO jobs (id, state, kind, run_at, payload, project_id, max_attempts, created_at, updated_at)
    SELECT new_job_id, 'queued', job_kind, at,
           json_build_object('project_id', project.id, 'installation', (SELECT i.id FROM installation i), 'name', project.name, 'labels', project.labels, 'template', project.template,
                             'template_version', project.template_version, 'provisioner', coalesce(t.provisioner, project.template),
                             'settings', coalesce(t.settings, '{}'), 'parameters', project.parameters),
           project.id, coalesce(max_attempts, 3), at, at
    FROM (SELECT) AS one LEFT JOIN templates t ON t.name = project.template AND t.version = project.template_version
    RETURNING id
)
INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, request_id, occurred_at)
SELECT 'job', enqueued.id, 'none', 'queued', actor, enqueued.id, request_id, at FROM enqueued
RETURNING entity_id
$$;
