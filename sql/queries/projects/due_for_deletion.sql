-- List the projects whose grace time is over or that have expired, with the limits of their removal. A draining queue accepts no jobs, so its
-- projects wait.
-- $1 max rows  $2 default timeout (s)  $3 default max attempts
SELECT p.id, p.status = 'pending_deletion' AS is_removal,
       coalesce((t.definition #>> '{operations,delete,deadline_s}')::float8, $2) AS timeout,
       coalesce((t.definition #>> '{operations,delete,max_attempts}')::integer, $3) AS max_attempts
FROM projects p LEFT JOIN templates t ON t.name = p.template AND t.version = p.template_version
WHERE (p.delete_after < clock_timestamp() AND p.status = 'pending_deletion'
       OR p.expires_at < clock_timestamp() AND provost.may_expire(p.status, p.is_protected, p.stop_request))
  AND NOT EXISTS (SELECT FROM queues q WHERE q.name = p.queue AND q.state = 'draining')
ORDER BY coalesce(p.delete_after, p.expires_at)
LIMIT $1
