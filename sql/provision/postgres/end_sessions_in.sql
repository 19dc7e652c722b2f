-- End the sessions in a database that this admin may end.
-- $1 database
SELECT count(pg_terminate_backend(s.pid)) AS ended FROM pg_stat_activity s
WHERE s.datname = $1::text AND s.usesysid IS NOT NULL AND s.backend_type <> 'parallel worker'
  AND (pg_has_role(s.usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER') AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = s.usesysid))
