-- Ask for a look at a project, now. Returns its status, or no row without such a project.
-- $1 project
WITH requested AS (
    UPDATE projects p SET observe_after = clock_timestamp() WHERE p.id = $1 AND p.status IN ('ready', 'paused') RETURNING p.id
), notified AS (
    SELECT pg_notify('provost', 'observe') FROM requested
)
SELECT p.status, (SELECT count(*) FROM notified) AS notified FROM projects p WHERE p.id = $1
