-- List the projects whose grace time is over or that have expired, with the limits of their removal.
-- $1 max rows  $2 default timeout (s)  $3 default max attempts
SELECT p.id, p.status = 'pending_deletion' AS is_removal,
       coalesce((t.definition #>> '{operations,delete,deadline_s}')::float8, $2) AS timeout,
       coalesce((t.definition #>> '{operations,delete,max_attempts}')::integer, $3) AS max_attempts
FROM projects p LEFT JOIN templates t ON t.name = p.template AND t.version = p.template_version
WHERE p.delete_after < clock_timestamp() AND p.status = 'pending_deletion'
   OR p.expires_at < clock_timestamp() AND p.status NOT IN ('deleting', 'pending_deletion', 'restoring', 'deleted')
      AND NOT p.is_protected AND p.stop_request IS DISTINCT FROM 'delete'
LIMIT $1
