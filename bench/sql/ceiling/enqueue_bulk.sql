-- A thousand jobs with their events.
WITH job AS (
    INSERT INTO ceiling.jobs_live (id, state, kind, queue, payload)
    SELECT ceiling.next_id(), 'queued', 'bench', 'bench', '{"i":1}' FROM generate_series(1, 1000)
    RETURNING id
)
INSERT INTO ceiling.events (entity, entity_id, previous_state, new_state, actor, job_id)
SELECT 'job', id, 'none', 'queued', 'bench', id FROM job;
