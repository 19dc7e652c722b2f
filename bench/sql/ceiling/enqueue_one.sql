-- One job with its event: one statement, one transaction.
WITH job AS (
    INSERT INTO ceiling.jobs_live (id, state, kind, queue, payload)
    VALUES (ceiling.next_id(), 'queued', 'bench', 'bench', '{"i":1}')
    RETURNING id
)
INSERT INTO ceiling.events (entity, entity_id, previous_state, new_state, actor, job_id)
SELECT 'job', id, 'none', 'queued', 'bench', id FROM job;
