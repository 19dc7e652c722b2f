-- Extend the leases of active attempts. Attempts without a result row have lost their lease; those with `canceled` should stop.
-- Locks the jobs in order of their ids.
-- $1 jobs  $2 their executions, in the same order  $3 lease (s)  $4 progress (0 to 1)
-- $5 progress text, null to keep the last one
WITH requested AS MATERIALIZED (
    SELECT job_id, execution_id, fraction, text
    FROM unnest($1::uuid[], $2::uuid[], $4::float8[], $5::text[]) WITH ORDINALITY AS r (job_id, execution_id, fraction, text, ordinal)
    -- Always true, see jobs/settle.
    WHERE ordinal BETWEEN 1 AND cardinality($1)
), held_jobs AS MATERIALIZED (
    SELECT j.id, requested.fraction, requested.text
    FROM requested JOIN jobs j ON j.id = requested.job_id AND j.execution_id = requested.execution_id
    WHERE j.state = 'active'
    ORDER BY j.id FOR NO KEY UPDATE OF j
)
UPDATE jobs j
SET lease_until = clock_timestamp() + $3::float8 * interval '1 second',
    progress_fraction = CASE WHEN held_jobs.text IS NULL THEN j.progress_fraction ELSE held_jobs.fraction END,
    progress_text = coalesce(held_jobs.text, j.progress_text)
FROM held_jobs
WHERE j.id = held_jobs.id AND j.state = 'active'
RETURNING j.execution_id, j.cancel_requested_at IS NOT NULL AS canceled, j.cancel_reason
