-- Find how an attempt ended, who ran it, and the current state of its job. Without a job id only the last five minutes are
-- searched: clients do not repeat a request for longer, and a search of the whole history would be slow.
-- $1 execution  $2 its job, or null
SELECT x.worker_id, x.outcome, (SELECT j.state FROM jobs j WHERE j.id = x.job_id) AS state
FROM (
    SELECT job_id, worker_id, outcome FROM past_executions WHERE job_id = $2::uuid AND id = $1::uuid
    UNION ALL
    SELECT job_id, worker_id, outcome FROM past_executions
    WHERE $2 IS NULL AND id = $1 AND ended_at > (SELECT clock_timestamp()) - interval '5 minutes'
) AS x
LIMIT 1
