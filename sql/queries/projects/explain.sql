-- Explain the state of a project: its unfinished job, if any, and what that job waits for.
-- $1 project  $2 max age of a worker's heartbeat (s)
SELECT p.id, p.name, p.status, p.error_reason, p.template, p.template_version, p.source_id, p.was_ready, p.parameters::text AS parameters,
       p.labels::text AS labels, p.version, p.operation, p.failure::text AS failure, p.is_protected, p.stop_request,
       p.tenant, p.queue, p.priority, p.operation_deadline, p.expires_at, p.delete_after,
       project_conditions(p.id) AS conditions, p.observed_at, p.requested_at, p.deadline_at, p.created_at, p.updated_at,
       clock_timestamp() AS at,
       EXISTS (SELECT FROM processes r WHERE r.seen_at > clock_timestamp() - interval '35 s' AND 'scheduler' = ANY (r.roles)) AS has_scheduler,
       j.id AS job_id, j.kind, j.queue AS job_queue, j.state, j.run_at, j.attempt, j.failures, j.max_attempts, j.execution_id,
       j.worker_id, j.lease_until, j.error, x.claimed_at,
       (SELECT count(*) FROM jobs o
         WHERE o.queue = j.queue AND o.state IN ('queued', 'scheduled', 'retrying') AND o.run_at <= clock_timestamp()
           AND (-o.priority, o.run_at, o.id) < (-j.priority, j.run_at, j.id)) AS ahead,
       (SELECT count(*) FROM workers w
         WHERE w.state = 'online' AND NOT w.stopping AND w.seen_at > clock_timestamp() - $2::float8 * interval '1 second'
           AND j.kind = ANY (w.kinds) AND ('*' = ANY (w.queues) OR j.queue = ANY (w.queues))) AS workers,
       (SELECT coalesce(sum(w.slots - w.busy), 0)::bigint FROM workers w
         WHERE w.state = 'online' AND NOT w.stopping AND w.seen_at > clock_timestamp() - $2::float8 * interval '1 second'
           AND j.kind = ANY (w.kinds) AND ('*' = ANY (w.queues) OR j.queue = ANY (w.queues))) AS free_slots
FROM projects p
LEFT JOIN jobs j ON j.project_id = p.id AND j.state NOT IN ('completed', 'failed', 'canceled', 'superseded')
LEFT JOIN executions x ON x.job_id = j.id AND x.id = j.execution_id AND x.ended_at IS NULL
WHERE p.id = $1
