-- Is there anything that the passing of time alone has to move, and when will there be? Asked often, so that the statements
-- that do it run only when there is something to do.
-- $1 grace after a cancel (s)  $2 grace after a timeout (s)
SELECT coalesce(least(lease_until, given_up) < at, false) AS executions, coalesce(project < at, false) AS projects, coalesce(job < at, false) AS jobs, EXISTS (SELECT FROM tellings) AS tellings,
       extract(epoch FROM least(lease_until, given_up, project, job) - at)::float8 AS next
FROM (SELECT clock_timestamp() AS at) AS clock,
     (SELECT min(lease_until) AS lease_until,
             least(min(cancel_requested_at) + $1::float8 * interval '1 second', min(timeout_at) + $2::float8 * interval '1 second') AS given_up
      FROM jobs WHERE state = 'active' AND worker_id IS NOT NULL) AS running,
     (SELECT (SELECT deadline_at FROM projects WHERE deadline_at IS NOT NULL ORDER BY deadline_at LIMIT 1) AS project,
             (SELECT deadline_at FROM jobs
              WHERE deadline_at IS NOT NULL AND state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
              ORDER BY deadline_at LIMIT 1) AS job) AS waiting
