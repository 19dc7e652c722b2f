-- Claim up to 500 jobs, then complete them: two transactions.
WITH picked AS MATERIALIZED (
    SELECT id FROM ceiling.jobs_live
    WHERE queue = 'bench' AND priority = 5 AND kind = 'bench' AND tenant = 'default' AND state IN ('queued', 'scheduled', 'retrying')
    ORDER BY run_at, id LIMIT 500 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE ceiling.jobs_live j
    SET state = 'active', attempt = attempt + 1, execution_id = gen_random_uuid(), worker_id = 'client-' || :client_id,
        claimed_at = clock_timestamp(), lease_until = clock_timestamp() + interval '30 seconds', updated_at = clock_timestamp()
    FROM picked WHERE j.id = picked.id
    RETURNING j.*
)
INSERT INTO ceiling.events (entity, entity_id, previous_state, new_state, actor, job_id, execution_id)
SELECT 'job', id, 'queued', 'active', worker_id, id, execution_id FROM claimed;

WITH done AS (
    DELETE FROM ceiling.jobs_live WHERE worker_id IS NOT NULL AND worker_id = 'client-' || :client_id RETURNING *
), moved AS (
    INSERT INTO ceiling.jobs_finished (id, state, kind, queue, tenant, priority, attempt, run_at, created_at, updated_at, payload, execution_id, finished_at)
    SELECT id, 'completed', kind, queue, tenant, priority, attempt, run_at, created_at, clock_timestamp(), payload, execution_id, clock_timestamp()
    FROM done
), ended AS (
    INSERT INTO ceiling.executions (id, job_id, attempt, worker_id, kind, queue, due_at, claimed_at, ended_at, outcome)
    SELECT execution_id, id, attempt, worker_id, kind, queue, run_at, claimed_at, clock_timestamp(), 'completed' FROM done
)
INSERT INTO ceiling.events (entity, entity_id, previous_state, new_state, actor, job_id, execution_id)
SELECT 'job', id, 'active', 'completed', worker_id, id, execution_id FROM done;
