-- Take the lock of a project, after its holder was ended.
-- $1 key
SELECT pg_advisory_lock($1::bigint)
