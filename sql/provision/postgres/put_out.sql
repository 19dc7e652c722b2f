-- End the sessions of credentials, and wait until they have ended.
-- $1 names of the credentials
SELECT coalesce(bool_and(pg_terminate_backend(s.pid, 5000)), true) AS ended FROM pg_stat_activity s WHERE s.usename = ANY ($1::text[])
