-- End the sessions in a database that this admin may end, and of those that wait to connect all but as many as the database allows: each
-- takes a connection of the cluster.
-- $1 database
WITH source AS MATERIALIZED (
    SELECT d.oid, d.datconnlimit FROM pg_database d WHERE d.datname = $1::text
), inside AS (
    SELECT s.pid FROM pg_stat_activity s
    WHERE s.datname = $1 AND s.usesysid IS NOT NULL AND s.backend_type <> 'parallel worker'
      AND (pg_has_role(s.usesysid, 'MEMBER') OR pg_has_role('pg_signal_backend', 'MEMBER') AND NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = s.usesysid))
), waiting AS (
    SELECT l.pid, row_number() OVER (ORDER BY l.waitstart, l.pid) AS place
    FROM pg_locks l JOIN source ON source.oid = l.objid
    WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.mode = 'RowExclusiveLock' AND NOT l.granted
)
SELECT count(pg_terminate_backend(pid)) AS ended FROM (
    SELECT pid FROM inside
    UNION SELECT w.pid FROM waiting w CROSS JOIN source WHERE source.datconnlimit >= 0 AND w.place > source.datconnlimit
) AS s
