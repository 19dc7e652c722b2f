-- I am still at work on these: extend the leases that are still mine. What does not come back is lost; what comes back
-- with `canceled` should stop.
-- $1 jobs  $2 their executions, in the same order  $3 lease (s)  $4 how far each is  $5 and in words, null where nothing was said
WITH asked AS MATERIALIZED (
    SELECT job_id, execution_id, fraction, words
    FROM unnest($1::uuid[], $2::uuid[], $4::float8[], $5::text[]) WITH ORDINALITY AS held (job_id, execution_id, fraction, words, place)
    -- Always so; see jobs/settle.
    WHERE place BETWEEN 1 AND cardinality($1)
), mine AS MATERIALIZED (
    SELECT j.id, asked.fraction, asked.words
    FROM asked JOIN jobs j ON j.id = asked.job_id AND j.execution_id = asked.execution_id
    WHERE j.state = 'active'
    ORDER BY j.id FOR NO KEY UPDATE OF j
)
UPDATE jobs j
SET lease_until = clock_timestamp() + $3::float8 * interval '1 second',
    progress_fraction = CASE WHEN mine.words IS NULL THEN j.progress_fraction ELSE mine.fraction END,
    progress_text = coalesce(mine.words, j.progress_text)
FROM mine
WHERE j.id = mine.id AND j.state = 'active'
RETURNING j.execution_id, j.cancel_requested_at IS NOT NULL AS canceled, j.cancel_reason
