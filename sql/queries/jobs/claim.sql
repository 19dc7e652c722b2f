-- Find me work to do: due jobs of my queues and kinds, no more than I have slots for.
-- $1 queues  $2 kinds  $3 worker  $4 fresh execution ids, one for each free slot  $5 lease (s)
-- $6 deadline of a provisioning project (s)  $7 ring?
--
-- The CTE is materialised so that the planner runs its LIMIT once, SKIP LOCKED keeps claimers out of each other's way,
-- and the UPDATE still asks for the state: each of the three alone has failed somebody. A project that somebody
-- else has locked is left for the next time: one locked row must not stop the queue.
WITH due AS MATERIALIZED (
    SELECT id, state, project_id
    FROM jobs
    WHERE queue = ANY ($1::text[]) AND kind = ANY ($2::text[])
      AND state IN ('queued', 'scheduled', 'retrying') AND run_at <= (SELECT clock_timestamp())
    ORDER BY priority, run_at, id
    LIMIT cardinality($4::uuid[])
    FOR UPDATE SKIP LOCKED
), ready AS MATERIALIZED (
    SELECT id FROM projects WHERE id IN (SELECT project_id FROM due) ORDER BY id FOR UPDATE SKIP LOCKED
), numbered AS (
    SELECT id, state, row_number() OVER (ORDER BY id) AS n
    FROM due
    WHERE project_id IS NULL OR project_id IN (SELECT id FROM ready)
), claimed AS (
    UPDATE jobs j
    SET state = 'active', attempt = j.attempt + 1, execution_id = ($4)[numbered.n], worker_id = $3::text,
        lease_until = at + $5::float8 * interval '1 second', updated_at = at
    FROM numbered, clock_timestamp() AS at
    WHERE j.id = numbered.id AND j.state = numbered.state
    RETURNING j.*, numbered.state AS previous_state
), executing AS (
    INSERT INTO executions (id, job_id, attempt, worker_id, claimed_at)
    SELECT execution_id, id, attempt, worker_id, updated_at FROM claimed
), moved AS (
    UPDATE projects p
    SET status = 'provisioning', version = p.version + 1, updated_at = claimed.updated_at,
        deadline_at = claimed.updated_at + $6::float8 * interval '1 second'
    FROM claimed
    WHERE p.id = claimed.project_id AND p.status = 'creating' AND claimed.kind = 'project.provision'
    RETURNING p.id, claimed.id AS job_id, claimed.execution_id, p.updated_at
), told AS (
    INSERT INTO events (entity, entity_id, previous_state, new_state, actor, job_id, execution_id, occurred_at)
    SELECT 'job', id, previous_state, 'active', worker_id, id, execution_id, updated_at FROM claimed
    UNION ALL
    SELECT 'project', id, 'creating', 'provisioning', $3, job_id, execution_id, updated_at FROM moved
), rung AS (
    SELECT pg_notify('provost', queue) FROM (SELECT DISTINCT queue FROM claimed) AS q WHERE $7::boolean
)
SELECT claimed.id, claimed.execution_id, claimed.kind, claimed.queue, claimed.payload::text AS payload,
       claimed.project_id, claimed.attempt, claimed.failures, claimed.max_attempts, claimed.previous_state,
       EXISTS (SELECT FROM moved WHERE moved.job_id = claimed.id) AS project_moved,
       (SELECT count(*) FROM rung) AS rung
FROM claimed
ORDER BY claimed.priority, claimed.run_at, claimed.id
