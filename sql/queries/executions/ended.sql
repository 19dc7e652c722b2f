-- How did this execution end, who had it, and where is its job now? Whoever does not know the job is answered for what ended in the last
-- minutes: nobody sends an answer again for longer, and to look through all of them would take too long.
-- $1 execution  $2 its job, or null
SELECT x.worker_id, x.outcome, (SELECT j.state FROM jobs j WHERE j.id = x.job_id) AS state
FROM (
    SELECT job_id, worker_id, outcome FROM past_executions WHERE job_id = $2::uuid AND id = $1::uuid
    UNION ALL
    SELECT job_id, worker_id, outcome FROM past_executions
    WHERE $2 IS NULL AND id = $1 AND ended_at > (SELECT clock_timestamp()) - interval '5 minutes'
) AS x
LIMIT 1
