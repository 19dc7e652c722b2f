-- A project, its first job, and the events of both.
WITH project AS (
    INSERT INTO ceiling.projects (id, status, name, template, parameters, labels, deadline_at)
    VALUES (ceiling.next_id(), 'creating', 'bench', 'simulated', '{}', '{}', clock_timestamp() + interval '10 minutes')
    RETURNING id
), job AS (
    INSERT INTO ceiling.jobs_live (id, state, kind, queue, payload, project_id)
    SELECT ceiling.next_id(), 'queued', 'project.provision', 'default', '{}', id FROM project
    RETURNING id
)
INSERT INTO ceiling.events (entity, entity_id, previous_state, new_state, actor, job_id)
SELECT 'project', project.id, 'none', 'creating', 'bench', job.id FROM project, job
UNION ALL SELECT 'job', id, 'none', 'queued', 'bench', id FROM job;
