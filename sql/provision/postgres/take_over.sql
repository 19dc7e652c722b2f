-- End the session that holds the lock of a project: an earlier attempt, whose statement may still run although its client is gone.
-- Waits until the session has ended.
-- $1 key
SELECT coalesce(bool_and(pg_terminate_backend(l.pid, 5000)), true) AS ended
FROM pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = $1::bigint
