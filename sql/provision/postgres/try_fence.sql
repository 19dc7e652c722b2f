-- Try to take the lock of a project in this session. Its holder is the only one that changes what belongs to the project.
-- $1 key
SELECT pg_try_advisory_lock($1::bigint) AS acquired
