-- Check whether leases, timeouts, deadlines, deletions or releases are due, and when the next one will be. It is cheap and runs often, so
-- that the statements that act run only when there is something to do.
-- $1 grace after a cancel request (s)  $2 grace after a timeout (s)
SELECT coalesce(least(lease_until, abandoned_at) < at, false) AS executions, coalesce(project < at, false) AS projects, coalesce(job < at, false) AS jobs, coalesce(deletion < at, false) AS deletions, EXISTS (SELECT FROM pending_releases) AS releases,
       extract(epoch FROM least(lease_until, abandoned_at, project, job, deletion) - at)::float8 AS next_in
FROM (SELECT clock_timestamp() AS at) AS clock,
     (SELECT min(lease_until) AS lease_until,
             least(min(cancel_requested_at) + $1::float8 * interval '1 second', min(timeout_at) + $2::float8 * interval '1 second') AS abandoned_at
      FROM jobs WHERE state = 'active' AND worker_id IS NOT NULL) AS running,
     (SELECT least((SELECT min(delete_after) FROM projects WHERE delete_after IS NOT NULL AND status = 'pending_deletion'),
                   (SELECT expires_at - interval '24 hours' FROM projects
                    WHERE expires_at IS NOT NULL AND NOT expiry_announced AND status <> 'deleted' AND provost.may_expire(status, is_protected, stop_request)
                    ORDER BY expires_at LIMIT 1),
                   (SELECT expires_at FROM projects
                    WHERE expires_at IS NOT NULL AND expiry_announced AND status <> 'deleted' AND provost.may_expire(status, is_protected, stop_request)
                    ORDER BY expires_at LIMIT 1)) AS deletion,
             (SELECT deadline_at FROM projects WHERE deadline_at IS NOT NULL ORDER BY deadline_at LIMIT 1) AS project,
             (SELECT deadline_at FROM jobs
              WHERE deadline_at IS NOT NULL AND state IN ('scheduled', 'queued', 'blocked', 'active', 'retrying')
              ORDER BY deadline_at LIMIT 1) AS job) AS waiting
